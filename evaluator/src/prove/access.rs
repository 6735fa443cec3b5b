//! Who may make a call, and under which conditions?
//!
//! The formula of a call is written as the ways in which it is allowed, each a list of conditions that hold or fail together.
//! A way that no request takes is left out, and so is a condition that the others of its way imply, and a way that another
//! one covers.

use crate::action::ActionName;
use crate::arn::Arn;
use crate::condition::operator::{Family, SetOperator};
use crate::condition::{Condition, Operand};
use crate::context::{Presence, Values};
use crate::principal::Principal;
use crate::truth::{Rule, Rules};

use super::formula::{Atom, Atoms, Formula};
use super::search::{Budget, Outcome, search};
use super::{Call, Comparison, Formulas, Open, Standing, Witness, readings, route, value};

/// What a caller may do with a resource by an action.
#[derive(Debug, Clone)]
pub struct Access {
    /// The caller.
    pub caller: Principal,
    /// Whom it stands for; `allowed` says that its own policies have to allow the call in every way.
    pub stands_for: Standing,
    /// The resource.
    pub resource: Arn,
    /// The action.
    pub action: ActionName,
    /// The ways in which the call is allowed.
    pub ways: Vec<Way>,
    /// Whether there are more ways than these, or some of them are none.
    pub is_cut_off: bool,
    /// Rules whose other reading would make other ways.
    pub unsure: Rules,
}

/// A way in which a call is allowed.
#[derive(Debug, Clone)]
pub struct Way {
    /// How the call travels.
    pub travels: Travels,
    /// Conditions, and whether each has to hold or to fail.
    pub conditions: Vec<(Condition, bool)>,
    /// Whether the caller's own policies have to allow the call, where no world says what they are.
    pub needs_own_policies: bool,
    /// What hangs on the values of policy variables, in the words of the policies.
    pub open: Vec<String>,
}

/// How a call travels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Travels {
    /// Directly, or through a VPC endpoint that the world does not know.
    Directly,
    /// Through this VPC endpoint.
    Endpoint(Box<str>),
    /// Forwarded by a service.
    Forwarded,
    /// However it does.
    Anyhow,
}

/// How many ways a call is said to have at most.
const MOST_WAYS: usize = 64;

impl Comparison<'_> {
    /// Who may make a call, as the second version says.
    pub fn who_can(&self, action: &ActionName, resource: &Arn) -> Vec<Access> {
        self.accesses(|_, own, arn| own == action && arn == resource)
    }

    /// Whether calls by this action on this resource are looked at. By an action of KMS that a key does not take there are none.
    pub fn looks_at(&self, action: &ActionName, resource: &Arn) -> bool {
        let mut own = self.subjects.iter().filter(|subject| subject.resource.arn == *resource);
        let is_of_kms = action.service() == "kms" && resource.service() == "kms";
        own.any(|subject| is_of_kms || subject.actions.contains(action))
    }

    /// What somebody may do, as the second version says.
    pub fn what_can(&self, principal: &Principal) -> Vec<Access> {
        self.accesses(|caller, _, _| caller == principal)
    }

    /// All ways in which the call of a witness is gained: what the second version allows of it and the first does not. `None`
    /// where there are too many to tell, or conditions do not mean what they are told to.
    pub fn gained(&self, witness: &Witness) -> Option<Vec<Way>> {
        if witness.rests_on.iter().any(is_about_conditions) {
            return None;
        }
        let Open { request, route, formulas } = &witness.call;
        let caller = self.callers.iter().find(|caller| caller.principal == request.principal)?;
        let worlds = [self.before, self.after];
        let call = Call { comparison: self, worlds, caller, request: request.clone(), route };
        let newly = [formulas.after.clone(), !formulas.before.clone()];
        let (ways, is_whole) = call.ways_of(&Formula::all(newly.into_iter().chain(formulas.known.clone())), formulas);
        is_whole.then_some(ways)
    }

    fn accesses(&self, is_asked: impl Fn(&Principal, &ActionName, &Arn) -> bool) -> Vec<Access> {
        let mut found = Vec::new();
        for subject in &self.subjects {
            for caller in &self.callers {
                for action in &subject.actions {
                    let arn = &subject.resource.arn;
                    if !is_asked(&caller.principal, action, arn) {
                        continue;
                    }
                    let mut access = Access {
                        caller: caller.principal.clone(),
                        stands_for: Standing::Itself,
                        resource: arn.clone(),
                        action: action.clone(),
                        ways: Vec::new(),
                        is_cut_off: false,
                        unsure: Rules::NONE,
                    };
                    for route in route::routes([self.before, self.after], caller) {
                        for call in self.calls(caller, subject, action, &route) {
                            call.add_to(&mut access);
                        }
                    }
                    let allowed = access.ways.iter().all(|way| way.needs_own_policies);
                    access.stands_for = caller.stands_for.standing(allowed);
                    if !access.ways.is_empty() || access.is_cut_off {
                        found.push(access);
                    }
                }
            }
        }
        found
    }
}

