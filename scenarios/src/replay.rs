//! Do the checks of a scenario file hold?
//!
//! A file is read, its worlds are merged, each check is spread over its matrix, asked of the evaluator and compared
//! with what it expects. A check never passes on a guess: an answer that hangs on a key nobody stated, or on a rule
//! the reference is unsure of, fails unless every answer left open is one the check expects, or it accepts the rule.

mod ask;
mod expect;
mod need;
mod select;
pub(crate) mod sweep;

use std::collections::BTreeMap;
use std::sync::Arc;

use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::json::next_placeholder;
use permitlab_evaluator::policy::{self, PolicyType};
use permitlab_evaluator::request::Request;
use permitlab_evaluator::source::{SourceId, SourceMap, Span};
use permitlab_evaluator::world::World;
use rayon::prelude::*;

use crate::change;
use crate::facts::{self, Facts, SessionFacts, read_policy};
use crate::file::flow::Flow;
use crate::file::scenario::{CallQuestion, Check, PolicyType as WrittenType, Question, Scenario, Skip};
use crate::file::{self, At, Named, PolicySource, Text};
use crate::judge::Judgement;
use crate::lint::attached::Uses;
use crate::oracle::{Engine, Opinion};
use crate::placeholders::{Scope, fill};
use crate::reference;
use crate::root::PolicyRoot;
use crate::suggest::{Suggestion, suggest};

pub use ask::Places;
pub(crate) use ask::{Resolved, check_resource_policy, resolve, via_service};
pub use select::Selection;

/// What came of a scenario file.
#[derive(Debug)]
pub struct Replayed {
    /// The file, from the root: `cases/bedrock/via-service.yaml`.
    pub file: String,
    /// Every text that was read.
    pub sources: SourceMap,
    /// Why the file or a part of it cannot be replayed.
    pub findings: Vec<Diagnostic>,
    /// The worlds it uses.
    pub uses: Uses,
    /// Its checks, one a matrix cell, in the order written.
    pub checks: Vec<Checked>,
    /// How many checks the changes of [`Options`] applied to.
    pub changed: usize,
    /// Why they did not apply to the first of the others.
    pub unchanged: Option<Diagnostic>,
}

/// What came of a check in one cell of its matrix.
#[derive(Debug, Clone)]
pub struct Checked {
    /// `topic/behaviour::check name[cell]`.
    pub id: String,
    /// Where the check is written.
    pub span: Span,
    /// Whether it holds.
    pub outcome: Outcome,
    /// The calls it asked about.
    pub asked: Vec<Asked>,
}

/// Whether a check holds.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It does.
    Passed,
    /// It does not, for these reasons.
    Failed(Vec<Problem>),
    /// It was not asked.
    Skipped(String),
}

impl Outcome {
    /// `passed`, `failed` or `skipped`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
        }
    }
}

/// Why a check does not hold.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Stable name of the kind of problem.
    pub code: &'static str,
    /// What was expected and what came.
    pub message: String,
    /// Where the expectation is written.
    pub span: Span,
    /// Which of the asked calls it is about.
    pub asked: Option<usize>,
    /// What to do about it.
    pub help: Option<String>,
}

/// A call a check asked about.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The step of a flow.
    pub step: Option<Step>,
    /// What came of it.
    pub judgement: Judgement,
    /// Where the parts of the call are written.
    pub places: Places,
    /// The call as the evaluator saw it; none where no policy of a customer's has a say.
    pub request: Option<Box<Request>>,
    /// What would let a denied call pass, where it was looked for.
    pub suggestion: Option<Suggestion>,
    /// The second opinion, where one was asked for, or why there is none.
    pub second: Option<Result<Opinion, String>>,
    /// The world it was asked in.
    pub world: Option<Arc<World>>,
    /// Whether the check says what has to come of it. A step of a flow that nobody needs may come to anything.
    pub is_asserted: bool,
}

/// A step of a flow.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its id.
    pub id: String,
    /// Whether the work fails when it is denied.
    pub required: bool,
}

