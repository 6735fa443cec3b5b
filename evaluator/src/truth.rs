//! Does it hold, and would it still hold if we knew more?
//!
//! A decision rests on facts that may be unstated (a condition key nobody gave a value for) and on readings of
//! AWS's documentation that may be wrong. Both are carried by one value: a [`Truth`] holds or not under the
//! reference's reading with unstated keys absent, and is certain when nothing left open could change that.
//! Combining truths drops every doubt that cannot matter: a statement whose action does not match stays out,
//! whatever its condition might have said.

use std::cell::RefCell;
use std::fmt;

use smallvec::SmallVec;

use crate::context::ConditionKey;

/// Whether something holds, and what could turn it round.
///
/// It is two words and copied about freely: unstated keys are numbers of the judgement's own list, [`Unstated`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truth {
    state: State,
    keys: Keys,
}

/// Whether it holds, whether anything is left open, and the rules that are, in one word that tells what is certain by
/// itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State(u32);

impl State {
    const FAILS: Self = Self(0);
    const HOLDS: Self = Self(1 << 31);
    const OPEN: u32 = 1 << 30;

    const fn of(holds: bool) -> Self {
        if holds { Self::HOLDS } else { Self::FAILS }
    }
}

const _: () = assert!(Rule::ALL.len() <= 30, "each rule has a bit");

/// What is left open: condition keys without a stated value, and rules the reference is unsure of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doubts {
    /// Keys that were evaluated as absent because nobody stated them, in the order of their names.
    pub keys: SmallVec<[ConditionKey; 2]>,
    /// Rules whose other reading could change the outcome.
    pub rules: Rules,
}

/// Some of the keys of an [`Unstated`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keys(u64);

/// The unstated keys that a judgement came upon, each under a number.
#[derive(Debug, Default)]
pub struct Unstated {
    keys: RefCell<SmallVec<[ConditionKey; 4]>>,
}

impl Keys {
    /// No key.
    pub const NONE: Self = Self(0);
    /// The last number, which every key shares for which no number is left. A lookup without a list of its own gives
    /// it to all of them.
    pub const LAST: Self = Self(1 << 63);

    fn number(number: usize) -> Self {
        u32::try_from(number).ok().and_then(|number| 1_u64.checked_shl(number)).map_or(Self::LAST, Self)
    }

    fn holds(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl Unstated {
    /// The number of a key.
    pub fn mark(&self, key: &ConditionKey) -> Keys {
        let mut keys = self.keys.borrow_mut();
        let known = keys.iter().position(|other| other == key);
        Keys::number(known.unwrap_or_else(|| {
            keys.push(key.clone());
            keys.len() - 1
        }))
    }

    /// The doubts of a truth, by name.
    pub fn doubts(&self, truth: &Truth) -> Doubts {
        let keys = self.keys.borrow();
        let marked = keys.iter().enumerate().filter(|(number, _)| truth.keys.holds(Keys::number(*number)));
        let mut keys: SmallVec<[ConditionKey; 2]> = marked.map(|(_, key)| key.clone()).collect();
        keys.sort_unstable();
        Doubts { keys, rules: truth.rules() }
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident $number:literal,)*) => {
        /// A rule of the reference that AWS's documentation leaves open. FIDELITY.md lists both readings of each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[$doc])* $name,)*
        }

        impl Rule {
            /// Every rule, in the reference's order.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its number in the reference: `R4.11`.
            pub const fn number(self) -> &'static str {
                match self { $(Self::$name => $number,)* }
            }
        }
    };
}

