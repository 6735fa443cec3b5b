//! Is there a request for which all of this holds?
//!
//! A model gives every key a value. Where it breaks a formula that must hold, one of the ways to mend it is taken: an atom
//! is fixed, and the key is given a value that all atoms fixed so far allow. Where there is none, the next way is tried.
//! When no way is left, there is no such request; nothing is left out on the way, so that this is a proof.

use std::ops::ControlFlow;

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use crate::context::Presence;
use crate::truth::Rules;

use super::formula::{Atom, Atoms, Formula};
use super::value::{self, Solved, Wanted};

/// How much a search may cost before it gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Steps of the search.
    pub steps: usize,
    /// States, of each search among texts.
    pub states: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { steps: 100_000, states: 20_000 }
    }
}

/// What came of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The value of every key, and of every open atom.
    Model(Model),
    /// There is no such request.
    Impossible,
    /// The budget was used up, or a text search was cut off.
    Unknown,
}

/// A value for every key, by number, and for every open atom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) values: Vec<Presence>,
    /// Open atoms that hold, by number.
    pub(super) open: Vec<usize>,
}

/// Looks for a model of all these formulas.
pub(super) fn search(goals: &[&Formula], atoms: &Atoms, flipped: Rules, budget: Budget) -> Outcome {
    let conditions = (0..atoms.keys().len()).map(|key| atoms.on(key)).collect();
    let mut search =
        Search { atoms, conditions, flipped, budget, steps: 0, is_cut_off: false, solved: HashMap::default() };
    let state = State {
        fixed: vec![None; atoms.len()],
        values: search.conditions.iter().map(|all| value::unasked(all)).collect(),
        truths: vec![None; atoms.len()],
        goals: goals.to_vec(),
    };
    match search.run(state, 0) {
        Some(model) => Outcome::Model(model),
        None if search.is_cut_off => Outcome::Unknown,
        None => Outcome::Impossible,
    }
}

/// How many choices may rest on one another.
const DEEPEST: usize = 1_000;

struct Search<'f> {
    atoms: &'f Atoms,
    /// The conditions on each key.
    conditions: Vec<Vec<&'f crate::condition::Condition>>,
    flipped: Rules,
    budget: Budget,
    steps: usize,
    is_cut_off: bool,
    /// What was found for the atoms that were fixed on a key.
    solved: HashMap<Vec<(usize, bool)>, Solved, FxBuildHasher>,
}

#[derive(Clone)]
struct State<'f> {
    /// Atoms that have to hold or to fail.
    fixed: Vec<Option<bool>>,
    values: Vec<Presence>,
    /// What atoms are under the values, as far as anybody asked.
    truths: Vec<Option<bool>>,
    goals: Vec<&'f Formula>,
}

impl<'f> Search<'f> {
    fn run(&mut self, mut state: State<'f>, depth: usize) -> Option<Model> {
        loop {
            self.steps += 1;
            if self.steps > self.budget.steps || depth > DEEPEST {
                self.is_cut_off = true;
                return None;
            }
            let Some(at) = (0..state.goals.len()).find(|at| {
                let goal = state.goals.get(*at).copied();
                goal.is_some_and(|goal| !self.holds(goal, &mut state))
            }) else {
                return Some(self.model(&mut state));
            };
            let goal = state.goals.swap_remove(at);
            match goal {
                Formula::Constant(_) => return None,
                Formula::Atom { atom, holds } => {
                    if !self.fix(&mut state, *atom, *holds) {
                        return None;
                    }
                }
                Formula::All(parts) => state.goals.extend(parts),
                Formula::Any(parts) => match self.all_but_one(state, parts, depth) {
                    ControlFlow::Break(found) => return found,
                    ControlFlow::Continue(last) => state = last,
                },
            }
        }
    }

