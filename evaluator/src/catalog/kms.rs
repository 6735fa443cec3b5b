//! What are the permissions of KMS?
//!
//! Which need a key (R6.7), which work across accounts (R6.6), which carry an encryption context (R6.20) or a
//! request alias (R6.21), which a grant may permit (R6.22). Their names are not always those of API operations (R2.3).

use std::collections::HashMap;
use std::sync::LazyLock;

use rustc_hash::FxBuildHasher;
use smol_str::SmolStr;

use crate::action::ActionName;
use crate::glob::fold;

/// A KMS permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the columns of a table")]
pub struct Operation {
    /// The name after `kms:`.
    pub name: &'static str,
    /// What it is authorized on.
    pub target: Target,
    /// Whether it works on keys of other accounts (R6.6).
    pub across_accounts: bool,
    /// Whether it is a cryptographic operation.
    pub cryptographic: bool,
    /// Whether a request carries an encryption context (R6.20).
    pub encryption_context: bool,
    /// Whether a request may name the key by an alias (R6.21).
    pub request_alias: bool,
    /// Whether a grant may permit it (R6.22).
    pub grantable: bool,
}

/// What a KMS permission is authorized on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A key.
    Key,
    /// An alias, and a key (R6.12).
    AliasAndKey,
    /// Nothing (R6.7).
    None,
}

const fn row(name: &'static str, target: Target, flags: &str) -> Operation {
    let flags = flags.as_bytes();
    Operation {
        name,
        target,
        across_accounts: has(flags, b'x'),
        cryptographic: has(flags, b'c'),
        encryption_context: has(flags, b'e'),
        request_alias: has(flags, b'a'),
        grantable: has(flags, b'c') || has(flags, b'g'),
    }
}

const fn has(flags: &[u8], flag: u8) -> bool {
    let mut rest = flags;
    while let [first, tail @ ..] = rest {
        if *first == flag {
            return true;
        }
        rest = tail;
    }
    false
}

/// The permissions, by name. Flags: `x` works across accounts, `c` cryptographic, `e` encryption context, `a`
/// request alias, `g` grantable though not cryptographic.
const OPERATIONS: &[Operation] = &[
    row("CancelKeyDeletion", Target::Key, ""),
    row("ConnectCustomKeyStore", Target::None, ""),
    row("CreateAlias", Target::AliasAndKey, ""),
    row("CreateCustomKeyStore", Target::None, ""),
    row("CreateGrant", Target::Key, "xeg"),
    row("CreateKey", Target::None, ""),
    row("Decrypt", Target::Key, "xcea"),
    row("DeleteAlias", Target::AliasAndKey, ""),
    row("DeleteCustomKeyStore", Target::None, ""),
    row("DeleteImportedKeyMaterial", Target::Key, ""),
    row("DeriveSharedSecret", Target::Key, "xca"),
    row("DescribeCustomKeyStores", Target::None, ""),
    row("DescribeKey", Target::Key, "xag"),
    row("DisableKey", Target::Key, ""),
    row("DisableKeyRotation", Target::Key, ""),
    row("DisconnectCustomKeyStore", Target::None, ""),
    row("EnableKey", Target::Key, ""),
    row("EnableKeyRotation", Target::Key, ""),
    row("Encrypt", Target::Key, "xcea"),
    row("GenerateDataKey", Target::Key, "xcea"),
    row("GenerateDataKeyPair", Target::Key, "xcea"),
    row("GenerateDataKeyPairWithoutPlaintext", Target::Key, "xcea"),
    row("GenerateDataKeyWithoutPlaintext", Target::Key, "xcea"),
    row("GenerateMac", Target::Key, "xca"),
    row("GenerateRandom", Target::None, ""),
    row("GetKeyLastUsage", Target::Key, ""),
    row("GetKeyPolicy", Target::Key, ""),
    row("GetKeyRotationStatus", Target::Key, "x"),
    row("GetParametersForImport", Target::Key, ""),
    row("GetPublicKey", Target::Key, "xag"),
    row("ImportKeyMaterial", Target::Key, ""),
    row("ListAliases", Target::None, ""),
    row("ListGrants", Target::Key, "x"),
    row("ListKeyPolicies", Target::Key, ""),
    row("ListKeyRotations", Target::Key, ""),
    row("ListKeys", Target::None, ""),
    row("ListResourceTags", Target::Key, ""),
    row("ListRetirableGrants", Target::None, ""),
    row("PutKeyPolicy", Target::Key, ""),
    row("ReEncryptFrom", Target::Key, "xcea"),
    row("ReEncryptTo", Target::Key, "xcea"),
    row("ReplicateKey", Target::Key, ""),
    row("RetireGrant", Target::Key, "xeg"),
    row("RevokeGrant", Target::Key, "x"),
    row("RotateKeyOnDemand", Target::Key, ""),
    row("ScheduleKeyDeletion", Target::Key, ""),
    row("Sign", Target::Key, "xca"),
    row("SynchronizeMultiRegionKey", Target::Key, ""),
    row("TagResource", Target::Key, ""),
    row("UntagResource", Target::Key, ""),
    row("UpdateAlias", Target::AliasAndKey, ""),
    row("UpdateCustomKeyStore", Target::None, ""),
    row("UpdateKeyDescription", Target::Key, ""),
    row("UpdatePrimaryRegion", Target::Key, ""),
    row("Verify", Target::Key, "xca"),
    row("VerifyMac", Target::Key, "xca"),
];

