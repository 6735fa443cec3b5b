//! What do the resource-based policies of queues, topics, secrets and the like say?
//!
//! KMS keys, roles and buckets are facts of their own; every other resource is its ARN and its policy.

use std::sync::Arc;

use crate::account::AccountId;
use crate::arn::Arn;
use crate::policy::Policy;

/// A resource whose resource-based policy is known.
#[derive(Debug, Clone)]
pub struct OtherResource {
    /// Its ARN.
    pub arn: Arn,
    /// The account it belongs to.
    pub account: AccountId,
    /// Its resource-based policy; `None` when it has none.
    pub policy: Option<Arc<Policy>>,
}
