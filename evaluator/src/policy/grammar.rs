//! Which elements may a policy of this type have?
//!
//! The table of R1.10: one row a policy type, one column an element.

use crate::policy::pattern::Completion;

/// Where a policy is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyType {
    /// An identity-based policy, inline or managed.
    Identity,
    /// A permissions boundary.
    Boundary,
    /// A session policy.
    Session,
    /// A KMS key policy.
    Key,
    /// Another resource-based policy: of a bucket, a queue, a topic.
    Resource,
    /// The trust policy of a role.
    Trust,
    /// A VPC endpoint policy.
    VpcEndpoint,
    /// A service control policy.
    ServiceControl,
    /// A resource control policy.
    ResourceControl,
}

/// Whether a statement needs, may have or must not have an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// AWS refuses the policy without it.
    Required,
    /// It may be there.
    Allowed,
    /// It may be there in a Deny.
    DenyOnly,
    /// AWS refuses the policy with it.
    Forbidden,
}

/// The rules for statements of one policy type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grammar {
    /// `Principal`, or `NotPrincipal` where that is allowed.
    pub principal: Presence,
    /// `NotPrincipal`.
    pub not_principal: Presence,
    /// `Resource`, or `NotResource` where that is allowed.
    pub resource: Presence,
    /// `NotResource`.
    pub not_resource: Presence,
    /// `NotAction`.
    pub not_action: Presence,
    /// `"Effect": "Allow"`.
    pub allow: Presence,
    /// `"Id"`: never refused, but meaningless where `Forbidden` (R1.8).
    pub id: Presence,
    /// What an ARN with fewer than six fields means (R2.5).
    pub short_arn: ShortArn,
    /// Whether `Sid` may hold spaces and more (R1.7).
    pub free_sid: bool,
}

/// What AWS does with an ARN of fewer than six fields (R2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShortArn {
    /// Completes it with stars.
    Completed,
    /// Refuses the policy.
    Refused,
    /// Stores it; it matches nothing.
    Dead,
}

impl ShortArn {
    /// How the pattern is read.
    pub const fn completion(self) -> Completion {
        match self {
            Self::Completed => Completion::WithStars,
            Self::Refused | Self::Dead => Completion::Never,
        }
    }
}

impl PolicyType {
    /// Every type.
    pub const ALL: [Self; 9] = [
        Self::Identity,
        Self::Boundary,
        Self::Session,
        Self::Key,
        Self::Resource,
        Self::Trust,
        Self::VpcEndpoint,
        Self::ServiceControl,
        Self::ResourceControl,
    ];

    /// The row of the table.
    pub const fn grammar(self) -> Grammar {
        use Presence::{Allowed, DenyOnly, Forbidden, Required};
        use ShortArn::{Completed, Dead, Refused};
        #[rustfmt::skip]
        let row = match self {
            //                      principal  not_principal resource  not_resource not_action allow     id         short_arn  free_sid
            Self::Identity        => (Forbidden, Forbidden, Required,  Allowed,     Allowed,   Allowed,  Forbidden, Completed, false),
            Self::Boundary        => (Forbidden, Forbidden, Required,  Allowed,     Allowed,   Allowed,  Forbidden, Completed, false),
            Self::Session         => (Forbidden, Forbidden, Required,  Allowed,     Allowed,   Allowed,  Forbidden, Refused,   false),
            Self::Key             => (Required,  DenyOnly,  Allowed,   Allowed,     Allowed,   Allowed,  Allowed,   Dead,      true),
            Self::Resource        => (Required,  DenyOnly,  Allowed,   Allowed,     Allowed,   Allowed,  Allowed,   Dead,      true),
            Self::Trust           => (Required,  Forbidden, Forbidden, Forbidden,   Allowed,   Allowed,  Allowed,   Dead,      false),
            Self::VpcEndpoint     => (Required,  DenyOnly,  Required,  Allowed,     Allowed,   Allowed,  Allowed,   Dead,      true),
            Self::ServiceControl  => (Forbidden, Forbidden, Required,  Allowed,     Allowed,   Allowed,  Forbidden, Refused,   false),
            Self::ResourceControl => (Required,  Forbidden, Required,  Allowed,     Forbidden, Forbidden, Forbidden, Refused,  false),
        };
        let (principal, not_principal, resource, not_resource, not_action, allow, id, short_arn, free_sid) = row;
        Grammar { principal, not_principal, resource, not_resource, not_action, allow, id, short_arn, free_sid }
    }

    /// What messages call it, with its article.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Identity => "an identity-based policy",
            Self::Boundary => "a permissions boundary",
            Self::Session => "a session policy",
            Self::Key => "a key policy",
            Self::Resource => "a resource-based policy",
            Self::Trust => "a role trust policy",
            Self::VpcEndpoint => "a VPC endpoint policy",
            Self::ServiceControl => "a service control policy",
            Self::ResourceControl => "a resource control policy",
        }
    }

    /// The word for it in scenario files and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Boundary => "boundary",
            Self::Session => "session",
            Self::Key => "key",
            Self::Resource => "resource",
            Self::Trust => "trust",
            Self::VpcEndpoint => "vpc_endpoint",
            Self::ServiceControl => "scp",
            Self::ResourceControl => "rcp",
        }
    }

    /// The type of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}
