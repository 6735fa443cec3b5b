//! Who calls, and whom does a policy's `Principal` entry name?
//!
//! Rules R3.1 to R3.9. A caller is a [`Principal`]; an entry of a policy is a [`PrincipalPattern`]; where they
//! meet, the *way* they meet is kept ([`PrincipalMatch`]), since it decides which limits apply (R5.8).

use std::fmt;

use crate::account::AccountId;
use crate::arn::Arn;

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// An IAM user.
    User(Identity),
    /// A session of a role.
    RoleSession {
        /// The role, with its path.
        role: Identity,
        /// The name of the session.
        session: Box<str>,
    },
    /// A session made by `GetFederationToken`; the user is the one that made it, when known.
    FederatedUser {
        /// The account.
        account: AccountId,
        /// The partition: `aws`.
        partition: Box<str>,
        /// The name given to the session.
        name: Box<str>,
        /// The user that called `GetFederationToken`.
        user: Option<Identity>,
    },
    /// The root user of an account.
    Root {
        /// The account.
        account: AccountId,
        /// The partition: `aws`.
        partition: Box<str>,
    },
    /// An AWS service that calls as itself.
    Service(Box<str>),
    /// Somebody whom an identity provider vouches for and AWS does not know yet, by the provider's ARN or host name
    /// (R3.8): the caller of `AssumeRoleWithWebIdentity` and `AssumeRoleWithSAML`.
    Federated(Box<str>),
    /// Nobody: an unsigned call.
    Anonymous,
}

/// A user or role: where it lives and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The partition: `aws`.
    pub partition: Box<str>,
    /// The account it belongs to.
    pub account: AccountId,
    /// The path with both slashes: `/` or `/service-role/`.
    pub path: Box<str>,
    /// The name, without the path.
    pub name: Box<str>,
    /// The unique id (`AROA…`, `AIDA…`), where known.
    pub unique_id: Option<Box<str>>,
}

/// A text names no caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAPrincipal {
    /// Neither an ARN, nor a service name, nor `*`.
    #[error(
        "a caller is the ARN of a user, role, role session, federated user, root user or identity provider, `federated/HOST` for a web identity provider, a service such as `bedrock.amazonaws.com`, or `*` for an unsigned call"
    )]
    UnknownForm,
    /// An ARN of IAM or STS without an account id of twelve digits.
    #[error("the account field of a caller's ARN is an account id of twelve digits")]
    NoAccount,
    /// A group or another resource that cannot call.
    #[error("only users, roles, role sessions, federated users and root users make calls; groups never do")]
    CannotCall,
}

impl Principal {
    /// Reads a caller: an ARN, a service principal, `federated/PROVIDER`, or `*` for an unsigned call. A role ARN
    /// stands for a session of that role, named `permitlab`; the ARN of an identity provider for somebody it vouches
    /// for.
    ///
    /// # Errors
    /// [`NotAPrincipal`] when the text names nobody who could call.
    pub fn parse(text: &str) -> Result<Self, NotAPrincipal> {
        if text == "*" {
            return Ok(Self::Anonymous);
        }
        if let Some(provider) = text.strip_prefix("federated/") {
            return Self::federated(provider);
        }
        if let Ok(arn) = Arn::parse(text) {
            return Self::from_arn(&arn);
        }
        let is_host = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
        if text.ends_with(".amazonaws.com") && text.chars().all(is_host) {
            return Ok(Self::Service(text.into()));
        }
        Err(NotAPrincipal::UnknownForm)
    }

    /// Somebody from the provider of this ARN or host name.
    fn federated(provider: &str) -> Result<Self, NotAPrincipal> {
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/' | '_');
        match Arn::parse(provider) {
            Ok(arn) => match Self::from_arn(&arn)? {
                caller @ Self::Federated(_) => Ok(caller),
                Self::User(_)
                | Self::RoleSession { .. }
                | Self::FederatedUser { .. }
                | Self::Root { .. }
                | Self::Service(_)
                | Self::Anonymous => Err(NotAPrincipal::UnknownForm),
            },
            Err(_) if provider.contains('.') && provider.chars().all(is_host) => Ok(Self::Federated(provider.into())),
            Err(_) => Err(NotAPrincipal::UnknownForm),
        }
    }

