//! Section 1 of the rules: which policies AWS stores, and what their grammar means.

use std::collections::BTreeMap;

use permitlab_evaluator::layer::Layer::{Identity, Resource};
use permitlab_evaluator::policy::PolicyType::{self, Key, ResourceControl, ServiceControl};
use rstest::rstest;

use crate::support::{ALLOW_ALL, Call, ROOT, U, allowed, denied, not_allowed, report};

const IDENTITY: PolicyType = PolicyType::Identity;

/// Whether a policy is stored, and everything that is reported about it, place by place.
#[track_caller]
fn check(text: &str, kind: PolicyType, expected: &[&str]) {
    let (found, is_stored) = report(text, kind);
    assert_eq!(found, expected);
    assert_eq!(is_stored, !expected.iter().any(|line| line.starts_with("error")));
}

/// R1.1: `Version`, `Id` and `Statement`, in any order; `Statement` is needed.
#[rstest]
#[case::any_order(r#"{"Statement": {"Resource": "*", "Action": "kms:*", "Effect": "Allow"}, "Version": "2012-10-17"}"#, &[])]
#[case::no_statement(r#"{"Version": "2012-10-17"}"#, &["error missing-element: {"])]
#[case::other_element(
    r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}, "Comment": ""}"#,
    &["error unknown-element: Comment"]
)]
#[case::no_object("[]", &["error wrong-type: []"])]
fn r1_1_top_level(#[case] text: &str, #[case] expected: &[&str]) {
    check(text, IDENTITY, expected);
}

/// R1.2: two versions; organizations' policies take the newer one only.
#[rstest]
#[case::newer("2012-10-17", IDENTITY, &[])]
#[case::older("2008-10-17", IDENTITY, &[])]
#[case::other("2012-10-18", IDENTITY, &["error invalid-version: 2012-10-18"])]
#[case::scp("2012-10-17", ServiceControl, &[])]
#[case::scp_older("2008-10-17", ServiceControl, &["error invalid-version: 2008-10-17"])]
fn r1_2_version(#[case] version: &str, #[case] kind: PolicyType, #[case] expected: &[&str]) {
    let text =
        format!(r#"{{"Version": "{version}", "Statement": {{"Effect": "Deny", "Action": "kms:*", "Resource": "*"}}}}"#);
    check(&text, kind, expected);
}

/// R1.2: AWS's own RCP samples leave `Version` out, so that is a warning only.
#[rstest]
#[case::identity(r#"{"Statement": {"Effect": "Deny", "Action": "kms:*", "Resource": "*"}}"#, IDENTITY, &[])]
#[case::scp(
    r#"{"Statement": {"Effect": "Deny", "Action": "kms:*", "Resource": "*"}}"#,
    ServiceControl,
    &["warning missing-version: {"]
)]
#[case::rcp(
    r#"{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}}"#,
    ResourceControl,
    &["warning missing-version: {"]
)]
fn r1_2_missing_version(#[case] text: &str, #[case] kind: PolicyType, #[case] expected: &[&str]) {
    check(text, kind, expected);
}

/// R1.2: in mode 2008, explicit or by default, `${…}` is plain text.
#[rstest]
#[case::variable_of_2012(r#""Version": "2012-10-17","#, "b/${aws:username}", "b/bob", true)]
#[case::text_of_2012(r#""Version": "2012-10-17","#, "b/${aws:username}", "b/${aws:username}", false)]
#[case::variable_of_2008(r#""Version": "2008-10-17","#, "b/${aws:username}", "b/bob", false)]
#[case::variable_by_default("", "b/${aws:username}", "b/bob", false)]
#[case::text_by_default("", "b/${aws:username}", "b/${aws:username}", true)]
#[case::escape_of_2012(r#""Version": "2012-10-17","#, "b/${*}", "b/*", true)]
#[case::escape_is_no_wildcard(r#""Version": "2012-10-17","#, "b/${*}", "b/x", false)]
#[case::escape_by_default_is_text_with_a_star("", "b/${*}", "b/${anything}", true)]
#[case::escape_by_default("", "b/${*}", "b/*", false)]
#[case::question_mark_by_default("", "b/${?}", "b/${x}", true)]
#[case::dollar_by_default("", "b/${$}", "b/${$}", true)]
#[case::dollar_of_2012(r#""Version": "2012-10-17","#, "b/${$}", "b/$", true)]
fn r1_2_variables(#[case] version: &str, #[case] pattern: &str, #[case] object: &str, #[case] matches: bool) {
    let policy = format!(
        r#"{{{version} "Statement": {{"Sid": "Own", "Effect": "Allow", "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::{pattern}"}}}}"#
    );
    let call = Call::new("s3:GetObject").by(U).on(&format!("arn:aws:s3:::{object}"));
    let expected = if matches { allowed(Identity, "Own") } else { not_allowed(Identity) };
    call.identity_policy(&policy).check(&expected);
}

