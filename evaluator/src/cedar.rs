//! Would an engine that is not ours decide the same?
//!
//! A translation of policies to Cedar, whose authorizer then judges each layer; how the layers combine is written here
//! a second time, from rules R5.1 to R5.16 and R6. Nothing is shared with the first engine but the parsed policies, the
//! world and the derived context. What Cedar cannot express, such as a `?` in a pattern or a policy variable, becomes an
//! *opaque atom*: its truth is computed by the first engine's operators, and it is counted, so that one can say how
//! independent the second opinion was.
//!
//! The answer is the reference's reading: unstated keys are absent, and unsure rules are read as the reference reads them.

mod compose;
mod condition;
mod lower;
mod request;
mod text;
mod values;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::str::FromStr as _;

use cedar_policy::{Authorizer, PolicyId, PolicySet, Schema, ValidationMode, Validator};

use crate::action::ActionPattern;
use crate::condition::Condition;
use crate::policy::pattern::ArnPattern;
use crate::policy::{Policy, Written};
use crate::source::Span;
use crate::world::World;
use crate::world::kms::Grant;

pub use compose::{Answer, Effect};

/// Why Cedar gives no second opinion.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// Cedar's types have no room for a value of the request.
    #[error("`{value}` of `{key}` is beyond what Cedar's types hold")]
    Value {
        /// The condition key.
        key: String,
        /// Its value.
        value: String,
    },
    /// Cedar refused a translation, or failed in judging it: a mistake of the translation.
    #[error("Cedar: {0}")]
    Cedar(String),
}

/// The way in which an entry of `Principal`, or a grant, names a caller (R3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Direct,
    Role,
    Federated,
    Everyone,
    Account,
}

/// How a key's values are seen by a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Projection {
    /// The only value.
    Text,
    /// All values.
    Set,
    /// All values in lower case.
    LowerSet,
    /// The only value in lower case.
    Lower,
    /// As an ARN.
    Arn,
    /// As a number, in thousandths.
    Number,
    /// As an instant, in milliseconds.
    Instant,
    /// As an address.
    Address,
}

/// What Cedar has no form for.
#[derive(Debug, Clone)]
enum Atom {
    Condition(Condition),
    Action(Written<ActionPattern>),
    Resource(Written<ArnPattern>),
}

/// What a translation needs of the request.
#[derive(Debug, Clone, Default)]
struct Lowering {
    projections: BTreeSet<(String, Projection)>,
    atoms: Vec<(Atom, bool)>,
    /// Whether the statement at hand stands in a key policy, which sees no tags and aliases (R6.16).
    is_key_policy: bool,
}

/// Policies that work together, or grants, as one policy set.
struct Layer {
    set: PolicySet,
    schema: Schema,
    text: Vec<Translated>,
    meanings: BTreeMap<String, Meaning>,
    lowering: Lowering,
    is_key_policy: bool,
}

/// What a Cedar policy stands for.
#[derive(Debug, Clone)]
struct Meaning {
    /// The statement's reference, or the grant's name.
    name: String,
    /// Where it stands.
    span: Span,
    way: Option<Way>,
}

/// What a layer says to a request.
#[derive(Debug, Clone, Default)]
struct Said {
    denied: BTreeSet<String>,
    allowed: BTreeSet<(Option<Way>, String)>,
}

/// The second engine, for the requests of one world.
pub struct Engine<'w> {
    world: &'w World,
    authorizer: Authorizer,
    layers: RefCell<BTreeMap<Vec<usize>, Rc<Layer>>>,
    /// The opaque atoms in the layers that the request at hand has met so far.
    consulted: RefCell<BTreeSet<String>>,
}

/// A layer's translation, to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translation {
    /// Its schema.
    pub schema: String,
    /// Its policies.
    pub policies: Vec<Translated>,
    /// The opaque atoms in it.
    pub opaque: Vec<String>,
}

/// A statement or grant, or the part of it that names callers in one way, as a Cedar policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translated {
    /// The statement's reference, or the grant's name.
    pub name: String,
    /// Where it stands.
    pub span: Span,
    /// The way in which it names callers, where the ways are kept apart: `direct`, `role`, `federated`, `everyone` or
    /// `account`.
    pub way: Option<&'static str>,
    /// Its text.
    pub text: String,
}

impl Way {
    const ALL: [Self; 5] = [Self::Direct, Self::Role, Self::Federated, Self::Everyone, Self::Account];

    const fn word(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Role => "role",
            Self::Federated => "federated",
            Self::Everyone => "everyone",
            Self::Account => "account",
        }
    }
}

