//! What in a policy is not what its author meant?
//!
//! A [`Rule`] is one way in which a policy AWS would store comes out as something else than it reads: a permission that
//! can never be used, a condition that never holds, a door left open. Each rule has a file of its own below `lint/`, with
//! the paragraph that explains it and two policies, one that shows it and one that does not; the tests run exactly
//! those. [`check`] runs every rule and adds what [`policy::parse()`] reports, each under its own code.

mod account_mismatch;
mod action_star_colon_star;
mod allow_by_exclusion;
mod ambiguous_date;
mod confused_deputy;
mod covers;
mod cross_account_administration;
mod dead_permission;
mod deny_of_forwarded_calls;
mod duplicate_sid;
mod for_all_values_without_null;
mod invalid_sid;
mod key_by_alias;
mod key_lockout;
mod key_tags_in_key_policy;
mod malformed_arn;
mod meaningless_id;
mod missing_account_delegation;
mod missing_resource;
mod missing_set_operator;
mod missing_version;
mod mixed_partitions;
mod negated_optional_key;
mod not_principal;
mod operator_case;
mod operator_type;
mod placeholder;
mod policy_too_large;
mod principal_wildcard;
mod public_principal;
mod region_mismatch;
mod repair;
mod repeated;
mod resource_matches_nothing;
mod service_without_key;
mod session_arn_in_condition;
mod shadowed_statement;
mod short_arn;
mod source_key_without_service;
mod subject;
mod together;
mod unfit_resource;
mod unknown_action;
mod unknown_condition_key;
mod unknown_service;
mod unneeded_set_operator;
mod unreadable_value;
mod unsupported_character;
mod variable_in_2008_policy;
mod variable_out_of_place;
mod wildcard_only_action;

use std::fmt;

use crate::account::AccountId;
use crate::diagnostic::{Annotation, Diagnostic, Severity};
use crate::policy::{self, Document, Policy, PolicyType};
use crate::source::Span;

/// How much a finding matters. The order is from the worst to the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// AWS would refuse the policy, or it makes what it is attached to unusable.
    Error,
    /// The policy allows more than it seems to.
    Security,
    /// A part of the policy does something else than it says, mostly nothing.
    Warning,
    /// The policy works, and would be clearer or safer otherwise.
    Suggestion,
}

/// One way in which a policy does not say what it seems to.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its stable name, in kebab case.
    pub code: &'static str,
    /// How much a finding of it matters at most; some findings matter less.
    pub level: Level,
    /// The rule in one line.
    pub summary: &'static str,
    /// Why AWS does not do what the policy seems to say, in a paragraph.
    pub explanation: &'static str,
    /// What to write instead, in a sentence or two.
    pub remedy: &'static str,
    /// A policy that shows it.
    pub bad: Example,
    /// The same policy, mended.
    pub good: Example,
    /// Policies that look like the bad one, and do what they say.
    pub also_good: &'static [Example],
    /// How it is found.
    pub check: Check,
}

/// Who finds what a rule speaks of.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// Reading the policy does: [`policy::parse()`] warns under this code.
    Reader,
    /// The text shows it, also where AWS would refuse the policy.
    Text(fn(&Context<'_>) -> Vec<Finding>),
    /// The checked policy shows it.
    Policy(fn(&Context<'_>, &Policy) -> Vec<Finding>),
}

/// A policy that shows a rule, or does not.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// What it is attached as.
    pub kind: PolicyType,
    /// Its JSON.
    pub text: &'static str,
    /// The text under the finding's caret; empty where nothing is found.
    pub at: &'static str,
    /// The account and Region of what it is attached to, if the rule needs them.
    pub place: Option<(&'static str, &'static str)>,
}

impl Example {
    const fn bad(kind: PolicyType, at: &'static str, text: &'static str) -> Self {
        Self { kind, text, at, place: None }
    }

    const fn good(kind: PolicyType, text: &'static str) -> Self {
        Self { kind, text, at: "", place: None }
    }

    const fn of_a_key_in(self, account: &'static str, region: &'static str) -> Self {
        Self { place: Some((account, region)), ..self }
    }
}

/// What is known of the key, role or bucket that a policy is attached to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attachment {
    /// Its account.
    pub account: Option<AccountId>,
    /// Its Region, where it has one.
    pub region: Option<String>,
    /// Its partition: `aws`.
    pub partition: Option<String>,
}

/// What a rule sees.
#[derive(Debug, Clone, Copy)]
pub struct Context<'l> {
    /// The policy as written.
    pub document: &'l Document,
    /// The text of its file.
    pub text: &'l str,
    /// What it is attached as.
    pub kind: PolicyType,
    /// What it is attached to.
    pub attachment: &'l Attachment,
    /// Whether placeholders stand in it that nothing is bound to, so that accounts and Regions are not known.
    pub is_template: bool,
}

