//! Which faults do people make in policies, and where in the text?
//!
//! A fault is an edit of the text: what stands in a range, and what stands there instead. Edits of lists take their comma
//! along, so that the text stays JSON.

use std::ops::Range;

use permitlab_evaluator::account::AccountId;
use permitlab_evaluator::arn;
use permitlab_evaluator::condition::operator::{Base, Operator};
use permitlab_evaluator::json::{Kind, Member, Text, Value};
use permitlab_evaluator::policy::document::member;
use permitlab_evaluator::source::Span;

use crate::facts::{Facts, PolicyDocument, statement_labels};

/// A fault of a kind people make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A statement is missing.
    DropStatement,
    /// Allow for Deny, or the other way round.
    FlipEffect,
    /// A condition key is missing from its operator.
    DropCondition,
    /// A condition key is misspelt.
    RenameKey,
    /// `StringLike` for `StringEquals`, or the other way round.
    SwapOperator,
    /// Any Region.
    WidenRegion,
    /// Any account.
    WidenAccount,
    /// The account is let in beside those named.
    AddRoot,
    /// Everyone is let in.
    AddEveryone,
}

impl Fault {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::DropStatement => "drop-statement",
            Self::FlipEffect => "flip-effect",
            Self::DropCondition => "drop-condition",
            Self::RenameKey => "rename-key",
            Self::SwapOperator => "swap-operator",
            Self::WidenRegion => "widen-region",
            Self::WidenAccount => "widen-account",
            Self::AddRoot => "add-root",
            Self::AddEveryone => "add-everyone",
        }
    }
}

/// A policy with one fault in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// The fault.
    pub fault: Fault,
    /// The file it is in.
    pub file: String,
    /// The statement it is in, by its reference.
    pub statement: String,
    /// Where the statement stands.
    pub of: Range<usize>,
    /// What is replaced.
    pub range: Range<usize>,
    /// What stands there instead.
    pub with: String,
    /// What stood there, for people.
    pub before: String,
    /// What stands there, for people.
    pub after: String,
    /// Whether the text alone shows that both mean the same.
    pub is_same: bool,
}

impl Mutant {
    /// The name of the policy it is in.
    pub fn policy(&self) -> &str {
        self.statement.split_once('#').map_or(&self.statement, |(policy, _)| policy)
    }
}

/// Every mutant of a policy.
pub fn mutants(file: &str, text: &str, entry: &PolicyDocument, facts: &Facts) -> Vec<Mutant> {
    let document = &entry.document;
    let labels = statement_labels(document);
    let mut making = Making { file, text, statement: String::new(), of: 0..0, made: Vec::new() };
    let list: Vec<Span> = document.statements().iter().map(|statement| statement.span).collect();
    let account = owner(&document.name, facts);
    for (index, statement) in document.statements().iter().enumerate() {
        let named = labels.iter().filter(|(at, _)| *at == index).map(|(_, label)| label).next_back();
        making.of = statement.span.range();
        making.statement = format!("{}#{}", document.name, named.map_or("", String::as_str));
        if let Some(range) = without(&list, index) {
            making.add(Fault::DropStatement, range, "", &making.statement.clone(), "");
        }
        making.effect(statement);
        making.conditions(statement);
        making.resources(statement);
        making.principal(statement, account);
    }
    making.made
}

/// The account that holds what the policy is attached to.
fn owner(policy: &str, facts: &Facts) -> Option<AccountId> {
    let of_key = facts.held_keys().find(|key| key.policy == policy).map(|key| key.account);
    let is_trust = |each: &&crate::facts::Attached| each.trust.as_deref() == Some(policy);
    let of_role = || facts.identities.values().find(is_trust).map(|each| each.identity.account);
    let of_bucket =
        || facts.buckets.values().find(|each| each.policy.as_deref() == Some(policy)).map(|each| each.account);
    let of_other =
        || facts.resources.values().find(|each| each.policy.as_deref() == Some(policy)).map(|each| each.account);
    of_key.or_else(of_role).or_else(of_bucket).or_else(of_other)
}

/// The range of an element of a list with the comma that goes with it; the only one cannot go.
fn without(list: &[Span], index: usize) -> Option<Range<usize>> {
    let own = list.get(index)?.range();
    match (list.get(index + 1), index.checked_sub(1).and_then(|before| list.get(before))) {
        (Some(next), _) => Some(own.start..next.range().start),
        (None, Some(before)) => Some(before.range().end..own.end),
        (None, None) => None,
    }
}

