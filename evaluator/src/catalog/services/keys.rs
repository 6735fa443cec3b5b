//! Of what type is a condition key, and which calls carry it?
//!
//! The type tells a multivalued key from a single-valued one (R4.11). A key that an action does not list is not sent
//! with it (R8.5); global keys come with every call, but for those about tags (the table of R8).

use super::data::{self, CATALOG, KeyLine};
use super::{Action, Service, service};
use crate::action::ActionName;
use crate::catalog::KeyType;
use crate::context::ConditionKey;

/// The type of a condition key, global or of any service.
pub fn key_type(key: &ConditionKey) -> Option<KeyType> {
    if key.prefix() == "aws" {
        return global(key).map(|line| line.kind);
    }
    let own = service(key.prefix()).and_then(|own| own.block().keys.find(key.folded()));
    own.or_else(|| global(key)).or_else(|| of_another(key)).map(|line| line.kind)
}

/// Whether a key belongs to no one service.
pub fn is_global(key: &ConditionKey) -> bool {
    global(key).is_some()
}

/// The global condition keys, as AWS spells them, with a `*` for a part to fill.
pub fn global_keys() -> impl Iterator<Item = &'static str> {
    let keys = &CATALOG.general().keys;
    keys.whole.iter().chain(&keys.families).map(|line| line.name)
}

/// The condition keys of a service, as AWS spells them, with a `*` for a part to fill.
pub fn keys_of(service: Service) -> impl Iterator<Item = &'static str> {
    let keys = &service.block().keys;
    keys.whole.iter().chain(&keys.families).map(|line| line.name)
}

/// Whether a call of an action may carry a key. Of an action that the catalog does not have, nothing is known but its
/// service: it may carry every key of that.
pub fn may_carry(action: &ActionName, key: &ConditionKey) -> bool {
    let known = super::action(action);
    if is_global(key) && !is_about_tags(key) {
        return true;
    }
    known.map_or(is_global(key) || key.prefix() == action.service(), |action| lists(action, key))
}

/// The keys of an action, of its resource types, and those of its service that no action lists.
fn lists(action: Action, key: &ConditionKey) -> bool {
    let covers = |pattern: &str| data::covers(pattern, key.folded());
    let is_anywhere = || action.service.block().keys.find(key.folded()).is_some_and(|line| line.is_anywhere);
    action.condition_keys().any(covers)
        || action.resources().any(|resource| resource.condition_keys().any(covers))
        || is_anywhere()
}

/// Whether a key is about tags of the request or of the resource, which come with a call only where the action or its
/// resource has some.
pub fn is_about_tags(key: &ConditionKey) -> bool {
    key.folded() == "aws:tagkeys" || matches!(key.family(), Some("aws:requesttag/" | "aws:resourcetag/"))
}

fn global(key: &ConditionKey) -> Option<&'static KeyLine> {
    CATALOG.general().keys.find(key.folded())
}

/// A key of a service that uses the prefix beside its own.
fn of_another(key: &ConditionKey) -> Option<&'static KeyLine> {
    let prefixes = CATALOG.general().prefixes.iter().filter(|(prefix, _)| data::covers(prefix, key.prefix()));
    let mut services = prefixes.flat_map(|(_, services)| services.split(' ')).filter_map(service);
    services.find_map(|service| service.block().keys.find(key.folded()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use KeyType::{Arn, Arns, Bool, Bools, Date, Ip, Numeric, String, Strings};

    #[rstest]
    #[case("aws:SourceIp", Some(Ip))]
    #[case("AWS:PRINCIPALTAG/team", Some(String))]
    #[case("ec2:SourceInstanceARN", Some(Arn))]
    #[case("kms:EncryptionContext:aws:s3:arn", Some(String))]
    #[case("kms:EncryptionContextKeys", Some(Strings))]
    #[case("kms:ValidTo", Some(Date))]
    #[case("s3:TlsVersion", Some(Numeric))]
    #[case("s3:ExistingObjectTag/team", Some(String))]
    #[case("s3:ObjectCreationOperation", Some(Bool))]
    #[case("dynamodb:Attributes", Some(Strings))]
    #[case("codebuild:environment.environmentVariables/KEY.value", Some(String))]
    #[case("secretsmanager:ResourceTag/team", Some(String))]
    #[case("saml:aud", Some(String))]
    #[case("token.actions.githubusercontent.com:actor", Some(String))]
    #[case("token.actions.githubusercontent.com/octo:actor", Some(String))]
    #[case("token.actions.example.com:actor", None)]
    #[case("agent.eu.buildkite.dev:build_branch", Some(String))]
    #[case("ec2:osuser", Some(String))]
    #[case("kms:ViaServce", None)]
    #[case("kms:EncryptionContext:", None)]
    #[case("aws:SourceIpp", None)]
    #[case("nowhere:Key", None)]
    #[case("plain", None)]
    fn keys_have_types(#[case] key: &str, #[case] expected: Option<KeyType>) {
        assert_eq!(key_type(&ConditionKey::new(key)), expected);
    }

    #[test]
    fn lists_of_other_things_than_text_have_types_too() {
        let kinds: Vec<_> = super::super::prefixes()
            .filter_map(service)
            .flat_map(|service| {
                keys_of(service).filter_map(|name| key_type(&ConditionKey::new(&name.replace('*', "x"))))
            })
            .collect();
        assert!(kinds.contains(&Arns) && kinds.contains(&Bools));
    }

    #[rstest]
    #[case::own_key("s3:ListBucket", "s3:prefix", true)]
    #[case::another_action_of_the_service("s3:GetObject", "s3:prefix", false)]
    #[case::family("s3:GetObject", "s3:ExistingObjectTag/team", true)]
    #[case::shared_list("kms:GetPublicKey", "KMS:RequestAlias", true)]
    #[case::key_of_the_resource_type("kms:Decrypt", "kms:ResourceAliases", true)]
    #[case::key_for_a_resource_type("ec2:RunInstances", "ec2:Owner", true)]
    #[case::no_action_lists_it("kms:Decrypt", "kms:CustomerMasterKeySpec", true)]
    #[case::prefix_of_another_service("sts:AssumeRoleWithSAML", "saml:aud", true)]
    #[case::another_service("s3:GetObject", "kms:ViaService", false)]
    #[case::global("s3:GetObject", "aws:SourceIp", true)]
    #[case::global_of_a_service("s3:GetObject", "lambda:SourceFunctionArn", true)]
    #[case::unknown("s3:GetObject", "s3:prefiks", false)]
    #[case::unknown_global("s3:GetObject", "aws:SourceIpp", false)]
    #[case::tags_of_the_resource("s3:GetObject", "aws:ResourceTag/team", true)]
    #[case::tags_of_nothing("kms:ListKeys", "aws:ResourceTag/team", false)]
    #[case::tags_of_the_request("kms:TagResource", "aws:RequestTag/team", true)]
    #[case::tags_of_no_request("kms:Decrypt", "aws:TagKeys", false)]
    #[case::tags_of_the_caller("kms:Decrypt", "aws:PrincipalTag/team", true)]
    #[case::unknown_action("s3:Teleport", "s3:anything", true)]
    #[case::unknown_action_and_other_service("s3:Teleport", "kms:ViaService", false)]
    #[case::unknown_service_and_tags("nowhere:Action", "aws:RequestTag/team", true)]
    fn calls_carry_keys(#[case] action: &str, #[case] key: &str, #[case] expected: bool) {
        assert_eq!(may_carry(&ActionName::parse(action).unwrap(), &ConditionKey::new(key)), expected);
    }
}
