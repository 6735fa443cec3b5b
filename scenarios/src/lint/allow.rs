//! Which findings does a policy repository live with, and why?
//!
//! `permitlab.toml` at the policy root says so, one entry a finding that was looked at:
//!
//! ```toml
//! [[lint.allow]]
//! rule = "dead-permission"
//! policy = "policies/key-eval.json"
//! sid = "Allow use by Bedrock"       # optional: only in the statement of this Sid
//! reason = "as AWS's page has it; the repaired policy stands beside it"
//! ```
//!
//! An entry without a reason is refused, and one that allows nothing any more is told, so that the list does not
//! outlive what it is about.

use std::collections::BTreeSet;

use permitlab_evaluator::diagnostic::{Diagnostic, closest};
use permitlab_evaluator::lint::{Finding, Level, REFUSALS, RULES};
use permitlab_evaluator::policy::Document;
use permitlab_evaluator::policy::document::member;
use permitlab_evaluator::source::{SourceId, SourceMap, Span};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::file::Text;
use crate::root::{MARKER, PolicyRoot};

/// The findings a policy root allows, and which of them were met.
#[derive(Debug, Clone, Default)]
pub struct AllowList {
    entries: Vec<Allowed>,
    used: BTreeSet<usize>,
}

/// One entry: a rule's findings in a policy, or in one statement of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// The code of the rule, or of a refusal.
    pub rule: Text,
    /// The policy's file, from the root.
    pub policy: Text,
    /// The Sid of the statement, if only one is meant.
    pub sid: Option<Text>,
    /// Why the finding stays.
    pub reason: Text,
}

impl AllowList {
    /// Reads the settings of a policy root.
    ///
    /// # Errors
    /// What is wrong with `permitlab.toml`, each at its place: no TOML, a setting nobody knows, an entry without a
    /// reason, a rule or a policy that is not there.
    pub fn read(root: &PolicyRoot, sources: &mut SourceMap) -> Result<Self, Vec<Diagnostic>> {
        let id = root.read(sources, MARKER).map_err(|error| vec![error.at(nowhere())])?;
        let text = sources.source(id).map(|source| source.text().to_owned()).unwrap_or_default();
        let mut reader = Reader { source: id, findings: Vec::new() };
        let entries = reader.settings(&text);
        for entry in &entries {
            if let Err(finding) = root.read_named(sources, &entry.policy) {
                reader.findings.push(finding);
            }
        }
        if reader.findings.is_empty() { Ok(Self { entries, used: BTreeSet::new() }) } else { Err(reader.findings) }
    }

    /// The entries, in the order written.
    pub fn entries(&self) -> &[Allowed] {
        &self.entries
    }

    /// The findings of a policy that are not allowed. Those that are count as met.
    pub fn sift(&mut self, policy: &str, document: &Document, findings: Vec<Finding>) -> Vec<Finding> {
        let mut kept = Vec::new();
        for finding in findings {
            let sid = finding.statement.and_then(|index| sid(document, index));
            let code = finding.diagnostic.code;
            let entries = (0..).zip(&self.entries);
            let met: Vec<usize> =
                entries.filter(|(_, entry)| entry.allows(policy, code, sid)).map(|(index, _)| index).collect();
            if met.is_empty() {
                kept.push(finding);
            }
            self.used.extend(met);
        }
        kept
    }

    /// The entries about policies that were looked at, and found nothing.
    pub fn unused(&self, looked_at: &BTreeSet<String>) -> Vec<Finding> {
        let entries = (0..).zip(&self.entries);
        let unused =
            entries.filter(|(index, entry)| !self.used.contains(index) && looked_at.contains(entry.policy.as_str()));
        unused.map(|(_, entry)| entry.unused()).collect()
    }
}

impl Allowed {
    fn allows(&self, policy: &str, code: &str, sid: Option<&str>) -> bool {
        let is_there = self.sid.as_ref().is_none_or(|own| sid == Some(own.as_str()));
        self.rule.as_str() == code && self.policy.as_str() == policy && is_there
    }

    fn unused(&self) -> Finding {
        let place = self
            .sid
            .as_ref()
            .map_or_else(|| format!("`{}`", self.policy), |sid| format!("the statement `{sid}` of `{}`", self.policy));
        let message = format!("`{}` finds nothing in {place} any more", self.rule);
        let diagnostic = Diagnostic::error("unused-allow", self.rule.span(), message).help("remove the entry");
        Finding { level: Level::Error, diagnostic, statement: None, repair: None }
    }
}

fn sid(document: &Document, statement: usize) -> Option<&str> {
    let statement = document.statements().get(statement)?;
    member(statement, "Sid")?.value.as_text().map(permitlab_evaluator::json::Text::as_str)
}