/// Something a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub level: Level,
    /// What, where, and what to write instead.
    pub diagnostic: Diagnostic,
    /// The statement it stands in, from 0.
    pub statement: Option<usize>,
    /// JSON to paste in place of the statement.
    pub repair: Option<String>,
}

/// Every rule, by code.
pub const RULES: &[Rule] = &[
    account_mismatch::RULE,
    action_star_colon_star::RULE,
    allow_by_exclusion::RULE,
    ambiguous_date::RULE,
    confused_deputy::RULE,
    cross_account_administration::RULE,
    dead_permission::RULE,
    deny_of_forwarded_calls::RULE,
    duplicate_sid::RULE,
    for_all_values_without_null::RULE,
    invalid_sid::RULE,
    key_by_alias::RULE,
    key_lockout::RULE,
    key_tags_in_key_policy::RULE,
    malformed_arn::RULE,
    meaningless_id::RULE,
    missing_account_delegation::RULE,
    missing_resource::RULE,
    missing_set_operator::RULE,
    missing_version::RULE,
    mixed_partitions::RULE,
    negated_optional_key::RULE,
    not_principal::RULE,
    operator_case::RULE,
    operator_type::RULE,
    placeholder::RULE,
    policy_too_large::RULE,
    principal_wildcard::RULE,
    public_principal::RULE,
    region_mismatch::RULE,
    resource_matches_nothing::RULE,
    service_without_key::RULE,
    session_arn_in_condition::RULE,
    shadowed_statement::RULE,
    short_arn::RULE,
    source_key_without_service::RULE,
    unfit_resource::RULE,
    unknown_action::RULE,
    unknown_condition_key::RULE,
    unknown_service::RULE,
    unneeded_set_operator::RULE,
    unreadable_value::RULE,
    unsupported_character::RULE,
    variable_in_2008_policy::RULE,
    variable_out_of_place::RULE,
    wildcard_only_action::RULE,
];

/// The codes under which reading a policy says why AWS would refuse it, beside those of [`RULES`].
pub const REFUSALS: [&str; 20] = [
    "action-star-forbidden",
    "allow-forbidden",
    "duplicate-key",
    "element-in-allow",
    "empty-list",
    "empty-statement",
    "exclusive-elements",
    "forbidden-element",
    "invalid-condition-key",
    "invalid-effect",
    "invalid-principal",
    "invalid-version",
    "malformed-resource",
    "missing-element",
    "overly-permissive-condition",
    "rcp-principal",
    "unknown-action-form",
    "unknown-element",
    "unknown-operator",
    "wrong-type",
];

/// The rule of a code.
pub fn rule(code: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.code == code)
}

/// Everything that is wrong with a policy, in the order of the text.
pub fn check(context: &Context<'_>) -> Vec<Finding> {
    check_down_to(context, Level::Suggestion)
}

/// AWS stores no policy of any type with more statements. Rules that compare statements with each other are not asked of
/// one that holds more, only whether it is too large.
const MOST_STATEMENTS: usize = 1_000;

/// What is wrong with a policy and is of a level or worse. Rules that find nothing as bad are not asked.
pub fn check_down_to(context: &Context<'_>, least: Level) -> Vec<Finding> {
    let parsed = policy::parse(context.document, context.kind);
    let mut findings: Vec<_> = parsed.diagnostics.into_iter().map(Finding::of_reading).collect();
    let is_stored = context.document.statements().len() <= MOST_STATEMENTS;
    let asked = |rule: &&Rule| rule.level <= least && (is_stored || rule.code == policy_too_large::RULE.code);
    for rule in RULES.iter().filter(asked) {
        match (rule.check, &parsed.policy) {
            (Check::Text(check), _) => findings.extend(check(context)),
            (Check::Policy(check), Some(policy)) => findings.extend(check(context, policy)),
            (Check::Policy(_), None) | (Check::Reader, _) => {}
        }
    }
    findings.retain(|finding| finding.level <= least);
    for finding in findings.iter_mut().filter(|_| is_stored) {
        finding.statement = finding.diagnostic.span().and_then(|span| statement_at(context.document, span));
    }
    findings.sort_by_key(|finding| (finding.diagnostic.span(), finding.level, finding.diagnostic.code));
    findings
}

