//! Section 6 of the rules: what is special about KMS, apart from grants.

use std::sync::Arc as Shared;

use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::authorize::{self, authorize, before_policies};
use permitlab_evaluator::decision::Effect::{self, Allow, ImplicitDeny};
use permitlab_evaluator::decision::Unavailable;
use permitlab_evaluator::derive;
use permitlab_evaluator::layer::Layer::{Identity, Resource};
use permitlab_evaluator::policy::PolicyType;
use permitlab_evaluator::request::{Request, Resource as ArnResource};
use permitlab_evaluator::service::kms::lockout;
use permitlab_evaluator::truth::{Rule, Rules};
use permitlab_evaluator::world::World;
use permitlab_evaluator::world::kms::KeyState;
use rstest::rstest;

use crate::support::{
    ALLOW_ALL, Answer, Call, K, K_OF_B, ROOT, S, U, allowed, denied, not_allowed, open, policy, session,
};

const ALIAS: &str = "arn:aws:kms:us-east-1:111111111111:alias/app";
const KEY_ALLOWS_R: &str = r#"{"Sid": "R", "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111111111111:role/app/r"}, "Action": "kms:*", "Resource": "*"}"#;

/// R6.1: without the key policy nobody has anything.
#[test]
fn r6_1_root_of_trust() {
    let other = r#"{"Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "kms:*", "Resource": "*"}"#;
    let call = Call::decrypt().key_policy(&[other]).identity_policy(ALLOW_ALL);
    call.check(&not_allowed(Resource));
    call.by("arn:aws:iam::111111111111:root").check(&not_allowed(Resource));
}

/// R6.3: delegation reaches as far as the statement's actions.
#[rstest]
#[case::delegated("kms:DescribeKey", allowed(Identity, "All"))]
#[case::not_delegated("kms:Decrypt", not_allowed(Resource))]
fn r6_3_actions_of_delegation(#[case] action: &str, #[case] expected: Answer) {
    let describe = ROOT.replace("kms:*", "kms:Describe*");
    Call::new(action).key_policy(&[&describe]).identity_policy(ALLOW_ALL).check(&expected);
}

/// R6.3: and as far as its condition, unsurely.
#[test]
fn r6_3_condition_of_delegation() {
    let through_s3 = r#"{"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "kms:*", "Resource": "*",
        "Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}}"#;
    let call = Call::decrypt().key_policy(&[through_s3]).identity_policy(ALLOW_ALL);
    call.check(&not_allowed(Resource).unless(Rule::ConditionOfDelegation, Allow));
    call.via("s3.us-east-1.amazonaws.com").check(&allowed(Identity, "All"));
}

/// R6.3, R5.11: across accounts naming the account delegates nothing, so that only the condition's own doubt is left.
#[test]
fn r6_3_condition_across_accounts() {
    let from_here = r#"{"Sid": "B", "Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "kms:*", "Resource": "*",
        "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}"#;
    let call =
        Call::decrypt().by("arn:aws:iam::222222222222:role/r").key_policy(&[from_here]).identity_policy(ALLOW_ALL);
    let decision = call.decide();
    assert_eq!((decision.effect, open(&decision)), (ImplicitDeny, vec!["aws:SourceIp"]));
    assert!(decision.doubts.rules.is_empty(), "{:?}", decision.doubts.rules);
    call.context("aws:SourceIp", "192.0.2.7").check(&allowed(Identity, "All"));
}

/// R6.4: without delegation an identity policy still denies.
#[test]
fn r6_4_denies_need_no_delegation() {
    let deny = r#"{"Sid": "No", "Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"}"#;
    Call::decrypt().key_policy(&[KEY_ALLOWS_R]).identity_policy(deny).check(&denied(Identity, "No"));
}

/// R6.5: a Deny of the account hits those it grants to directly.
#[test]
fn r6_5_deny_of_the_account() {
    let deny = r#"{"Sid": "No", "Effect": "Deny", "Principal": {"AWS": "111111111111"}, "Action": "kms:Decrypt",
        "Resource": "*"}"#;
    Call::decrypt().key_policy(&[KEY_ALLOWS_R, deny]).check(&denied(Resource, "No"));
}

/// R6.6: what works on a key of another account.
#[rstest]
fn r6_6_works_across_accounts(
    #[values(
        "Encrypt",
        "Decrypt",
        "ReEncryptFrom",
        "ReEncryptTo",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateMac",
        "VerifyMac",
        "Sign",
        "Verify",
        "DeriveSharedSecret",
        "CreateGrant",
        "DescribeKey",
        "GetKeyRotationStatus",
        "GetPublicKey",
        "ListGrants",
        "RevokeGrant"
    )]
    name: &str,
) {
    across_accounts(name).check(&allowed(Identity, "All"));
}

