//! Does another statement of the policy make this one pointless (R5.1)?

use std::collections::BTreeSet;

use super::covers::covers;
use super::repeated::listed;
use super::subject::{called, head};
use super::together::{Idle, idle};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::condition::Condition;
use crate::policy::{Effect, Policy, PolicyType, Statement};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "shadowed-statement",
    level: Level::Warning,
    summary: "a statement that others cover, or that never applies",
    explanation: "An Allow does nothing where other statements of the same policy, one or several together, allow at least as much under the same or fewer conditions, and where Denies cover all that it allows: a Deny always wins. A Deny does nothing where other Denies cover it. A statement whose conditions exclude one another does nothing at all. First the text is compared: every pattern of the one covers a pattern of the other, and each condition of the broader statement stands in the narrower one too. What that does not show is left to the prover of `permitlab prove`, which compares resources and conditions over all values that a call could have; only what it proves is found. A list of actions never covers a pattern, since AWS adds actions. In the policy of a key or another resource, an Allow that names an account and has conditions is compared as text only: whether the conditions count for what the account hands on is not documented.",
    remedy: "Remove the statement, or narrow the broader one to what was meant. Where conditions exclude one another, correct them: values of one key that may be the one or the other belong in one list.",
    bad: Example::bad(
        PolicyType::Identity,
        r"Use",
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    { "Sid": "Use", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "arn:aws:kms:us-east-1:111122223333:key/*" },
    { "Sid": "All", "Effect": "Allow", "Action": "kms:*", "Resource": "*" }
  ]
}"#,
    ),
    good: Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    { "Sid": "Use", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "arn:aws:kms:us-east-1:111122223333:key/*" },
    { "Sid": "Look", "Effect": "Allow", "Action": "kms:List*", "Resource": "*" }
  ]
}"#,
    ),
    also_good: &[
        // Two Allows cover the third but for the one bucket.
        Example::good(
            PolicyType::Identity,
            r#"{
  "Version": "2012-10-17",
  "Statement": [
    { "Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": ["arn:aws:s3:::eval-input/*", "arn:aws:s3:::eval-output/*"] },
    { "Sid": "Input", "Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::eval-input/*" },
    { "Sid": "Output", "Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::eval-output/reports/*" }
  ]
}"#,
        ),
        // The conditions hold together where the key is absent.
        Example::good(
            PolicyType::Identity,
            r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*",
    "Condition": { "StringEqualsIfExists": { "aws:RequestedRegion": "us-east-1" }, "StringNotEqualsIfExists": { "aws:RequestedRegion": "us-east-1" } }
  }
}"#,
        ),
    ],
    check: Check::Policy(check),
};

fn check(context: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    // Two placeholders could stand for one thing, or for two.
    if context.is_template {
        return Vec::new();
    }
    let by_one = |narrow| covering(policy, narrow).map(|wide| (narrow, wide));
    let plain: Vec<(&Statement, &Statement)> = policy.statements.iter().filter_map(by_one).collect();
    let left_out: BTreeSet<usize> = plain.iter().map(|(narrow, _)| narrow.index).collect();
    let plain = plain.into_iter().map(|(narrow, wide)| covered(narrow, &[wide]));
    let proved = idle(policy, &left_out).into_iter().map(|(statement, why)| match why {
        Idle::Never(conditions) => never(statement, &conditions),
        Idle::Covered(by) => covered(statement, &by),
    });
    plain.chain(proved).collect()
}

/// The statement that covers another one, as far as the text shows.
fn covering<'p>(policy: &'p Policy, narrow: &Statement) -> Option<&'p Statement> {
    let mut others = policy.statements.iter().filter(|wide| wide.index != narrow.index && covers(wide, narrow));
    others.find(|wide| match (wide.effect, narrow.effect) {
        (Effect::Deny, Effect::Allow) => true,
        (Effect::Allow, Effect::Deny) => false,
        // Of two that say the same, the second is one too many.
        (Effect::Allow, Effect::Allow) | (Effect::Deny, Effect::Deny) => {
            wide.index < narrow.index || !covers(narrow, wide)
        }
    })
}

