//! Does a file say what no file of the project may say, or stand where none should?

use super::Finding;
use super::tree::Tree;

/// Folders at the top of some machine's disk, which mean nothing on another.
const MACHINE_FOLDERS: [&str; 3] = ["work", "root", "tmp"];

/// Marks of unfinished work. In two halves, so that this file keeps its own rule.
const UNFINISHED: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// Endings of snapshots that nobody has reviewed.
const UNREVIEWED: [&str; 2] = [".snap.new", ".pending-snap"];

/// What files say that they may not, and snapshots that were left over.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files().flat_map(|(file, text)| left_over(file).into_iter().chain(unsayable(file, text))).collect()
}

fn left_over(file: &str) -> Option<Finding> {
    let is_left_over = UNREVIEWED.iter().any(|ending| file.ends_with(ending));
    is_left_over.then(|| Finding::new(file, 1, "a snapshot nobody has reviewed: accept it, or delete it"))
}

fn unsayable(file: &str, text: &str) -> Vec<Finding> {
    let lines = text.lines().enumerate();
    lines
        .flat_map(|(index, line)| {
            let paths = MACHINE_FOLDERS.into_iter().filter(|folder| names_folder(line, folder));
            let paths = paths.map(|folder| format!("`/{folder}/` is a path of one machine"));
            let marks = UNFINISHED.into_iter().filter(|mark| has_word(line, mark));
            let marks = marks.map(|mark| format!("`{mark}`: finish it, or file an issue"));
            paths.chain(marks).map(move |message| Finding::new(file, index + 1, message)).collect::<Vec<_>>()
        })
        .collect()
}

/// Whether a line holds an absolute path under a folder; `role/work/x` and `https://host/work/` are none.
fn names_folder(line: &str, folder: &str) -> bool {
    let path = format!("/{folder}/");
    line.match_indices(&path).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|before| !is_part_of_a_path(before))
    })
}

fn is_part_of_a_path(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '*' | '}' | ']')
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|after| after.chars().next());
        [before, after].into_iter().flatten().all(|c| !c.is_alphanumeric() && c != '_')
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::{MACHINE_FOLDERS, UNFINISHED};
    use rstest::rstest;

    #[rstest]
    fn paths_of_a_machine_are_found(#[values("see ", "\"", "`", "(", "dir=", "")] before: &str) {
        for folder in MACHINE_FOLDERS {
            let text = format!("first\n{before}/{folder}/x");
            check(&[("a.txt", &text)], &[&format!("a.txt:2: `/{folder}/` is a path of one machine")]);
        }
    }

    #[test]
    fn folders_of_the_same_name_elsewhere_are_not_paths_of_a_machine() {
        for folder in MACHINE_FOLDERS {
            let text = format!(
                "role/{folder}/x https://host.example/{folder}/x {folder}/x ../{folder}/x {{{{a}}}}/{folder}/x"
            );
            check(&[("a.txt", &text)], &[]);
        }
    }

    #[test]
    fn marks_of_unfinished_work_are_found_as_words() {
        for mark in UNFINISHED {
            let expected = format!("a.rs:1: `{mark}`: finish it, or file an issue");
            check(&[("a.rs", &format!("// {mark}: more"))], &[&expected]);
            check(&[("a.rs", &format!("x{mark} {mark}_LIST {}", mark.to_lowercase()))], &[]);
        }
    }

    #[test]
    fn snapshots_that_were_left_over_are_found() {
        let message = "1: a snapshot nobody has reviewed: accept it, or delete it";
        check(
            &[("snapshots/a.snap", ""), ("snapshots/a.snap.new", ""), ("x/.b.pending-snap", "")],
            &[&format!("snapshots/a.snap.new:{message}"), &format!("x/.b.pending-snap:{message}")],
        );
    }
}
