//! What does a line ask?
//!
//! The `request` of a line becomes the evaluator's [`Request`], or what is wrong with it. Nothing is guessed: an
//! action KMS does not have, a key named by its alias or a principal ARN of another role would be answered, but not
//! to the question that was meant.

use std::collections::BTreeMap;

use permitlab_evaluator::account::AccountId;
use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::catalog::kms::{self, Target};
use permitlab_evaluator::context::{ConditionKey, Values};
use permitlab_evaluator::diagnostic::closest;
use permitlab_evaluator::json::Kind;
use permitlab_evaluator::policy::PolicyType;
use permitlab_evaluator::principal::{Identity, Principal};
use permitlab_evaluator::request::{Request, Resource};
use permitlab_evaluator::service::{self, sts};

use super::fault::Fault;
use super::field::{Field, Fields};
use crate::reference;

/// The request of a line.
#[derive(Debug)]
pub(super) struct Asked {
    /// Who calls what on what.
    pub(super) request: Request,
    /// Whether SCPs do not reach the caller (R5.5).
    pub(super) principal_in_management_account: bool,
    /// Whether RCPs do not reach the resource (R5.6).
    pub(super) resource_in_management_account: bool,
}

const FIELDS: [&str; 10] = [
    "principal",
    "action",
    "resource",
    "resource_account",
    "context",
    "encryption_context",
    "region",
    "principal_arn",
    "principal_in_management_account",
    "resource_in_management_account",
];

impl Asked {
    /// Reads `request`.
    pub(super) fn read(field: &Field<'_>) -> Result<Self, Fault> {
        let fields = field.fields(&FIELDS)?;
        let principal = principal(&fields)?;
        let action = action(fields.required("action")?)?;
        let region = fields.optional("region").map(region).transpose()?;
        let resource = resource(&fields, &principal, &action, region)?;
        let mut request = Request::new(principal, action, resource);
        request.region = region.map(Into::into);
        request.encryption_context =
            fields.optional("encryption_context").map(encryption_context).transpose()?.unwrap_or_default();
        request.context = fields.optional("context").map(context).transpose()?.unwrap_or_default();
        let flag = |name: &str| fields.optional(name).map_or(Ok(false), Field::flag);
        Ok(Self {
            request,
            principal_in_management_account: flag("principal_in_management_account")?,
            resource_in_management_account: flag("resource_in_management_account")?,
        })
    }

    /// As what kind of policy the resource's policy is read.
    pub(super) fn resource_policy(&self) -> PolicyType {
        service::resource_policy_type(&self.request.action)
    }
}

fn principal(fields: &Fields<'_>) -> Result<Principal, Fault> {
    let field = fields.required("principal")?;
    let text = field.text()?;
    let mut principal = Principal::parse(text)
        .map_err(|error| field.fault("invalid-principal", format!("`{text}` cannot call; {error}")))?;
    if let Some(field) = fields.optional("principal_arn") {
        agree(&mut principal, text, field)?;
    }
    Ok(principal)
}

/// Gives a session, whose ARN does not have it, the path of its role. Every other caller's ARN says all there is.
fn agree(principal: &mut Principal, written: &str, field: &Field<'_>) -> Result<(), Fault> {
    let text = field.text()?;
    if principal.principal_arn().as_deref() == Some(text) {
        return Ok(());
    }
    let stated = Arn::parse(text).ok().filter(|arn| arn.service() == "iam").and_then(|_| Principal::parse(text).ok());
    let is_session = Arn::parse(written).is_ok_and(|arn| arn.service() == "sts");
    if let (Principal::RoleSession { role, .. }, Some(Principal::RoleSession { role: stated, .. })) =
        (principal, stated)
        && is_session
        && is_same_role(role, &stated)
    {
        role.path = stated.path;
        return Ok(());
    }
    let message = format!("`{text}` is not the principal ARN of `{written}`; write the ARN of the same role");
    Err(field.fault("conflicting-principal-arn", message))
}

fn is_same_role(session: &Identity, stated: &Identity) -> bool {
    (&session.partition, session.account, &session.name) == (&stated.partition, stated.account, &stated.name)
}

fn action(field: &Field<'_>) -> Result<ActionName, Fault> {
    let text = field.text()?;
    let action = ActionName::parse(text)
        .map_err(|error| field.fault("invalid-action", format!("`{text}` is not an action; {error}")))?;
    if action.service() == "kms" && kms::operation(&action).is_none() {
        let near = closest(action.name(), kms::operations().map(|operation| operation.name));
        let help = near.map_or_else(
            || "AWS's Service Authorization Reference lists the actions of KMS".to_owned(),
            |near| format!("did you mean `kms:{near}`?"),
        );
        return Err(field.fault("unknown-action", format!("KMS has no action `{text}`; {help}")));
    }
    Ok(action)
}

fn region<'l>(field: &Field<'l>) -> Result<&'l str, Fault> {
    let text = field.text()?;
    let is_region =
        text.contains('-') && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    is_region.then_some(text).ok_or_else(|| {
        field.fault("invalid-region", format!("`{text}` is not a Region; write one such as `us-east-1`"))
    })
}

pub(super) fn account(field: &Field<'_>) -> Result<AccountId, Fault> {
    let text = field.text()?;
    AccountId::parse(text).map_err(|error| field.fault("invalid-account", format!("`{text}` is no account; {error}")))
}