/// R6.6: and what does not, whatever the policies say.
#[rstest]
fn r6_6_works_at_home_only(
    #[values(
        "ScheduleKeyDeletion",
        "CancelKeyDeletion",
        "DisableKey",
        "EnableKey",
        "PutKeyPolicy",
        "GetKeyPolicy",
        "ListKeyPolicies",
        "ListResourceTags",
        "TagResource",
        "UntagResource",
        "EnableKeyRotation",
        "DisableKeyRotation",
        "UpdateKeyDescription",
        "ImportKeyMaterial",
        "DeleteImportedKeyMaterial",
        "GetParametersForImport",
        "ReplicateKey",
        "UpdatePrimaryRegion"
    )]
    name: &str,
) {
    across_accounts(name).check(&not_allowed(Resource));
    let home = Call::new(&format!("kms:{name}")).key_policy(&[ROOT]).identity_policy(ALLOW_ALL);
    home.check(&allowed(Identity, "All"));
}

fn across_accounts(name: &str) -> Call {
    Call::new(&format!("kms:{name}")).on(K_OF_B).key_policy(&[ROOT]).identity_policy(ALLOW_ALL)
}

/// R6.7, R6.12: key policies have no say over calls without a key and over aliases.
#[rstest]
#[case::list_keys("kms:ListKeys")]
#[case::create_key("kms:CreateKey")]
#[case::random("kms:GenerateRandom")]
fn r6_7_operations_without_a_key(#[case] action: &str) {
    let call = Call::new(action).on_nothing().key_policy(&[KEY_ALLOWS_R]);
    call.check(&not_allowed(Identity));
    call.identity_policy(ALLOW_ALL).check(&allowed(Identity, "All"));
}

/// R6.12: an alias is allowed by identity policies alone, its key as any key.
#[test]
fn r6_12_aliases() {
    let half = r#"{"Sid": "Half", "Effect": "Allow", "Action": "kms:CreateAlias",
        "Resource": "arn:aws:kms:*:111111111111:alias/*"}"#;
    let call = Call::new("kms:CreateAlias").key_policy(&[ROOT]).identity_policy(half);
    call.clone().on(ALIAS).check(&allowed(Identity, "Half"));
    call.check(&not_allowed(Identity));
    let alias = Call::new("kms:CreateAlias").on(ALIAS);
    alias.clone().key_policy(&[KEY_ALLOWS_R]).check(&not_allowed(Identity));
    let deny = r#"{"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}"#;
    alias.key_policy(&[deny]).identity_policy(ALLOW_ALL).check(&allowed(Identity, "All"));
}

/// R6.13, R6.20: `DescribeKey` carries no encryption context, whatever is stated of one.
#[rstest]
#[case::decrypt("kms:Decrypt", allowed(Resource, "Context"))]
#[case::describe_key("kms:DescribeKey", not_allowed(Resource))]
#[case::sign("kms:Sign", not_allowed(Resource))]
fn r6_13_no_encryption_context(#[case] action: &str, #[case] expected: Answer) {
    let key = r#"{"Sid": "Context", "Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*",
        "Condition": {"StringEquals": {"kms:EncryptionContext:app": "x"}}}"#;
    Call::new(action).key_policy(&[key]).encryption_context("app", "x").check(&expected);
}

/// R6.16: tags and aliases of a key count in identity policies only.
#[rstest]
#[case::tag(r#"{"StringEquals": {"aws:ResourceTag/team": "red"}}"#)]
#[case::alias(r#"{"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/app"}}"#)]
fn r6_16_tags_and_aliases(#[case] condition: &str) {
    let call =
        Call::decrypt().context("aws:ResourceTag/team", "red").context_set("kms:ResourceAliases", &["alias/app"]);
    let identity =
        format!(r#"{{"Sid": "If", "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {condition}}}"#);
    call.clone().key_policy(&[ROOT]).identity_policy(&identity).check(&allowed(Identity, "If"));
    let key = format!(
        r#"{{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*", "Condition": {condition}}}"#
    );
    call.key_policy(&[&key]).check(&not_allowed(Resource));
}

/// R6.18, R6.19: what a service principal's call carries of these keys is not documented.
#[rstest]
#[case::via_service(
    r#"{"StringEquals": {"kms:ViaService": "bedrock.us-east-1.amazonaws.com"}}"#,
    Rule::ViaServiceOfServicePrincipal
)]
#[case::caller_account(
    r#"{"StringEquals": {"kms:CallerAccount": "111111111111"}}"#,
    Rule::CallerAccountOfServicePrincipal
)]
fn r6_18_keys_of_service_principals(#[case] condition: &str, #[case] rule: Rule) {
    let key = format!(
        r#"{{"Sid": "S", "Effect": "Allow", "Principal": {{"Service": "bedrock.amazonaws.com"}}, "Action": "kms:*",
            "Resource": "*", "Condition": {condition}}}"#
    );
    Call::decrypt().by(S).key_policy(&[&key]).check(&not_allowed(Resource).unless(rule, Allow));
}