fn covered(narrow: &Statement, by: &[&Statement]) -> Finding {
    let denies = by.iter().filter(|wide| wide.effect != narrow.effect).count();
    let (own, others) = (called(narrow), all_called(by));
    let (message, help) = match (by, denies) {
        ([_], 0) => (format!("{own} does nothing: {others} covers it"), NARROW_ONE),
        ([_], _) => (format!("{own} allows nothing: {others} denies all of it"), NARROW_ONE),
        (_, 0) => (format!("{own} does nothing: together {others} cover it"), NARROW_SEVERAL),
        (_, all) if all == by.len() => {
            (format!("{own} allows nothing: together {others} deny all of it"), NARROW_SEVERAL)
        }
        (_, _) => (format!("{own} does nothing: together {others} allow or deny all of it"), NARROW_SEVERAL),
    };
    let label = |wide: &Statement| match (by, wide.effect == narrow.effect) {
        ([_], true) => "covers it",
        ([_], false) => "denies all of it",
        (_, true) => "covers a part",
        (_, false) => "denies a part",
    };
    let finding = RULE.finding(head(narrow), message).help(help);
    by.iter().fold(finding, |finding, wide| finding.also(head(wide), label(wide)))
}

const NARROW_ONE: &str = "remove it, or narrow the broader statement to what was meant";
const NARROW_SEVERAL: &str = "remove it, or narrow one of the others to what was meant";

/// What messages call some statements.
fn all_called(statements: &[&Statement]) -> String {
    if let [one] = statements {
        return called(one);
    }
    let name = |each: &&Statement| match &each.sid {
        Some(sid) => sid.as_str().to_owned(),
        None => format!("[{}]", each.index),
    };
    let names: Vec<String> = statements.iter().map(name).collect();
    format!("the statements {}", listed(names.iter().map(String::as_str)))
}

