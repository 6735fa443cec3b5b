//! Which faults of a policy would no check catch?
//!
//! The faults are those that people make ([`fault`]): each is made once, in each place of each policy of the root, as an
//! edit of the file's text. The scenarios that use the policy are replayed; a check that does not hold catches the fault,
//! a snapshot does not count. For a fault that no check catches, a call is looked for that it decides otherwise
//! (`witness`): with one, the fault survives, and the call is the check that is missing. Without one the fault may be
//! none: where the text proves that both policies mean the same, or the linter that the part is dead, it is equivalent;
//! otherwise both versions are compared over all calls (`proof`), which finds a call, or proves that there is none. Where
//! it does neither, nothing is known.

pub mod fault;
mod proof;
pub(crate) mod witness;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::source::SourceMap;
use rayon::prelude::*;
use serde_json::{Value, json};

pub use fault::{Fault, Mutant};

use crate::coverage::{Proof, distinct, proofs};
use crate::facts;
use crate::file::Named;
use crate::lint::attached::Uses;
use crate::replay::{Checked, Detail, Options, Outcome, Replayed, replay};
use crate::root::PolicyRoot;
use proof::Proved;
use witness::Arena;

/// What came of all mutants.
#[derive(Debug)]
pub struct Report {
    /// The mutants, by file and place.
    pub results: Vec<Mutated>,
    /// How many edits made policies that AWS would refuse: nobody could deploy them.
    pub refused: usize,
}

/// What came of a mutant.
#[derive(Debug)]
pub struct Mutated {
    /// The edit.
    pub mutant: Mutant,
    /// Line and column of the edit, from 1.
    pub position: (usize, usize),
    /// Who catches it, if anybody does.
    pub fate: Fate,
}

/// What came of a mutant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// This check does not hold any more.
    Killed(String),
    /// Every check still holds, and here is one that would not.
    Survived(String),
    /// It means the same, for this reason.
    Equivalent(String),
    /// Every check still holds, and no call was found that it decides otherwise.
    Unknown,
}

/// How many mutants had which fate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Caught by a check.
    pub killed: usize,
    /// Caught by none, though a call is decided otherwise.
    pub survived: usize,
    /// The same policy in other words.
    pub equivalent: usize,
    /// Nothing is known.
    pub unknown: usize,
}

impl Counts {
    /// The killed ones among those that a check could catch, in percent; none where there are no such.
    #[expect(clippy::cast_precision_loss, reason = "counts of mutants are far below 2^52")]
    pub fn percent(self) -> Option<f64> {
        let all = self.killed + self.survived;
        (all > 0).then(|| self.killed as f64 * 100.0 / all as f64)
    }
}

/// Why no mutants were made.
#[derive(Debug)]
pub enum Refused {
    /// Files that cannot be replayed, or an invalid `permitlab.toml`.
    Invalid(Vec<(SourceMap, Vec<Diagnostic>)>),
    /// Checks that do not hold before anything is changed: they would catch everything.
    Failing(Vec<String>),
}

impl Report {
    /// How many mutants had which fate.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for mutated in &self.results {
            match mutated.fate {
                Fate::Killed(_) => counts.killed += 1,
                Fate::Survived(_) => counts.survived += 1,
                Fate::Equivalent(_) => counts.equivalent += 1,
                Fate::Unknown => counts.unknown += 1,
            }
        }
        counts
    }

    /// The report for programs.
    pub fn json(&self) -> Value {
        let one = |mutated: &Mutated| {
            let Mutated { mutant, position: (line, column), fate } = mutated;
            let (word, detail) = fate.parts();
            json!({ "file": mutant.file, "line": line, "column": column, "statement": mutant.statement,
                "fault": mutant.fault.word(), "before": mutant.before, "after": mutant.after, "fate": word,
                "detail": detail })
        };
        let counts = self.counts();
        json!({ "killed": counts.killed, "survived": counts.survived, "equivalent": counts.equivalent,
            "unknown": counts.unknown, "refused": self.refused, "percent": counts.percent(),
            "mutants": self.results.iter().map(one).collect::<Vec<_>>() })
    }
}

impl Mutated {
    /// Where the edit is: `policies/key-eval.json:9:18`.
    pub fn place(&self) -> String {
        format!("{}:{}:{}", self.mutant.file, self.position.0, self.position.1)
    }
}

impl Fate {
    fn parts(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Killed(check) => ("killed", Some(check)),
            Self::Survived(check) => ("survived", Some(check)),
            Self::Equivalent(why) => ("equivalent", Some(why)),
            Self::Unknown => ("unknown", None),
        }
    }
}

/// A scenario file and what it is about.
struct Scenario {
    file: String,
    uses: Uses,
    /// The files whose policies have a say in one of its calls.
    meets: BTreeSet<String>,
    /// The statements its answers turn on.
    statements: BTreeMap<String, usize>,
    checks: Vec<Checked>,
}