/// The statement a place is in.
fn statement_at(document: &Document, span: Span) -> Option<usize> {
    let holds = |whole: Span| whole.start <= span.start && span.end <= whole.end;
    document.statements().iter().position(|statement| holds(statement.span))
}

impl Level {
    /// Every level, from the worst to the least.
    pub const ALL: [Self; 4] = [Self::Error, Self::Security, Self::Warning, Self::Suggestion];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Security => "security",
            Self::Warning => "warning",
            Self::Suggestion => "suggestion",
        }
    }

    const fn severity(self) -> Severity {
        match self {
            Self::Error => Severity::Error,
            Self::Security | Self::Warning => Severity::Warning,
            Self::Suggestion => Severity::Note,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Rule {
    /// A finding of this rule.
    fn finding(&self, span: Span, message: impl Into<String>) -> Finding {
        let diagnostic = Diagnostic {
            code: self.code,
            severity: self.level.severity(),
            message: message.into(),
            annotations: vec![Annotation { span, label: String::new() }],
            help: None,
            notes: Vec::new(),
        };
        Finding { level: self.level, diagnostic, statement: None, repair: None }
    }
}

impl Finding {
    /// What reading the policy reports: an error for what AWS refuses, or a finding of the rule of that code.
    fn of_reading(diagnostic: Diagnostic) -> Self {
        let known = rule(diagnostic.code).map(|rule| rule.level);
        let level = if diagnostic.is_error() { Level::Error } else { known.unwrap_or(Level::Warning) };
        Self { level, diagnostic, statement: None, repair: None }
    }

    /// Says how much it matters, where that is not what the rule says.
    fn level(mut self, level: Level) -> Self {
        self.level = level;
        self.diagnostic.severity = level.severity();
        self
    }

    /// Writes beside the caret.
    fn label(mut self, label: impl Into<String>) -> Self {
        self.diagnostic = self.diagnostic.label(label);
        self
    }

    /// Points at a second place.
    fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.diagnostic = self.diagnostic.also(span, label);
        self
    }

    /// Says what to write instead.
    fn help(mut self, help: impl Into<String>) -> Self {
        self.diagnostic = self.diagnostic.help(help);
        self
    }

    /// Gives the JSON to paste in place of the statement.
    fn repair(mut self, repair: Option<String>) -> Self {
        self.repair = repair;
        self
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::source::SourceMap;

    /// What the linter says of an example: code, the text under the caret.
    fn found(example: &Example) -> Vec<(Finding, String)> {
        let mut sources = SourceMap::new();
        let source = sources.add("example.json", example.text).unwrap();
        let document = Document::read("example", source, example.text).unwrap();
        let attachment = example.place.map_or_else(Attachment::default, |(account, region)| Attachment {
            account: Some(AccountId::parse(account).unwrap()),
            region: Some(region.to_owned()),
            partition: Some("aws".to_owned()),
        });
        let context = Context {
            document: &document,
            text: example.text,
            kind: example.kind,
            attachment: &attachment,
            is_template: false,
        };
        let text = |finding: &Finding| sources.slice(finding.diagnostic.span().unwrap()).to_owned();
        check(&context)
            .into_iter()
            .map(|finding| (text(&finding), finding))
            .map(|(text, found)| (found, text))
            .collect()
    }

    #[test]
    fn each_bad_example_shows_its_rule_and_nothing_worse() {
        for rule in RULES {
            let found = found(&rule.bad);
            let own: Vec<_> = found.iter().filter(|(finding, _)| finding.diagnostic.code == rule.code).collect();
            assert!(!own.is_empty(), "{} is not found in its bad example: {found:#?}", rule.code);
            assert_eq!(own[0].1, rule.bad.at, "{} points elsewhere", rule.code);
            let others: Vec<_> = found
                .iter()
                .filter(|(finding, _)| finding.diagnostic.code != rule.code && finding.level < Level::Suggestion)
                .map(|(finding, _)| finding.diagnostic.code)
                .collect();
            assert!(others.is_empty(), "the bad example of {} also shows {others:?}", rule.code);
            for (finding, _) in own {
                assert!(finding.diagnostic.help.is_some(), "{} gives no help", rule.code);
            }
        }
    }

    #[test]
    fn no_good_example_shows_anything() {
        for rule in RULES {
            for good in std::iter::once(&rule.good).chain(rule.also_good) {
                let codes: Vec<_> = found(good).iter().map(|(finding, _)| finding.diagnostic.code).collect();
                assert!(codes.is_empty(), "a good example of {} shows {codes:?}", rule.code);
            }
        }
    }

    #[test]
    fn every_code_of_a_refusal_is_known() {
        let reader = include_str!("policy/parse.rs");
        let codes = reader.split("Diagnostic::error(").skip(1).filter_map(|rest| rest.split('"').nth(1));
        let codes: std::collections::BTreeSet<_> = codes.filter(|code| rule(code).is_none()).collect();
        assert_eq!(codes, REFUSALS.into_iter().collect());
    }

    #[test]
    fn codes_are_sorted_and_in_kebab_case() {
        let is_kebab = |code: &str| code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        assert!(RULES.iter().all(|rule| is_kebab(rule.code)));
        assert!(RULES.is_sorted_by(|one, other| one.code < other.code));
        assert!(rule("dead-permission").is_some() && rule("dead-permissions").is_none());
    }

    /// The levels and messages of what is found in a policy of one statement.
    fn said_of(kind: PolicyType, statement: &str) -> Vec<(Level, &'static str, String)> {
        let text = format!(r#"{{ "Version": "2012-10-17", "Statement": [{statement}] }}"#);
        let example = Example { kind, text: Box::leak(text.into_boxed_str()), at: "", place: None };
        found(&example)
            .into_iter()
            .map(|(finding, _)| (finding.level, finding.diagnostic.code, finding.diagnostic.message))
            .collect()
    }

    #[rstest]
    #[case::a_service_looks_at_a_bucket(
        "confused-deputy",
        PolicyType::Resource,
        r#"{ "Effect": "Allow", "Principal": { "Service": "cloudtrail.amazonaws.com" }, "Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::eval-logs" }"#
    )]
    #[case::a_service_writes_by_account(
        "confused-deputy",
        PolicyType::Resource,
        r#"{ "Effect": "Allow", "Principal": { "Service": "cloudtrail.amazonaws.com" }, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::eval-logs/AWSLogs/111122223333/*" }"#
    )]
    #[case::a_service_that_ended(
        "unknown-service",
        PolicyType::Identity,
        r#"{ "Effect": "Allow", "Action": "macie:ListMemberAccounts", "Resource": "*" }"#
    )]
    #[case::all_of_a_type(
        "wildcard-only-action",
        PolicyType::Identity,
        r#"{ "Effect": "Allow", "Action": "iam:ListRoles", "Resource": "arn:aws:iam::111122223333:role/*" }"#
    )]
    #[case::what_is_created(
        "wildcard-only-action",
        PolicyType::Identity,
        r#"{ "Effect": "Allow", "Action": "eks:CreateCluster", "Resource": "arn:aws:eks:us-east-1:111122223333:cluster/eval" }"#
    )]
    #[case::a_resource_too_many(
        "unfit-resource",
        PolicyType::Identity,
        r#"{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": ["arn:aws:s3:::eval-input/*", "arn:aws:s3:::eval-input"] }"#
    )]
    fn what_does_no_harm_is_a_suggestion(
        #[case] code: &'static str,
        #[case] kind: PolicyType,
        #[case] statement: &'static str,
    ) {
        let said: Vec<_> = said_of(kind, statement).into_iter().map(|(level, code, _)| (level, code)).collect();
        assert_eq!(said, [(Level::Suggestion, code)]);
    }

    #[rstest]
    #[case::a_service_writes_for_all(
        "confused-deputy",
        PolicyType::Resource,
        r#"{ "Effect": "Allow", "Principal": { "Service": "cloudtrail.amazonaws.com" }, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::eval-logs/AWSLogs/*" }"#
    )]
    #[case::some_of_a_type(
        "wildcard-only-action",
        PolicyType::Identity,
        r#"{ "Effect": "Allow", "Action": "iam:ListRoles", "Resource": "arn:aws:iam::111122223333:role/eval-*" }"#
    )]
    fn what_does_harm_is_not(#[case] code: &'static str, #[case] kind: PolicyType, #[case] statement: &'static str) {
        let said: Vec<_> = said_of(kind, statement).into_iter().map(|(level, code, _)| (level, code)).collect();
        let level = rule(code).unwrap().level;
        assert_eq!(said, [(level, code)]);
    }

    #[rstest]
    #[case::a_placeholder(
        r#"{ "Effect": "Allow", "Action": "kms:Decrypt", "Resource": ["arn:aws:kms:us-east-1:111122223333:key/<id>", "arn:aws:kms:eu-west-1:111122223333:key/<id>"] }"#,
        "the placeholder `<id>` is not filled in, here and in one more place"
    )]
    #[case::a_service(
        r#"{ "Effect": "Allow", "Action": ["bedrok:InvokeModel", "bedrok:GetAgent", "bedrok:ListAgents"], "Resource": "*" }"#,
        "no service has the prefix `bedrok`, here and in 2 more places"
    )]
    #[case::actions_without_a_resource(
        r#"{ "Effect": "Allow", "Action": ["kms:ListKeys", "kms:ListAliases"], "Resource": "arn:aws:kms:us-east-1:111122223333:key/*" }"#,
        "`kms:ListKeys` and `kms:ListAliases` have no resource, so they are not allowed here"
    )]
    #[case::resources_of_another_type(
        r#"{ "Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketAcl"], "Resource": "arn:aws:s3:::eval-input/*" }"#,
        "no resource of the statement is one that `s3:ListBucket` and `s3:GetBucketAcl` take"
    )]
    #[case::names_newer_than_the_catalog(
        r#"{ "Effect": "Allow", "Action": ["bedrock:A", "bedrock:B", "bedrock:C"], "Resource": "*" }"#,
        "Amazon Bedrock is not known to have `bedrock:A`, `bedrock:B` and `bedrock:C`; the entries match nothing"
    )]
    fn one_mistake_is_one_finding(#[case] statement: &'static str, #[case] message: &'static str) {
        let said: Vec<_> =
            said_of(PolicyType::Identity, statement).into_iter().map(|(_, _, message)| message).collect();
        assert_eq!(said, [message]);
    }

    #[test]
    fn actions_that_lack_the_same_key_move_together() {
        let text = r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Sid": "Use",
    "Effect": "Allow",
    "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:GetKeyPolicy"],
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*",
    "Condition": {
      "StringEquals": { "kms:ViaService": "s3.us-east-1.amazonaws.com", "kms:EncryptionContext:team": "eval" }
    }
  }
}"#;
        let repairs: Vec<_> = found(&Example::good(PolicyType::Identity, text))
            .into_iter()
            .map(|(finding, _)| finding.repair.unwrap())
            .collect();
        let [repair] = repairs.as_slice() else { panic!("{repairs:?}") };
        let repaired = format!(r#"{{ "Version": "2012-10-17", "Statement": [{repair}] }}"#);
        assert!(found(&Example::good(PolicyType::Identity, Box::leak(repaired.into_boxed_str()))).is_empty());
    }

    #[test]
    fn a_key_policy_that_locks_out_says_so_only() {
        let statement = r#"{ "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111122223333:role/Reader" }, "Action": "kms:Decrypt", "Resource": "*" }"#;
        let codes: Vec<_> = said_of(PolicyType::Key, statement).into_iter().map(|(_, code, _)| code).collect();
        assert_eq!(codes, ["key-lockout"]);
    }

    #[rstest]
    #[case("duplicate-key", r#"{ "Version": "2012-10-17", "Version": "2012-10-17", "Statement": [] }"#)]
    fn what_aws_refuses_is_an_error(#[case] code: &'static str, #[case] text: &'static str) {
        let found = found(&Example::good(PolicyType::Identity, text));
        assert!(found.iter().any(|(finding, _)| finding.diagnostic.code == code && finding.level == Level::Error));
    }
}