rules! {
    /// R2.8: does the account form of an ARN match a call without a resource?
    AccountFormOfNoResource "R2.8",
    /// R2.10: does a variable before the fifth colon of a resource ever match?
    VariableInEarlyField "R2.10",
    /// R2.11: does `NotResource` with an unresolved variable exclude nothing, or fail?
    UnresolvedNotResource "R2.11",
    /// R3.6: does `{"AWS": "*"}` cover service principals?
    AwsStarCoversServices "R3.6",
    /// R3.10: which `NotPrincipal` entries exempt a user or a role session?
    NotPrincipalOfSession "R3.10",
    /// R4.3: which of two tags or encryption context pairs that differ in case is compared?
    AmbiguousCase "R4.3",
    /// R4.8: does `Null` see an empty string as absent?
    NullOfEmptyString "R4.8",
    /// R4.11: does a multivalued key match without a set operator?
    MultivaluedWithoutSetOperator "R4.11",
    /// R4.15: what does a negated ARN operator say of something that is no ARN?
    NotAnArn "R4.15",
    /// R4.16: what does a negated operator say of a value of another type?
    UnparsableNegated "R4.16",
    /// R4.22: does an empty value take the default of a policy variable?
    EmptyVariableDefault "R4.22",
    /// R5.8: do boundary and session policy limit a grant to `*`?
    EveryoneEscapesLimits "R5.8",
    /// R6.3: does account delegation carry the condition of its statement?
    ConditionOfDelegation "R6.3",
    /// R6.10: is an absent lockout bypass parameter `false` or absent?
    LockoutBypassDefault "R6.10",
    /// R6.18: does a call by a service principal carry `kms:ViaService`?
    ViaServiceOfServicePrincipal "R6.18",
    /// R6.19: does a call by a service principal carry `kms:CallerAccount`?
    CallerAccountOfServicePrincipal "R6.19",
    /// R6.24: does an RCP beat a grant?
    RcpAgainstGrant "R6.24",
    /// R6.25: do boundary and session policy limit a grant?
    GrantEscapesLimits "R6.25",
    /// R6.26: does a grant of the caller's own account replace its identity policy?
    GrantOfCallersAccount "R6.26",
    /// R6.29: is `kms:GrantIsForAWSResource` false or absent on a direct call?
    GrantIsForAwsResourceDefault "R6.29",
    /// R7.2: does `aws:SourceIp` carry over to a forwarded call?
    SourceIpOfForwardedCall "R7.2",
    /// R7.3: do S3 and Bedrock fill `aws:CalledVia`?
    CalledViaOfForwardedCall "R7.3",
}

/// A set of rules.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules(u32);

impl Rules {
    /// No rule.
    pub const NONE: Self = Self(0);

    /// The set with `rule` in it.
    #[must_use]
    pub fn with(self, rule: Rule) -> Self {
        Self(self.0 | 1 << rule as u32)
    }

    /// The rules of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The rules of this set that are not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether `rule` is in the set.
    pub fn contains(self, rule: Rule) -> bool {
        self.0 & (1 << rule as u32) != 0
    }

    /// Whether no rule is in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The rules in the reference's order.
    pub fn iter(self) -> impl Iterator<Item = Rule> {
        Rule::ALL.iter().copied().filter(move |rule| self.contains(*rule))
    }
}

impl FromIterator<Rule> for Rules {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        rules.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Rule::number)).finish()
    }
}

impl Rule {
    /// The unsure rule of this number; `None` when the reference is sure of it, or has no such rule.
    pub fn parse(number: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.number() == number)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.number())
    }
}

impl Doubts {
    /// Whether nothing is left open.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.rules.is_empty()
    }
}

impl Truth {
    /// Holds for certain.
    pub const YES: Self = Self::certain(true);
    /// Fails for certain.
    pub const NO: Self = Self::certain(false);

    /// Certainly `holds`.
    pub const fn certain(holds: bool) -> Self {
        Self { state: State::of(holds), keys: Keys::NONE }
    }

    /// `holds` under the reference's reading; the other reading of `rule` says `otherwise`.
    pub fn unless(holds: bool, rule: Rule, otherwise: bool) -> Self {
        let truth = Self::certain(holds);
        if holds == otherwise { truth } else { truth.doubted(rule) }
    }

    /// The other reading of `rule` may say the opposite, beside what else is open.
    #[must_use]
    pub fn doubted(self, rule: Rule) -> Self {
        Self { state: State(self.state.0 | State::OPEN | Rules::NONE.with(rule).0), ..self }
    }

    /// `holds` while these keys count as absent; nobody stated them, so it may be otherwise.
    pub const fn unstated(holds: bool, keys: Keys) -> Self {
        Self { state: State(State::of(holds).0 | State::OPEN), keys }
    }

    /// Whether it holds under the reference's reading with unstated keys absent.
    pub const fn holds(self) -> bool {
        self.state.0 & State::HOLDS.0 != 0
    }

    /// Whether nothing left open could change that.
    pub const fn is_certain(self) -> bool {
        self.state.0 & State::OPEN == 0
    }

    /// Whether it holds in some reading.
    pub const fn could_hold(self) -> bool {
        self.state.0 != State::FAILS.0
    }

    /// Whether it fails in some reading.
    pub const fn could_fail(self) -> bool {
        self.state.0 != State::HOLDS.0
    }

    /// The rules that could change it.
    pub const fn rules(self) -> Rules {
        Rules(self.state.0 & !(State::HOLDS.0 | State::OPEN))
    }

