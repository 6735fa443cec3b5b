//! How do nodes become the derived types, and what does a mistake say?
//!
//! A `serde` deserializer over [`Node`]s. It knows the place of whatever it hands over, so it reports an unknown key
//! itself (all of them, not the first) and gives every other failure the place of the node it happened at.
//!
//! A visitor says what it expects as `WHAT; HOW TO WRITE IT`: the first part goes into the message, the second
//! becomes the help.

use std::cell::RefCell;
use std::fmt;

use permitlab_evaluator::diagnostic::{Diagnostic, closest};
use permitlab_evaluator::source::Span;
use serde::de::value::{StrDeserializer, U32Deserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::node::{Kind, Member, Name, Node};
use super::value::{BY_KIND, PLACED};

/// Reads a value from a node.
///
/// # Errors
/// Every unknown key, and the first thing that is wrong otherwise.
pub(super) fn from_node<T: DeserializeOwned>(node: &Node) -> Result<T, Vec<Diagnostic>> {
    let findings = RefCell::new(Vec::new());
    let value = T::deserialize(Reader { node, findings: &findings });
    let mut findings = findings.into_inner();
    match value {
        Ok(value) if findings.is_empty() => Ok(value),
        Ok(_) => Err(findings),
        Err(failure) => {
            // A key that seems to be missing may be the one that is misspelt.
            if findings.is_empty() || !failure.is_about_keys() {
                findings.push(failure.diagnostic(node.span));
            }
            Err(findings)
        }
    }
}

/// A node about to be read.
#[derive(Clone, Copy)]
struct Reader<'n> {
    node: &'n Node,
    findings: &'n RefCell<Vec<Diagnostic>>,
}

impl<'n> Reader<'n> {
    /// Reads a value. What its type itself has to say (`try_from`) is said about this node.
    fn read<'de, T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Failure> {
        seed.deserialize(self).map_err(|failure| failure.at(self.node))
    }

    /// Runs a visit; what goes wrong in it went wrong at this node, unless a node below knows better.
    fn visit<T>(self, visit: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        if matches!(self.node.kind, Kind::Nothing) {
            return Err(Failure::new(Mistake::Nothing).at(self.node));
        }
        visit().map_err(|failure| failure.at(self.node))
    }

    fn members<'de, V: Visitor<'de>>(self, members: Vec<&'n Member>, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_map(Members { reader: self, rest: members.into_iter(), value: None })
    }

    /// The shape of the node, as the variants of an enum [`BY_KIND`] call it.
    fn kind(self) -> &'static str {
        match self.node.kind {
            Kind::Null | Kind::Nothing => "null",
            Kind::Scalar { .. } => "scalar",
            Kind::List(_) => "list",
            Kind::Mapping(_) => "mapping",
        }
    }

    /// The members a type knows. The others are reported.
    fn known(self, members: &'n [Member], fields: &'static [&'static str]) -> Vec<&'n Member> {
        let (known, unknown): (Vec<_>, Vec<_>) =
            members.iter().partition(|member| fields.contains(&member.name.text.as_str()));
        self.findings.borrow_mut().extend(unknown.iter().map(|member| unknown_key(&member.name, fields)));
        known
    }
}

/// A node of another kind than expected. The visit that fails knows what was found.
fn wrong_type<T>(expected: &dyn Expected) -> Result<T, Failure> {
    Err(Failure::invalid_type(Unexpected::Other("another node"), expected))
}

fn unknown_key(name: &Name, fields: &'static [&'static str]) -> Diagnostic {
    let diagnostic = Diagnostic::error("unknown-key", name.span, format!("unknown key `{}`", name.text));
    suggest(diagnostic, &name.text, fields, "valid keys")
}

