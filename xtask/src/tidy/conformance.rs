//! Which scenario shows which rule of how AWS decides?
//!
//! `conformance.txt` lists the rules and what is to show each of them; scenario files cite them in their first line
//! (`# Shows R6.12, R6.14.`), the engine's tests in their names (`r6_12_aliases`). The table made of both stands in
//! `scenarios/README.md` between two marks.

use std::fmt::Write as _;

use super::Finding;
use super::tree::Tree;

/// The rules, and what shows them.
const RULES: &str = "xtask/src/tidy/conformance.txt";
/// The page that holds the table.
pub(crate) const PAGE: &str = "scenarios/README.md";
const CASES: &str = "scenarios/cases/";
const TESTS: &str = "evaluator/tests/rules/";
const BEGIN: &str = "<!-- conformance: written by `cargo xtask conformance` -->\n";
const END: &str = "<!-- end of conformance -->";

/// A line of the list.
enum Line<'t> {
    Section(&'t str),
    Rule(Rule<'t>),
}

/// A rule of how AWS decides.
struct Rule<'t> {
    number: &'t str,
    shown_by: ShownBy<'t>,
    title: &'t str,
    line: usize,
}

/// What shows a rule.
enum ShownBy<'t> {
    /// Scenarios cite it.
    Cases,
    /// The engine's tests; no scenario can.
    Tests,
    /// Nothing, for this reason.
    Nothing(&'t str),
}

/// The rules nothing shows, citations of rules that there are not, and a table that is not what they say.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(text) = tree.text(RULES) else { return Vec::new() };
    let mut findings = Vec::new();
    let lines = lines(text, &mut findings);
    let rules: Vec<&Rule<'_>> = lines.iter().filter_map(rule).collect();
    let (cases, tests) = (citing_cases(tree), named_tests(tree));
    findings.extend(rules.iter().filter_map(|rule| shown_otherwise(rule, &cases, &tests)));
    findings.extend(unknown(&rules, &cases));
    findings.extend(
        cases.iter().filter(|case| case.numbers.is_empty()).map(|case| {
            Finding::new(case.file, 1, "a scenario opens with the rules it shows: `# Shows R6.12, R6.14.`")
        }),
    );
    let page = tree.text(PAGE).unwrap_or_default();
    if written(page, &table(&lines, &cases, &tests)).is_none_or(|fresh| fresh != page) {
        findings.push(Finding::new(
            PAGE,
            1,
            "the conformance table is not what the cases say: `cargo xtask conformance`",
        ));
    }
    findings
}

/// The page with the table as it should be; `None` where the marks are missing.
pub(crate) fn up_to_date(tree: &Tree) -> Option<String> {
    let lines = lines(tree.text(RULES)?, &mut Vec::new());
    written(tree.text(PAGE)?, &table(&lines, &citing_cases(tree), &named_tests(tree)))
}

fn lines<'t>(text: &'t str, findings: &mut Vec<Finding>) -> Vec<Line<'t>> {
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        let mut columns = line.splitn(3, " | ");
        match (columns.next(), columns.next(), columns.next()) {
            (Some(number), Some(shown_by), Some(title)) => {
                let shown_by = match shown_by {
                    "cases" => ShownBy::Cases,
                    "tests" => ShownBy::Tests,
                    reason => ShownBy::Nothing(reason),
                };
                lines.push(Line::Rule(Rule { number, shown_by, title, line: index + 1 }));
            }
            (Some(section), None, _) => lines.push(Line::Section(section)),
            (_, _, _) => {
                findings.push(Finding::new(RULES, index + 1, "write `number | what shows it | what it is about`"));
            }
        }
    }
    lines
}

fn rule<'l, 't>(line: &'l Line<'t>) -> Option<&'l Rule<'t>> {
    match line {
        Line::Rule(rule) => Some(rule),
        Line::Section(_) => None,
    }
}

/// A scenario file and the rules it cites.
struct Case<'t> {
    file: &'t str,
    numbers: Vec<&'t str>,
}