    /// Each way but the last in turn, which is left to go on with. A way that led nowhere is ruled out for those after it,
    /// where it is one atom.
    fn all_but_one(
        &mut self,
        mut state: State<'f>,
        parts: &'f [Formula],
        depth: usize,
    ) -> ControlFlow<Option<Model>, State<'f>> {
        let mut left: Vec<&Formula> = parts.iter().filter(|part| !is_fixed_otherwise(part, &state.fixed)).collect();
        // Single atoms leave the least to look at.
        left.sort_by_key(|part| !matches!(part, Formula::Atom { .. }));
        let Some(last) = left.pop() else { return ControlFlow::Break(None) };
        for part in left {
            let mut own = state.clone();
            own.goals.push(part);
            let found = self.run(own, depth + 1);
            if found.is_some() || self.steps > self.budget.steps {
                return ControlFlow::Break(found);
            }
            if let Formula::Atom { atom, holds } = part
                && !self.fix(&mut state, *atom, !*holds)
            {
                return ControlFlow::Break(None);
            }
        }
        state.goals.push(last);
        ControlFlow::Continue(state)
    }

    fn holds(&self, formula: &Formula, state: &mut State<'f>) -> bool {
        formula.holds(&mut |atom| self.truth(atom, state))
    }

    fn truth(&self, atom: usize, state: &mut State<'f>) -> bool {
        if let Some(truth) =
            state.fixed.get(atom).copied().flatten().or_else(|| state.truths.get(atom).copied().flatten())
        {
            return truth;
        }
        let truth = match self.atoms.get(atom) {
            Some(Atom::Condition { key, condition }) => {
                let value = state.values.get(*key).unwrap_or(&Presence::Absent);
                value::satisfies(&[(condition, true)], value, self.flipped)
            }
            Some(Atom::Open) | None => false,
        };
        if let Some(known) = state.truths.get_mut(atom) {
            *known = Some(truth);
        }
        truth
    }

    /// Fixes an atom and gives its key a value that fits; `false` where there is none.
    fn fix(&mut self, state: &mut State<'f>, atom: usize, holds: bool) -> bool {
        if let Some(fixed) = state.fixed.get(atom).copied().flatten() {
            return fixed == holds;
        }
        let fits = self.truth(atom, state) == holds;
        if let Some(fixed) = state.fixed.get_mut(atom) {
            *fixed = Some(holds);
        }
        let Some(Atom::Condition { key, .. }) = self.atoms.get(atom) else { return true };
        if fits {
            return true;
        }
        match self.solve(*key, state) {
            Solved::Value(value) => {
                if let Some(own) = state.values.get_mut(*key) {
                    *own = value;
                }
                for (number, truth) in state.truths.iter_mut().enumerate() {
                    if matches!(self.atoms.get(number), Some(Atom::Condition { key: own, .. }) if own == key) {
                        *truth = None;
                    }
                }
                true
            }
            Solved::Nothing => false,
            Solved::TooMuch => {
                self.is_cut_off = true;
                false
            }
        }
    }

    /// A value for a key that fits all atoms fixed on it.
    fn solve(&mut self, key: usize, state: &State<'f>) -> Solved {
        let own = |(atom, fixed): (usize, &Option<bool>)| match (self.atoms.get(atom), fixed) {
            (Some(Atom::Condition { key: own, .. }), Some(holds)) if *own == key => Some((atom, *holds)),
            _ => None,
        };
        let wanted: Vec<(usize, bool)> = state.fixed.iter().enumerate().filter_map(own).collect();
        if let Some(known) = self.solved.get(&wanted) {
            return known.clone();
        }
        let conditions: Vec<Wanted<'_>> = wanted
            .iter()
            .filter_map(|(atom, holds)| match self.atoms.get(*atom) {
                Some(Atom::Condition { condition, .. }) => Some((condition, *holds)),
                Some(Atom::Open) | None => None,
            })
            .collect();
        let all = self.conditions.get(key).map(Vec::as_slice).unwrap_or_default();
        let solved = value::solve(&conditions, all, self.flipped, self.budget.states);
        self.solved.insert(wanted, solved.clone());
        solved
    }

    fn model(&self, state: &mut State<'f>) -> Model {
        let is_open = |atom: &usize| matches!(self.atoms.get(*atom), Some(Atom::Open));
        let open = (0..self.atoms.len()).filter(is_open).filter(|atom| self.truth(*atom, state)).collect();
        Model { values: state.values.clone(), open }
    }
}

fn is_fixed_otherwise(formula: &Formula, fixed: &[Option<bool>]) -> bool {
    match formula {
        Formula::Constant(holds) => !holds,
        Formula::Atom { atom, holds } => fixed.get(*atom).copied().flatten().is_some_and(|own| own != *holds),
        Formula::All(parts) => parts.iter().any(|part| is_fixed_otherwise(part, fixed)),
        Formula::Any(parts) => parts.iter().all(|part| is_fixed_otherwise(part, fixed)),
    }
}
