//! How is a generated file written so that one likes to read it?
//!
//! YAML, with policies as block scalars of JSON.

use std::fmt::Write as _;

use serde_json::Value;

/// The value as a YAML file.
pub(super) fn written(value: &Value) -> String {
    let mut text = String::new();
    lines(value, 0, &mut text);
    text
}

/// A mapping or a sequence, one member a line.
fn lines(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let is_plain = name.chars().all(|each| each.is_ascii_alphanumeric() || "_-".contains(each));
                let name = if is_plain { name.clone() } else { Value::from(name.as_str()).to_string() };
                let _ = write!(text, "{:indent$}{name}:", "");
                after(member, indent, text);
            }
        }
        Value::Array(values) => {
            for value in values {
                let _ = write!(text, "{:indent$}-", "");
                after(value, indent, text);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let _ = writeln!(text, "{:indent$}{value}", "");
        }
    }
}

/// What stands behind a name or a dash.
fn after(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            text.push('\n');
            lines(value, indent + 2, text);
        }
        Value::Array(values) if !values.is_empty() => {
            text.push('\n');
            lines(value, indent + 2, text);
        }
        Value::String(policy) if policy.starts_with('{') => {
            let read: Value = serde_json::from_str(policy).unwrap_or_default();
            text.push_str(" |\n");
            for line in format!("{read:#}").lines() {
                let _ = writeln!(text, "{:1$}{line}", "", indent + 2);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) | Value::Array(_) => {
            let _ = writeln!(text, " {value}");
        }
    }
}
