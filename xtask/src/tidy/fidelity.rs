//! Does FIDELITY.md show every unsure rule, by scenarios that exist?

use super::Finding;
use super::rust::Module;
use super::tree::Tree;

const PAGE: &str = "FIDELITY.md";
const CASES: &str = "scenarios/cases/";

/// Scenarios the page cites that do not exist, and unsure rules of the engine it does not speak of.
pub(super) fn check(tree: &Tree, evaluator: &[Module]) -> Vec<Finding> {
    let page = tree.text(PAGE).unwrap_or_default();
    missing_scenarios(tree, page).into_iter().chain(missing_rules(page, evaluator)).collect()
}

fn missing_scenarios(tree: &Tree, page: &str) -> Vec<Finding> {
    let lines = page.lines().enumerate();
    let cited = lines.flat_map(|(index, line)| cited_scenarios(line).map(move |scenario| (index + 1, scenario)));
    cited
        .filter(|(_, scenario)| !tree.has(scenario))
        .map(|(line, scenario)| Finding::new(PAGE, line, format!("the scenario `{scenario}` does not exist")))
        .collect()
}

fn cited_scenarios(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices(CASES).filter_map(|(start, _)| {
        let rest = line.get(start..)?;
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '/' | '-' | '_' | '.'));
        rest.get(..end.unwrap_or(rest.len())).map(|path| path.trim_end_matches('.'))
    })
}

/// The engine writes a rule's number as a string only where it names an unsure rule.
fn missing_rules(page: &str, evaluator: &[Module]) -> Vec<Finding> {
    let literals = evaluator.iter().flat_map(|module| module.code.literals.iter().map(|text| (&module.file, text)));
    literals
        .filter_map(|(file, literal)| Some((file, literal.line, rule_number(&literal.what)?)))
        .filter(|(_, _, rule)| {
            !page.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').any(|word| is_rule(word, rule))
        })
        .map(|(file, line, rule)| Finding::new(file, line, format!("{PAGE} does not speak of the unsure rule {rule}")))
        .collect()
}

/// The rule a literal as written is the number of: `"R5.8"`.
fn rule_number(literal: &str) -> Option<&str> {
    let text = literal.strip_prefix('"')?.strip_suffix('"')?;
    let (section, rule) = text.strip_prefix('R')?.split_once('.')?;
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(section) && is_number(rule)).then_some(text)
}

/// Whether a word is the number of a rule; a sentence may end behind it.
fn is_rule(word: &str, rule: &str) -> bool {
    word.trim_end_matches('.') == rule
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn cited_scenarios_exist() {
        check(
            &[
                (
                    "FIDELITY.md",
                    "| R4.3 | `scenarios/cases/kms/here.yaml` |\n\
                     | R4.8 | [gone](scenarios/cases/kms/here.yaml) and scenarios/cases/kms/gone.yaml. |",
                ),
                ("scenarios/cases/kms/here.yaml", ""),
            ],
            &["FIDELITY.md:2: the scenario `scenarios/cases/kms/gone.yaml` does not exist"],
        );
    }

    #[test]
    fn unsure_rules_are_spoken_of() {
        let rules = "rules! {\n/// R1.1 and the like\nA \"R5.8\",\nB \"R5.80\",\nC \"R6\", D \"Rx.y\" }\n\
                     #[cfg(test)] mod tests { const T: &str = \"R9.9\"; }";
        check(
            &[("FIDELITY.md", "What of R5.80."), ("evaluator/src/truth.rs", rules)],
            &["evaluator/src/truth.rs:3: FIDELITY.md does not speak of the unsure rule R5.8"],
        );
        check(
            &[("evaluator/src/truth.rs", "const A: &str = \"R5.8\";")],
            &["evaluator/src/truth.rs:1: FIDELITY.md does not speak of the unsure rule R5.8"],
        );
    }
}
