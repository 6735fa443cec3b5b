//! What is known of an action or a condition key, apart from any policy?
//!
//! Types of the global condition keys (the table of R8) and of the keys of KMS (R6.16), from the service
//! authorization reference.

pub mod kms;

use std::cmp::Ordering;

use crate::action::ActionName;
use crate::context::ConditionKey;

/// The type of a condition key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    /// Text.
    String,
    /// An ARN.
    Arn,
    /// `true` or `false`.
    Bool,
    /// A date.
    Date,
    /// A number.
    Numeric,
    /// An IP address.
    Ip,
    /// Several texts.
    Strings,
}

use KeyType::{Arn, Bool, Date, Ip, Numeric, String, Strings};

/// Global keys in the order of their folded names; a trailing `/` marks a family.
const GLOBAL: &[(&str, KeyType)] = &[
    ("aws:AssumedRoot", Bool),
    ("aws:CalledVia", Strings),
    ("aws:CalledViaAWSMCP", String),
    ("aws:CalledViaFirst", String),
    ("aws:CalledViaLast", String),
    ("aws:ChatbotSourceArn", Arn),
    ("aws:CurrentTime", Date),
    ("aws:Ec2InstanceSourcePrivateIPv4", Ip),
    ("aws:Ec2InstanceSourceVpc", String),
    ("aws:EpochTime", Date),
    ("aws:FederatedProvider", String),
    ("aws:IsMcpServiceAction", Bool),
    ("aws:MultiFactorAuthAge", Numeric),
    ("aws:MultiFactorAuthPresent", Bool),
    ("aws:PrincipalAccount", String),
    ("aws:PrincipalArn", Arn),
    ("aws:PrincipalIsAWSService", Bool),
    ("aws:PrincipalOrgID", String),
    ("aws:PrincipalOrgPaths", Strings),
    ("aws:PrincipalServiceName", String),
    ("aws:PrincipalServiceNamesList", Strings),
    ("aws:PrincipalTag/", String),
    ("aws:PrincipalType", String),
    ("aws:referer", String),
    ("aws:RequestedRegion", String),
    ("aws:RequestTag/", String),
    ("aws:ResourceAccount", String),
    ("aws:ResourceOrgID", String),
    ("aws:ResourceOrgPaths", Strings),
    ("aws:ResourceTag/", String),
    ("aws:SecureTransport", Bool),
    ("aws:SignInSessionArn", Arn),
    ("aws:SourceAccount", String),
    ("aws:SourceArn", Arn),
    ("aws:SourceIdentity", String),
    ("aws:SourceIp", Ip),
    ("aws:SourceOrgID", String),
    ("aws:SourceOrgPaths", Strings),
    ("aws:SourceOwner", String),
    ("aws:SourceVpc", String),
    ("aws:SourceVpcArn", Arn),
    ("aws:SourceVpce", String),
    ("aws:TagKeys", Strings),
    ("aws:TokenIssueTime", Date),
    ("aws:UserAgent", String),
    ("aws:userid", String),
    ("aws:username", String),
    ("aws:ViaAWSMCPService", Bool),
    ("aws:ViaAWSService", Bool),
    ("aws:VpceAccount", String),
    ("aws:VpceOrgID", String),
    ("aws:VpceOrgPaths", Strings),
    ("aws:VpcSourceIp", Ip),
    ("ec2:RoleDelivery", Numeric),
    ("ec2:SourceInstanceArn", Arn),
    ("glue:CredentialIssuingService", String),
    ("glue:RoleAssumedBy", String),
    ("identitystore:UserId", String),
    ("lambda:SourceFunctionArn", Arn),
    ("ssm:SourceInstanceArn", Arn),
];

/// Keys of KMS in the order of their folded names; a trailing `:` marks a family.
const KMS: &[(&str, KeyType)] = &[
    ("kms:BypassPolicyLockoutSafetyCheck", Bool),
    ("kms:CallerAccount", String),
    ("kms:CustomerMasterKeySpec", String),
    ("kms:CustomerMasterKeyUsage", String),
    ("kms:DataKeyPairSpec", String),
    ("kms:EncryptionAlgorithm", String),
    ("kms:EncryptionContext:", String),
    ("kms:EncryptionContextKeys", Strings),
    ("kms:ExpirationModel", String),
    ("kms:GrantConstraintSourceArn", Arn),
    ("kms:GrantConstraintType", String),
    ("kms:GranteePrincipal", String),
    ("kms:GranteeServicePrincipal", String),
    ("kms:GrantIsForAWSResource", Bool),
    ("kms:GrantOperations", Strings),
    ("kms:KeyAgreementAlgorithm", String),
    ("kms:KeyOrigin", String),
    ("kms:KeySpec", String),
    ("kms:KeyUsage", String),
    ("kms:MacAlgorithm", String),
    ("kms:MessageType", String),
    ("kms:MultiRegion", Bool),
    ("kms:MultiRegionKeyType", String),
    ("kms:PrimaryRegion", String),
    ("kms:RecipientAttestation:", String),
    ("kms:ReEncryptOnSameKey", Bool),
    ("kms:ReplicaRegion", String),
    ("kms:RequestAlias", String),
    ("kms:ResourceAliases", Strings),
    ("kms:RetiringPrincipal", String),
    ("kms:RetiringServicePrincipal", String),
    ("kms:RotationPeriodInDays", Numeric),
    ("kms:ScheduleKeyDeletionPendingWindowInDays", Numeric),
    ("kms:SigningAlgorithm", String),
    ("kms:TrailingDaysWithoutKeyUsage", Numeric),
    ("kms:ValidTo", Date),
    ("kms:ViaService", String),
    ("kms:WrappingAlgorithm", String),
    ("kms:WrappingKeySpec", String),
];

