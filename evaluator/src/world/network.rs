//! Through which VPC endpoints may calls come, and what do they let pass?

use std::sync::Arc;

use crate::account::AccountId;
use crate::policy::Policy;

/// A VPC endpoint.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its id, the value of `aws:SourceVpce`.
    pub id: Box<str>,
    /// The account that owns it.
    pub account: AccountId,
    /// The VPC it is in, the value of `aws:SourceVpc`, where stated.
    pub vpc: Option<Box<str>>,
    /// Its policy; `None` is the default policy, which lets everything pass (R5.16).
    pub policy: Option<Arc<Policy>>,
}
