//! Can one condition key have a value that these conditions on it ask for?
//!
//! Some conditions have to hold and others to fail. A value that a reader would think of is tried first, and judged by the
//! conditions themselves. Where none does, texts are looked for among all there are ([`strings`]), and numbers, dates,
//! addresses and booleans among those that lie on either side of every operand: there are no others that a condition could
//! tell apart. A key of several values needs as many elements as there are conditions that ask for one.

use crate::arn;
use crate::catalog::KeyType;
use crate::condition::date;
use crate::condition::ip::Address;
use crate::condition::numeric::Decimal;
use crate::condition::operator::{Family, SetOperator};
use crate::condition::{Condition, Operand};
use crate::context::{Presence, RequestContext, Values};
use crate::glob::Case;
use crate::policy::pattern::{ArnPattern, Pattern};
use crate::truth::{Rule, Rules, Truth};

use super::candidates::{natural, of_type, on_either_side};
use super::strings::{self, Found, Language, Symbol};

/// A condition, and whether it has to hold or to fail.
pub(super) type Wanted<'c> = (&'c Condition, bool);

/// What came of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Solved {
    /// This does.
    Value(Presence),
    /// Nothing does.
    Nothing,
    /// The search was cut off.
    TooMuch,
}

/// What the other readings of rules are taken of.
pub(super) fn read(truth: Truth, flipped: Rules) -> bool {
    let is_flipped = !truth.is_certain() && truth.rules().iter().any(|rule| flipped.contains(rule));
    truth.holds() != is_flipped
}

