//! What is known of an action or a condition key, apart from any policy?
//!
//! [`services`] holds the facts of AWS's service authorization reference, [`kms`] what it does not say of KMS. Where
//! the rules (R6.16, the table of R8) say more than the reference, or something else, they win.

pub mod kms;
pub mod names;
pub mod resource_policy;
pub mod services;

use crate::action::ActionName;
use crate::context::ConditionKey;
use services::keys;

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
    /// Several ARNs.
    Arns,
    /// Several times `true` or `false`.
    Bools,
}

impl KeyType {
    /// Whether a key of this type holds several values, however many a request carries (R4.11).
    pub fn is_multivalued(self) -> bool {
        match self {
            Self::Strings | Self::Arns | Self::Bools => true,
            Self::String | Self::Arn | Self::Bool | Self::Date | Self::Numeric | Self::Ip => false,
        }
    }
}

/// A key of which the rules say something else than the service reference.
struct Amendment {
    /// Its name in lower case; one that ends in `:` is a family.
    name: &'static str,
    written: &'static str,
    kind: KeyType,
}

const AMENDMENTS: [Amendment; 3] = [
    // Part of the table of R8, and missing from the reference's list of global keys.
    Amendment { name: "aws:signinsessionarn", written: "aws:SignInSessionArn", kind: KeyType::Arn },
    // The reference calls it a text, the table of R8 an ARN.
    Amendment { name: "aws:sourcevpcarn", written: "aws:SourceVpcArn", kind: KeyType::Arn },
    // The reference names the measurements there are today; R6.16 has the whole family.
    Amendment { name: "kms:recipientattestation:", written: "kms:RecipientAttestation:", kind: KeyType::String },
];

/// Whether RCPs have a say in an action: its service supports them, and it is not `kms:RetireGrant` (R5.6, R6.30).
pub fn rcps_reach(action: &ActionName) -> bool {
    services::rcp_supported_services().binary_search(&action.service()).is_ok() && !action.is("kms:RetireGrant")
}

/// The type of a key, if it is one that AWS has.
pub fn key_type(key: &ConditionKey) -> Option<KeyType> {
    let family = key.family();
    let is_meant = |each: &&Amendment| key.folded() == each.name || family == Some(each.name);
    match AMENDMENTS.iter().find(is_meant) {
        Some(amendment) => Some(amendment.kind),
        None => keys::key_type(key),
    }
}

/// The global keys and those of KMS, as AWS spells them; families end in `/` or `:`.
pub fn key_names() -> impl Iterator<Item = &'static str> {
    let kms = services::service("kms").into_iter().flat_map(keys::keys_of);
    let is_measurement = |name: &str| name.starts_with("kms:RecipientAttestation:");
    let listed = keys::global_keys().chain(kms).filter(move |name| !is_measurement(name));
    listed.map(|name| name.trim_end_matches('*')).chain(AMENDMENTS.iter().map(|amendment| amendment.written))
}

/// Whether a key holds several values by its type, however many a request carries (R4.11).
pub fn is_multivalued(key: &ConditionKey) -> bool {
    key_type(key).is_some_and(KeyType::is_multivalued)
}

/// Whether a request for `action` may carry `key` without anybody having said so: a known global key, or a key of
/// the called service that comes with the action (R8.4, R8.5). A key nobody knows is never sent (R1.14). The keys of
/// KMS are never left open: [`derive`](crate::derive) says of each whether a call has it.
pub fn may_be_sent(key: &ConditionKey, action: &ActionName) -> bool {
    let is_global = keys::is_global(key) || (key.prefix() == "aws" && key_type(key).is_some());
    if key.prefix() == "kms" || action.service() == "kms" {
        return is_global;
    }
    keys::may_carry(action, key) || (is_global && !keys::is_about_tags(key)) || is_of_a_provider(key, action)
}