/// Makes every fault once and says who catches it; `policies` names the files to edit, all that worlds use by default.
///
/// # Errors
/// What has to be mended first.
pub fn mutate(root: &PolicyRoot, files: &[String], policies: &[String]) -> Result<Report, Refused> {
    let options = Options { detail: Detail::Brief, ..Options::default() };
    let replayed: Vec<Replayed> = files.par_iter().map(|file| replay(root, file, &options)).collect();
    let scenarios = sound(replayed)?;
    let uses: Vec<Uses> = scenarios.iter().map(|scenario| scenario.uses.clone()).collect();
    let mutants = mutants(root, &uses, policies);
    let wanted: BTreeSet<&str> = mutants.iter().map(|mutant| mutant.file.as_str()).collect();
    let proofs = proofs(root, &uses, &wanted).map_err(|refused| Refused::Invalid(vec![refused]))?;
    let stages = stages(root, &uses);
    let arenas: Vec<Lazy<'_>> = distinct(&stages).into_iter().map(|own| Lazy::new(root, own, &scenarios)).collect();
    let tried: Vec<Option<Mutated>> =
        mutants.into_par_iter().map(|mutant| tried(root, mutant, &scenarios, &proofs, &arenas)).collect();
    let refused = tried.iter().filter(|each| each.is_none()).count();
    Ok(Report { results: tried.into_iter().flatten().collect(), refused })
}

/// The scenario files, each of whose checks holds.
fn sound(replayed: Vec<Replayed>) -> Result<Vec<Scenario>, Refused> {
    let (mut invalid, mut failing, mut scenarios) = (Vec::new(), Vec::new(), Vec::new());
    for file in replayed {
        let failed = file.checks.iter().filter(|check| matches!(check.outcome, Outcome::Failed(_)));
        failing.extend(failed.map(|check| check.id.clone()));
        if file.findings.is_empty() {
            let asked = || file.checks.iter().flat_map(|check| &check.asked);
            let mut statements = BTreeMap::new();
            for statement in asked().filter_map(|asked| asked.judgement.key_statement()) {
                *statements.entry(statement.name.clone()).or_default() += 1;
            }
            let mut meets = Vec::new();
            for asked in asked() {
                if let (Some(world), Some(request)) = (&asked.world, asked.request.as_deref()) {
                    witness::files_of(world, request, &file.sources, &mut meets);
                }
            }
            let meets = meets.into_iter().collect();
            scenarios.push(Scenario { file: file.file, uses: file.uses, meets, statements, checks: file.checks });
        } else {
            invalid.push((file.sources, file.findings));
        }
    }
    match (invalid.is_empty(), failing.is_empty()) {
        (false, _) => Err(Refused::Invalid(invalid)),
        (true, false) => Err(Refused::Failing(failing)),
        (true, true) => Ok(scenarios),
    }
}

/// Every edit of every policy that worlds attach, once for each place, in the order of files and places.
fn mutants(root: &PolicyRoot, uses: &[Uses], policies: &[String]) -> Vec<Mutant> {
    let mut all: BTreeMap<(String, usize, usize, Fault, String), Mutant> = BTreeMap::new();
    for own in distinct(uses) {
        let mut sources = SourceMap::new();
        let Ok(facts) = facts::load(root, &mut sources, &own.worlds, &own.vars) else { continue };
        for entry in facts.documents.values() {
            let id = entry.document.root.span.source;
            let Some(source) = sources.source(id) else { continue };
            let is_wanted = policies.is_empty() || policies.iter().any(|file| file == source.name());
            // What AWS wrote stands in no file.
            if !is_wanted || root.read(&mut SourceMap::new(), source.name()).is_err() {
                continue;
            }
            for mutant in fault::mutants(source.name(), source.text(), entry, &facts) {
                let (start, end) = (mutant.range.start, mutant.range.end);
                let place = (mutant.file.clone(), start, end, mutant.fault, mutant.with.clone());
                all.entry(place).or_insert(mutant);
            }
        }
    }
    all.into_values().collect()
}

/// The worlds that scenarios use, without the vars of the scenarios where the worlds do not need them.
fn stages(root: &PolicyRoot, uses: &[Uses]) -> Vec<Uses> {
    let stage = |own: &Uses| {
        let bare = Uses { worlds: own.worlds.clone(), vars: Named::default() };
        let loaded = facts::load(root, &mut SourceMap::new(), &bare.worlds, &bare.vars);
        if loaded.is_ok() { bare } else { own.clone() }
    };
    uses.iter().map(stage).collect()
}

