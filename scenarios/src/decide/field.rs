//! What stands in a field of a line, and how is the field called?
//!
//! A [`Field`] is a JSON value of the line with the path that leads to it, so that whatever is wrong with it can
//! name it. A line with a field nobody knows, or the same field twice, is refused: it would not mean what its writer
//! meant.

use permitlab_evaluator::json::{Kind, Member, Text, Value};
use smallvec::SmallVec;

use super::fault::{Fault, suggestion};

/// A value of a line.
#[derive(Debug, Clone)]
pub(super) struct Field<'l> {
    line: &'l str,
    value: &'l Value,
    path: SmallVec<[Step<'l>; 4]>,
}

/// A step on the way to a value.
#[derive(Debug, Clone, Copy)]
enum Step<'l> {
    Member(&'l str),
    Entry(usize),
}

/// The fields of an object, each known and there once.
#[derive(Debug)]
pub(super) struct Fields<'l> {
    own: Field<'l>,
    members: SmallVec<[(&'l str, Field<'l>); 8]>,
}

impl<'l> Field<'l> {
    /// The whole line.
    pub(super) fn line(line: &'l str, value: &'l Value) -> Self {
        Self { line, value, path: SmallVec::new() }
    }

    /// The names on the way from the top of the line, with `/` between them. As in JSON Pointer, `~1` stands for a
    /// `/` in a name and `~0` for a `~`.
    pub(super) fn path(&self) -> String {
        let step = |step: &Step<'_>| match step {
            Step::Member(name) => name.replace('~', "~0").replace('/', "~1"),
            Step::Entry(index) => index.to_string(),
        };
        self.path.iter().map(step).collect::<Vec<_>>().join("/")
    }

    /// What it is.
    pub(super) fn kind(&self) -> &'l Kind {
        &self.value.kind
    }

    /// Its text, as written.
    pub(super) fn written(&self) -> &'l str {
        self.line.get(self.value.span.range()).unwrap_or_default()
    }

    /// Something wrong with the whole value.
    pub(super) fn fault(&self, code: &'static str, message: impl Into<String>) -> Fault {
        Fault::new(code, message, &self.path(), self.written(), 0)
    }

    /// Something wrong with the name of a member.
    pub(super) fn fault_at(&self, member: &Member, code: &'static str, message: impl Into<String>) -> Fault {
        let start = self.value.span.range().start;
        let offset = member.name.span().range().start.saturating_sub(start);
        Fault::new(code, message, &self.path(), self.written(), offset)
    }

    /// The value is of another type than it has to be.
    pub(super) fn not(&self, expected: &str) -> Fault {
        self.fault("wrong-type", format!("expected {expected}, found {}", self.value.describe()))
    }

    /// The string it is.
    pub(super) fn text(&self) -> Result<&'l str, Fault> {
        self.value.as_text().map(Text::as_str).ok_or_else(|| self.not("a string"))
    }

    /// Whether it is `true`.
    pub(super) fn flag(&self) -> Result<bool, Fault> {
        match self.kind() {
            Kind::Bool(flag) => Ok(*flag),
            Kind::Null | Kind::Number(_) | Kind::String(_) | Kind::Array(_) | Kind::Object(_) => {
                Err(self.not("`true` or `false`"))
            }
        }
    }

    /// The values of the list it is.
    pub(super) fn list(&self) -> Result<Vec<Self>, Fault> {
        match self.kind() {
            Kind::Array(values) => {
                Ok(values.iter().enumerate().map(|(index, value)| self.below(Step::Entry(index), value)).collect())
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) | Kind::Object(_) => {
                Err(self.not("an array"))
            }
        }
    }

    /// The members of the object it is, repeated names included.
    pub(super) fn members(&self) -> Result<impl Iterator<Item = (&'l Member, Self)>, Fault> {
        match self.kind() {
            Kind::Object(members) => {
                let below = |member: &'l Member| self.below(Step::Member(member.name.as_str()), &member.value);
                Ok(members.iter().map(move |member| (member, below(member))))
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) | Kind::Array(_) => {
                Err(self.not("an object"))
            }
        }
    }

    /// The fields of the object it is, if all are known and none is there twice.
    pub(super) fn fields(&self, known: &[&str]) -> Result<Fields<'l>, Fault> {
        let mut fields = Fields { own: self.clone(), members: SmallVec::new() };
        for (member, field) in self.members()? {
            let name = member.name.as_str();
            if !known.contains(&name) {
                let help = suggestion(name, known.iter().copied());
                return Err(self.fault_at(member, "unknown-field", format!("unknown field `{name}`; {help}")));
            }
            if fields.optional(name).is_some() {
                return Err(self.twice(member));
            }
            fields.members.push((name, field));
        }
        Ok(fields)
    }

    /// A name that stands in the object already.
    pub(super) fn twice(&self, member: &Member) -> Fault {
        self.fault_at(member, "duplicate-key", format!("`{}` stands here twice", member.name.as_str()))
    }

    fn below(&self, step: Step<'l>, value: &'l Value) -> Self {
        let mut path = self.path.clone();
        path.push(step);
        Self { line: self.line, value, path }
    }
}

impl<'l> Fields<'l> {
    /// A field that may be missing.
    pub(super) fn optional(&self, name: &str) -> Option<&Field<'l>> {
        self.members.iter().find(|(own, _)| *own == name).map(|(_, field)| field)
    }

    /// A field that has to be there.
    pub(super) fn required(&self, name: &str) -> Result<&Field<'l>, Fault> {
        self.optional(name).ok_or_else(|| self.missing(name, "add it"))
    }

    /// A field is not there, and what to do about it.
    pub(super) fn missing(&self, name: &str, help: &str) -> Fault {
        self.own.fault("missing-field", format!("the field `{name}` is missing; {help}"))
    }
}
