//! Does a condition hold in the request's context?
//!
//! Rules R4.1 to R4.26. A [`Condition`] is one operator on one key with its operands; a statement applies when all
//! of its conditions hold. Each family of values has a module of its own.

pub mod binary;
pub mod boolean;
pub mod date;
pub mod ip;
pub mod numeric;
pub mod operator;

use std::cmp::Ordering;

use crate::arn;
use crate::catalog::KeyType;
use crate::context::{ConditionKey, Lookup, Presence, Values};
use crate::glob::Case;
use crate::json::Text;
use crate::policy::Version;
use crate::policy::pattern::{ArnPattern, Pattern, Resolution, Wildcards};
use crate::source::Span;
use crate::truth::{Rule, Truth};

use binary::Binary;
use boolean::Boolean;
use date::Instant;
use ip::{Address, IpRange};
use numeric::Decimal;
use operator::{Family, Operator, SetOperator};

/// One operator on one key: `"StringEquals": { "kms:ViaService": … }`.
#[derive(Debug, Clone)]
pub struct Condition {
    /// The operator.
    pub operator: Operator,
    /// The key.
    pub key: ConditionKey,
    /// The key's type, if AWS has the key.
    pub key_type: Option<KeyType>,
    /// The values it is compared with; one is enough (R4.2).
    pub operands: Vec<Operand>,
    /// Where the operator's name stands.
    pub operator_span: Span,
    /// Where the key stands.
    pub key_span: Span,
    /// Where the values stand.
    pub span: Span,
}

/// A value of a condition, read for its operator.
#[derive(Debug, Clone)]
pub struct Operand {
    /// The value as written.
    pub text: Text,
    value: Comparand,
}

/// What an operand means to its operator; `None` where it cannot be read that way, so that nothing equals it.
#[derive(Debug, Clone)]
enum Comparand {
    Text(Pattern),
    Arn(ArnPattern),
    Number(Option<Decimal>),
    Date(Option<Instant>),
    Bool(Option<Boolean>),
    Bytes(Option<Binary>),
    Ip(Option<IpRange>),
}

impl Operand {
    /// Reads a value for an operator.
    pub fn new(text: Text, operator: Operator, version: Version) -> Self {
        let written = text.as_str();
        let value = match operator.base.family() {
            Family::String => {
                let wildcards = if operator.base.has_wildcards() { Wildcards::Yes } else { Wildcards::No };
                Comparand::Text(Pattern::parse(text.to_value(), version, wildcards))
            }
            Family::Arn => Comparand::Arn(ArnPattern::parse(text.to_value(), version)),
            Family::Numeric => Comparand::Number(Decimal::parse(written).ok()),
            Family::Date => Comparand::Date(Instant::parse(written).ok()),
            Family::Bool | Family::Null => Comparand::Bool(Boolean::parse(written).ok()),
            Family::Binary => Comparand::Bytes(Binary::parse(written).ok()),
            Family::Ip => Comparand::Ip(IpRange::parse(written).ok()),
        };
        Self { text, value }
    }

    /// An operand that is a pattern of ARNs.
    pub fn of_arn(text: Text, pattern: ArnPattern) -> Self {
        Self { text, value: Comparand::Arn(pattern) }
    }

    /// Whether the operator can make sense of it.
    pub fn is_readable(&self) -> bool {
        match &self.value {
            Comparand::Text(_) => true,
            Comparand::Arn(pattern) => *pattern != ArnPattern::Malformed,
            Comparand::Number(value) => value.is_some(),
            Comparand::Date(value) => value.is_some(),
            Comparand::Bool(value) => value.is_some(),
            Comparand::Bytes(value) => value.is_some(),
            Comparand::Ip(value) => value.is_some(),
        }
    }

    /// The text pattern, for operators on strings.
    pub fn as_pattern(&self) -> Option<&Pattern> {
        match &self.value {
            Comparand::Text(pattern) => Some(pattern),
            Comparand::Arn(_)
            | Comparand::Number(_)
            | Comparand::Date(_)
            | Comparand::Bool(_)
            | Comparand::Bytes(_)
            | Comparand::Ip(_) => None,
        }
    }

