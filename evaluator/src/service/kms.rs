//! Which operations does a key refuse because of its state?
//!
//! The table of R6.34. KMS looks at the state only once a call is authorized.

pub mod grant;

use crate::catalog::kms::{Operation, Target};
use crate::world::kms::KeyState;

/// The errors KMS answers an authorized call with because of the key's state; empty when the call goes through.
/// Where AWS documents two, both stand here (R6.34).
pub fn state_errors(operation: &Operation, state: KeyState) -> &'static [&'static str] {
    const DISABLED: &[&str] = &["DisabledException"];
    const INVALID: &[&str] = &["KMSInvalidStateException"];
    const EITHER: &[&str] = &["DisabledException", "KMSInvalidStateException"];
    const NONE: &[&str] = &[];
    let name = operation.name;
    let used = operation.cryptographic || name == "CreateGrant";
    match state {
        _ if operation.target == Target::None => NONE,
        KeyState::PendingDeletion | KeyState::PendingReplicaDeletion => match name {
            "CreateAlias"
            | "EnableKey"
            | "DisableKey"
            | "TagResource"
            | "UpdateKeyDescription"
            | "ScheduleKeyDeletion" => INVALID,
            _ if used => EITHER,
            _ => NONE,
        },
        _ if name == "CancelKeyDeletion" => INVALID,
        KeyState::Enabled => NONE,
        KeyState::Disabled if used || matches!(name, "ReplicateKey" | "GetPublicKey") => DISABLED,
        KeyState::Disabled => NONE,
        KeyState::PendingImport if used || matches!(name, "EnableKey" | "DisableKey") => INVALID,
        KeyState::Unavailable if operation.cryptographic => INVALID,
        KeyState::Creating if used => INVALID,
        KeyState::Updating if matches!(name, "EnableKey" | "DisableKey" | "ReplicateKey" | "ScheduleKeyDeletion") => {
            INVALID
        }
        KeyState::PendingImport | KeyState::Unavailable | KeyState::Creating | KeyState::Updating => NONE,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::action::ActionName;
    use crate::catalog::kms::operation;

    #[rstest]
    #[case("Decrypt", KeyState::Enabled, &[])]
    #[case("Decrypt", KeyState::Disabled, &["DisabledException"])]
    #[case("CreateGrant", KeyState::Disabled, &["DisabledException"])]
    #[case("DescribeKey", KeyState::Disabled, &[])]
    #[case("GetPublicKey", KeyState::Disabled, &["DisabledException"])]
    #[case("Decrypt", KeyState::PendingDeletion, &["DisabledException", "KMSInvalidStateException"])]
    #[case("DescribeKey", KeyState::PendingDeletion, &[])]
    #[case("CancelKeyDeletion", KeyState::PendingDeletion, &[])]
    #[case("CancelKeyDeletion", KeyState::Enabled, &["KMSInvalidStateException"])]
    #[case("CreateGrant", KeyState::Unavailable, &[])]
    #[case("Encrypt", KeyState::Unavailable, &["KMSInvalidStateException"])]
    #[case("Decrypt", KeyState::Updating, &[])]
    #[case("ListKeys", KeyState::Disabled, &[])]
    fn states_refuse_operations(#[case] name: &str, #[case] state: KeyState, #[case] expected: &[&str]) {
        let action = ActionName::parse(&format!("kms:{name}")).unwrap();
        assert_eq!(state_errors(operation(&action).unwrap(), state), expected);
    }
}
