//! Which operations does a key refuse because of its state?
//!
//! The table of R6.34, as AWS prints it on the page "Key states of AWS KMS keys": a row an operation, a column a state,
//! and in each cell the error. KMS looks at the state only once a call is authorized.

pub mod lockout;

pub mod grant;

use crate::catalog::kms::{Operation, Target};
use crate::request::Request;
use crate::world::kms::KeyState;

/// The errors KMS answers an authorized call with because of the key's state; empty when the call goes through.
/// Where AWS documents two, both stand here (R6.34).
pub fn state_errors(operation: &Operation, state: KeyState) -> &'static [&'static str] {
    if operation.target == Target::None {
        return GOES;
    }
    let row = TABLE.binary_search_by_key(&operation.name, |(name, _)| name);
    let row = row.ok().and_then(|at| TABLE.get(at)).map_or(&[GOES; 7], |(_, cells)| cells);
    let [enabled, disabled, deletion, import, unavailable, creating, updating] = *row;
    match state {
        KeyState::Enabled => enabled,
        KeyState::Disabled => disabled,
        KeyState::PendingDeletion | KeyState::PendingReplicaDeletion => deletion,
        KeyState::PendingImport => import,
        KeyState::Unavailable => unavailable,
        KeyState::Creating => creating,
        KeyState::Updating => updating,
    }
}

/// Whether a call is about an alias of AWS's: `alias/aws/…` cannot be created, changed or deleted (R6.12).
pub fn is_on_reserved_alias(request: &Request) -> bool {
    request.resource.is_alias() && request.resource.arn.resource().starts_with("alias/aws/")
}

type Errors = &'static [&'static str];

/// The call goes through.
const GOES: Errors = &[];
/// The key is disabled.
const DISA: Errors = &["DisabledException"];
/// The key is pending deletion, pending import, unavailable, being created or being updated; or it is not pending
/// deletion, and so there is nothing to cancel.
const INVA: Errors = &["KMSInvalidStateException"];
/// The key is pending deletion. AWS documents both errors and not when it answers which.
const BOTH: Errors = &["DisabledException", "KMSInvalidStateException"];
/// Keys that can be in this state have the wrong origin for the call: imported key material, or a custom key store.
const UNSU: Errors = &["UnsupportedOperationException"];