/// R1.2: each document has its own version.
#[test]
fn r1_2_version_is_per_document() {
    let statement = r#"{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/${aws:username}"}"#;
    let older = format!(r#"{{"Statement": {statement}}}"#);
    let call = |object| Call::new("s3:GetObject").by(U).on(object).identity_policy(&older).identity_policy(statement);
    call("arn:aws:s3:::b/bob").check(&allowed(Identity, "[0]"));
    call("arn:aws:s3:::b/${aws:username}").check(&allowed(Identity, "[0]"));
    call("arn:aws:s3:::b/alice").check(&not_allowed(Identity));
}

/// R1.3: an object or an array of them, at least one.
#[rstest]
#[case::object(r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#, &[])]
#[case::array(r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#, &[])]
#[case::empty(r#"{"Statement": []}"#, &["error empty-statement: []"])]
#[case::text(r#"{"Statement": "Allow"}"#, &["error wrong-type: \"Allow\""])]
fn r1_3_statements(#[case] text: &str, #[case] expected: &[&str]) {
    check(text, IDENTITY, expected);
}

/// R1.4: a string or an array of strings.
#[rstest]
#[case::arrays(r#""Action": ["kms:*"], "Resource": ["*"]"#, &[])]
#[case::action_object(r#""Action": {}, "Resource": "*""#, &["error wrong-type: {}"])]
#[case::resource_number(r#""Action": "*", "Resource": [1, "*"]"#, &["error wrong-type: 1"])]
#[case::empty_action(r#""Action": [], "Resource": "*""#, &["error empty-list: []"])]
#[case::empty_resource(r#""Action": "*", "Resource": []"#, &["error empty-list: []"])]
#[case::condition_null(
    r#""Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": null}}"#,
    &["error wrong-type: null"]
)]
#[case::condition_object(
    r#""Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": {}}}"#,
    &["error wrong-type: {}"]
)]
#[case::leading_zero_is_no_number(
    r#""Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalAccount": 012345678901}}"#,
    &["error invalid-number: 012345678901"]
)]
fn r1_4_strings_and_arrays(#[case] elements: &str, #[case] expected: &[&str]) {
    check(&format!(r#"{{"Statement": {{"Effect": "Allow", {elements}}}}}"#), IDENTITY, expected);
}

/// R1.4: unquoted numbers and booleans keep the digits and words they were written with.
#[rstest]
#[case::account_number("StringEquals", "aws:PrincipalAccount", "111111111111", true)]
#[case::account_numbers("StringEquals", "aws:PrincipalAccount", "[222222222222, 111111111111]", true)]
#[case::other_account("StringEquals", "aws:PrincipalAccount", "222222222222", false)]
#[case::boolean("Bool", "aws:ViaAWSService", "false", true)]
#[case::boolean_as_text("StringEquals", "aws:ViaAWSService", "false", true)]
#[case::other_boolean("Bool", "aws:ViaAWSService", "true", false)]
#[case::number("NumericEquals", "app:big", "12345678901234567890123", true)]
#[case::exponent_stays_as_written("StringEquals", "app:exponent", "1e3", true)]
fn r1_4_unquoted_values(#[case] operator: &str, #[case] key: &str, #[case] value: &str, #[case] holds: bool) {
    let policy = format!(
        r#"{{"Sid": "If", "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {{"{operator}": {{"{key}": {value}}}}}}}"#
    );
    let call = Call::decrypt().key_policy(&[ROOT]).identity_policy(&policy);
    let call = call.context("app:big", "12345678901234567890123").context("app:exponent", "1e3");
    call.check(&if holds { allowed(Identity, "If") } else { not_allowed(Identity) });
}

/// R1.4: `Principal` is `*` or an object.
#[rstest]
#[case::star(r#""*""#, &[])]
#[case::object(r#"{"AWS": "*"}"#, &[])]
#[case::array_in_object(r#"{"AWS": ["111111111111", "*"]}"#, &[])]
#[case::several_kinds(r#"{"AWS": "*", "Service": "s3.amazonaws.com"}"#, &[])]
#[case::text(r#""111111111111""#, &[r#"error wrong-type: "111111111111""#])]
#[case::array(r#"["*"]"#, &[r#"error wrong-type: ["*"]"#])]
#[case::empty_object("{}", &["error empty-list: {}"])]
#[case::empty_array(r#"{"AWS": []}"#, &["error empty-list: []"])]
#[case::other_kind(r#"{"Aws": "*"}"#, &["error unknown-element: Aws"])]
fn r1_4_principal(#[case] principal: &str, #[case] expected: &[&str]) {
    let text = format!(
        r#"{{"Statement": {{"Effect": "Allow", "Principal": {principal}, "Action": "kms:*", "Resource": "*"}}}}"#
    );
    check(&text, Key, expected);
}

/// R1.5: the names of elements and effects are exact, those of operators are read in any case.
#[rstest]
#[case::effect_name(
    r#"{"effect": "Allow", "Action": "*", "Resource": "*"}"#,
    &["error missing-element: {", "error unknown-element: effect"]
)]
#[case::effect_value(r#"{"Effect": "allow", "Action": "*", "Resource": "*"}"#, &["error invalid-effect: allow"])]
#[case::action_name(
    r#"{"Effect": "Allow", "action": "*", "Resource": "*"}"#,
    &["error missing-element: {", "error unknown-element: action"]
)]
#[case::operator(
    r#"{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"stringequals": {"AWS:username": "x"}}}"#,
    &["warning operator-case: stringequals"]
)]
fn r1_5_case_of_names(#[case] statement: &str, #[case] expected: &[&str]) {
    check(&format!(r#"{{"Statement": {statement}}}"#), IDENTITY, expected);
}

/// R1.6: no object holds the same key twice, in any of its spellings.
#[rstest]
#[case::policy(
    r#"{"Version": "2012-10-17", "Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#,
    "Version"
)]
#[case::statement(r#"{"Statement": {"Effect": "Deny", "Effect": "Allow", "Action": "*", "Resource": "*"}}"#, "Effect")]
#[case::operator(
    r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {
        "StringEquals": {"aws:username": "a"}, "StringEquals": {"aws:userid": "b"}}}}"#,
    "StringEquals"
)]
#[case::condition_key(
    r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {
        "StringEquals": {"aws:username": "a", "aws:UserName": "b"}}}}"#,
    "aws:UserName"
)]
fn r1_6_duplicates(#[case] text: &str, #[case] second: &str) {
    check(text, IDENTITY, &[&format!("error duplicate-key: {second}")]);
}

