//! Which kinds of policy have a say, and what does each say?

use std::fmt;

use crate::eval::policy::StatementIndex;

/// A kind of policy that has a say in a request, in AWS's order (R5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Resource control policies of the resource's account.
    Rcp,
    /// Service control policies of the caller's account.
    Scp,
    /// The policy of the VPC endpoint the call went through.
    VpcEndpoint,
    /// The resource-based policy: for a KMS key, its key policy.
    Resource,
    /// Grants on a KMS key.
    Grant,
    /// The caller's identity-based policies.
    Identity,
    /// The caller's permissions boundary.
    Boundary,
    /// The session policies of the caller's session.
    Session,
}

/// What one layer says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It allows.
    Allowed,
    /// It leaves the decision to the account's identity-based policies (R6.2).
    Delegated,
    /// No statement of it applies.
    ImplicitDeny,
    /// A Deny of it applies.
    ExplicitDeny,
    /// It has no say in this request.
    NotApplicable,
}

/// A statement of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatementRef {
    /// The layer.
    pub layer: Layer,
    /// The level of an SCP or RCP hierarchy, from the root down; 0 elsewhere.
    pub level: usize,
    /// Policy and statement.
    pub index: StatementIndex,
}

impl Layer {
    /// Every layer, in AWS's order.
    pub const ALL: [Self; 8] = [
        Self::Rcp,
        Self::Scp,
        Self::VpcEndpoint,
        Self::Resource,
        Self::Grant,
        Self::Identity,
        Self::Boundary,
        Self::Session,
    ];

    /// Its word in scenario files and `decide` answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rcp => "rcp",
            Self::Scp => "scp",
            Self::VpcEndpoint => "vpc_endpoint",
            Self::Resource => "resource",
            Self::Grant => "grant",
            Self::Identity => "identity",
            Self::Boundary => "boundary",
            Self::Session => "session",
        }
    }

    /// The layer of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.word() == word)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Verdict {
    /// Its word in `decide` answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Delegated => "delegated",
            Self::ImplicitDeny => "implicitDeny",
            Self::ExplicitDeny => "explicitDeny",
            Self::NotApplicable => "notApplicable",
        }
    }
}
