//! Where do calls to S3 differ from the default rule?
//!
//! Only in what they are about: `CreateBucket` names a bucket that is not there yet, so no bucket policy has a say.

use crate::action::ActionName;

/// Whether an action makes the bucket it names.
pub fn makes_bucket(action: &ActionName) -> bool {
    action.service() == "s3" && action.name().eq_ignore_ascii_case("CreateBucket")
}
