//! Which kinds of value do the files share?
//!
//! Every value that could later turn out wrong knows its place: a text that does not parse as an ARN, a name
//! nobody defined, a word that does not fit. Places survive `serde` because [`At`] asks for them by a private
//! name, which only the deserializer of this crate answers.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use permitlab_evaluator::json;
use permitlab_evaluator::source::{SourceId, SourceMap, Span};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The name by which [`At`] asks the deserializer for a place.
pub(super) const PLACED: &str = "permitlab::At";

/// The name of an enum whose variants are shapes of a node: `null`, `scalar`, `list`, `mapping`. The deserializer
/// chooses the variant by the kind of the node, so that a mistake inside a shape is reported as one of that shape.
pub(super) const BY_KIND: &str = "permitlab::ByKind";

/// A value and where it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it was written: a scalar without its quotes, a mapping at its first key.
    pub span: Span,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple_struct(PLACED, 4, PlacedVisitor(PhantomData))
    }
}

struct PlacedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for PlacedVisitor<T> {
    type Value = At<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value with its place")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<At<T>, A::Error> {
        let mut number = || parts.next_element::<u32>()?.ok_or_else(|| A::Error::custom("a value without its place"));
        let (source, start, end) = (SourceId::from_index(number()?), number()?, number()?);
        let value = parts.next_element()?.ok_or_else(|| A::Error::custom("a place without its value"))?;
        Ok(At { value, span: Span { source, start, end } })
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Describes a type to editors as the type it is written as.
macro_rules! schema_as_written {
    ($type:ty, $written:ty) => {
        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                <$written>::inline_schema()
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                <$written>::schema_name()
            }

            fn schema_id() -> std::borrow::Cow<'static, str> {
                <$written>::schema_id()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                <$written>::json_schema(generator)
            }
        }
    };
}

pub(super) use schema_as_written;

/// A text as it was written: `012345678901`, `1.0` and `true` keep their characters without quotes, too.
///
/// Its placeholders are those of the file until [`crate::placeholders::fill`] fills them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(json::Text);

impl Text {
    /// A text that was written at a place.
    pub fn new(value: impl AsRef<str>, span: Span) -> Self {
        Self(json::Text::new(value.as_ref(), span))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Where it was written, without its quotes.
    pub fn span(&self) -> Span {
        self.0.span()
    }

    /// Where a range of its bytes was written; the whole text where it was not written byte by byte.
    pub fn subspan(&self, range: Range<usize>) -> Span {
        self.0.subspan(range)
    }

    /// The placeholders that were filled in it.
    pub fn fills(&self) -> &[json::Fill] {
        self.0.fills()
    }

    pub(crate) fn fill(&mut self, placeholders: &impl json::Placeholders, unbound: &mut Vec<json::Unbound>) {
        self.0.fill(placeholders, unbound);
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let At { value, span } = At::<String>::deserialize(deserializer)?;
        Ok(Self::new(value, span))
    }
}

impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

/// Values under the names people gave them, in the order written. Each name is there once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T>(Vec<(Text, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Named<T> {
    /// The value under a name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.entry(name).map(|(_, value)| value)
    }

    /// The name as written and the value under it.
    pub fn entry(&self, name: &str) -> Option<(&Text, &T)> {
        self.iter().find(|(written, _)| written.as_str() == name)
    }

    /// Names and values, in the order written.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, &T)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// The names, in the order written.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Adds a value under a name that is not there yet.
    pub(crate) fn push(&mut self, name: Text, value: T) {
        self.0.push((name, value));
    }

    /// Takes out what another one has under the same name.
    pub(super) fn make_way<U>(&mut self, over: &Named<U>) {
        self.0.retain(|(name, _)| over.get(name.as_str()).is_none());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where the first of them is named.
    pub fn span(&self) -> Option<Span> {
        self.0.first().map(|(name, _)| name.span())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamedVisitor(PhantomData))
    }
}

struct NamedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for NamedVisitor<T> {
    type Value = Named<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping; write `name: value` lines, or `{}` for none")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Named<T>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = members.next_entry()? {
            entries.push(entry);
        }
        Ok(Named(entries))
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Named_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<T>() })
    }
}

/// The value of a condition key: one value, a list for a multivalued key, or null for an absent key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(
    rename = "permitlab::ByKind",
    expecting = "the value of a condition key; write one value, a list of values, or null for an absent key"
)]
#[schemars(rename = "ContextValue", untagged)]
pub enum ContextValue {
    /// The key is absent, whatever would be derived.
    #[serde(rename = "null")]
    Absent,
    /// One value.
    #[serde(rename = "scalar")]
    One(Text),
    /// The values of a multivalued key.
    #[serde(rename = "list")]
    Many(Vec<Text>),
}

impl ContextValue {
    /// The values, as written.
    pub fn texts(&self) -> &[Text] {
        match self {
            Self::Absent => &[],
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

/// A policy: a file of the policy root, or the JSON itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "PolicyEntry")]
pub enum PolicySource {
    /// A path from the policy root.
    File(Text),
    /// The JSON, written in a block scalar.
    Inline(Text),
}

impl PolicySource {
    /// Where the path or the JSON was written.
    pub fn span(&self) -> Span {
        match self {
            Self::File(text) | Self::Inline(text) => text.span(),
        }
    }

    /// The JSON of an inline policy behind as much space as stands before it in its file, so that offsets in it are
    /// offsets in the file. `None` for a path, and for a text that YAML unescaped or folded: such a policy can only
    /// be read as a text of its own.
    pub fn in_place(&self, sources: &SourceMap) -> Option<String> {
        let Self::Inline(text) = self else { return None };
        let written = sources.slice(text.span());
        let lines = |text: &str| text.trim_end().lines().map(|line| line.trim_start().to_owned()).collect::<Vec<_>>();
        (lines(written) == lines(text.as_str())).then(|| " ".repeat(text.span().range().start) + written)
    }
}

/// A policy: a path from the policy root, or the policy's JSON in a block scalar.
#[derive(Deserialize, JsonSchema)]
#[serde(
    rename = "permitlab::ByKind",
    expecting = "a policy; write a path such as policies/key-eval.json, or the JSON in a block scalar after `|`"
)]
#[schemars(rename = "PolicySource", untagged)]
enum PolicyEntry {
    #[serde(rename = "scalar")]
    Written(Text),
}

schema_as_written!(PolicySource, PolicyEntry);

impl From<PolicyEntry> for PolicySource {
    /// A text is JSON when it begins like an object. A path may begin with a placeholder, which is no object.
    fn from(PolicyEntry::Written(text): PolicyEntry) -> Self {
        let start = text.as_str().trim_start();
        if start.starts_with('{') && !start.starts_with("{{") { Self::Inline(text) } else { Self::File(text) }
    }
}
