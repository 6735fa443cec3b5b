//! Which parts of the policies does no check exercise?
//!
//! A check that says what has to come of a call asserts something of every statement the call meets. The walk that explains
//! a decision is taken once more, entry by entry: an entry of `Principal` or `Action`, or an operand of a condition, is
//! covered when such calls saw it match and saw it not match; a statement when it decided one. A statement decides a call
//! when its Deny denies it, or when the call is allowed and its Allow is the one of its layer that lets it pass: a guardrail
//! and the delegation of a key policy are needed as much as the statement AWS's message would name. What the linter proves
//! dead counts apart.

mod parts;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use permitlab_evaluator::authorize::decide;
use permitlab_evaluator::decision::{Decision, Effect};
use permitlab_evaluator::derive;
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::eval::View;
use permitlab_evaluator::eval::policy::StatementIndex;
use permitlab_evaluator::eval::statement::applies;
use permitlab_evaluator::gather::{Applicable, gather};
use permitlab_evaluator::layer::{Layer, StatementRef};
use permitlab_evaluator::lint::{Finding, Level};
use permitlab_evaluator::policy::{self, Policies, Policy, Statement};
use permitlab_evaluator::request::Request;
use permitlab_evaluator::source::{SourceMap, Span};
use permitlab_evaluator::truth::{Rules, Unstated};
use permitlab_evaluator::world::World;
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::facts::{self, policy_name};
use crate::lint::attached::{Attached, Uses};
use crate::measure::policies;
use crate::replay::{Checked, Options, Outcome, Replayed, replay};
use crate::root::PolicyRoot;

pub use parts::{Kind, Mark, Part};

/// How far checks exercise the policies of the worlds they use.
#[derive(Debug)]
pub struct Coverage {
    /// The policies, by file and place.
    pub policies: Vec<PolicyCoverage>,
    /// The checks that do not hold; what they saw does not count.
    pub failed: Vec<String>,
    /// What cannot be replayed, and the texts it points into.
    pub invalid: Vec<(SourceMap, Vec<Diagnostic>)>,
}

/// How far checks exercise a policy.
#[derive(Debug)]
pub struct PolicyCoverage {
    /// What references call it: `role-eval-kms`.
    pub name: String,
    /// The file it stands in: a policy, or a world with the policy in it.
    pub file: String,
    /// The text of the file.
    pub text: String,
    /// Its statements and their entries, in the order of the text, a statement before its entries.
    pub parts: Vec<Part>,
}

/// How many parts have which mark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Covered.
    pub covered: usize,
    /// Seen, but one way only.
    pub partly: usize,
    /// Never seen.
    pub not: usize,
    /// Proven dead by the linter.
    pub dead: usize,
}

impl Counts {
    /// Those that checks could cover.
    pub const fn live(self) -> usize {
        self.covered + self.partly + self.not
    }

    /// The covered ones among those in percent; all where there are none.
    #[expect(clippy::cast_precision_loss, reason = "counts of statements are far below 2^52")]
    pub fn percent(self) -> f64 {
        if self.live() == 0 { 100.0 } else { self.covered as f64 * 100.0 / self.live() as f64 }
    }

    fn of<'p>(parts: impl IntoIterator<Item = &'p Part>) -> Self {
        let mut counts = Self::default();
        for part in parts {
            match part.mark() {
                Mark::Covered => counts.covered += 1,
                Mark::Partly => counts.partly += 1,
                Mark::Not => counts.not += 1,
                Mark::Dead => counts.dead += 1,
            }
        }
        counts
    }
}

impl PolicyCoverage {
    /// The marks of its parts.
    pub fn counts(&self) -> Counts {
        Counts::of(&self.parts)
    }

    /// The line and column of a part.
    pub fn place(&self, part: &Part) -> String {
        let (line, column) = source::position(&self.text, part.range.start);
        format!("{}:{line}:{column}", self.file)
    }

    /// The policy's own lines of its file, each with what became of its parts in the margin.
    pub fn source(&self) -> String {
        source::view(self)
    }
}

impl Coverage {
    /// The marks of all parts.
    pub fn counts(&self) -> Counts {
        Counts::of(self.policies.iter().flat_map(|policy| &policy.parts))
    }

    /// The coverage for programs.
    pub fn json(&self) -> Value {
        let part = |policy: &PolicyCoverage, part: &Part| {
            json!({ "kind": part.kind.word(), "statement": part.statement, "text": part.text, "at": policy.place(part),
                "mark": part.mark().word(), "matched": part.matched, "not_matched": part.failed, "dead": part.dead })
        };
        let counts = |counts: Counts| {
            json!({ "covered": counts.covered, "partly": counts.partly, "not": counts.not, "dead": counts.dead,
                "percent": counts.percent() })
        };
        let policy = |policy: &PolicyCoverage| {
            json!({ "policy": policy.name, "file": policy.file, "counts": counts(policy.counts()),
                "parts": policy.parts.iter().map(|each| part(policy, each)).collect::<Vec<_>>() })
        };
        json!({ "counts": counts(self.counts()), "failed": self.failed,
            "policies": self.policies.iter().map(policy).collect::<Vec<_>>() })
    }
}

