//! Which comparison does an operator's name ask for?
//!
//! Rule R4.4: a set prefix (`ForAllValues:`, `ForAnyValue:`), a base operator, and `IfExists`. Names are accepted
//! in any case (R1.5).

use std::cmp::Ordering;
use std::fmt;

use crate::diagnostic::closest;

/// A condition operator as written in a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator {
    /// How a set of values is compared.
    pub set: SetOperator,
    /// What is compared.
    pub base: Base,
    /// Whether an absent key passes (R4.7).
    pub if_exists: bool,
}

/// How the values of a multivalued key are compared (R4.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOperator {
    /// No prefix.
    None,
    /// `ForAllValues:`
    ForAllValues,
    /// `ForAnyValue:`
    ForAnyValue,
}

/// What an operator compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Text.
    String,
    /// Numbers.
    Numeric,
    /// Dates.
    Date,
    /// Booleans.
    Bool,
    /// Bytes.
    Binary,
    /// IP addresses.
    Ip,
    /// ARNs.
    Arn,
    /// Whether the key is there.
    Null,
}

macro_rules! operators {
    ($($name:ident $family:ident $negated:literal,)*) => {
        /// The base operators.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the names are AWS's own and say what they do")]
        pub enum Base {
            $($name,)*
        }

        impl Base {
            /// Every base operator, in AWS's order.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name in AWS's spelling.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// What it compares.
            pub const fn family(self) -> Family {
                match self { $(Self::$name => Family::$family,)* }
            }

            /// Whether it asks for *no* equal value (R4.2). `…LessThan` and `…GreaterThan` are not negated (R4.4).
            pub const fn is_negated(self) -> bool {
                match self { $(Self::$name => $negated,)* }
            }
        }
    };
}

operators! {
    StringEquals String false,
    StringNotEquals String true,
    StringEqualsIgnoreCase String false,
    StringNotEqualsIgnoreCase String true,
    StringLike String false,
    StringNotLike String true,
    NumericEquals Numeric false,
    NumericNotEquals Numeric true,
    NumericLessThan Numeric false,
    NumericLessThanEquals Numeric false,
    NumericGreaterThan Numeric false,
    NumericGreaterThanEquals Numeric false,
    DateEquals Date false,
    DateNotEquals Date true,
    DateLessThan Date false,
    DateLessThanEquals Date false,
    DateGreaterThan Date false,
    DateGreaterThanEquals Date false,
    Bool Bool false,
    BinaryEquals Binary false,
    IpAddress Ip false,
    NotIpAddress Ip true,
    ArnEquals Arn false,
    ArnNotEquals Arn true,
    ArnLike Arn false,
    ArnNotLike Arn true,
    Null Null false,
}

/// What is wrong with an operator's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownOperator {
    /// No operator of AWS's has this name.
    #[error("`{written}` is not a condition operator")]
    Name {
        /// The name as written.
        written: String,
        /// The operator that was probably meant.
        suggestion: Option<String>,
    },
    /// `Null` takes neither `IfExists` nor a set prefix (R4.7).
    #[error("`Null` cannot be combined with `IfExists` or a set operator")]
    CombinedNull,
}

impl Operator {
    /// Reads an operator's name, in any case.
    ///
    /// # Errors
    /// [`UnknownOperator`] when AWS has no such operator.
    pub fn parse(written: &str) -> Result<Self, UnknownOperator> {
        let (set, rest) = split_set(written);
        let unknown = || UnknownOperator::Name { written: written.to_owned(), suggestion: suggest(rest) };
        let base_of = |name: &str| Base::ALL.iter().copied().find(|base| base.name().eq_ignore_ascii_case(name));
        let (base, if_exists) = match base_of(rest) {
            Some(base) => (base, false),
            None => (strip_suffix_ignoring_case(rest, "IfExists").and_then(base_of).ok_or_else(unknown)?, true),
        };
        if base == Base::Null && (if_exists || set != SetOperator::None) {
            return Err(UnknownOperator::CombinedNull);
        }
        Ok(Self { set, base, if_exists })
    }

    /// Whether the condition holds when the key is absent (R4.6). `Null` answers by its operands instead.
    pub fn holds_when_absent(self) -> bool {
        self.if_exists
            || match self.set {
                SetOperator::ForAllValues => true,
                SetOperator::ForAnyValue => false,
                SetOperator::None => self.base.is_negated(),
            }
    }
}