/// What a replay needs to know from outside.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The date of today, `YYYY-MM-DD`, to tell expired skips. Without it no skip expires.
    pub today: Option<String>,
    /// Changes that apply to every check after its own, where its world knows what they change.
    pub changes: Vec<String>,
    /// Whether only to decide the calls, without comparing them with what is expected.
    pub only_decide: bool,
    /// Whether to look for what would let denied calls pass also where a denial is expected.
    pub suggest: bool,
    /// Whether to look through all calls for what suggestions grant also where a denial is expected.
    pub prove_suggestions: bool,
    /// How much is wanted.
    pub detail: Detail,
    /// Who decides.
    pub engine: Engine,
    /// Which checks are asked for; what is wrong with a file is told all the same.
    pub selection: Selection,
}

/// Replays scenario files of a policy root on all cores. What comes of them is in the order of the files; `done` hears of
/// each, in the order in which they are ready.
pub fn replay_all(root: &PolicyRoot, files: &[String], options: &Options, done: impl Fn() + Sync) -> Vec<Replayed> {
    let one = |file: &String| {
        let replayed = replay(root, file, options);
        done();
        replayed
    };
    files.par_iter().map(one).collect()
}

/// How much of a replay is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Detail {
    /// All of it, with what would let denied calls pass.
    #[default]
    Full,
    /// What holds and what does not.
    Brief,
    /// The same up to the first check that does not hold.
    FirstFailure,
}

/// Replays a scenario file of a policy root.
pub fn replay(root: &PolicyRoot, path: &str, options: &Options) -> Replayed {
    let mut replayed = Replayed::of(path);
    let id = match root.read(&mut replayed.sources, path) {
        Ok(id) => id,
        Err(error) => {
            replayed.findings.push(Diagnostic {
                code: error.code(),
                severity: permitlab_evaluator::diagnostic::Severity::Error,
                message: error.to_string(),
                annotations: Vec::new(),
                help: Some(error.help()),
                notes: Vec::new(),
            });
            return replayed;
        }
    };
    read(root, replayed, id, options)
}

/// Replays a text as a scenario file of a policy root would be.
pub(crate) fn replay_text(root: &PolicyRoot, name: &str, text: &str, options: &Options) -> Replayed {
    let mut replayed = Replayed::of(name);
    match replayed.sources.add(name, text) {
        Ok(id) => read(root, replayed, id, options),
        Err(_) => replayed,
    }
}

fn read(root: &PolicyRoot, mut replayed: Replayed, id: SourceId, options: &Options) -> Replayed {
    let path = replayed.file.clone();
    let scenario = match file::read_scenario(&replayed.sources, id) {
        Ok(scenario) => scenario,
        Err(findings) => {
            replayed.findings = findings;
            return replayed;
        }
    };
    replayed.uses = Uses { worlds: scenario.worlds.clone(), vars: scenario.vars.clone() };
    let Replayed { sources, .. } = &mut replayed;
    let facts = match facts::load(root, sources, &scenario.worlds, &scenario.vars) {
        Ok(facts) => facts,
        Err(findings) => return Replayed { findings, ..replayed },
    };
    let (scenario, topic, facts) = (&scenario, topic(&path), Arc::new(facts));
    let (findings, unchanged) = (Vec::new(), None);
    let mut run = Run { root, sources, scenario, facts, world: None, options, topic, findings, changed: 0, unchanged };
    let checks = run.checks();
    let Run { findings, changed, unchanged, .. } = run;
    Replayed { findings, checks, changed, unchanged, ..replayed }
}

impl Replayed {
    fn of(path: &str) -> Self {
        let (sources, findings, checks) = (SourceMap::new(), Vec::new(), Vec::new());
        Self { file: path.to_owned(), sources, findings, uses: Uses::default(), checks, changed: 0, unchanged: None }
    }
}

/// The first part of the ids of a file's checks: `bedrock/via-service`.
pub fn topic(path: &str) -> &str {
    let path = path.strip_prefix("cases/").unwrap_or(path);
    path.rsplit_once('.').map_or(path, |(stem, _)| stem)
}

struct Run<'r> {
    root: &'r PolicyRoot,
    sources: &'r mut SourceMap,
    scenario: &'r Scenario,
    facts: Arc<Facts>,
    /// The world of these facts, which most checks share.
    world: Option<Arc<World>>,
    options: &'r Options,
    topic: &'r str,
    findings: Vec<Diagnostic>,
    changed: usize,
    unchanged: Option<Diagnostic>,
}