    fn from_arn(arn: &Arn) -> Result<Self, NotAPrincipal> {
        let account = arn.account().ok_or(NotAPrincipal::NoAccount)?;
        let partition: Box<str> = arn.partition().into();
        let (kind, rest) = arn.resource().split_once('/').unwrap_or((arn.resource(), ""));
        match (arn.service(), kind) {
            ("iam", "root") if rest.is_empty() => Ok(Self::Root { account, partition }),
            ("iam", "user") => Ok(Self::User(Identity::of(arn, account, rest)?)),
            ("iam", "role") => {
                Ok(Self::RoleSession { role: Identity::of(arn, account, rest)?, session: "permitlab".into() })
            }
            ("iam", "oidc-provider" | "saml-provider") if !rest.is_empty() => Ok(Self::Federated(arn.as_str().into())),
            ("sts", "assumed-role") => {
                let (name, session) = rest.split_once('/').ok_or(NotAPrincipal::UnknownForm)?;
                let role = Identity { partition, account, path: "/".into(), name: name.into(), unique_id: None };
                Ok(Self::RoleSession { role, session: session.into() })
            }
            ("sts", "federated-user") => Ok(Self::FederatedUser { account, partition, name: rest.into(), user: None }),
            _ => Err(NotAPrincipal::CannotCall),
        }
    }

    /// The account the caller belongs to; services, federated and unsigned callers have none.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::User(identity) | Self::RoleSession { role: identity, .. } => Some(identity.account),
            Self::FederatedUser { account, .. } | Self::Root { account, .. } => Some(*account),
            Self::Service(_) | Self::Federated(_) | Self::Anonymous => None,
        }
    }

    /// The caller's own ARN, as in AWS's messages; `None` for services, federated and unsigned callers.
    pub fn arn(&self) -> Option<String> {
        match self {
            Self::User(user) => Some(user.arn("user")),
            Self::RoleSession { role, session } => {
                let Identity { partition, account, name, .. } = role;
                Some(format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session}"))
            }
            Self::FederatedUser { account, partition, name, .. } => {
                Some(format!("arn:{partition}:sts::{account}:federated-user/{name}"))
            }
            Self::Root { account, partition } => Some(format!("arn:{partition}:iam::{account}:root")),
            Self::Service(_) | Self::Federated(_) | Self::Anonymous => None,
        }
    }

    /// The value of `aws:PrincipalArn`: the *role* of a session, with its path (R8.2, R8.3).
    pub fn principal_arn(&self) -> Option<String> {
        match self {
            Self::RoleSession { role, .. } => Some(role.arn("role")),
            Self::User(_)
            | Self::FederatedUser { .. }
            | Self::Root { .. }
            | Self::Service(_)
            | Self::Federated(_)
            | Self::Anonymous => self.arn(),
        }
    }

    /// The value of `aws:PrincipalType`; services and federated callers have none that AWS documents.
    pub fn principal_type(&self) -> Option<&'static str> {
        match self {
            Self::User(_) => Some("User"),
            Self::RoleSession { .. } => Some("AssumedRole"),
            Self::FederatedUser { .. } => Some("FederatedUser"),
            Self::Root { .. } => Some("Account"),
            Self::Anonymous => Some("Anonymous"),
            Self::Service(_) | Self::Federated(_) => None,
        }
    }

    /// Whether it is a session of a role that belongs to an AWS service (R3.11): its path says so.
    pub fn is_service_linked(&self) -> bool {
        match self {
            Self::RoleSession { role, .. } => role.path.starts_with("/aws-service-role/"),
            Self::User(_)
            | Self::FederatedUser { .. }
            | Self::Root { .. }
            | Self::Service(_)
            | Self::Federated(_)
            | Self::Anonymous => false,
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(name) => f.write_str(name),
            Self::Federated(provider) => write!(f, "somebody from {provider}"),
            Self::Anonymous => f.write_str("an unsigned caller"),
            Self::User(_) | Self::RoleSession { .. } | Self::FederatedUser { .. } | Self::Root { .. } => {
                f.write_str(&self.arn().unwrap_or_default())
            }
        }
    }
}

