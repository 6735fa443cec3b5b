//! What do policies that work together say: which statement denies, which allows?

use std::num::NonZeroU32;

use crate::eval::element::Ways;
use crate::eval::statement::{applies_but_for_conditions, applies_to_action};
use crate::eval::{View, element};
use crate::policy::{Effect, Policies, Policy, PolicyType, Statement};
use crate::principal::PrincipalMatch;
use crate::truth::{Rule, Truth};

/// A statement among policies that work together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatementIndex {
    policy: u32,
    /// Counted from 1, so that none takes no room of its own.
    statement: NonZeroU32,
}

impl StatementIndex {
    /// A statement of a policy, each counted from 0.
    pub fn new(policy: usize, statement: usize) -> Self {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self { policy: number(policy), statement: NonZeroU32::MIN.saturating_add(number(statement)) }
    }

    /// The policy, from 0.
    pub fn policy(self) -> usize {
        self.policy as usize
    }

    /// The statement in it, from 0.
    pub fn statement(self) -> usize {
        self.statement.get() as usize - 1
    }
}

/// What the statements of one effect say.
#[derive(Debug, Clone, Copy)]
pub struct Matches {
    /// Whether one of them applies.
    pub truth: Truth,
    /// The first that applies.
    pub by: Option<StatementIndex>,
}

/// What policies that work together say.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Their Deny statements.
    pub deny: Matches,
    /// Their Allow statements.
    pub allow: Matches,
}

/// What the resource's side allows, by the way it names the caller (R3.1, R5.8): the Allow statements of its policy,
/// or its grants.
#[derive(Debug, Clone, Copy)]
pub struct Allows {
    /// In the order of [`PrincipalMatch::ALL`].
    ways: [Matches; 5],
    /// The ways in which something applies.
    holding: Ways,
    /// The ways in which something applies, in some reading.
    open: Ways,
}

impl Matches {
    /// No statement applies.
    pub const NONE: Self = Self { truth: Truth::NO, by: None };

    /// Adds a statement that stands behind those added before.
    #[inline]
    fn add(&mut self, index: StatementIndex, truth: Truth) {
        if !truth.could_hold() {
            return;
        }
        if truth.holds() {
            self.by = self.by.or(Some(index));
        }
        self.truth = self.truth.or(truth);
    }
}

impl Outcome {
    /// The outcome of no policy.
    pub const NONE: Self = Self { deny: Matches::NONE, allow: Matches::NONE };
}

impl Default for Allows {
    fn default() -> Self {
        Self::NONE
    }
}

impl Allows {
    /// Nothing allows.
    pub const NONE: Self = Self { ways: [const { Matches::NONE }; 5], holding: Ways::NONE, open: Ways::NONE };

    /// A policy that names the caller and allows the call, in whatever statement.
    pub const DIRECT: Self = {
        let direct = Matches { truth: Truth::YES, by: None };
        let none = Matches::NONE;
        let named = Ways::NONE.with(PrincipalMatch::Direct);
        Self { ways: [direct, none, none, none, none], holding: named, open: named }
    };

    /// Adds one that names the caller in this way.
    #[inline]
    pub fn add(&mut self, way: PrincipalMatch, index: StatementIndex, truth: Truth) {
        if !truth.could_hold() {
            return;
        }
        self.open = self.open.with(way);
        if truth.holds() {
            self.holding = self.holding.with(way);
        }
        if let Some(matches) = self.ways.get_mut(way as usize) {
            matches.add(index, truth);
        }
    }

    /// Whether one of them applies, in whatever way it names the caller.
    pub fn any(&self) -> Truth {
        Truth::any(self.open.iter().map(|way| self.by(way).truth))
    }

    /// The ways in which something applies.
    pub fn holding(&self) -> Ways {
        self.holding
    }

    /// The ways in which something applies, in some reading.
    pub fn open(&self) -> Ways {
        self.open
    }

    /// What names the caller in this way.
    pub fn by(&self, way: PrincipalMatch) -> &Matches {
        self.ways.get(way as usize).unwrap_or(&Matches::NONE)
    }
}

/// Judges policies that work together: all of one layer, or of one level of it.
pub fn evaluate(policies: Policies<'_>, view: &View<'_>) -> Outcome {
    judge(policies, view, None)
}

/// Judges a resource-based policy, and adds to `allows` in which ways its Allow statements name the caller.
pub fn evaluate_resource(policy: &Policy, view: &View<'_>, allows: &mut Allows) -> Outcome {
    judge(Policies::One(policy), view, Some(allows))
}

fn judge(policies: Policies<'_>, view: &View<'_>, mut allows: Option<&mut Allows>) -> Outcome {
    let mut outcome = Outcome::NONE;
    let Some(kind) = policies.kind() else { return outcome };
    let view = View { kind, ..*view };
    policies.candidates(view.request, |policy, statement| {
        let ways = element::ways(statement, &view);
        let truth = applies_to_action(statement, ways, &view);
        let index = StatementIndex::new(policy, statement.index);
        match statement.effect {
            Effect::Deny => outcome.deny.add(index, truth),
            Effect::Allow => {
                outcome.allow.add(index, truth);
                if let Some(allows) = &mut allows {
                    for way in ways.iter() {
                        allows.add(way, index, allows_by(way, statement, truth, &view));
                    }
                }
            }
        }
    });
    outcome
}

/// Whether an Allow statement about the action that names the caller in this way allows the call, if it `applies`.
fn allows_by(way: PrincipalMatch, statement: &Statement, applies: Truth, view: &View<'_>) -> Truth {
    match way {
        PrincipalMatch::Account if may_delegate(view) => delegates(statement, view, applies),
        PrincipalMatch::Account
        | PrincipalMatch::Direct
        | PrincipalMatch::RoleOfSession
        | PrincipalMatch::UserOfFederatedSession
        | PrincipalMatch::Everyone => applies,
    }
}

/// Whether a statement that names the caller's account may delegate to it. Across accounts it is no delegation but the
/// resource side's Allow (R5.11). A trust policy's condition always counts: that is how an account limits who may
/// assume a role (R5.18).
fn may_delegate(view: &View<'_>) -> bool {
    view.kind != PolicyType::Trust && view.request.resource.account == view.request.principal.account()
}

/// Whether a statement that names the account delegates to it. AWS documents that delegation reaches no further than
/// the statement's actions; that its condition counts too is inferred (R6.3, unsure).
fn delegates(statement: &Statement, view: &View<'_>, applies: Truth) -> Truth {
    if applies.holds() || !applies_but_for_conditions(statement, view).holds() {
        return applies;
    }
    applies.or(Truth::unless(false, Rule::ConditionOfDelegation, true))
}
