//! Does the README show what the tool prints?
//!
//! Every `cargo xtask` command of its `console` blocks is run from the top of the workspace and its output compared.
//! `UPDATE_README=1 cargo test -p xtask --test readme` writes the output of today into the README.

#![expect(clippy::unwrap_used, reason = "a README that cannot be read fails the test")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// A command of a block and what stands below it.
struct Shown {
    command: String,
    output: Vec<String>,
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The commands of a block, with continued lines joined.
fn commands(block: &[&str]) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    let mut continued = false;
    for line in block {
        if let Some(command) = line.strip_prefix("$ ") {
            shown.push(Shown { command: command.to_owned(), output: Vec::new() });
        } else if let Some(last) = shown.last_mut() {
            if continued {
                last.command.extend(["\n", line]);
            } else {
                last.output.push((*line).to_owned());
            }
        }
        continued = line.ends_with('\\');
    }
    shown
}

/// What a command prints, run with the binary under test and, as `case.jsonl`, what the block shows of that file.
fn run(command: &str, block: &[Shown]) -> Vec<String> {
    let binary = format!("'{}'", env!("CARGO_BIN_EXE_permitlab"));
    let case = block.iter().find(|shown| shown.command.starts_with("cat ")).map(|shown| shown.output.join("\n"));
    let line = command.replace("cargo xtask", &binary).replace("< case.jsonl", "< \"$CASE\"");
    let file = env::temp_dir().join(format!("permitlab-readme-{}.jsonl", std::process::id()));
    fs::write(&file, case.unwrap_or_default()).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{line} 2>&1")]).current_dir(workspace()).env("CASE", &file).env("NO_COLOR", "1");
    let output = shell.stdin(Stdio::null()).output().unwrap();
    fs::remove_file(file).unwrap();
    String::from_utf8(output.stdout).unwrap().trim_end().lines().map(str::to_owned).collect()
}

/// Commands that stand for themselves: not those that need a file the reader writes first.
fn can_run(shown: &Shown) -> bool {
    shown.command.starts_with("cargo xtask") && !shown.command.contains("read-prompts") && !shown.output.is_empty()
}

#[test]
fn the_readme_shows_what_the_tool_prints() {
    let path = workspace().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = readme.lines().collect();
    let mut written: Vec<String> = Vec::new();
    let mut compared = 0;
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        written.push((*line).to_owned());
        at += 1;
        if *line != "```console" {
            continue;
        }
        let block: Vec<&str> = lines.iter().skip(at).take_while(|line| **line != "```").copied().collect();
        at += block.len();
        let shown = commands(&block);
        for each in &shown {
            written.extend(format!("$ {}", each.command).lines().map(str::to_owned));
            if can_run(each) {
                compared += 1;
                written.extend(run(&each.command, &shown));
            } else {
                written.extend(each.output.clone());
            }
        }
    }
    let written = written.join("\n") + "\n";
    if env::var_os("UPDATE_README").is_some() {
        fs::write(&path, &written).unwrap();
    }
    assert!(compared > 4, "the README shows {compared} commands with their output");
    let differs = readme.lines().zip(written.lines()).find(|(shown, printed)| shown != printed);
    assert_eq!(differs, None, "run `UPDATE_README=1 cargo test -p xtask --test readme` and read what changed");
    assert_eq!(readme.lines().count(), written.lines().count(), "the README and what is printed differ in length");
}
