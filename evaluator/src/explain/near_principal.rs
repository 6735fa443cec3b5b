//! Whom does a `Principal` entry name that is easily taken for the caller?
//!
//! The namesake in another account, one session where the role was meant, the service where its customer's role makes
//! the call (R3.1 to R3.9): entries that look right to their reader and cover somebody else.

use std::fmt;

use crate::account::AccountId;
use crate::policy::Written;
use crate::principal::{Identity, Principal, PrincipalPattern};
use crate::request::Request;
use crate::source::Span;

/// How an entry misses the caller by a little; the nearest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum NearPrincipal {
    /// It names one session of the caller's role, and the caller is another.
    OtherSession {
        /// The session's name.
        session: Box<str>,
    },
    /// It names a user of the caller's name below another path.
    OtherPath {
        /// The path with both slashes.
        path: Box<str>,
    },
    /// It names somebody of the caller's name in another account.
    OtherAccount {
        /// The account.
        account: AccountId,
    },
    /// It names a user of the name that the caller's role has.
    UserForRole,
    /// It names a role of the name that the caller, a user, has.
    RoleForUser,
    /// It differs in the case of letters only.
    OtherCase {
        /// The name in the policy.
        name: Box<str>,
    },
    /// It names the service through which the caller's own call travels.
    ServiceForCaller {
        /// The service principal.
        service: Box<str>,
    },
    /// It names another principal of the same service.
    OtherServicePrincipal {
        /// The service principal.
        service: Box<str>,
    },
    /// It is a letter or two off.
    Misspelt {
        /// The name in the policy.
        name: Box<str>,
    },
    /// It is a unique id, which AWS leaves where a deleted user or role was named (R3.9).
    Deleted,
    /// It is an ARN with a wildcard, which names nobody (R3.5).
    Wildcard,
}

/// The entry that comes nearest to naming the caller of a request, if one comes near at all.
pub(super) fn nearest(entries: &[Written<PrincipalPattern>], request: &Request) -> Option<(Span, NearPrincipal)> {
    let near = |entry: &Written<PrincipalPattern>| Some((entry.text.span(), near(&entry.value, request)?));
    entries.iter().filter_map(near).min_by(|(_, one), (_, other)| one.cmp(other))
}

fn near(entry: &PrincipalPattern, request: &Request) -> Option<NearPrincipal> {
    match (entry, &request.principal) {
        (PrincipalPattern::Role(named), Principal::RoleSession { role, .. })
        | (PrincipalPattern::User(named), Principal::User(role)) => namesake(named, role),
        (PrincipalPattern::RoleSession { account, role, session }, Principal::RoleSession { role: own, .. }) => {
            match (*role == own.name, *account == own.account) {
                (true, true) => Some(NearPrincipal::OtherSession { session: session.clone() }),
                (true, false) => Some(NearPrincipal::OtherAccount { account: *account }),
                (false, _) => None,
            }
        }
        (PrincipalPattern::User(named), Principal::RoleSession { role, .. }) => {
            (named.account == role.account && named.name == role.name).then_some(NearPrincipal::UserForRole)
        }
        (PrincipalPattern::Role(named), Principal::User(user)) => {
            (named.account == user.account && named.name == user.name).then_some(NearPrincipal::RoleForUser)
        }
        (PrincipalPattern::Service(named), Principal::Service(own)) => {
            (label(named) == label(own)).then(|| NearPrincipal::OtherServicePrincipal { service: named.clone() })
        }
        (PrincipalPattern::Service(named), caller) if caller.account().is_some() => {
            let via = request.via.as_ref()?;
            (label(named) == label(&via.service)).then(|| NearPrincipal::ServiceForCaller { service: named.clone() })
        }
        (PrincipalPattern::UniqueId(_), Principal::RoleSession { .. } | Principal::User(_)) => {
            Some(NearPrincipal::Deleted)
        }
        (PrincipalPattern::Nobody, _) => Some(NearPrincipal::Wildcard),
        (
            PrincipalPattern::Everyone(_)
            | PrincipalPattern::Account(_)
            | PrincipalPattern::User(_)
            | PrincipalPattern::Role(_)
            | PrincipalPattern::RoleSession { .. }
            | PrincipalPattern::FederatedUser { .. }
            | PrincipalPattern::Service(_)
            | PrincipalPattern::UniqueId(_)
            | PrincipalPattern::Federated(_)
            | PrincipalPattern::CanonicalUser(_)
            | PrincipalPattern::OriginAccessIdentity(_),
            _,
        ) => None,
    }
}

/// Two users, or two roles.
fn namesake(named: &Identity, own: &Identity) -> Option<NearPrincipal> {
    let name = || named.name.clone();
    match (named.name == own.name, named.account == own.account) {
        (true, false) => Some(NearPrincipal::OtherAccount { account: named.account }),
        (true, true) => Some(NearPrincipal::OtherPath { path: named.path.clone() }),
        (false, true) if named.name.eq_ignore_ascii_case(&own.name) => Some(NearPrincipal::OtherCase { name: name() }),
        (false, true) if is_misspelt(&named.name, &own.name) => Some(NearPrincipal::Misspelt { name: name() }),
        (false, _) => None,
    }
}