impl Identity {
    fn of(arn: &Arn, account: AccountId, rest: &str) -> Result<Self, NotAPrincipal> {
        let (path, name) =
            rest.rsplit_once('/').map_or((String::from("/"), rest), |(path, name)| (format!("/{path}/"), name));
        if name.is_empty() {
            return Err(NotAPrincipal::UnknownForm);
        }
        Ok(Self { partition: arn.partition().into(), account, path: path.into(), name: name.into(), unique_id: None })
    }

    /// Its ARN; `kind` is `user` or `role`.
    pub fn arn(&self, kind: &str) -> String {
        let Self { partition, account, path, name, .. } = self;
        ["arn:", partition, ":iam::", account.as_str(), ":", kind, path, name].concat()
    }
}

/// Whom an entry of `Principal` or `NotPrincipal` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalPattern {
    /// Everyone, also unsigned callers (R3.6).
    Everyone(Star),
    /// An account, by id or root ARN (R3.2).
    Account(AccountId),
    /// A user, by exact ARN (R3.3).
    User(Identity),
    /// Every session of a role (R3.4).
    Role(Identity),
    /// One session of a role, by role name and session name (R3.4).
    RoleSession {
        /// Account of the role.
        account: AccountId,
        /// Name of the role, without its path.
        role: Box<str>,
        /// Name of the session.
        session: Box<str>,
    },
    /// One federated user session.
    FederatedUser {
        /// The account.
        account: AccountId,
        /// The name.
        name: Box<str>,
    },
    /// A service principal (R3.7).
    Service(Box<str>),
    /// A unique id that AWS left where a deleted user or role was named (R3.9).
    UniqueId(Box<str>),
    /// An identity provider; it has meaning in trust policies only, for callers it vouches for (R3.8).
    Federated(Box<str>),
    /// The canonical id of an account; S3 only, which reads it as the account (R3.8).
    CanonicalUser(Box<str>),
    /// An origin access identity of `CloudFront`, by the ARN S3 takes for it: another spelling of its canonical id.
    OriginAccessIdentity(Box<str>),
    /// A form that names nobody: a wildcard inside an ARN (R3.5).
    Nobody,
}

/// How everyone was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Star {
    /// `"Principal": "*"`
    Bare,
    /// `"Principal": { "AWS": "*" }`
    Aws,
}

/// The way an entry covers a caller, from the narrowest to the widest (R3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PrincipalMatch {
    /// The entry names this very caller.
    Direct,
    /// The entry names the role, the caller is a session of it.
    RoleOfSession,
    /// The entry names the user, the caller is a federated session of it.
    UserOfFederatedSession,
    /// The entry is a star.
    Everyone,
    /// The entry names the caller's account.
    Account,
}

impl PrincipalMatch {
    /// Every way, in this order.
    pub const ALL: [Self; 5] =
        [Self::Direct, Self::RoleOfSession, Self::UserOfFederatedSession, Self::Everyone, Self::Account];
}

/// What is wrong with a `Principal` entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPrincipal {
    /// AWS takes account ids, `*`, and IAM or STS ARNs.
    #[error(
        "an `AWS` principal is `*`, an account id, or the ARN of an account root, user, role, role session or federated user"
    )]
    UnknownAws,
    /// Groups are never principals.
    #[error("a group is never a principal; name its users, or the role they take")]
    Group,
    /// Not the host name of a service.
    #[error("a service principal is a host name in lower case such as `bedrock.amazonaws.com`")]
    Service,
}

