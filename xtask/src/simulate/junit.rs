//! `JUnit` XML, which build servers read: a suite for each file, a case for each check.
//!
//! Nothing in it changes from one run to the next: no times, no host.

use permitlab::render::Colour;
use permitlab::replay::{Checked, Outcome, Replayed, topic};
use permitlab::report::{failure, findings};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

/// Writes it.
pub(super) fn render(replayed: &[Replayed]) -> String {
    let mut report = Report::new("permitlab");
    report.add_test_suites(replayed.iter().filter(|file| has_something(file)).map(suite));
    // The writer fails only where its output does, and this one is memory.
    report.to_string().unwrap_or_default()
}

fn has_something(file: &Replayed) -> bool {
    !file.checks.is_empty() || !file.findings.is_empty()
}

fn suite(file: &Replayed) -> TestSuite {
    let mut suite = TestSuite::new(&file.file);
    suite.add_test_cases(broken(file));
    suite.add_test_cases(file.checks.iter().map(|check| case(file, check)));
    suite
}

/// The file itself as a case, if it cannot be replayed as it is.
fn broken(file: &Replayed) -> Option<TestCase> {
    let first = file.findings.first()?;
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    let text = findings(file, Colour::Never).join("\n\n");
    status.set_type(first.code).set_message(&first.message).set_description(text);
    Some(named(file, &file.file, status))
}

fn case(file: &Replayed, check: &Checked) -> TestCase {
    let status = match &check.outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::Skipped(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason);
            status
        }
        Outcome::Failed(problems) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let said: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
            status.set_message(said.join("; ")).set_description(failure(&file.sources, check, Colour::Never));
            if let Some(first) = problems.first() {
                status.set_type(first.code);
            }
            status
        }
    };
    named(file, &check.id, status)
}

fn named(file: &Replayed, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(topic(&file.file));
    case
}
