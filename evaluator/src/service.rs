//! Where do services differ in how their policies combine?
//!
//! Services differ in the answers to a few questions, not in the algorithm: does a resource policy have to let the
//! account's identity policies speak (R5.7, R6.1), and does the call have a resource whose policy counts (R6.7)?

pub mod kms;

use crate::catalog;
use crate::decision::Unavailable;
use crate::request::Request;
use crate::world::kms::KeyState;

/// How a resource-based policy and the identity-based policies of its own account combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Either allows by itself (R5.7).
    EitherAllows,
    /// The resource policy allows, or delegates to the account, whose identity policies then allow (R6.1, R6.2).
    Delegated,
    /// No resource policy has a say (R6.7, R6.12).
    IdentityOnly,
    /// A grant decides who may retire it; the account that issued it may leave that to its identity policies (R6.30).
    ByGrant,
}

/// How policies combine for a request.
pub fn sharing(request: &Request) -> Sharing {
    match request.action.service() {
        "kms" if request.resource.is_wide || !request.resource.arn.resource().starts_with("key/") => {
            Sharing::IdentityOnly
        }
        "kms" if kms::grant::retires(request) => Sharing::ByGrant,
        "kms" => Sharing::Delegated,
        _ => Sharing::EitherAllows,
    }
}

/// Whether an action may be used on a resource of another account at all (R6.6). Only KMS limits that.
pub fn works_across_accounts(request: &Request) -> bool {
    request.action.service() != "kms"
        || catalog::kms::operation(&request.action).is_some_and(|operation| operation.across_accounts)
}

/// What a key's state makes of an authorized call; `None` when it goes through.
pub fn refusal(request: &Request, state: KeyState) -> Option<Unavailable> {
    let operation = catalog::kms::operation(&request.action)?;
    let errors = kms::state_errors(operation, state);
    (!errors.is_empty()).then_some(Unavailable::KeyState(errors))
}
