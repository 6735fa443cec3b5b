//! What stands for `{{name}}` and `[[name]]`?
//!
//! Placeholders are filled inside string values only, after parsing, in one pass: a filled value is not looked at
//! again, and places stay those of the file as written. [`Vars`] are fixed at load and may use one another; a
//! [`Scope`] adds what only a check knows, a matrix cell and the bindings of a flow.
//!
//! ```
//! use permitlab::file;
//! use permitlab::placeholders::{Scope, Vars, fill};
//! use permitlab_evaluator::source::SourceMap;
//!
//! let mut sources = SourceMap::new();
//! let text = "vars:\n  region: us-east-1\n  host: s3.{{region}}.amazonaws.com\naccounts:\n  ml: { id: \"[[host]]\" }\n";
//! let id = sources.add("fixtures/eval.yaml", text).unwrap();
//! let world = file::read_world(&sources, id).unwrap();
//! let vars = Vars::resolve([&world.vars]).unwrap();
//! let filled = fill(&world.accounts.get("ml").unwrap().id, &Scope::new(&vars)).unwrap();
//! assert_eq!(filled.as_str(), "s3.us-east-1.amazonaws.com");
//! assert_eq!(&*filled.fills()[0].written, "[[host]]");
//! ```

use std::collections::BTreeMap;

use permitlab_evaluator::diagnostic::{Diagnostic, closest};
use permitlab_evaluator::json::{Placeholders, Unbound, next_placeholder};
use permitlab_evaluator::source::Span;

use crate::file::{Named, Text};

/// Vars with their final values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vars {
    values: BTreeMap<String, String>,
    names: BTreeMap<String, Span>,
}

impl Vars {
    /// Fills the vars of several files with one another.
    ///
    /// # Errors
    /// A name defined twice, a cycle, and each placeholder no var is bound to.
    pub fn resolve<'v>(written: impl IntoIterator<Item = &'v Named<Text>>) -> Result<Self, Vec<Diagnostic>> {
        let mut findings = Vec::new();
        let mut defined: BTreeMap<&str, (&Text, &Text)> = BTreeMap::new();
        for (name, value) in written.into_iter().flat_map(Named::iter) {
            if let Some((first, _)) = defined.get(name.as_str()) {
                findings.push(defined_twice(name, first));
            } else {
                defined.insert(name.as_str(), (name, value));
            }
        }
        let mut resolving = Resolving { defined: &defined, values: BTreeMap::new(), chain: Vec::new(), findings };
        for name in defined.keys() {
            resolving.value(name);
        }
        let Resolving { values, findings, .. } = resolving;
        if !findings.is_empty() {
            return Err(findings);
        }
        let names = defined.values().map(|(name, _)| (name.as_str().to_owned(), name.span())).collect();
        Ok(Self { values, names })
    }

    /// Where a var is defined.
    pub fn place(&self, name: &str) -> Option<Span> {
        self.names.get(name).copied()
    }

    /// Names and final values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The axes of a matrix that have the name of a var: `{{name}}` would have two meanings.
    pub fn shadowed_by<T>(&self, matrix: &Named<T>) -> Vec<Diagnostic> {
        let shadowing = matrix.iter().filter_map(|(axis, _)| Some((axis, self.place(axis.as_str())?)));
        shadowing
            .map(|(axis, var)| {
                Diagnostic::error("axis-is-var", axis.span(), format!("the axis `{axis}` has the name of a var"))
                    .also(var, "the var")
                    .help("give the axis another name; vars are fixed when a file is loaded")
            })
            .collect()
    }
}

impl Placeholders for Vars {
    fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }
}

/// What placeholders stand for at one place: vars, and what a check adds to them.
#[derive(Debug, Clone)]
pub struct Scope<'s> {
    vars: &'s Vars,
    added: Vec<&'s BTreeMap<String, String>>,
}

impl<'s> Scope<'s> {
    /// The vars alone.
    pub fn new(vars: &'s Vars) -> Self {
        Self { vars, added: Vec::new() }
    }