impl Projection {
    /// The attribute of a key, and its type.
    fn attribute(self, key: &str) -> (String, &'static str) {
        let (suffix, kind) = match self {
            Self::Text => ("", "String"),
            Self::Set => ("#set", "Set<String>"),
            Self::LowerSet => ("#lowerset", "Set<String>"),
            Self::Lower => ("#lower", "String"),
            Self::Arn => ("#arn", "Arn"),
            Self::Number => ("#num", "Long"),
            Self::Instant => ("#date", "Long"),
            Self::Address => ("#ip", "ipaddr"),
        };
        (format!("{key}{suffix}"), kind)
    }
}

impl Atom {
    fn describe(&self) -> String {
        match self {
            Self::Condition(condition) => {
                let operands: Vec<&str> = condition.operands.iter().map(|operand| operand.text.as_str()).collect();
                format!("{} {} {}", condition.operator, condition.key, operands.join(" | "))
            }
            Self::Action(pattern) => format!("Action {}", pattern.text.as_str()),
            Self::Resource(pattern) => format!("Resource {}", pattern.text.as_str()),
        }
    }
}

/// One pair of an encryption context as one string.
fn pair(name: &str, value: &str) -> String {
    format!("{name}\u{0}{value}")
}

impl Lowering {
    /// Asks for a projection of a key, and names its attribute in quotes.
    fn project(&mut self, key: &str, projection: Projection) -> String {
        self.projections.insert((key.to_owned(), projection));
        text::quoted(&projection.attribute(key).0)
    }

    /// Leaves a test to the first engine's operators.
    fn opaque(&mut self, atom: Atom) -> String {
        self.atoms.push((atom, self.is_key_policy));
        format!("context.o.atom{}", self.atoms.len() - 1)
    }

    /// The schema of what the translation uses.
    fn schema(&self) -> String {
        let keys: Vec<String> = self
            .projections
            .iter()
            .map(|(key, projection)| {
                let (name, kind) = projection.attribute(key);
                format!("{}?: {kind}", text::quoted(&name))
            })
            .collect();
        let atoms: Vec<String> = (0..self.atoms.len()).map(|index| format!("atom{index}: Bool")).collect();
        format!(
            "type Arn = {{ arn: String, partition: String, service: String, region: String, account: String, resource: String }};\n\
             type Who = {{ kind: String, account: String, name: String, session: String, user: String, id: String, bounded: Bool }};\n\
             entity Caller;\nentity Thing;\n\
             action call appliesTo {{ principal: [Caller], resource: [Thing], context: {{\n  \
             action: String, resource: Arn, caller: Who, pairs: Set<String>, pairCount: Long,\n  \
             k: {{ {} }},\n  o: {{ {} }}\n}} }};\n",
            keys.join(", "),
            atoms.join(", ")
        )
    }
}

impl Layer {
    fn of_policies(policies: &[&Policy]) -> Result<Self, Unsupported> {
        let mut lowering = Lowering::default();
        let mut written = Vec::new();
        for policy in policies {
            // An Allow in a customer's RCP would be refused; the one AWS attaches everywhere never denies (R5.6).
            for statement in &policy.statements {
                let name = policy.reference(statement);
                for (way, text) in lower::statement(policy, statement, &mut lowering) {
                    written.push((Meaning { name: name.clone(), span: statement.span, way }, text));
                }
            }
        }
        let is_key_policy = policies.iter().any(|policy| policy.kind == crate::policy::PolicyType::Key);
        Self::of(written, lowering, is_key_policy)
    }

    fn of_grants(grants: &[&Grant]) -> Result<Self, Unsupported> {
        let mut lowering = Lowering::default();
        let mut written = Vec::new();
        for grant in grants {
            for (way, text) in lower::grant(grant, &mut lowering) {
                written.push((Meaning { name: grant.name.to_string(), span: grant.span, way }, text));
            }
        }
        Self::of(written, lowering, false)
    }

