//! Whatever turns out to be the value of a key that nobody stated, the answer is the one given or one of those it was
//! said it could become (R8.4).

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::support::{ALLOW_ALL, Call, K, K_OF_B, R, ROOT, grant};

/// Keys that a call carries without anybody having said what they hold: single values, and sets.
const KEYS: [&str; 6] = [
    "aws:UserAgent",
    "aws:MultiFactorAuthPresent",
    "aws:TokenIssueTime",
    "aws:SourceIp",
    "kms:GrantOperations",
    "aws:PrincipalOrgPaths",
];
const SETS: [&str; 2] = ["kms:GrantOperations", "aws:PrincipalOrgPaths"];
const OPERATORS: [&str; 14] = [
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringNotLike",
    "StringNotEqualsIgnoreCase",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "DateNotEquals",
    "DateGreaterThan",
    "Bool",
    "IpAddress",
    "NotIpAddress",
    "ArnNotLike",
];
const TEXTS: [&str; 10] = [
    "a",
    "*",
    "",
    "true",
    "false",
    "1",
    "10.0.0.1",
    "arn:aws:s3:::b",
    "${aws:UserAgent}",
    "a${aws:TokenIssueTime, 'a'}*",
];

fn operator() -> impl Strategy<Value = String> {
    let set = prop_oneof![3 => Just(""), 1 => Just("ForAllValues:"), 1 => Just("ForAnyValue:")];
    let base = prop::sample::select(&OPERATORS[..]);
    let plain = (set, base, prop_oneof![Just(""), Just("IfExists")]).prop_map(|(a, b, c)| format!("{a}{b}{c}"));
    prop_oneof![9 => plain, 1 => Just("Null".to_owned())]
}

fn condition() -> impl Strategy<Value = String> {
    let operands = prop::collection::vec(prop::sample::select(&TEXTS[..]), 1..3);
    (operator(), prop::sample::select(&KEYS[..]), operands).prop_map(|(operator, key, operands)| {
        let operands = if operator == "Null" { vec!["true"] } else { operands };
        let operands: Vec<_> = operands.iter().map(|operand| format!("\"{operand}\"")).collect();
        format!(r#"{{"{operator}": {{"{key}": [{}]}}}}"#, operands.join(", "))
    })
}

/// The elements of a statement but `Effect` and, in a key policy, `Principal`.
fn elements() -> impl Strategy<Value = String> {
    let resources = [
        r#""Resource": "*""#,
        r#""Resource": "arn:aws:kms:*:*:key/${aws:UserAgent}*""#,
        r#""NotResource": "arn:aws:kms:*:*:key/${aws:UserAgent}""#,
    ];
    (prop::sample::select(resources.to_vec()), condition())
        .prop_map(|(resource, condition)| format!(r#""Action": "*", {resource}, "Condition": {condition}"#))
}

fn statement() -> impl Strategy<Value = String> {
    let effect = prop::sample::select(&["Allow", "Deny"][..]);
    (effect, elements()).prop_map(|(effect, elements)| format!(r#"{{"Effect": "{effect}", {elements}}}"#))
}

/// A policy without principals; half of them allow everything unless a statement denies.
fn policy() -> impl Strategy<Value = String> {
    (statement(), any::<bool>())
        .prop_map(|(statement, is_open)| if is_open { format!("[{ALLOW_ALL}, {statement}]") } else { statement })
}

/// A statement of a key policy.
fn key_statement() -> impl Strategy<Value = String> {
    let principals = [
        r#""*""#,
        r#"{"AWS": "111111111111"}"#,
        r#"{"AWS": "arn:aws:iam::111111111111:role/app/r"}"#,
        r#"{"AWS": "arn:aws:sts::111111111111:assumed-role/r/s"}"#,
    ];
    let effect = prop::sample::select(&["Allow", "Allow", "Deny"][..]);
    (effect, prop::sample::select(principals.to_vec()), elements()).prop_map(|(effect, principal, elements)| {
        format!(r#"{{"Effect": "{effect}", "Principal": {principal}, {elements}}}"#)
    })
}

/// A call with conditions in any of its layers, on a key of its own account or of another.
fn call() -> impl Strategy<Value = Call> {
    let key = prop::sample::select(&[K, K_OF_B][..]);
    let layers = (
        prop::option::of(key_statement()),
        prop::option::of(policy()),
        prop::option::weighted(0.3, policy()),
        prop::option::weighted(0.3, policy()),
        prop::option::weighted(0.3, policy()),
        any::<bool>(),
    );
    (key, layers).prop_map(|(key, (named, identity, boundary, session, scp, is_granted))| {
        let key_policy: Vec<_> = std::iter::once(ROOT).chain(named.as_deref()).collect();
        let mut call = Call::new("kms:CreateGrant").on(key).key_policy(&key_policy);
        call = identity.iter().fold(call, |call, text| call.identity_policy(text));
        call = boundary.iter().fold(call, |call, text| call.boundary(text));
        call = session.iter().fold(call, |call, text| call.session_policy(text));
        call = scp.iter().fold(call, |call, text| call.scp(&[ALLOW_ALL, text]));
        if is_granted { call.grant(grant(R, &["CreateGrant", "Decrypt"])) } else { call }
    })
}

/// What the keys turn out to be: absent, one value, or a set.
fn truth() -> impl Strategy<Value = BTreeMap<&'static str, Option<Vec<String>>>> {
    let texts = ["a", "ab", "", "true", "1", "10.0.0.1", "arn:aws:s3:::b", "1234", "*", "Decrypt"];
    let value = prop::option::weighted(0.7, prop::collection::vec(prop::sample::select(texts.to_vec()), 0..3));
    (prop::collection::vec(value, KEYS.len()), any::<bool>()).prop_map(|(values, mfa)| {
        let text = |values: Vec<&str>| values.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let mut truth: BTreeMap<_, _> =
            KEYS.into_iter().zip(values.into_iter().map(|values| values.map(text))).collect();
        // What is Boolean holds no other text.
        if let Some(Some(values)) = truth.get_mut("aws:MultiFactorAuthPresent") {
            *values = vec![mfa.to_string()];
        }
        truth
    })
}

fn stated(call: Call, truth: &BTreeMap<&'static str, Option<Vec<String>>>) -> Call {
    truth.iter().fold(call, |call, (key, values)| match values.as_deref() {
        Some(values) if SETS.contains(key) => {
            call.context_set(key, &values.iter().map(String::as_str).collect::<Vec<_>>())
        }
        Some([value, ..]) => call.context(key, value),
        Some([]) | None => call.without(key),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]
    #[test]
    fn r8_4_what_is_certain_stays(call in call(), truth in truth()) {
        let before = call.decide();
        let after = stated(call, &truth).decide();
        let is_foretold = after.effect == before.effect || before.otherwise.contains(after.effect);
        prop_assert!(is_foretold, "{truth:?}\n{before:#?}\n{after:#?}");
        prop_assert_eq!(before.otherwise.is_empty(), before.doubts.is_empty());
    }
}
