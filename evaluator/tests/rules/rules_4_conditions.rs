//! Section 4 of the rules: when a condition holds.
//!
//! Each case is judged twice: as the condition of the only Allow, and as that of a Deny beside an Allow.

use permitlab_evaluator::decision::Effect::{Allow, ExplicitDeny, ImplicitDeny};
use permitlab_evaluator::layer::Layer::{Identity, Resource};
use permitlab_evaluator::policy::PolicyType::{self, Key};
use permitlab_evaluator::truth::Rule;
use rstest::rstest;

use crate::support::{ALLOW_ALL, Answer, Call, R, ROOT, U, allowed, denied, not_allowed, open, policy, report};

/// Whether a condition holds.
#[derive(Debug, Clone, Copy)]
enum Expected {
    Holds,
    Fails,
    /// The other reading of the rule says the contrary.
    HoldsUnless(Rule),
    FailsUnless(Rule),
}
use Expected::{Fails, FailsUnless, Holds, HoldsUnless};

const fn when(holds: bool) -> Expected {
    if holds { Holds } else { Fails }
}

/// Judges a condition block in an Allow and in a Deny.
#[track_caller]
fn check(call: &Call, condition: &str, expected: Expected) {
    check_in("2012-10-17", call, condition, expected);
}

/// The same in a policy of a version.
#[track_caller]
fn check_in(version: &str, call: &Call, condition: &str, expected: Expected) {
    let policy = |effect: &str| {
        format!(
            r#"{{"Version": "{version}", "Statement": {{"Sid": "If", "Effect": "{effect}", "Action": "*",
                "Resource": "*", "Condition": {condition}}}}}"#
        )
    };
    let call = call.clone().key_policy(&[ROOT]);
    let (in_allow, in_deny) = match expected {
        Holds => (allowed(Identity, "If"), denied(Identity, "If")),
        Fails => (not_allowed(Identity), allowed(Identity, "All")),
        HoldsUnless(rule) => {
            (allowed(Identity, "If").unless(rule, ImplicitDeny), denied(Identity, "If").unless(rule, Allow))
        }
        FailsUnless(rule) => {
            (not_allowed(Identity).unless(rule, Allow), allowed(Identity, "All").unless(rule, ExplicitDeny))
        }
    };
    call.clone().identity_policy(&policy("Allow")).check(&in_allow);
    call.identity_policy(ALLOW_ALL).identity_policy(&policy("Deny")).check(&in_deny);
}

