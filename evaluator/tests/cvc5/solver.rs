//! The solver: one process a question, which is given up after a while.
//!
//! With `--strings-fmf` cvc5 looks for short strings first. Without, it leaves most questions open that have an answer.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

/// Milliseconds a question may take.
const LIMIT: u32 = 2_000;

/// What the solver says.
#[derive(Debug)]
pub(crate) enum Answer {
    /// There is such a call: the value of every name.
    Sat(BTreeMap<String, String>),
    /// There is none.
    Unsat,
    /// It could not tell, in the time it had or at all.
    Unknown,
}

/// The version of the solver on the `PATH`, if there is one.
pub(crate) fn version() -> Option<String> {
    let output = Command::new("cvc5").arg("--version").output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).lines().next()?.trim().to_owned())
}

/// Asks a question.
pub(crate) fn ask(script: &str) -> Answer {
    let mut solver = Command::new("cvc5")
        .args(["--lang=smt2", "--strings-exp", "--strings-fmf", "--produce-models", &format!("--tlimit-per={LIMIT}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // What it cannot read it says, and ends before it has read all.
    let _ = solver.stdin.take().unwrap().write_all(script.as_bytes());
    let output = solver.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    match first.trim() {
        "unsat" => Answer::Unsat,
        "sat" => Answer::Sat(values(rest)),
        // After the limit it ends without a word.
        "unknown" | "" | "timeout" => Answer::Unknown,
        _ if text.contains("interrupted by timeout") => Answer::Unknown,
        other => panic!("cvc5 says `{other}` of\n{script}"),
    }
}
/// The pairs of `((name "text") (name true))`.
fn values(text: &str) -> BTreeMap<String, String> {
    let mut atoms = Vec::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let end = match character {
            '"' => {
                let mut end = rest[1..].find('"').unwrap() + 2;
                // Two of them are one.
                while rest[end..].starts_with('"') {
                    end += rest[end + 1..].find('"').unwrap() + 2;
                }
                atoms.push(unquoted(&rest[1..end - 1]));
                end
            }
            '(' | ')' => 1,
            other if other.is_whitespace() => other.len_utf8(),
            _ => {
                let is_end = |other: char| other.is_whitespace() || "()\"".contains(other);
                let end = rest.find(is_end).unwrap_or(rest.len());
                atoms.push(rest[..end].to_owned());
                end
            }
        };
        rest = &rest[end..];
    }
    atoms.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

fn unquoted(text: &str) -> String {
    let mut parts = text.split("\\u{");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('}').unwrap();
        // Half of a pair is a character to the solver, and like any other that no pattern names.
        plain.push(char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap_or(char::REPLACEMENT_CHARACTER));
        plain.push_str(rest);
    }
    plain.replace("\"\"", "\"")
}

#[test]
fn values_are_read() {
    let read = values("((resource \"arn:a\\u{2a}:\"\"\") (key0_is_there true)\n (key0 \"\"))\n");
    let expected = [("resource", "arn:a*:\""), ("key0_is_there", "true"), ("key0", "")];
    assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
}
