//! R6.34: every operation of KMS against every state of a key.

use std::collections::BTreeMap;

use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::catalog::kms::{operation, operations};
use permitlab_evaluator::service::kms::state_errors;
use permitlab_evaluator::world::kms::KeyState;

/// AWS's table, written down from the rules and the page "Key states of AWS KMS keys".
///
/// `+` goes through, `d` `DisabledException`, `i` `KMSInvalidStateException`, `x` one of those two, `u`
/// `UnsupportedOperationException`, `-` not called on a key. After it, `?` marks a cell that is inferred: neither the
/// rules nor the page say it.
const TABLE: &str = "
operation                           Ena Dis PDe PRD PIm Una Cre Upd
CancelKeyDeletion                    i   i   +   +   i   i   i   i
ConnectCustomKeyStore                -   -   -   -   -   -   -   -
CreateAlias                          +   +   i   i   +   +   +?  +
CreateCustomKeyStore                 -   -   -   -   -   -   -   -
CreateGrant                          +   d   x   x   i   +   i   +
CreateKey                            -   -   -   -   -   -   -   -
Decrypt                              +   d   x   x   i   i   i   +
DeleteAlias                          +   +   +   +   +   +   +?  +
DeleteCustomKeyStore                 -   -   -   -   -   -   -   -
DeleteImportedKeyMaterial            +   +   +   +   +   u?  +?  +?
DeriveSharedSecret                   +   d   x   x   i   i   i   +
DescribeCustomKeyStores              -   -   -   -   -   -   -   -
DescribeKey                          +   +   +   +   +   +   +   +
DisableKey                           +   +   i   i   i   +   +?  i
DisableKeyRotation                   +   d   i   i   u   u   +?  +?
DisconnectCustomKeyStore             -   -   -   -   -   -   -   -
EnableKey                            +   +   i   i   i   +   +?  i
EnableKeyRotation                    +   d   i   i   u   u   +?  +?
Encrypt                              +   d   x   x   i   i   i   +
GenerateDataKey                      +   d   x   x   i   i   i   +
GenerateDataKeyPair                  +   d   x   x   i   i   i   +
GenerateDataKeyPairWithoutPlaintext  +   d   x   x   i   i   i   +
GenerateDataKeyWithoutPlaintext      +   d   x   x   i   i   i   +
GenerateMac                          +   d   x   x   i   i?  i   +
GenerateRandom                       -   -   -   -   -   -   -   -
GetKeyLastUsage                      +   +?  +?  +?  +?  +?  +?  +?
GetKeyPolicy                         +   +   +   +   +   +   +   +
GetKeyRotationStatus                 +   +   i?  i?  u   u   +?  +?
GetParametersForImport               +   +   i?  i?  +   u?  +?  +?
GetPublicKey                         +   d   x   x   i?  u?  i?  +
ImportKeyMaterial                    +   +   i?  i?  +   u?  +?  +?
ListAliases                          -   -   -   -   -   -   -   -
ListGrants                           +   +   +   +   +   +   +   +
ListKeyPolicies                      +   +   +   +   +   +   +?  +
ListKeyRotations                     +   +?  +   +   +?  +?  +?  +?
ListKeys                             -   -   -   -   -   -   -   -
ListResourceTags                     +   +   +   +   +   +   +?  +
ListRetirableGrants                  -   -   -   -   -   -   -   -
PutKeyPolicy                         +   +   +   +   +   +   +   +
ReEncryptFrom                        +   d   x   x   i   i   i   +
ReEncryptTo                          +   d   x   x   i   i   i   +
ReplicateKey                         +   d   x   x   i   u?  i?  i
RetireGrant                          +   +   +   +   +   +   +   +
RevokeGrant                          +   +   +   +   +   +   +   +
RotateKeyOnDemand                    +   d   i   i   i?  u?  +?  +?
ScheduleKeyDeletion                  +   +   i   i   +   +   +?  i
Sign                                 +   d   x   x   i   i?  i   +
SynchronizeMultiRegionKey            +   +?  +?  +?  +?  +?  +?  +?
TagResource                          +   +   i   i   +   +   +?  +
UntagResource                        +   +   i?  i?  +   +   +?  +
UpdateAlias                          +   +   +?  +?  +   +   +?  +
UpdateCustomKeyStore                 -   -   -   -   -   -   -   -
UpdateKeyDescription                 +   +   i   i   +   +   +?  +
UpdatePrimaryRegion                  +   d   x?  x?  i?  u?  i?  i?
Verify                               +   d   x   x   i   i?  i   +
VerifyMac                            +   d   x   x   i   i?  i   +
";

const STATES: [KeyState; 8] = [
    KeyState::Enabled,
    KeyState::Disabled,
    KeyState::PendingDeletion,
    KeyState::PendingReplicaDeletion,
    KeyState::PendingImport,
    KeyState::Unavailable,
    KeyState::Creating,
    KeyState::Updating,
];

fn errors(cell: &str) -> &'static [&'static str] {
    match cell.trim_end_matches('?') {
        "+" | "-" => &[],
        "d" => &["DisabledException"],
        "i" => &["KMSInvalidStateException"],
        "x" => &["DisabledException", "KMSInvalidStateException"],
        "u" => &["UnsupportedOperationException"],
        other => panic!("`{other}` is no cell"),
    }
}

#[test]
fn r6_34_every_operation_in_every_state() {
    let rows = TABLE.trim().lines().skip(1).map(|line| {
        let mut cells = line.split_whitespace();
        (cells.next().unwrap(), cells.collect::<Vec<_>>())
    });
    let rows: BTreeMap<&str, Vec<&str>> = rows.collect();
    assert!(operations().map(|operation| operation.name).eq(rows.keys().copied()), "every operation has a row");
    assert_eq!(KeyState::ALL.len(), STATES.len());
    let mut wrong = Vec::new();
    for (name, cells) in &rows {
        assert_eq!(cells.len(), STATES.len(), "{name}");
        let operation = operation(&ActionName::parse(&format!("kms:{name}")).unwrap()).unwrap();
        for (cell, state) in cells.iter().zip(STATES) {
            let found = state_errors(operation, state);
            if found != errors(cell) {
                wrong.push(format!("{name} {}: {found:?} for `{cell}`", state.name()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