fn resource(
    fields: &Fields<'_>,
    principal: &Principal,
    action: &ActionName,
    region: Option<&str>,
) -> Result<Resource, Fault> {
    let Some(field) = fields.optional("resource") else {
        return Err(fields.missing("resource", "write an ARN, or `*` for an action without a resource"));
    };
    let stated = fields.optional("resource_account").map(account).transpose()?;
    let text = field.text()?;
    if sts::is_judged_by_trust(action) && !is_role(text) {
        let message = format!("`{text}` does not fit; `{action}` is called on a role, write its ARN");
        return Err(field.fault("invalid-resource", message));
    }
    if text == "*" {
        return wide(fields, field, action, region, principal.account().or(stated));
    }
    let arn = Arn::parse(text)
        .map_err(|error| field.fault("invalid-resource", format!("`{text}` is not a resource; {error}")))?;
    check_kms(field, action, &arn)?;
    if let (Some(stated), Some(own), Some(field)) = (stated, arn.account(), fields.optional("resource_account"))
        && stated != own
    {
        let message =
            format!("`{stated}` is not the account `{own}` of the resource's ARN; leave `resource_account` out");
        return Err(field.fault("conflicting-account", message));
    }
    let resource = Resource::new(arn);
    Ok(Resource { account: resource.account.or(stated), ..resource })
}

fn is_role(text: &str) -> bool {
    Arn::parse(text)
        .is_ok_and(|arn| arn.service() == "iam" && arn.account().is_some() && arn.resource().starts_with("role/"))
}

/// Policies see a key by its key ARN, whatever the caller called it by; the alias operations have the alias as a
/// resource of its own (R6.12).
fn check_kms(field: &Field<'_>, action: &ActionName, arn: &Arn) -> Result<(), Fault> {
    let Some(operation) = kms::operation(action) else { return Ok(()) };
    let is_whole = arn.service() == "kms" && !arn.region().is_empty() && arn.account().is_some();
    let names = |kind: &str| {
        let id = arn.resource().strip_prefix(kind);
        is_whole && id.is_some_and(|id| !id.is_empty() && !id.contains(['*', '?']))
    };
    let (fits, help) = match operation.target {
        Target::Key => (names("key/"), "is called on a key; write its key ARN, `arn:aws:kms:REGION:ACCOUNT:key/ID`"),
        Target::AliasAndKey => {
            (names("key/") || names("alias/"), "is called on a key and an alias; write the ARN of one of them")
        }
        Target::None => (false, "has no resource; write `*`"),
    };
    if fits { Ok(()) } else { Err(field.fault("invalid-resource", format!("`{arn}` does not fit; `{action}` {help}"))) }
}

/// The stand-in for the resource of an action without one (R2.8). KMS's has a Region and an account.
fn wide(
    fields: &Fields<'_>,
    field: &Field<'_>,
    action: &ActionName,
    region: Option<&str>,
    account: Option<AccountId>,
) -> Result<Resource, Fault> {
    if let Some(operation) = kms::operation(action) {
        if operation.target != Target::None {
            let message = format!("`{action}` is called on a key, not on `*`; write the key's ARN");
            return Err(field.fault("invalid-resource", message));
        }
        if region.is_none() {
            return Err(fields.missing("region", "a KMS call without a resource needs the Region of its endpoint"));
        }
        if account.is_none() {
            return Err(fields.missing("resource_account", "a KMS call without a resource needs an account"));
        }
    }
    reference::wide(action.service(), region.unwrap_or_default(), account)
        .ok_or_else(|| field.fault("invalid-resource", format!("no ARN can stand for the resource of `{action}`")))
}

pub(super) fn encryption_context(field: &Field<'_>) -> Result<BTreeMap<String, String>, Fault> {
    let mut pairs = BTreeMap::new();
    for (member, value) in field.members()? {
        if pairs.insert(member.name.as_str().to_owned(), value.text()?.to_owned()).is_some() {
            return Err(field.twice(member));
        }
    }
    Ok(pairs)
}

/// The names of condition keys ignore case (R4.3), so one in two spellings is there twice.
fn context(field: &Field<'_>) -> Result<BTreeMap<ConditionKey, Option<Values>>, Fault> {
    let mut context = BTreeMap::new();
    for (member, value) in field.members()? {
        if context.insert(ConditionKey::new(member.name.as_str()), values(&value)?).is_some() {
            return Err(field.twice(member));
        }
    }
    Ok(context)
}

fn values(field: &Field<'_>) -> Result<Option<Values>, Fault> {
    match field.kind() {
        Kind::Null => Ok(None),
        Kind::Array(_) => {
            let values = field.list()?.iter().map(|value| scalar(value, SCALAR)).collect::<Result<_, _>>()?;
            Ok(Some(Values::Many(values)))
        }
        Kind::Bool(_) | Kind::Number(_) | Kind::String(_) | Kind::Object(_) => {
            scalar(field, "a string, a number, a boolean, an array of those, or null")
                .map(|value| Some(Values::One(value)))
        }
    }
}

const SCALAR: &str = "a string, a number or a boolean";

/// The text a condition operator compares; of a number, its digits as written.
fn scalar(field: &Field<'_>, expected: &str) -> Result<String, Fault> {
    match field.kind() {
        Kind::String(text) => Ok(text.as_str().to_owned()),
        Kind::Bool(_) | Kind::Number(_) => Ok(field.written().to_owned()),
        Kind::Null | Kind::Array(_) | Kind::Object(_) => Err(field.not(expected)),
    }
}