/// Whether all that is wanted is so when this is what the context says of the key.
pub(super) fn satisfies(wanted: &[Wanted<'_>], presence: &Presence, flipped: Rules) -> bool {
    let nothing = RequestContext::closed();
    wanted.iter().all(|(condition, holds)| read(condition.holds_with(presence, &nothing), flipped) == *holds)
}

/// Whether AWS sends such values of a key of this type: numbers for numbers, ARNs for ARNs.
fn is_sent(key_type: Option<KeyType>, presence: &Presence) -> bool {
    let Presence::Present(values) = presence else { return true };
    values.as_slice().iter().all(|value| match key_type {
        Some(KeyType::Arn | KeyType::Arns) => arn::split(value).is_some(),
        Some(KeyType::Bool | KeyType::Bools) => matches!(value.as_str(), "true" | "false"),
        Some(KeyType::Numeric) => Decimal::parse(value).is_ok(),
        Some(KeyType::Date) => date::numeric_value(value).is_ok(),
        Some(KeyType::Ip) => Address::parse(value).is_ok(),
        Some(KeyType::String | KeyType::Strings) | None => true,
    })
}

/// What a key is as long as nothing is asked of it: absent, but for the resource that a service acts for as a rule.
pub(super) fn unasked(all: &[&Condition]) -> Presence {
    if all.iter().any(|condition| condition.key.folded() == "aws:sourcearn")
        && let Some(other) = natural(&[], all).into_iter().find(|text| arn::split(text).is_some())
    {
        return Presence::Present(Values::One(other));
    }
    Presence::Absent
}

/// Looks for a value, or for the absence of one. `all` are the conditions on the key that there are, for ideas. A search
/// among texts takes at most `budget` states.
pub(super) fn solve(wanted: &[Wanted<'_>], all: &[&Condition], flipped: Rules, budget: usize) -> Solved {
    let key_type = all.iter().find_map(|condition| condition.key_type);
    let fits = |presence: &Presence| satisfies(wanted, presence, flipped) && is_sent(key_type, presence);
    // A service acts for a resource as a rule.
    let is_rarely_absent = all.iter().any(|condition| condition.key.folded() == "aws:sourcearn");
    if fits(&Presence::Absent) && !is_rarely_absent {
        return Solved::Value(Presence::Absent);
    }
    if let Some(booleans) = booleans(key_type) {
        return booleans.into_iter().find(fits).map_or(Solved::Nothing, Solved::Value);
    }
    let is_multivalued = all.iter().any(|condition| condition.is_multivalued());
    let is_known = all.iter().any(|condition| condition.key_type.is_some());
    let one = |text: String| Presence::Present(Values::One(text));
    let many = |texts: Vec<String>| Presence::Present(Values::Many(texts));
    let mut ideas = natural(wanted, all);
    ideas.extend(on_either_side(wanted));
    ideas.extend(of_type(key_type).map(str::to_owned));
    if !is_multivalued && let Some(found) = ideas.iter().cloned().map(one).find(fits) {
        return Solved::Value(found);
    }
    let may_be_many = is_multivalued || !is_known;
    if may_be_many {
        let empty = std::iter::once(many(Vec::new()));
        if let Some(found) = empty.chain(ideas.into_iter().map(|text| many(vec![text]))).find(fits) {
            return Solved::Value(found);
        }
    }
    if fits(&Presence::Absent) {
        return Solved::Value(Presence::Absent);
    }
    let single = if is_multivalued { Solved::Nothing } else { search_one(wanted, flipped, budget) };
    let several = || if may_be_many { search_many(wanted, flipped, budget) } else { Solved::Nothing };
    let found = match single {
        Solved::Nothing => several(),
        Solved::Value(_) => single,
        Solved::TooMuch => match several() {
            Solved::Value(presence) => Solved::Value(presence),
            Solved::Nothing | Solved::TooMuch => Solved::TooMuch,
        },
    };
    match found {
        Solved::Value(presence) if !fits(&presence) => Solved::TooMuch,
        Solved::Value(_) | Solved::Nothing | Solved::TooMuch => found,
    }
}

/// All that a key of booleans can be, if the key is one.
fn booleans(key_type: Option<KeyType>) -> Option<Vec<Presence>> {
    let one = |text: &str| Values::One(text.to_owned());
    let many = |texts: &[&str]| Values::Many(texts.iter().map(|text| (*text).to_owned()).collect());
    let values = match key_type? {
        KeyType::Bool => vec![one("false"), one("true")],
        KeyType::Bools => vec![many(&[]), many(&["false"]), many(&["true"]), many(&["false", "true"])],
        KeyType::String
        | KeyType::Arn
        | KeyType::Date
        | KeyType::Numeric
        | KeyType::Ip
        | KeyType::Strings
        | KeyType::Arns => return None,
    };
    Some(std::iter::once(Presence::Absent).chain(values.into_iter().map(Presence::Present)).collect())
}

/// What a text has to be: one of these, or none of those.
#[derive(Debug, Clone)]
enum Need {
    Within(Language),
    Without(Language),
}

/// The needs of a condition on one value: one of the alternatives, all of it. `None` where they are not about texts.
type Alternatives = Vec<Vec<Need>>;

fn search_one(wanted: &[Wanted<'_>], flipped: Rules, budget: usize) -> Solved {
    let families: Vec<Family> = wanted.iter().map(|(condition, _)| condition.operator.base.family()).collect();
    let is_text = |family: &Family| matches!(family, Family::String | Family::Arn);
    if !families.iter().any(is_text) {
        // Every value that could be told from others was tried.
        return if exhausted_by_ideas(wanted) { Solved::Nothing } else { Solved::TooMuch };
    }
    let needs: Option<Vec<Alternatives>> = wanted.iter().map(|each| needs_of_one(*each, flipped)).collect();
    let Some(needs) = needs.map(|needs| with_form(needs, wanted)) else { return Solved::TooMuch };
    match text(&needs, budget) {
        Found::Text(text) => Solved::Value(Presence::Present(Values::One(text))),
        Found::Nothing => Solved::Nothing,
        Found::TooMuch => Solved::TooMuch,
    }
}

/// The needs, and that a key that holds ARNs holds nothing else.
fn with_form(mut needs: Vec<Alternatives>, wanted: &[Wanted<'_>]) -> Vec<Alternatives> {
    if wanted.iter().any(|(condition, _)| matches!(condition.key_type, Some(KeyType::Arn | KeyType::Arns))) {
        needs.push(vec![vec![Need::Within(Language::arns())]]);
    }
    needs
}

/// Whether [`on_either_side`] had a value for every case.
fn exhausted_by_ideas(wanted: &[Wanted<'_>]) -> bool {
    let mut families = wanted.iter().map(|(condition, _)| condition.operator.base.family());
    let first = families.clone().find(|family| *family != Family::Null);
    let is_one_family = families.all(|family| family == Family::Null || Some(family) == first);
    let is_readable = |operand: &Operand| super::candidates::is_placed(operand);
    let all_readable = wanted.iter().all(|(condition, _)| {
        condition.operator.base.family() == Family::Null || condition.operands.iter().all(is_readable)
    });
    is_one_family && all_readable
}

fn needs_of_one((condition, holds): Wanted<'_>, flipped: Rules) -> Option<Alternatives> {
    let base = needs_of_element(condition, holds, flipped)?;
    let empty = Language::exactly([""]);
    Some(match (condition.operator.set, holds) {
        // A set of nothing but empty strings counts as empty (R4.9).
        (SetOperator::ForAllValues, true) => base.into_iter().chain([vec![Need::Within(empty)]]).collect(),
        (SetOperator::ForAllValues, false) => {
            let with = |mut needs: Vec<Need>| {
                needs.push(Need::Without(empty.clone()));
                needs
            };
            base.into_iter().map(with).collect()
        }
        (SetOperator::None | SetOperator::ForAnyValue, _) => base,
    })
}

/// What one value has to be so that the condition, without its set operator, holds or fails.
fn needs_of_element(condition: &Condition, holds: bool, flipped: Rules) -> Option<Alternatives> {
    let base = condition.operator.base;
    let wants_equal = holds != base.is_negated();
    match base.family() {
        Family::String => {
            let case = if base.ignores_case() { Case::Insensitive } else { Case::Sensitive };
            let patterns: Option<Vec<_>> =
                condition.operands.iter().map(|operand| symbols(operand.as_pattern()?, false)).collect();
            Some(vec![vec![need(Language { patterns: patterns?, case }, wants_equal)]])
        }
        Family::Arn => {
            let language = arn_language(condition)?;
            let is_malformed = |operand: &Operand| operand.as_arn() == Some(&ArnPattern::Malformed);
            let never_compared = condition.operands.iter().any(is_malformed);
            let is_flipped = base.is_negated() && flipped.contains(Rule::NotAnArn);
            Some(match (is_flipped, never_compared, holds) {
                (false, _, _) => vec![vec![need(language, wants_equal)]],
                (true, true, true) => Vec::new(),
                (true, true, false) => vec![Vec::new()],
                (true, false, true) => vec![vec![Need::Within(Language::arns()), Need::Without(language)]],
                (true, false, false) => vec![vec![Need::Within(language)], vec![Need::Without(Language::arns())]],
            })
        }
        Family::Null => {
            let nothing = RequestContext::closed();
            let says = |text: &str| {
                let presence = Presence::Present(Values::One(text.to_owned()));
                read(condition.holds_with(&presence, &nothing), flipped) == holds
            };
            let empty = Language::exactly([""]);
            Some(match (says(""), says("x")) {
                (true, true) => vec![Vec::new()],
                (true, false) => vec![vec![Need::Within(empty)]],
                (false, true) => vec![vec![Need::Without(empty)]],
                (false, false) => Vec::new(),
            })
        }
        Family::Numeric | Family::Date | Family::Bool | Family::Binary | Family::Ip => None,
    }
}

fn need(language: Language, is_within: bool) -> Need {
    if is_within { Need::Within(language) } else { Need::Without(language) }
}

/// A pattern as what a search reads; `None` where a variable occurs.
pub(super) fn symbols(pattern: &Pattern, in_field: bool) -> Option<Vec<Symbol>> {
    Some(pattern.tokens()?.iter().flat_map(|token| Symbol::of(token, in_field).collect::<Vec<_>>()).collect())
}

/// The ARNs that a condition's operands match.
fn arn_language(condition: &Condition) -> Option<Language> {
    let mut patterns = Vec::new();
    for operand in &condition.operands {
        match arn_symbols(operand.as_arn()?) {
            Arns::Nothing => {}
            Arns::Of(pattern) => patterns.push(pattern),
            Arns::Open => return None,
        }
    }
    Some(Language { patterns, case: Case::Sensitive })
}

/// What an ARN pattern matches among ARNs.
pub(super) enum Arns {
    /// None.
    Nothing,
    /// Those of this pattern.
    Of(Vec<Symbol>),
    /// It hangs on a variable.
    Open,
}

/// What an ARN pattern matches among ARNs.
pub(super) fn arn_symbols(pattern: &ArnPattern) -> Arns {
    matched(pattern).map_or(Arns::Open, |pattern| pattern.map_or(Arns::Nothing, Arns::Of))
}

/// The pattern, if it matches any; the outer `None` where a variable occurs.
#[expect(clippy::option_option, reason = "so that `?` leaves where a variable occurs")]
fn matched(pattern: &ArnPattern) -> Option<Option<Vec<Symbol>>> {
    let literal = |text: &str| text.chars().map(Symbol::Exactly).collect::<Vec<_>>();
    Some(match pattern {
        ArnPattern::Malformed => None,
        ArnPattern::Every => Language::arns().patterns.into_iter().next(),
        ArnPattern::Whole(text) => text.starts_with("arn:").then(|| literal(text)),
        ArnPattern::Start(start) => {
            // The last field of an ARN is never empty; colons in it are like other characters.
            let is_all_of_it_open = start.as_str().ends_with(':') && start.as_str().matches(':').count() == 5;
            let rest = [is_all_of_it_open.then_some(Symbol::One), Some(Symbol::Run)];
            let symbols = literal(start.as_str()).into_iter().chain(rest.into_iter().flatten()).collect();
            start.as_str().starts_with("arn:").then_some(symbols)
        }
        ArnPattern::Fields(fields) => {
            let [first, middle @ .., last] = &**fields;
            let is_arn = first.matches("arn", Case::Sensitive, &RequestContext::closed()).holds();
            let mut all = literal("arn");
            for field in middle {
                all.push(Symbol::Exactly(':'));
                all.extend(symbols(field, true)?);
            }
            all.push(Symbol::Exactly(':'));
            let last = symbols(last, false)?;
            // The last field of an ARN is never empty.
            let is_run = last.iter().all(|symbol| *symbol == Symbol::Run);
            all.extend(is_run.then_some(Symbol::One));
            let is_empty = last.is_empty();
            all.extend(last);
            (is_arn && !is_empty).then_some(all)
        }
    })
}

/// A text that meets one alternative of each.
fn text(needs: &[Alternatives], budget: usize) -> Found {
    let mut choices: Vec<Vec<&Need>> = vec![Vec::new()];
    for alternatives in needs {
        choices = choices
            .into_iter()
            .flat_map(|choice| alternatives.iter().map(move |more| choice.iter().copied().chain(more).collect()))
            .collect();
        if choices.len() > MOST_CHOICES {
            return Found::TooMuch;
        }
    }
    let mut is_cut_off = false;
    for choice in choices {
        let within: Vec<&Language> = choice.iter().filter_map(|need| need.within()).collect();
        let without: Vec<&Language> = choice.iter().filter_map(|need| need.without()).collect();
        match strings::find(&within, &without, budget) {
            Found::Nothing => {}
            Found::TooMuch => is_cut_off = true,
            found @ Found::Text(_) => return found,
        }
    }
    if is_cut_off { Found::TooMuch } else { Found::Nothing }
}

/// How many ways of meeting all conditions on a key are looked at.
const MOST_CHOICES: usize = 256;

impl Need {
    fn within(&self) -> Option<&Language> {
        match self {
            Self::Within(language) => Some(language),
            Self::Without(_) => None,
        }
    }

    fn without(&self) -> Option<&Language> {
        match self {
            Self::Within(_) => None,
            Self::Without(language) => Some(language),
        }
    }
}

/// A set with an element for each condition that asks for one, all of which meet the conditions on every element.
fn search_many(wanted: &[Wanted<'_>], flipped: Rules, budget: usize) -> Solved {
    let nothing = RequestContext::closed();
    let some = Presence::Present(Values::Many(vec!["x".to_owned()]));
    let (mut of_all, mut of_some): (Vec<Wanted<'_>>, Vec<Wanted<'_>>) = (Vec::new(), Vec::new());
    for (condition, holds) in wanted.iter().copied() {
        let is_loose = flipped.contains(Rule::MultivaluedWithoutSetOperator);
        match (condition.operator.base.family(), condition.operator.set) {
            (Family::Null, _) => {
                if read(condition.holds_with(&some, &nothing), flipped) != holds {
                    return Solved::Nothing;
                }
            }
            (_, SetOperator::None) if !is_loose => {
                if holds {
                    return Solved::Nothing;
                }
            }
            (_, SetOperator::None | SetOperator::ForAnyValue) if holds => of_some.push((condition, true)),
            (_, SetOperator::None | SetOperator::ForAnyValue) => of_all.push((condition, false)),
            (_, SetOperator::ForAllValues) if holds => of_all.push((condition, true)),
            (_, SetOperator::ForAllValues) => of_some.push((condition, false)),
        }
    }
    let needs = |each: &[Wanted<'_>]| -> Option<Vec<Alternatives>> {
        each.iter().map(|(condition, holds)| needs_of_element(condition, *holds, flipped)).collect()
    };
    let (Some(of_all), Some(of_some)) = (needs(&of_all), needs(&of_some)) else { return Solved::TooMuch };
    let mut elements: Vec<String> = Vec::new();
    let mut asked: Vec<Vec<Alternatives>> =
        if of_some.is_empty() { vec![Vec::new()] } else { of_some.into_iter().map(|each| vec![each]).collect() };
    // No `ForAllValues` fails of a set of nothing but empty strings (R4.9).
    if wanted.iter().any(|(condition, holds)| condition.operator.set == SetOperator::ForAllValues && !holds) {
        asked.push(vec![vec![vec![Need::Without(Language::exactly([""]))]]]);
    }
    for own in asked {
        let needs: Vec<Alternatives> = with_form(of_all.iter().cloned().chain(own).collect(), wanted);
        match text(&needs, budget) {
            Found::Text(text) => elements.push(text),
            Found::Nothing => return Solved::Nothing,
            Found::TooMuch => return Solved::TooMuch,
        }
    }
    Solved::Value(Presence::Present(Values::Many(elements)))
}
