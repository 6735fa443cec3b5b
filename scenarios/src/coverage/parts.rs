//! What is there to cover in a statement, and what did a call see of it?

use std::ops::Range;

use permitlab_evaluator::action::ActionPattern;
use permitlab_evaluator::condition::Condition;
use permitlab_evaluator::eval::View;
use permitlab_evaluator::policy::{Policy, PolicyType, Statement};
use permitlab_evaluator::principal::PrincipalPattern;
use permitlab_evaluator::source::{SourceMap, Span};

use super::{Proof, range};

/// A statement, or an entry of one.
#[derive(Debug, Clone)]
pub struct Part {
    /// What it is.
    pub kind: Kind,
    /// The reference of its statement.
    pub statement: String,
    /// What it says, as written; of a statement its label.
    pub text: String,
    /// Where it stands in its file.
    pub range: Range<usize>,
    /// How many asserted calls it matched; of a statement, how many it decided.
    pub matched: usize,
    /// How many it did not match.
    pub failed: usize,
    /// Whether it matches every call there is, so that none shows it failing.
    pub is_constant: bool,
    /// The rule of the linter that proves it dead.
    pub dead: Option<&'static str>,
}

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A statement.
    Statement,
    /// An entry of `Principal` or `NotPrincipal`.
    Principal,
    /// An entry of `Action` or `NotAction`.
    Action,
    /// A value of a condition.
    Operand,
}

/// What became of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Exercised both ways; a statement decided a call.
    Covered,
    /// Seen one way only.
    Partly,
    /// Never seen, or never decided anything.
    Not,
    /// Proven dead.
    Dead,
}

impl Kind {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Statement => "statement",
            Self::Principal => "principal",
            Self::Action => "action",
            Self::Operand => "operand",
        }
    }
}

impl Mark {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Covered => "covered",
            Self::Partly => "partly",
            Self::Not => "not covered",
            Self::Dead => "dead",
        }
    }
}

impl Part {
    /// What became of it.
    pub fn mark(&self) -> Mark {
        let is_covered = match self.kind {
            Kind::Statement => self.matched > 0,
            Kind::Principal | Kind::Action | Kind::Operand => self.matched > 0 && (self.failed > 0 || self.is_constant),
        };
        let is_seen = self.matched > 0 || (self.failed > 0 && self.kind != Kind::Statement);
        match self.dead {
            Some(_) => Mark::Dead,
            None if is_covered => Mark::Covered,
            None if is_seen => Mark::Partly,
            None => Mark::Not,
        }
    }

    /// What no asserted call saw.
    pub fn missing(&self) -> &'static str {
        match (self.kind, self.matched, self.failed) {
            (Kind::Statement, ..) => "decides no call",
            (_, 0, 0) => "no call meets it",
            (_, 0, _) => "never matches",
            (..) => "always matches",
        }
    }
}

/// The parts of a statement, with what a call sees of each; of one that nobody looks at, nothing.
pub(super) fn parts(
    sources: &SourceMap,
    policy: &Policy,
    statement: &Statement,
    view: Option<&View<'_>>,
    decides: bool,
) -> Vec<Part> {
    let reference = policy.reference(statement);
    let is_seen = usize::from(view.is_some());
    let mut parts = Vec::new();
    each(policy, statement, view, |kind, span, matches, is_constant| {
        let matches = usize::from(if kind == Kind::Statement { decides } else { matches });
        let (start, end) = range(span);
        let text = if kind == Kind::Statement { statement.label() } else { sources.slice(span).to_owned() };
        let (statement, failed) = (reference.clone(), is_seen - matches);
        parts.push(Part {
            kind,
            statement,
            text,
            range: start..end,
            matched: matches,
            failed,
            is_constant,
            dead: None,
        });
    });
    parts
}

/// Visits a statement and its entries: what each is, where it stands, whether it matches, and whether it always does.
fn each(
    policy: &Policy,
    statement: &Statement,
    view: Option<&View<'_>>,
    mut visit: impl FnMut(Kind, Span, bool, bool),
) {
    visit(Kind::Statement, statement.span, false, false);
    for entry in statement.principal.iter().flat_map(|element| &element.entries) {
        let matches = view.is_some_and(|view| entry.value.covers(&view.request.principal).is_some());
        let is_constant = matches!(entry.value, PrincipalPattern::Everyone(_));
        visit(Kind::Principal, entry.text.span(), matches, is_constant);
    }
    for pattern in &statement.action.patterns {
        let matches = view.is_some_and(|view| pattern.value.matches(&view.request.action));
        visit(Kind::Action, pattern.text.span(), matches, is_every_action(&pattern.value, policy.kind));
    }
    for condition in &statement.conditions {
        for operand in &condition.operands {
            let alone = Condition { operands: vec![operand.clone()], ..condition.clone() };
            let matches = view.is_some_and(|view| alone.holds(view).holds());
            visit(Kind::Operand, operand.text.span(), matches, false);
        }
    }
}

/// Whether a pattern matches every action a policy of this type is asked about.
fn is_every_action(pattern: &ActionPattern, kind: PolicyType) -> bool {
    match pattern.service() {
        None => true,
        Some(service) => {
            let own = match kind {
                PolicyType::Key => "kms",
                PolicyType::Trust => "sts",
                PolicyType::Resource
                | PolicyType::Identity
                | PolicyType::Boundary
                | PolicyType::Session
                | PolicyType::VpcEndpoint
                | PolicyType::ServiceControl
                | PolicyType::ResourceControl => return false,
            };
            service.eq_ignore_ascii_case(own) && pattern.covers_name("")
        }
    }
}

/// Marks as dead what a proof is about: the entries it points to, or the whole statement where it points to its head.
pub(super) fn bury(parts: &mut [Part], proof: &Proof) {
    let Proof { range: Range { start, end }, code, is_whole, .. } = proof.clone();
    // A statement that decides is not dead in every world that attaches it.
    let whole = parts
        .iter()
        .filter(|part| part.matched == 0)
        .find(|part| part.kind == Kind::Statement && part.range.start <= start && end <= part.range.end)
        .map(|part| part.range.clone());
    for part in parts.iter_mut() {
        let is_named = part.range.start <= start && end <= part.range.end && part.kind != Kind::Statement;
        let is_inside =
            is_whole && whole.as_ref().is_some_and(|own| own.start <= part.range.start && part.range.end <= own.end);
        if is_named || is_inside {
            part.dead = Some(code);
        }
    }
}
