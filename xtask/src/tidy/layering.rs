//! Does every module of the engine import only from its own layer or one above it?

use super::Finding;
use super::rust::{Module, Written};

/// A layer of the engine.
struct Layer {
    name: &'static str,
    /// Its modules, parents included. `lint/*` stands for every module directly in `lint`.
    modules: &'static [&'static str],
}

/// The layers, the one that everything may import first. A module imports from its own layer and those before it.
const LAYERS: [Layer; 7] = [
    Layer { name: "text", modules: &["source", "diagnostic", "json"] },
    Layer {
        name: "vocabulary",
        modules: &[
            "account",
            "glob",
            "glob/places",
            "arn",
            "action",
            "principal",
            "context",
            "context/known",
            "request",
            "truth",
        ],
    },
    Layer {
        name: "policy",
        modules: &[
            "policy",
            "policy/document",
            "policy/parse",
            "policy/parse/one_pass",
            "policy/grammar",
            "policy/pattern",
            "policy/variable",
            "policy/set",
            "policy/index",
            "condition",
            "condition/operator",
            "condition/string",
            "condition/numeric",
            "condition/date",
            "condition/boolean",
            "condition/binary",
            "condition/ip",
            "condition/arn",
            "condition/null",
            "catalog",
            "catalog/kms",
            "catalog/names",
            "catalog/resource_policy",
            "catalog/services",
            "catalog/services/data",
            "catalog/services/keys",
            "catalog/services/pattern",
        ],
    },
    Layer {
        name: "facts",
        modules: &[
            "world",
            "world/organization",
            "world/identity",
            "world/network",
            "world/kms",
            "world/s3",
            "world/resource",
            "world/places",
            "derive",
        ],
    },
    Layer {
        name: "judgement",
        modules: &[
            "eval",
            "eval/element",
            "eval/statement",
            "eval/policy",
            "gather",
            "layer",
            "service",
            "service/kms",
            "service/kms/grant",
            "service/kms/lockout",
            "service/sts",
            "service/s3",
            "decision",
            "authorize",
        ],
    },
    Layer { name: "proof", modules: &["prove", "prove/*"] },
    Layer { name: READERS, modules: &["explain", "explain/*", "lint", "lint/*", "cedar", "cedar/*"] },
];

/// The layer whose modules nobody imports, each other included.
const READERS: &str = "readers";

/// The position of the layer of words; everything up to it is everybody's.
const VOCABULARY: usize = 1;

/// What the second engine may share with the first beside the words: the facts, never the judgement.
const CEDAR_IMPORTS: [&str; 5] = ["catalog", "policy", "world", "derive", "condition"];

/// An import of one family of modules by another. A family is a module of the crate's root and all below it.
#[derive(Clone, Copy)]
struct Import<'m> {
    from: &'m str,
    to: &'m str,
    file: &'m str,
    line: usize,
}

/// What breaks the table of layers. The crate's root is free: it names every module.
pub(super) fn check(modules: &[Module]) -> Vec<Finding> {
    let inner = modules.iter().filter(|module| !module.path.is_empty());
    let imports = inner.clone().flat_map(|module| module.code.paths.iter().filter_map(|path| import(module, path)));
    let against = imports.filter_map(against_the_table);
    inner.clone().filter_map(unlisted).chain(against).collect()
}

/// A module that stands in no layer.
fn unlisted(module: &Module) -> Option<Finding> {
    let path = module.path.join("/");
    let rule = module.path.split_last().map(|(_, parents)| format!("{}/*", parents.join("/")));
    let is_known =
        LAYERS.iter().flat_map(|layer| layer.modules).any(|listed| *listed == path || Some(*listed) == rule.as_deref());
    let message = || format!("module `{path}` stands in no layer: give it a place in xtask/src/tidy/layering.rs");
    (!is_known).then(|| Finding::new(&module.file, 1, message()))
}

/// What a path imports from another family, if it is a path of this crate.
fn import<'m>(module: &'m Module, path: &'m Written<Vec<String>>) -> Option<Import<'m>> {
    let here = module.path.iter().chain(&path.inside).count();
    let ups = path.what.iter().take_while(|segment| *segment == "super").count();
    let rest = match path.what.first().map(String::as_str) {
        Some("crate") => path.what.get(1..)?,
        Some("super") if ups == here => path.what.get(ups..)?,
        Some(_) | None => return None,
    };
    let (from, to) = (module.path.first()?, rest.first()?);
    (from != to).then_some(Import { from, to, file: &module.file, line: path.line })
}