/// R1.6: also two entries of one principal kind, and an operator in another case.
#[test]
fn r1_6_duplicates_of_principals_and_operators() {
    let principals = r#"{"Statement": {"Effect": "Allow", "Principal": {"AWS": "111111111111", "AWS": "*"},
        "Action": "kms:*", "Resource": "*"}}"#;
    check(principals, Key, &["error duplicate-key: AWS"]);
    let operators = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {
        "Bool": {"aws:SecureTransport": true}, "bool": {"aws:ViaAWSService": true}}}}"#;
    check(operators, IDENTITY, &["warning operator-case: bool", "error duplicate-key: bool"]);
}

/// R1.6: one key under two operators is legal, and both count.
#[rstest]
#[case::both("app-1", true)]
#[case::first_only("app-2", false)]
#[case::neither("web", false)]
fn r1_6_one_key_under_two_operators(#[case] value: &str, #[case] holds: bool) {
    let policy = r#"{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {
        "StringLike": {"app:name": "app-*"}, "StringNotEquals": {"app:name": "app-2"}}}"#;
    let call = Call::decrypt().key_policy(&[ROOT]).identity_policy(policy).context("app:name", value);
    call.check(&if holds { allowed(Identity, "[0]") } else { not_allowed(Identity) });
}

/// R1.7: letters and digits, unique in the document; key policies take spaces too.
#[rstest]
#[case::plain("Plain1", IDENTITY, &[])]
#[case::spaces("Two words", IDENTITY, &["warning invalid-sid: Two words"])]
#[case::hyphen("a-b", IDENTITY, &["warning invalid-sid: a-b"])]
#[case::empty("", IDENTITY, &[])]
#[case::spaces_in_key_policy("Two words", Key, &[])]
fn r1_7_sid(#[case] sid: &str, #[case] kind: PolicyType, #[case] expected: &[&str]) {
    let principal = if kind == Key { r#""Principal": "*", "# } else { "" };
    let text = format!(
        r#"{{"Statement": {{"Sid": "{sid}", "Effect": "Allow", {principal}"Action": "kms:*", "Resource": "*"}}}}"#
    );
    check(&text, kind, expected);
}

/// R1.7: a `Sid` that stands there twice is reported, and decides nothing.
#[test]
fn r1_7_sids_repeat() {
    let text = r#"{"Statement": [
        {"Sid": "A", "Effect": "Allow", "Action": "kms:*", "Resource": "*"},
        {"Sid": "A", "Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"}]}"#;
    check(text, IDENTITY, &["warning duplicate-sid: A"]);
    let call = |action| Call::new(action).key_policy(&[ROOT]).identity_policy(text);
    call("kms:Decrypt").check(&allowed(Identity, "A"));
    call("kms:Encrypt").check(&denied(Identity, "A"));
}

