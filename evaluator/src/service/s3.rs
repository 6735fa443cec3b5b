//! Where do calls to S3 differ from the default rule?
//!
//! `CreateBucket` names a bucket that is not there yet, so no bucket policy has a say. The bucket policy itself belongs to
//! the bucket's account: nobody else reads or changes it, and no Deny in it keeps the root user from that
//! (`PutBucketPolicy`, Amazon S3 API Reference).

use crate::account::AccountId;
use crate::action::ActionName;
use crate::principal::Principal;
use crate::request::Request;

/// The calls on a bucket policy itself.
const ON_POLICY: [&str; 3] = ["DeleteBucketPolicy", "GetBucketPolicy", "PutBucketPolicy"];

/// Whether an action makes the bucket it names.
pub fn makes_bucket(action: &ActionName) -> bool {
    action.is("s3:CreateBucket")
}

/// Whether an action is one on the bucket policy itself.
pub fn is_on_policy(action: &ActionName) -> bool {
    action.service() == "s3" && ON_POLICY.iter().any(|name| action.name().eq_ignore_ascii_case(name))
}

/// Whether the root user of the bucket's account looks after the bucket policy, whatever that says.
pub fn is_root_on_policy(request: &Request, owner: Option<AccountId>) -> bool {
    let is_own = |account: AccountId| owner.is_none_or(|owner| owner == account);
    matches!(request.principal, Principal::Root { account, .. } if is_own(account)) && is_on_policy(&request.action)
}