fn citing_cases(tree: &Tree) -> Vec<Case<'_>> {
    let files = tree.files().filter(|(file, _)| file.starts_with(CASES));
    files.map(|(file, text)| Case { file, numbers: cited(text.lines().next().unwrap_or_default()) }).collect()
}

/// The rules a first line cites: `# Shows R7.2, R7.A steps 3 and 5.`
fn cited(line: &str) -> Vec<&str> {
    let Some(list) = line.strip_prefix("# Shows ") else { return Vec::new() };
    list.split([' ', ',']).map(|word| word.trim_end_matches('.')).filter(|word| is_number(word)).collect()
}

fn is_number(word: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = word.strip_prefix('R').and_then(|rest| rest.split_once('.'));
    parts.is_some_and(|(section, own)| digits(section) && (digits(own) || own == "A"))
}

/// A test of the engine, by the rule in its name: `fn r6_12_aliases`.
struct Test<'t> {
    file: &'t str,
    number: String,
}

fn named_tests(tree: &Tree) -> Vec<Test<'_>> {
    let files = tree.files().filter(|(file, _)| file.starts_with(TESTS));
    files
        .flat_map(|(file, text)| {
            let names = text.lines().filter_map(|line| line.trim_start().strip_prefix("fn r"));
            names.filter_map(move |name| {
                let mut parts = name.splitn(3, '_');
                let number = format!("R{}.{}", parts.next()?, parts.next()?);
                is_number(&number).then_some(Test { file, number })
            })
        })
        .collect()
}

/// What keeps a rule from being shown as the list says.
fn shown_otherwise(rule: &Rule<'_>, cases: &[Case<'_>], tests: &[Test<'_>]) -> Option<Finding> {
    let number = rule.number;
    let has_case = cases.iter().any(|case| case.numbers.contains(&number));
    let has_test = tests.iter().any(|test| test.number == number);
    let message = match rule.shown_by {
        ShownBy::Cases if !has_case => format!("no scenario shows {number}: write one, or say here why none can"),
        ShownBy::Tests if !has_test => format!("no test of the engine shows {number}"),
        ShownBy::Nothing(_) if has_case => format!("a scenario shows {number}: write `cases` in place of the reason"),
        ShownBy::Cases | ShownBy::Tests | ShownBy::Nothing(_) => return None,
    };
    Some(Finding::new(RULES, rule.line, message))
}

fn unknown(rules: &[&Rule<'_>], cases: &[Case<'_>]) -> Vec<Finding> {
    let is_known = |number: &str| rules.iter().any(|rule| rule.number == number);
    let cited = cases.iter().flat_map(|case| case.numbers.iter().map(move |number| (case.file, *number)));
    let unknown = cited.filter(|(_, number)| !is_known(number));
    unknown.map(|(file, number)| Finding::new(file, 1, format!("there is no rule {number}"))).collect()
}

