//! Does a statement add anything to what the others of its policy say together?
//!
//! Whom it names and which actions are compared as text, part by part: a role is covered where it is named, and `kms:List*`
//! where `kms:*` or `kms:L*` is. That a list of names covers a pattern is never said, since AWS adds actions. Resources and
//! conditions are left to the prover, and only what it proves counts.

use std::collections::BTreeSet;

use super::covers::{covers_principal, covers_text};
use super::{placeholder, subject};
use crate::catalog::services::pattern::share_a_text;
use crate::condition::Condition;
use crate::policy::{Effect, Policy, PolicyType, ResourceElement, Statement};
use crate::principal::{PrincipalPattern, Star};
use crate::prove::{Budget, is_covered};

/// How much is looked through for one question.
const BUDGET: Budget = Budget { steps: 2_000, states: 2_000 };

/// How many statements may speak of what one does for the question to be asked.
const MOST: usize = 64;

/// Why a statement does nothing.
pub(super) enum Idle<'p> {
    /// These conditions exclude one another.
    Never(Vec<&'p Condition>),
    /// These statements say or deny all of it between them; none of them could be left out.
    Covered(Vec<&'p Statement>),
}

/// The statements that the others of the policy leave nothing to do, each with why. Those `left_out` are not there any more;
/// of some that make each other pointless the later ones are found.
pub(super) fn idle<'p>(policy: &'p Policy, left_out: &BTreeSet<usize>) -> Vec<(&'p Statement, Idle<'p>)> {
    let is_left = |statement: &&Statement| !left_out.contains(&statement.index) && is_filled_in(statement);
    let mut left: Vec<Subject<'_>> = policy.statements.iter().filter(is_left).map(Subject::of).collect();
    let mut found = Vec::new();
    for at in (0..left.len()).rev() {
        let why = left.get(at).and_then(|own| own.idle(&left, policy.kind));
        if let Some(why) = why {
            found.push((left.remove(at).statement, why));
        }
    }
    found
}

/// Whether nothing stands in its resources and conditions that was to be filled in.
fn is_filled_in(statement: &Statement) -> bool {
    let resources = match &statement.resource {
        ResourceElement::Listed { patterns, .. } => patterns.as_slice(),
        ResourceElement::Missing | ResourceElement::Own => &[],
    };
    let operands = statement.conditions.iter().flat_map(|condition| &condition.operands);
    let mut texts = resources.iter().map(|each| &each.text).chain(operands.map(|each| &each.text));
    !texts.any(placeholder::is_in)
}

/// A statement, and what its actions are called.
struct Subject<'p> {
    statement: &'p Statement,
    /// The patterns of its actions.
    actions: Vec<String>,
    /// Those of them that name one action.
    names: BTreeSet<String>,
    /// Those that may name several.
    wild: Vec<String>,
}

impl<'p> Subject<'p> {
    fn of(statement: &'p Statement) -> Self {
        let lower = |text: &str| text.to_lowercase();
        let actions: Vec<String> = statement.action.patterns.iter().map(|each| lower(each.text.as_str())).collect();
        let (wild, names): (Vec<String>, BTreeSet<String>) = (
            actions.iter().filter(|text| subject::is_wild(text)).cloned().collect(),
            actions.iter().filter(|text| !subject::is_wild(text)).cloned().collect(),
        );
        Self { statement, actions, names, wild }
    }

