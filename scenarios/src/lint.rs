//! What does the linter say of a policy file, as whatever it is attached as?
//!
//! Who names no type gets the one the policy's shape speaks for: statements with a `Principal` make a key policy, a
//! trust policy or another resource-based policy, by their actions, or a resource control policy where all of them deny
//! what is done with keys; statements without one make an identity-based policy.

pub mod allow;
pub mod attached;

use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::json::{Kind, Placeholders, Value};
use permitlab_evaluator::lint::{self, Attachment, Context, Finding};
use permitlab_evaluator::policy::document::member;
use permitlab_evaluator::policy::{Document, PolicyType};
use permitlab_evaluator::source::SourceMap;

/// The findings of a policy text, in the order of the text, and the type it was read as.
///
/// # Errors
/// The text is no policy document.
pub fn lint(
    sources: &mut SourceMap,
    name: &str,
    text: &str,
    kind: Option<PolicyType>,
) -> Result<(PolicyType, Vec<Finding>), Box<Diagnostic>> {
    by_shape(sources, name, text, kind).map(|(_, kind, findings)| (kind, findings))
}

fn document(sources: &mut SourceMap, name: &str, text: &str) -> Result<Document, Box<Diagnostic>> {
    let source = sources.add(name, text).map_err(|error| {
        let nowhere = permitlab_evaluator::source::SourceId::from_index(0);
        let span = permitlab_evaluator::source::Span::new(nowhere, 0, 0);
        Box::new(Diagnostic::error("too-large", span, error.to_string()).help("shorten it"))
    })?;
    Document::read(name, source, text)
}

/// A policy text with stand-ins for its placeholders, and the type it is read as: the one named, or that of its shape.
pub(crate) fn read(
    sources: &mut SourceMap,
    name: &str,
    text: &str,
    kind: Option<PolicyType>,
) -> Result<(Document, PolicyType), Box<Diagnostic>> {
    let mut document = document(sources, name, text)?;
    // Every name has a stand-in, so nothing stays unbound.
    document.fill(&StandIns);
    let kind = kind.unwrap_or_else(|| shape(&document));
    Ok((document, kind))
}

fn by_shape(
    sources: &mut SourceMap,
    name: &str,
    text: &str,
    kind: Option<PolicyType>,
) -> Result<(Document, PolicyType, Vec<Finding>), Box<Diagnostic>> {
    let (document, kind) = read(sources, name, text, kind)?;
    let is_template = text.contains("{{") || text.contains("[[");
    let attachment = Attachment::default();
    let context = Context { document: &document, text, kind, attachment: &attachment, is_template };
    let findings = lint::check(&context);
    Ok((document, kind, findings))
}

/// What stands for a placeholder of a template, whose values only a world knows: something of the shape its name
/// speaks of. The rules that compare accounts or Regions leave templates alone.
struct StandIns;

impl Placeholders for StandIns {
    fn value(&self, name: &str) -> Option<&str> {
        let name = name.to_ascii_lowercase();
        Some(if name.contains("account") {
            "111122223333"
        } else if name.contains("region") {
            "us-east-1"
        } else {
            "1234abcd-12ab-34cd-56ef-1234567890ab"
        })
    }
}

fn shape(document: &Document) -> PolicyType {
    let statements = document.statements();
    let names = |name: &str| statements.iter().any(|statement| member(statement, name).is_some());
    if !names("Principal") && !names("NotPrincipal") {
        return PolicyType::Identity;
    }
    let begins = |service: &str| statements.iter().any(|statement| acts(statement, service));
    let is_deny = |statement: &Value| {
        let effect = member(statement, "Effect").and_then(|effect| effect.value.as_text());
        effect.is_some_and(|effect| effect.as_str() == "Deny")
    };
    match (begins("kms"), begins("sts")) {
        // A key policy that allows nothing has no use.
        (true, _) if statements.iter().all(is_deny) => PolicyType::ResourceControl,
        (true, _) => PolicyType::Key,
        (false, true) => PolicyType::Trust,
        (false, false) => PolicyType::Resource,
    }
}

fn acts(statement: &Value, service: &str) -> bool {
    let is_of = |value: &Value| {
        let text = value.as_text().map(permitlab_evaluator::json::Text::as_str).unwrap_or_default();
        text.get(..service.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(service))
    };
    ["Action", "NotAction"].iter().filter_map(|name| member(statement, name)).any(|member| match &member.value.kind {
        Kind::Array(actions) => actions.iter().any(is_of),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) | Kind::Object(_) => is_of(&member.value),
    })
}