/// R6.20: pairs and names of the encryption context.
#[rstest]
#[case::additional_pairs_pass(r#"{"StringEquals": {"kms:EncryptionContext:AppName": "X"}}"#, true)]
#[case::no_additional_names(
    r#"{"StringEquals": {"kms:EncryptionContext:AppName": "X"},
        "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["AppName"]}}"#,
    false
)]
#[case::case_of_a_name(r#"{"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "AppName"}}"#, true)]
#[case::another_case_of_a_name(r#"{"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "appname"}}"#, false)]
#[case::two_pairs(
    r#"{"StringEquals": {"kms:EncryptionContext:AppName": "X", "kms:EncryptionContext:Stage": "prod"}}"#,
    true
)]
#[case::one_pair_differs(
    r#"{"StringEquals": {"kms:EncryptionContext:AppName": "X", "kms:EncryptionContext:Stage": "test"}}"#,
    false
)]
fn r6_20_encryption_context(#[case] condition: &str, #[case] holds: bool) {
    let key = format!(
        r#"{{"Sid": "If", "Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*", "Condition": {condition}}}"#
    );
    let call = Call::decrypt().encryption_context("AppName", "X").encryption_context("Stage", "prod");
    let expected = if holds { allowed(Resource, "If") } else { not_allowed(Resource) };
    call.key_policy(&[&key]).check(&expected);
}

/// R6.21: the alias of the request, by name; absent when the key was named by id or ARN.
#[rstest]
#[case::alias("kms:Decrypt", Some("alias/app"), allowed(Resource, "Alias"))]
#[case::another_alias("kms:Decrypt", Some("alias/other"), not_allowed(Resource))]
#[case::key_arn("kms:Decrypt", None, not_allowed(Resource))]
#[case::operation_without_it("kms:ScheduleKeyDeletion", Some("alias/app"), not_allowed(Resource))]
fn r6_21_request_alias(#[case] action: &str, #[case] alias: Option<&str>, #[case] expected: Answer) {
    let key = r#"{"Sid": "Alias", "Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*",
        "Condition": {"StringEquals": {"kms:RequestAlias": "alias/app"}}}"#;
    let call = Call::new(action).by(U).key_policy(&[key]);
    alias.into_iter().fold(call, Call::by_alias).check(&expected);
}

