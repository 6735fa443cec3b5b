//! Who exists, and which identity-based policies are attached?

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::policy::{Policy, PolicySet};
use crate::principal::{Identity, Principal};

/// A role.
#[derive(Debug, Clone)]
pub struct Role {
    /// Account, path and name.
    pub identity: Identity,
    /// Its identity-based policies, inline and managed.
    pub policies: PolicySet,
    /// Its permissions boundary (R5.10).
    pub boundary: Option<Arc<Policy>>,
    /// Its trust policy, the resource-based policy of a role; `None` when nobody stated it.
    pub trust: Option<Arc<Policy>>,
    /// Its tags; `None` when nobody stated them.
    pub tags: Option<BTreeMap<String, String>>,
}

/// A user.
#[derive(Debug, Clone)]
pub struct User {
    /// Account, path and name.
    pub identity: Identity,
    /// Its identity-based policies and those of its groups (R5.4).
    pub policies: PolicySet,
    /// Its permissions boundary (R5.10).
    pub boundary: Option<Arc<Policy>>,
    /// Its tags; `None` when nobody stated them.
    pub tags: Option<BTreeMap<String, String>>,
}

/// What a session was made with (R5.9).
#[derive(Debug, Clone)]
pub struct Session {
    /// The caller.
    pub principal: Principal,
    /// Its session policies; `None` when it was made without any.
    pub policies: Option<PolicySet>,
    /// Its session tags; one replaces a tag of the role that has the same name, in any case.
    pub tags: BTreeMap<String, String>,
    /// The value of `aws:SourceIdentity`.
    pub source_identity: Option<Box<str>>,
}