    /// Adds a matrix cell, or the bindings of a flow. What was added last counts.
    #[must_use]
    pub fn with(mut self, bindings: &'s BTreeMap<String, String>) -> Self {
        self.added.push(bindings);
        self
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let added = self.added.iter().flat_map(|bindings| bindings.keys());
        self.vars.values.keys().chain(added).map(String::as_str)
    }
}

impl Placeholders for Scope<'_> {
    fn value(&self, name: &str) -> Option<&str> {
        let added = self.added.iter().rev().find_map(|bindings| bindings.get(name));
        added.map(String::as_str).or_else(|| self.vars.value(name))
    }
}

/// Fills the placeholders of a text. The filled text remembers what was filled and where each part was written.
///
/// # Errors
/// Each placeholder nothing is bound to, at its place.
pub fn fill(text: &Text, scope: &Scope<'_>) -> Result<Text, Vec<Diagnostic>> {
    let mut filled = text.clone();
    let mut unbound = Vec::new();
    filled.fill(scope, &mut unbound);
    if unbound.is_empty() {
        Ok(filled)
    } else {
        Err(unbound.iter().map(|name| nothing_bound(name, scope.names())).collect())
    }
}

/// The finding about a placeholder nothing is bound to.
pub fn nothing_bound<'n>(unbound: &Unbound, names: impl IntoIterator<Item = &'n str>) -> Diagnostic {
    let name = &unbound.name;
    let help = match closest(name, names) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("define it: `vars: {{ {name}: … }}` in the world or the scenario"),
    };
    Diagnostic::error("unbound-placeholder", unbound.span, format!("nothing is bound to `{name}`")).help(help)
}

fn defined_twice(name: &Text, first: &Text) -> Diagnostic {
    Diagnostic::error("duplicate-name", name.span(), format!("the var `{name}` is defined twice"))
        .also(first.span(), "first defined here")
        .help("remove one of the two, or give it another name")
}

/// Vars on their way to their final values.
struct Resolving<'v> {
    defined: &'v BTreeMap<&'v str, (&'v Text, &'v Text)>,
    /// Final values; what could not be resolved has its text as written, so that it is reported once.
    values: BTreeMap<String, String>,
    /// The vars being resolved, each by the placeholder of the one before it.
    chain: Vec<&'v str>,
    findings: Vec<Diagnostic>,
}

impl<'v> Resolving<'v> {
    fn value(&mut self, name: &'v str) {
        let Some((_, written)) = self.defined.get(name).copied() else { return };
        if self.values.contains_key(name) {
            return;
        }
        self.chain.push(name);
        let mut from = 0;
        while let Some((range, used)) = next_placeholder(written.as_str(), from) {
            from = range.end;
            if let Some(start) = self.chain.iter().position(|waiting| *waiting == used) {
                self.report_cycle(start, used, written.subspan(range));
                self.values.insert(used.to_owned(), String::new());
            } else if let Some((used, _)) = self.defined.get_key_value(used) {
                self.value(used);
            }
        }
        self.chain.pop();
        self.fill(name, written);
    }

    fn fill(&mut self, name: &str, written: &Text) {
        let mut filled = written.clone();
        let mut unbound = Vec::new();
        filled.fill(&self.values, &mut unbound);
        self.findings.extend(unbound.iter().map(|unbound| nothing_bound(unbound, self.defined.keys().copied())));
        self.values.insert(name.to_owned(), filled.as_str().to_owned());
    }

    fn report_cycle(&mut self, start: usize, used: &str, span: Span) {
        let mut chain: Vec<_> = self.chain.iter().skip(start).map(|name| format!("`{name}`")).collect();
        chain.push(format!("`{used}`"));
        let message = format!("the vars go round in a circle: {}", chain.join(" → "));
        let mut finding = Diagnostic::error("placeholder-cycle", span, message).label("leads back");
        for name in self.chain.iter().skip(start) {
            if let Some((name, _)) = self.defined.get(name) {
                finding = finding.also(name.span(), "");
            }
        }
        self.findings.push(finding.help("write one of them out"));
    }
}