/// The operation of a KMS action; `None` for a name KMS does not have.
pub fn operation(action: &ActionName) -> Option<&'static Operation> {
    if action.service() != "kms" {
        return None;
    }
    of_folded(action.folded_name())
}

/// The operation of a name in lower case: `decrypt`.
pub fn of_folded(name: &str) -> Option<&'static Operation> {
    static BY_NAME: LazyLock<HashMap<SmolStr, &'static Operation, FxBuildHasher>> =
        LazyLock::new(|| OPERATIONS.iter().map(|operation| (fold(operation.name), operation)).collect());
    BY_NAME.get(name).copied()
}

impl Operation {
    /// Whether keys of this spec and usage have the operation at all: KMS refuses a grant of one that does not fit its
    /// key (R6.22).
    pub fn fits(&self, spec: &str, usage: &str) -> bool {
        let is_symmetric = spec == "SYMMETRIC_DEFAULT";
        match self.name {
            "Encrypt" | "Decrypt" | "ReEncryptFrom" | "ReEncryptTo" => usage == "ENCRYPT_DECRYPT",
            name if name.starts_with("GenerateDataKey") => is_symmetric,
            "Sign" | "Verify" => usage == "SIGN_VERIFY",
            "GenerateMac" | "VerifyMac" => usage == "GENERATE_VERIFY_MAC",
            "DeriveSharedSecret" => usage == "KEY_AGREEMENT",
            "GetPublicKey" => !is_symmetric && usage != "GENERATE_VERIFY_MAC",
            _ => true,
        }
    }
}

/// The permissions of KMS, by name.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_permit_what_aws_lists() {
        let grantable: Vec<_> = operations().filter(|each| each.grantable).map(|each| each.name).collect();
        let listed = "CreateGrant Decrypt DeriveSharedSecret DescribeKey Encrypt GenerateDataKey GenerateDataKeyPair \
                      GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext GenerateMac GetPublicKey \
                      ReEncryptFrom ReEncryptTo RetireGrant Sign Verify VerifyMac";
        assert_eq!(grantable.join(" "), listed);
    }

    #[test]
    fn operations_fit_kinds_of_keys() {
        let fits = |name: &str, spec: &str, usage: &str| {
            operation(&ActionName::parse(&format!("kms:{name}")).unwrap()).unwrap().fits(spec, usage)
        };
        assert!(fits("Decrypt", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"));
        assert!(fits("Decrypt", "RSA_2048", "ENCRYPT_DECRYPT"));
        assert!(!fits("GenerateDataKey", "RSA_2048", "ENCRYPT_DECRYPT"));
        assert!(!fits("Sign", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"));
        assert!(fits("Sign", "ECC_NIST_P256", "SIGN_VERIFY"));
        assert!(fits("VerifyMac", "HMAC_256", "GENERATE_VERIFY_MAC"));
        assert!(!fits("GetPublicKey", "HMAC_256", "GENERATE_VERIFY_MAC"));
        assert!(fits("DescribeKey", "HMAC_256", "GENERATE_VERIFY_MAC"));
    }

    #[test]
    fn names_ignore_case_and_belong_to_kms() {
        let find = |name: &str| operation(&ActionName::parse(name).unwrap()).map(|operation| operation.name);
        assert_eq!(find("KMS:decrypt"), Some("Decrypt"));
        assert_eq!(find("kms:ReEncrypt"), None);
        assert_eq!(find("s3:Decrypt"), None);
        assert!(OPERATIONS.is_sorted_by_key(|operation| operation.name));
    }
}
