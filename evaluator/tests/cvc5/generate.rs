//! Policies that overlap, and edits of them.
//!
//! Patterns are short and of few letters, so that they meet; half of the edits leave a policy allowing what it did, or
//! less.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Numbers that look random and are the same in every run (splitmix64).
#[derive(Debug)]
pub(crate) struct Numbers(u64);

impl Numbers {
    /// The sequence of this number.
    pub(crate) fn of(seed: u64, case: u64) -> Self {
        let mut numbers = Self(seed);
        let start = numbers.next() ^ case.wrapping_mul(0xD134_2543_DE82_EF95);
        Self(start)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<'p, T>(&mut self, from: &'p [T]) -> &'p T {
        &from[self.below(from.len())]
    }

    fn pick_mut<'p, T>(&mut self, from: &'p mut [T]) -> &'p mut T {
        let at = self.below(from.len());
        &mut from[at]
    }
}

/// A condition: operator, key, values.
type Condition = (String, &'static str, Vec<String>);

#[derive(Debug, Clone)]
struct Statement {
    is_allow: bool,
    not_action: bool,
    actions: Vec<&'static str>,
    not_resource: bool,
    resources: Vec<String>,
    conditions: Vec<Condition>,
}

const ACTIONS: &[&str] =
    &["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "S3:getobject", "s3:*Object", "s3:?etObject", "s3:Get*"];

const TEXTS: &[&str] = &["aws:username", "aws:PrincipalOrgID", "aws:PrincipalTag/team"];
const ARNS: &[&str] = &["aws:SourceArn", "aws:PrincipalArn"];
const SETS: &[&str] = &["aws:PrincipalOrgPaths", "aws:CalledVia"];
const BOOLS: &[&str] = &["aws:SecureTransport", "aws:ViaAWSService"];
/// Keys that some call lacks: no such key, and one that comes with some actions.
const RARE: &[&str] = &["aws:Misspelt", "aws:RequestTag/team"];

const OF_TEXTS: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringLike",
    "StringNotLike",
    "StringNotLike",
];
const OF_ARNS: &[&str] = &["ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"];

/// Two versions of a policy.
pub(crate) fn pair(numbers: &mut Numbers) -> [String; 2] {
    if numbers.one_in(2) {
        return covered(numbers);
    }
    let count = 1 + numbers.below(6);
    let one: Vec<Statement> = (0..count).map(|at| statement(numbers, at == 0)).collect();
    let mut other = one.clone();
    for _ in 0..=numbers.below(3) {
        edit(&mut other, numbers);
    }
    let texts = [one, other].map(|statements| policy(&statements));
    let [one, other] = texts;
    if numbers.one_in(2) { [one, other] } else { [other, one] }
}

/// What patterns cover another one, written as the values of one condition, or as the resources of one statement. The
/// patterns are the other one with a star replaced, some of them so that none of its texts is left out.
fn covered(numbers: &mut Numbers) -> [String; 2] {
    const COVERS: &[&[&str]] = &[&["", "?*"], &["", "?", "??*"], &["", "a*", "?*"], &["?", "", "*??"], &["*a*", "*"]];
    const OTHERS: &[&str] = &["a*", "b*", "*a", "*b", "?*", "*?", "", "a", "??", "*a*", "?*?", "*ab*"];
    let start = *numbers.pick(&["", "arn:aws:s3:::", "arn:*:s3::*:"]);
    let text = format!("{}*{}", text(numbers, &["a", "b", "?", "*"], 0), text(numbers, &["a", "b", "?"], 0));
    let mut parts: Vec<&str> = if numbers.one_in(2) { numbers.pick(COVERS).to_vec() } else { Vec::new() };
    let count = 1 + numbers.below(4);
    parts.extend((0..count).map(|_| *numbers.pick(OTHERS)));
    if numbers.one_in(3) {
        parts.remove(numbers.below(parts.len()));
    }
    // Something is left where all was dropped.
    parts.extend(parts.is_empty().then_some("a"));
    let at = text.rfind('*').unwrap();
    let patterns: Vec<String> =
        parts.iter().map(|part| format!("{start}{}{part}{}", &text[..at], &text[at + 1..])).collect();
    let whole = vec![format!("{start}{text}")];
    let allow = |resources: Vec<String>, conditions: Vec<Condition>| Statement {
        is_allow: true,
        not_action: false,
        actions: vec!["s3:GetObject"],
        not_resource: false,
        resources,
        conditions,
    };
    if !start.is_empty() && numbers.one_in(2) {
        let (before, mut after) = (allow(patterns.clone(), Vec::new()), vec![allow(whole, Vec::new())]);
        if numbers.one_in(2) {
            // All but what is left over.
            after.push(Statement { is_allow: false, ..allow(patterns, Vec::new()) });
            return [policy(&[allow(vec!["arn:aws:s3:::a".to_owned()], Vec::new())]), policy(&after)];
        }
        return [policy(&[before]), policy(&after)];
    }
    let (operator, key) = match (start.is_empty(), numbers.below(6)) {
        (true, 0 | 1) => ("StringLike", "aws:username"),
        (true, 2) => ("ForAnyValue:StringLike", "aws:CalledVia"),
        (true, 3) => ("ForAllValues:StringLike", "aws:CalledVia"),
        (true, 4) => ("StringNotLike", "aws:username"),
        (true, _) => ("ForAllValues:StringNotLike", "aws:PrincipalOrgPaths"),
        (false, 0 | 1) => ("ArnLike", "aws:SourceArn"),
        (false, 2) => ("ArnNotLike", "aws:PrincipalArn"),
        (false, 3) => ("StringLike", "aws:PrincipalArn"),
        (false, _) => ("ArnLike", "aws:username"),
    };
    let on = |values: Vec<String>| allow(vec!["*".to_owned()], vec![(operator.to_owned(), key, values)]);
    let [few, all] = if operator.contains("Not") { [whole, patterns] } else { [patterns, whole] };
    [policy(&[on(few)]), policy(&[on(all)])]
}

fn statement(numbers: &mut Numbers, is_allow: bool) -> Statement {
    let not_action = numbers.one_in(15);
    let actions = 1 + numbers.below(2);
    let resources = 1 + numbers.below(3);
    let conditions = numbers.below(4);
    Statement {
        is_allow: is_allow || !numbers.one_in(3),
        not_action,
        actions: (0..actions).map(|_| *numbers.pick(ACTIONS)).collect(),
        not_resource: numbers.one_in(6),
        resources: (0..resources).map(|_| resource(numbers)).collect(),
        conditions: (0..conditions).map(|_| condition(numbers)).collect(),
    }
}

fn resource(numbers: &mut Numbers) -> String {
    match numbers.below(10) {
        0 => "*".to_owned(),
        1 => "arn:aws:s3".to_owned(),
        2..=4 => format!("arn:aws:s3:::{}", text(numbers, &["a", "b", "/", "*", "*", "?", ":"], 1)),
        _ => arn("arn", numbers),
    }
}

/// A pattern of ARNs.
fn arn(first: &str, numbers: &mut Numbers) -> String {
    let partition = *numbers.pick(&["aws", "aws", "*", "aw?"]);
    let service = *numbers.pick(&["s3", "s3", "*", "s?*"]);
    let region = *numbers.pick(&["", "*", "us-*"]);
    let account = *numbers.pick(&["", "*", "1*3", "123"]);
    format!(
        "{first}:{partition}:{service}:{region}:{account}:{}",
        text(numbers, &["a", "b", "/", "*", "*", "?", ":"], 1)
    )
}

fn text(numbers: &mut Numbers, pieces: &[&str], least: usize) -> String {
    let count = least + numbers.below(4);
    (0..count).map(|_| *numbers.pick(pieces)).collect()
}

fn word(numbers: &mut Numbers) -> String {
    text(numbers, &["a", "b", "k", "A", "K", "*", "*", "?"], 0)
}

fn condition(numbers: &mut Numbers) -> Condition {
    let prefixes: &[&str] = &["ForAnyValue:", "ForAllValues:"];
    let suffix = |numbers: &mut Numbers| if numbers.one_in(4) { "IfExists" } else { "" };
    let on = numbers.below(20);
    let keys = match on {
        0..=6 => TEXTS,
        7..=12 => ARNS,
        13..=15 => SETS,
        16..=18 => BOOLS,
        _ => RARE,
    };
    let key = *numbers.pick(keys);
    if numbers.one_in(8) {
        return ("Null".to_owned(), key, vec![(*numbers.pick(&["true", "false"])).to_owned()]);
    }
    let count = 1 + numbers.below(2);
    if BOOLS.contains(&key) && !numbers.one_in(5) {
        return (format!("Bool{}", suffix(numbers)), key, vec![(*numbers.pick(&["true", "false"])).to_owned()]);
    }
    let is_arn = if ARNS.contains(&key) { !numbers.one_in(3) } else { numbers.one_in(12) };
    let base = *numbers.pick(if is_arn { OF_ARNS } else { OF_TEXTS });
    let prefix = if SETS.contains(&key) == numbers.one_in(10) { "" } else { *numbers.pick(prefixes) };
    let value = |numbers: &mut Numbers| match () {
        () if BOOLS.contains(&key) && !numbers.one_in(4) => {
            (*numbers.pick(&["true", "false", "t*", "True"])).to_owned()
        }
        () if is_arn || ARNS.contains(&key) => {
            let first = *numbers.pick(&["arn", "arn", "arn", "arn", "arn", "*", "a?n"]);
            arn(first, numbers)
        }
        () => word(numbers),
    };
    (format!("{prefix}{base}{}", suffix(numbers)), key, (0..count).map(|_| value(numbers)).collect())
}

fn edit(statements: &mut Vec<Statement>, numbers: &mut Numbers) {
    let at = numbers.below(statements.len());
    let kind = numbers.below(14);
    let count = statements.len();
    let own = &mut statements[at];
    match kind {
        0 => own.is_allow = !own.is_allow,
        1 if count > 1 => drop(statements.remove(at)),
        2 => statements.push(statement(numbers, false)),
        3 => statements.swap(at, count - 1),
        // The same in two statements.
        4 if !own.not_resource && own.resources.len() > 1 => {
            let resource = own.resources.pop().unwrap();
            let split = Statement { resources: vec![resource], ..own.clone() };
            statements.push(split);
        }
        5 => own.conditions.push(condition(numbers)),
        6 | 7 if !own.conditions.is_empty() => drop(own.conditions.remove(numbers.below(own.conditions.len()))),
        8 => {
            let resource = numbers.pick_mut(&mut own.resources);
            *resource = if resource == "*" { self::resource(numbers) } else { changed(resource, numbers) };
        }
        9 => own.resources.push(resource(numbers)),
        10 => own.not_resource = !own.not_resource,
        11 if !own.conditions.is_empty() => {
            let (operator, ..) = numbers.pick_mut(&mut own.conditions);
            *operator = other_operator(operator);
        }
        12 if !own.conditions.is_empty() => {
            let (operator, _, values) = numbers.pick_mut(&mut own.conditions);
            if operator != "Null" && !operator.starts_with("Bool") {
                let value = &mut values[0];
                *value = changed(value, numbers);
            }
        }
        _ => own.actions = vec![*numbers.pick(ACTIONS)],
    }
}

/// A pattern with one wildcard more, fewer, or in another form.
fn changed(text: &str, numbers: &mut Numbers) -> String {
    let edits = [("*", "?*"), ("*", "**"), ("*", "a"), ("?", "*"), ("a", "?"), ("b", "*"), ("*", "*a*"), ("aws", "*")];
    let (from, to) = *numbers.pick(&edits);
    if let Some(rest) = text.strip_prefix("arn:") {
        return format!("arn:{}", with(rest, from, to));
    }
    with(text, from, to)
}

fn with(text: &str, from: &str, to: &str) -> String {
    match text.rfind(from) {
        Some(at) => format!("{}{to}{}", &text[..at], &text[at + from.len()..]),
        None => text.replacen('*', to, 1),
    }
}

fn other_operator(operator: &str) -> String {
    let edits = [
        ("StringEqualsIgnoreCase", "StringEquals"),
        ("StringNotEqualsIgnoreCase", "StringNotEquals"),
        ("StringEquals", "StringLike"),
        ("StringNotEquals", "StringNotLike"),
        ("StringLike", "StringNotLike"),
        ("ArnEquals", "ArnLike"),
        ("ArnNotEquals", "StringNotLike"),
        ("ArnLike", "StringLike"),
        ("IfExists", ""),
    ];
    edits
        .iter()
        .find(|(from, _)| operator.contains(from))
        .map_or(operator.to_owned(), |(from, to)| operator.replace(from, to))
}

fn policy(statements: &[Statement]) -> String {
    let statements: Vec<String> = statements.iter().map(written).collect();
    format!("{{\"Version\": \"2012-10-17\", \"Statement\": [\n  {}\n]}}", statements.join(",\n  "))
}

fn written(statement: &Statement) -> String {
    let effect = if statement.is_allow { "Allow" } else { "Deny" };
    let (action, resource) = (
        if statement.not_action { "NotAction" } else { "Action" },
        if statement.not_resource { "NotResource" } else { "Resource" },
    );
    let mut text = format!(
        "{{\"Effect\": \"{effect}\", \"{action}\": {:?}, \"{resource}\": {:?}",
        statement.actions, statement.resources
    );
    let mut blocks: BTreeMap<&str, BTreeMap<&str, &Vec<String>>> = BTreeMap::new();
    for (operator, key, values) in &statement.conditions {
        blocks.entry(operator).or_default().insert(key, values);
    }
    if !blocks.is_empty() {
        // A list of texts is written alike in Rust and in JSON, as long as there is nothing to escape.
        write!(text, ", \"Condition\": {blocks:?}").unwrap();
    }
    text + "}"
}