#[cfg(test)]
mod tests {
    use permitlab_evaluator::source::SourceMap;
    use rstest::rstest;

    use super::*;
    use crate::file::read_world;

    fn resolve(text: &str) -> (SourceMap, Result<Vars, Vec<Diagnostic>>) {
        let mut sources = SourceMap::new();
        let id = sources.add("w.yaml", text).unwrap();
        let world = read_world(&sources, id).unwrap();
        (sources, Vars::resolve([&world.vars]))
    }

    #[test]
    fn vars_use_one_another_in_any_order_and_are_filled_once() {
        let (_, vars) =
            resolve("vars:\n  arn: arn:{{part}}:[[ id ]]\n  part: aws\n  id: 'x{{part}}'\n  odd: '{{ a b }}'\n");
        let vars = vars.unwrap();
        assert_eq!(vars.value("arn"), Some("arn:aws:xaws"));
        assert_eq!(vars.value("odd"), Some("{{ a b }}"));
        let cell = BTreeMap::from([("cell".to_owned(), "{{arn}}".to_owned())]);
        let text = Text::new("<{{cell}}|{{part}}>", vars.place("arn").unwrap());
        assert_eq!(fill(&text, &Scope::new(&vars).with(&cell)).unwrap().as_str(), "<{{arn}}|aws>");
    }

    #[rstest]
    #[case::itself("vars:\n  é: x\n  a: z{{a}}\n", "placeholder-cycle", "`a` → `a`", (3, 7))]
    #[case::three("vars: {a: 'é{{b}}', b: '[[c]]', c: '{{a}}'}\n", "placeholder-cycle", "`a` → `b` → `c` → `a`", (1, 37))]
    #[case::unbound("vars:\n  region: x\n  b: \"é {{regoin}}\"\n", "unbound-placeholder", "`regoin`", (3, 9))]
    fn what_cannot_be_resolved_is_reported_once_at_its_place(
        #[case] text: &str,
        #[case] code: &str,
        #[case] said: &str,
        #[case] place: (usize, usize),
    ) {
        let (sources, vars) = resolve(text);
        let findings = vars.unwrap_err();
        let [finding] = findings.as_slice() else { panic!("{findings:?}") };
        let position = sources.position(finding.span().unwrap());
        assert_eq!((finding.code, position.line, position.column), (code, place.0, place.1));
        assert!(finding.message.contains(said), "{}", finding.message);
        assert!(finding.help.is_some());
    }

    #[test]
    fn a_name_defined_in_two_files_shows_both_places() {
        let mut sources = SourceMap::new();
        let worlds = ["a.yaml", "b.yaml"].map(|name| {
            let id = sources.add(name, "vars: {region: x}\n").unwrap();
            read_world(&sources, id).unwrap()
        });
        let findings = Vars::resolve(worlds.iter().map(|world| &world.vars)).unwrap_err();
        let places: Vec<_> = findings[0].annotations.iter().map(|place| sources.place(place.span)).collect();
        assert_eq!((findings[0].code, places), ("duplicate-name", vec!["b.yaml:1:8".into(), "a.yaml:1:8".into()]));
    }

    #[test]
    fn an_axis_may_not_have_the_name_of_a_var() {
        let (sources, vars) = resolve("vars: {region: x}\n");
        let mut more = SourceMap::new();
        let id = more.add("s.yaml", "vars: {other: x, region: y}\n").unwrap();
        let matrix = read_world(&more, id).unwrap().vars;
        let findings = vars.unwrap().shadowed_by(&matrix);
        assert_eq!(findings.len(), 1);
        assert_eq!(more.place(findings[0].span().unwrap()), "s.yaml:1:18");
        assert_eq!(sources.place(findings[0].annotations[1].span), "w.yaml:1:8");
    }
}