/// The operations on keys, by name. Replicas pending deletion share the column of keys pending deletion. `UpdateAlias`
/// is refused for the key an alias is moved to and not for the key it leaves; which of the two a call is about is
/// not known here, so it goes through.
#[rustfmt::skip] // The columns of AWS's table stay columns.
const TABLE: &[(&str, [Errors; 7])] = &[
    //                                      Enabled Disabled Deletion Import Unavailable Creating Updating
    ("CancelKeyDeletion",                   [INVA,  INVA,    GOES,    INVA,  INVA,       INVA,    INVA]),
    ("CreateAlias",                         [GOES,  GOES,    INVA,    GOES,  GOES,       GOES,    GOES]),
    ("CreateGrant",                         [GOES,  DISA,    BOTH,    INVA,  GOES,       INVA,    GOES]),
    ("Decrypt",                             [GOES,  DISA,    BOTH,    INVA,  INVA,       INVA,    GOES]),
    ("DeleteAlias",                         [GOES,  GOES,    GOES,    GOES,  GOES,       GOES,    GOES]),
    ("DeleteImportedKeyMaterial",           [GOES,  GOES,    GOES,    GOES,  UNSU,       GOES,    GOES]),
    ("DeriveSharedSecret",                  [GOES,  DISA,    BOTH,    INVA,  INVA,       INVA,    GOES]),
    ("DescribeKey",                         [GOES,  GOES,    GOES,    GOES,  GOES,       GOES,    GOES]),
    ("DisableKey",                          [GOES,  GOES,    INVA,    INVA,  GOES,       GOES,    INVA]),
    ("DisableKeyRotation",                  [GOES,  DISA,    INVA,    UNSU,  UNSU,       GOES,    GOES]),
    ("EnableKey",                           [GOES,  GOES,    INVA,    INVA,  GOES,       GOES,    INVA]),
    ("EnableKeyRotation",                   [GOES,  DISA,    INVA,    UNSU,  UNSU,       GOES,    GOES]),
    ("Encrypt",                             [GOES,  DISA,    BOTH,    INVA,  INVA,       INVA,    GOES]),
    ("GenerateDataKey",                     [GOES,  DISA,    BOTH,    INVA,  INVA,       INVA,    GOES]),
    ("GenerateDataKeyPair",                 [GOES,  DISA,    BOTH,    INVA,  INVA,       INVA,    GOES]),
    ("GenerateDataKeyPairWithoutPlaintext", [GOES,  DISA,    BOTH,    INVA,  INVA,       INVA,    GOES]),
    ("GenerateDataKeyWithoutPlaintext",     [GOES,  DISA,    BOTH,    INVA,  INVA,       INVA,    GOES]),
    ("GenerateMac",                         [GOES,  DISA,    BOTH,    INVA,  INVA,       INVA,    GOES]),
    ("GetKeyLastUsage",                     [GOES,  GOES,    GOES,    GOES,  GOES,       GOES,    GOES]),
    ("GetKeyPolicy",                        [GOES,  GOES,    GOES,    GOES,  GOES,       GOES,    GOES]),
    ("GetKeyRotationStatus",                [GOES,  GOES,    INVA,    UNSU,  UNSU,       GOES,    GOES]),
    ("GetParametersForImport",              [GOES,  GOES,    INVA,    GOES,  UNSU,       GOES,    GOES]),
    ("GetPublicKey",                        [GOES,  DISA,    BOTH,    INVA,  UNSU,       INVA,    GOES]),
    ("ImportKeyMaterial",                   [GOES,  GOES,    INVA,    GOES,  UNSU,       GOES,    GOES]),
    ("ListGrants",                          [GOES,  GOES,    GOES,    GOES,  GOES,       GOES,    GOES]),
    ("ListKeyPolicies",                     [GOES,  GOES,    GOES,    GOES,  GOES,       GOES,    GOES]),
    ("ListKeyRotations",                    [GOES,  GOES,    GOES,    GOES,  GOES,       GOES,    GOES]),
    ("ListResourceTags",                    [GOES,  GOES,    GOES,    GOES,  GOES,       GOES,    GOES]),
    ("PutKeyPolicy",                        [GOES,  GOES,    GOES,    GOES,  GOES,       GOES,    GOES]),
    ("ReEncryptFrom",                       [GOES,  DISA,    BOTH,    INVA,  INVA,       INVA,    GOES]),
    ("ReEncryptTo",                         [GOES,  DISA,    BOTH,    INVA,  INVA,       INVA,    GOES]),
    ("ReplicateKey",                        [GOES,  DISA,    BOTH,    INVA,  UNSU,       INVA,    INVA]),
    ("RetireGrant",                         [GOES,  GOES,    GOES,    GOES,  GOES,       GOES,    GOES]),
    ("RevokeGrant",                         [GOES,  GOES,    GOES,    GOES,  GOES,       GOES,    GOES]),
    ("RotateKeyOnDemand",                   [GOES,  DISA,    INVA,    INVA,  UNSU,       GOES,    GOES]),
    ("ScheduleKeyDeletion",                 [GOES,  GOES,    INVA,    GOES,  GOES,       GOES,    INVA]),
    ("Sign",                                [GOES,  DISA,    BOTH,    INVA,  INVA,       INVA,    GOES]),
    ("SynchronizeMultiRegionKey",           [GOES,  GOES,    GOES,    GOES,  GOES,       GOES,    GOES]),
    ("TagResource",                         [GOES,  GOES,    INVA,    GOES,  GOES,       GOES,    GOES]),
    ("UntagResource",                       [GOES,  GOES,    INVA,    GOES,  GOES,       GOES,    GOES]),
    ("UpdateAlias",                         [GOES,  GOES,    GOES,    GOES,  GOES,       GOES,    GOES]),
    ("UpdateKeyDescription",                [GOES,  GOES,    INVA,    GOES,  GOES,       GOES,    GOES]),
    ("UpdatePrimaryRegion",                 [GOES,  DISA,    BOTH,    INVA,  UNSU,       INVA,    INVA]),
    ("Verify",                              [GOES,  DISA,    BOTH,    INVA,  INVA,       INVA,    GOES]),
    ("VerifyMac",                           [GOES,  DISA,    BOTH,    INVA,  INVA,       INVA,    GOES]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::kms::operations;

    #[test]
    fn the_table_has_a_row_for_every_operation_on_a_key() {
        let on_keys = operations().filter(|operation| operation.target != Target::None).map(|each| each.name);
        assert!(on_keys.eq(TABLE.iter().map(|(name, _)| *name)));
    }
}