struct Making<'t> {
    file: &'t str,
    text: &'t str,
    statement: String,
    of: Range<usize>,
    made: Vec<Mutant>,
}

impl Making<'_> {
    fn add(&mut self, fault: Fault, range: Range<usize>, with: &str, before: &str, after: &str) {
        if self.text.get(range.clone()).is_none_or(|old| old == with) {
            return;
        }
        let (file, statement, with) = (self.file.to_owned(), self.statement.clone(), with.to_owned());
        let (before, after, of) = (before.to_owned(), after.to_owned(), self.of.clone());
        self.made.push(Mutant { fault, file, statement, of, range, with, before, after, is_same: false });
    }

    /// The text of a value as written, without its quotes.
    fn raw(&self, text: &Text) -> Option<String> {
        self.text.get(text.span().range()).map(str::to_owned)
    }

    fn effect(&mut self, statement: &Value) {
        let Some(effect) = member(statement, "Effect").and_then(|effect| effect.value.as_text()) else { return };
        let other = if effect.as_str() == "Allow" { "Deny" } else { "Allow" };
        self.add(Fault::FlipEffect, effect.span().range(), other, effect.as_str(), other);
    }

    fn conditions(&mut self, statement: &Value) {
        let Some(condition) = member(statement, "Condition") else { return };
        let operators = members(&condition.value);
        for (at, operator) in operators.iter().enumerate() {
            self.swap(operator, operators);
            let keys = members(&operator.value);
            for (index, key) in keys.iter().enumerate() {
                self.drop_condition(statement, (operators, at), (keys, index));
                let name = self.raw(&key.name).unwrap_or_default();
                let misspelt = format!("{name}s");
                self.add(Fault::RenameKey, key.name.span().range(), &misspelt, &name, &misspelt);
                for value in texts(&key.value) {
                    self.widen(value, is_path(&key.name));
                }
            }
        }
    }

    /// The key goes, and with the last key its operator, and with the last operator the whole condition.
    fn drop_condition(&mut self, statement: &Value, operators: (&[Member], usize), keys: (&[Member], usize)) {
        let spans = |members: &[Member]| members.iter().map(whole).collect::<Vec<_>>();
        let own = members(statement);
        let of_statement = own.iter().position(|member| member.name.as_str() == "Condition");
        let range = without(&spans(keys.0), keys.1)
            .or_else(|| without(&spans(operators.0), operators.1))
            .or_else(|| without(&spans(own), of_statement?));
        let (Some(range), Some(operator), Some(key)) = (range, operators.0.get(operators.1), keys.0.get(keys.1)) else {
            return;
        };
        let before = format!("{} {}", operator.name.as_str(), key.name.as_str());
        self.add(Fault::DropCondition, range, "", &before, "");
    }

    fn swap(&mut self, operator: &Member, all: &[Member]) {
        let written = operator.name.as_str();
        let Ok(read) = Operator::parse(written) else { return };
        let Some((from, to)) = SWAPPED.iter().find(|(from, _)| *from == read.base) else { return };
        let swapped = written.replace(from.name(), to.name());
        // A second operator of the name would be refused.
        if all.iter().any(|other| other.name.as_str() == swapped) {
            return;
        }
        let values: Vec<&Text> = members(&operator.value).iter().flat_map(|key| texts(&key.value)).collect();
        let is_same = values.iter().all(|value| !value.as_str().contains(['*', '?']));
        let before = self.made.len();
        self.add(Fault::SwapOperator, operator.name.span().range(), &swapped, written, &swapped);
        if let Some(mutant) = self.made.get_mut(before) {
            mutant.is_same = is_same;
        }
    }

    fn resources(&mut self, statement: &Value) {
        for name in ["Resource", "NotResource"] {
            for value in member(statement, name).iter().flat_map(|member| texts(&member.value)) {
                self.widen(value, false);
            }
        }
    }

    /// Any Region and any account in an ARN, any account where an account stands alone, any Region in a host name.
    fn widen(&mut self, value: &Text, is_path: bool) {
        let Some(raw) = self.raw(value) else { return };
        let all = value.span().range();
        if let Some([_, _, region, account, _]) = fields(&raw) {
            let is_open =
                |field: &Range<usize>| raw.get(field.clone()).is_none_or(|text| text.is_empty() || text.contains('*'));
            for (fault, field) in [(Fault::WidenRegion, region), (Fault::WidenAccount, account)] {
                if !is_open(&field) {
                    let whole = all.start + field.start..all.start + field.end;
                    let widened = spliced(&raw, &field);
                    self.add(fault, whole, "*", &raw, &widened);
                }
            }
        } else if AccountId::parse(value.as_str()).is_ok() {
            self.add(Fault::WidenAccount, all, "*", &raw, "*");
        } else if is_path && let Some((service, rest)) = raw.split_once('.') {
            let region = rest.strip_suffix(".amazonaws.com").filter(|region| !region.contains('*'));
            if let Some(region) = region {
                let field = service.len() + 1..service.len() + 1 + region.len();
                let widened = spliced(&raw, &field);
                self.add(Fault::WidenRegion, all.start + field.start..all.start + field.end, "*", &raw, &widened);
            }
        }
    }

    fn principal(&mut self, statement: &Value, account: Option<AccountId>) {
        let Some(principal) = member(statement, "Principal") else { return };
        let Kind::Object(kinds) = &principal.value.kind else { return };
        let range = principal.value.span.range();
        let before = one_line(self.text.get(range.clone()).unwrap_or_default());
        if !texts_of_kinds(kinds).any(|text| text.as_str() == "*") {
            self.add(Fault::AddEveryone, range, "\"*\"", &before, "\"*\"");
        }
        let Some(account) = account else { return };
        let root = format!("arn:aws:iam::{account}:root");
        if texts_of_kinds(kinds).any(|text| text.as_str() == root || text.as_str() == account.as_str()) {
            return;
        }
        let aws = kinds.iter().find(|kind| kind.name.as_str() == "AWS").map(|kind| &kind.value);
        let (at, with) = match aws.map(|value| (&value.kind, value.span.range())) {
            Some((Kind::Array(values), range)) if !values.is_empty() => {
                (range.start + 1..range.start + 1, format!("\"{root}\", "))
            }
            Some((Kind::String(_), range)) => {
                let own = self.text.get(range.clone()).unwrap_or_default().to_owned();
                (range, format!("[\"{root}\", {own}]"))
            }
            Some(_) => return,
            None => {
                let start = principal.value.span.range().start + 1;
                (start..start, format!(" \"AWS\": \"{root}\","))
            }
        };
        let whole = principal.value.span.range();
        let written = |range: Range<usize>| self.text.get(range).unwrap_or_default();
        let after = one_line(&format!("{}{with}{}", written(whole.start..at.start), written(at.end..whole.end)));
        self.add(Fault::AddRoot, at, &with, &before, &after);
    }
}

