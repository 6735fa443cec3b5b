//! Which policies work together, and which of their statements could have a say in a call?
//!
//! A [`PolicySet`] is the policies of one layer, or of one level of it, put together once and asked many times. The cost of
//! asking follows the statements that could match (see [`index`](super::index)), not those there are.

use std::ops::Deref;
use std::sync::Arc;

use crate::policy::index::{InTime, Index, WORTHWHILE};
use crate::policy::{Policy, PolicyType, Statement};
use crate::request::Request;

/// Policies of one type that work together, in order: it reads as the slice of them.
#[derive(Debug, Clone, Default)]
pub struct PolicySet {
    policies: Vec<Arc<Policy>>,
    index: Option<Arc<InTime<Indexed>>>,
}

/// The index of the statements of several policies, and where each of its numbers stands.
#[derive(Debug)]
struct Indexed {
    index: Index,
    places: Vec<(u32, u32)>,
}

/// The policies of a layer: a set of them, or the one it has.
#[derive(Debug, Clone, Copy)]
pub enum Policies<'w> {
    /// Some, put together.
    Set(&'w PolicySet),
    /// A single one.
    One(&'w Policy),
}

impl PolicySet {
    /// No policy.
    pub const NONE: Self = Self { policies: Vec::new(), index: None };

    /// Puts policies together.
    pub fn new(policies: Vec<Arc<Policy>>) -> Self {
        let count: usize = policies.iter().map(|policy| policy.statements.len()).sum();
        let is_indexed = policies.len() > 1 && count > WORTHWHILE;
        let index = is_indexed.then(Arc::default);
        Self { policies, index }
    }

    /// Makes ready for many requests now, rather than once there have been some.
    pub fn prepare(&self) {
        match &self.index {
            Some(index) => {
                index.now(|| Indexed::new(&self.policies));
            }
            None => self.policies.iter().for_each(|policy| policy.prepare()),
        }
    }

    /// The index of all the statements, if there is one by now.
    #[inline]
    fn indexed(&self) -> Option<&Indexed> {
        self.index.as_ref()?.get(|| Indexed::new(&self.policies))
    }
}

impl Indexed {
    fn new(policies: &[Arc<Policy>]) -> Self {
        let statements = policies.iter().flat_map(|policy| &policy.statements);
        let place = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let places = policies.iter().enumerate().flat_map(|(policy, content)| {
            (0..content.statements.len()).map(move |statement| (place(policy), place(statement)))
        });
        Self { index: Index::new(statements), places: places.collect() }
    }

    /// The statements that could match, with the numbers of their policies, in order.
    fn candidates<'w>(&self, set: &'w PolicySet, request: &Request) -> impl Iterator<Item = (usize, &'w Statement)> {
        self.index.candidates(request).into_iter().filter_map(|number| {
            let (policy, statement) = self.places.get(number as usize).copied()?;
            let (policy, statement) = (policy as usize, statement as usize);
            Some((policy, set.policies.get(policy)?.statements.get(statement)?))
        })
    }
}

impl Deref for PolicySet {
    type Target = [Arc<Policy>];

    fn deref(&self) -> &[Arc<Policy>] {
        &self.policies
    }
}

impl From<Vec<Arc<Policy>>> for PolicySet {
    fn from(policies: Vec<Arc<Policy>>) -> Self {
        Self::new(policies)
    }
}

impl FromIterator<Arc<Policy>> for PolicySet {
    fn from_iter<I: IntoIterator<Item = Arc<Policy>>>(policies: I) -> Self {
        Self::new(policies.into_iter().collect())
    }
}

impl<'w> Policies<'w> {
    /// The policies, in order.
    pub fn iter(self) -> impl Iterator<Item = &'w Policy> {
        let (set, one) = match self {
            Self::Set(set) => (&**set, None),
            Self::One(policy) => (&[][..], Some(policy)),
        };
        set.iter().map(AsRef::as_ref).chain(one)
    }

    /// The policy of this number, from 0.
    pub fn get(self, policy: usize) -> Option<&'w Policy> {
        match self {
            Self::Set(set) => set.policies.get(policy).map(AsRef::as_ref),
            Self::One(one) => (policy == 0).then_some(one),
        }
    }

    /// The type of the policies, which they all have.
    #[inline]
    pub fn kind(self) -> Option<PolicyType> {
        match self {
            Self::Set(set) => set.policies.first().map(|policy| policy.kind),
            Self::One(policy) => Some(policy.kind),
        }
    }

    /// Hands over every statement that is about the request's action and whose resource could match, with the number of
    /// its policy, in order. Those that are left out do not apply, whatever else they say.
    #[inline]
    pub fn candidates(self, request: &Request, mut visit: impl FnMut(usize, &'w Statement)) {
        // Most statements are about other actions.
        let mut visit = |policy: usize, statement: &'w Statement| {
            if statement.action.covers(&request.action) {
                visit(policy, statement);
            }
        };
        match self {
            Self::Set(set) => match set.indexed() {
                Some(indexed) => {
                    for (number, statement) in indexed.candidates(set, request) {
                        visit(number, statement);
                    }
                }
                None => {
                    for (number, policy) in set.policies.iter().enumerate() {
                        policy.candidates(request, |statement| visit(number, statement));
                    }
                }
            },
            Self::One(policy) => policy.candidates(request, |statement| visit(0, statement)),
        }
    }
}

impl Policy {
    /// Hands over every statement whose action and resource could match the request.
    #[inline]
    fn candidates<'p>(&'p self, request: &Request, visit: impl FnMut(&'p Statement)) {
        match self.index.as_ref().and_then(|index| index.get(|| Index::new(self.statements.iter()))) {
            None => self.statements.iter().for_each(visit),
            Some(index) => {
                let statement = |number: u32| self.statements.get(number as usize);
                index.candidates(request).into_iter().filter_map(statement).for_each(visit);
            }
        }
    }
}
