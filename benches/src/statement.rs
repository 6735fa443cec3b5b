//! A statement, before it is written in the language of one engine or another.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// A statement of an identity-based policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its id.
    pub sid: String,
    /// Whether it denies.
    pub denies: bool,
    /// The entries of `Action`.
    pub actions: Vec<String>,
    /// The entries of `Resource`.
    pub resources: Vec<String>,
    /// The conditions; all must hold.
    pub conditions: Vec<Condition>,
}

/// A condition on one key of the request context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// How the key is compared.
    pub operator: Operator,
    /// The key.
    pub key: &'static str,
    /// The values; one has to match.
    pub values: Vec<String>,
}

/// The condition operators of generated statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `StringEquals`
    StringEquals,
    /// `StringLike`
    StringLike,
}

impl Operator {
    const fn name(self) -> &'static str {
        match self {
            Self::StringEquals => "StringEquals",
            Self::StringLike => "StringLike",
        }
    }
}

/// How many statements a policy holds: as many as fit well into the 6,144 characters of a managed policy.
const STATEMENTS_A_POLICY: usize = 10;

/// The statements as policies, in the language of AWS.
pub fn policies(statements: &[Statement]) -> Vec<String> {
    statements.chunks(STATEMENTS_A_POLICY).map(|statements| policy(statements).to_string()).collect()
}

fn policy(statements: &[Statement]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements.iter().map(Statement::to_json).collect::<Vec<_>>() })
}

/// One entry is written without brackets, as people do.
fn one_or_many(values: &[String]) -> Value {
    match values {
        [value] => json!(value),
        values => json!(values),
    }
}

impl Statement {
    fn to_json(&self) -> Value {
        let mut statement = json!({
            "Sid": self.sid,
            "Effect": if self.denies { "Deny" } else { "Allow" },
            "Action": one_or_many(&self.actions),
            "Resource": one_or_many(&self.resources),
        });
        let mut block = Map::new();
        for condition in &self.conditions {
            let keys = block.entry(condition.operator.name()).or_insert_with(|| json!({}));
            if let Value::Object(keys) = keys {
                keys.insert(condition.key.to_owned(), one_or_many(&condition.values));
            }
        }
        if let (Value::Object(members), false) = (&mut statement, block.is_empty()) {
            members.insert("Condition".to_owned(), Value::Object(block));
        }
        statement
    }

    /// The statement as a Cedar policy. Literal actions are tests on entities, as one would write them by hand; patterns
    /// are `like` tests on the text, which the context carries since an entity has none. IAM ignores the case of actions,
    /// so they are folded here.
    pub fn to_cedar(&self) -> String {
        let is_pattern = |action: &String| action.contains('*');
        let (patterns, literals): (Vec<_>, Vec<_>) = self.actions.iter().partition(|action| is_pattern(action));
        let entities: Vec<String> =
            literals.iter().map(|action| format!("Action::{}", quoted(&action.to_ascii_lowercase()))).collect();
        let head = match (entities.as_slice(), patterns.is_empty()) {
            ([one], true) => format!("action == {one}"),
            (many, true) => format!("action in [{}]", many.join(", ")),
            (_, false) => "action".to_owned(),
        };
        let mut tests = Vec::new();
        if !patterns.is_empty() {
            let like = patterns.iter().map(|action| test("context.action", &action.to_ascii_lowercase()));
            let equal = entities.iter().map(|entity| format!("action == {entity}"));
            tests.push(any(equal.chain(like)));
        }
        if !self.resources.iter().any(|resource| resource == "*") {
            tests.push(any(self.resources.iter().map(|resource| test("context.resource", resource))));
        }
        for condition in &self.conditions {
            let key = quoted(condition.key);
            let value = format!("context.keys[{key}]");
            let holds = any(condition.values.iter().map(|pattern| match condition.operator {
                Operator::StringEquals => format!("{value} == {}", quoted(pattern)),
                Operator::StringLike => test(&value, pattern),
            }));
            tests.push(format!("context.keys has {key} && {holds}"));
        }
        let mut policy = String::new();
        let effect = if self.denies { "forbid" } else { "permit" };
        let _written = write!(policy, "{effect} (principal, {head}, resource)");
        if !tests.is_empty() {
            let _written = write!(policy, "\nwhen {{ {} }}", tests.join(" && "));
        }
        policy.push_str(";\n");
        policy
    }
}

/// A test of a text against a pattern: an equality where there is no wildcard.
fn test(text: &str, pattern: &str) -> String {
    if pattern.contains('*') {
        format!("{text} like {}", quoted(pattern))
    } else {
        format!("{text} == {}", quoted(pattern))
    }
}

fn any(tests: impl Iterator<Item = String>) -> String {
    let tests: Vec<String> = tests.collect();
    match tests.as_slice() {
        [test] => test.clone(),
        tests => format!("({})", tests.join(" || ")),
    }
}

/// A text in quotes. Generated texts hold nothing to escape.
fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement() -> Statement {
        Statement {
            sid: "S1".to_owned(),
            denies: false,
            actions: vec!["s3:GetObject".to_owned(), "s3:List*".to_owned()],
            resources: vec!["arn:aws:s3:::logs/*".to_owned()],
            conditions: vec![Condition {
                operator: Operator::StringLike,
                key: "aws:PrincipalTag/team",
                values: vec!["ml-*".to_owned()],
            }],
        }
    }

    #[test]
    fn a_statement_in_the_language_of_aws() {
        assert_eq!(
            policies(&[statement()]),
            [concat!(
                r#"{"Version":"2012-10-17","Statement":[{"Sid":"S1","Effect":"Allow","Action":["s3:GetObject","s3:List*"],"#,
                r#""Resource":"arn:aws:s3:::logs/*","Condition":{"StringLike":{"aws:PrincipalTag/team":"ml-*"}}}]}"#
            )]
        );
    }

    #[test]
    fn a_statement_in_cedar() {
        assert_eq!(
            statement().to_cedar(),
            "permit (principal, action, resource)\n\
             when { (action == Action::\"s3:getobject\" || context.action like \"s3:list*\") && \
             context.resource like \"arn:aws:s3:::logs/*\" && \
             context.keys has \"aws:PrincipalTag/team\" && context.keys[\"aws:PrincipalTag/team\"] like \"ml-*\" };\n"
        );
    }
}