/// R1.8: `Id` belongs to resource-based policies, and decides nothing.
#[rstest]
#[case::identity(IDENTITY, "", &["warning meaningless-id: Id"])]
#[case::key(Key, r#""Principal": "*", "#, &[])]
fn r1_8_id(#[case] kind: PolicyType, #[case] principal: &str, #[case] expected: &[&str]) {
    let text =
        format!(r#"{{"Id": "x", "Statement": {{"Effect": "Allow", {principal}"Action": "kms:*", "Resource": "*"}}}}"#);
    check(&text, kind, expected);
}

/// R1.9: one of `Action` and `NotAction`, at most one of the other pairs.
#[rstest]
#[case::both_actions(
    r#""Action": "kms:*", "NotAction": "s3:*", "Resource": "*", "Principal": "*""#,
    &["error exclusive-elements: NotAction"]
)]
#[case::no_action(r#""Resource": "*", "Principal": "*""#, &["error missing-element: {"])]
#[case::both_resources(
    r#""Action": "kms:*", "Resource": "*", "NotResource": "*", "Principal": "*""#,
    &["error exclusive-elements: NotResource"]
)]
#[case::both_principals(
    r#""Action": "kms:*", "Resource": "*", "Principal": "*", "NotPrincipal": {"AWS": "111111111111"}"#,
    &["error exclusive-elements: NotPrincipal"]
)]
#[case::none_twice(r#""NotAction": "s3:*", "NotResource": "*", "NotPrincipal": {"AWS": "111111111111"}"#, &[])]
fn r1_9_exclusive_pairs(#[case] elements: &str, #[case] expected: &[&str]) {
    check(&format!(r#"{{"Statement": {{"Effect": "Deny", {elements}}}}}"#), Key, expected);
}

/// Elements of a statement: their names and values.
type Elements = BTreeMap<&'static str, &'static str>;

/// Changes to a statement: the elements that go, and those that come.
type Change = (&'static [&'static str], &'static [(&'static str, &'static str)]);

const OTHERS: &str = r#"{"AWS": "111111111111"}"#;
const COLUMNS: [Change; 9] = [
    (&[], &[("Principal", r#""*""#)]),
    (&["Principal"], &[]),
    (&["Principal"], &[("NotPrincipal", OTHERS), ("Effect", r#""Allow""#)]),
    (&["Principal"], &[("NotPrincipal", OTHERS)]),
    (&[], &[("Resource", r#""*""#)]),
    (&["Resource"], &[]),
    (&["Resource"], &[("NotResource", r#""arn:aws:kms:*:*:key/x""#)]),
    (&["Action"], &[("NotAction", r#""s3:*""#)]),
    (&[], &[("Effect", r#""Allow""#)]),
];

/// R1.10, the table: which elements each policy type takes, in a Deny with the elements it needs. `+` is stored, `-`
/// refused. Columns: `Principal`, none; `NotPrincipal` in Allow, in Deny; `Resource`, none; `NotResource`;
/// `NotAction`; Allow.
#[rstest]
#[case::identity(PolicyType::Identity, &["Resource"], "- +  - -  + -  +  +  +")]
#[case::boundary(PolicyType::Boundary, &["Resource"], "- +  - -  + -  +  +  +")]
#[case::session(PolicyType::Session, &["Resource"], "- +  - -  + -  +  +  +")]
#[case::key(PolicyType::Key, &["Principal", "Resource"], "+ -  - +  + +  +  +  +")]
#[case::resource(PolicyType::Resource, &["Principal", "Resource"], "+ -  - +  + +  +  +  +")]
#[case::trust(PolicyType::Trust, &["Principal"], "+ -  - -  - +  -  +  +")]
#[case::vpc_endpoint(PolicyType::VpcEndpoint, &["Principal", "Resource"], "+ -  - +  + -  +  +  +")]
#[case::scp(PolicyType::ServiceControl, &["Resource"], "- +  - -  + -  +  +  +")]
#[case::rcp(PolicyType::ResourceControl, &["Principal", "Resource"], "+ -  - -  + -  +  -  -")]
fn r1_10_elements(#[case] kind: PolicyType, #[case] needed: &'static [&'static str], #[case] expected: &str) {
    let mut statement = Elements::from([("Effect", r#""Deny""#), ("Action", r#""kms:*""#)]);
    statement.extend(needed.iter().map(|name| (*name, r#""*""#)));
    let stored = |(gone, come): &Change| {
        let mut changed = statement.clone();
        changed.retain(|name, _| !gone.contains(name));
        changed.extend(come.iter().copied());
        let elements: Vec<_> = changed.iter().map(|(name, value)| format!(r#""{name}": {value}"#)).collect();
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": {{{}}}}}"#, elements.join(", "));
        if report(&text, kind).1 { '+' } else { '-' }
    };
    assert_eq!(COLUMNS.iter().map(stored).collect::<String>(), expected.replace(' ', ""));
}

/// R1.10: a key policy may leave `Resource` out, and the statement does nothing.
#[test]
fn r1_10_key_policy_without_resource() {
    let statement = r#"{"Effect": "Allow", "Principal": "*", "Action": "kms:*"}"#;
    Call::decrypt().key_policy(&[statement]).check(&not_allowed(Resource));
    let deny = r#"{"Effect": "Deny", "Principal": "*", "Action": "kms:*"}"#;
    Call::decrypt().key_policy(&[ROOT, deny]).identity_policy(ALLOW_ALL).check(&allowed(Identity, "All"));
}

/// R1.10: a customer's RCP denies everyone something of one service.
#[rstest]
#[case::allow(
    r#""Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*""#,
    &["error allow-forbidden: Allow"]
)]
#[case::one_principal(
    r#""Effect": "Deny", "Principal": {"AWS": "111111111111"}, "Action": "kms:*", "Resource": "*""#,
    &["error rcp-principal: 111111111111"]
)]
#[case::every_action(
    r#""Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*""#,
    &["error action-star-forbidden: *"]
)]
#[case::not_action(
    r#""Effect": "Deny", "Principal": "*", "NotAction": "kms:*", "Resource": "*""#,
    &["error forbidden-element: NotAction"]
)]
#[case::not_resource(r#""Effect": "Deny", "Principal": "*", "Action": "kms:*", "NotResource": "*""#, &[])]
#[case::rcp_full_aws_access(r#""Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*""#, &[])]
fn r1_10_rcp(#[case] elements: &str, #[case] expected: &[&str]) {
    check(&format!(r#"{{"Version": "2012-10-17", "Statement": {{{elements}}}}}"#), ResourceControl, expected);
}

/// R1.10: SCPs take the full language since September 2025.
#[rstest]
#[case::condition_in_allow(
    r#""Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}"#
)]
#[case::arn_in_allow(r#""Effect": "Allow", "Action": "kms:*", "Resource": "arn:aws:kms:*:*:key/*""#)]
#[case::not_action_in_allow(r#""Effect": "Allow", "NotAction": "kms:*", "Resource": "*""#)]
#[case::not_resource_in_allow(r#""Effect": "Allow", "Action": "kms:*", "NotResource": "arn:aws:kms:*:*:key/*""#)]
#[case::wildcard_inside_action(r#""Effect": "Deny", "Action": "kms:*Key*", "Resource": "*""#)]
fn r1_10_scp(#[case] elements: &str) {
    check(&format!(r#"{{"Version": "2012-10-17", "Statement": {{{elements}}}}}"#), ServiceControl, &[]);
}

/// R1.12: nothing asked is true; with no value to compare, positive operators fail and negated ones hold.
#[rstest]
#[case::empty_block("{}", true)]
#[case::operator_without_keys(r#"{"StringEquals": {}}"#, true)]
#[case::positive_without_values(r#"{"StringEquals": {"app:a": []}}"#, false)]
#[case::negated_without_values(r#"{"StringNotEquals": {"app:a": []}}"#, true)]
#[case::null_without_values(r#"{"Null": {"app:a": []}}"#, false)]
fn r1_12_empty_conditions(#[case] condition: &str, #[case] holds: bool) {
    let policy = format!(r#"{{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {condition}}}"#);
    let call = Call::decrypt().key_policy(&[ROOT]).identity_policy(&policy).context("app:a", "x");
    call.check(&if holds { allowed(Identity, "[0]") } else { not_allowed(Identity) });
}

/// R1.13: what AWS does not know it refuses.
#[rstest]
#[case::operator(r#""Condition": {"StringMatches": {"aws:username": "x"}}"#, &["error unknown-operator: StringMatches"])]
#[case::near_operator(r#""Condition": {"StringEqual": {"aws:username": "x"}}"#, &["error unknown-operator: StringEqual"])]
#[case::null_if_exists(r#""Condition": {"NullIfExists": {"aws:username": "x"}}"#, &["error unknown-operator: NullIfExists"])]
#[case::null_of_a_set(
    r#""Condition": {"ForAnyValue:Null": {"aws:username": "x"}}"#,
    &["error unknown-operator: ForAnyValue:Null"]
)]
#[case::element(r#""Conditions": {}"#, &["error unknown-element: Conditions"])]
fn r1_13_unknown_names(#[case] element: &str, #[case] expected: &[&str]) {
    let text = format!(r#"{{"Statement": {{"Effect": "Allow", "Action": "*", "Resource": "*", {element}}}}}"#);
    check(&text, IDENTITY, expected);
}

/// R1.14: a misspelt key is stored and never sent, so that a negated operator in a Deny denies everything.
#[test]
fn r1_14_unknown_condition_key() {
    let statement = r#"{"Sid": "Typo", "Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"StringNotEquals": {"kms:ViaServce": "s3.us-east-1.amazonaws.com"}}}"#;
    check(&format!(r#"{{"Statement": {statement}}}"#), IDENTITY, &["warning unknown-condition-key: kms:ViaServce"]);
    let call = Call::decrypt().key_policy(&[ROOT]).identity_policy(ALLOW_ALL).identity_policy(statement);
    call.via("s3.us-east-1.amazonaws.com").check(&denied(Identity, "Typo"));
}

/// R1.15: what names no principal is refused; an id that was left of a deleted one is not.
#[rstest]
#[case::name("bob", &["error invalid-principal: bob"])]
#[case::group("arn:aws:iam::111111111111:group/g", &["error invalid-principal: arn:aws:iam::111111111111:group/g"])]
#[case::bucket("arn:aws:s3:::b", &["error invalid-principal: arn:aws:s3:::b"])]
#[case::short_account("11111111111", &["error invalid-principal: 11111111111"])]
#[case::deleted_role("AROAEXAMPLE1111111111", &[])]
#[case::deleted_user("AIDAEXAMPLE1111111111", &[])]
fn r1_15_principals(#[case] principal: &str, #[case] expected: &[&str]) {
    let text = format!(
        r#"{{"Statement": {{"Effect": "Allow", "Principal": {{"AWS": "{principal}"}}, "Action": "kms:*", "Resource": "*"}}}}"#
    );
    check(&text, Key, expected);
}
