//! Which decisions does a change turn?
//!
//! Two replays of the same checks, before and after, compared call by call.

use crate::judge::{Judgement, Verdicts};
use crate::replay::Replayed;
use crate::report::summary;

/// A decision that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The check, and the step of a flow.
    pub id: String,
    /// What it means for access.
    pub kind: Kind,
    /// The answer before.
    pub before: String,
    /// The answer after.
    pub after: String,
}

/// What a difference means for access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Denied before, allowed after.
    Gained,
    /// Allowed before, denied after.
    Lost,
    /// The same access for another reason, or another kind of denial.
    Changed,
}

impl Kind {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gained => "gained",
            Self::Lost => "lost",
            Self::Changed => "changed",
        }
    }
}

/// The decisions that differ between two replays of one file. Checks that only one of them has are left out.
pub fn differences(before: &Replayed, after: &Replayed) -> Vec<Difference> {
    let mut found = Vec::new();
    for old in &before.checks {
        let Some(new) = after.checks.iter().find(|check| check.id == old.id) else { continue };
        for (old_asked, new_asked) in old.asked.iter().zip(&new.asked) {
            let step = old_asked.step.as_ref().map(|step| format!(" · {}", step.id)).unwrap_or_default();
            found.extend(difference(format!("{}{step}", old.id), &old_asked.judgement, &new_asked.judgement));
        }
    }
    found
}

/// The difference between two answers to one call.
pub fn difference(id: String, before: &Judgement, after: &Judgement) -> Option<Difference> {
    let (old, new) = (summary(before), summary(after));
    if old == new {
        return None;
    }
    let kind = match (is_allowed(before), is_allowed(after)) {
        (false, true) => Kind::Gained,
        (true, false) => Kind::Lost,
        (true, true) | (false, false) => Kind::Changed,
    };
    Some(Difference { id, kind, before: old, after: new })
}

fn is_allowed(judgement: &Judgement) -> bool {
    matches!(judgement.answer, Verdicts::Decided(effect) if !effect.is_deny())
}