/// Short names differ by two letters without being alike.
fn is_misspelt(one: &str, other: &str) -> bool {
    let letters = one.chars().count().min(other.chars().count());
    strsim::damerau_levenshtein(one, other) <= (letters / 6).min(2)
}

/// The first label of a host name: the service.
fn label(host: &str) -> &str {
    host.split_once('.').map_or(host, |(service, _)| service)
}

impl fmt::Display for NearPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherSession { session } => write!(f, "this names session `{session}` of the role only"),
            Self::OtherPath { path } => write!(f, "this names a user of that name below the path `{path}`"),
            Self::OtherAccount { account } => write!(f, "this names the one of that name in account `{account}`"),
            Self::UserForRole => f.write_str("this names a user of that name, not the role"),
            Self::RoleForUser => f.write_str("this names a role of that name, not the user"),
            Self::OtherCase { name } => write!(f, "this names `{name}`, and names compare by case"),
            Self::ServiceForCaller { service } => {
                write!(f, "this names `{service}` itself, which makes the call in the caller's name")
            }
            Self::OtherServicePrincipal { service } => write!(f, "this names `{service}`, another service principal"),
            Self::Misspelt { name } => write!(f, "this names `{name}`"),
            Self::Deleted => f.write_str("a unique id names a user or role that was deleted since"),
            Self::Wildcard => f.write_str("an ARN with a wildcard names nobody"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::action::ActionName;
    use crate::arn::Arn;
    use crate::request::{Resource, Via};

    fn request(caller: &str, via: Option<&str>) -> Request {
        let key = Arn::parse("arn:aws:kms:us-east-1:111122223333:key/1234").unwrap();
        let action = ActionName::parse("kms:Decrypt").unwrap();
        let mut request = Request::new(Principal::parse(caller).unwrap(), action, Resource::new(key));
        request.via = via.map(|service| Via { service: service.into() });
        request
    }

    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/EvaluationRole/job";

    #[rstest]
    #[case("arn:aws:sts::111122223333:assumed-role/EvaluationRole/other", SESSION, "session `other` of the role only")]
    #[case("arn:aws:sts::444455556666:assumed-role/EvaluationRole/job", SESSION, "in account `444455556666`")]
    #[case("arn:aws:iam::444455556666:role/EvaluationRole", SESSION, "in account `444455556666`")]
    #[case("arn:aws:iam::111122223333:user/EvaluationRole", SESSION, "a user of that name, not the role")]
    #[case("arn:aws:iam::111122223333:role/evaluationRole", SESSION, "`evaluationRole`, and names compare by case")]
    #[case("arn:aws:iam::111122223333:role/EvalutionRole", SESSION, "this names `EvalutionRole`")]
    #[case("AROAEXAMPLE1234567890", SESSION, "deleted since")]
    #[case("arn:aws:iam::111122223333:role/Evaluation*", SESSION, "names nobody")]
    #[case("arn:aws:iam::111122223333:role/ann", "arn:aws:iam::111122223333:user/ann", "a role of that name")]
    #[case("arn:aws:iam::111122223333:user/x/ann", "arn:aws:iam::111122223333:user/ann", "below the path `/x/`")]
    fn an_entry_that_is_taken_for_the_caller(#[case] entry: &str, #[case] caller: &str, #[case] said: &str) {
        let near = near(&PrincipalPattern::parse_aws(entry).unwrap(), &request(caller, None)).unwrap().to_string();
        assert!(near.contains(said), "{near}");
    }

    #[rstest]
    #[case("s3.amazonaws.com", SESSION, Some("s3.us-east-1.amazonaws.com"), true)]
    #[case("bedrock.amazonaws.com", SESSION, Some("s3.us-east-1.amazonaws.com"), false)]
    #[case("bedrock.us-east-1.amazonaws.com", "bedrock.amazonaws.com", None, true)]
    #[case("s3.amazonaws.com", "bedrock.amazonaws.com", None, false)]
    fn a_service_is_near(#[case] entry: &str, #[case] caller: &str, #[case] via: Option<&str>, #[case] is_near: bool) {
        let near = near(&PrincipalPattern::parse_service(entry).unwrap(), &request(caller, via));
        assert_eq!(near.is_some(), is_near, "{near:?}");
    }

    #[rstest]
    #[case("arn:aws:iam::111122223333:role/Administrator", SESSION)]
    #[case("arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:user/ann")]
    #[case("arn:aws:iam::111122223333:user/bob", "arn:aws:iam::111122223333:user/rob")]
    fn others_are_not_near(#[case] entry: &str, #[case] caller: &str) {
        let near = near(&PrincipalPattern::parse_aws(entry).unwrap(), &request(caller, None));
        assert_eq!(near, None);
    }
}
