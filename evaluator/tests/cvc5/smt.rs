//! What is asked of the solver: is there a call of this action that one policy allows and the other does not?
//!
//! A third reading of the rules, from the texts of the checked policy: what a pattern of text or of ARNs matches is a
//! regular expression over the whole text, a key is a string and whether it is there, and a key of several values is a
//! row of strings, each of which may be there. Nothing of the evaluator's matching and nothing of the prover's search
//! is used. Left out are numbers, dates, addresses, bytes and policy variables.

use std::collections::BTreeMap;
use std::fmt::Write;

use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::catalog::KeyType;
use permitlab_evaluator::condition::Condition;
use permitlab_evaluator::condition::operator::{Family, SetOperator};
use permitlab_evaluator::context::{ConditionKey, Presence, Values};
use permitlab_evaluator::policy::{Effect, Policy, ResourceElement, Statement};

/// The name of the resource.
const RESOURCE: &str = "resource";

/// What holds in a call: a script, and what its names stand for.
#[derive(Debug)]
pub(crate) struct Question {
    /// What the solver reads.
    pub(crate) script: String,
    keys: BTreeMap<ConditionKey, Key>,
}

/// A call, as the solver has it.
#[derive(Debug)]
pub(crate) struct Call {
    /// The ARN of what it is on.
    pub(crate) resource: String,
    /// The keys that it says something of.
    pub(crate) context: BTreeMap<ConditionKey, Presence>,
}

/// What a key is to the solver.
#[derive(Debug)]
enum Key {
    /// Never in a call.
    NeverSent,
    /// A string `name`, there if `name_is_there`.
    One(String),
    /// A row of them, `name_0` and so on; `name_is_there` says whether there is a row, which may be empty.
    Many(String, usize),
}

/// Asks whether a call of `action` is allowed by `after` and not by `before`. A call carries no key but those of which
/// `is_sent` says so.
pub(crate) fn question(
    before: &Policy,
    after: &Policy,
    action: &ActionName,
    is_sent: impl Fn(&ConditionKey) -> bool,
) -> Question {
    let statements = || before.statements.iter().chain(&after.statements);
    let conditions = || statements().flat_map(|statement| &statement.conditions);
    let mut keys: BTreeMap<ConditionKey, Key> = BTreeMap::new();
    let mut script = String::from("(set-logic QF_SLIA)\n");
    let mut names = vec![RESOURCE.to_owned()];
    writeln!(script, "(declare-const {RESOURCE} String)\n(assert {})", within(RESOURCE, &arn())).unwrap();
    for condition in conditions() {
        if keys.contains_key(&condition.key) {
            continue;
        }
        let name = format!("key{}", keys.len());
        let key = if !is_sent(&condition.key) {
            Key::NeverSent
        } else if condition.key_type.is_some_and(KeyType::is_multivalued) {
            // Every condition that asks for a value may have one of its own, and `ForAllValues` asks that not all of them
            // be empty.
            let asking = conditions().filter(|other| other.key == condition.key);
            Key::Many(name, asking.count() + 1)
        } else {
            Key::One(name)
        };
        declare(&key, condition.key_type, &mut script, &mut names);
        keys.insert(condition.key.clone(), key);
    }
    let goal = format!("(and {} (not {}))", allowed(after, action, &keys), allowed(before, action, &keys));
    writeln!(script, "(assert {goal})\n(check-sat)\n(get-value ({}))", names.join(" ")).unwrap();
    Question { script, keys }
}

/// Whether an element names an action, whatever the case of the letters (R2.1).
pub(crate) fn names(statement: &Statement, action: &str) -> bool {
    let action: Vec<char> = action.to_lowercase().chars().collect();
    let is_named = |pattern: &str| covers(&pattern.to_lowercase().chars().collect::<Vec<_>>(), &action);
    statement.action.patterns.iter().any(|pattern| is_named(pattern.text.as_str())) != statement.action.negated
}

fn covers(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        (['*', rest @ ..], _) => covers(rest, text) || matches!(text, [_, tail @ ..] if covers(pattern, tail)),
        ([first, rest @ ..], [own, tail @ ..]) => (*first == '?' || first == own) && covers(rest, tail),
        ([], [_, ..]) | ([_, ..], []) => false,
    }
}

fn declare(key: &Key, key_type: Option<KeyType>, script: &mut String, names: &mut Vec<String>) {
    let mut string = |name: &str| {
        let form = match key_type {
            Some(KeyType::Arn | KeyType::Arns) => within(name, &arn()),
            Some(KeyType::Bool | KeyType::Bools) => format!("(or (= {name} \"true\") (= {name} \"false\"))"),
            Some(KeyType::String | KeyType::Strings) | None => "true".to_owned(),
            Some(KeyType::Numeric | KeyType::Date | KeyType::Ip) => panic!("a key of {key_type:?} is not encoded"),
        };
        writeln!(script, "(declare-const {name} String)\n(declare-const {name}_is_there Bool)\n(assert {form})")
            .unwrap();
        names.extend([name.to_owned(), format!("{name}_is_there")]);
    };
    match key {
        Key::NeverSent => {}
        Key::One(name) => string(name),
        Key::Many(name, count) => {
            (0..*count).for_each(|at| string(&format!("{name}_{at}")));
            writeln!(script, "(declare-const {name}_is_there Bool)").unwrap();
            names.push(format!("{name}_is_there"));
        }
    }
}