    fn idle(&self, all: &[Self], kind: PolicyType) -> Option<Idle<'p>> {
        // What a condition says of whom an account lets in is open (R6.3), and such a statement could do more than it says.
        if matches!(self.statement.resource, ResourceElement::Missing) || self.may_delegate_anyway(kind) {
            return None;
        }
        if self.is_limited() && is_covered(self.statement, &[], BUDGET) {
            return self.exclusive().map(Idle::Never);
        }
        // That nothing is allowed makes no Deny pointless.
        let effects: &[&[Effect]] = match self.statement.effect {
            Effect::Deny => &[&[Effect::Deny]],
            Effect::Allow => &[&[Effect::Deny], &[Effect::Allow], &[Effect::Deny, Effect::Allow]],
        };
        let is_asked = |other: &&Self| {
            let has_say = effects.iter().any(|each| each.contains(&other.statement.effect));
            other.statement.index != self.statement.index && has_say && self.may_meet(other)
        };
        let others: Vec<&Self> = all.iter().filter(is_asked).collect();
        let parts = self.parts(&others)?;
        effects.iter().find_map(|effects| {
            let of_effect = others.iter().map(|other| other.statement);
            self.least(&parts, of_effect.filter(|other| effects.contains(&other.effect)).collect())
        })
    }

    /// Whether it could be that the statement never applies.
    fn is_limited(&self) -> bool {
        let spares = matches!(self.statement.resource, ResourceElement::Listed { negated: true, .. });
        spares || !self.statement.conditions.is_empty()
    }

    /// Whether it allows an account what its conditions may say nothing of.
    fn may_delegate_anyway(&self, kind: PolicyType) -> bool {
        let mut principals = subject::principals(self.statement).iter();
        matches!(kind, PolicyType::Key | PolicyType::Resource)
            && self.statement.effect == Effect::Allow
            && !self.statement.conditions.is_empty()
            && principals.any(|each| matches!(each.value, PrincipalPattern::Account(_)))
    }

    /// Conditions of the statement of which no call could fulfil all, and could all but one; not a single one, of which other
    /// rules speak.
    fn exclusive(&self) -> Option<Vec<&'p Condition>> {
        let never = |conditions: &[&Condition]| {
            let conditions = conditions.iter().copied().cloned().collect();
            let alone = Statement { resource: ResourceElement::Own, conditions, ..self.statement.clone() };
            is_covered(&alone, &[], BUDGET)
        };
        let conditions: Vec<&Condition> = self.statement.conditions.iter().collect();
        (conditions.len() > 1 && never(&conditions)).then_some(())?;
        let least = without_needless(conditions, |left| never(left));
        (least.len() > 1).then_some(least)
    }

    /// Whether some resource is of both statements, as far as the beginnings of their patterns tell.
    fn may_meet(&self, other: &Self) -> bool {
        let (own, other) = (subject::resources(self.statement), subject::resources(other.statement));
        let pairs =
            || own.iter().flat_map(|each| other.iter().map(move |other| (each.text.as_str(), other.text.as_str())));
        own.is_empty() || other.is_empty() || pairs().any(|(one, other)| may_share(one, other))
    }

    /// The others that speak of one part of the statement, an entry of its principals and one of its actions, for each part.
    /// Nothing where of some part none does.
    fn parts(&self, others: &[&Self]) -> Option<BTreeSet<Vec<usize>>> {
        let mut parts = BTreeSet::new();
        for named in self.by_principal(others) {
            let mut of_action = |is_about: &dyn Fn(&Self) -> bool| {
                let about: Vec<usize> =
                    named.iter().filter(|other| is_about(other)).map(|other| other.statement.index).collect();
                let is_asked = !about.is_empty() && about.len() <= MOST;
                parts.insert(about);
                is_asked
            };
            let are_all_asked = if self.statement.action.negated {
                of_action(&|other| self.is_spared_less_by(other))
            } else {
                self.actions.iter().all(|action| of_action(&|other| other.is_about(action)))
            };
            are_all_asked.then_some(())?;
        }
        (!parts.is_empty()).then_some(parts)
    }

    /// The others that name as many as an entry of the principals does, for each entry.
    fn by_principal<'o>(&self, others: &[&'o Self]) -> Vec<Vec<&'o Self>> {
        let that = |names: &dyn Fn(&Statement) -> bool| -> Vec<&'o Self> {
            others.iter().copied().filter(|other| names(other.statement)).collect()
        };
        let Some(own) = &self.statement.principal else { return vec![that(&|other| other.principal.is_none())] };
        if own.negated {
            return vec![that(&|other| other.effect == Effect::Deny && names_everyone(other))];
        }
        own.entries.iter().map(|entry| that(&|other| lets_in(other, &entry.value))).collect()
    }

    /// Whether every action of a pattern is one of the statement.
    fn is_about(&self, action: &str) -> bool {
        if self.statement.action.negated {
            return !self.actions.iter().any(|own| may_share(own, action) && share_a_text(own, action));
        }
        self.names.contains(action) || self.wild.iter().any(|own| may_share(own, action) && covers_text(own, action))
    }

    /// Whether a statement is about every action but those that this one leaves out, or about more.
    fn is_spared_less_by(&self, other: &Self) -> bool {
        let leaves_out = |action: &String| self.actions.iter().any(|own| covers_text(own, action));
        if other.statement.action.negated {
            other.actions.iter().all(leaves_out)
        } else {
            other.actions.iter().any(|action| action == "*")
        }
    }

    /// As few of some statements as cover this one between them, if they do.
    fn least(&self, parts: &BTreeSet<Vec<usize>>, of: Vec<&'p Statement>) -> Option<Idle<'p>> {
        let covered = |by: &[&Statement]| {
            let of_part = |part: &Vec<usize>| -> Vec<&Statement> {
                by.iter().copied().filter(|other| part.contains(&other.index)).collect()
            };
            let questions: BTreeSet<Vec<usize>> =
                parts.iter().map(|part| of_part(part).iter().map(|other| other.index).collect()).collect();
            let answers =
                |question: &Vec<usize>| !question.is_empty() && is_covered(self.statement, &of_part(question), BUDGET);
            questions.iter().all(answers)
        };
        covered(&of).then(|| Idle::Covered(without_needless(of, |left| covered(left))))
    }
}