    fn of(written: Vec<(Meaning, String)>, lowering: Lowering, is_key_policy: bool) -> Result<Self, Unsupported> {
        let refused = |error: &dyn std::fmt::Display, text: &str| Unsupported::Cedar(format!("{error}\n{text}"));
        let source = lowering.schema();
        let schema = Schema::from_str(&source).map_err(|error| refused(&error, &source))?;
        let mut set = PolicySet::new();
        let (mut meanings, mut text) = (BTreeMap::new(), Vec::new());
        for (index, (meaning, policy)) in written.into_iter().enumerate() {
            let id = format!("policy{index}");
            let parsed = cedar_policy::Policy::parse(Some(PolicyId::new(&id)), &policy)
                .map_err(|error| refused(&error, &policy))?;
            set.add(parsed).map_err(|error| refused(&error, &policy))?;
            let Meaning { name, span, way } = meaning.clone();
            text.push(Translated { name, span, way: way.map(Way::word), text: policy });
            meanings.insert(id, meaning);
        }
        let result = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
        if !result.validation_passed() {
            let all: Vec<&str> = text.iter().map(|policy| policy.text.as_str()).collect();
            return Err(refused(&result, &format!("{}\n{source}", all.join("\n"))));
        }
        Ok(Self { set, schema, text, meanings, lowering, is_key_policy })
    }

    fn judge(&self, authorizer: &Authorizer, asked: &request::Asked<'_>) -> Result<Said, Unsupported> {
        let request = asked.to_cedar(&self.lowering, &self.schema, self.is_key_policy)?;
        let response = authorizer.is_authorized(&request, &self.set, &cedar_policy::Entities::empty());
        if let Some(error) = response.diagnostics().errors().next() {
            return Err(Unsupported::Cedar(error.to_string()));
        }
        let is_denied = response.decision() == cedar_policy::Decision::Deny;
        let mut said = Said::default();
        for id in response.diagnostics().reason() {
            let id: &str = id.as_ref();
            let Some(meaning) = self.meanings.get(id) else { continue };
            if is_denied {
                said.denied.insert(meaning.name.clone());
            } else {
                said.allowed.insert((meaning.way, meaning.name.clone()));
            }
        }
        Ok(said)
    }

    fn translation(&self) -> Translation {
        Translation {
            schema: self.lowering.schema(),
            policies: self.text.clone(),
            opaque: self.lowering.atoms.iter().map(|(atom, _)| atom.describe()).collect(),
        }
    }
}

impl<'w> Engine<'w> {
    /// The second engine for a world.
    pub fn new(world: &'w World) -> Self {
        Self { world, authorizer: Authorizer::new(), layers: RefCell::default(), consulted: RefCell::default() }
    }

    /// What these policies say to a request.
    fn policies(&self, policies: &[&Policy], asked: &request::Asked<'_>) -> Result<Said, Unsupported> {
        let places = policies.iter().map(|policy| std::ptr::from_ref::<Policy>(policy).addr()).collect();
        self.layer(places, || Layer::of_policies(policies))?.judge(&self.authorizer, asked)
    }

    /// What these grants say to a request.
    fn grants(&self, grants: &[&Grant], asked: &request::Asked<'_>) -> Result<Said, Unsupported> {
        let places = grants.iter().map(|grant| std::ptr::from_ref::<Grant>(grant).addr()).collect();
        self.layer(places, || Layer::of_grants(grants))?.judge(&self.authorizer, asked)
    }

    /// A layer, translated once. Nothing that a world holds moves as long as it is borrowed.
    fn layer(
        &self,
        places: Vec<usize>,
        translate: impl FnOnce() -> Result<Layer, Unsupported>,
    ) -> Result<Rc<Layer>, Unsupported> {
        let known = self.layers.borrow().get(&places).map(Rc::clone);
        let layer = match known {
            Some(known) => known,
            None => Rc::new(translate()?),
        };
        self.layers.borrow_mut().insert(places, Rc::clone(&layer));
        self.consulted.borrow_mut().extend(layer.lowering.atoms.iter().map(|(atom, _)| atom.describe()));
        Ok(layer)
    }

    /// The opaque atoms of everything that was translated so far.
    pub fn opaque(&self) -> Vec<String> {
        let layers = self.layers.borrow();
        layers.values().flat_map(|layer| layer.lowering.atoms.iter().map(|(atom, _)| atom.describe())).collect()
    }
}

/// The translation of policies that work together.
///
/// # Errors
/// Cedar refuses the translation, which is a mistake of ours.
pub fn translate(policies: &[&Policy]) -> Result<Translation, Unsupported> {
    Ok(Layer::of_policies(policies)?.translation())
}

/// The translation of the grants of a key.
///
/// # Errors
/// Cedar refuses the translation, which is a mistake of ours.
pub fn translate_grants(grants: &[&Grant]) -> Result<Translation, Unsupported> {
    Ok(Layer::of_grants(grants)?.translation())
}

impl std::fmt::Debug for Engine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("layers", &self.layers.borrow().len()).finish_non_exhaustive()
    }
}