/// What comes of a mutant; nothing if AWS would refuse the policy.
fn tried(
    root: &PolicyRoot,
    mutant: Mutant,
    scenarios: &[Scenario],
    proofs: &[Proof],
    arenas: &[Lazy<'_>],
) -> Option<Mutated> {
    let mut sources = SourceMap::new();
    let id = root.read(&mut sources, &mutant.file).ok()?;
    let text = sources.source(id)?.text();
    let (before, after) = (text.get(..mutant.range.start)?, text.get(mutant.range.end..)?);
    let edited = root.with_file(&mutant.file, &format!("{before}{}{after}", mutant.with));
    let position = {
        let at = sources.position(permitlab_evaluator::source::Span::new(id, mutant.range.start, mutant.range.start));
        (at.line, at.column)
    };
    let of_policy: Vec<&Scenario> = scenarios.iter().filter(|scenario| scenario.meets.contains(&mutant.file)).collect();
    let arenas: Vec<&Lazy<'_>> = arenas.iter().filter(|arena| arena.reads(&mutant.file)).collect();
    if mutant.is_same {
        let why = "no value has a wildcard, so that both operators compare the same".to_owned();
        return Some(Mutated { mutant, position, fate: Fate::Equivalent(why) });
    }
    let caught = match killer(&edited, &mutant, of_policy) {
        Some(check) => Some(check),
        None if arenas.iter().all(|arena| arena.is_stored(&edited)) => None,
        None => return None,
    };
    let fate = if let Some(check) = caught {
        Fate::Killed(check)
    } else if let Some(why) = same(&mutant, proofs) {
        Fate::Equivalent(why)
    } else {
        searched(&edited, &mutant, &arenas)
    };
    Some(Mutated { mutant, position, fate })
}

/// What comes of a mutant that no check catches: the worlds are looked through until one decides a call otherwise.
fn searched(edited: &PolicyRoot, mutant: &Mutant, arenas: &[&Lazy<'_>]) -> Fate {
    let mut is_same = !arenas.is_empty();
    for arena in arenas {
        match arena.arena().proved(edited, arena.uses, mutant) {
            Proved::Differs(scenario) => return Fate::Survived(scenario),
            Proved::Same => {}
            Proved::Nothing => is_same = false,
        }
    }
    if is_same { Fate::Equivalent(PROVED.to_owned()) } else { Fate::Unknown }
}

/// Why a fault is none, where all calls were looked at.
const PROVED: &str = "proved over all calls: nobody may do more or less";

/// The first check that does not hold any more. Files whose answers turn on the edited statement come first.
fn killer(edited: &PolicyRoot, mutant: &Mutant, mut scenarios: Vec<&Scenario>) -> Option<String> {
    let about = |scenario: &&Scenario| scenario.statements.get(&mutant.statement).copied().unwrap_or_default();
    scenarios.sort_by_key(|scenario| std::cmp::Reverse(about(scenario)));
    let options = Options { detail: Detail::FirstFailure, ..Options::default() };
    scenarios.iter().find_map(|scenario| {
        let replayed = replay(edited, &scenario.file, &options);
        let failed = |check: &&Checked| matches!(check.outcome, Outcome::Failed(_));
        replayed.checks.iter().find(failed).map(|check| check.id.clone())
    })
}

/// Why an edit changes nothing, where that is plain.
fn same(mutant: &Mutant, proofs: &[Proof]) -> Option<String> {
    let is_dead = |proof: &&Proof| {
        let own = if proof.is_whole { mutant.of.clone() } else { mutant.range.clone() };
        let (wide, narrow) = if proof.is_whole { (&own, &proof.range) } else { (&proof.range, &own) };
        // With other conditions or callers a statement may do what the others do not.
        if proof.code == "shadowed-statement" && mutant.fault != Fault::DropStatement {
            return false;
        }
        proof.file == mutant.file && wide.start <= narrow.start && narrow.end <= wide.end
    };
    proofs.iter().find(is_dead).map(|proof| format!("the part is dead: {}", proof.code))
}

/// The calls of some worlds, made when the first survivor asks for them.
struct Lazy<'r> {
    root: &'r PolicyRoot,
    uses: &'r Uses,
    scenarios: &'r [Scenario],
    reads: BTreeSet<String>,
    arena: OnceLock<Arena>,
}

impl<'r> Lazy<'r> {
    fn new(root: &'r PolicyRoot, uses: &'r Uses, scenarios: &'r [Scenario]) -> Self {
        let mut sources = SourceMap::new();
        let _facts = facts::load(root, &mut sources, &uses.worlds, &uses.vars);
        let reads = sources.names().map(str::to_owned).collect();
        Self { root, uses, scenarios, reads, arena: OnceLock::new() }
    }

    fn reads(&self, file: &str) -> bool {
        self.reads.contains(file)
    }

    /// Whether AWS would store the policies of the worlds in an edited root.
    fn is_stored(&self, edited: &PolicyRoot) -> bool {
        let facts = facts::load(edited, &mut SourceMap::new(), &self.uses.worlds, &self.uses.vars);
        facts.is_ok_and(|facts| facts.world().is_ok())
    }

    fn arena(&self) -> &Arena {
        self.arena.get_or_init(|| {
            let (worlds, vars) = self.uses.key();
            let is_own = |scenario: &&Scenario| {
                let (own, own_vars) = scenario.uses.key();
                own == worlds && (vars.is_empty() || own_vars == vars)
            };
            let own = self.scenarios.iter().filter(is_own);
            Arena::of(self.root, self.uses, own.flat_map(|scenario| &scenario.checks))
        })
    }
}