fn all(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().fold("(and true".to_owned(), |all, part| all + " " + &part) + ")"
}

fn any(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().fold("(or false".to_owned(), |all, part| all + " " + &part) + ")"
}

/// Some Allow applies and no Deny does (R5.1).
fn allowed(policy: &Policy, action: &ActionName, keys: &BTreeMap<ConditionKey, Key>) -> String {
    let action = format!("{}:{}", action.service(), action.name());
    let applying = |effect: Effect| {
        let own = policy.statements.iter().filter(|statement| statement.effect == effect && names(statement, &action));
        any(own.map(|statement| applies(statement, keys)).collect::<Vec<_>>())
    };
    format!("(and {} (not {}))", applying(Effect::Allow), applying(Effect::Deny))
}

fn applies(statement: &Statement, keys: &BTreeMap<ConditionKey, Key>) -> String {
    let ResourceElement::Listed { negated, patterns, .. } = &statement.resource else {
        panic!("a policy of this type lists resources")
    };
    let listed = any(patterns.iter().map(|pattern| is_resource(pattern.text.as_str())));
    let resource = if *negated { format!("(not {listed})") } else { listed };
    all(std::iter::once(resource).chain(statement.conditions.iter().map(|condition| holds(condition, keys))))
}

/// A star is every resource, and fields that are missing are stars (R2.4, R2.5).
fn is_resource(pattern: &str) -> String {
    if pattern == "*" {
        return "true".to_owned();
    }
    let missing = 5_usize.saturating_sub(pattern.matches(':').count());
    if missing > 0 && !pattern.starts_with("arn:") {
        return "false".to_owned();
    }
    is_arn_like(RESOURCE, &(pattern.to_owned() + &":*".repeat(missing)))
}

fn holds(condition: &Condition, keys: &BTreeMap<ConditionKey, Key>) -> String {
    let operator = condition.operator;
    let says = |value: &str| condition.operands.iter().any(|operand| operand.text.as_str() == value);
    let is_null = operator.base.family() == Family::Null;
    // R4.6, R4.7 and R4.9; `Null` by its operands (R4.8).
    let without_the_key = match operator.set {
        _ if is_null => says("true"),
        _ if operator.if_exists => true,
        SetOperator::ForAllValues => true,
        SetOperator::ForAnyValue => false,
        SetOperator::None => operator.base.is_negated(),
    };
    let (name, with_the_key) = match &keys[&condition.key] {
        Key::NeverSent => return without_the_key.to_string(),
        Key::One(name) if is_null => (name, says("false").to_string()),
        Key::One(name) => {
            let own = holds_for(condition, name);
            let is_of_all = operator.set == SetOperator::ForAllValues;
            (name, if is_of_all { format!("(or (= {name} \"\") {own})") } else { own })
        }
        Key::Many(name, count) => (name, holds_for_row(condition, name, *count, says)),
    };
    format!("(ite {name}_is_there {with_the_key} {without_the_key})")
}

fn holds_for_row(condition: &Condition, name: &str, count: usize, says: impl Fn(&str) -> bool) -> String {
    let slots = || (0..count).map(|at| format!("{name}_{at}"));
    let is_there = |slot: String| format!("{slot}_is_there");
    if condition.operator.base.family() == Family::Null {
        return format!("(ite {} {} {})", any(slots().map(is_there)), says("false"), says("true"));
    }
    match condition.operator.set {
        // R4.11
        SetOperator::None => "false".to_owned(),
        SetOperator::ForAnyValue => {
            any(slots().map(|slot| format!("(and {slot}_is_there {})", holds_for(condition, &slot))))
        }
        SetOperator::ForAllValues => {
            let empty = all(slots().map(|slot| format!("(=> {slot}_is_there (= {slot} \"\"))")));
            let each = all(slots().map(|slot| format!("(=> {slot}_is_there {})", holds_for(condition, &slot))));
            format!("(or {empty} {each})")
        }
    }
}

