//! Is a placeholder left that was to be filled in (R7.13)?

use super::repeated::once;
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::json::{Kind, Text, Value};
use crate::policy::PolicyType;

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "placeholder",
    level: Level::Warning,
    summary: "a placeholder nobody filled in",
    explanation: "Templates and samples hold `{{region}}`, `[[keyId]]`, `<account-id>` or `${BucketName}` where something is to be filled in. AWS takes them as they stand: an ARN with one in it names nothing.",
    remedy: "Fill it in. Permitlab fills `{{name}}` and `[[name]]` from the `vars:` of a world, or from `--var name=value`.",
    bad: Example::bad(
        PolicyType::Identity,
        r"<key-id>",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/<key-id>"
  }
}"#,
    ),
    good: Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }
}"#,
    ),
    // Policy variables, and what their escapes stand for, are no placeholders.
    also_good: &[Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "s3:GetObject",
    "Resource": ["arn:aws:s3:::eval-input/${aws:username}/*", "arn:aws:s3:::eval-input/100${$}/*"]
  }
}"#,
    )],
    check: Check::Text(check),
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    in_value(&context.document.root, &mut findings);
    once(findings)
}

/// Walks the policy; what its author calls it may hold anything.
fn in_value(value: &Value, findings: &mut Vec<Finding>) {
    match &value.kind {
        Kind::String(text) => findings.extend(in_text(text)),
        Kind::Array(values) => values.iter().for_each(|value| in_value(value, findings)),
        Kind::Object(members) => {
            for member in members.iter().filter(|member| !matches!(member.name.as_str(), "Sid" | "Id")) {
                findings.extend(in_text(&member.name));
                in_value(&member.value, findings);
            }
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
    }
}

/// Whether a placeholder stands in a text.
pub(super) fn is_in(text: &Text) -> bool {
    in_text(text).is_some()
}

/// The first placeholder of a text.
fn in_text(text: &Text) -> Option<Finding> {
    const FORMS: [(&str, &str); 4] = [("{{", "}}"), ("[[", "]]"), ("<", ">"), ("${", "}")];
    let written = text.as_str();
    let find = |(open, close): (&str, &str)| {
        let start = written.find(open)?;
        let inside = written.get(start + open.len()..)?;
        let length = inside.find(close)?;
        let name = inside.get(..length)?;
        is_name(name, open).then_some(start..start + open.len() + length + close.len())
    };
    // One that was filled stands in the file, and no longer in the value.
    let range = FORMS.into_iter().filter_map(find).min_by_key(|range| range.start)?;
    let shown = written.get(range.clone())?.to_owned();
    Some(
        RULE.finding(text.subspan(range), format!("the placeholder `{shown}` is not filled in"))
            .help("fill it in; AWS takes it as it stands, and it names nothing"),
    )
}

/// Whether a text between brackets names something to fill in. A policy variable has a colon, an escape is one sign.
fn is_name(name: &str, open: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ' | '.' | '/');
    match open {
        "${" => !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.')),
        _ => !name.is_empty() && name.chars().all(is_word),
    }
}