fn table(lines: &[Line<'_>], cases: &[Case<'_>], tests: &[Test<'_>]) -> String {
    let mut table = String::new();
    for line in lines {
        match line {
            Line::Section(title) => {
                let _ = write!(table, "\n### {title}\n\n| Rule | About | Shown by |\n|---|---|---|\n");
            }
            Line::Rule(rule) => {
                let shown = shown(rule, cases, tests);
                let _ = writeln!(table, "| {} | {} | {shown} |", rule.number, rule.title);
            }
        }
    }
    table.push('\n');
    table
}

/// Links to the scenarios and to the engine's tests; the reason, where there are none.
fn shown(rule: &Rule<'_>, cases: &[Case<'_>], tests: &[Test<'_>]) -> String {
    let mut links: Vec<String> = Vec::new();
    for case in cases.iter().filter(|case| case.numbers.contains(&rule.number)) {
        let path = case.file.trim_start_matches("scenarios/");
        let name = case.file.trim_start_matches(CASES).trim_end_matches(".yaml");
        links.push(format!("[{name}]({path})"));
    }
    for test in tests.iter().filter(|test| test.number == rule.number) {
        let link = format!("[tests of {}](../{})", rule.number, test.file);
        if !links.contains(&link) {
            links.push(link);
        }
    }
    match rule.shown_by {
        ShownBy::Nothing(reason) => format!("not by a decision: {reason}"),
        ShownBy::Cases | ShownBy::Tests => links.join(", "),
    }
}

/// A page with a table between its marks; `None` where they are missing.
fn written(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;
    use rstest::rstest;

    const LIST: &str = "# a note\n6 KMS\nR6.1 | cases | One\nR6.2 | tests | Two\nR6.3 | too small | Three\n";
    const PAGE_TEXT: &str = "# Cases\n\n\
        <!-- conformance: written by `cargo xtask conformance` -->\n\n\
        ### 6 KMS\n\n| Rule | About | Shown by |\n|---|---|---|\n\
        | R6.1 | One | [kms/a](cases/kms/a.yaml) |\n\
        | R6.2 | Two | [tests of R6.2](../evaluator/tests/rules/kms.rs) |\n\
        | R6.3 | Three | not by a decision: too small |\n\n\
        <!-- end of conformance -->\nmore\n";
    const TEST: &str = "#[test]\nfn r6_2_two() {}\nfn r6_2_again() {}\nfn root() {}\n";

    fn with<'f>(list: &'f str, page: &'f str, case: &'f str, test: &'f str) -> [(&'f str, &'f str); 4] {
        [(RULES, list), (PAGE, page), ("scenarios/cases/kms/a.yaml", case), ("evaluator/tests/rules/kms.rs", test)]
    }

    #[test]
    fn a_table_that_says_what_the_cases_say_is_left_alone() {
        let files = with(LIST, PAGE_TEXT, "# Shows R6.1.\n", TEST);
        check(&files, &[]);
        assert_eq!(up_to_date(&Tree::of(&files)).as_deref(), Some(PAGE_TEXT));
    }

    #[test]
    fn a_stale_table_is_found_and_written_anew() {
        let stale = PAGE_TEXT.replace("[kms/a](cases/kms/a.yaml)", "");
        let files = with(LIST, &stale, "# Shows R6.1 step 2.\n", TEST);
        check(
            &files,
            &["scenarios/README.md:1: the conformance table is not what the cases say: `cargo xtask conformance`"],
        );
        assert_eq!(up_to_date(&Tree::of(&files)).as_deref(), Some(PAGE_TEXT));
        assert_eq!(up_to_date(&Tree::of(&with(LIST, "# No marks\n", "# Shows R6.1.\n", TEST))), None);
    }

    #[rstest]
    #[case::lost_case("scenario: s\n", TEST, &[
        "scenarios/cases/kms/a.yaml:1: a scenario opens with the rules it shows: `# Shows R6.12, R6.14.`",
        "xtask/src/tidy/conformance.txt:3: no scenario shows R6.1: write one, or say here why none can",
    ])]
    #[case::lost_test("# Shows R6.1.\n", "", &["xtask/src/tidy/conformance.txt:4: no test of the engine shows R6.2"])]
    #[case::shown_after_all("# Shows R6.1, R6.3.\n", TEST, &[
        "xtask/src/tidy/conformance.txt:5: a scenario shows R6.3: write `cases` in place of the reason",
    ])]
    #[case::no_such_rule("# Shows R6.1, R6.99.\n", TEST, &["scenarios/cases/kms/a.yaml:1: there is no rule R6.99"])]
    fn a_rule_is_shown_as_the_list_says(#[case] case: &str, #[case] test: &str, #[case] expected: &[&str]) {
        let files = with(LIST, PAGE_TEXT, case, test);
        let fresh = up_to_date(&Tree::of(&files)).unwrap();
        check(&with(LIST, &fresh, case, test), expected);
    }

    #[test]
    fn a_line_of_another_form_is_found() {
        let list = "R6.1 | cases\n";
        let page = "<!-- conformance: written by `cargo xtask conformance` -->\n\n<!-- end of conformance -->";
        let expected = "xtask/src/tidy/conformance.txt:1: write `number | what shows it | what it is about`";
        check(&[(RULES, list), (PAGE, page)], &[expected]);
    }
}