/// R6.17: the default algorithm is for symmetric keys; another key's is the caller's choice.
#[test]
fn r6_17_algorithm_of_asymmetric_keys() {
    let key = r#"{"Sid": "Symmetric", "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*",
        "Condition": {"StringEquals": {"kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}}}"#;
    Call::decrypt().key_policy(&[key]).check(&denied(Resource, "Symmetric"));
    let decision = Call::decrypt().key_policy(&[key]).key_spec("RSA_2048").decide();
    assert_eq!(open(&decision), ["kms:EncryptionAlgorithm"]);
}

/// R6.12: aliases of AWS's are nobody else's, whatever the policies say; the key behind one is asked about as a key.
#[rstest]
#[case::of_aws("alias/aws/s3", Some(Unavailable::ReservedAlias))]
#[case::of_a_customer("alias/awsome", None)]
fn r6_12_aliases_of_aws(#[case] alias: &str, #[case] expected: Option<Unavailable>) {
    let arn = Arn::parse(&format!("arn:aws:kms:us-east-1:111111111111:{alias}")).unwrap();
    let action = ActionName::parse("kms:DeleteAlias").unwrap();
    assert_eq!(before_policies(&Request::new(session("s"), action, ArnResource::new(arn))), expected);
}

/// R6.11: KMS finds no key of another Region; other services say nothing of the Region.
#[rstest]
#[case::same("kms:Decrypt", K, "us-east-1", None)]
#[case::another("kms:Decrypt", K, "us-west-2", Some(Unavailable::WrongRegion))]
#[case::without_a_region("kms:Decrypt", "arn:aws:kms::111111111111:key/k", "us-west-2", None)]
#[case::queue("sqs:SendMessage", "arn:aws:sqs:us-east-1:111111111111:q", "us-west-2", None)]
fn r6_11_regions(#[case] action: &str, #[case] arn: &str, #[case] region: &str, #[case] expected: Option<Unavailable>) {
    let (_, mut request) = Call::new(action).on(arn).asked();
    request.region = Some(region.into());
    assert_eq!(before_policies(&request), expected);
}

/// What comes of a call: the error and the decision.
fn outcome(world: &World, request: &Request) -> (Option<Unavailable>, Option<Effect>) {
    match authorize(world, request, Rules::NONE) {
        authorize::Answer::Decided(decision) => (None, Some(decision.effect)),
        authorize::Answer::Unavailable(error, decision) => (Some(error), decision.map(|decision| decision.effect)),
    }
}

const DISABLED: Unavailable = Unavailable::KeyState(&["DisabledException"]);

/// R6.34: the state of the key counts once a call is authorized.
#[rstest]
#[case::enabled(KeyState::Enabled, KEY_ALLOWS_R, (None, Some(Allow)))]
#[case::disabled(KeyState::Disabled, KEY_ALLOWS_R, (Some(DISABLED), Some(Allow)))]
#[case::disabled_and_not_allowed(KeyState::Disabled, ROOT, (None, Some(ImplicitDeny)))]
fn r6_34_states_of_keys(
    #[case] state: KeyState,
    #[case] key: &str,
    #[case] expected: (Option<Unavailable>, Option<Effect>),
) {
    let (mut world, request) = Call::decrypt().key_policy(&[key]).asked();
    world.keys[0].state = state;
    assert_eq!(outcome(&world, &request), expected);
}

/// The world and the call by which KMS judges a key policy that a call brings.
fn next_call(call: &Call, brought: &str) -> Option<(World, Request)> {
    let (world, request) = call.asked();
    let brought = Shared::new(policy(brought, PolicyType::Key));
    lockout::next_call(&world, &request, &derive::context(&world, &request), &brought)
}

/// R6.10: under a new key policy the caller has to be allowed to put the next one, whatever the old one says.
#[rstest]
#[case::of_a_key(Call::new("kms:PutKeyPolicy").key_policy(&[KEY_ALLOWS_R]), ROOT, ImplicitDeny)]
#[case::of_a_key_for_the_caller(Call::new("kms:PutKeyPolicy").key_policy(&[ROOT]), KEY_ALLOWS_R, Allow)]
#[case::of_a_new_key(Call::new("kms:CreateKey").on_nothing(), ROOT, ImplicitDeny)]
#[case::of_a_new_key_for_the_caller(Call::new("kms:CreateKey").on_nothing(), KEY_ALLOWS_R, Allow)]
fn r6_10_lockout(#[case] call: Call, #[case] brought: &str, #[case] expected: Effect) {
    let (_, asked) = call.asked();
    let (world, next) = next_call(&call, brought).unwrap();
    assert_eq!((next.action.to_string(), &next.principal), ("kms:PutKeyPolicy".to_owned(), &asked.principal));
    let key = world.key(&next.resource.arn).unwrap();
    assert_eq!((world.keys.len(), Some(key.account)), (1, asked.principal.account()));
    assert_eq!(outcome(&world, &next), (None, Some(expected)));
}

/// R6.10: calls that bring no key policy, and those that bypass the check, are not judged by a next one.
#[rstest]
#[case::no_key_policy(Call::decrypt().key_policy(&[ROOT]), false)]
#[case::another_service(Call::new("ssm:PutKeyPolicy"), false)]
#[case::bypass(bypass("true"), false)]
#[case::bypass_in_capitals(bypass("True"), false)]
#[case::no_bypass(bypass("false"), true)]
fn r6_10_calls_that_are_checked(#[case] call: Call, #[case] expected: bool) {
    assert_eq!(next_call(&call, ROOT).is_some(), expected);
}

/// A call that says whether it bypasses the check.
fn bypass(value: &str) -> Call {
    Call::new("kms:PutKeyPolicy").key_policy(&[ROOT]).context("kms:BypassPolicyLockoutSafetyCheck", value)
}
