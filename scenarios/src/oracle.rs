//! Who else can decide a call, and do they agree?
//!
//! An [`Oracle`] decides calls of a world. The evaluator is one; the translation to Cedar, where its feature is on, is
//! another, which shares nothing with the first but the parsed policies, the world and the derived context. A call on
//! which the two differ is a mistake of one of them.

use std::collections::BTreeSet;

use permitlab_evaluator::authorize::{Answer, authorize};
use permitlab_evaluator::decision::Effect;
use permitlab_evaluator::request::Request;
use permitlab_evaluator::truth::Rules;
use permitlab_evaluator::world::World;

use crate::judge::{Judgement, Verdicts};

/// What an oracle thinks of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    /// The authorization, without a look at the key's state.
    pub effect: Effect,
    /// The statements and grants that could have decided it, by name; empty where none did, or it names none.
    pub by: BTreeSet<String>,
    /// What it could not judge by itself and took from the evaluator's operators; empty for the evaluator.
    pub opaque: BTreeSet<String>,
}

/// One who decides calls.
pub trait Oracle {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// Its opinions on calls of one world, in their order.
    ///
    /// # Errors
    /// For a call: why it has none.
    fn decide(&self, world: &World, requests: &[&Request]) -> Vec<Result<Opinion, String>>;
}

/// The evaluator.
#[derive(Debug, Clone, Copy)]
pub struct Evaluator;

/// The translation to Cedar.
#[cfg(feature = "cedar")]
#[derive(Debug, Clone, Copy)]
pub struct Cedar;

/// Which of them decides the calls of a replay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Engine {
    /// The evaluator.
    #[default]
    Evaluator,
    /// Cedar; the explanations stay the evaluator's.
    Cedar,
    /// Both, and a call on which they differ fails its check.
    Both,
}

impl Oracle for Evaluator {
    fn name(&self) -> &'static str {
        "evaluator"
    }

    fn decide(&self, world: &World, requests: &[&Request]) -> Vec<Result<Opinion, String>> {
        let opinion = |request: &&Request| {
            let decision = match authorize(world, request, Rules::NONE) {
                Answer::Decided(decision) | Answer::Unavailable(_, Some(decision)) => decision,
                Answer::Unavailable(why, None) => {
                    return Err(format!("KMS answers `{}` before it looks at a policy", why.errors().join("` or `")));
                }
            };
            // The name of the statement takes its policy, which the decision does not hold.
            Ok(Opinion { effect: decision.effect, by: BTreeSet::new(), opaque: BTreeSet::new() })
        };
        requests.iter().map(opinion).collect()
    }
}

#[cfg(feature = "cedar")]
impl Oracle for Cedar {
    fn name(&self) -> &'static str {
        "cedar"
    }

    fn decide(&self, world: &World, requests: &[&Request]) -> Vec<Result<Opinion, String>> {
        use permitlab_evaluator::cedar;
        let engine = cedar::Engine::new(world);
        let opinion = |request: &&Request| engine.decide(request).map(Opinion::from).map_err(|error| error.to_string());
        requests.iter().map(opinion).collect()
    }
}

#[cfg(feature = "cedar")]
impl From<permitlab_evaluator::cedar::Answer> for Opinion {
    fn from(answer: permitlab_evaluator::cedar::Answer) -> Self {
        use permitlab_evaluator::cedar;
        let effect = match answer.effect {
            cedar::Effect::Allow => Effect::Allow,
            cedar::Effect::ImplicitDeny => Effect::ImplicitDeny,
            cedar::Effect::ExplicitDeny => Effect::ExplicitDeny,
        };
        Self { effect, by: answer.by, opaque: answer.opaque }
    }
}

impl Engine {
    /// Whether this build holds the second engine.
    pub const HAS_CEDAR: bool = cfg!(feature = "cedar");

    /// The second opinion on a call, where this engine asks for one.
    pub(crate) fn second(self, world: &World, request: &Request) -> Option<Result<Opinion, String>> {
        match self {
            Self::Evaluator => None,
            Self::Cedar | Self::Both => Some(second(world, request)),
        }
    }
}

impl Engine {
    /// Lets Cedar's answer stand for the evaluator's, where it is asked alone.
    pub(crate) fn settle(self, judgement: &mut Judgement, second: Option<&Result<Opinion, String>>) {
        if let (Self::Cedar, Verdicts::Decided(_), Some(Ok(second))) = (self, judgement.answer, second) {
            judgement.answer = Verdicts::Decided(second.effect);
        }
    }
}

#[cfg(feature = "cedar")]
fn second(world: &World, request: &Request) -> Result<Opinion, String> {
    let opinion = Cedar.decide(world, &[request]).pop();
    opinion.unwrap_or_else(|| Err("no opinion".to_owned()))
}

#[cfg(not(feature = "cedar"))]
fn second(_world: &World, _request: &Request) -> Result<Opinion, String> {
    Err("this build holds no second engine".to_owned())
}

impl Judgement {
    /// The authorization behind the answer; none where KMS answers before it looks at a policy, or no policy has a say.
    pub fn authorization(&self) -> Option<Effect> {
        match self.answer {
            Verdicts::Decided(effect) => Some(effect),
            Verdicts::Unavailable(_) if self.layer.is_some() => Some(Effect::Allow),
            Verdicts::Unavailable(_) | Verdicts::NotEvaluated => None,
        }
    }

    /// How a second opinion differs from this judgement: in the answer, or in the statement that decided.
    pub fn differs_from(&self, second: &Opinion) -> Option<String> {
        let own = self.authorization()?;
        if own != second.effect {
            let by: Vec<&str> = second.by.iter().map(String::as_str).collect();
            let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
            return Some(format!("{} here, {}{by} there", own.word(), second.effect.word()));
        }
        let statement = self.statement.as_ref().filter(|_| matches!(self.answer, Verdicts::Decided(_)))?;
        let known = second.by.is_empty() || second.by.contains(&statement.name);
        (!known).then(|| {
            let by: Vec<&str> = second.by.iter().map(String::as_str).collect();
            format!("both say {}, decided by `{}` here and by {} there", own.word(), statement.name, by.join(", "))
        })
    }
}
