//! Who exists, and which identity-based policies are attached?

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::policy::Policy;
use crate::principal::Identity;

/// A role.
#[derive(Debug, Clone)]
pub struct Role {
    /// Account, path and name.
    pub identity: Identity,
    /// Its identity-based policies, inline and managed.
    pub policies: Vec<Arc<Policy>>,
    /// Its tags; `None` when nobody stated them.
    pub tags: Option<BTreeMap<String, String>>,
}

/// A user.
#[derive(Debug, Clone)]
pub struct User {
    /// Account, path and name.
    pub identity: Identity,
    /// Its identity-based policies and those of its groups (R5.4).
    pub policies: Vec<Arc<Policy>>,
    /// Its tags; `None` when nobody stated them.
    pub tags: Option<BTreeMap<String, String>>,
}
