//! R6.16: every condition key of KMS against every operation, and R6.8, R6.17, R6.20, R6.21 with it.

use permitlab_evaluator::catalog::kms::operations;
use permitlab_evaluator::context::{ConditionKey, Presence, Values};
use permitlab_evaluator::world::kms::MultiRegion;
use rstest::rstest;

use crate::support::{Call, ROOT};

/// The table of R6.16: a key, what a plain call on a symmetric key of one Region carries (a value, or `?` where the
/// caller has to say), and the operations. `KEY` stands for every operation that is authorized on a key, `CRYPTO` for
/// the cryptographic ones, `EC` for those with an encryption context but for the grant operations, `STORE` for those of
/// custom key stores. On every other operation the key is absent.
const TABLE: &str = "
kms:BypassPolicyLockoutSafetyCheck             | false                   | CreateKey PutKeyPolicy
kms:CallerAccount                              | 111111111111            | KEY STORE CreateKey
kms:CustomerMasterKeySpec                      | SYMMETRIC_DEFAULT       | KEY CreateKey
kms:CustomerMasterKeyUsage                     | ENCRYPT_DECRYPT         | KEY CreateKey
kms:DataKeyPairSpec                            | ?                       | GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext
kms:EncryptionAlgorithm                        | SYMMETRIC_DEFAULT       | EC
kms:EncryptionContext:team                     | ?                       |
kms:EncryptionContextKeys                      | ?                       |
kms:ExpirationModel                            | KEY_MATERIAL_EXPIRES    | ImportKeyMaterial
kms:GrantConstraintSourceArn                   | ?                       | CreateGrant
kms:GrantConstraintType                        | ?                       | CreateGrant RetireGrant
kms:GranteePrincipal                           | ?                       | CreateGrant
kms:GranteeServicePrincipal                    | ?                       | CreateGrant
kms:GrantIsForAWSResource                      | false                   | CreateGrant ListGrants RevokeGrant
kms:GrantOperations                            | ?                       | CreateGrant
kms:KeyAgreementAlgorithm                      | ?                       | DeriveSharedSecret
kms:KeyOrigin                                  | AWS_KMS                 | KEY CreateKey
kms:KeySpec                                    | SYMMETRIC_DEFAULT       | KEY CreateKey
kms:KeyUsage                                   | ENCRYPT_DECRYPT         | KEY CreateKey
kms:MacAlgorithm                               | ?                       | GenerateMac VerifyMac
kms:MessageType                                | RAW                     | Sign Verify
kms:MultiRegion                                | false                   | KEY CreateKey
kms:MultiRegionKeyType                         | ?                       |
kms:PrimaryRegion                              | ?                       | UpdatePrimaryRegion
kms:RecipientAttestation:PCR0                  | ?                       | Decrypt DeriveSharedSecret GenerateDataKey GenerateDataKeyPair GenerateRandom
kms:ReEncryptOnSameKey                         | ?                       | ReEncryptFrom ReEncryptTo
kms:ReplicaRegion                              | ?                       | ReplicateKey
kms:RequestAlias                               | ?                       |
kms:ResourceAliases                            | []                      | KEY
kms:RetiringPrincipal                          | ?                       | CreateGrant
kms:RetiringServicePrincipal                   | ?                       | CreateGrant
kms:RotationPeriodInDays                       | 365                     | EnableKeyRotation
kms:ScheduleKeyDeletionPendingWindowInDays     | 30                      | ScheduleKeyDeletion
kms:SigningAlgorithm                           | ?                       | Sign Verify
kms:TrailingDaysWithoutKeyUsage                | ?                       | DisableKey ScheduleKeyDeletion
kms:ValidTo                                    | ?                       | ImportKeyMaterial
kms:ViaService                                 | ?                       |
kms:WrappingAlgorithm                          | ?                       | GetParametersForImport
kms:WrappingKeySpec                            | ?                       | GetParametersForImport
";

const STORE: &str = "ConnectCustomKeyStore CreateCustomKeyStore DeleteCustomKeyStore DescribeCustomKeyStores \
    DisconnectCustomKeyStore UpdateCustomKeyStore";
const NO_KEY: &str = "CreateKey GenerateRandom ListAliases ListKeys ListRetirableGrants";
const EC: &str = "Decrypt Encrypt GenerateDataKey GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext \
    GenerateDataKeyWithoutPlaintext ReEncryptFrom ReEncryptTo";
const CRYPTO: &str = "EC DeriveSharedSecret GenerateMac Sign Verify VerifyMac";

/// Whether a list of the table names an operation.
fn names(list: &str, operation: &str) -> bool {
    list.split_whitespace().any(|word| match word {
        "KEY" => !names(STORE, operation) && !names(NO_KEY, operation),
        "STORE" => names(STORE, operation),
        "EC" => names(EC, operation),
        "CRYPTO" => names(CRYPTO, operation),
        _ => word == operation,
    })
}

fn call(operation: &str) -> Call {
    let call = Call::new(&format!("kms:{operation}")).key_policy(&[ROOT]);
    if names("KEY", operation) { call } else { call.on_nothing() }
}