/// A cell of a matrix: axis to value.
type Cell = BTreeMap<String, String>;

type Found<T> = Result<T, Vec<Diagnostic>>;

impl Run<'_> {
    fn checks(&mut self) -> Vec<Checked> {
        let mut checked: Vec<Checked> = Vec::new();
        for check in &self.scenario.checks {
            let first = checked.len();
            for cell in self.cells(check) {
                if !self.is_selected(check, &cell) {
                    continue;
                }
                match self.check(check, &cell) {
                    Ok(result) => {
                        if let Some(first) = checked.iter().find(|other| other.id == result.id) {
                            self.findings.push(same_id(&result, first));
                        }
                        let is_enough =
                            self.options.detail == Detail::FirstFailure && matches!(result.outcome, Outcome::Failed(_));
                        checked.push(result);
                        if is_enough {
                            return checked;
                        }
                    }
                    // A check that a change from outside breaks is one that change does not apply to.
                    Err(findings) if !self.options.changes.is_empty() => {
                        let first = findings.into_iter().next();
                        self.unchanged = self.unchanged.take().or(first);
                    }
                    Err(findings) => {
                        for finding in findings {
                            let finding = self.at_axis(finding, check, &cell);
                            if !self.findings.contains(&finding) {
                                self.findings.push(finding);
                            }
                        }
                    }
                }
            }
            // A rule that one cell accepts may be what the answer of another hangs on.
            if self.options.only_decide || !self.options.selection.is_all() {
                continue;
            }
            let cells = checked.get(first..).unwrap_or_default();
            let needless: Vec<_> = check
                .accepted_rules
                .iter()
                .filter(|rule| !self.is_relied_on(rule, cells))
                .map(needless_accept)
                .collect();
            self.findings.extend(needless);
        }
        checked
    }

    /// Whether a check is asked for. One that has no id is, so that the reason is told.
    fn is_selected(&self, check: &Check, cell: &Cell) -> bool {
        let selection = &self.options.selection;
        let tags = self.scenario.tags.iter().chain(&check.tags).map(Text::as_str);
        selection.is_all() || self.id(check, cell).map_or(true, |id| selection.takes(&id, tags))
    }

    /// Whether an answer in some cell hangs on an accepted rule. What is not asked as written may well not.
    fn is_relied_on(&self, rule: &Text, cells: &[Checked]) -> bool {
        let is_changed = !self.options.changes.is_empty();
        let was_asked = cells.iter().any(|cell| !cell.asked.is_empty());
        let mut asked = cells.iter().flat_map(|cell| &cell.asked);
        is_changed || !was_asked || asked.any(|each| each.judgement.accepted.contains(&rule.as_str()))
    }

    /// The cells of a check's matrix; `calls` and `resources` with several entries are axes too.
    fn cells(&mut self, check: &Check) -> Vec<Cell> {
        self.findings.extend(self.facts.vars.shadowed_by(&check.matrix));
        let mut cells = vec![Cell::new()];
        let mut spread = |name: &str, values: &[Text]| {
            cells = cells
                .iter()
                .flat_map(|cell| values.iter().map(move |value| with(cell, name, value.as_str())))
                .collect();
        };
        for (name, values) in check.matrix.iter() {
            let filled: Result<Vec<_>, _> =
                values.iter().map(|value| fill(value, &Scope::new(&self.facts.vars))).collect();
            match filled {
                Ok(filled) => spread(name.as_str(), &filled),
                Err(findings) => self.findings.extend(findings),
            }
        }
        if let Question::Call(call) = &check.question {
            for (axis, values) in [("call", &call.calls), ("resource", &call.resources)] {
                if values.len() > 1 {
                    spread(axis, values);
                }
            }
        }
        cells
    }

    /// A finding at a placeholder of the matrix, moved to the value that stands for it in a cell; beside a finding about
    /// more than the placeholder, that value.
    fn at_axis(&self, mut finding: Diagnostic, check: &Check, cell: &Cell) -> Diagnostic {
        let Some(place) = finding.span() else { return finding };
        let text = self.sources.source(place.source).and_then(|source| source.text().get(place.range()));
        let Some((range, axis)) = text.and_then(|text| next_placeholder(text, 0)) else { return finding };
        let filled = |value: &&Text| {
            fill(value, &Scope::new(&self.facts.vars))
                .is_ok_and(|value| cell.get(axis).is_some_and(|own| own == value.as_str()))
        };
        let Some(value) = check.matrix.get(axis).and_then(|values| values.iter().find(filled)) else { return finding };
        let is_whole = text.is_some_and(|text| range == (0..text.len()));
        match finding.annotations.first_mut().filter(|_| is_whole) {
            Some(primary) => {
                primary.span = value.span();
                finding.also(place, "stands here")
            }
            None => finding.also(value.span(), format!("`{axis}` is this")),
        }
    }

    fn check(&mut self, check: &Check, cell: &Cell) -> Found<Checked> {
        let id = self.id(check, cell)?;
        let span = check.name.span();
        if let Some(skip) = &check.skip {
            return Ok(Checked { id, span, outcome: self.skipped(skip), asked: Vec::new() });
        }
        let mut asked;
        let problems = match &check.question {
            Question::Call(call) => {
                let facts = self.changed(check, cell)?;
                let facts = self.with_session(facts, check, &call.by, cell)?;
                let facts = self.with_new_policy(facts, call, cell)?;
                let facts = self.with_outside(facts);
                let case = expect::case(&call.expect, cell, check, &self.facts.vars)?;
                let ask = self.asking(&facts, check, cell)?;
                let world = self.world(&facts)?;
                asked = vec![ask.call(&world, call)?];
                let problems = self.compared(|| expect::call(&facts, &asked, 0, &case.outcome, &ask.scope()))?;
                self.suggest(&facts, &mut asked, &problems);
                problems
            }
            Question::Flow { flow, with, expect } => {
                if let Some(session) = &check.session {
                    let message = "`session` in a check of a flow, whose steps have callers of their own";
                    let finding = Diagnostic::error("misplaced-key", session.span, message);
                    return Err(vec![finding.help("ask about the single call whose session it is")]);
                }
                let facts = self.changed(check, cell)?;
                let facts = self.with_outside(facts);
                let case = expect::case(expect, cell, check, &self.facts.vars)?;
                let flow = self.flow(flow)?;
                let bindings = Self::bindings(&facts, &flow, with, cell, flow_span(check))?;
                let ask = self.asking(&facts, check, cell)?;
                let world = self.world(&facts)?;
                asked = ask.flow(&world, &flow, &bindings)?;
                for each in &mut asked {
                    each.is_asserted = expect::asserts(each, &case.outcome);
                }
                let problems = self.compared(|| expect::flow(&facts, &asked, &case.outcome, &ask.scope()))?;
                self.suggest(&facts, &mut asked, &problems);
                problems
            }
            Question::Policy { policy, policy_type, expect } => {
                let case = expect::case(expect, cell, check, &self.facts.vars)?;
                let findings = self.policy_findings(policy, *policy_type, cell)?;
                asked = Vec::new();
                expect::policy(self.sources, &findings, &case.outcome, case.span)
            }
            Question::Ask { ask, exactly } => {
                let facts = self.changed(check, cell)?;
                let world = self.world(&facts)?;
                asked = Vec::new();
                sweep::ask(&facts, &world, ask, exactly, &Scope::new(&facts.vars).with(cell))?
            }
            Question::Never(never) => {
                let facts = self.changed(check, cell)?;
                let world = self.world(&facts)?;
                asked = Vec::new();
                sweep::never(&facts, &world, never, &Scope::new(&facts.vars).with(cell), span)?
            }
        };
        let mut problems = problems;
        problems.extend(asked.iter().enumerate().filter_map(|(at, each)| differing(at, each, span)));
        let outcome = if problems.is_empty() { Outcome::Passed } else { Outcome::Failed(problems) };
        Ok(Checked { id, span, outcome, asked })
    }

    /// Looks for what would let denied calls pass: those that a problem is about, or all.
    fn suggest(&mut self, facts: &Facts, asked: &mut [Asked], problems: &[Problem]) {
        if self.options.detail != Detail::Full {
            return;
        }
        for (index, each) in asked.iter_mut().enumerate() {
            let is_problem = problems.iter().any(|problem| problem.asked.is_none_or(|about| about == index));
            if !self.options.suggest && !is_problem {
                continue;
            }
            let with_grants = self.options.prove_suggestions || is_problem;
            let suggest = |request: &Request| suggest(facts, self.sources, request, &each.judgement, with_grants);
            each.suggestion = each.request.as_deref().and_then(suggest);
        }
    }

    fn compared(&self, compare: impl FnOnce() -> Found<Vec<Problem>>) -> Found<Vec<Problem>> {
        if self.options.only_decide { Ok(Vec::new()) } else { compare() }
    }

    /// `topic/behaviour::name[cell]`: the cell names the axes that the name does not use.
    fn id(&self, check: &Check, cell: &Cell) -> Found<String> {
        let name = fill(&check.name, &Scope::new(&self.facts.vars).with(cell))?;
        let used = |axis: &str| check.name.as_str().contains(&format!("{{{{{axis}}}}}"));
        let rest: Vec<_> =
            cell.iter().filter(|(axis, _)| !used(axis)).map(|(axis, value)| format!("{axis}={value}")).collect();
        let cell = if rest.is_empty() { String::new() } else { format!("[{}]", rest.join(",")) };
        Ok(format!("{}::{name}{cell}", self.topic))
    }

    fn skipped(&self, skip: &At<Skip>) -> Outcome {
        let until = skip.value.until.as_ref().map(Text::as_str);
        match (until, self.options.today.as_deref()) {
            (Some(until), Some(today)) if until < today => Outcome::Failed(vec![Problem {
                code: "expired-skip",
                message: format!("skipped until {until}, which is past: {}", skip.value.reason),
                span: skip.span,
                asked: None,
                help: Some("remove the skip, or give it a later date and a reason that still holds".to_owned()),
            }]),
            _ => Outcome::Skipped(skip.value.reason.to_string()),
        }
    }

    /// The facts with the check's changes applied.
    fn changed(&mut self, check: &Check, cell: &Cell) -> Found<Arc<Facts>> {
        let mut facts = self.facts.clone();
        if check.changes.is_empty() {
            return Ok(facts);
        }
        let own = Arc::make_mut(&mut facts);
        for change in &check.changes {
            let change = fill(change, &Scope::new(&self.facts.vars).with(cell))?;
            change::apply(own, self.root, self.sources, &change).map_err(|finding| vec![*finding])?;
        }
        Ok(facts)
    }

    /// The world of facts, made once for those that no check changes.
    fn world(&mut self, facts: &Arc<Facts>) -> Found<Arc<World>> {
        if !Arc::ptr_eq(facts, &self.facts) {
            return facts.world().map(Arc::new);
        }
        if self.world.is_none() {
            self.world = Some(Arc::new(facts.world()?));
        }
        self.world.clone().map_or_else(|| facts.world().map(Arc::new), Ok)
    }

    /// The facts with the changes from outside applied, where they apply to this world.
    fn with_outside(&mut self, facts: Arc<Facts>) -> Arc<Facts> {
        if self.options.changes.is_empty() {
            return facts;
        }
        match self.changed_from_outside(Facts::clone(&facts)) {
            Ok(changed) => {
                self.changed += 1;
                Arc::new(changed)
            }
            Err(finding) => {
                self.unchanged.get_or_insert(*finding);
                facts
            }
        }
    }

    /// The facts with what the check says of its caller's session (R5.9).
    fn with_session(&mut self, mut shared: Arc<Facts>, check: &Check, by: &Text, cell: &Cell) -> Found<Arc<Facts>> {
        let Some(At { value: session, .. }) = &check.session else { return Ok(shared) };
        let facts = Arc::make_mut(&mut shared);
        let scope = Scope::new(&self.facts.vars).with(cell);
        let principal = reference::caller(facts, &fill(by, &scope)?).map_err(|finding| vec![*finding])?;
        let mut policies = Vec::new();
        for (index, source) in session.policies.iter().enumerate() {
            let owner = format!("session/{index}");
            let document = read_policy(self.root, self.sources, &self.facts.vars, source, &owner)?;
            policies.push(document.name.to_string());
            facts.add_document(document, PolicyType::Session);
        }
        let mut tags = BTreeMap::new();
        for (name, value) in session.tags.iter() {
            tags.insert(name.as_str().to_owned(), fill(value, &scope)?.as_str().to_owned());
        }
        let source_identity = session.source_identity.as_ref().map(|text| fill(text, &scope)).transpose()?;
        let source_identity = source_identity.map(|text| text.as_str().to_owned());
        facts.session = Some(SessionFacts { principal, policies, tags, source_identity });
        Ok(shared)
    }

    /// The facts with the key policy that the call brings (R6.10).
    fn with_new_policy(&mut self, mut shared: Arc<Facts>, call: &CallQuestion, cell: &Cell) -> Found<Arc<Facts>> {
        let Some(source) = &call.new_policy else { return Ok(shared) };
        let source = self.in_cell(source, cell)?;
        let document = read_policy(self.root, self.sources, &self.facts.vars, &source, "new policy")?;
        let facts = Arc::make_mut(&mut shared);
        facts.new_policy = Some(document.name.to_string());
        facts.add_document(document, PolicyType::Key);
        Ok(shared)
    }

    fn changed_from_outside(&mut self, mut facts: Facts) -> Result<Facts, Box<Diagnostic>> {
        for change in &self.options.changes {
            let Ok(id) = self.sources.add("--change", change.as_str()) else { continue };
            let text = Text::new(change.as_str(), Span::new(id, 0, change.len()));
            change::apply(&mut facts, self.root, self.sources, &text)?;
        }
        Ok(facts)
    }

    fn asking<'a>(&self, facts: &'a Facts, check: &'a Check, cell: &'a Cell) -> Found<ask::Asking<'a>> {
        ask::Asking::new(facts, check, cell, &self.scenario.context, self.options.engine)
    }

    /// The flow of a name: `flows/` holds one a file.
    fn flow(&mut self, name: &Text) -> Found<Flow> {
        let mut names = Vec::new();
        for path in self.root.flow_files().map_err(|error| vec![unlisted(&error.to_string(), name.span())])? {
            let id = self.root.read(self.sources, &path).map_err(|error| vec![error.at(name.span())])?;
            let flow = file::read_flow(self.sources, id)?;
            if flow.flow.as_str() == name.as_str() {
                return Ok(flow);
            }
            names.push(flow.flow.to_string());
        }
        let known = names.iter().map(String::as_str);
        let help = match permitlab_evaluator::diagnostic::closest(name.as_str(), known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("flows are files under `flows/`; there is {}", names.join(", ")),
        };
        Err(vec![Diagnostic::error("unknown-flow", name.span(), format!("no flow is called `{name}`")).help(help)])
    }

    /// What a flow's needs stand for: bound by `with`, or by their defaults. An optional need stays unbound.
    fn bindings(facts: &Facts, flow: &Flow, with: &Named<Text>, cell: &Cell, span: Span) -> Found<Cell> {
        let mut bindings = Cell::new();
        for (name, value) in with.iter() {
            if flow.needs.get(name.as_str()).is_none() {
                return Err(vec![unknown_need(flow, name)]);
            }
            let value = fill(value, &Scope::new(&facts.vars).with(cell))?;
            bindings.insert(name.as_str().to_owned(), value.as_str().to_owned());
            if let Some(need) = flow.needs.get(name.as_str()) {
                need::check(facts, name, need, &value).map_err(|finding| vec![*finding])?;
            }
        }
        for (name, need) in flow.needs.iter() {
            if bindings.contains_key(name.as_str()) {
                continue;
            }
            match &need.default {
                Some(default) => {
                    let value = fill(default, &Scope::new(&facts.vars).with(&bindings))?;
                    need::check(facts, name, need, &value).map_err(|finding| vec![*finding])?;
                    bindings.insert(name.as_str().to_owned(), value.as_str().to_owned());
                }
                None if need.is_optional => {}
                None => {
                    let message = format!("the flow needs `{name}`");
                    let finding = Diagnostic::error("missing-need", span, message).also(name.span(), "needed here");
                    return Err(vec![finding.help(format!("bind it: `with: {{ {name}: … }}`"))]);
                }
            }
        }
        Ok(bindings)
    }

    /// A policy whose path may use the matrix.
    fn in_cell(&self, source: &PolicySource, cell: &Cell) -> Found<PolicySource> {
        Ok(match source {
            PolicySource::File(path) => PolicySource::File(fill(path, &Scope::new(&self.facts.vars).with(cell))?),
            PolicySource::Inline(text) => PolicySource::Inline(text.clone()),
        })
    }

    /// What AWS would say of a policy: its findings, errors and warnings.
    fn policy_findings(&mut self, source: &PolicySource, kind: At<WrittenType>, cell: &Cell) -> Found<Vec<Diagnostic>> {
        let source = self.in_cell(source, cell)?;
        match read_policy(self.root, self.sources, &self.facts.vars, &source, "the check") {
            Ok(document) => Ok(policy::parse(&document, policy_type(kind.value)).diagnostics),
            Err(findings)
                if findings
                    .iter()
                    .any(|finding| finding.span().is_some_and(|span| span.source == source.span().source)) =>
            {
                Err(findings)
            }
            Err(findings) => Ok(findings),
        }
    }
}