impl PrincipalPattern {
    /// Reads an entry under `AWS`.
    ///
    /// # Errors
    /// [`BadPrincipal`] for a form AWS refuses to store.
    pub fn parse_aws(text: &str) -> Result<Self, BadPrincipal> {
        if text == "*" {
            return Ok(Self::Everyone(Star::Aws));
        }
        if let Ok(account) = AccountId::parse(text) {
            return Ok(Self::Account(account));
        }
        if is_unique_id(text) {
            return Ok(Self::UniqueId(text.into()));
        }
        let arn = Arn::parse(text).map_err(|_| BadPrincipal::UnknownAws)?;
        if text.contains(['*', '?']) {
            return Ok(Self::Nobody);
        }
        if let [_, _, "iam", "", "cloudfront", identity] = arn.fields()
            && identity.starts_with("user/CloudFront Origin Access Identity ")
        {
            return Ok(Self::OriginAccessIdentity(text.into()));
        }
        if arn.resource().starts_with("group/") {
            return Err(BadPrincipal::Group);
        }
        match Principal::from_arn(&arn).map_err(|_| BadPrincipal::UnknownAws)? {
            Principal::User(user) => Ok(Self::User(user)),
            Principal::RoleSession { role, .. } if arn.service() == "iam" => Ok(Self::Role(role)),
            Principal::RoleSession { role, session } => {
                Ok(Self::RoleSession { account: role.account, role: role.name, session })
            }
            Principal::FederatedUser { account, name, .. } => Ok(Self::FederatedUser { account, name }),
            Principal::Root { account, .. } => Ok(Self::Account(account)),
            Principal::Service(_) | Principal::Federated(_) | Principal::Anonymous => Err(BadPrincipal::UnknownAws),
        }
    }

    /// Reads an entry under `Service`.
    ///
    /// # Errors
    /// [`BadPrincipal::Service`] when it is no host name.
    pub fn parse_service(text: &str) -> Result<Self, BadPrincipal> {
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if text.contains('.') && text.chars().all(is_host) {
            Ok(Self::Service(text.into()))
        } else if text.contains(['*', '?']) {
            Ok(Self::Nobody)
        } else {
            Err(BadPrincipal::Service)
        }
    }

    /// The service it names: `bedrock.amazonaws.com`.
    pub fn service(&self) -> Option<&str> {
        match self {
            Self::Service(name) => Some(name),
            Self::Everyone(_)
            | Self::Account(_)
            | Self::User(_)
            | Self::Role(_)
            | Self::RoleSession { .. }
            | Self::FederatedUser { .. }
            | Self::UniqueId(_)
            | Self::Federated(_)
            | Self::CanonicalUser(_)
            | Self::OriginAccessIdentity(_)
            | Self::Nobody => None,
        }
    }