impl Base {
    /// Whether a value that stands in `ordering` to an operand counts as equal to it; for the order operators,
    /// whether the comparison holds (R4.4: `NumericLessThan {k: v}` is `context < v`).
    pub const fn accepts(self, ordering: Ordering) -> bool {
        match self {
            Self::NumericLessThan | Self::DateLessThan => ordering.is_lt(),
            Self::NumericLessThanEquals | Self::DateLessThanEquals => ordering.is_le(),
            Self::NumericGreaterThan | Self::DateGreaterThan => ordering.is_gt(),
            Self::NumericGreaterThanEquals | Self::DateGreaterThanEquals => ordering.is_ge(),
            Self::StringEquals
            | Self::StringNotEquals
            | Self::StringEqualsIgnoreCase
            | Self::StringNotEqualsIgnoreCase
            | Self::StringLike
            | Self::StringNotLike
            | Self::NumericEquals
            | Self::NumericNotEquals
            | Self::DateEquals
            | Self::DateNotEquals
            | Self::Bool
            | Self::BinaryEquals
            | Self::IpAddress
            | Self::NotIpAddress
            | Self::ArnEquals
            | Self::ArnNotEquals
            | Self::ArnLike
            | Self::ArnNotLike
            | Self::Null => ordering.is_eq(),
        }
    }

    /// Whether case counts for nothing.
    pub const fn ignores_case(self) -> bool {
        matches!(self, Self::StringEqualsIgnoreCase | Self::StringNotEqualsIgnoreCase)
    }

    /// Whether `*` and `?` in an operand are wildcards (R4.13, R4.15).
    pub const fn has_wildcards(self) -> bool {
        matches!(self, Self::StringLike | Self::StringNotLike) || matches!(self.family(), Family::Arn)
    }
}

impl Operator {
    /// Whether a text is its name, in AWS's spelling.
    pub fn is_written(self, text: &str) -> bool {
        let rest = text.strip_prefix(self.set.prefix()).and_then(|rest| rest.strip_prefix(self.base.name()));
        rest == Some(if self.if_exists { "IfExists" } else { "" })
    }
}

impl SetOperator {
    /// What it adds before the name of an operator.
    const fn prefix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::ForAllValues => "ForAllValues:",
            Self::ForAnyValue => "ForAnyValue:",
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = self.set.prefix();
        let suffix = if self.if_exists { "IfExists" } else { "" };
        write!(f, "{prefix}{}{suffix}", self.base.name())
    }
}

fn split_set(written: &str) -> (SetOperator, &str) {
    let prefixes = [("ForAllValues:", SetOperator::ForAllValues), ("ForAnyValue:", SetOperator::ForAnyValue)];
    for (prefix, set) in prefixes {
        if let (Some(head), Some(rest)) = (written.get(..prefix.len()), written.get(prefix.len()..))
            && head.eq_ignore_ascii_case(prefix)
        {
            return (set, rest);
        }
    }
    (SetOperator::None, written)
}

fn strip_suffix_ignoring_case<'t>(text: &'t str, suffix: &str) -> Option<&'t str> {
    let at = text.len().checked_sub(suffix.len())?;
    text.get(at..)?.eq_ignore_ascii_case(suffix).then(|| text.get(..at))?
}

fn suggest(rest: &str) -> Option<String> {
    closest(rest, Base::ALL.iter().map(|base| base.name())).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("StringEquals", "StringEquals")]
    #[case("stringlikeifexists", "StringLikeIfExists")]
    #[case("forallvalues:StringNotEquals", "ForAllValues:StringNotEquals")]
    #[case("ForAnyValue:ArnLikeIfExists", "ForAnyValue:ArnLikeIfExists")]
    #[case("Null", "Null")]
    fn names_are_read_in_any_case(#[case] written: &str, #[case] canonical: &str) {
        let operator = Operator::parse(written).unwrap();
        assert_eq!(operator.to_string(), canonical);
        assert!(operator.is_written(canonical));
        assert_eq!(operator.is_written(written), written == canonical);
    }

    #[test]
    fn every_base_reads_its_own_name() {
        for base in Base::ALL {
            assert_eq!(Operator::parse(base.name()).unwrap().base, *base);
        }
    }

    #[rstest]
    #[case("StringEqual", Some("StringEquals"))]
    #[case("ForAllValues:StringLik", Some("StringLike"))]
    #[case("StringMatches", None)]
    #[case("", None)]
    fn unknown_names_get_a_suggestion(#[case] written: &str, #[case] expected: Option<&str>) {
        let expected = UnknownOperator::Name { written: written.into(), suggestion: expected.map(str::to_owned) };
        assert_eq!(Operator::parse(written), Err(expected));
    }

    #[rstest]
    #[case("NullIfExists")]
    #[case("ForAnyValue:Null")]
    fn null_stands_alone(#[case] written: &str) {
        assert_eq!(Operator::parse(written), Err(UnknownOperator::CombinedNull));
    }
}
