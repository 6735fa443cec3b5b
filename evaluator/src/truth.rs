//! Does it hold, and would it still hold if we knew more?
//!
//! A decision rests on facts that may be unstated (a condition key nobody gave a value for) and on readings of
//! AWS's documentation that may be wrong. Both are carried by one value: a [`Truth`] holds or not under the
//! reference's reading with unstated keys absent, and is certain when nothing left open could change that.
//! Combining truths drops every doubt that cannot matter: a statement whose action does not match stays out,
//! whatever its condition might have said.

use std::collections::BTreeSet;
use std::fmt;

use crate::context::ConditionKey;

/// Whether something holds, and what could turn it round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    holds: bool,
    certain: bool,
    doubts: Doubts,
}

/// What is left open: condition keys without a stated value, and rules the reference is unsure of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doubts {
    /// Keys that were evaluated as absent because nobody stated them.
    pub keys: BTreeSet<ConditionKey>,
    /// Rules whose other reading could change the outcome.
    pub rules: Rules,
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

    /// The doubts of both.
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        self.keys.extend(other.keys);
        self.rules.0 |= other.rules.0;
        self
    }
}

impl Truth {
    /// Holds for certain.
    pub const YES: Self = Self::certain(true);
    /// Fails for certain.
    pub const NO: Self = Self::certain(false);

    /// Certainly `holds`.
    pub const fn certain(holds: bool) -> Self {
        Self { holds, certain: true, doubts: Doubts { keys: BTreeSet::new(), rules: Rules::NONE } }
    }

    /// `holds` under the reference's reading; the other reading of `rule` says `otherwise`.
    pub fn unless(holds: bool, rule: Rule, otherwise: bool) -> Self {
        let mut truth = Self::certain(holds);
        if holds != otherwise {
            truth.certain = false;
            truth.doubts.rules = Rules::NONE.with(rule);
        }
        truth
    }

    /// The other reading of `rule` may say the opposite, beside what else is open.
    #[must_use]
    pub fn doubted(mut self, rule: Rule) -> Self {
        self.certain = false;
        self.doubts.rules = self.doubts.rules.with(rule);
        self
    }

    /// `holds` while `key` counts as absent; nobody stated it, so it may be otherwise.
    pub fn unstated(holds: bool, key: &ConditionKey) -> Self {
        let doubts = Doubts { keys: BTreeSet::from([key.clone()]), rules: Rules::NONE };
        Self { holds, certain: false, doubts }
    }

    /// Whether it holds under the reference's reading with unstated keys absent.
    pub fn holds(&self) -> bool {
        self.holds
    }

    /// Whether nothing left open could change that.
    pub fn is_certain(&self) -> bool {
        self.certain
    }

    /// Whether it holds in some reading.
    pub fn could_hold(&self) -> bool {
        self.holds || !self.certain
    }

    /// Whether it fails in some reading.
    pub fn could_fail(&self) -> bool {
        !self.holds || !self.certain
    }

    /// What could change it.
    pub fn doubts(&self) -> &Doubts {
        &self.doubts
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.combine(other, false)
    }

    /// At least one holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.combine(other, true)
    }

    /// Joins two truths; one that certainly equals `settles` settles the result by itself.
    fn combine(self, other: Self, settles: bool) -> Self {
        let decisive = |truth: &Self| truth.certain && truth.holds == settles;
        if decisive(&self) || decisive(&other) {
            return Self::certain(settles);
        }
        let holds = if settles { self.holds || other.holds } else { self.holds && other.holds };
        let certain = self.certain && other.certain;
        Self { holds, certain, doubts: self.doubts.union(other.doubts) }
    }

    /// Holds where this fails.
    #[must_use]
    pub fn negate(self) -> Self {
        Self { holds: !self.holds, ..self }
    }

    /// Takes the reference's reading of `rules` as settled, if nothing else is open.
    #[must_use]
    pub fn settle(mut self, rules: Rules) -> Self {
        self.doubts.rules.0 &= !rules.0;
        self.certain = self.certain || self.doubts.is_empty();
        self
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
        assert_eq!(doubtful.clone().and(Truth::NO), Truth::NO);
        assert_eq!(doubtful.clone().or(Truth::YES), Truth::YES);
        assert_eq!(doubtful.clone().and(Truth::YES), doubtful);
        assert_eq!(doubtful.clone().or(Truth::NO), doubtful);
    }

    #[test]
    fn doubts_of_both_sides_remain() {
        let key = ConditionKey::new("aws:SourceIp");
        let both = unsure(false, Rule::NotAnArn).or(Truth::unstated(false, &key));
        assert!(!both.holds() && both.could_hold() && both.could_fail());
        assert!(both.doubts().rules.contains(Rule::NotAnArn));
        assert_eq!(both.doubts().keys.iter().map(ConditionKey::as_str).collect::<Vec<_>>(), ["aws:SourceIp"]);
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