    /// How the entry covers `caller`; `None` when it does not.
    pub fn covers(&self, caller: &Principal) -> Option<PrincipalMatch> {
        use PrincipalMatch::{Account, Direct, Everyone, RoleOfSession, UserOfFederatedSession};
        let when = |holds: bool, way: PrincipalMatch| holds.then_some(way);
        match (self, caller) {
            (Self::Everyone(_), _) => Some(Everyone),
            (Self::Account(account), Principal::Root { account: own, .. }) => when(account == own, Direct),
            (Self::Account(account), _) => when(caller.account() == Some(*account), Account),
            (Self::User(user), Principal::User(caller)) => when(user.same_as(caller), Direct),
            (Self::User(user), Principal::FederatedUser { user: Some(caller), .. }) => {
                when(user.same_as(caller), UserOfFederatedSession)
            }
            (Self::Role(role), Principal::RoleSession { role: caller, .. }) => {
                when(role.same_role(caller), RoleOfSession)
            }
            (Self::RoleSession { account, role, session }, Principal::RoleSession { role: caller, session: own }) => {
                when(*account == caller.account && *role == caller.name && session == own, Direct)
            }
            (Self::FederatedUser { account, name }, Principal::FederatedUser { account: own, name: caller, .. }) => {
                when(account == own && name == caller, Direct)
            }
            (Self::Service(service), Principal::Service(caller)) => when(service == caller, Direct),
            (Self::Federated(provider), Principal::Federated(own)) => when(provider == own, Direct),
            (Self::UniqueId(id), Principal::User(caller)) => when(caller.unique_id.as_ref() == Some(id), Direct),
            (Self::UniqueId(id), Principal::FederatedUser { user: Some(caller), .. }) => {
                when(caller.unique_id.as_ref() == Some(id), UserOfFederatedSession)
            }
            (Self::UniqueId(id), Principal::RoleSession { role, .. }) => {
                when(role.unique_id.as_ref() == Some(id), RoleOfSession)
            }
            (
                Self::User(_)
                | Self::Role(_)
                | Self::RoleSession { .. }
                | Self::FederatedUser { .. }
                | Self::Service(_)
                | Self::UniqueId(_)
                | Self::Federated(_)
                | Self::CanonicalUser(_)
                | Self::OriginAccessIdentity(_)
                | Self::Nobody,
                _,
            ) => None,
        }
    }
}

impl Identity {
    /// The same user: account, path and name, by case (R3.3).
    fn same_as(&self, other: &Self) -> bool {
        self.partition == other.partition
            && self.account == other.account
            && self.path == other.path
            && self.name == other.name
    }

    /// Whether it is the role of this ARN, by account, path and name.
    pub fn is_role_of(&self, arn: &Arn) -> bool {
        arn.service() == "iam" && arn.account() == Some(self.account) && arn.as_str() == self.arn("role")
    }

    /// The same role: a role name is unique in its account, so the path, which a session's ARN lacks, does not
    /// count (R3.4).
    fn same_role(&self, other: &Self) -> bool {
        self.account == other.account && self.name == other.name
    }
}

