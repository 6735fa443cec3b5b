//! Which resources may have a resource-based policy, and which services answer unsigned calls because of one?
//!
//! From "AWS services that work with IAM", IAM User Guide, as of 2026-09. Where only some types of a service's resources
//! have policies, the start of their names stands beside the service.

use crate::action::ActionName;
use crate::arn::Arn;

/// Services in order, each with the start of the resources that may have a policy.
const RESOURCES: &[(&str, &str)] = &[
    ("acm-pca", "certificate-authority/"),
    ("aps", "workspace/"),
    ("backup", "backup-vault:"),
    ("bedrock", "custom-model/"),
    ("bedrock", "guardrail/"),
    ("bedrock-agentcore", ""),
    ("cleanrooms-ml", "configured-model-algorithm"),
    ("cloudtrail", ""),
    ("codeartifact", ""),
    ("codebuild", ""),
    ("comprehend", ""),
    ("dynamodb", "table/"),
    ("ecr", "repository/"),
    ("ecr-public", "repository/"),
    ("elasticfilesystem", "file-system/"),
    ("entityresolution", ""),
    ("es", "domain/"),
    ("events", "event-bus/"),
    ("execute-api", ""),
    ("glacier", "vaults/"),
    ("glue", ""),
    ("kafka", "cluster/"),
    ("kinesis", "stream/"),
    ("lambda", "function:"),
    ("lambda", "layer:"),
    ("lex", ""),
    ("logs", ""),
    ("mediastore", "container/"),
    ("network-firewall", ""),
    ("oam", "sink/"),
    ("redshift-serverless", ""),
    ("rekognition", "project/"),
    ("route53-recovery-readiness", ""),
    ("s3-object-lambda", ""),
    ("s3-outposts", ""),
    ("s3express", ""),
    ("s3tables", ""),
    ("s3vectors", ""),
    ("sagemaker", "feature-group/"),
    ("sagemaker", "lineage-group/"),
    ("sagemaker", "model-package-group/"),
    ("schemas", "registry/"),
    ("secretsmanager", "secret:"),
    ("serverlessrepo", "applications/"),
    ("ses", "identity/"),
    ("signer", "/signing-profiles/"),
    ("sns", ""),
    ("sqs", ""),
    ("ssm", "parameter/"),
    ("ssm-contacts", "contact/"),
    ("ssm-incidents", "response-plan/"),
    ("vpc-lattice", ""),
    ("xray", ""),
];

/// Services that a policy for everybody opens to unsigned calls (R5.15).
const UNSIGNED: [&str; 6] = ["es", "execute-api", "lambda", "s3", "sns", "sqs"];

/// Whether a resource is of a kind that may have a resource-based policy. Keys, roles and buckets are not asked about.
pub fn may_have_one(arn: &Arn) -> bool {
    RESOURCES.iter().any(|(service, start)| *service == arn.service() && arn.resource().starts_with(start))
}

/// Whether a service answers unsigned calls when a policy lets everybody in.
pub fn serves_unsigned_calls(action: &ActionName) -> bool {
    UNSIGNED.contains(&action.service())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_table_is_in_order() {
        assert!(RESOURCES.is_sorted());
        assert!(UNSIGNED.is_sorted());
    }

    #[rstest]
    #[case("arn:aws:sqs:us-east-1:111122223333:jobs", true)]
    #[case("arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf", true)]
    #[case("arn:aws:bedrock:us-east-1:111122223333:guardrail/g1", true)]
    #[case("arn:aws:bedrock:us-east-1:111122223333:evaluation-job/e1", false)]
    #[case("arn:aws:ec2:us-east-1:111122223333:volume/vol-1", false)]
    fn some_resources_may_have_a_policy(#[case] arn: &str, #[case] expected: bool) {
        assert_eq!(may_have_one(&Arn::parse(arn).unwrap()), expected);
    }
}