/// Operators that are taken for each other.
const SWAPPED: [(Base, Base); 4] = [
    (Base::StringEquals, Base::StringLike),
    (Base::StringLike, Base::StringEquals),
    (Base::StringNotEquals, Base::StringNotLike),
    (Base::StringNotLike, Base::StringNotEquals),
];

/// Whether the values of a key are hosts that forward calls.
fn is_path(key: &Text) -> bool {
    key.as_str().eq_ignore_ascii_case("kms:ViaService")
}

/// Where the fields of an ARN stand in its text, the partition first; placeholders hold no colon.
fn fields(raw: &str) -> Option<[Range<usize>; 5]> {
    arn::split(raw)?;
    let mut start = "arn:".len();
    let mut ranges = [0..0, 0..0, 0..0, 0..0, 0..0];
    for (number, range) in ranges.iter_mut().enumerate() {
        let rest = raw.get(start..)?;
        let end = if number == 4 { raw.len() } else { start + rest.find(':')? };
        *range = start..end;
        start = end + 1;
    }
    Some(ranges)
}

fn spliced(raw: &str, range: &Range<usize>) -> String {
    format!("{}*{}", raw.get(..range.start).unwrap_or_default(), raw.get(range.end..).unwrap_or_default())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn members(value: &Value) -> &[Member] {
    match &value.kind {
        Kind::Object(members) => members,
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) | Kind::Array(_) => &[],
    }
}

/// A member from the quote of its name to the end of its value.
fn whole(member: &Member) -> Span {
    let name = member.name.span();
    Span { start: name.start.saturating_sub(1), end: member.value.span.end, ..name }
}

/// The strings of a value: itself, or those of its list.
fn texts(value: &Value) -> Vec<&Text> {
    match &value.kind {
        Kind::String(text) => vec![text],
        Kind::Array(values) => values.iter().flat_map(texts).collect(),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Object(_) => Vec::new(),
    }
}

fn texts_of_kinds(kinds: &[Member]) -> impl Iterator<Item = &Text> {
    kinds.iter().flat_map(|kind| texts(&kind.value))
}