/// Helps with the closest candidate, and lists them all.
fn suggest(diagnostic: Diagnostic, written: &str, candidates: &[&str], what: &str) -> Diagnostic {
    let all = format!("{what}: {}", candidates.join(", "));
    match closest(written, candidates.iter().copied()) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`? {all}")),
        None => diagnostic.help(all),
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.visit(|| match &self.node.kind {
            Kind::Null | Kind::Nothing => visitor.visit_unit(),
            Kind::Scalar { text, .. } => visitor.visit_str(text),
            Kind::List(nodes) => visitor.visit_seq(Nodes { reader: self, nodes: nodes.iter() }),
            Kind::Mapping(members) => self.members(members.iter().collect(), visitor),
        })
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.visit(|| match &self.node.kind {
            Kind::Scalar { text, .. } => visitor.visit_str(text),
            Kind::Null | Kind::Nothing | Kind::List(_) | Kind::Mapping(_) => {
                wrong_type(&"one value; write a single word or a quoted text")
            }
        })
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.visit(|| match &self.node.kind {
            Kind::Scalar { text, plain: true } if text == "true" => visitor.visit_bool(true),
            Kind::Scalar { text, plain: true } if text == "false" => visitor.visit_bool(false),
            Kind::Scalar { .. } | Kind::Null | Kind::Nothing | Kind::List(_) | Kind::Mapping(_) => {
                wrong_type(&"true or false; write true or false without quotes")
            }
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.visit(|| match self.node.kind {
            Kind::Null => visitor.visit_none(),
            Kind::Nothing | Kind::Scalar { .. } | Kind::List(_) | Kind::Mapping(_) => visitor.visit_some(self),
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.visit(|| match &self.node.kind {
            Kind::List(nodes) => visitor.visit_seq(Nodes { reader: self, nodes: nodes.iter() }),
            Kind::Null | Kind::Nothing | Kind::Scalar { .. } | Kind::Mapping(_) => {
                wrong_type(&"a list; write `- item` lines, or `[one, two]`")
            }
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.visit(|| match &self.node.kind {
            Kind::Mapping(members) => self.members(members.iter().collect(), visitor),
            Kind::Null | Kind::Nothing | Kind::Scalar { .. } | Kind::List(_) => wrong_type(&visitor),
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.visit(|| match &self.node.kind {
            Kind::Mapping(members) => self.members(self.known(members, fields), visitor),
            Kind::Null | Kind::Nothing | Kind::Scalar { .. } | Kind::List(_) => wrong_type(&visitor),
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.visit(|| match &self.node.kind {
            _ if name == BY_KIND => match variants.iter().find(|variant| **variant == self.kind()) {
                Some(_) => visitor.visit_enum(Shape { reader: self }),
                None => wrong_type(&visitor),
            },
            Kind::Scalar { text, .. } => visitor.visit_enum(StrDeserializer::new(text)),
            Kind::Null | Kind::Nothing | Kind::List(_) | Kind::Mapping(_) => {
                wrong_type(&format!("one word; write one of: {}", variants.join(", ")).as_str())
            }
        })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        if name == PLACED {
            return self.visit(|| visitor.visit_seq(Placed { reader: self, part: 0 }));
        }
        self.deserialize_seq(visitor)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct newtype_struct tuple
        identifier ignored_any
    }
}

struct Nodes<'n> {
    reader: Reader<'n>,
    nodes: std::slice::Iter<'n, Node>,
}

impl<'de> SeqAccess<'de> for Nodes<'_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        self.nodes.next().map(|node| Reader { node, ..self.reader }.read(seed)).transpose()
    }
}

struct Members<'n> {
    reader: Reader<'n>,
    rest: std::vec::IntoIter<&'n Member>,
    value: Option<&'n Node>,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        let Some(member) = self.rest.next() else { return Ok(None) };
        self.value = Some(&member.value);
        seed.deserialize(Key { name: &member.name }).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        let node = self.value.take().ok_or_else(|| Failure::custom("a value asked for before its key"))?;
        Reader { node, ..self.reader }.read(seed)
    }
}

/// A node read as the variant named for its kind.
#[derive(Clone, Copy)]
struct Shape<'n> {
    reader: Reader<'n>,
}

impl<'de> EnumAccess<'de> for Shape<'_> {
    type Error = Failure;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Failure> {
        let kind: StrDeserializer<'_, Failure> = StrDeserializer::new(self.reader.kind());
        Ok((seed.deserialize(kind)?, self))
    }
}

impl<'de> VariantAccess<'de> for Shape<'_> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Failure> {
        seed.deserialize(self.reader)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        self.reader.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Failure> {
        self.reader.deserialize_struct("", fields, visitor)
    }
}

/// The name of a member about to be read: a field of a struct, or a name people gave.
#[derive(Clone, Copy)]
struct Key<'n> {
    name: &'n Name,
}

impl<'de> Deserializer<'de> for Key<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_str(&self.name.text)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_seq(PlacedKey { key: self, part: 0 })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple map struct enum identifier ignored_any
    }
}

/// Hands over source, start and end, and then the value itself.
struct Placed<'n> {
    reader: Reader<'n>,
    part: usize,
}

struct PlacedKey<'n> {
    key: Key<'n>,
    part: usize,
}

/// A number of a place: source, start or end. `None` when the value's turn has come.
fn place_part(span: Span, part: &mut usize) -> Option<U32Deserializer<Failure>> {
    let number = [span.source.index(), span.start, span.end].get(*part).copied();
    *part += 1;
    number.map(IntoDeserializer::into_deserializer)
}

impl<'de> SeqAccess<'de> for Placed<'_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        match place_part(self.reader.node.span, &mut self.part) {
            Some(number) => seed.deserialize(number).map(Some),
            None => seed.deserialize(self.reader).map(Some),
        }
    }
}

impl<'de> SeqAccess<'de> for PlacedKey<'_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        match place_part(self.key.name.span, &mut self.part) {
            Some(number) => seed.deserialize(number).map(Some),
            None => seed.deserialize(self.key).map(Some),
        }
    }
}

/// What went wrong, and at which node, once one has claimed it.
#[derive(Debug)]
struct Failure {
    mistake: Box<Mistake>,
    place: Option<(Span, String)>,
}

#[derive(Debug)]
enum Mistake {
    /// A key without a value.
    Nothing,
    /// A node of another kind.
    Type { expected: String },
    /// A key that must be there.
    MissingKey(&'static str),
    /// A word that is not in the list.
    Word { written: String, words: &'static [&'static str] },
    /// What a type itself has to say.
    Value(String),
}

impl Failure {
    fn new(mistake: Mistake) -> Self {
        Self { mistake: Box::new(mistake), place: None }
    }

    fn at(mut self, node: &Node) -> Self {
        self.place.get_or_insert_with(|| (node.span, node.describe()));
        self
    }

    fn is_about_keys(&self) -> bool {
        match *self.mistake {
            Mistake::MissingKey(_) | Mistake::Value(_) => true,
            Mistake::Nothing | Mistake::Type { .. } | Mistake::Word { .. } => false,
        }
    }

    fn diagnostic(self, file: Span) -> Diagnostic {
        let (span, found) = self.place.unwrap_or_else(|| (file, "something else".to_owned()));
        match *self.mistake {
            Mistake::Nothing => Diagnostic::error("empty-value", span, "a key without a value")
                .help("write its value, `null`, `[]` or `{}` after it, or remove the key"),
            Mistake::Type { expected } => {
                let (what, how) =
                    expected.split_once("; ").unwrap_or((&expected, "write it as this file's schema has it"));
                Diagnostic::error("wrong-type", span, format!("expected {what}, found {found}")).help(how)
            }
            Mistake::MissingKey(key) => Diagnostic::error("missing-key", span, format!("the key `{key}` is missing"))
                .label("in this mapping")
                .help(format!("add `{key}: …` to it")),
            Mistake::Word { written, words } => {
                let diagnostic = Diagnostic::error("unknown-value", span, format!("unknown value `{written}`"));
                suggest(diagnostic, &written, words, "valid values")
            }
            Mistake::Value(said) => {
                let (what, how) = said.split_once("; ").unwrap_or((&said, "write it as this file's schema has it"));
                Diagnostic::error("invalid-value", span, what).help(how)
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.mistake)
    }
}

impl std::error::Error for Failure {}

impl Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Mistake::Value(message.to_string()))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Mistake::Type { expected: expected.to_string() })
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Mistake::Word { written: variant.to_owned(), words: expected })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Mistake::MissingKey(field))
    }
}