/// What a call carries of a key: `absent`, `?`, its value, or its values in brackets.
fn carried(call: &Call, key: &str) -> String {
    let context = call.derived();
    match context.recorded(&ConditionKey::new(key)).map(|entry| &entry.presence) {
        None | Some(Presence::Absent) => "absent".to_owned(),
        Some(Presence::Unstated) => "?".to_owned(),
        Some(Presence::Present(Values::One(value))) => value.clone(),
        Some(Presence::Present(Values::Many(values))) => format!("[{}]", values.join(",")),
    }
}

/// Every operation carries `key` as `value` where `list` names it, and not at all elsewhere.
#[track_caller]
fn check(key: &str, value: &str, list: &str, ask: impl Fn(&str) -> Call) {
    let wrong = operations().filter_map(|operation| {
        let expected = if names(list, operation.name) { value } else { "absent" };
        let found = carried(&ask(operation.name), key);
        (found != expected).then(|| format!("{} carries {key} as {found}, not {expected}", operation.name))
    });
    assert_eq!(wrong.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn r6_16_every_key_on_every_operation() {
    for row in TABLE.trim().lines() {
        let [key, value, list] = row.split('|').map(str::trim).collect::<Vec<_>>()[..] else { panic!("{row}") };
        check(key, value, list, call);
    }
}

#[rstest]
#[case::via_service("kms:ViaService", "s3.us-east-1.amazonaws.com", "KEY CreateKey")]
#[case::grants_for_aws("kms:GrantIsForAWSResource", "true", "CreateGrant ListGrants RevokeGrant")]
fn r6_18_through_a_service(#[case] key: &str, #[case] value: &str, #[case] list: &str) {
    check(key, value, list, |operation| call(operation).via("s3.us-east-1.amazonaws.com"));
}

#[rstest]
#[case::pair("kms:EncryptionContext:TEAM", "red")]
#[case::names("kms:EncryptionContextKeys", "[Team]")]
#[case::other_name("kms:EncryptionContext:app", "absent")]
fn r6_20_with_an_encryption_context(#[case] key: &str, #[case] value: &str) {
    check(key, value, "EC CreateGrant RetireGrant", |operation| call(operation).encryption_context("Team", "red"));
}

#[test]
fn r6_21_the_key_named_by_an_alias() {
    let by_alias = |operation: &str| {
        let call = call(operation);
        if names("KEY", operation) { call.by_alias("alias/app") } else { call }
    };
    check("kms:RequestAlias", "alias/app", "CRYPTO DescribeKey GetPublicKey", by_alias);
}

/// R6.16: an asymmetric key has no default algorithm, and its own spec.
#[rstest]
#[case::algorithm("kms:EncryptionAlgorithm", "?", "Decrypt Encrypt ReEncryptFrom ReEncryptTo")]
#[case::spec("kms:KeySpec", "RSA_2048", "KEY")]
#[case::deprecated_twin("kms:CustomerMasterKeySpec", "RSA_2048", "KEY")]
fn r6_16_of_an_asymmetric_key(#[case] key: &str, #[case] value: &str, #[case] list: &str) {
    let on_key = |operation: &str| names("KEY", operation) && !operation.starts_with("GenerateDataKey");
    for operation in operations().filter(|operation| on_key(operation.name)) {
        let expected = if names(list, operation.name) { value } else { "absent" };
        assert_eq!(carried(&call(operation.name).key_spec("RSA_2048"), key), expected, "{}", operation.name);
    }
}

/// R6.35: what a multi-Region key tells of itself.
#[rstest]
#[case::primary(MultiRegion::Primary, "true", "PRIMARY", "?")]
#[case::replica(MultiRegion::Replica, "true", "REPLICA", "us-east-1")]
#[case::either(MultiRegion::Unstated, "true", "?", "?")]
#[case::neither(MultiRegion::No, "false", "absent", "?")]
fn r6_35_multi_region_keys(#[case] kind: MultiRegion, #[case] is: &str, #[case] is_of: &str, #[case] region: &str) {
    let call = |operation: &str| call(operation).multi_region(kind);
    assert_eq!(carried(&call("Decrypt"), "kms:MultiRegion"), is);
    assert_eq!(carried(&call("Decrypt"), "kms:MultiRegionKeyType"), is_of);
    assert_eq!(carried(&call("UpdatePrimaryRegion"), "kms:PrimaryRegion"), region);
}

/// R6.8: the key that `CreateKey` makes has a type only if it is a multi-Region key.
#[test]
fn r6_8_create_key_of_a_multi_region_key() {
    let create = call("CreateKey").context("kms:MultiRegion", "true");
    assert_eq!(carried(&create, "kms:MultiRegionKeyType"), "?");
}

/// R6.12: on the alias itself no condition key of KMS works.
#[rstest]
fn r6_12_on_an_alias(#[values("CreateAlias", "DeleteAlias", "UpdateAlias")] operation: &str) {
    let call = call(operation).on("arn:aws:kms:us-east-1:111111111111:alias/app");
    for row in TABLE.trim().lines() {
        let key = row.split('|').next().unwrap().trim();
        assert_eq!(carried(&call, key), "absent", "{key}");
    }
}
