//! What do reports for programs say of a replay, whatever their form?
//!
//! The failures in the order of files and checks, each with its place in the scenario first and the places it is about
//! behind it, above all the line of the policy. The renderers beside this module only write that down.

use std::collections::{BTreeMap, BTreeSet};

use permitlab::render::{Colour, report};
use permitlab::replay::{Checked, Outcome, Replayed};
use permitlab::report::{explain_problem, failure};
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::source::{SourceMap, Span};

use crate::lint::files::Files;
use crate::lint::fingerprint::hash;
use crate::lint::report::Place;

/// A reason why a run is not green.
#[derive(Debug)]
pub(super) struct Failure<'r> {
    /// The check that does not hold; none where a file cannot be replayed.
    pub id: Option<&'r str>,
    /// What is wrong.
    pub diagnostic: Diagnostic,
    /// The place in the scenario, then those it is about as well.
    pub places: Vec<Place>,
    /// The report for people.
    pub human: String,
    /// What it is known by, though edits move it.
    pub fingerprint: String,
}

/// The failures of replayed files. What is wrong with a world is told once, however many files use it.
pub(super) fn failures<'r>(replayed: &'r [Replayed], files: &Files) -> Vec<Failure<'r>> {
    let mut found = Vec::new();
    let mut told = BTreeSet::new();
    for file in replayed {
        for finding in &file.findings {
            let human = report(&file.sources, finding, Colour::Never);
            if told.insert(human.clone()) {
                found.push(of_file(file, finding, human, files));
            }
        }
        found.extend(file.checks.iter().flat_map(|check| of_check(&file.sources, check, files)));
    }
    number(&mut found);
    found
}

fn of_file<'r>(file: &Replayed, finding: &Diagnostic, human: String, files: &Files) -> Failure<'r> {
    let places = finding.annotations.iter().map(|annotation| Place::of(annotation, &file.sources, files)).collect();
    let fingerprint = format!("{}\0{}\0{}", file.file, finding.code, finding.message);
    Failure { id: None, diagnostic: finding.clone(), places, human, fingerprint }
}

fn of_check<'r>(sources: &SourceMap, check: &'r Checked, files: &Files) -> Vec<Failure<'r>> {
    let Outcome::Failed(problems) = &check.outcome else { return Vec::new() };
    let of = |problem| {
        let diagnostic = explain_problem(check, problem);
        let places = in_order(&diagnostic, problem.span);
        let places = places.map(|annotation| Place::of(annotation, sources, files)).collect();
        let human = failure(sources, check, Colour::Never).trim_end().to_owned();
        let fingerprint = format!("{}\0{}", check.id, problem.code);
        Failure { id: Some(&check.id), diagnostic, places, human, fingerprint }
    };
    problems.iter().map(of).collect()
}

/// The expectation first: that is what a program is to point at.
fn in_order(
    diagnostic: &Diagnostic,
    expected: Span,
) -> impl Iterator<Item = &permitlab_evaluator::diagnostic::Annotation> {
    let is_expected = move |annotation: &&permitlab_evaluator::diagnostic::Annotation| annotation.span == expected;
    let rest = diagnostic.annotations.iter().filter(move |annotation| !is_expected(annotation));
    diagnostic.annotations.iter().filter(is_expected).take(1).chain(rest)
}

/// Tells apart the failures that would share a fingerprint: the first, the second …
fn number(found: &mut [Failure<'_>]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for failure in found {
        let count = seen.entry(failure.fingerprint.clone()).or_default();
        *count += 1;
        failure.fingerprint = format!("{:016x}:{count}", hash(&failure.fingerprint));
    }
}

impl Failure<'_> {
    /// What to call it: the check, or the kind of what is wrong with a file.
    pub(super) fn title(&self) -> &str {
        self.id.unwrap_or(self.diagnostic.code)
    }

    /// The place in the scenario.
    pub(super) fn at(&self) -> Option<&Place> {
        self.places.first()
    }

    /// The places it is about as well.
    pub(super) fn related(&self) -> &[Place] {
        self.places.get(1..).unwrap_or_default()
    }
}