/// Whether a text has the form of a unique id of IAM: a known prefix and 21 capital letters and digits or so.
pub fn is_unique_id(text: &str) -> bool {
    let prefixes = ["AIDA", "AROA", "AGPA", "ANPA", "ASIA", "AKIA", "ABIA"];
    prefixes.iter().any(|prefix| text.starts_with(prefix))
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
        && text.len() >= 16
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const A: &str = "111111111111";

    #[rstest]
    #[case::star("*", "arn:aws:iam::111111111111:user/bob", Some(PrincipalMatch::Everyone))]
    #[case::star_service("*", "bedrock.amazonaws.com", Some(PrincipalMatch::Everyone))]
    #[case::account_id(A, "arn:aws:iam::111111111111:role/r", Some(PrincipalMatch::Account))]
    #[case::root_arn(
        "arn:aws:iam::111111111111:root",
        "arn:aws:iam::111111111111:user/bob",
        Some(PrincipalMatch::Account)
    )]
    #[case::root_user(A, "arn:aws:iam::111111111111:root", Some(PrincipalMatch::Direct))]
    #[case::root_of_another(A, "arn:aws:iam::222222222222:root", None)]
    #[case::account_never_covers_a_service(A, "bedrock.amazonaws.com", None)]
    #[case::user(
        "arn:aws:iam::111111111111:user/x/bob",
        "arn:aws:iam::111111111111:user/x/bob",
        Some(PrincipalMatch::Direct)
    )]
    #[case::user_path_counts("arn:aws:iam::111111111111:user/bob", "arn:aws:iam::111111111111:user/x/bob", None)]
    #[case::user_case_counts("arn:aws:iam::111111111111:user/Bob", "arn:aws:iam::111111111111:user/bob", None)]
    #[case::role(
        "arn:aws:iam::111111111111:role/x/r",
        "arn:aws:sts::111111111111:assumed-role/r/s",
        Some(PrincipalMatch::RoleOfSession)
    )]
    #[case::session(
        "arn:aws:sts::111111111111:assumed-role/r/s",
        "arn:aws:sts::111111111111:assumed-role/r/s",
        Some(PrincipalMatch::Direct)
    )]
    #[case::other_session(
        "arn:aws:sts::111111111111:assumed-role/r/s",
        "arn:aws:sts::111111111111:assumed-role/r/t",
        None
    )]
    #[case::session_wildcard(
        "arn:aws:sts::111111111111:assumed-role/r/*",
        "arn:aws:sts::111111111111:assumed-role/r/s",
        None
    )]
    #[case::federated(
        "arn:aws:sts::111111111111:federated-user/f",
        "arn:aws:sts::111111111111:federated-user/f",
        Some(PrincipalMatch::Direct)
    )]
    #[case::orphan_id("AROAEXAMPLE111111111", "arn:aws:iam::111111111111:role/r", None)]
    fn aws_entries(#[case] entry: &str, #[case] caller: &str, #[case] expected: Option<PrincipalMatch>) {
        let entry = PrincipalPattern::parse_aws(entry).unwrap();
        assert_eq!(entry.covers(&Principal::parse(caller).unwrap()), expected);
    }

    #[rstest]
    #[case("bedrock.amazonaws.com", true)]
    #[case("Bedrock.amazonaws.com", false)]
    #[case("logs.us-east-1.amazonaws.com", false)]
    fn services_compare_exactly(#[case] entry: &str, #[case] expected: bool) {
        let entry = PrincipalPattern::parse_service(entry).unwrap();
        let bedrock = Principal::parse("bedrock.amazonaws.com").unwrap();
        assert_eq!(entry.covers(&bedrock).is_some(), expected);
        assert_eq!(entry.covers(&Principal::parse("arn:aws:iam::111111111111:role/r").unwrap()), None);
    }

    #[test]
    fn a_session_keeps_its_role_and_its_own_name() {
        let caller = Principal::parse("arn:aws:iam::111111111111:role/service-role/eval").unwrap();
        assert_eq!(caller.arn().unwrap(), "arn:aws:sts::111111111111:assumed-role/eval/permitlab");
        assert_eq!(caller.principal_arn().unwrap(), "arn:aws:iam::111111111111:role/service-role/eval");
    }

    #[rstest]
    #[case("bob", NotAPrincipal::UnknownForm)]
    #[case("arn:aws:iam::111:user/bob", NotAPrincipal::NoAccount)]
    #[case("arn:aws:iam::111111111111:group/g", NotAPrincipal::CannotCall)]
    #[case("arn:aws:s3:::bucket", NotAPrincipal::NoAccount)]
    fn nobody_calls_by_that_name(#[case] text: &str, #[case] expected: NotAPrincipal) {
        assert_eq!(Principal::parse(text), Err(expected));
    }

    #[test]
    fn origin_access_identities_are_stored_and_cover_none_of_our_callers() {
        let written = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2EXAMPLE1111";
        let entry = PrincipalPattern::parse_aws(written).unwrap();
        assert_eq!(entry, PrincipalPattern::OriginAccessIdentity(written.into()));
        assert_eq!(entry.covers(&Principal::Service("cloudfront.amazonaws.com".into())), None);
        let user = "arn:aws:iam::cloudfront:user/bob";
        assert_eq!(PrincipalPattern::parse_aws(user), Err(BadPrincipal::UnknownAws));
    }

    #[test]
    fn entries_aws_refuses() {
        assert_eq!(PrincipalPattern::parse_aws("bob"), Err(BadPrincipal::UnknownAws));
        assert_eq!(PrincipalPattern::parse_aws("arn:aws:iam::111111111111:group/g"), Err(BadPrincipal::Group));
        assert_eq!(PrincipalPattern::parse_service("bedrock"), Err(BadPrincipal::Service));
    }
}
