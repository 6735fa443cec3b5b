//! When is a request allowed, as a formula over conditions?
//!
//! Caller, action and resource are fixed, so that what is left are conditions on keys nobody stated: the *atoms*. Two
//! conditions that mean the same are one atom, in whichever version of whichever policy they stand.

use std::ops::Not;

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use crate::condition::Condition;
use crate::context::ConditionKey;

/// The open atom of what a caller's identity-based policies say, where nobody knows them.
pub(super) const IDENTITY: &str = "identity-based policies of the caller";

/// A formula. Negation stands at atoms only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Formula {
    /// Always, or never.
    Constant(bool),
    /// An atom that holds, or fails.
    Atom {
        /// Its number.
        atom: usize,
        /// Whether it has to hold.
        holds: bool,
    },
    /// All of them.
    All(Vec<Formula>),
    /// At least one of them.
    Any(Vec<Formula>),
}

impl Formula {
    pub(super) const YES: Self = Self::Constant(true);
    pub(super) const NO: Self = Self::Constant(false);

    pub(super) fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(parts, true)
    }

    pub(super) fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(parts, false)
    }

    #[must_use]
    pub(super) fn and(self, other: Self) -> Self {
        Self::all([self, other])
    }

    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        Self::any([self, other])
    }

    /// A part that is `neutral` says nothing, one that is the opposite says it all.
    fn joined(parts: impl IntoIterator<Item = Self>, neutral: bool) -> Self {
        let mut kept = Vec::new();
        for part in parts {
            match (part, neutral) {
                (Self::Constant(holds), _) if holds == neutral => {}
                (Self::Constant(holds), _) => return Self::Constant(holds),
                (Self::All(inner), true) | (Self::Any(inner), false) => kept.extend(inner),
                (part, _) => kept.push(part),
            }
        }
        // One order, so that what means the same is the same.
        kept.sort_unstable();
        kept.dedup();
        match kept.len() {
            0 => Self::Constant(neutral),
            1 => kept.pop().unwrap_or(Self::Constant(neutral)),
            _ if neutral => Self::All(kept),
            _ => Self::Any(kept),
        }
    }

    /// Whether it holds where atoms have these values.
    pub(super) fn holds(&self, of: &mut impl FnMut(usize) -> bool) -> bool {
        match self {
            Self::Constant(holds) => *holds,
            Self::Atom { atom, holds } => of(*atom) == *holds,
            Self::All(parts) => parts.iter().all(|part| part.holds(of)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(of)),
        }
    }
}

impl PartialEq for Atoms {
    /// The names say all about atoms.
    fn eq(&self, other: &Self) -> bool {
        self.numbers == other.numbers
    }
}

impl Not for Formula {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Constant(holds) => Self::Constant(!holds),
            Self::Atom { atom, holds } => Self::Atom { atom, holds: !holds },
            Self::All(parts) => Self::Any(parts.into_iter().map(Self::not).collect()),
            Self::Any(parts) => Self::All(parts.into_iter().map(Self::not).collect()),
        }
    }
}

/// An atom.
#[derive(Debug, Clone)]
pub(super) enum Atom {
    /// A condition on a key that could have any value.
    Condition {
        /// The number of its key.
        key: usize,
        /// The condition, without variables.
        condition: Condition,
    },
    /// Something that hangs on the value of a policy variable: it may hold or fail, whatever else does.
    Open,
}

fn open_name(text: &str) -> String {
    format!("open {text}")
}

/// The atoms of a formula, and the keys they are about.
#[derive(Debug, Clone, Default)]
pub(super) struct Atoms {
    all: Vec<Atom>,
    keys: Vec<ConditionKey>,
    numbers: HashMap<String, usize, FxBuildHasher>,
}

impl Atoms {
    /// The atom of a condition without variables.
    pub(super) fn condition(&mut self, condition: Condition) -> Formula {
        let mut operands: Vec<String> = condition.operands.iter().map(crate::condition::Operand::meaning).collect();
        operands.sort_unstable();
        operands.dedup();
        let name = format!("{} {} {}", condition.key.folded(), condition.operator, operands.join(" "));
        let key = self.keys.iter().position(|key| *key == condition.key).unwrap_or_else(|| {
            self.keys.push(condition.key.clone());
            self.keys.len() - 1
        });
        self.numbered(name, Atom::Condition { key, condition })
    }

    /// That a condition without variables holds, or fails.
    pub(super) fn that(&mut self, condition: Condition, holds: bool) -> Formula {
        let formula = self.condition(condition);
        if holds { formula } else { !formula }
    }

    /// The atom of something that hangs on the value of a policy variable. One text names one such thing.
    pub(super) fn open(&mut self, text: &str) -> Formula {
        self.numbered(open_name(text), Atom::Open)
    }

    fn numbered(&mut self, name: String, atom: Atom) -> Formula {
        let atoms = &mut self.all;
        let number = *self.numbers.entry(name).or_insert_with(|| {
            atoms.push(atom);
            atoms.len() - 1
        });
        Formula::Atom { atom: number, holds: true }
    }

    /// Whether anything hangs on the value of a policy variable.
    pub(super) fn has_open(&self) -> bool {
        let identity = self.numbers.get(&open_name(IDENTITY));
        let mut open = self.all.iter().enumerate().filter(|(_, atom)| matches!(atom, Atom::Open));
        open.any(|(number, _)| Some(&number) != identity)
    }

    /// Whether the identity-based policies of a caller that nobody knows are among the open atoms that hold.
    pub(super) fn is_open_identity(&self, holding: &[usize]) -> bool {
        self.numbers.get(&open_name(IDENTITY)).is_some_and(|number| holding.contains(number))
    }

    /// What an open atom is called.
    pub(super) fn name(&self, atom: usize) -> Option<&str> {
        let named = self.numbers.iter().find(|(_, number)| **number == atom);
        named.and_then(|(name, _)| name.strip_prefix("open "))
    }

    pub(super) fn get(&self, atom: usize) -> Option<&Atom> {
        self.all.get(atom)
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The keys, by number.
    pub(super) fn keys(&self) -> &[ConditionKey] {
        &self.keys
    }

    /// The conditions on a key.
    pub(super) fn on(&self, key: usize) -> Vec<&Condition> {
        let of_key = |atom: &'_ Atom| matches!(atom, Atom::Condition { key: own, .. } if *own == key);
        let own = self.all.iter().filter(|atom| of_key(atom));
        own.filter_map(|atom| match atom {
            Atom::Condition { condition, .. } => Some(condition),
            Atom::Open => None,
        })
        .collect()
    }
}
