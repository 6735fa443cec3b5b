//! The statement to paste in place of one that does not work.
//!
//! Strings are taken from the file as written, so that placeholders and the author's own spelling stay.

use super::Context;
use crate::json::{Kind, Member, Value};
use crate::policy::document::member;

/// What goes into a statement of its own.
pub(super) struct Split<'s> {
    /// The actions that move.
    pub actions: &'s [&'s str],
    /// The condition keys it leaves behind.
    pub without: &'s [&'s str],
}

/// The statement without the actions, and one for the actions alone without the keys they never carry.
pub(super) fn split(context: &Context<'_>, statement: usize, parts: &Split<'_>) -> Option<String> {
    let written = context.document.statements().get(statement)?;
    let stays = without_actions(context, written, parts.actions)?;
    let moves = alone(context, written, parts)?;
    Some(format!("{stays},\n{moves}"))
}

fn without_actions(context: &Context<'_>, statement: &Value, moved: &[&str]) -> Option<String> {
    let Kind::Array(actions) = &member(statement, "Action")?.value.kind else { return None };
    let kept: Vec<_> =
        actions.iter().filter(|each| each.as_text().is_none_or(|text| !moved.contains(&text.as_str()))).collect();
    object(statement, |each| match each.name.as_str() {
        "Action" => Some(list(context, &kept)),
        _ => Some(print(context, &each.value, 1)),
    })
}

fn alone(context: &Context<'_>, statement: &Value, parts: &Split<'_>) -> Option<String> {
    object(statement, |each| match each.name.as_str() {
        "Sid" => {
            let sid = each.value.as_text()?.as_str();
            let first = parts.actions.first()?;
            let name = first.split_once(':').map_or(*first, |(_, name)| name);
            Some(format!("\"{sid}{}\"", name.replace(['*', '?'], "")))
        }
        "Action" => Some(match parts.actions {
            [action] => format!("\"{action}\""),
            actions => {
                let quoted: Vec<_> = actions.iter().map(|action| format!("\"{action}\"")).collect();
                format!("[{}]", quoted.join(", "))
            }
        }),
        "Condition" => Some(conditions(context, &each.value, parts.without)),
        _ => Some(print(context, &each.value, 1)),
    })
}

/// An object with one member a line, the value of each as `print` gives it.
fn object(value: &Value, print: impl Fn(&Member) -> Option<String>) -> Option<String> {
    let Kind::Object(members) = &value.kind else { return None };
    let line = |each: &Member| print(each).map(|value| format!("  \"{}\": {value}", each.name.as_str()));
    let lines: Vec<_> = members.iter().filter_map(line).collect();
    Some(format!("{{\n{}\n}}", lines.join(",\n")))
}

/// The condition block without some keys, and without operators that have none left.
fn conditions(context: &Context<'_>, block: &Value, without: &[&str]) -> String {
    let Kind::Object(operators) = &block.kind else { return print(context, block, 1) };
    let is_kept = |key: &Member| !without.iter().any(|name| name.eq_ignore_ascii_case(key.name.as_str()));
    let mut lines = Vec::new();
    for operator in operators {
        let Kind::Object(keys) = &operator.value.kind else { continue };
        let kept: Vec<_> = keys
            .iter()
            .filter(|key| is_kept(key))
            .map(|key| format!("\"{}\": {}", key.name.as_str(), print(context, &key.value, 3)))
            .collect();
        if !kept.is_empty() {
            lines.push(format!("    \"{}\": {{ {} }}", operator.name.as_str(), kept.join(", ")));
        }
    }
    format!("{{\n{}\n  }}", lines.join(",\n"))
}

fn list(context: &Context<'_>, values: &[&Value]) -> String {
    let written: Vec<_> = values.iter().map(|value| print(context, value, 1)).collect();
    format!("[{}]", written.join(", "))
}

/// A value as written, on one line where it is short, with the objects in it indented.
fn print(context: &Context<'_>, value: &Value, depth: usize) -> String {
    match &value.kind {
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => {
            context.text.get(value.span.range()).unwrap_or_default().to_owned()
        }
        Kind::Array(values) => list(context, &values.iter().collect::<Vec<_>>()),
        Kind::Object(members) => {
            let pairs: Vec<_> = members
                .iter()
                .map(|each| format!("\"{}\": {}", each.name.as_str(), print(context, &each.value, depth + 1)))
                .collect();
            let (indent, end) = ("  ".repeat(depth + 1), "  ".repeat(depth));
            let line = pairs.join(", ");
            if line.len() <= 80 {
                return format!("{{ {line} }}");
            }
            format!("{{\n{indent}{}\n{end}}}", pairs.join(&format!(",\n{indent}")))
        }
    }
}