/// Replays scenario files and says how far their checks exercise the policies of the worlds they use.
///
/// # Errors
/// What is wrong with `permitlab.toml`.
pub fn cover(root: &PolicyRoot, files: &[String], options: &Options) -> Result<Coverage, (SourceMap, Vec<Diagnostic>)> {
    let replayed: Vec<Replayed> = files.par_iter().map(|file| replay(root, file, options)).collect();
    let uses: Vec<Uses> = replayed.iter().map(|file| file.uses.clone()).collect();
    let mut seen = Seen::default();
    for own in distinct(&uses) {
        seen.uses(root, own);
    }
    let (mut failed, mut invalid) = (Vec::new(), Vec::new());
    for file in replayed {
        for check in &file.checks {
            match &check.outcome {
                Outcome::Passed => seen.check(&file.sources, check),
                Outcome::Failed(_) => failed.push(check.id.clone()),
                Outcome::Skipped(_) => {}
            }
        }
        if !file.findings.is_empty() {
            invalid.push((file.sources, file.findings));
        }
    }
    let mut policies = seen.policies(root);
    dead(root, &uses, &mut policies)?;
    Ok(Coverage { policies, failed, invalid })
}

/// Each combination of worlds and vars once.
pub(crate) fn distinct(uses: &[Uses]) -> Vec<&Uses> {
    let mut known = BTreeSet::new();
    uses.iter().filter(|own| known.insert(own.key())).collect()
}

/// What calls saw of the parts of policies.
#[derive(Default)]
struct Seen {
    /// By file and place of the statement.
    statements: BTreeMap<(String, usize), Vec<Part>>,
    /// What references call the policy of a file's statement.
    names: BTreeMap<(String, usize), String>,
}

impl Seen {
    /// Takes in what the asserted calls of a check saw.
    fn check(&mut self, sources: &SourceMap, check: &Checked) {
        for asked in check.asked.iter().filter(|asked| asked.is_asserted) {
            if let (Some(world), Some(request)) = (&asked.world, asked.request.as_deref()) {
                self.call(sources, world, request);
            }
        }
    }

    fn call(&mut self, sources: &SourceMap, world: &World, request: &Request) {
        let context = derive::context(world, request);
        let endpoint = derive::endpoint(request, &context);
        let applicable = gather(world, request, endpoint.as_deref());
        let decision = decide(&applicable, request, &context, Rules::NONE);
        let unstated = Unstated::default();
        let view = applicable.view(request, &context, &unstated);
        let deciding = deciding(&applicable, &decision, &view);
        for_each_statement(&applicable, |reference, policy, statement| {
            let view = View { kind: policy.kind, ..view };
            let seen = parts::parts(sources, policy, statement, Some(&view), deciding.contains(&reference));
            self.add(sources, policy, statement, seen);
        });
    }

    /// Takes in the policies of worlds, so that what no call meets is known too.
    fn uses(&mut self, root: &PolicyRoot, uses: &Uses) {
        let mut sources = SourceMap::new();
        let facts = facts::load(root, &mut sources, &uses.worlds, &uses.vars);
        let Ok(world) = facts.and_then(|facts| facts.world()) else { return };
        for policy in policies(&world) {
            for statement in &policy.statements {
                self.add(&sources, policy, statement, parts::parts(&sources, policy, statement, None, false));
            }
        }
    }

    /// Adds what was seen of a statement. One that a change edited is another than the one that is deployed.
    fn add(&mut self, sources: &SourceMap, policy: &Policy, statement: &Statement, seen: Vec<Part>) {
        let file = sources.name(statement.span.source);
        let place = (file.to_owned(), range(statement.span).0);
        let Some(known) = self.statements.get_mut(&place) else {
            self.names.insert(place.clone(), policy.name.to_string());
            self.statements.insert(place, seen);
            return;
        };
        let is_same = |(known, seen): (&Part, &Part)| (known.kind, &known.range) == (seen.kind, &seen.range);
        if known.len() != seen.len() || !known.iter().zip(&seen).all(is_same) {
            return;
        }
        for (known, seen) in known.iter_mut().zip(seen) {
            known.matched += seen.matched;
            known.failed += seen.failed;
        }
    }