impl Call<'_> {
    fn add_to(&self, access: &mut Access) {
        let formulas = self.formulas(Rules::NONE, &[]);
        let all = Formula::all(std::iter::once(formulas.after.clone()).chain(formulas.known.iter().cloned()));
        // Over the same conditions the numbers of atoms are the same.
        let differs = |flipped: &Rules| self.formulas(*flipped, &[]).after != formulas.after;
        let differing = match readings(formulas.met) {
            Some(others) => others.filter(differs).fold(Rules::NONE, Rules::union),
            None => formulas.met,
        };
        access.unsure = access.unsure.union(differing);
        let (ways, is_whole) = self.ways_of(&all, &formulas);
        access.is_cut_off |= !is_whole;
        access.ways.extend(ways);
    }

    fn ways_of(&self, formula: &Formula, formulas: &Formulas) -> (Vec<Way>, bool) {
        let travels = match self.route {
            route::Route::Direct(_) => Travels::Directly,
            route::Route::Endpoint(id) => Travels::Endpoint(id.clone()),
            route::Route::Forwarded => Travels::Forwarded,
        };
        possible_ways(formula, &formulas.known, &formulas.atoms, &travels, self.comparison.budget)
    }
}

/// The ways of meeting a formula that calls can take, without what is known of all of them, and whether these are all, and
/// each of them one.
pub(super) fn possible_ways(
    formula: &Formula,
    known: &[Formula],
    atoms: &Atoms,
    travels: &Travels,
    budget: Budget,
) -> (Vec<Way>, bool) {
    let Some(ways) = ways(formula) else { return (Vec::new(), false) };
    let mut is_whole = true;
    let is_possible = |way: &[Literal]| {
        let formula = Formula::all(way.iter().map(|literal| literal.formula()));
        search(&[&formula], atoms, Rules::NONE, budget)
    };
    let mut kept: Vec<Vec<Literal>> = Vec::new();
    for way in ways {
        match is_possible(&way) {
            Outcome::Impossible => continue,
            Outcome::Unknown => is_whole = false,
            Outcome::Model(_) => {}
        }
        let way = reduced(way, &|way: &[Literal]| is_possible(way) == Outcome::Impossible);
        kept.push(way);
    }
    let covers = |one: &[Literal], other: &[Literal]| one.iter().all(|literal| other.contains(literal));
    let shortest = |at: usize, way: &Vec<Literal>| {
        !kept.iter().enumerate().any(|(other_at, other)| {
            covers(other, way) && (other.len() < way.len() || (other.len() == way.len() && other_at < at))
        })
    };
    let known = |literal: &Literal| known.iter().any(|formula| *formula == literal.formula());
    let shortest = kept.iter().enumerate().filter(|(at, way)| shortest(*at, way));
    let own = |way: &Vec<Literal>| described(way.iter().filter(|literal| !known(literal)), atoms, travels.clone());
    (shortest.map(|(_, way)| own(way)).collect(), is_whole)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Literal {
    atom: usize,
    holds: bool,
}

impl Literal {
    fn formula(self) -> Formula {
        Formula::Atom { atom: self.atom, holds: self.holds }
    }
}

/// Whether a rule says when a condition holds. In its other reading conditions do not mean what they are told to.
fn is_about_conditions(rule: Rule) -> bool {
    use Rule::{MultivaluedWithoutSetOperator, NotAnArn, NullOfEmptyString, UnparsableNegated};
    [MultivaluedWithoutSetOperator, NotAnArn, NullOfEmptyString, UnparsableNegated].contains(&rule)
}

/// A formula as ways of meeting it; `None` where there are too many.
fn ways(formula: &Formula) -> Option<Vec<Vec<Literal>>> {
    match formula {
        Formula::Constant(true) => Some(vec![Vec::new()]),
        Formula::Constant(false) => Some(Vec::new()),
        Formula::Atom { atom, holds } => Some(vec![vec![Literal { atom: *atom, holds: *holds }]]),
        Formula::Any(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(ways(part)?);
                all.sort_unstable();
                all.dedup();
                (all.len() <= MOST_WAYS).then_some(())?;
            }
            Some(all)
        }
        Formula::All(parts) => {
            let mut all: Vec<Vec<Literal>> = vec![Vec::new()];
            for part in parts {
                let own = ways(part)?;
                let both = all.iter().flat_map(|way| own.iter().filter_map(|more| joined(way, more)));
                all = both.collect();
                all.sort_unstable();
                all.dedup();
                (all.len() <= MOST_WAYS).then_some(())?;
            }
            Some(all)
        }
    }
}

