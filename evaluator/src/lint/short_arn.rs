//! Does an ARN lack fields where AWS does not fill them in (R2.5)?

use super::{Check, Example, Level, Rule};
use crate::policy::PolicyType;

/// Found while the policy is read.
pub(super) const RULE: Rule = Rule {
    code: "short-arn",
    level: Level::Warning,
    summary: "an ARN with fewer than six fields",
    explanation: "In policies of users and roles AWS completes an ARN that ends early with stars. In policies of resources it does not, and the ARN matches nothing.",
    remedy: "Write all six fields: `arn:partition:service:region:account:resource`.",
    bad: Example::bad(
        PolicyType::Key,
        r"arn:aws:kms:us-east-1",
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "EnableIAMUserPermissions",
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::111122223333:root" },
      "Action": "kms:*",
      "Resource": "*"
    },
    {
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::111122223333:role/eval" },
      "Action": "kms:Decrypt",
      "Resource": "arn:aws:kms:us-east-1"
    }
  ]
}"#,
    ),
    good: Example::good(
        PolicyType::Key,
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "EnableIAMUserPermissions",
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::111122223333:root" },
      "Action": "kms:*",
      "Resource": "*"
    },
    {
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::111122223333:role/eval" },
      "Action": "kms:Decrypt",
      "Resource": "arn:aws:kms:us-east-1:111122223333:key/*"
    }
  ]
}"#,
    ),
    also_good: &[],
    check: Check::Reader,
};