    /// The patterns in it, where variables may occur: one of a string, six of an ARN.
    pub fn patterns(&self) -> &[Pattern] {
        match &self.value {
            Comparand::Text(pattern) => std::slice::from_ref(pattern),
            Comparand::Arn(pattern) => pattern.as_fields().map_or(&[], |fields| fields),
            Comparand::Number(_) | Comparand::Date(_) | Comparand::Bool(_) | Comparand::Bytes(_) | Comparand::Ip(_) => {
                &[]
            }
        }
    }

    /// The ARN pattern, for operators on ARNs.
    pub fn as_arn(&self) -> Option<&ArnPattern> {
        match &self.value {
            Comparand::Arn(pattern) => Some(pattern),
            Comparand::Text(_)
            | Comparand::Number(_)
            | Comparand::Date(_)
            | Comparand::Bool(_)
            | Comparand::Bytes(_)
            | Comparand::Ip(_) => None,
        }
    }

    /// The number, for operators on numbers, or the seconds since 1970, for operators on dates.
    pub fn as_number(&self) -> Option<&Decimal> {
        match &self.value {
            Comparand::Number(number) => number.as_ref(),
            Comparand::Date(instant) => instant.as_ref().map(Instant::epoch_seconds),
            Comparand::Text(_) | Comparand::Arn(_) | Comparand::Bool(_) | Comparand::Bytes(_) | Comparand::Ip(_) => {
                None
            }
        }
    }

    /// The range of addresses, for operators on those.
    pub fn as_range(&self) -> Option<&IpRange> {
        match &self.value {
            Comparand::Ip(range) => range.as_ref(),
            Comparand::Text(_)
            | Comparand::Arn(_)
            | Comparand::Number(_)
            | Comparand::Date(_)
            | Comparand::Bool(_)
            | Comparand::Bytes(_) => None,
        }
    }

    /// The operand with its variables replaced by their values; `None` where a value is open.
    fn resolved(&self, context: &impl Lookup) -> Option<Resolved> {
        let value = match &self.value {
            Comparand::Text(pattern) => match pattern.resolved(context)? {
                Resolution::Pattern(pattern) => Comparand::Text(pattern),
                Resolution::Unresolved => return Some(Resolved::Nothing),
            },
            Comparand::Arn(pattern) => Comparand::Arn(pattern.resolved(context)?),
            Comparand::Number(_) | Comparand::Date(_) | Comparand::Bool(_) | Comparand::Bytes(_) | Comparand::Ip(_) => {
                self.value.clone()
            }
        };
        Some(Resolved::Operand(Self { text: self.text.clone(), value }))
    }

    /// What it means, in a form in which operands that mean the same are the same text.
    pub fn meaning(&self) -> String {
        format!("{:?}", self.value)
    }

    fn is_bool(&self, wanted: bool) -> bool {
        matches!(&self.value, Comparand::Bool(Some(Boolean(value))) if *value == wanted)
    }
}

/// An operand without variables.
enum Resolved {
    Operand(Operand),
    /// Nothing equals it (R4.23).
    Nothing,
}

/// Whether a value and an operand are equal, or why they cannot be compared.
enum Comparison {
    Compared(Truth),
    /// One of the two is not of the operator's type.
    Unreadable,
}

impl Condition {
    /// Whether the condition holds.
    pub fn holds(&self, context: &impl Lookup) -> Truth {
        let entry = context.entry(&self.key);
        let truth = self.holds_with(&entry.presence, context);
        let Some(doubt) = &entry.doubt else { return truth };
        let otherwise = self.holds_with(&doubt.otherwise, context);
        if otherwise.is_certain() && otherwise.holds() == truth.holds() {
            return truth;
        }
        truth.doubted(doubt.rule)
    }