/// The position of the layer a family belongs to.
fn family_layer(family: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.modules.contains(&family))
}

fn layer_name(position: usize) -> &'static str {
    LAYERS.get(position).map_or("", |layer| layer.name)
}

fn against_the_table(import: Import<'_>) -> Option<Finding> {
    let Import { from: importer, to: imported, .. } = import;
    let from = family_layer(importer)?;
    let message = match family_layer(imported) {
        None => format!("`crate::{imported}` is no module of a layer: name the module that defines it"),
        Some(to) if layer_name(to) == READERS => {
            format!("`{importer}` imports `{imported}`, a reader: nothing imports readers")
        }
        Some(to) if importer == "cedar" && to > VOCABULARY && !CEDAR_IMPORTS.contains(&imported) => {
            format!("`cedar` imports `{imported}`: a second opinion shares no judgement with the first")
        }
        Some(to) if to > from => {
            let (from, to) = (layer_name(from), layer_name(to));
            format!("`{importer}` ({from}) imports `{imported}` ({to}), which is in a later layer")
        }
        Some(_) => return None,
    };
    Some(Finding::new(import.file, import.line, message))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use rstest::rstest;

    #[rstest]
    #[case::up("policy.rs", "use crate::arn::Arn; use super::json;")]
    #[case::same_layer(
        "policy/parse.rs",
        "use crate::condition::Operator; use super::document; use super::super::arn;"
    )]
    #[case::cedar("cedar.rs", "use crate::{json, arn, policy::Policy, world, derive, condition, catalog};")]
    #[case::lint_rules("lint/dead_permission.rs", "use super::Rule; use crate::authorize::authorize;")]
    #[case::inline_module("policy.rs", "mod inner { use super::decision::X; }")]
    #[case::tests("arn.rs", "#[cfg(test)] mod tests { use super::*; use crate::policy::Policy; }")]
    #[case::the_root("lib.rs", "pub use crate::authorize::authorize;")]
    fn these_imports_are_fine(#[case] file: &str, #[case] text: &str) {
        check(&[(&format!("evaluator/src/{file}"), text)], &[]);
    }

    #[rstest]
    #[case::later(
        "arn.rs",
        "\nuse crate::policy::Policy;",
        "2: `arn` (vocabulary) imports `policy` (policy), which is in a later layer"
    )]
    #[case::by_super(
        "condition/string.rs",
        "use super::super::world::World;",
        "1: `condition` (policy) imports `world` (facts), which is in a later layer"
    )]
    #[case::out_of_an_inline_module(
        "json.rs",
        "mod inner { use super::super::arn::Arn; }",
        "1: `json` (text) imports `arn` (vocabulary), which is in a later layer"
    )]
    #[case::in_an_expression(
        "world.rs",
        "fn f() { crate::decision::Decision::Allow }",
        "1: `world` (facts) imports `decision` (judgement), which is in a later layer"
    )]
    #[case::reader(
        "authorize.rs",
        "use crate::explain::Reason;",
        "1: `authorize` imports `explain`, a reader: nothing imports readers"
    )]
    #[case::reader_by_reader(
        "lint/dead.rs",
        "use crate::explain::Reason;",
        "1: `lint` imports `explain`, a reader: nothing imports readers"
    )]
    #[case::cedar(
        "cedar.rs",
        "use crate::{policy::Policy, authorize::authorize};",
        "1: `cedar` imports `authorize`: a second opinion shares no judgement with the first"
    )]
    #[case::cedar_and_the_services(
        "cedar.rs",
        "use crate::service;",
        "1: `cedar` imports `service`: a second opinion shares no judgement with the first"
    )]
    #[case::root_item(
        "policy.rs",
        "use crate::Policy;",
        "1: `crate::Policy` is no module of a layer: name the module that defines it"
    )]
    #[case::unknown_module(
        "helpers.rs",
        "",
        "1: module `helpers` stands in no layer: give it a place in xtask/src/tidy/layering.rs"
    )]
    #[case::unknown_child(
        "policy/helpers.rs",
        "",
        "1: module `policy/helpers` stands in no layer: give it a place in xtask/src/tidy/layering.rs"
    )]
    fn these_imports_are_found(#[case] file: &str, #[case] text: &str, #[case] expected: &str) {
        let file = format!("evaluator/src/{file}");
        check(&[(&file, text)], &[&format!("{file}:{expected}")]);
    }
}