/// Whether one value equals some operand, or for a negated operator none (R4.2).
fn holds_for(condition: &Condition, name: &str) -> String {
    let base = condition.operator.base;
    let equal = any(condition.operands.iter().map(|operand| {
        let text = operand.text.as_str();
        assert!(!text.contains('$'), "policy variables and escapes are not encoded");
        match base.family() {
            Family::String if base.has_wildcards() => within(name, &like(text, "re.all", "re.allchar")),
            Family::String if base.ignores_case() => within(name, &in_any_case(text)),
            Family::String => format!("(= {name} {})", quoted(text)),
            Family::Arn => is_arn_like(name, text),
            Family::Bool if text == "true" || text == "false" => within(name, &in_any_case(text)),
            Family::Bool | Family::Null | Family::Numeric | Family::Date | Family::Binary | Family::Ip => {
                panic!("`{}` of `{text}` is not encoded", condition.operator)
            }
        }
    }));
    if base.is_negated() { format!("(not {equal})") } else { equal }
}

fn within(name: &str, expression: &str) -> String {
    format!("(str.in_re {name} {expression})")
}

/// Every text of six fields, the first `arn` and the last not empty; the last may hold colons.
fn arn() -> String {
    format!(
        r#"(re.++ (str.to_re "arn") ((_ re.^ 4) (re.++ (str.to_re ":") {FIELD})) (str.to_re ":") (re.+ re.allchar))"#
    )
}

/// A run of characters without a colon, and one such character.
const FIELD: &str = r#"(re.* (re.union (re.range "\u{0}" "9") (re.range ";" "\u{2ffff}")))"#;
const OF_FIELD: &str = r#"(re.union (re.range "\u{0}" "9") (re.range ";" "\u{2ffff}"))"#;

/// Field by field: no wildcard but in the last of them reaches over a colon (R4.15). What is no ARN is like none, and a
/// pattern of fewer fields like nothing.
fn is_arn_like(name: &str, pattern: &str) -> String {
    let fields: Vec<&str> = pattern.splitn(6, ':').collect();
    let [first @ .., last] = fields.as_slice() else { return "false".to_owned() };
    if first.len() < 5 {
        return "false".to_owned();
    }
    let before = first.iter().map(|field| format!("{} (str.to_re \":\") ", like(field, FIELD, OF_FIELD)));
    let whole = format!("(re.++ {}{})", before.collect::<String>(), like(last, "re.all", "re.allchar"));
    format!("(and {} {})", within(name, &arn()), within(name, &whole))
}

fn like(pattern: &str, run: &str, one: &str) -> String {
    let parts = pattern.chars().map(|character| match character {
        '*' => run.to_owned(),
        '?' => one.to_owned(),
        other => format!("(str.to_re {})", quoted(&other.to_string())),
    });
    joined(parts)
}

fn in_any_case(text: &str) -> String {
    joined(text.chars().map(|character| {
        let cases = spellings(character).into_iter().map(|each| format!("(str.to_re {})", quoted(&each.to_string())));
        format!("(re.union re.none {})", cases.collect::<Vec<_>>().join(" "))
    }))
}

/// The characters that are the same in lower case. Of those beyond ASCII, a letter of ASCII has the Kelvin sign only.
fn spellings(character: char) -> Vec<char> {
    assert!(character.is_ascii(), "letters beyond ASCII are not encoded");
    let kelvin = character.eq_ignore_ascii_case(&'k').then_some('\u{212a}');
    [character.to_ascii_lowercase(), character.to_ascii_uppercase()].into_iter().chain(kelvin).collect()
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.fold("(re.++ (str.to_re \"\") (str.to_re \"\")".to_owned(), |all, part| all + " " + &part) + ")"
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\"\""),
            ' '..='~' if character != '\\' => quoted.push(character),
            other => write!(quoted, "\\u{{{:x}}}", u32::from(other)).unwrap(),
        }
    }
    quoted + "\""
}

impl Question {
    /// The call that the values of an answer stand for.
    pub(crate) fn call(&self, values: &BTreeMap<String, String>) -> Call {
        let is_there = |name: &str| values[&format!("{name}_is_there")] == "true";
        let presence = |key: &Key| match key {
            Key::One(name) if is_there(name) => Presence::Present(Values::One(values[name].clone())),
            Key::Many(name, count) if is_there(name) => {
                let slots = (0..*count).map(|at| format!("{name}_{at}")).filter(|slot| is_there(slot));
                Presence::Present(Values::Many(slots.map(|slot| values[&slot].clone()).collect()))
            }
            Key::NeverSent | Key::One(_) | Key::Many(..) => Presence::Absent,
        };
        let context = self.keys.iter().map(|(name, key)| (name.clone(), presence(key))).collect();
        Call { resource: values[RESOURCE].clone(), context }
    }
}

#[test]
fn every_spelling_of_a_letter_is_known() {
    for letter in ('a'..='z').chain('A'..='Z') {
        let same = |other: &char| other.to_lowercase().eq(letter.to_lowercase());
        let mut known = spellings(letter);
        known.sort_unstable();
        let mut all: Vec<char> = ('\0'..='\u{2ffff}').filter(same).collect();
        all.sort_unstable();
        assert_eq!(known, all);
    }
}
