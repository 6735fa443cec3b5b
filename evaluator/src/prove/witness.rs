//! Which request does a model stand for?

use crate::account::AccountId;
use crate::arn::Arn;
use crate::context::{ConditionKey, Presence, Values};
use crate::principal::Principal;
use crate::request::{Request, Source, Via};

use super::formula::Atoms;
use super::search::Model;
use super::space::{Caller, StandsFor, stranger};

/// What the names of pairs of an encryption context begin with, in lower case.
const PAIR: &str = "kms:encryptioncontext:";

/// The keys that name the account of a caller.
pub(super) const OF_ACCOUNT: [&str; 2] = ["aws:principalaccount", "kms:calleraccount"];

/// The keys that follow from who the caller is.
const FOLLOWS: [&str; 6] = [
    "aws:principalarn",
    "aws:principalaccount",
    "kms:calleraccount",
    "aws:principaltype",
    "aws:userid",
    "aws:username",
];

/// The request of a model: what the model says of each key is said in the way in which a call would.
pub(super) fn request(mut request: Request, caller: &Caller, atoms: &Atoms, model: &Model) -> Request {
    let values: Vec<(&ConditionKey, &Presence)> = atoms.keys().iter().zip(&model.values).collect();
    let of =
        |name: &str| values.iter().find(|(key, _)| key.folded() == name).and_then(|(_, presence)| single(presence));
    let is_stranger = matches!(caller.stands_for, StandsFor::Account | StandsFor::Accounts);
    if is_stranger {
        let named = of("aws:principalarn").and_then(|arn| Principal::parse(&arn).ok());
        let account = || OF_ACCOUNT.iter().find_map(|key| of(key)).and_then(|account| AccountId::parse(&account).ok());
        request.principal = named.or_else(|| account().map(stranger)).unwrap_or(request.principal);
    }
    if let (Some(_), Some(service)) = (&request.via, of("kms:viaservice")) {
        request.via = Some(Via { service: service.into() });
    }
    if let Some(arn) = of("aws:sourcearn") {
        let named = Arn::parse(&arn).ok().and_then(|arn| arn.account());
        let account = of("aws:sourceaccount").and_then(|account| AccountId::parse(&account).ok()).or(named);
        request.source = Some(Source { arn: arn.into(), account });
    }
    if let Some(alias) = of("kms:requestalias") {
        request.resource.alias = Some(alias.into());
    }
    for (key, presence) in &values {
        let name = key.folded();
        if let (Some(pair), Some(value)) =
            (key.as_str().get(PAIR.len()..).filter(|_| name.starts_with(PAIR)), single(presence))
        {
            request.encryption_context.insert(pair.to_owned(), value);
            continue;
        }
        match (name, presence) {
            ("kms:viaservice", _) if request.via.is_some() => {}
            ("kms:encryptioncontextkeys", Presence::Present(values)) => {
                for name in values.as_slice() {
                    request.encryption_context.entry(name.clone()).or_insert_with(|| "example".to_owned());
                }
            }
            (name, _) if is_stranger && FOLLOWS.contains(&name) => {}
            ("aws:sourcearn" | "kms:requestalias", Presence::Present(_)) => {}
            ("kms:encryptioncontextkeys", Presence::Absent | Presence::Unstated) => {}
            (name, Presence::Absent) if name.starts_with(PAIR) => {}
            (_, Presence::Present(values)) => {
                request.context.insert((*key).clone(), Some(values.clone()));
            }
            (_, Presence::Absent | Presence::Unstated) => {
                request.context.insert((*key).clone(), None);
            }
        }
    }
    request
}

fn single(presence: &Presence) -> Option<String> {
    match presence {
        Presence::Present(Values::One(value)) => Some(value.clone()),
        Presence::Present(Values::Many(values)) => match values.as_slice() {
            [value] => Some(value.clone()),
            _ => None,
        },
        Presence::Absent | Presence::Unstated => None,
    }
}