/// Services whose resources RCPs reach (R5.6), as of 2026-09.
const RCP_SERVICES: &[&str] = &[
    "aoss",
    "appconfig",
    "appstream",
    "autoscaling",
    "autoscaling-plans",
    "budgets",
    "clouddirectory",
    "cloudfront",
    "cloudsearch",
    "cloudtrail-data",
    "codeartifact",
    "codebuild",
    "codecommit",
    "codepipeline",
    "cognito-identity",
    "cognito-idp",
    "comprehend",
    "comprehendmedical",
    "compute-optimizer",
    "cost-optimization-hub",
    "dax",
    "dsql",
    "dynamodb",
    "ecr",
    "ecr-public",
    "events",
    "firehose",
    "fis",
    "fms",
    "gamelift",
    "health",
    "inspector-scan",
    "kendra",
    "kinesisvideo",
    "kms",
    "logs",
    "memorydb",
    "networkmonitor",
    "notifications",
    "opensearch",
    "pca-connector-ad",
    "personalize",
    "polly",
    "pricing",
    "resource-groups",
    "rolesanywhere",
    "s3",
    "secretsmanager",
    "servicediscovery",
    "signin",
    "sqs",
    "sts",
    "support",
    "swf",
    "textract",
    "timestream-influxdb",
    "transcribe",
    "transfer",
    "translate",
    "wafv2",
    "workspaces",
    "xray",
];

/// Whether RCPs have a say in an action: its service supports them, and it is not `kms:RetireGrant` (R5.6, R6.30).
pub fn rcps_reach(action: &ActionName) -> bool {
    RCP_SERVICES.binary_search(&action.service()).is_ok()
        && !(action.service() == "kms" && action.name().eq_ignore_ascii_case("RetireGrant"))
}

/// The type of a key, if it is one of the global keys or of KMS.
pub fn key_type(key: &ConditionKey) -> Option<KeyType> {
    let table = if key.prefix() == "kms" { KMS } else { GLOBAL };
    let find = |folded: &str| {
        let at = table.binary_search_by(|(name, _)| compare_folded(name, folded)).ok()?;
        table.get(at).map(|(_, kind)| *kind)
    };
    find(key.folded()).or_else(|| find(key.family()?))
}

/// Compares a name of a table with a folded one, without allocating.
fn compare_folded(name: &str, folded: &str) -> Ordering {
    name.bytes().map(|byte| byte.to_ascii_lowercase()).cmp(folded.bytes())
}

/// The global keys and those of KMS, as AWS spells them; families end in `/` or `:`.
pub fn key_names() -> impl Iterator<Item = &'static str> {
    GLOBAL.iter().chain(KMS).map(|(name, _)| *name)
}

/// Whether a key holds several values by its type, however many a request carries (R4.11).
pub fn is_multivalued(key: &ConditionKey) -> bool {
    key_type(key) == Some(KeyType::Strings)
}

/// Whether a request for `action` may carry `key` without anybody having said so: a known global key, or a key of
/// the called service that this catalog does not list (R8.4, R8.5). A key nobody knows is never sent (R1.14).
pub fn may_be_sent(key: &ConditionKey, action: &ActionName) -> bool {
    if key.prefix() == "kms" || action.service() == "kms" {
        return key_type(key).is_some() && key.prefix() != "kms";
    }
    key_type(key).is_some() || key.prefix() == action.service()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_for_the_search() {
        assert!(GLOBAL.is_sorted_by_key(|(name, _)| name.to_lowercase()));
        assert!(KMS.is_sorted_by_key(|(name, _)| name.to_lowercase()));
    }

    #[test]
    fn rcps_reach_some_services_only() {
        assert!(RCP_SERVICES.is_sorted());
        let reach = |name: &str| rcps_reach(&ActionName::parse(name).unwrap());
        assert!(reach("kms:Decrypt") && reach("sts:AssumeRole") && reach("S3:GetObject"));
        assert!(!reach("kms:retiregrant") && !reach("ec2:RunInstances"));
    }

    #[test]
    fn families_have_the_type_of_their_members() {
        let kind = |name: &str| key_type(&ConditionKey::new(name));
        assert_eq!(kind("aws:PrincipalTag/team"), Some(String));
        assert_eq!(kind("kms:EncryptionContext:aws:s3:arn"), Some(String));
        assert_eq!(kind("kms:EncryptionContextKeys"), Some(Strings));
        assert_eq!(kind("kms:ValidTo"), Some(Date));
        assert_eq!(kind("kms:ViaServce"), None);
    }

    #[test]
    fn keys_a_call_may_carry() {
        let decrypt = ActionName::parse("kms:Decrypt").unwrap();
        let get = ActionName::parse("s3:GetObject").unwrap();
        let may = |key: &str, action: &ActionName| may_be_sent(&ConditionKey::new(key), action);
        assert!(may("aws:SourceIp", &decrypt));
        assert!(may("s3:prefix", &get));
        assert!(!may("s3:prefix", &decrypt));
        assert!(!may("kms:ViaServce", &decrypt));
        assert!(!may("aws:SourceIpp", &decrypt));
        assert!(!may("kms:ViaService", &get));
    }
}