    /// The condition with the variables of its operands replaced by their values; `None` where a value is open.
    pub fn resolved(&self, context: &impl Lookup) -> Option<Self> {
        let mut operands = Vec::with_capacity(self.operands.len());
        for operand in &self.operands {
            match operand.resolved(context)? {
                Resolved::Operand(operand) => operands.push(operand),
                Resolved::Nothing => {}
            }
        }
        Some(Self { operands, ..self.clone() })
    }

    /// Whether the condition holds when this is what the context says of its key.
    pub fn holds_with(&self, presence: &Presence, context: &impl Lookup) -> Truth {
        match presence {
            Presence::Present(values) => self.holds_for(values, context),
            Presence::Absent => Truth::certain(self.holds_when_absent()),
            Presence::Unstated => self.holds_unstated(context),
        }
    }

    /// Whether it holds when the key is not in the request context (R4.6, R4.8).
    pub fn holds_when_absent(&self) -> bool {
        match self.operator.base.family() {
            Family::Null => self.operands.iter().any(|operand| operand.is_bool(true)),
            Family::String
            | Family::Numeric
            | Family::Date
            | Family::Bool
            | Family::Binary
            | Family::Ip
            | Family::Arn => self.operator.holds_when_absent(),
        }
    }

    /// Whether the key holds several values by its type (R4.11).
    pub fn is_multivalued(&self) -> bool {
        self.key_type.is_some_and(KeyType::is_multivalued)
    }

    fn holds_unstated(&self, context: &impl Lookup) -> Truth {
        if self.never_fails() {
            return Truth::YES;
        }
        Truth::unstated(self.holds_when_absent(), context.mark(&self.key))
    }

    /// Whether no value of the key, and no absence of it, makes it fail.
    pub fn never_fails(&self) -> bool {
        let any = |holds: fn(&Operand) -> bool| self.operands.iter().any(holds);
        let takes_both = || any(|operand| operand.is_bool(true)) && any(|operand| operand.is_bool(false));
        match self.operator.base.family() {
            Family::Null => takes_both(),
            // A key of another type may hold what is neither.
            Family::Bool => self.operator.holds_when_absent() && self.key_type == Some(KeyType::Bool) && takes_both(),
            Family::String => {
                self.operator.holds_when_absent()
                    && !self.operator.base.is_negated()
                    // A set may be empty.
                    && (self.operator.set == SetOperator::ForAllValues || !self.is_multivalued())
                    && any(|operand| operand.as_pattern().is_some_and(Pattern::is_star))
            }
            Family::Numeric | Family::Date | Family::Binary | Family::Ip | Family::Arn => false,
        }
    }

    fn holds_for(&self, values: &Values, context: &impl Lookup) -> Truth {
        if self.operator.base.family() == Family::Null {
            return self.null_holds(values);
        }
        let each = || values.as_slice().iter().map(|value| self.holds_for_one(value, context));
        match (self.operator.set, values) {
            (SetOperator::None, Values::One(value)) if !self.is_multivalued() => self.holds_for_one(value, context),
            (SetOperator::None, _) => {
                Truth::unless(false, Rule::MultivaluedWithoutSetOperator, Truth::any(each()).could_hold())
            }
            // A set of nothing but empty strings counts as empty (R4.9).
            (SetOperator::ForAllValues, _) if values.as_slice().iter().all(String::is_empty) => Truth::YES,
            (SetOperator::ForAllValues, _) => Truth::all(each()),
            (SetOperator::ForAnyValue, _) => Truth::any(each()),
        }
    }

    /// The values of which `ForAllValues` asks in vain; none for another operator, or where no value is stated.
    pub fn rejected(&self, context: &impl Lookup) -> Vec<String> {
        match (&context.entry(&self.key).presence, self.operator.set) {
            (Presence::Present(values), SetOperator::ForAllValues) => {
                let fails = |value: &&String| !self.holds_for_one(value, context).holds();
                values.as_slice().iter().filter(fails).cloned().collect()
            }
            (Presence::Present(_) | Presence::Absent | Presence::Unstated, _) => Vec::new(),
        }
    }

