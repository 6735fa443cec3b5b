//! Which S3 buckets exist, whose are they, and what do their policies say?
//!
//! ARNs of buckets and objects hold neither account nor Region, so both come from the bucket (R5.3).

use std::sync::Arc;

use crate::account::AccountId;
use crate::arn::Arn;
use crate::policy::Policy;

/// An S3 bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Its name, of which there is one in all of AWS.
    pub name: Box<str>,
    /// The account it belongs to.
    pub account: AccountId,
    /// Its bucket policy; `None` when it has none.
    pub policy: Option<Arc<Policy>>,
}

/// The bucket of an ARN that names a bucket or an object: `arn:aws:s3:::BUCKET` or `arn:aws:s3:::BUCKET/KEY`.
pub fn bucket_name(arn: &Arn) -> Option<&str> {
    let [_, _, "s3", "", "", resource] = arn.fields() else { return None };
    let name = resource.split_once('/').map_or(resource, |(bucket, _)| bucket);
    (!name.is_empty() && name != "*").then_some(name)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("arn:aws:s3:::logs", Some("logs"))]
    #[case("arn:aws:s3:::logs/2026/a:b.txt", Some("logs"))]
    #[case("arn:aws:s3:us-east-1:111122223333:accesspoint/ap", None)]
    #[case("arn:aws:s3:::*", None)]
    #[case("arn:aws:sqs:us-east-1:111122223333:logs", None)]
    fn objects_lie_in_the_bucket_they_name(#[case] arn: &str, #[case] expected: Option<&str>) {
        assert_eq!(bucket_name(&Arn::parse(arn).unwrap()), expected);
    }
}
