//! Is this the name of a service, where AWS writes one before `.amazonaws.com`?
//!
//! As a forwarding service in `kms:ViaService` (R6.18), and as a service principal (R3.7). Most are action prefixes;
//! the tables hold those that are not. AWS publishes no list of either, so a whole host name is beyond judgement.

use super::services::{prefixes, service};

/// Names in `kms:ViaService` that are no action prefix (R6.18): Directory Service has actions of `ds`.
const FORWARDING: [&str; 1] = ["directoryservice"];

/// Service principals that are no action prefix, as the guides of their services show them in trust policies, key
/// policies and bucket policies.
const PRINCIPALS: [&str; 33] = [
    "agentless.inspector2",
    "build.apprunner",
    "cks.kms",
    "config-multiaccountsetup",
    "credentials.iot",
    "custom-resource.application-autoscaling",
    "delivery.logs",
    "ec2fleet",
    "ecs-tasks",
    "ecs.application-autoscaling",
    "edgelambda",
    "eks-fargate",
    "eks-fargate-pods",
    "eks-nodegroup",
    "export.rds",
    "lexv2",
    "logger.cloudfront",
    "logging.s3",
    "malware-protection-plan.guardduty",
    "malware-protection.guardduty",
    "management.chatbot",
    "member.org.stacksets.cloudformation",
    "monitoring.rds",
    "opensearchservice",
    "ops.apigateway",
    "pods.eks",
    "replication.dynamodb",
    "replicator.lambda",
    "spot",
    "spotfleet",
    "stacksets.cloudformation",
    "tasks.apprunner",
    "vpc-flow-logs",
];

/// Whether a service of this name forwards calls.
pub fn is_forwarding(name: &str) -> bool {
    FORWARDING.contains(&name) || is_prefix(name)
}

/// Whether there is a service principal of this name.
pub fn is_principal(name: &str) -> bool {
    PRINCIPALS.contains(&name) || is_prefix(name)
}

/// The names of forwarding services.
pub fn forwarding() -> impl Iterator<Item = &'static str> {
    prefixes().chain(FORWARDING)
}

/// The names of service principals.
pub fn principals() -> impl Iterator<Item = &'static str> {
    prefixes().chain(PRINCIPALS)
}

/// Host names are written in lower case.
fn is_prefix(name: &str) -> bool {
    service(name).is_some_and(|service| service.prefix() == name)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("s3")]
    #[case("bedrock")]
    #[case("ec2")]
    #[case("importexport")]
    #[case("kafka")]
    #[case("airflow")]
    #[case("cassandra")]
    #[case("rds")]
    #[case("geo")]
    #[case("directoryservice")]
    #[case("elasticache")]
    fn services_forward_calls(#[case] name: &str) {
        assert!(is_forwarding(name) && forwarding().any(|each| each == name));
    }

    #[rstest]
    #[case("bedrock")]
    #[case("bedrock-agentcore")]
    #[case("ec2")]
    #[case("lambda")]
    #[case("autoscaling")]
    #[case("delivery.logs")]
    #[case("edgelambda")]
    #[case("spotfleet")]
    fn services_are_principals(#[case] name: &str) {
        assert!(is_principal(name) && principals().any(|each| each == name));
    }

    #[rstest]
    #[case("bedrok")]
    #[case("S3")]
    #[case("")]
    #[case("s3.us-east-1")]
    fn these_are_neither(#[case] name: &str) {
        assert!(!is_forwarding(name) && !is_principal(name));
    }

    #[test]
    fn a_table_holds_what_is_no_prefix() {
        for name in FORWARDING.iter().chain(&PRINCIPALS) {
            assert!(!is_prefix(name), "{name}");
        }
        assert!(PRINCIPALS.is_sorted());
    }
}
