//! What is the answer, and what is it worth?

use crate::layer::{Layer, StatementRef, Verdict};
use crate::truth::Doubts;

/// The answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Allowed.
    Allow,
    /// Denied, because nothing allows it.
    ImplicitDeny,
    /// Denied by a Deny.
    ExplicitDeny,
}

/// A decision and what it rests on.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The answer under the reference's reading, with unstated keys absent.
    pub effect: Effect,
    /// The layer that decided: for a denial the first in AWS's order that blocked, for an implicit one by KMS the
    /// layer AWS's message names (R9.8).
    pub layer: Layer,
    /// The statement that decided; an implicit deny has none.
    pub decided_by: Option<StatementRef>,
    /// What each layer says by itself, in AWS's order.
    pub verdicts: [Verdict; 8],
    /// The other answers that the doubts leave open.
    pub otherwise: Effects,
    /// What could turn the answer into one of those.
    pub doubts: Doubts,
}

/// Some of the three answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effects(u8);

/// Why a request gets no authorization answer, or none that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unavailable {
    /// The key is not in the Region that was asked: KMS finds none before it looks at any policy (R6.11).
    WrongRegion,
    /// The alias is one of AWS's: nobody creates, changes or deletes those (R6.12).
    ReservedAlias,
    /// The call is authorized, and the key's state refuses it with one of these errors (R6.34).
    KeyState(&'static [&'static str]),
    /// The call is authorized, and the key policy it brings would keep its caller from the next change (R6.10).
    Lockout,
}

impl Unavailable {
    /// The errors AWS may answer with.
    pub const fn errors(self) -> &'static [&'static str] {
        match self {
            Self::WrongRegion => &["NotFoundException"],
            Self::ReservedAlias => &["InvalidAliasNameException", "NotAuthorizedException"],
            Self::KeyState(errors) => errors,
            Self::Lockout => &["MalformedPolicyDocumentException"],
        }
    }
}

impl Effect {
    /// The word for it in scenario files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::ImplicitDeny => "implicit-deny",
            Self::ExplicitDeny => "explicit-deny",
        }
    }

    /// Whether it is a denial of either kind.
    pub const fn is_deny(self) -> bool {
        match self {
            Self::Allow => false,
            Self::ImplicitDeny | Self::ExplicitDeny => true,
        }
    }
}

impl Effects {
    /// The same, with `effect` if it is `open`.
    #[must_use]
    pub fn with_if(self, open: bool, effect: Effect) -> Self {
        Self(self.0 | u8::from(open) << effect as u8)
    }

    /// The same without `effect`.
    #[must_use]
    pub fn without(self, effect: Effect) -> Self {
        Self(self.0 & !(1 << effect as u8))
    }

    /// Whether `effect` is one of them.
    pub fn contains(self, effect: Effect) -> bool {
        self.0 & 1 << effect as u8 != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The answers, in the order of [`Effect`].
    pub fn iter(self) -> impl Iterator<Item = Effect> + Clone {
        [Effect::Allow, Effect::ImplicitDeny, Effect::ExplicitDeny]
            .into_iter()
            .filter(move |effect| self.contains(*effect))
    }
}

impl Decision {
    /// What a layer says by itself.
    pub fn verdict(&self, layer: Layer) -> Verdict {
        let position = Layer::ALL.iter().position(|each| *each == layer);
        position.and_then(|at| self.verdicts.get(at).copied()).unwrap_or(Verdict::NotApplicable)
    }
}
