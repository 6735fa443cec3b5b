//! What does a suggestion let happen beside the call it is for?
//!
//! The world without the changes and the world with them are compared over all calls on keys and roles
//! ([`permitlab_evaluator::prove`]). Of calls on other resources nothing is said.

use std::collections::BTreeMap;
use std::fmt;

use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::prove::{Budget, Comparison, Gains, Standing, Unknown, Witness};
use permitlab_evaluator::request::{Request, Via};
use permitlab_evaluator::truth::Rule;
use permitlab_evaluator::world::World;
use serde_json::{Value, json};

use crate::facts::{Facts, Key};
use crate::prove::{caller_name, name_of, standing_name};

/// How much is looked through for one call: a suggestion is made for each denied call.
const BUDGET: Budget = Budget { steps: 5_000, states: 5_000 };

/// How many grants are named in words.
const FEW: usize = 3;

/// What a suggestion grants, on keys and roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    /// Whom the call is by, as a check would name it: of a role each session, unless a policy of the session says less.
    pub caller: String,
    /// What is called.
    pub action: String,
    /// On what.
    pub resource: String,
    /// What else anybody may do with the changes, in words. Where it is empty, and so is `unknown`, there is nothing else.
    pub also: Vec<String>,
    /// Why it is not proved that there is nothing else.
    pub unknown: Vec<String>,
}

impl Grants {
    /// What is granted where this much changes for a denied call; `None` for a call on what is neither key nor role.
    pub(super) fn of(facts: &Facts, before: &World, after: &World, request: &Request) -> Option<Self> {
        is_on_key_or_role(facts, request).then_some(())?;
        let comparison = Comparison::new(before, after, BUDGET);
        let Gains { witnesses, unknown, .. } = comparison.all();
        let (own, others): (Vec<&Witness>, Vec<&Witness>) =
            witnesses.iter().partition(|witness| is_asked_for(witness, request));
        let (unsure, others_unsure): (Vec<&Unknown>, Vec<&Unknown>) =
            unknown.iter().partition(|unknown| is_same_call(&unknown.request, request));
        // A call that no proof looks at: nothing is known of the others like it.
        (!own.is_empty() || !unsure.is_empty() || !others.is_empty()).then_some(())?;
        let mut unknown: Vec<String> = others_unsure.iter().map(|unknown| unknown.why.to_string()).collect();
        unknown.sort_unstable();
        unknown.dedup();
        Some(Self {
            caller: caller_name(facts, facts, &request.principal),
            action: request.action.to_string(),
            resource: name_of(facts, &request.resource.arn),
            also: in_words(facts, &others),
            unknown,
        })
    }

    /// Whether it is proved that nothing but the call is granted.
    pub fn is_only_the_call(&self) -> bool {
        self.also.is_empty() && self.unknown.is_empty()
    }

    /// What is granted, for programs.
    pub fn json(&self) -> Value {
        json!({ "caller": self.caller, "action": self.action, "resource": self.resource,
            "proved": self.is_only_the_call(), "also": self.also, "unknown": self.unknown })
    }
}

impl fmt::Display for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { caller, action, resource, also, unknown } = self;
        write!(f, "grants {caller} {action} on {resource}")?;
        match also.get(..FEW) {
            None if also.is_empty() && unknown.is_empty() => return f.write_str(", and nothing else (proved)"),
            None if also.is_empty() => {}
            None => write!(f, "; also grants {}", also.join("; "))?,
            Some(few) if also.len() == FEW => write!(f, "; also grants {}", few.join("; "))?,
            Some(few) => write!(f, "; also grants {}; and {} more", few.join("; "), also.len() - FEW)?,
        }
        if unknown.is_empty() {
            return Ok(());
        }
        write!(f, "; not proved to grant nothing else: {}", unknown.join("; "))
    }
}

fn is_on_key_or_role(facts: &Facts, request: &Request) -> bool {
    let arn = &request.resource.arn;
    let is_key = || facts.keys.values().filter_map(Key::held).any(|key| key.arn == *arn);
    let is_role = || facts.identities.values().any(|each| each.trust.is_some() && each.identity.is_role_of(arn));
    !request.resource.is_wide && (is_key() || is_role())
}

/// Whether a witness shows what the suggestion is for. Anybody else of an account could be said to have the caller's ARN, and
/// is the caller then; but whoever names the root user names all of its account.
fn is_asked_for(witness: &Witness, request: &Request) -> bool {
    let is_one = witness.caller == Standing::Itself || !matches!(request.principal, Principal::Root { .. });
    is_one && is_same_call(&witness.request, request)
}

/// Whether two calls are by one caller, by the same action on the same resource, and, of a key, come through the same
/// service. A statement does not tell the sessions of a role apart.
fn is_same_call(one: &Request, other: &Request) -> bool {
    one.action == other.action
        && one.resource.arn == other.resource.arn
        && is_same_caller(&one.principal, &other.principal)
        && (one.action.service() != "kms" || service(one.via.as_ref()) == service(other.via.as_ref()))
}

fn is_same_caller(one: &Principal, other: &Principal) -> bool {
    let is_role = |caller: &Principal| matches!(caller, Principal::RoleSession { .. });
    one == other || (is_role(one) && is_role(other) && one.principal_arn() == other.principal_arn())
}

fn service(via: Option<&Via>) -> Option<&str> {
    via.map(|via| &*via.service)
}

/// What others gain, or the caller beside the call: who, what, on what, in which way.
fn in_words(facts: &Facts, witnesses: &[&Witness]) -> Vec<String> {
    let mut actions: BTreeMap<(String, String, String, String), Vec<String>> = BTreeMap::new();
    for witness in witnesses {
        let request = &witness.request;
        let caller = standing_name(facts, &request.principal, witness.caller);
        let way = service(request.via.as_ref()).map(|service| format!(" through {service}")).unwrap_or_default();
        let rules: Vec<&str> = witness.rests_on.iter().map(Rule::number).collect();
        let reading =
            if rules.is_empty() { String::new() } else { format!(" if {} reads otherwise", rules.join(" and ")) };
        let own = actions.entry((caller, name_of(facts, &request.resource.arn), way, reading)).or_default();
        let action = request.action.to_string();
        if !own.contains(&action) {
            own.push(action);
        }
    }
    let told = actions.into_iter().map(|((caller, resource, way, reading), actions)| {
        let actions = actions.join(", ");
        format!("{caller} {actions} on {resource}{way}{reading}")
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing_else(&[], &[], ", and nothing else (proved)")]
    #[case::another(&["a"], &[], "; also grants a")]
    #[case::three(&["a", "b", "c"], &[], "; also grants a; b; c")]
    #[case::many(&["a", "b", "c", "d", "e"], &[], "; also grants a; b; c; and 2 more")]
    #[case::unsure(&[], &["why"], "; not proved to grant nothing else: why")]
    #[case::another_and_unsure(&["a"], &["why"], "; also grants a; not proved to grant nothing else: why")]
    fn what_is_granted_is_said(#[case] also: &[&str], #[case] unknown: &[&str], #[case] expected: &str) {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let grants = Grants {
            caller: "role/eval".to_owned(),
            action: "kms:Decrypt".to_owned(),
            resource: "key/eval".to_owned(),
            also: owned(also),
            unknown: owned(unknown),
        };
        assert_eq!(grants.to_string(), format!("grants role/eval kms:Decrypt on key/eval{expected}"));
        assert_eq!(grants.is_only_the_call(), also.is_empty() && unknown.is_empty());
    }
}