/// One operator on the key `app:key`.
fn condition(operator: &str, operands: &str) -> String {
    format!(r#"{{"{operator}": {{"app:key": {operands}}}}}"#)
}

/// A call that carries this value.
fn with(value: &str) -> Call {
    Call::decrypt().context("app:key", value)
}

/// R4.4 to R4.7, R4.9, R4.10: every operator in every form. An operator and operands, two values of the key for which
/// it holds, two for which it fails; and whether it is negated, which decides over an absent key.
#[rstest]
#[case::string_equals("StringEquals", r#"["a", "b"]"#, ["a", "b"], ["A", "c"], false)]
#[case::string_not_equals("StringNotEquals", r#"["a", "b"]"#, ["A", "c"], ["a", "b"], true)]
#[case::string_equals_ignore_case("StringEqualsIgnoreCase", r#"["a", "b"]"#, ["A", "b"], ["c", "d"], false)]
#[case::string_not_equals_ignore_case("StringNotEqualsIgnoreCase", r#"["a", "b"]"#, ["c", "d"], ["A", "b"], true)]
#[case::string_like("StringLike", r#"["a*", "?z"]"#, ["ax", "xz"], ["xa", "z"], false)]
#[case::string_not_like("StringNotLike", r#"["a*", "?z"]"#, ["xa", "z"], ["ax", "xz"], true)]
#[case::numeric_equals("NumericEquals", r#"["10", 20]"#, ["10.0", "20"], ["11", "-10"], false)]
#[case::numeric_not_equals("NumericNotEquals", r#"["10", 20]"#, ["11", "-10"], ["10.0", "20"], true)]
#[case::numeric_less_than("NumericLessThan", "10", ["9.99", "-11"], ["10", "11"], false)]
#[case::numeric_less_than_equals("NumericLessThanEquals", "10", ["10.0", "9"], ["10.01", "11"], false)]
#[case::numeric_greater_than("NumericGreaterThan", "10", ["10.01", "11"], ["10", "9"], false)]
#[case::numeric_greater_than_equals("NumericGreaterThanEquals", "10", ["10", "11"], ["9.99", "-11"], false)]
#[case::date_equals("DateEquals", r#""2025-01-01""#, ["2025-01-01T00:00:00Z", "1735689600"], ["2025-01-02", "1735689601"], false)]
#[case::date_not_equals("DateNotEquals", r#""2025-01-01""#, ["2025-01-02", "1735689601"], ["2025-01-01T00:00:00Z", "1735689600"], true)]
#[case::date_less_than("DateLessThan", r#""2025-01-01""#, ["2024-12-31", "1735689599"], ["2025-01-01", "1735689601"], false)]
#[case::date_less_than_equals("DateLessThanEquals", r#""2025-01-01""#, ["2025-01-01", "1735689599"], ["2025-01-02", "1735689601"], false)]
#[case::date_greater_than("DateGreaterThan", r#""2025-01-01""#, ["2025-01-02", "1735689601"], ["2025-01-01", "1735689599"], false)]
#[case::date_greater_than_equals("DateGreaterThanEquals", r#""2025-01-01""#, ["2025-01-01", "1735689601"], ["2024-12-31", "1735689599"], false)]
#[case::bool("Bool", r#""true""#, ["true", "TRUE"], ["false", "False"], false)]
#[case::binary_equals("BinaryEquals", r#"["QQ==", "Qg=="]"#, ["QQ==", "Qg"], ["Qw==", "QUI="], false)]
#[case::ip_address("IpAddress", r#"["203.0.113.0/24", "198.51.100.7"]"#, ["203.0.113.9", "198.51.100.7"], ["203.0.114.1", "2001:db8::1"], false)]
#[case::not_ip_address("NotIpAddress", r#"["203.0.113.0/24", "198.51.100.7"]"#, ["203.0.114.1", "2001:db8::1"], ["203.0.113.9", "198.51.100.7"], true)]
#[case::arn_equals("ArnEquals", r#""arn:aws:sns:*:111111111111:t-?""#, ["arn:aws:sns:us-east-1:111111111111:t-1", "arn:aws:sns::111111111111:t-2"], ["arn:aws:sns:us-east-1:222222222222:t-1", "arn:aws:sns:us-east-1:111111111111:t-10"], false)]
#[case::arn_not_equals("ArnNotEquals", r#""arn:aws:sns:*:111111111111:t-?""#, ["arn:aws:sns:us-east-1:222222222222:t-1", "arn:aws:sns:us-east-1:111111111111:t-10"], ["arn:aws:sns:us-east-1:111111111111:t-1", "arn:aws:sns::111111111111:t-2"], true)]
#[case::arn_like("ArnLike", r#""arn:aws:sns:*:111111111111:t-?""#, ["arn:aws:sns:us-east-1:111111111111:t-1", "arn:aws:sns::111111111111:t-2"], ["arn:aws:sns:us-east-1:222222222222:t-1", "arn:aws:sns:us-east-1:111111111111:t-10"], false)]
#[case::arn_not_like("ArnNotLike", r#""arn:aws:sns:*:111111111111:t-?""#, ["arn:aws:sns:us-east-1:222222222222:t-1", "arn:aws:sns:us-east-1:111111111111:t-10"], ["arn:aws:sns:us-east-1:111111111111:t-1", "arn:aws:sns::111111111111:t-2"], true)]
fn r4_5_truth_table(
    #[case] operator: &str,
    #[case] operands: &str,
    #[case] good: [&str; 2],
    #[case] bad: [&str; 2],
    #[case] negated: bool,
) {
    let absent = Call::decrypt();
    let set = |values: &[&str]| Call::decrypt().context_set("app:key", values);
    let check = |name: &str, call: &Call, holds: bool| {
        check(call, &condition(&name.replace("Op", operator), operands), when(holds));
    };
    for value in good {
        check("Op", &with(value), true);
        check("OpIfExists", &with(value), true);
        check("ForAllValues:Op", &with(value), true);
        check("ForAnyValue:Op", &with(value), true);
    }
    for value in bad {
        check("Op", &with(value), false);
        check("OpIfExists", &with(value), false);
        check("ForAllValues:Op", &with(value), false);
        check("ForAnyValue:Op", &with(value), false);
    }
    check("Op", &absent, negated);
    check("OpIfExists", &absent, true);
    check("ForAllValues:Op", &absent, true);
    check("ForAllValues:OpIfExists", &absent, true);
    check("ForAnyValue:Op", &absent, false);
    check("ForAnyValue:OpIfExists", &absent, true);

    check("ForAllValues:Op", &set(&[]), true);
    check("ForAllValues:Op", &set(&good), true);
    check("ForAllValues:Op", &set(&[good[0], bad[0]]), false);
    check("ForAllValues:Op", &set(&[bad[1], good[1]]), false);
    check("ForAllValues:Op", &set(&bad), false);
    check("ForAllValues:OpIfExists", &set(&[good[0], bad[0]]), false);
    check("ForAnyValue:Op", &set(&[]), false);
    check("ForAnyValue:Op", &set(&good), true);
    check("ForAnyValue:Op", &set(&[good[0], bad[0]]), true);
    check("ForAnyValue:Op", &set(&[bad[1], good[1]]), true);
    check("ForAnyValue:Op", &set(&bad), false);
    check("ForAnyValue:OpIfExists", &set(&[]), false);
}

/// R4.1: operators hold keys, keys hold values; a key has a prefix.
#[rstest]
#[case::block("[]", &["error wrong-type: []"])]
#[case::operator(r#"{"Bool": "true"}"#, &[r#"error wrong-type: "true""#])]
#[case::key_without_prefix(r#"{"Bool": {"SecureTransport": "true"}}"#, &["error invalid-condition-key: SecureTransport"])]
#[case::good(r#"{"Bool": {"aws:SecureTransport": "true"}}"#, &[])]
fn r4_1_shape(#[case] condition: &str, #[case] expected: &[&str]) {
    let text =
        format!(r#"{{"Statement": {{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {condition}}}}}"#);
    assert_eq!(report(&text, PolicyType::Identity).0, expected);
}

/// R4.2: AND over operators and keys, OR over values, none of them for negated operators.
#[rstest]
#[case::operators(r#"{"StringEquals": {"app:a": "1"}, "StringLike": {"app:b": "2*"}}"#, true)]
#[case::one_operator_fails(r#"{"StringEquals": {"app:a": "1"}, "StringLike": {"app:b": "3*"}}"#, false)]
#[case::keys(r#"{"StringEquals": {"app:a": "1", "app:b": "2"}}"#, true)]
#[case::first_key_fails(r#"{"StringEquals": {"app:a": "2", "app:b": "2"}}"#, false)]
#[case::second_key_fails(r#"{"StringEquals": {"app:a": "1", "app:b": "1"}}"#, false)]
#[case::values(r#"{"StringEquals": {"app:a": ["0", "1"]}}"#, true)]
#[case::no_value(r#"{"StringEquals": {"app:a": ["0", "2"]}}"#, false)]
#[case::negated_first(r#"{"StringNotEquals": {"app:a": ["1", "2"]}}"#, false)]
#[case::negated_second(r#"{"StringNotEquals": {"app:a": ["2", "1"]}}"#, false)]
#[case::negated_neither(r#"{"StringNotEquals": {"app:a": ["0", "2"]}}"#, true)]
fn r4_2_logic(#[case] condition: &str, #[case] holds: bool) {
    check(&Call::decrypt().context("app:a", "1").context("app:b", "2"), condition, when(holds));
}

/// R4.3: names of keys ignore case, also where a tag or a pair of the encryption context is named.
#[rstest]
#[case::global_key(r#"{"StringEquals": {"AWS:principalaccount": "111111111111"}}"#)]
#[case::tag(r#"{"StringEquals": {"aws:PrincipalTag/TEAM": "red"}}"#)]
#[case::encryption_context(r#"{"StringEquals": {"KMS:encryptioncontext:APPNAME": "x"}}"#)]
#[case::encryption_context_with_colons(r#"{"StringLike": {"kms:EncryptionContext:AWS:S3:arn": "arn:aws:s3:::b/*"}}"#)]
fn r4_3_key_names(#[case] condition: &str) {
    let call = Call::decrypt().tag("Team", "red").encryption_context("AppName", "x");
    check(&call.encryption_context("aws:s3:arn", "arn:aws:s3:::b/x"), condition, Holds);
}

/// R4.3: of two names that differ in case only, AWS compares one, and does not say which.
#[rstest]
#[case::value_of_the_last("b", HoldsUnless(Rule::AmbiguousCase))]
#[case::value_of_the_first("a", FailsUnless(Rule::AmbiguousCase))]
#[case::value_of_neither("c", Fails)]
fn r4_3_ambiguous_names(#[case] value: &str, #[case] expected: Expected) {
    let pairs = Call::decrypt().encryption_context("App", "a").encryption_context("app", "b");
    check(&pairs, &format!(r#"{{"StringEquals": {{"kms:EncryptionContext:app": "{value}"}}}}"#), expected);
    let tags = Call::decrypt().tag("App", "a").tag("app", "b");
    check(&tags, &format!(r#"{{"StringEquals": {{"aws:PrincipalTag/app": "{value}"}}}}"#), expected);
}

/// R4.4: variables stay text where the table says so, and then equal nothing.
#[rstest]
#[case::numeric("NumericEquals", "5", Fails)]
#[case::date("DateEquals", "2025", Fails)]
#[case::boolean("Bool", "true", Fails)]
#[case::ip("IpAddress", "203.0.113.7", Fails)]
#[case::string("StringEquals", "x", Holds)]
#[case::arn("ArnEquals", "arn:aws:s3:::b", Fails)]
fn r4_4_variables(#[case] operator: &str, #[case] value: &str, #[case] expected: Expected) {
    check(&with(value).context("app:same", value), &condition(operator, r#""${app:same}""#), expected);
}

/// R4.4: an ARN pattern takes variables inside its fields.
#[rstest]
#[case::same("red", Holds)]
#[case::other("blue", Fails)]
fn r4_4_variables_of_arns(#[case] team: &str, #[case] expected: Expected) {
    let call = with("arn:aws:s3:::b/red/x").tag("team", team);
    check(&call, &condition("ArnLike", r#""arn:aws:s3:::b/${aws:PrincipalTag/team}/*""#), expected);
}

/// R4.6: the examples of absent keys.
#[rstest]
#[case::endpoint(r#"{"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}"#, Holds)]
#[case::mfa(r#"{"Bool": {"aws:MultiFactorAuthPresent": "false"}}"#, Fails)]
#[case::mfa_if_exists(r#"{"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}"#, Holds)]
#[case::via_service(r#"{"StringNotEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}"#, Holds)]
#[case::positive_via_service(r#"{"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}"#, Fails)]
fn r4_6_absent_keys(#[case] condition: &str, #[case] expected: Expected) {
    check(&Call::decrypt().without("aws:SourceVpce").without("aws:MultiFactorAuthPresent"), condition, expected);
}

/// R4.6: S3 forwards a call without the endpoint of the first hop.
#[test]
fn r4_6_forwarded_calls_have_no_endpoint() {
    let condition = r#"{"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}"#;
    check(&Call::decrypt().via("s3.us-east-1.amazonaws.com"), condition, Holds);
}

/// R4.7: `IfExists` skips the test of an absent key only.
#[rstest]
#[case::present("kms:ViaService", Some("s3.us-east-1.amazonaws.com"), Fails)]
#[case::absent("kms:ViaService", None, Holds)]
fn r4_7_if_exists(#[case] key: &str, #[case] via: Option<&str>, #[case] expected: Expected) {
    let call = via.map_or(Call::decrypt(), |service| Call::decrypt().via(service));
    check(&call, &format!(r#"{{"StringEqualsIfExists": {{"{key}": "ec2.us-east-1.amazonaws.com"}}}}"#), expected);
    check(&call, &format!(r#"{{"StringNotEqualsIfExists": {{"{key}": "s3.us-east-1.amazonaws.com"}}}}"#), expected);
}

/// R4.8: `Null`, quoted or not, of one value, several, and none.
#[rstest]
#[case::is_absent(r#""true""#, [Fails, Fails, Holds, Holds])]
#[case::is_present(r#""false""#, [Holds, Holds, Fails, Fails])]
#[case::unquoted_true("true", [Fails, Fails, Holds, Holds])]
#[case::unquoted_false("false", [Holds, Holds, Fails, Fails])]
#[case::capitals(r#""True""#, [Fails, Fails, Holds, Holds])]
#[case::either(r#"["true", "false"]"#, [Holds, Holds, Holds, Holds])]
#[case::twice(r#"["true", "true"]"#, [Fails, Fails, Holds, Holds])]
#[case::no_boolean(r#""yes""#, [Fails, Fails, Fails, Fails])]
fn r4_8_null(#[case] operands: &str, #[case] expected: [Expected; 4]) {
    let condition = condition("Null", operands);
    let set = |values: &[&str]| Call::decrypt().context_set("app:key", values);
    let calls = [with("x"), set(&["x", "y"]), set(&[]), Call::decrypt()];
    for (call, expected) in calls.iter().zip(expected) {
        check(call, &condition, expected);
    }
}

/// R4.8: an empty string counts as present, unsurely.
#[rstest]
#[case::is_absent(r#""true""#, FailsUnless(Rule::NullOfEmptyString))]
#[case::is_present(r#""false""#, HoldsUnless(Rule::NullOfEmptyString))]
#[case::either(r#"["true", "false"]"#, Holds)]
fn r4_8_null_of_an_empty_string(#[case] operands: &str, #[case] expected: Expected) {
    check(&with(""), &condition("Null", operands), expected);
}

/// R4.8: `Null` asks whether there is an encryption context at all.
#[test]
fn r4_8_null_of_the_encryption_context() {
    let condition = r#"{"Null": {"kms:EncryptionContextKeys": "false"}}"#;
    check(&Call::decrypt(), condition, Fails);
    check(&Call::decrypt().encryption_context("AppName", "x"), condition, Holds);
}

/// R4.9: one value that differs is enough for `ForAnyValue`, and too many for `ForAllValues`.
#[rstest]
#[case::any_differs("ForAnyValue:StringNotEquals", &["a", "b"], Holds)]
#[case::none_differs("ForAnyValue:StringNotEquals", &["a"], Fails)]
#[case::not_all_differ("ForAllValues:StringNotEquals", &["a", "b"], Fails)]
#[case::all_differ("ForAllValues:StringNotEquals", &["b", "c"], Holds)]
#[case::empty_strings("ForAllValues:StringEquals", &["", ""], Holds)]
#[case::one_empty_string_among_others("ForAllValues:StringEquals", &["", "a"], Fails)]
#[case::any_empty_string("ForAnyValue:StringEquals", &[""], Fails)]
fn r4_9_sets(#[case] operator: &str, #[case] values: &[&str], #[case] expected: Expected) {
    let call = Call::decrypt().context_set("app:key", values);
    check(&call, &condition(operator, r#""a""#), expected);
}

/// R4.9: KMS refuses `ForAllValues` on what holds one value.
#[rstest]
#[case::encryption_context("ForAllValues", "kms:EncryptionContext:AppName", true)]
#[case::request_tag("ForAllValues", "aws:RequestTag/team", true)]
#[case::any_value("ForAnyValue", "kms:EncryptionContext:AppName", false)]
#[case::all_names("ForAllValues", "kms:EncryptionContextKeys", false)]
fn r4_9_overly_permissive(#[case] set: &str, #[case] key: &str, #[case] refused: bool) {
    let text = format!(
        r#"{{"Statement": {{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*",
            "Condition": {{"{set}:StringEquals": {{"{key}": "x"}}}}}}}}"#
    );
    let expected = if refused { vec![format!("error overly-permissive-condition: {key}")] } else { Vec::new() };
    assert_eq!(report(&text, Key), (expected, !refused));
}

/// R4.11: a multivalued key wants a set operator: without one nothing matches, positive or negated, unsurely.
#[rstest]
#[case::positive("StringEquals", &["Decrypt"], FailsUnless(Rule::MultivaluedWithoutSetOperator))]
#[case::positive_that_never_could("StringEquals", &["Encrypt"], Fails)]
#[case::one_of_two("StringEquals", &["Encrypt", "Decrypt"], FailsUnless(Rule::MultivaluedWithoutSetOperator))]
#[case::negated("StringNotEquals", &["Encrypt"], FailsUnless(Rule::MultivaluedWithoutSetOperator))]
#[case::negated_that_never_could("StringNotEquals", &["Decrypt"], Fails)]
#[case::with_a_set_operator("ForAnyValue:StringEquals", &["Decrypt"], Holds)]
fn r4_11_without_set_operator(#[case] operator: &str, #[case] granted: &[&str], #[case] expected: Expected) {
    let call = Call::new("kms:CreateGrant").context_set("kms:GrantOperations", granted);
    check(&call, &format!(r#"{{"{operator}": {{"kms:GrantOperations": "Decrypt"}}}}"#), expected);
}

/// R4.11: the type of the key counts, not the number of values in one request.
#[test]
fn r4_11_by_type() {
    let call = Call::new("kms:CreateGrant").context("kms:GrantOperations", "Decrypt");
    let condition = r#"{"StringEquals": {"kms:GrantOperations": "Decrypt"}}"#;
    check(&call, condition, FailsUnless(Rule::MultivaluedWithoutSetOperator));
    let absent = Call::new("kms:CreateGrant").without("kms:GrantOperations");
    check(&absent, condition, Fails);
    check(&absent, r#"{"StringNotEquals": {"kms:GrantOperations": "Decrypt"}}"#, Holds);
}

/// R4.12: a multivalued key is no variable: it stays unresolved.
#[rstest]
#[case::positive("StringEquals", Fails)]
#[case::negated("StringNotEquals", Holds)]
fn r4_12_multivalued_variables(#[case] operator: &str, #[case] expected: Expected) {
    let call = with("AppName").encryption_context("AppName", "x");
    check(&call, &condition(operator, r#""${kms:EncryptionContextKeys}""#), expected);
    let stated_alone = with("AppName").context("kms:EncryptionContextKeys", "AppName");
    check(&stated_alone, &condition(operator, r#""${kms:EncryptionContextKeys}""#), expected);
}

/// R4.13: which of the string operators know wildcards and case.
#[rstest]
#[case::equals_is_exact("StringEquals", "Abc", "Abc", true)]
#[case::equals_by_case("StringEquals", "Abc", "abc", false)]
#[case::equals_star_is_a_star("StringEquals", "a*", "abc", false)]
#[case::equals_a_star("StringEquals", "a*", "a*", true)]
#[case::ignoring_case("StringEqualsIgnoreCase", "Abc", "aBC", true)]
#[case::ignoring_case_star_is_a_star("StringEqualsIgnoreCase", "a*", "abc", false)]
#[case::like("StringLike", "a*c", "abbc", true)]
#[case::like_by_case("StringLike", "a*", "Abc", false)]
#[case::like_the_whole_value("StringLike", "a", "abc", false)]
#[case::star_of_nothing("StringLike", "a*", "a", true)]
#[case::star_of_the_empty_string("StringLike", "*", "", true)]
#[case::question_mark("StringLike", "a?c", "abc", true)]
#[case::question_mark_is_one("StringLike", "a?c", "ac", false)]
#[case::star_over_colons("StringLike", "arn:*:x", "arn:a:b:c:x", true)]
fn r4_13_strings(#[case] operator: &str, #[case] operand: &str, #[case] value: &str, #[case] holds: bool) {
    check(&with(value), &condition(operator, &format!("{operand:?}")), when(holds));
}

/// R4.13: a star in `StringEquals` never matches a role.
#[rstest]
#[case::equals("StringEquals", Fails)]
#[case::like("StringLike", Holds)]
#[case::arn_equals("ArnEquals", Holds)]
fn r4_13_roles(#[case] operator: &str, #[case] expected: Expected) {
    let condition = format!(r#"{{"{operator}": {{"aws:PrincipalArn": "arn:aws:iam::111111111111:role/*"}}}}"#);
    check(&Call::decrypt().by(R), &condition, expected);
}

/// R4.14: escapes of version 2012; wildcards that come from a variable are text.
#[rstest]
#[case::star("2012-10-17", "a${*}", "a*", true)]
#[case::star_is_no_wildcard("2012-10-17", "a${*}", "ab", false)]
#[case::question_mark("2012-10-17", "a${?}", "a?", true)]
#[case::question_mark_is_no_wildcard("2012-10-17", "a${?}", "ab", false)]
#[case::dollar("2012-10-17", "${$}{x}", "${x}", true)]
#[case::star_in_2008("2008-10-17", "a${*}", "a*", false)]
#[case::star_in_2008_is_text_around_a_wildcard("2008-10-17", "a${*}", "a${xyz}", true)]
#[case::wildcard_of_a_variable("2012-10-17", "${app:star}", "ab", false)]
#[case::star_of_a_variable("2012-10-17", "${app:star}", "a*", true)]
fn r4_14_escapes(#[case] version: &str, #[case] operand: &str, #[case] value: &str, #[case] holds: bool) {
    let call = with(value).context("app:star", "a*");
    check_in(version, &call, &condition("StringLike", &format!("\"{operand}\"")), when(holds));
}

/// R4.15: field by field, by case; in the sixth field `*` goes over `:` and `/`.
#[rstest]
#[case::star_stays_in_its_field(
    "arn:aws:s:*:111122223333:finance/*",
    "arn:aws:s:us-east-2:999999999999:store/abc:111122223333:finance/d",
    false
)]
#[case::last_field("arn:aws:s:*:*:store/*", "arn:aws:s:us-east-2:999999999999:store/abc:111122223333:finance/d", true)]
#[case::by_case("arn:aws:iam::111111111111:role/R", "arn:aws:iam::111111111111:role/r", false)]
#[case::empty_field("arn:aws:s3:::b", "arn:aws:s3:us-east-1::b", false)]
#[case::star_of_an_empty_field("arn:aws:s3:*:*:b", "arn:aws:s3:::b", true)]
fn r4_15_arns(#[case] operand: &str, #[case] value: &str, #[case] holds: bool) {
    for operator in ["ArnLike", "ArnEquals"] {
        check(&with(value), &condition(operator, &format!("\"{operand}\"")), when(holds));
    }
    for operator in ["ArnNotLike", "ArnNotEquals"] {
        check(&with(value), &condition(operator, &format!("\"{operand}\"")), when(!holds));
    }
}

/// R4.15: where `ArnLike` does not, `StringLike` goes over the colons.
#[test]
fn r4_15_string_like_is_one_field() {
    let value = "arn:aws:s:us-east-2:999999999999:store/abc:111122223333:finance/d";
    check(&with(value), &condition("StringLike", r#""arn:aws:s:*:111122223333:finance/*""#), Holds);
}

/// R4.15: what is no ARN is not like one: a negated operator holds, unsurely.
#[rstest]
#[case::value("arn:aws:s3:::b", "bucket")]
#[case::pattern("arn:aws:iam::*", "arn:aws:iam::111111111111:role/r")]
#[case::star_alone("*", "arn:aws:iam::111111111111:role/r")]
fn r4_15_no_arns(#[case] operand: &str, #[case] value: &str) {
    check(&with(value), &condition("ArnLike", &format!("\"{operand}\"")), Fails);
    check(&with(value), &condition("ArnNotLike", &format!("\"{operand}\"")), HoldsUnless(Rule::NotAnArn));
}

/// R4.16: by value; the whole text has to be a number.
#[rstest]
#[case::decimals("NumericEquals", "10", "10.0", Holds)]
#[case::by_value_not_by_text("NumericLessThan", "10", "9", Holds)]
#[case::negative("NumericLessThan", "0", "-1", Holds)]
#[case::fractions("NumericGreaterThan", "1.10", "1.2", Holds)]
#[case::prefix("NumericEquals", "10", "10abc", Fails)]
#[case::prefix_in_the_policy("NumericEquals", "10abc", "10", Fails)]
#[case::negated("NumericNotEquals", "10", "11", Holds)]
#[case::negated_of_text("NumericNotEquals", "10", "10abc", FailsUnless(Rule::UnparsableNegated))]
#[case::negated_by_text("NumericNotEquals", "ten", "10", FailsUnless(Rule::UnparsableNegated))]
#[case::order_of_text("NumericGreaterThanEquals", "10", "ten", Fails)]
fn r4_16_numbers(#[case] operator: &str, #[case] operand: &str, #[case] value: &str, #[case] expected: Expected) {
    check(&with(value), &condition(operator, &format!("\"{operand}\"")), expected);
}

/// R4.17: every form of a date is a moment; four digits are a year.
#[rstest]
#[case::year("DateEquals", "2025", "1735689600", Holds)]
#[case::month("DateEquals", "2025-01", "1735689600", Holds)]
#[case::day("DateEquals", "2025-01-01", "1735689600", Holds)]
#[case::minute("DateEquals", "2025-01-01T00:00Z", "1735689600", Holds)]
#[case::second("DateEquals", "2025-01-01T00:00:00Z", "1735689600", Holds)]
#[case::fraction("DateLessThan", "2025-01-01T00:00:00.5Z", "1735689600", Holds)]
#[case::zone("DateEquals", "2025-01-01T02:00:00+02:00", "2024-12-31T19:00:00-05:00", Holds)]
#[case::seconds_are_no_milliseconds("DateEquals", "1735689600000", "2025-01-01", Fails)]
#[case::four_digits_of_the_key("DateEquals", "2025-01-01", "2025", Holds)]
#[case::no_wildcards("DateEquals", "2025-*", "2025-01-01", Fails)]
#[case::no_zone("DateEquals", "2025-01-01T00:00:00", "2025-01-01", Fails)]
#[case::negated_of_text("DateNotEquals", "2025-01-01", "tomorrow", FailsUnless(Rule::UnparsableNegated))]
fn r4_17_dates(#[case] operator: &str, #[case] operand: &str, #[case] value: &str, #[case] expected: Expected) {
    check(&with(value), &condition(operator, &format!("\"{operand}\"")), expected);
}

/// R4.17: a key that holds a date compares with numbers too, as seconds.
#[rstest]
#[case::sample_of_aws("kms:ValidTo", "NumericLessThanEquals", r#""1546257599.0""#, "2018-12-31T11:59:59Z", Holds)]
#[case::later("kms:ValidTo", "NumericLessThanEquals", r#""1546257599.0""#, "2018-12-31T12:00:00Z", Fails)]
#[case::seconds("aws:EpochTime", "NumericGreaterThan", "1735689599", "1735689600", Holds)]
#[case::date_of_the_clock("aws:EpochTime", "NumericGreaterThan", "1735689599", "2025-01-01T00:00:00Z", Holds)]
#[case::date_operator("aws:EpochTime", "DateGreaterThan", r#""2024-12-31""#, "1735689600", Holds)]
#[case::current_time("aws:CurrentTime", "DateLessThan", r#""2024-12-31""#, "2025-01-01T00:00:00Z", Fails)]
fn r4_17_date_keys(
    #[case] key: &str,
    #[case] operator: &str,
    #[case] operand: &str,
    #[case] value: &str,
    #[case] expected: Expected,
) {
    let call = Call::new("kms:ImportKeyMaterial").context(key, value);
    check(&call, &format!(r#"{{"{operator}": {{"{key}": {operand}}}}}"#), expected);
}

/// R4.17: four digits are reported.
#[test]
fn r4_17_years_are_reported() {
    let text = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"DateLessThan": {"aws:CurrentTime": "2025"}}}}"#;
    assert_eq!(report(text, PolicyType::Identity), (vec!["warning ambiguous-date: 2025".to_owned()], true));
}

/// R4.18: true and false in any case; several values are alternatives.
#[rstest]
#[case::same(r#""true""#, "true", Holds)]
#[case::case_of_the_policy(r#""True""#, "true", Holds)]
#[case::case_of_the_key(r#""true""#, "TRUE", Holds)]
#[case::unquoted("true", "true", Holds)]
#[case::other(r#""true""#, "false", Fails)]
#[case::either(r#"["true", "false"]"#, "false", Holds)]
#[case::digit(r#""true""#, "1", Fails)]
#[case::word(r#""yes""#, "true", Fails)]
fn r4_18_bool(#[case] operands: &str, #[case] value: &str, #[case] expected: Expected) {
    check(&with(value), &condition("Bool", operands), expected);
}

/// R4.19: bytes, however their base64 is spelled.
#[rstest]
#[case::same("QmluYXJ5", "QmluYXJ5", Holds)]
#[case::padding_left_out("QQ==", "QQ", Holds)]
#[case::other_case_is_other_bytes("QmluYXJ5", "qmluYXJ5", Fails)]
#[case::no_base64("QmluYXJ5", "Binary!", Fails)]
fn r4_19_binary(#[case] operand: &str, #[case] value: &str, #[case] expected: Expected) {
    check(&with(value), &condition("BinaryEquals", &format!("\"{operand}\"")), expected);
}

/// R4.20: addresses by number, each family for itself.
#[rstest]
#[case::in_range("203.0.113.0/24", "203.0.113.255", true)]
#[case::out_of_range("203.0.113.0/24", "203.0.114.0", false)]
#[case::single_address("203.0.113.7", "203.0.113.7", true)]
#[case::single_address_is_one("203.0.113.7", "203.0.113.8", false)]
#[case::spelling_of_ipv6("2001:0DB8:0:0::1", "2001:db8::1", true)]
#[case::ipv6_range("2001:db8::/32", "2001:db8:1::1", true)]
#[case::ipv4_range_and_ipv6_caller("0.0.0.0/0", "2001:db8::1", false)]
#[case::ipv6_range_and_ipv4_caller("::/0", "203.0.113.7", false)]
#[case::host_bits("203.0.113.9/24", "203.0.113.1", true)]
fn r4_20_addresses(#[case] operand: &str, #[case] value: &str, #[case] holds: bool) {
    check(&with(value), &condition("IpAddress", &format!("\"{operand}\"")), when(holds));
    check(&with(value), &condition("NotIpAddress", &format!("\"{operand}\"")), when(!holds));
}

/// R4.20: a call through an endpoint has no `aws:SourceIp`, and is in no range.
#[rstest]
#[case::positive("IpAddress", Fails)]
#[case::negated("NotIpAddress", Holds)]
fn r4_20_absent_address(#[case] operator: &str, #[case] expected: Expected) {
    let call = Call::decrypt().context("aws:SourceVpce", "vpce-1").without("aws:SourceIp");
    check(&call, &format!(r#"{{"{operator}": {{"aws:SourceIp": "203.0.113.0/24"}}}}"#), expected);
}

/// R4.21: any single-valued key, its name in any case; never in the name of a key.
#[rstest]
#[case::own_name("bob", "${aws:username}", Holds)]
#[case::another_name("alice", "${aws:username}", Fails)]
#[case::case_of_the_name("bob", "${AWS:UserName}", Holds)]
#[case::inside_text("user-bob-1", "user-${aws:username}-1", Holds)]
#[case::tag("red", "${aws:PrincipalTag/team}", Holds)]
#[case::service_key("111111111111", "${kms:CallerAccount}", Holds)]
#[case::not_closed("${aws:username", "${aws:username", Holds)]
fn r4_21_variables(#[case] value: &str, #[case] operand: &str, #[case] expected: Expected) {
    let call = with(value).by(U).tag("team", "red");
    check(&call, &condition("StringEquals", &format!("\"{operand}\"")), expected);
}

/// R4.21: nor in an action or in the name of a condition key.
#[test]
fn r4_21_no_variables_elsewhere() {
    let call = Call::decrypt().by(U).key_policy(&[ROOT]).context("app:bob", "x");
    let action = r#"{"Effect": "Allow", "Action": "kms:${app:bob}*", "Resource": "*"}"#;
    call.clone().context("app:bob", "Decrypt").identity_policy(action).check(&not_allowed(Identity));
    check(&call, r#"{"StringEquals": {"app:${aws:username}": "x"}}"#, Fails);
}

/// R4.22: the default stands for a key without a value, as literal text; an empty value is a value, unsurely.
#[rstest]
#[case::no_tag(None, "company-wide", Holds)]
#[case::tag(Some("red"), "red", Holds)]
#[case::tag_beats_the_default(Some("red"), "company-wide", Fails)]
#[case::empty_tag(Some(""), "", HoldsUnless(Rule::EmptyVariableDefault))]
#[case::default_of_an_empty_tag(Some(""), "company-wide", FailsUnless(Rule::EmptyVariableDefault))]
fn r4_22_defaults(#[case] tag: Option<&str>, #[case] value: &str, #[case] expected: Expected) {
    let call = tag.map_or(with(value), |tag| with(value).tag("team", tag));
    check(&call, &condition("StringEquals", r#""${aws:PrincipalTag/team, 'company-wide'}""#), expected);
}

/// R4.22: wildcards in a default are text.
#[rstest]
#[case::text("a*", Holds)]
#[case::wildcard("ab", Fails)]
fn r4_22_defaults_are_literal(#[case] value: &str, #[case] expected: Expected) {
    check(&with(value), &condition("StringLike", r#""${aws:PrincipalTag/team, 'a*'}""#), expected);
}

/// R4.23: nothing equals an unresolved variable, and so it is not equal to anything; other values still compare.
#[rstest]
#[case::positive("StringEquals", r#""${aws:PrincipalTag/team}""#, Fails)]
#[case::like("StringLike", r#""*${aws:PrincipalTag/team}*""#, Fails)]
#[case::negated("StringNotEquals", r#""${aws:PrincipalTag/team}""#, Holds)]
#[case::negated_like("StringNotLike", r#""*${aws:PrincipalTag/team}*""#, Holds)]
#[case::beside_a_match("StringEquals", r#"["${aws:PrincipalTag/team}", "x"]"#, Holds)]
#[case::negated_beside_a_match("StringNotEquals", r#"["${aws:PrincipalTag/team}", "x"]"#, Fails)]
#[case::arn("ArnNotLike", r#""arn:aws:s3:::${aws:PrincipalTag/team}""#, HoldsUnless(Rule::NotAnArn))]
fn r4_23_unresolved(#[case] operator: &str, #[case] operands: &str, #[case] expected: Expected) {
    check(&with("x"), &condition(operator, operands), expected);
}

/// R4.23, R7.3: a key that is absent in our reading and present in the other one leaves open what a variable says.
#[rstest]
#[case::the_other_value("s3.amazonaws.com", FailsUnless(Rule::CalledViaOfForwardedCall))]
#[case::in_no_reading("ec2.amazonaws.com", Fails)]
fn r4_23_resolved_in_another_reading(#[case] value: &str, #[case] expected: Expected) {
    let call = with(value).via("s3.us-east-1.amazonaws.com");
    check(&call, &condition("StringEquals", r#""${aws:CalledViaFirst}""#), expected);
    let both = r#""${aws:CalledViaFirst}${aws:PrincipalTag/none}""#;
    check(&call, &condition("StringEquals", both), Fails);
}

/// R4.23: an ARN that is one is not like an unresolved pattern.
#[rstest]
#[case::positive("ArnLike", Fails)]
#[case::negated("ArnNotLike", Holds)]
fn r4_23_unresolved_arns(#[case] operator: &str, #[case] expected: Expected) {
    let operand = r#""arn:aws:s3:::${aws:PrincipalTag/team}*""#;
    check(&with("arn:aws:s3:::b"), &condition(operator, operand), expected);
}

/// R4.23: the name of a user is no key of a role session.
#[rstest]
#[case::user(U, allowed(Identity, "[0]"))]
#[case::role(R, not_allowed(Identity))]
fn r4_23_user_name_of_a_role(#[case] caller: &str, #[case] expected: Answer) {
    let policy = r#"{"Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"StringEquals": {"kms:EncryptionContext:user": "${aws:username}"}}}"#;
    let call = Call::decrypt().by(caller).key_policy(&[ROOT]).identity_policy(policy);
    call.encryption_context("user", "bob").check(&expected);
}

/// R4.24: absent, an empty set and an empty string are three things.
#[rstest]
#[case::absent(None, [Fails, Holds, Fails])]
#[case::empty_string(Some(""), [Holds, Fails, FailsUnless(Rule::NullOfEmptyString)])]
fn r4_24_three_states(#[case] tag: Option<&str>, #[case] expected: [Expected; 3]) {
    let call = tag.map_or(Call::decrypt(), |tag| Call::decrypt().tag("team", tag));
    let equals = r#"{"StringEquals": {"aws:PrincipalTag/team": ""}}"#;
    check(&call, equals, expected[0]);
    check(&call, &equals.replace("StringEquals", "StringNotEquals"), expected[1]);
    let null = if tag.is_some() { "true" } else { "false" };
    check(&call, &format!(r#"{{"Null": {{"aws:PrincipalTag/team": "{null}"}}}}"#), expected[2]);
}

/// R4.25: one key under two operators: both count.
#[rstest]
#[case::both("ab", Holds)]
#[case::like_only("ac", Fails)]
#[case::neither("bc", Fails)]
fn r4_25_two_operators(#[case] value: &str, #[case] expected: Expected) {
    let condition = r#"{"StringLike": {"app:key": "a*"}, "StringNotEquals": {"app:key": ["ac", "bc"]}}"#;
    check(&with(value), condition, expected);
}

/// R4.26: an operator of another type than the key compares the text.
#[rstest]
#[case::string_on_boolean(r#"{"StringEquals": {"aws:ViaAWSService": "false"}}"#, Holds)]
#[case::string_on_boolean_by_case(r#"{"StringEquals": {"aws:ViaAWSService": "False"}}"#, Fails)]
#[case::string_on_arn(r#"{"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}"#, Holds)]
#[case::numeric_on_string(r#"{"NumericEquals": {"aws:PrincipalAccount": 111111111111}}"#, Holds)]
#[case::bool_on_string(r#"{"Bool": {"aws:PrincipalAccount": "true"}}"#, Fails)]
fn r4_26_other_types(#[case] condition: &str, #[case] expected: Expected) {
    check(&Call::decrypt(), condition, expected);
}

/// A key nobody stated is judged as absent and reported wherever its value could matter.
#[rstest]
#[case::positive(r#"{"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}"#, &["aws:SourceIp"])]
#[case::negated(r#"{"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}"#, &["aws:SourceIp"])]
#[case::null(r#"{"Null": {"aws:SourceIp": "true"}}"#, &["aws:SourceIp"])]
#[case::variable(r#"{"StringEquals": {"aws:PrincipalAccount": "${aws:SourceVpc}"}}"#, &["aws:SourceVpc"])]
#[case::never_fails(r#"{"Null": {"aws:SourceIp": ["true", "false"]}}"#, &[])]
#[case::bool_either(r#"{"BoolIfExists": {"aws:MultiFactorAuthPresent": ["true", "false"]}}"#, &[])]
#[case::bool_present(r#"{"Bool": {"aws:MultiFactorAuthPresent": ["true", "false"]}}"#, &["aws:MultiFactorAuthPresent"])]
#[case::bool_true(r#"{"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}"#, &["aws:MultiFactorAuthPresent"])]
#[case::bool_false(r#"{"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}"#, &["aws:MultiFactorAuthPresent"])]
#[case::r4_18_bool_of_text(r#"{"BoolIfExists": {"aws:SourceVpc": ["true", "false"]}}"#, &["aws:SourceVpc"])]
#[case::r4_7_any_text(r#"{"StringLikeIfExists": {"aws:SourceVpc": "*"}}"#, &[])]
#[case::r4_6_text(r#"{"StringLike": {"aws:SourceVpc": "*"}}"#, &["aws:SourceVpc"])]
#[case::r4_6_no_text(r#"{"StringNotLike": {"aws:SourceVpc": "*"}}"#, &["aws:SourceVpc"])]
#[case::r4_7_some_text(r#"{"StringLikeIfExists": {"aws:SourceVpc": "vpc-*"}}"#, &["aws:SourceVpc"])]
#[case::r4_13_a_star(r#"{"StringEqualsIfExists": {"aws:SourceVpc": "*"}}"#, &["aws:SourceVpc"])]
#[case::r4_9_any_set(r#"{"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "*"}}"#, &[])]
#[case::r4_9_no_empty_set(
    r#"{"ForAnyValue:StringLikeIfExists": {"aws:PrincipalOrgPaths": "*"}}"#,
    &["aws:PrincipalOrgPaths"]
)]
#[case::r4_11_no_set(r#"{"StringLikeIfExists": {"aws:PrincipalOrgPaths": "*"}}"#, &["aws:PrincipalOrgPaths"])]
#[case::another_condition_fails(
    r#"{"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}, "Bool": {"aws:ViaAWSService": "true"}}"#,
    &[]
)]
fn unstated_keys(#[case] condition: &str, #[case] expected: &[&str]) {
    let policy = format!(r#"{{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {condition}}}"#);
    let decision = Call::decrypt().key_policy(&[ROOT]).identity_policy(&policy).decide();
    let open: Vec<_> = decision.doubts.keys.iter().map(ToString::to_string).collect();
    assert_eq!(open, expected);
    assert_eq!(decision.otherwise.is_empty(), expected.is_empty());
}

/// R4.2: a condition of the key policy counts as one of an identity policy does.
#[test]
fn conditions_of_key_policies() {
    let key = r#"{"Sid": "If", "Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*",
        "Condition": {"StringEquals": {"app:key": "x"}}}"#;
    let call = |value| with(value).key_policy(&[key]);
    call("x").check(&allowed(Resource, "If"));
    call("y").check(&not_allowed(Resource));
}

/// R4.3: a doubt about the key leaves the doubts about its operand open.
#[test]
fn r4_3_a_doubt_of_the_key_keeps_those_of_the_value() {
    let key = allows_if(r#"{"StringEquals": {"kms:EncryptionContext:team": "${aws:userid}"}}"#);
    let call = Call::decrypt().encryption_context("team", "a").encryption_context("TEAM", "b").key_policy(&[&key]);
    let decision = call.decide();
    assert_eq!(open(&decision), ["aws:userid"]);
    assert!(decision.doubts.rules.contains(Rule::AmbiguousCase));
}

/// R4.3: a variable takes either of two values that differ in the case of their names.
#[rstest]
#[case("a")]
#[case("b")]
fn r4_3_either_value_of_a_variable(#[case] value: &str) {
    let key = allows_if(r#"{"StringEquals": {"kms:EncryptionContext:team": "${aws:PrincipalTag/team}"}}"#);
    let call = Call::decrypt().tag("Team", "a").tag("team", "b").encryption_context("team", value);
    let decision = call.key_policy(&[&key]).decide();
    assert!(decision.doubts.rules.contains(Rule::AmbiguousCase));
}

/// R4.3: of three values any may be the one that is compared.
#[rstest]
#[case("1")]
#[case("2")]
#[case("3")]
fn r4_3_three_spellings(#[case] value: &str) {
    let key = allows_if(&format!(r#"{{"StringEquals": {{"kms:EncryptionContext:team": "{value}"}}}}"#));
    let pairs = [("TEAM", "1"), ("Team", "2"), ("team", "3")];
    let call = pairs.into_iter().fold(Call::decrypt(), |call, (name, value)| call.encryption_context(name, value));
    assert!(call.key_policy(&[&key]).decide().doubts.rules.contains(Rule::AmbiguousCase));
}

fn allows_if(condition: &str) -> String {
    format!(
        r#"{{"Sid": "If", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {condition}}}"#
    )
}

/// R4.9: the values of a set for which `ForAllValues` fails; other operators ask nothing of each.
#[rstest]
#[case::all("ForAllValues:StringEquals", &["b", "c"])]
#[case::any("ForAnyValue:StringEquals", &[])]
fn r4_9_rejected_values(#[case] operator: &str, #[case] expected: &[&str]) {
    let policy = policy(&allows_if(&condition(operator, r#""a""#)), Key);
    let context = Call::decrypt().context_set("app:key", &["a", "b", "c"]).derived();
    assert_eq!(policy.statements[0].conditions[0].rejected(&context), expected);
}

/// R4.21: variables may stand in a string and in each field of an ARN, and in nothing else.
#[rstest]
#[case::string("StringEquals", r#""a""#, 1)]
#[case::arn("ArnLike", r#""arn:aws:s3:::${aws:username}""#, 6)]
#[case::arn_without_any("ArnLike", r#""arn:aws:s3:::b""#, 0)]
#[case::number("NumericEquals", r#""1""#, 0)]
fn r4_21_where_variables_may_stand(#[case] operator: &str, #[case] operand: &str, #[case] expected: usize) {
    let policy = policy(&allows_if(&condition(operator, operand)), Key);
    assert_eq!(policy.statements[0].conditions[0].operands[0].patterns().len(), expected);
}
