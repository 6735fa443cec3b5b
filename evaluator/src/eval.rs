//! Does a statement apply to a request?
//!
//! [`element`] judges one element of a statement, [`statement`] all of them, [`policy`] a set of policies.

pub mod element;
pub mod policy;
pub mod statement;

use crate::catalog;
use crate::context::{ConditionKey, Entry, Lookup, RequestContext};
use crate::policy::PolicyType;
use crate::request::Request;
use crate::service::sts;
use crate::truth::{Keys, Unstated};

/// A request as policies of one type see it.
#[derive(Debug, Clone, Copy)]
pub struct View<'r> {
    /// The request.
    pub request: &'r Request,
    /// Its context.
    pub context: &'r RequestContext,
    /// The type of the policies that look at it.
    pub kind: PolicyType,
    /// Whether the caller has a permissions boundary (R3.10).
    pub has_boundary: bool,
    /// The keys that were looked for and that nobody stated.
    pub unstated: &'r Unstated,
}

impl Lookup for View<'_> {
    /// Tags and aliases of a key are absent in key policies: AWS supports them in identity policies only (R6.16).
    /// A key nobody knows is never sent (R1.14, R8.5).
    fn entry(&self, key: &ConditionKey) -> &Entry {
        let identity_only = || key.family() == Some("aws:resourcetag/") || key.folded() == "kms:resourcealiases";
        if self.kind == PolicyType::Key && identity_only() {
            return &Entry::ABSENT;
        }
        match self.context.recorded(key) {
            Some(entry) => entry,
            None if !self.context.is_closed() && self.may_be_sent(key) => &Entry::UNSTATED,
            None => &Entry::ABSENT,
        }
    }

    fn mark(&self, key: &ConditionKey) -> Keys {
        self.unstated.mark(key)
    }
}

impl View<'_> {
    fn may_be_sent(&self, key: &ConditionKey) -> bool {
        let caller = &self.request.principal;
        if sts::is_claim(key) {
            sts::may_be_claimed(key, caller)
        } else {
            catalog::may_be_sent(key, &self.request.action)
        }
    }
}