fn nowhere() -> Span {
    Span::new(SourceId::from_index(0), 0, 0)
}

/// Reads `permitlab.toml`, and goes on after what is wrong.
struct Reader {
    source: SourceId,
    findings: Vec<Diagnostic>,
}

impl Reader {
    fn settings(&mut self, text: &str) -> Vec<Allowed> {
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let span = self.span(error.span().unwrap_or_default());
            self.findings.push(Diagnostic::error("invalid-settings", span, error.message()).help("write TOML"));
        }
        let Some(lint) = self.only(table.get_ref(), "lint").and_then(|value| self.table(value)) else {
            return Vec::new();
        };
        let Some(entries) = self.only(lint, "allow") else { return Vec::new() };
        let DeValue::Array(list) = entries.get_ref() else {
            let span = self.span(entries.span());
            self.wrong(span, "`allow` is no list of entries", "begin each entry with `[[lint.allow]]`");
            return Vec::new();
        };
        list.iter().filter_map(|entry| self.entry(entry)).collect()
    }

    /// The value of the only key that a table may have.
    fn only<'t>(&mut self, table: &'t DeTable<'t>, name: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.known(table, &[name]);
        member_of(table, name)
    }

    /// Reports the keys that nobody knows.
    fn known(&mut self, table: &DeTable<'_>, names: &[&str]) {
        for key in table.keys().filter(|key| !names.contains(&key.get_ref().as_ref())) {
            let written = key.get_ref().as_ref();
            let help = match closest(written, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("what can be set here: {}", names.join(", ")),
            };
            let finding =
                Diagnostic::error("unknown-setting", self.span(key.span()), format!("there is no `{written}` here"));
            self.findings.push(finding.help(help));
        }
    }

    fn entry(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Allowed> {
        let table = self.table(value)?;
        self.known(table, &["rule", "policy", "sid", "reason"]);
        let place = self.span(value.span());
        let (rule, policy) = (self.required(table, "rule", place), self.required(table, "policy", place));
        let reason = self.required(table, "reason", place);
        let sid = member_of(table, "sid").and_then(|value| self.text(value));
        let rule = rule.filter(|rule| self.is_rule(rule));
        let reason = reason.filter(|reason| self.is_said(reason));
        Some(Allowed { rule: rule?, policy: policy?, sid, reason: reason? })
    }

    fn is_rule(&mut self, rule: &Text) -> bool {
        let codes: Vec<_> = RULES.iter().map(|rule| rule.code).chain(REFUSALS).collect();
        if codes.contains(&rule.as_str()) {
            return true;
        }
        let help = closest(rule.as_str(), codes).map_or_else(
            || "write the code as `permitlab lint` prints it, in brackets".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let message = format!("there is no rule `{rule}`");
        self.findings.push(Diagnostic::error("unknown-rule", rule.span(), message).help(help));
        false
    }

    fn is_said(&mut self, reason: &Text) -> bool {
        let is_said = !reason.as_str().trim().is_empty();
        if !is_said {
            self.wrong(reason.span(), "the reason is empty", "say why the finding stays");
        }
        is_said
    }

    fn required(&mut self, table: &DeTable<'_>, name: &str, place: Span) -> Option<Text> {
        if let Some(value) = member_of(table, name) {
            return self.text(value);
        }
        let finding = Diagnostic::error("missing-key", place, format!("the entry has no `{name}`"));
        self.findings.push(finding.help("an entry has `rule`, `policy` and `reason`, and may have `sid`"));
        None
    }

    fn table<'t>(&mut self, value: &'t Spanned<DeValue<'t>>) -> Option<&'t DeTable<'t>> {
        if let DeValue::Table(table) = value.get_ref() {
            return Some(table);
        }
        let span = self.span(value.span());
        self.wrong(span, "this is no table", "begin it with `[[lint.allow]]`");
        None
    }

    fn text(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Text> {
        let span = self.span(value.span());
        if let DeValue::String(text) = value.get_ref() {
            // A text without escapes stands between its quotes as it is.
            let is_plain = span.range().len() == text.len() + 2;
            let inside = Span { start: span.start + 1, end: span.end - 1, ..span };
            return Some(Text::new(text.as_ref(), if is_plain { inside } else { span }));
        }
        self.wrong(span, "this is no text", "write it in quotes");
        None
    }

    fn wrong(&mut self, span: Span, message: &str, help: &str) {
        self.findings.push(Diagnostic::error("invalid-settings", span, message).help(help));
    }

    fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span::new(self.source, range.start, range.end)
    }
}

fn member_of<'t>(table: &'t DeTable<'t>, name: &str) -> Option<&'t Spanned<DeValue<'t>>> {
    table.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| value)
}