/// Whether another statement names everyone that an entry does, and as well.
fn lets_in(other: &Statement, entry: &PrincipalPattern) -> bool {
    // Whom a policy names escapes the limits of a permissions boundary; whether `*` does is open.
    let is_direct = match entry {
        PrincipalPattern::User(_)
        | PrincipalPattern::RoleSession { .. }
        | PrincipalPattern::FederatedUser { .. }
        | PrincipalPattern::UniqueId(_)
        | PrincipalPattern::CanonicalUser(_)
        | PrincipalPattern::OriginAccessIdentity(_) => true,
        PrincipalPattern::Everyone(_)
        | PrincipalPattern::Account(_)
        | PrincipalPattern::Role(_)
        | PrincipalPattern::Service(_)
        | PrincipalPattern::Federated(_)
        | PrincipalPattern::Nobody => false,
    };
    subject::principals(other).iter().any(|wide| {
        let is_as_good = other.effect == Effect::Deny || !is_direct || wide.value == *entry;
        is_as_good && covers_principal(&wide.value, entry)
    })
}

fn names_everyone(statement: &Statement) -> bool {
    subject::principals(statement).iter().any(|each| each.value == PrincipalPattern::Everyone(Star::Bare))
}

/// Those of some things without which it would not hold, one of the smallest such lists. With all of them it holds.
fn without_needless<T: Copy>(mut all: Vec<T>, holds: impl Fn(&[T]) -> bool) -> Vec<T> {
    let mut at = 0;
    while at < all.len() {
        let left: Vec<T> = all.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, each)| *each).collect();
        if holds(&left) {
            all = left;
        } else {
            at += 1;
        }
    }
    all
}

/// Whether one text could match both patterns, as far as their beginnings tell.
fn may_share(one: &str, other: &str) -> bool {
    const OPEN: [char; 3] = ['*', '?', '$'];
    let start = |text: &'_ str| text.find(OPEN).unwrap_or(text.len());
    let (own, its) = (start(one), start(other));
    let is_literal = own == one.len() && its == other.len();
    let shared = own.min(its);
    (!is_literal || own == its) && one.as_bytes().get(..shared) == other.as_bytes().get(..shared)
}
