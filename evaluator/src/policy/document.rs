//! What does the policy file say, word for word?
//!
//! The lossless shape of a policy: the JSON tree with every place, duplicate and order kept, under the name that
//! messages and references use.

use crate::diagnostic::Diagnostic;
use crate::json::{self, Kind, Member, Placeholders, Unbound, Value};
use crate::source::SourceId;

/// A policy as written.
#[derive(Debug, Clone)]
pub struct Document {
    /// What references call it: its path under `policies/` without `.json`.
    pub name: Box<str>,
    /// The JSON value.
    pub root: Value,
}

impl Document {
    /// Reads the JSON of a policy.
    ///
    /// # Errors
    /// The first syntax error.
    pub fn read(name: &str, source: SourceId, text: &str) -> Result<Self, Box<Diagnostic>> {
        Ok(Self { name: name.into(), root: json::parse(source, text)? })
    }

    /// Fills `{{name}}` and `[[name]]` in its string values; gives back the names without a value.
    pub fn fill(&mut self, placeholders: &impl Placeholders) -> Vec<Unbound> {
        let mut unbound = Vec::new();
        self.root.fill(placeholders, &mut unbound);
        unbound
    }

    /// The statements as written; one that stands without an array counts as one (R1.3).
    pub fn statements(&self) -> &[Value] {
        match member(&self.root, "Statement").map(|member| &member.value) {
            Some(Value { kind: Kind::Array(statements), .. }) => statements,
            Some(statement) => std::slice::from_ref(statement),
            None => &[],
        }
    }
}

/// The member of an object with exactly this name; the first, if it stands there twice.
pub fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Member> {
    match &value.kind {
        Kind::Object(members) => members.iter().find(|member| member.name.as_str() == name),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) | Kind::Array(_) => None,
    }
}