fn with(cell: &Cell, axis: &str, value: &str) -> Cell {
    let mut cell = cell.clone();
    cell.insert(axis.to_owned(), value.to_owned());
    cell
}

fn flow_span(check: &Check) -> Span {
    match &check.question {
        Question::Flow { flow, .. } => flow.span(),
        Question::Call(_) | Question::Policy { .. } | Question::Ask { .. } | Question::Never(_) => check.name.span(),
    }
}

fn unlisted(message: &str, span: Span) -> Diagnostic {
    Diagnostic::error("unreadable-folder", span, message).help("check that the folder may be read")
}

fn unknown_need(flow: &Flow, name: &Text) -> Diagnostic {
    let help = match permitlab_evaluator::diagnostic::closest(name.as_str(), flow.needs.names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it needs {}", flow.needs.names().collect::<Vec<_>>().join(", ")),
    };
    Diagnostic::error("unknown-need", name.span(), format!("the flow does not need `{name}`")).help(help)
}

fn needless_accept(rule: &Text) -> Diagnostic {
    Diagnostic::error("needless-accept", rule.span(), format!("no answer of this check hangs on `{rule}`"))
        .help("remove it: a rule accepted in vain hides the day when an answer begins to hang on it")
}

fn same_id(second: &Checked, first: &Checked) -> Diagnostic {
    Diagnostic::error("duplicate-name", second.span, format!("two checks have the id `{}`", second.id))
        .also(first.span, "the first")
        .help("give each check a name of its own, or use the matrix axes in it")
}

