//! Section 2 of the rules: which actions and resources a statement speaks of.

use permitlab_evaluator::decision::Effect::{Allow, ImplicitDeny};
use permitlab_evaluator::layer::Layer::{Identity, Resource};
use permitlab_evaluator::policy::PolicyType::{self, Key, ServiceControl, Session};
use permitlab_evaluator::truth::Rule;
use rstest::rstest;

use crate::support::{ALLOW_ALL, Answer, Call, K, ROOT, U, allowed, denied, not_allowed, report};

const KEY_OF_OTHER_REGION: &str = "arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ALIAS: &str = "arn:aws:kms:us-east-1:111111111111:alias/app";

/// A call that only this statement of the caller's policy could allow.
fn allowing(action: &str, elements: &str) -> Call {
    let policy = format!(r#"{{"Sid": "If", "Effect": "Allow", {elements}}}"#);
    Call::new(action).key_policy(&[ROOT]).identity_policy(&policy)
}

fn allowed_if(matches: bool) -> Answer {
    if matches { allowed(Identity, "If") } else { not_allowed(Identity) }
}

/// What reading an identity policy with these elements reports.
#[track_caller]
fn check_report(kind: PolicyType, elements: &str, expected: &[&str]) {
    let text = format!(r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", {elements}}}}}"#);
    assert_eq!(report(&text, kind).0, expected);
}

/// R2.1: prefix and name ignore case; `*` and `?` work anywhere in the name; nothing is trimmed.
#[rstest]
#[case::exact("kms:Decrypt", true)]
#[case::lower_case("kms:decrypt", true)]
#[case::upper_case("KMS:DECRYPT", true)]
#[case::one_character("kms:D?crypt", true)]
#[case::one_character_is_not_none("kms:Decrypt?", false)]
#[case::star_in_front("kms:*crypt", true)]
#[case::star_inside("kms:De*t", true)]
#[case::star_matches_nothing_too("kms:Decrypt*", true)]
#[case::every_name("kms:*", true)]
#[case::everything("*", true)]
#[case::everything_twice("*:*", true)]
#[case::prefix_of_the_name("kms:Decryp", false)]
#[case::other_service("s3:*", false)]
#[case::space("kms: Decrypt", false)]
#[case::trailing_space("kms:Decrypt ", false)]
fn r2_1_actions(#[case] pattern: &str, #[case] matches: bool) {
    let elements = format!(r#""Action": ["s3:GetObject", "{pattern}"], "Resource": "*""#);
    allowing("kms:Decrypt", &elements).check(&allowed_if(matches));
    let elements = format!(r#""NotAction": ["s3:GetObject", "{pattern}"], "Resource": "*""#);
    allowing("kms:Decrypt", &elements).check(&allowed_if(!matches));
}

/// R2.1: the call's own spelling does not matter either.
#[test]
fn r2_1_action_of_the_call() {
    allowing("KMS:decrypt", r#""Action": "kms:Decrypt", "Resource": "*""#).check(&allowed_if(true));
}

/// R2.1: an action has one prefix without wildcards, and a colon.
#[rstest]
#[case::no_colon("kmsDescribeKey", &["error unknown-action-form: kmsDescribeKey"])]
#[case::wildcard_in_service("k*:Decrypt", &["error unknown-action-form: k*:Decrypt"])]
#[case::no_service(":Decrypt", &["error unknown-action-form: :Decrypt"])]
#[case::no_name("kms:", &["error unknown-action-form: kms:"])]
#[case::every_service("*:*", &["warning action-star-colon-star: *:*"])]
#[case::everything("*", &[])]
#[case::space("kms: Decrypt", &["warning unknown-action: kms: Decrypt"])]
fn r2_1_forms(#[case] action: &str, #[case] expected: &[&str]) {
    check_report(PolicyType::Identity, &format!(r#""Action": "{action}", "Resource": "*""#), expected);
}

/// R2.2: what is not listed, of every service.
#[rstest]
#[case::listed("kms:Decrypt", K, false)]
#[case::covered_by_a_pattern("kms:DescribeKey", K, false)]
#[case::not_listed("kms:Encrypt", K, true)]
#[case::of_another_service("s3:GetObject", "arn:aws:s3:::b/x", true)]
fn r2_2_not_action(#[case] action: &str, #[case] resource: &str, #[case] matches: bool) {
    let call = allowing(action, r#""NotAction": ["kms:Decrypt", "kms:Describe*"], "Resource": "*""#);
    let call = if resource == K { call } else { call.key_policy(&[]).on(resource) };
    call.check(&allowed_if(matches));
}

/// R2.3: permissions are not always named as API operations are.
#[rstest]
#[case::re_encrypt_is_no_permission("kms:ReEncrypt", "kms:ReEncryptFrom", false)]
#[case::re_encrypt_from("kms:ReEncrypt*", "kms:ReEncryptFrom", true)]
#[case::re_encrypt_to("kms:ReEncrypt*", "kms:ReEncryptTo", true)]
#[case::without_plaintext("kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", false)]
#[case::pair("kms:GenerateDataKey", "kms:GenerateDataKeyPair", false)]
#[case::any_data_key("kms:GenerateDataKey*", "kms:GenerateDataKeyWithoutPlaintext", true)]
#[case::any_data_key_pair("kms:GenerateDataKey*", "kms:GenerateDataKeyPair", true)]
fn r2_3_permission_names(#[case] pattern: &str, #[case] action: &str, #[case] matches: bool) {
    allowing(action, &format!(r#""Action": "{pattern}", "Resource": "*""#)).check(&allowed_if(matches));
}

/// R2.3: `ListGrants` and `ListRetirableGrants` are two permissions, and `ReEncrypt` is none.
#[test]
fn r2_3_reports() {
    check_report(
        PolicyType::Identity,
        r#""Action": ["kms:ListGrants", "kms:ListRetirableGrants"], "Resource": "*""#,
        &[],
    );
    let expected = ["warning unknown-action: kms:ReEncrypt"];
    check_report(PolicyType::Identity, r#""Action": "kms:ReEncrypt", "Resource": "*""#, &expected);
    let elements = r#""Action": "kms:ListGrants", "Resource": "*""#;
    allowing("kms:ListRetirableGrants", elements).on_nothing().check(&allowed_if(false));
}

/// R2.4: six fields at the first five colons, each by itself; in the last, `*` goes over `:` and `/`.
#[rstest]
#[case::two_stars("arn:aws:s3:::b/*/test/*", "arn:aws:s3:::b/1/2/test/x", true)]
#[case::a_star_needs_its_slash("arn:aws:s3:::b/*/test/*", "arn:aws:s3:::b/test/x", false)]
#[case::one_character("arn:aws:s3:::b/?", "arn:aws:s3:::b/x", true)]
#[case::one_character_not_two("arn:aws:s3:::b/?", "arn:aws:s3:::b/xy", false)]
#[case::star_over_colons("arn:aws:logs:*:*:log-group:*", "arn:aws:logs:us-east-1:111111111111:log-group:/a:b/c", true)]
#[case::star_inside_one_field_only(
    "arn:aws:logs:*:log-group:x",
    "arn:aws:logs:us-east-1:111111111111:log-group:x",
    false
)]
#[case::everything("*", "arn:aws:s3:::b/x", true)]
#[case::whole_value("arn:aws:s3:::b", "arn:aws:s3:::b/x", false)]
#[case::other_partition("arn:aws:s3:::b/*", "arn:aws-cn:s3:::b/x", false)]
#[case::any_partition("arn:*:s3:::b/*", "arn:aws-cn:s3:::b/x", true)]
fn r2_4_fields(#[case] pattern: &str, #[case] resource: &str, #[case] matches: bool) {
    let call =
        allowing("s3:GetObject", &format!(r#""Action": "s3:GetObject", "Resource": ["arn:aws:s3:::z", "{pattern}"]"#));
    call.key_policy(&[]).on(resource).check(&allowed_if(matches));
}

/// R2.4: keys of one account in every Region, keys and aliases of one Region.
#[rstest]
#[case::any_region("arn:aws:kms:*:111111111111:key/*", K, true)]
#[case::any_region_elsewhere("arn:aws:kms:*:111111111111:key/*", KEY_OF_OTHER_REGION, true)]
#[case::keys_are_no_aliases("arn:aws:kms:*:111111111111:key/*", ALIAS, false)]
#[case::all_of_a_region("arn:aws:kms:us-east-1:111111111111:*", K, true)]
#[case::aliases_of_a_region("arn:aws:kms:us-east-1:111111111111:*", ALIAS, true)]
#[case::all_of_another_region("arn:aws:kms:us-east-1:111111111111:*", KEY_OF_OTHER_REGION, false)]
#[case::five_fields("arn:aws:kms:*:key/*", K, false)]
fn r2_4_keys(#[case] pattern: &str, #[case] resource: &str, #[case] matches: bool) {
    let call = allowing("kms:CreateAlias", &format!(r#""Action": "kms:*", "Resource": "{pattern}""#));
    call.on(resource).check(&allowed_if(matches));
}

/// R2.5: identity policies complete an ARN with stars, field by field.
#[rstest]
#[case::of_a_service("arn:aws:sqs", "arn:aws:sqs:us-east-1:111111111111:q", true)]
#[case::of_another_service("arn:aws:sqs", "arn:aws:sns:us-east-1:111111111111:t", false)]
#[case::of_a_region("arn:aws:sqs:us-east-1", "arn:aws:sqs:us-east-1:111111111111:q", true)]
#[case::of_another_region("arn:aws:sqs:us-east-1", "arn:aws:sqs:us-east-2:111111111111:q", false)]
#[case::of_an_account("arn:aws:sqs:*:111111111111", "arn:aws:sqs:us-east-1:111111111111:q", true)]
#[case::of_another_account("arn:aws:sqs:*:222222222222", "arn:aws:sqs:us-east-1:111111111111:q", false)]
fn r2_5_incomplete_arns(#[case] pattern: &str, #[case] resource: &str, #[case] matches: bool) {
    let call = allowing("sqs:SendMessage", &format!(r#""Action": "sqs:*", "Resource": "{pattern}""#));
    call.key_policy(&[]).on(resource).check(&allowed_if(matches));
}

/// R2.5: session policies, SCPs and RCPs refuse them; a key policy keeps them, and they match nothing.
#[rstest]
#[case::identity(PolicyType::Identity, "", &[])]
#[case::boundary(PolicyType::Boundary, "", &[])]
#[case::session(Session, "", &["error short-arn: arn:aws:kms"])]
#[case::scp(ServiceControl, "", &["error short-arn: arn:aws:kms"])]
#[case::key(Key, r#""Principal": "*", "#, &["warning short-arn: arn:aws:kms"])]
fn r2_5_reports(#[case] kind: PolicyType, #[case] principal: &str, #[case] expected: &[&str]) {
    check_report(kind, &format!(r#"{principal}"Action": "kms:*", "Resource": "arn:aws:kms""#), expected);
}

/// R2.5: see above.
#[test]
fn r2_5_short_arn_in_a_key_policy() {
    let statement = r#"{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "arn:aws:kms"}"#;
    Call::decrypt().key_policy(&[statement]).check(&not_allowed(Resource));
}

/// R2.6: all fields compare by case.
#[rstest]
#[case::same("arn:aws:s3:::b/Key", true)]
#[case::resource("arn:aws:s3:::b/key", false)]
#[case::service("arn:aws:S3:::b/Key", false)]
#[case::partition("arn:AWS:s3:::b/Key", false)]
fn r2_6_case(#[case] pattern: &str, #[case] matches: bool) {
    let call = allowing("s3:GetObject", &format!(r#""Action": "s3:*", "Resource": "{pattern}""#));
    call.key_policy(&[]).on("arn:aws:s3:::b/Key").check(&allowed_if(matches));
}

/// R2.7: each resource of a call is a request of its own.
#[test]
fn r2_7_each_resource_by_itself() {
    let call =
        |resource| allowing("kms:CreateAlias", &format!(r#""Action": "kms:*", "Resource": "{ALIAS}""#)).on(resource);
    call(ALIAS).check(&allowed_if(true));
    call(K).check(&allowed_if(false));
}

/// R2.8: a call without a resource wants `*`, or unsurely the account form; never a key or an alias.
#[rstest]
#[case::everything("*", allowed(Identity, "If"))]
#[case::account_form(
    "arn:aws:kms:us-east-1:111111111111:*",
    allowed(Identity, "If").unless(Rule::AccountFormOfNoResource, ImplicitDeny)
)]
#[case::account_form_of_another_account("arn:aws:kms:us-east-1:222222222222:*", not_allowed(Identity))]
#[case::keys("arn:aws:kms:us-east-1:111111111111:key/*", not_allowed(Identity))]
#[case::aliases("arn:aws:kms:*:111111111111:alias/*", not_allowed(Identity))]
fn r2_8_actions_without_a_resource(#[case] pattern: &str, #[case] expected: Answer) {
    let call = allowing("kms:ListAliases", &format!(r#""Action": "kms:ListAliases", "Resource": "{pattern}""#));
    call.on_nothing().check(&expected);
}

/// R2.8: a Deny of one key does not catch them either.
#[test]
fn r2_8_deny_of_a_key() {
    let deny = r#"{"Sid": "No", "Effect": "Deny", "Action": "kms:*", "Resource": "arn:aws:kms:*:*:key/*"}"#;
    let call = |action| Call::new(action).key_policy(&[ROOT]).identity_policy(ALLOW_ALL).identity_policy(deny);
    call("kms:ListKeys").on_nothing().check(&allowed(Identity, "All"));
    call("kms:Decrypt").check(&denied(Identity, "No"));
}

/// R2.9: what is not listed.
#[rstest]
#[case::listed("arn:aws:s3:::b/x", false)]
#[case::covered_by_a_pattern("arn:aws:s3:::c/x", false)]
#[case::not_listed("arn:aws:s3:::d/x", true)]
#[case::of_another_service("arn:aws:sqs:us-east-1:111111111111:q", true)]
fn r2_9_not_resource(#[case] resource: &str, #[case] matches: bool) {
    let call = allowing("s3:GetObject", r#""Action": "*", "NotResource": ["arn:aws:s3:::b/x", "arn:aws:s3:::c/*"]"#);
    call.key_policy(&[]).on(resource).check(&allowed_if(matches));
}

/// R2.10: variables work after the fifth colon, and their value is literal text.
#[rstest]
#[case::value("b/${aws:PrincipalTag/team}/x", "red", "b/red/x", true)]
#[case::other_value("b/${aws:PrincipalTag/team}/x", "red", "b/blue/x", false)]
#[case::star_of_the_value_is_text("b/${aws:PrincipalTag/team}/x", "*", "b/red/x", false)]
#[case::star_of_the_value("b/${aws:PrincipalTag/team}/x", "*", "b/*/x", true)]
#[case::beside_a_wildcard("b/${aws:PrincipalTag/team}/*", "red", "b/red/x", true)]
#[case::two("b/${aws:username}-${aws:PrincipalTag/team}", "red", "b/bob-red", true)]
fn r2_10_variables(#[case] pattern: &str, #[case] team: &str, #[case] object: &str, #[case] matches: bool) {
    let call = allowing("s3:GetObject", &format!(r#""Action": "s3:*", "Resource": "arn:aws:s3:::{pattern}""#));
    let call = call.key_policy(&[]).by(U).tag("team", team).on(&format!("arn:aws:s3:::{object}"));
    call.check(&allowed_if(matches));
}

/// R2.10: before the fifth colon they never match; the other reading fills them in.
#[rstest]
#[case::would_fit("bob", not_allowed(Identity).unless(Rule::VariableInEarlyField, Allow))]
#[case::would_not_fit("alice", not_allowed(Identity))]
fn r2_10_variable_in_an_early_field(#[case] region: &str, #[case] expected: Answer) {
    let call = allowing("s3:GetObject", r#""Action": "s3:*", "Resource": "arn:aws:s3:${aws:username}::b/*""#);
    call.key_policy(&[]).by(U).on(&format!("arn:aws:s3:{region}::b/x")).check(&expected);
}

/// R2.10: the account is such a field too.
#[test]
fn r2_10_variable_in_the_account_field() {
    let call =
        allowing("sqs:SendMessage", r#""Action": "sqs:*", "Resource": "arn:aws:sqs:*:${aws:PrincipalAccount}:q""#);
    let call = call.key_policy(&[]).on("arn:aws:sqs:us-east-1:111111111111:q");
    call.check(&not_allowed(Identity).unless(Rule::VariableInEarlyField, Allow));
}

/// R2.11: a pattern with an unresolved variable matches nothing; in `NotResource` it excludes nothing, unsurely.
#[rstest]
#[case::resource(r#""Resource": "arn:aws:kms:*:*:key/${aws:PrincipalTag/KeyId}*""#, allowed(Identity, "All"))]
#[case::beside_a_resolved_one(
    r#""Resource": ["arn:aws:kms:*:*:key/${aws:PrincipalTag/KeyId}", "arn:aws:kms:*:*:key/1234*"]"#,
    denied(Identity, "Deny")
)]
#[case::not_resource(
    r#""NotResource": "arn:aws:kms:*:*:key/${aws:PrincipalTag/KeyId}""#,
    denied(Identity, "Deny").unless(Rule::UnresolvedNotResource, Allow)
)]
#[case::not_resource_that_is_excluded_anyway(
    r#""NotResource": ["arn:aws:kms:*:*:key/${aws:PrincipalTag/KeyId}", "arn:aws:kms:*:*:key/1234*"]"#,
    allowed(Identity, "All")
)]
fn r2_11_unresolved_variables(#[case] resource: &str, #[case] expected: Answer) {
    let deny = format!(r#"{{"Sid": "Deny", "Effect": "Deny", "Action": "kms:*", {resource}}}"#);
    let call = Call::decrypt().key_policy(&[ROOT]).identity_policy(ALLOW_ALL).identity_policy(&deny);
    call.check(&expected);
    let resolved = call.tag("KeyId", "1234abcd-12ab-34cd-56ef-1234567890ab");
    let excluded = resource.starts_with("\"Not");
    resolved.check(&if excluded { allowed(Identity, "All") } else { denied(Identity, "Deny") });
}

/// R2.12: keys are selected by key ARN only.
#[rstest]
#[case::key_arn("arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab", true)]
#[case::alias_arn("arn:aws:kms:us-east-1:111111111111:alias/app", false)]
#[case::any_alias("arn:aws:kms:us-east-1:111111111111:alias/*", false)]
fn r2_12_keys_by_arn(#[case] pattern: &str, #[case] matches: bool) {
    let call = allowing("kms:Decrypt", &format!(r#""Action": "kms:Decrypt", "Resource": "{pattern}""#));
    call.by_alias("alias/app").check(&allowed_if(matches));
}

/// R2.12: a bare key id or alias name is no ARN, and AWS refuses it.
#[rstest]
#[case::key_id("1234abcd-12ab-34cd-56ef-1234567890ab")]
#[case::alias_name("alias/app")]
fn r2_12_names_are_no_resources(#[case] name: &str) {
    let expected = format!("error malformed-resource: {name}");
    check_report(PolicyType::Identity, &format!(r#""Action": "kms:Decrypt", "Resource": "{name}""#), &[&expected]);
}

/// R2.13: in a key policy `*` is this key; another ARN makes the statement dead.
#[rstest]
#[case::this_key("*", true)]
#[case::its_arn("arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab", true)]
#[case::keys_of_the_account("arn:aws:kms:*:111111111111:key/*", true)]
#[case::another_key("arn:aws:kms:us-east-1:111111111111:key/00000000-0000-0000-0000-000000000000", false)]
#[case::key_of_another_account("arn:aws:kms:us-east-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab", false)]
fn r2_13_resource_of_a_key_policy(#[case] resource: &str, #[case] matches: bool) {
    let statement = format!(
        r#"{{"Sid": "Key", "Effect": "Allow", "Principal": {{"AWS": "arn:aws:iam::111111111111:role/app/r"}},
            "Action": "kms:Decrypt", "Resource": "{resource}"}}"#
    );
    let expected = if matches { allowed(Resource, "Key") } else { not_allowed(Resource) };
    Call::decrypt().key_policy(&[&statement]).check(&expected);
}

/// The other readings of the unsure rules are what they are said to be, for a Deny as for an Allow.
#[test]
fn unsure_rules_in_a_deny() {
    let deny = r#"{"Sid": "Deny", "Effect": "Deny", "Action": "kms:ListKeys", "Resource": "arn:aws:kms:us-east-1:111111111111:*"}"#;
    let call = Call::new("kms:ListKeys").on_nothing().identity_policy(deny);
    call.check(&denied(Identity, "Deny").unless(Rule::AccountFormOfNoResource, ImplicitDeny));
    let expected = denied(Identity, "Deny").unless(Rule::AccountFormOfNoResource, Allow);
    call.identity_policy(ALLOW_ALL).check(&expected);
    let deny =
        r#"{"Sid": "Deny", "Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::b/${aws:PrincipalTag/t}"}"#;
    let call = Call::new("s3:GetObject").on("arn:aws:s3:::b/x").identity_policy(deny);
    call.check(&denied(Identity, "Deny").unless(Rule::UnresolvedNotResource, ImplicitDeny));
}
