//! What does Cedar see of a request?

use std::collections::BTreeMap;
use std::str::FromStr as _;

use cedar_policy::{Context, EntityUid, RestrictedExpression, Schema};

use super::values::{self, Reading};
use super::{Atom, Lowering, Projection, Unsupported, pair};
use crate::account::AccountId;
use crate::condition::Condition;
use crate::context::{ConditionKey, Entry, Lookup, Presence, RequestContext, Values};
use crate::principal::Principal;
use crate::request::Request;

/// A request with its derived context.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'r> {
    pub(super) request: &'r Request,
    pub(super) context: &'r RequestContext,
    pub(super) has_boundary: bool,
}

type Fields = BTreeMap<String, RestrictedExpression>;

impl Asked<'_> {
    /// The request in Cedar's terms, with what a translation looks at.
    pub(super) fn to_cedar(
        self,
        lowering: &Lowering,
        schema: &Schema,
        is_key_policy: bool,
    ) -> Result<cedar_policy::Request, Unsupported> {
        let refused = |error: &dyn std::fmt::Display| Unsupported::Cedar(error.to_string());
        let mut keys = Fields::new();
        for (key, projection) in &lowering.projections {
            let values = self.values(&ConditionKey::new(key), is_key_policy);
            if let Some(seen) = values.map(|values| seen(key, values, *projection)).transpose()?.flatten() {
                keys.insert(projection.attribute(key).0, seen);
            }
        }
        let atoms = lowering.atoms.iter().enumerate().map(|(index, (atom, in_key_policy))| {
            (format!("atom{index}"), RestrictedExpression::new_bool(self.holds(atom, *in_key_policy)))
        });
        let pairs = self.request.encryption_context.iter();
        let pairs = pairs.map(|(name, value)| RestrictedExpression::new_string(pair(name, value)));
        let count = i64::try_from(self.request.encryption_context.len()).unwrap_or(i64::MAX);
        let fields = [
            ("action", RestrictedExpression::new_string(self.request.action.as_str().to_ascii_lowercase())),
            ("resource", arn(self.request.resource.arn.as_str()).ok_or_else(|| refused(&"a resource is an ARN"))?),
            ("caller", self.caller()?),
            ("pairs", RestrictedExpression::new_set(pairs)),
            ("pairCount", RestrictedExpression::new_long(count)),
            ("k", record(keys)?),
            ("o", record(atoms.collect())?),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        let context = Context::from_pairs(fields).map_err(|error| refused(&error))?;
        let uid = |text: &str| EntityUid::from_str(text).map_err(|error| refused(&error));
        let (principal, resource) = (uid(r#"Caller::"it""#)?, uid(r#"Thing::"it""#)?);
        let action = uid(r#"Action::"call""#)?;
        cedar_policy::Request::new(principal, action, resource, context, Some(schema)).map_err(|error| refused(&error))
    }

    /// The values of a key; `None` where it is absent, or nobody stated it. Tags and aliases of a key are not seen by
    /// key policies (R6.16).
    fn values(&self, key: &ConditionKey, is_key_policy: bool) -> Option<&Values> {
        if is_key_policy && is_hidden_from_key_policies(key) {
            return None;
        }
        match &self.context.recorded(key)?.presence {
            Presence::Present(values) => Some(values),
            Presence::Absent | Presence::Unstated => None,
        }
    }

    /// The truth of an opaque atom, by the first engine's operators.
    fn holds(&self, atom: &Atom, is_key_policy: bool) -> bool {
        let seen = Seen { context: self.context, is_key_policy };
        match atom {
            Atom::Condition(condition) => Condition::holds(condition, &seen).holds(),
            Atom::Action(pattern) => pattern.value.matches(&self.request.action),
            Atom::Resource(pattern) => pattern.value.matches(&self.request.resource.arn, &seen).holds(),
        }
    }

    fn caller(&self) -> Result<RestrictedExpression, Unsupported> {
        let account = self.request.principal.account();
        let (mut name, mut session, mut user, mut id) = ("", "", String::new(), "");
        let kind = match &self.request.principal {
            Principal::User(identity) => {
                name = &identity.name;
                user = identity.arn("user");
                id = identity.unique_id.as_deref().unwrap_or_default();
                "user"
            }
            Principal::RoleSession { role, session: own } => {
                (name, session) = (&role.name, own);
                id = role.unique_id.as_deref().unwrap_or_default();
                "session"
            }
            Principal::FederatedUser { name: own, user: maker, .. } => {
                name = own;
                user = maker.as_ref().map(|maker| maker.arn("user")).unwrap_or_default();
                id = maker.as_ref().and_then(|maker| maker.unique_id.as_deref()).unwrap_or_default();
                "federated-user"
            }
            Principal::Root { .. } => "root",
            Principal::Service(service) => {
                name = service;
                "service"
            }
            Principal::Federated(provider) => {
                name = provider;
                "provider"
            }
            Principal::Anonymous => "nobody",
        };
        let account = account.as_ref().map(AccountId::as_str).unwrap_or_default();
        let fields =
            [("kind", kind), ("account", account), ("name", name), ("session", session), ("user", &user), ("id", id)];
        let mut record_fields: Fields = fields
            .into_iter()
            .map(|(field, value)| (field.to_owned(), RestrictedExpression::new_string(value.to_owned())))
            .collect();
        record_fields.insert("bounded".to_owned(), RestrictedExpression::new_bool(self.has_boundary));
        record(record_fields)
    }
}

fn is_hidden_from_key_policies(key: &ConditionKey) -> bool {
    key.folded().starts_with("aws:resourcetag/") || key.folded() == "kms:resourcealiases"
}

fn record(fields: Fields) -> Result<RestrictedExpression, Unsupported> {
    RestrictedExpression::new_record(fields).map_err(|error| Unsupported::Cedar(error.to_string()))
}

fn arn(text: &str) -> Option<RestrictedExpression> {
    let names = ["arn", "partition", "service", "region", "account", "resource"];
    let fields = names.into_iter().zip(values::arn(text)?);
    let fields = fields.map(|(name, value)| (name.to_owned(), RestrictedExpression::new_string(value.to_owned())));
    RestrictedExpression::new_record(fields).ok()
}

/// A key's values as a projection shows them; `None` where it shows none.
fn seen(key: &str, values: &Values, projection: Projection) -> Result<Option<RestrictedExpression>, Unsupported> {
    let strings =
        |values: Vec<String>| RestrictedExpression::new_set(values.into_iter().map(RestrictedExpression::new_string));
    let only = match values {
        Values::One(value) => Some(value.as_str()),
        Values::Many(_) => None,
    };
    let long = |value: &str, reading: Reading<i64>| match reading {
        Reading::As(number) => Ok(Some(RestrictedExpression::new_long(number))),
        Reading::Unreadable => Ok(None),
        Reading::Beyond => Err(Unsupported::Value { key: key.to_owned(), value: value.to_owned() }),
    };
    match (projection, only) {
        (Projection::Set, _) => Ok(Some(strings(values.as_slice().to_vec()))),
        (Projection::LowerSet, _) => {
            Ok(Some(strings(values.as_slice().iter().map(|value| value.to_ascii_lowercase()).collect())))
        }
        (_, None) => Ok(None),
        (Projection::Text, Some(value)) => Ok(Some(RestrictedExpression::new_string(value.to_owned()))),
        (Projection::Lower, Some(value)) => Ok(Some(RestrictedExpression::new_string(value.to_ascii_lowercase()))),
        (Projection::Arn, Some(value)) => Ok(values::arn(value).and_then(|_| arn(value))),
        (Projection::Number, Some(value)) => long(value, values::number(value)),
        (Projection::Instant, Some(value)) => long(value, values::instant(value)),
        (Projection::Address, Some(value)) => Ok(values::address(value).map(RestrictedExpression::new_ip)),
    }
}

/// The context as an opaque atom of a policy sees it.
struct Seen<'c> {
    context: &'c RequestContext,
    is_key_policy: bool,
}

impl Lookup for Seen<'_> {
    fn entry(&self, key: &ConditionKey) -> &Entry {
        if self.is_key_policy && is_hidden_from_key_policies(key) {
            return &Entry::ABSENT;
        }
        self.context.recorded(key).unwrap_or(&Entry::ABSENT)
    }
}