/// A role assumed with a token of an OIDC provider is assumed with the token's claims: `oidc.example.com/id/1:sub`. The
/// reference lists some of those of well-known providers only.
fn is_of_a_provider(key: &ConditionKey, action: &ActionName) -> bool {
    let is_web_identity = action.name().eq_ignore_ascii_case("AssumeRoleWithWebIdentity");
    action.service() == "sts" && is_web_identity && key.prefix().contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rcps_reach_some_services_only() {
        let reach = |name: &str| rcps_reach(&ActionName::parse(name).unwrap());
        assert!(reach("kms:Decrypt") && reach("sts:AssumeRole") && reach("S3:GetObject"));
        assert!(!reach("kms:retiregrant") && !reach("ec2:RunInstances"));
    }

    #[test]
    fn the_rules_win_over_the_reference() {
        let kind = |name: &str| key_type(&ConditionKey::new(name));
        assert_eq!(kind("aws:SourceVpcArn"), Some(KeyType::Arn));
        assert_eq!(keys::key_type(&ConditionKey::new("aws:SourceVpcArn")), Some(KeyType::String));
        assert_eq!(kind("aws:SignInSessionArn"), Some(KeyType::Arn));
        assert_eq!(kind("kms:RecipientAttestation:PCR99"), Some(KeyType::String));
        assert_eq!(kind("kms:ViaServce"), None);
    }

    #[test]
    fn an_amendment_that_the_reference_has_caught_up_with_can_go() {
        for amendment in &AMENDMENTS {
            assert_eq!(amendment.written.to_lowercase(), amendment.name);
            let sample = if amendment.name.ends_with(':') {
                format!("{}x", amendment.written)
            } else {
                amendment.written.into()
            };
            assert_ne!(keys::key_type(&ConditionKey::new(&sample)), Some(amendment.kind), "{sample}");
        }
    }

    #[test]
    fn multivalued_is_a_matter_of_type() {
        let many = |name: &str| is_multivalued(&ConditionKey::new(name));
        assert!(many("aws:TagKeys") && many("kms:GrantOperations") && many("dynamodb:Attributes"));
        assert!(!many("aws:SourceIp") && !many("s3:prefix") && !many("nowhere:Key"));
    }

    #[test]
    fn names_of_keys_are_those_people_write() {
        let names: Vec<_> = key_names().collect();
        for name in ["aws:PrincipalTag/", "kms:EncryptionContext:", "kms:RecipientAttestation:", "aws:SignInSessionArn"]
        {
            assert!(names.contains(&name), "{name}");
        }
        let is_known = |name: &str| key_type(&ConditionKey::new(name)).is_some();
        assert!(names.iter().all(|name| is_known(name) || is_known(&format!("{name}x"))), "{names:?}");
    }

    #[test]
    fn keys_a_call_may_carry() {
        let decrypt = ActionName::parse("kms:Decrypt").unwrap();
        let get = ActionName::parse("s3:GetObject").unwrap();
        let may = |key: &str, action: &ActionName| may_be_sent(&ConditionKey::new(key), action);
        assert!(may("aws:SourceIp", &decrypt));
        assert!(may("s3:authType", &get) && may("aws:SignInSessionArn", &get));
        assert!(!may("s3:prefix", &get));
        assert!(!may("s3:prefix", &decrypt) && !may("kms:ViaService", &decrypt));
        assert!(may("aws:RequestTag/team", &decrypt) && !may("aws:RequestTag/team", &get));
        let web_identity = ActionName::parse("sts:AssumeRoleWithWebIdentity").unwrap();
        assert!(
            may("token.actions.githubusercontent.com:sub", &web_identity)
                && may("oidc.example.com/id/1:aud", &web_identity)
        );
        assert!(!may("token.actions.githubusercontent.com:sub", &get) && !may("sts:Sub", &web_identity));
        assert!(!may("kms:ViaServce", &decrypt));
        assert!(!may("aws:SourceIpp", &decrypt));
        assert!(!may("kms:ViaService", &get));
    }
}