fn policy_type(kind: WrittenType) -> PolicyType {
    match kind {
        WrittenType::Identity => PolicyType::Identity,
        WrittenType::Key => PolicyType::Key,
        WrittenType::Bucket | WrittenType::Resource => PolicyType::Resource,
        WrittenType::Trust => PolicyType::Trust,
        WrittenType::VpcEndpoint => PolicyType::VpcEndpoint,
        WrittenType::Boundary => PolicyType::Boundary,
        WrittenType::Session => PolicyType::Session,
        WrittenType::Scp => PolicyType::ServiceControl,
        WrittenType::Rcp => PolicyType::ResourceControl,
    }
}

/// A call on which the second opinion differs, or of which there is none.
fn differing(at: usize, asked: &Asked, span: Span) -> Option<Problem> {
    let call = &asked.judgement.call;
    let (code, message, help) = match asked.second.as_ref()? {
        Ok(second) => {
            let differs = asked.judgement.differs_from(second)?;
            let help = "one of them is wrong: report it with this scenario";
            ("engines-differ", format!("the two engines differ on {call}: {differs}"), help)
        }
        // What KMS answers before it looks at a policy is nothing to have opinions on.
        Err(_) if asked.judgement.authorization().is_none() => return None,
        Err(why) => {
            let help = "decide it with `--engine evaluator`";
            ("no-second-opinion", format!("Cedar has no opinion on {call}: {why}"), help)
        }
    };
    Some(Problem { code, message, span, asked: Some(at), help: Some(help.to_owned()) })
}