/// Both, unless they contradict each other.
fn joined(one: &[Literal], other: &[Literal]) -> Option<Vec<Literal>> {
    let mut all: Vec<Literal> = one.iter().chain(other).copied().collect();
    all.sort_unstable();
    all.dedup();
    let contradicts = |pair: &[Literal]| matches!(pair, [one, other] if one.atom == other.atom);
    (!all.windows(2).any(contradicts)).then_some(all)
}

/// A way without what the rest of it implies: a condition whose opposite the rest makes impossible.
fn reduced(mut way: Vec<Literal>, is_impossible: &impl Fn(&[Literal]) -> bool) -> Vec<Literal> {
    let mut at = 0;
    // What has to fail says less than what has to hold, and goes first.
    way.sort_by_key(|literal| literal.holds);
    while let Some(literal) = way.get(at).copied() {
        let mut without = way.clone();
        if let Some(own) = without.get_mut(at) {
            own.holds = !literal.holds;
        }
        if is_impossible(&without) {
            way.remove(at);
        } else {
            at += 1;
        }
    }
    way.sort_unstable();
    way
}

fn described<'l>(way: impl Iterator<Item = &'l Literal>, atoms: &Atoms, travels: Travels) -> Way {
    let mut described = Way { travels, conditions: Vec::new(), needs_own_policies: false, open: Vec::new() };
    for literal in way {
        match atoms.get(literal.atom) {
            Some(Atom::Condition { condition, .. }) => described.conditions.push((condition.clone(), literal.holds)),
            Some(Atom::Open) if atoms.is_open_identity(&[literal.atom]) => {
                described.needs_own_policies = literal.holds;
            }
            Some(Atom::Open) | None => {
                let text = atoms.name(literal.atom).unwrap_or_default();
                described.open.push(if literal.holds { text.to_owned() } else { format!("not {text}") });
            }
        }
    }
    described.conditions = listed(described.conditions);
    described
}

/// The conditions, those on a key of which one lists the values put into that one: of `a` or `b`, and not `a`, remains `b`.
fn listed(mut conditions: Vec<(Condition, bool)>) -> Vec<(Condition, bool)> {
    let mut at = 0;
    while let Some((condition, holds)) = conditions.get(at).cloned() {
        at += 1;
        if !lists_values(&condition, holds) {
            continue;
        }
        let mut own = conditions.clone();
        own.retain(|(other, _)| other.key == condition.key);
        let fits = |text: &str| {
            let value = Presence::Present(Values::One(text.to_owned()));
            own.iter().all(|(other, holds)| value::satisfies(&[(other, *holds)], &value, Rules::NONE))
        };
        let mut kept = condition.clone();
        kept.operands.retain(|operand| fits(operand.text.as_str()));
        if !kept.operands.is_empty() && own.len() > 1 {
            conditions.retain(|(other, _)| other.key != condition.key);
            conditions.push((kept, holds));
            at = 0;
        }
    }
    conditions
}

/// Whether a condition that holds or fails lists every value that its key may have.
fn lists_values(condition: &Condition, holds: bool) -> bool {
    let is_exact = |operand: &Operand| !operand.text.as_str().contains(['*', '?', '$']);
    let operator = condition.operator;
    let is_text = matches!(operator.base.family(), Family::String | Family::Arn) && !operator.base.ignores_case();
    let is_positive = holds != operator.base.is_negated();
    is_text
        && is_positive
        && operator.set == SetOperator::None
        && !operator.if_exists
        && condition.operands.iter().all(is_exact)
}