fn never(statement: &Statement, conditions: &[&Condition]) -> Finding {
    let message = format!("{} never applies: its conditions exclude one another", called(statement));
    let finding = RULE
        .finding(head(statement), message)
        .help("correct the conditions, or remove the statement: no call fulfils it");
    let label = if conditions.len() == 2 { "excludes the other" } else { "cannot hold together with the others" };
    conditions.iter().fold(finding, |finding, condition| finding.also(condition.key_span, label))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::Attachment;
    use super::*;
    use crate::policy::{Document, parse};
    use crate::source::SourceMap;

    /// What is said of statements, with a short word for each of them that all cases use.
    fn said(kind: PolicyType, statements: &[&str]) -> Vec<String> {
        let text = format!(r#"{{ "Version": "2012-10-17", "Statement": [{}] }}"#, statements.join(", "));
        let mut sources = SourceMap::new();
        let source = sources.add("policy.json", &text).unwrap();
        let document = Document::read("policy", source, &text).unwrap();
        let parsed = parse(&document, kind);
        let policy = parsed.policy.unwrap_or_else(|| panic!("{:#?}", parsed.diagnostics));
        let attachment = Attachment::default();
        let context = Context { document: &document, text: &text, kind, attachment: &attachment, is_template: false };
        check(&context, &policy).into_iter().map(|finding| finding.diagnostic.message).collect()
    }

    /// A statement of an identity-based policy on `s3:GetObject`.
    fn read(effect_and_sid: &str, resource: &str, conditions: &str) -> String {
        let (effect, sid) = effect_and_sid.split_once(' ').unwrap();
        format!(
            r#"{{ "Sid": "{sid}", "Effect": "{effect}", "Action": "s3:GetObject", "Resource": "{resource}", "Condition": {{ {conditions} }} }}"#
        )
    }

    #[rstest]
    #[case::a_text_and_no_text_at_all(
        r#""StringEquals": { "aws:userid": "a" }, "StringNotLike": { "aws:userid": "*" }"#
    )]
    #[case::numbers(
        r#""NumericLessThan": { "aws:MultiFactorAuthAge": "1" }, "NumericGreaterThan": { "aws:MultiFactorAuthAge": "5" }"#
    )]
    #[case::dates(
        r#""DateLessThan": { "aws:CurrentTime": "2024-01-01T00:00:00Z" }, "DateGreaterThan": { "aws:CurrentTime": "2025-01-01T00:00:00Z" }"#
    )]
    #[case::addresses(
        r#""IpAddress": { "aws:SourceIp": "10.1.0.0/16" }, "NotIpAddress": { "aws:SourceIp": "10.0.0.0/8" }"#
    )]
    #[case::absent_and_present(r#""Null": { "aws:userid": "true" }, "StringEquals": { "aws:userid": "a" }"#)]
    #[case::one_value_and_another(
        r#""StringEquals": { "aws:PrincipalAccount": "111122223333" }, "StringLike": { "aws:PrincipalAccount": "4*" }"#
    )]
    #[case::all_values_and_any(
        r#""ForAllValues:StringEquals": { "aws:TagKeys": "a" }, "ForAnyValue:StringEquals": { "aws:TagKeys": "b" }"#
    )]
    #[case::a_misspelt_key(r#""StringEquals": { "aws:Misspelt": "a" }, "Null": { "aws:Misspelt": "true" }"#)]
    fn conditions_that_exclude_one_another_are_found(#[case] conditions: &str) {
        for effect in ["Allow", "Deny"] {
            let found = said(PolicyType::Identity, &[&read(&format!("{effect} A"), "*", conditions)]);
            assert_eq!(found, ["the statement `A` never applies: its conditions exclude one another"]);
        }
    }

    #[rstest]
    #[case::in_one_list(r#""StringEquals": { "aws:userid": ["a", "b"] }, "StringNotEquals": { "aws:userid": "b" }"#)]
    #[case::numbers_with_room(
        r#""NumericLessThan": { "aws:MultiFactorAuthAge": "6" }, "NumericGreaterThan": { "aws:MultiFactorAuthAge": "5" }"#
    )]
    #[case::if_exists(r#""Null": { "aws:userid": "true" }, "StringEqualsIfExists": { "aws:userid": "a" }"#)]
    #[case::two_elements(
        r#""ForAnyValue:StringEquals": { "aws:TagKeys": "a" }, "ForAnyValue:StringLike": { "aws:TagKeys": "b" }"#
    )]
    #[case::no_elements(
        r#""ForAllValues:StringEquals": { "aws:TagKeys": "a" }, "ForAllValues:StringLike": { "aws:TagKeys": "b" }"#
    )]
    #[case::a_variable(
        r#""StringEquals": { "aws:userid": "a" }, "StringNotEquals": { "aws:userid": "${aws:PrincipalTag/id}" }"#
    )]
    #[case::two_variables(
        r#""StringEquals": { "aws:userid": "${aws:PrincipalTag/id}" }, "StringLike": { "aws:userid": "${aws:PrincipalTag/name}" }"#
    )]
    #[case::a_placeholder(r#""StringEquals": { "aws:userid": "a" }, "StringLike": { "aws:userid": "<id>" }"#)]
    #[case::two_placeholders(
        r#""StringEquals": { "aws:userid": "{{one}}" }, "StringLike": { "aws:userid": "{{two}}" }"#
    )]
    #[case::an_arn_that_is_there(r#""Null": { "aws:SourceArn": "false" }"#)]
    // Whether an empty text is a value is open (R4.8).
    #[case::an_open_rule(r#""Null": { "aws:userid": "true" }, "StringEquals": { "aws:userid": "" }"#)]
    // Of one condition that never holds other rules speak.
    #[case::one_condition(r#""StringEquals": { "aws:SecureTransport": "yes" }, "StringLike": { "aws:userid": "a" }"#)]
    fn conditions_that_may_hold_together_are_not(#[case] conditions: &str) {
        let found = said(PolicyType::Identity, &[&read("Allow A", "*", conditions)]);
        assert!(found.is_empty(), "{found:?}");
    }

    const BY_TWO: &str = "the statement `N` does nothing: together the statements `A` and `B` cover it";
    const BY_ONE: &str = "the statement `N` does nothing: the statement `A` covers it";
    const IS_A: &str = r#""StringEquals": { "aws:userid": "a" }"#;
    const IS_NOT_A: &str = r#""StringNotEquals": { "aws:userid": "a" }"#;
    const BOTH: &str = "arn:aws:s3:::eval-*";
    /// Of `N`, so that no other statement is within it.
    const FEW: &str = r#""Null": { "aws:PrincipalAccount": "false" }"#;

    #[rstest]
    #[case::two_allows(&[("Allow N", BOTH, FEW), ("Allow A", BOTH, IS_A), ("Allow B", BOTH, IS_NOT_A)], BY_TWO)]
    #[case::two_allows_and_a_needless_one(
        &[("Allow C", BOTH, r#""StringLike": { "aws:userid": "c" }"#), ("Allow A", BOTH, IS_A), ("Allow N", BOTH, FEW), ("Allow B", BOTH, IS_NOT_A)],
        BY_TWO
    )]
    #[case::an_allow_of_more(
        &[("Allow N", "arn:aws:s3:::eval-input/*", IS_A), ("Allow A", BOTH, r#""StringLike": { "aws:userid": "a*" }"#)],
        BY_ONE
    )]
    #[case::two_denies_of_a_deny(&[("Deny N", BOTH, FEW), ("Deny A", BOTH, IS_A), ("Deny B", BOTH, IS_NOT_A)], BY_TWO)]
    #[case::two_denies(
        &[("Allow N", BOTH, FEW), ("Deny A", BOTH, IS_A), ("Deny B", BOTH, IS_NOT_A)],
        "the statement `N` allows nothing: together the statements `A` and `B` deny all of it"
    )]
    #[case::one_deny(
        &[("Allow N", BOTH, IS_A), ("Deny A", "*", r#""StringLike": { "aws:userid": "a*" }"#)],
        "the statement `N` allows nothing: the statement `A` denies all of it"
    )]
    #[case::a_deny_and_an_allow(
        &[("Allow N", BOTH, FEW), ("Allow A", BOTH, IS_A), ("Deny B", BOTH, IS_NOT_A)],
        "the statement `N` does nothing: together the statements `A` and `B` allow or deny all of it"
    )]
    #[case::more_than_a_resource(
        &[("Allow N", BOTH, FEW), ("Allow A", "arn:aws:s3:::eval-*a", IS_A), ("Allow B", BOTH, IS_NOT_A), ("Allow C", BOTH, r#""StringLike": { "aws:userid": "a" }"#)],
        "the statement `N` does nothing: together the statements `B` and `C` cover it"
    )]
    #[case::the_later_of_two_that_are_alike(
        &[("Allow A", BOTH, IS_A), ("Allow N", BOTH, r#""StringLike": { "aws:userid": "a" }"#)],
        BY_ONE
    )]
    fn what_others_leave_nothing_of_is_found(#[case] statements: &[(&str, &str, &str)], #[case] message: &str) {
        let texts: Vec<String> =
            statements.iter().map(|(sid, resource, conditions)| read(sid, resource, conditions)).collect();
        let found = said(PolicyType::Identity, &texts.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(found.contains(&message.to_owned()), "{found:#?}");
    }

    #[rstest]
    // That nothing is allowed, or all of it anyway, makes no Deny pointless.
    #[case::a_deny_that_takes_all(&[("Allow A", BOTH, IS_A), ("Deny N", BOTH, IS_NOT_A)])]
    #[case::a_deny_of_what_others_allow(&[("Deny N", BOTH, IS_A), ("Allow A", BOTH, r#""StringLike": { "aws:userid": "a*" }"#)])]
    #[case::a_gap_in_the_middle(&[("Allow N", BOTH, FEW), ("Allow A", BOTH, IS_A), ("Allow B", BOTH, r#""StringNotEquals": { "aws:userid": ["a", "b"] }"#)])]
    #[case::without_the_key(&[("Allow N", BOTH, FEW), ("Allow A", BOTH, IS_A), ("Allow B", BOTH, r#""ForAnyValue:StringNotEquals": { "aws:userid": "a" }"#)])]
    #[case::a_resource_too_few(&[("Allow N", BOTH, FEW), ("Allow A", "arn:aws:s3:::eval-a*", ""), ("Allow B", "arn:aws:s3:::eval-b*", "")])]
    // A call without a resource is of no ARN.
    #[case::no_resource(&[("Allow N", "*", IS_A), ("Allow A", "arn:*:*:*:*:*", r#""StringLike": { "aws:userid": "a*" }"#)])]
    #[case::two_variables(&[("Allow N", BOTH, IS_A), ("Allow A", BOTH, r#""StringLike": { "aws:userid": "${aws:PrincipalTag/id}" }"#)])]
    #[case::placeholders(&[("Allow N", BOTH, r#""StringEquals": { "aws:userid": "<a>" }"#), ("Allow A", BOTH, r#""StringLike": { "aws:userid": "<a>" }"#)])]
    fn what_others_leave_something_of_is_not(#[case] statements: &[(&str, &str, &str)]) {
        let texts: Vec<String> =
            statements.iter().map(|(sid, resource, conditions)| read(sid, resource, conditions)).collect();
        let found = said(PolicyType::Identity, &texts.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(found.is_empty(), "{found:#?}");
    }

    #[rstest]
    #[case::each_by_another(&["s3:GetObject", "s3:PutObject"], &["s3:Get*"], &["s3:Put*"], true)]
    #[case::one_by_none(&["s3:GetObject", "s3:DeleteObject"], &["s3:Get*"], &["s3:Put*"], false)]
    #[case::a_pattern_by_a_list(&["sqs:ListQ*"], &["sqs:ListQueues"], &["sqs:ListQueueTags"], false)]
    fn actions_are_covered_part_by_part(
        #[case] own: &[&str],
        #[case] one: &[&str],
        #[case] other: &[&str],
        #[case] expected: bool,
    ) {
        let statement = |sid: &str, actions: &[&str], conditions: &str| {
            format!(
                r#"{{ "Sid": "{sid}", "Effect": "Allow", "Action": {actions:?}, "Resource": "*", "Condition": {{ {conditions} }} }}"#
            )
        };
        let texts = [statement("N", own, FEW), statement("A", one, ""), statement("B", other, "")];
        let found = said(PolicyType::Identity, &texts.each_ref().map(String::as_str));
        assert_eq!(found, if expected { vec![BY_TWO] } else { Vec::new() });
    }

    #[rstest]
    #[case::the_rest_by_exclusion(r#""NotAction": "iam:*""#, r#""Action": "s3:*""#, true)]
    #[case::what_is_left_out(r#""NotAction": "s3:Get*""#, r#""Action": "s3:*""#, false)]
    #[case::fewer_left_out(r#""NotAction": "iam:*""#, r#""NotAction": ["iam:*", "s3:*"]"#, true)]
    #[case::more_left_out(r#""NotAction": ["iam:*", "s3:*"]"#, r#""NotAction": "iam:*""#, false)]
    fn what_is_left_out_is_not_covered(#[case] wide: &str, #[case] narrow: &str, #[case] expected: bool) {
        let statement =
            |sid: &str, actions: &str| format!(r#"{{ "Sid": "{sid}", "Effect": "Deny", {actions}, "Resource": "*" }}"#);
        let texts = [statement("N", narrow), statement("A", wide)];
        let found = said(PolicyType::Identity, &texts.each_ref().map(String::as_str));
        assert_eq!(found.contains(&BY_ONE.to_owned()), expected, "{found:?}");
    }

    const ROLE: &str = "arn:aws:iam::111122223333:role/eval";
    const USER: &str = "arn:aws:iam::111122223333:user/eval";
    const ROOT: &str = "arn:aws:iam::111122223333:root";

    /// Of `Decrypt` for those callers, in two statements that cover a third between them.
    fn halves(kind: PolicyType, effect: &str, own: &str, one: &str, other: &str) -> Vec<String> {
        let statement = |sid: &str, principal: &str, conditions: &str| {
            format!(
                r#"{{ "Sid": "{sid}", "Effect": "{effect}", "Principal": {{ "AWS": {principal} }}, "Action": "kms:Decrypt", "Resource": "*", "Condition": {{ {conditions} }} }}"#
            )
        };
        let is_here = r#""StringEquals": { "aws:RequestedRegion": "us-east-1" }"#;
        let is_elsewhere = r#""StringNotEquals": { "aws:RequestedRegion": "us-east-1" }"#;
        let texts = [statement("N", own, FEW), statement("A", one, is_here), statement("B", other, is_elsewhere)];
        said(kind, &texts.each_ref().map(String::as_str))
    }

    #[rstest]
    #[case::the_same_role(PolicyType::Key, "Allow", ROLE, ROLE, true)]
    #[case::another(PolicyType::Key, "Allow", ROLE, USER, false)]
    #[case::a_role_by_everyone(PolicyType::Key, "Allow", ROLE, "*", true)]
    // Whether everyone escapes a permissions boundary, as a user that is named does, is open.
    #[case::a_user_by_everyone(PolicyType::Key, "Allow", USER, "*", false)]
    #[case::a_user_by_everyone_that_denies(PolicyType::Key, "Deny", USER, "*", true)]
    // Whether conditions count for what an account hands on is open (R6.3).
    #[case::an_account(PolicyType::Key, "Allow", ROOT, ROOT, false)]
    #[case::an_account_that_is_denied(PolicyType::Key, "Deny", ROOT, ROOT, true)]
    #[case::an_account_at_an_endpoint(PolicyType::VpcEndpoint, "Allow", ROOT, ROOT, true)]
    #[case::a_role_by_its_account(PolicyType::Key, "Allow", ROLE, ROOT, false)]
    fn whom_a_statement_names_is_covered_where_others_name_the_same(
        #[case] kind: PolicyType,
        #[case] effect: &str,
        #[case] own: &str,
        #[case] others: &str,
        #[case] expected: bool,
    ) {
        let [own, others] = [own, others].map(|text| format!("{text:?}"));
        let found = halves(kind, effect, &own, &others, &others);
        assert_eq!(found.contains(&BY_TWO.to_owned()), expected, "{found:?}");
    }
}