    /// An empty set counts as absent; an empty string as present, unsurely (R4.8).
    fn null_holds(&self, values: &Values) -> Truth {
        let wants = |absent: bool| self.operands.iter().any(|operand| operand.is_bool(absent));
        match values {
            Values::Many(values) => Truth::certain(wants(values.is_empty())),
            Values::One(value) if value.is_empty() => Truth::unless(wants(false), Rule::NullOfEmptyString, wants(true)),
            Values::One(_) => Truth::certain(wants(false)),
        }
    }

    /// Whether one value of the key satisfies the operator: it equals some operand, or for a negated operator none
    /// (R4.2). What cannot be compared equals nothing, and under a negated operator fails the condition, unsurely
    /// (R4.15, R4.16).
    fn holds_for_one(&self, value: &str, context: &impl Lookup) -> Truth {
        let negated = self.operator.base.is_negated();
        let mut equal = Truth::NO;
        let mut unreadable = false;
        for operand in &self.operands {
            match self.compare(operand, value, context) {
                Comparison::Compared(truth) => equal = equal.or(truth),
                Comparison::Unreadable => unreadable = true,
            }
        }
        match (negated, unreadable, self.operator.base.family()) {
            (false, ..) => equal,
            (true, false, _) => equal.negate(),
            (true, true, Family::Arn) => equal.negate().and(Truth::unless(true, Rule::NotAnArn, false)),
            (true, true, _) => equal.negate().and(Truth::unless(false, Rule::UnparsableNegated, true)),
        }
    }

    fn compare(&self, operand: &Operand, value: &str, context: &impl Lookup) -> Comparison {
        let base = self.operator.base;
        let ordered = |ordering: Option<Ordering>| {
            ordering
                .map_or(Comparison::Unreadable, |ordering| Comparison::Compared(Truth::certain(base.accepts(ordering))))
        };
        match &operand.value {
            Comparand::Text(pattern) => {
                let case = if base.ignores_case() { Case::Insensitive } else { Case::Sensitive };
                Comparison::Compared(pattern.matches(value, case, context))
            }
            Comparand::Arn(ArnPattern::Malformed) => Comparison::Unreadable,
            Comparand::Arn(pattern) => arn::split(value).map_or(Comparison::Unreadable, |fields| {
                Comparison::Compared(pattern.matches_text(value, || fields, context))
            }),
            Comparand::Number(number) => {
                ordered(self.number(value).zip(number.as_ref()).map(|(own, other)| own.cmp(other)))
            }
            Comparand::Date(date) => {
                ordered(Instant::parse(value).ok().zip(date.as_ref()).map(|(own, other)| own.cmp(other)))
            }
            Comparand::Bool(boolean) => {
                ordered(Boolean::parse(value).ok().zip(*boolean).map(|(own, other)| own.0.cmp(&other.0)))
            }
            Comparand::Bytes(bytes) => ordered(
                Binary::parse(value).ok().zip(bytes.as_ref()).map(|(own, other)| own.as_bytes().cmp(other.as_bytes())),
            ),
            Comparand::Ip(range) => match (range, Address::parse(value)) {
                (Some(range), Ok(address)) => Comparison::Compared(Truth::certain(range.contains(address))),
                (None, _) | (_, Err(_)) => Comparison::Unreadable,
            },
        }
    }

    /// A number, or the epoch seconds of a date where the key holds one (R4.17).
    fn number(&self, value: &str) -> Option<Decimal> {
        match self.key_type {
            Some(KeyType::Date) => date::numeric_value(value).ok(),
            Some(
                KeyType::String
                | KeyType::Arn
                | KeyType::Bool
                | KeyType::Numeric
                | KeyType::Ip
                | KeyType::Strings
                | KeyType::Arns
                | KeyType::Bools,
            )
            | None => Decimal::parse(value).ok(),
        }
    }
}