    /// The policies that stand in files of the root. What a change brings, and what AWS wrote, is not theirs to cover.
    fn policies(self, root: &PolicyRoot) -> Vec<PolicyCoverage> {
        let mut all: Vec<PolicyCoverage> = Vec::new();
        for ((file, start), parts) in self.statements {
            let name = self.names.get(&(file.clone(), start)).cloned().unwrap_or_default();
            let name = if file.starts_with("policies/") { policy_name(&file).to_owned() } else { name };
            if let Some(policy) = all.iter_mut().find(|policy| policy.file == file && policy.name == name) {
                policy.parts.extend(parts);
                continue;
            }
            let mut sources = SourceMap::new();
            let id = root.read(&mut sources, &file).ok();
            let Some(text) = id.and_then(|id| sources.source(id)).map(|source| source.text().to_owned()) else {
                continue;
            };
            all.push(PolicyCoverage { name, file, text, parts });
        }
        all
    }
}

/// Visits every statement that has a say in a call.
pub(crate) fn for_each_statement(
    applicable: &Applicable<'_>,
    mut visit: impl FnMut(StatementRef, &Policy, &Statement),
) {
    for layer in Layer::ALL {
        for level in 0..applicable.levels(layer) {
            let policies = applicable.policies(layer, level).into_iter().flat_map(Policies::iter);
            for (number, policy) in policies.enumerate() {
                for statement in &policy.statements {
                    let index = StatementIndex::new(number, statement.index);
                    visit(StatementRef { layer, level, index }, policy, statement);
                }
            }
        }
    }
}

/// The statements that decide a call: the Deny that denies it, or of an allowed call the first Allow of each layer and
/// level, and the one the decision names.
fn deciding(applicable: &Applicable<'_>, decision: &Decision, view: &View<'_>) -> BTreeSet<StatementRef> {
    let mut deciding: BTreeSet<StatementRef> = decision.decided_by.into_iter().collect();
    if decision.effect != Effect::Allow {
        return deciding;
    }
    let named = decision.decided_by.map(|by| (by.layer, by.level));
    let mut met: BTreeSet<(Layer, usize)> = named.into_iter().collect();
    for_each_statement(applicable, |reference, policy, statement| {
        let view = View { kind: policy.kind, ..*view };
        let place = (reference.layer, reference.level);
        let is_first = statement.effect == policy::Effect::Allow && !met.contains(&place);
        if is_first && applies(statement, &view).holds() {
            met.insert(place);
            deciding.insert(reference);
        }
    });
    deciding
}

/// The rules of the linter that prove a part to do nothing.
const PROOFS: [&str; 6] = [
    "dead-permission",
    "missing-resource",
    "resource-matches-nothing",
    "shadowed-statement",
    "unknown-action",
    "unreadable-value",
];

/// Those of them that are about whole statements.
const WHOLE: [&str; 3] = ["missing-resource", "resource-matches-nothing", "shadowed-statement"];

/// A part of a policy that the linter proves dead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proof {
    /// The file.
    pub(crate) file: String,
    /// Where it points.
    pub(crate) range: Range<usize>,
    /// The rule.
    pub(crate) code: &'static str,
    /// Whether the statement that holds the place is dead as a whole.
    pub(crate) is_whole: bool,
}

/// What the linter proves dead in files, allowed or not.
pub(crate) fn proofs(
    root: &PolicyRoot,
    uses: &[Uses],
    files: &BTreeSet<&str>,
) -> Result<Vec<Proof>, (SourceMap, Vec<Diagnostic>)> {
    let mut sources = SourceMap::new();
    let attached = Attached::by(root, &mut sources, uses, Level::Suggestion);
    let mut attached = match attached {
        Ok(attached) => attached.strict(),
        Err(findings) => return Err((sources, findings)),
    };
    let (_, mut found) = attached.inline(&sources);
    let attached_files: BTreeSet<String> = attached.files().map(str::to_owned).collect();
    for file in files.iter().filter(|file| attached_files.contains(**file)) {
        let Ok(id) = root.read(&mut sources, file) else { continue };
        let text = sources.source(id).map(|source| source.text().to_owned()).unwrap_or_default();
        found.extend(attached.file(&mut sources, file, file, &text).unwrap_or_default());
    }
    let proof = |finding: &Finding| {
        let code = finding.diagnostic.code;
        let span = finding.diagnostic.span().filter(|_| PROOFS.contains(&code))?;
        let is_whole = WHOLE.contains(&code);
        Some(Proof { file: sources.name(span.source).to_owned(), range: span.range(), code, is_whole })
    };
    Ok(found.iter().filter_map(proof).collect())
}

/// Marks what the linter proves dead.
fn dead(root: &PolicyRoot, uses: &[Uses], policies: &mut [PolicyCoverage]) -> Result<(), (SourceMap, Vec<Diagnostic>)> {
    let files = policies.iter().map(|policy| policy.file.as_str()).collect();
    let proofs = proofs(root, uses, &files)?;
    for policy in policies.iter_mut() {
        for proof in proofs.iter().filter(|proof| proof.file == policy.file) {
            parts::bury(&mut policy.parts, proof);
        }
    }
    Ok(())
}

pub(crate) fn range(span: Span) -> (usize, usize) {
    let range = span.range();
    (range.start, range.end)
}