    /// The same, open in what is open in `other` too.
    #[must_use]
    pub const fn with_doubts_of(self, other: Self) -> Self {
        let open = other.state.0 & !State::HOLDS.0;
        Self { state: State(self.state.0 | open), keys: Keys(self.keys.0 | other.keys.0) }
    }

    /// Both hold.
    #[must_use]
    #[inline]
    pub fn and(self, other: Self) -> Self {
        self.combine(other, State::FAILS)
    }

    /// At least one holds.
    #[must_use]
    #[inline]
    pub fn or(self, other: Self) -> Self {
        self.combine(other, State::HOLDS)
    }

    /// Joins two truths, of which each settles the result by itself where it is certain and `settles`, and leaves it to
    /// the other where it is certainly the opposite.
    #[inline]
    fn combine(self, other: Self, settles: State) -> Self {
        let neutral = State(settles.0 ^ State::HOLDS.0);
        if self.state == neutral || other.state == settles {
            return other;
        }
        if other.state == neutral || self.state == settles {
            return self;
        }
        let holds = if settles == State::HOLDS { self.holds() || other.holds() } else { self.holds() && other.holds() };
        Self::certain(holds).with_doubts_of(self).with_doubts_of(other)
    }

    /// Holds where this fails.
    #[must_use]
    pub const fn negate(self) -> Self {
        Self { state: State(self.state.0 ^ State::HOLDS.0), ..self }
    }

    /// Takes the reference's reading of `rules` as settled, if nothing else is open.
    #[must_use]
    pub fn settle(self, rules: Rules) -> Self {
        let settled = Self { state: State(self.state.0 & !rules.0), ..self };
        let is_open = self.keys != Keys::NONE || !settled.rules().is_empty();
        if is_open { settled } else { Self::certain(self.holds()) }
    }

    /// All of them hold.
    pub fn all(truths: impl IntoIterator<Item = Self>) -> Self {
        truths.into_iter().fold(Self::YES, Self::and)
    }

    /// One of them holds.
    pub fn any(truths: impl IntoIterator<Item = Self>) -> Self {
        truths.into_iter().fold(Self::NO, Self::or)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unsure(holds: bool, rule: Rule) -> Truth {
        Truth::unless(holds, rule, !holds)
    }

    #[test]
    fn a_doubt_that_cannot_matter_disappears() {
        let doubtful = unsure(true, Rule::NotAnArn);
        assert_eq!(doubtful.and(Truth::NO), Truth::NO);
        assert_eq!(doubtful.or(Truth::YES), Truth::YES);
        assert_eq!(doubtful.and(Truth::YES), doubtful);
        assert_eq!(doubtful.or(Truth::NO), doubtful);
    }

    #[test]
    fn doubts_of_both_sides_remain() {
        let (unstated, key) = (Unstated::default(), ConditionKey::new("aws:SourceIp"));
        unstated.mark(&ConditionKey::new("aws:UserAgent"));
        let both = unsure(false, Rule::NotAnArn).or(Truth::unstated(false, unstated.mark(&key)));
        assert!(!both.holds() && both.could_hold() && both.could_fail());
        let doubts = unstated.doubts(&both);
        assert!(doubts.rules.contains(Rule::NotAnArn));
        assert_eq!(doubts.keys.iter().map(ConditionKey::as_str).collect::<Vec<_>>(), ["aws:SourceIp"]);
    }

    #[test]
    fn no_key_is_lost_where_numbers_run_out() {
        let unstated = Unstated::default();
        let keys: Vec<_> = (0..100).map(|each| ConditionKey::new(&format!("aws:PrincipalTag/{each:03}"))).collect();
        let truths: Vec<_> = keys.iter().map(|key| Truth::unstated(false, unstated.mark(key))).collect();
        for (key, truth) in keys.iter().zip(truths) {
            assert!(unstated.doubts(&truth).keys.contains(key), "{key}");
            assert!(unstated.doubts(&truth).keys.len() <= 37, "{key}");
        }
    }

    #[test]
    fn an_accepted_rule_is_no_doubt() {
        let accepted = unsure(true, Rule::NotAnArn).settle(Rules::NONE.with(Rule::NotAnArn));
        assert_eq!(accepted, Truth::YES);
        let other = unsure(true, Rule::NotAnArn).settle(Rules::NONE.with(Rule::AmbiguousCase));
        assert!(other.could_fail());
    }

    #[test]
    fn numbers_name_rules_both_ways() {
        for rule in Rule::ALL {
            assert_eq!(Rule::parse(rule.number()), Some(*rule));
        }
        assert_eq!(Rule::parse("R5.1"), None);
    }
}
