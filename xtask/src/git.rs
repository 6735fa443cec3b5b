//! What did the policy root hold in another version?
//!
//! Git is asked by its own commands, which only read: `rev-parse`, `ls-tree` and `cat-file`. The work tree and the index
//! stay as they are.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use permitlab::root::{MARKER, PolicyRoot};

use crate::exit::{Exit, Refusal};

/// How Git calls a symbolic link.
const LINK: &str = "120000";

/// The policy root as a revision has it.
///
/// # Errors
/// Git is missing, the folder is in no repository, the revision or the root in it is not there.
pub fn root_at(root: &PolicyRoot, revision: &str) -> anyhow::Result<PolicyRoot> {
    let git = Git { folder: root.folder() };
    git.ask(&["rev-parse", "--git-dir"])?.ok_or_else(|| {
        Refusal::new(Exit::Usage, format!("`{}` is in no Git repository", root.folder().display()))
            .help("`--base` compares with a version that Git holds; `--change` needs none")
    })?;
    let commit =
        git.ask(&["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{revision}^{{commit}}")])?;
    let commit = commit.ok_or_else(|| {
        Refusal::new(Exit::Usage, format!("the repository has no revision `{revision}`"))
            .help("name a branch, a tag or a commit; a shallow clone has to fetch it first: `git fetch origin BRANCH`")
    })?;
    let commit = String::from_utf8_lossy(&commit).trim().to_owned();
    let listed = git.ask(&["ls-tree", "-r", "-z", &commit, "."])?.unwrap_or_default();
    let entries = entries(&listed);
    if !entries.iter().any(|entry| entry.path == MARKER) {
        let message = format!("`{revision}` has no policy root here: no `{MARKER}` in `{}`", root.folder().display());
        return Err(Refusal::new(Exit::Usage, message)
            .help("name a revision in which the policy root is there")
            .into());
    }
    let files = git.read(&entries)?;
    Ok(PolicyRoot::of_files(root.folder(), followed(&files)))
}

/// A file of a tree.
struct Entry {
    path: String,
    object: String,
    is_link: bool,
}

/// The files in what `ls-tree -z` lists; what is no file, as a submodule, is left out, and so are paths that are no text.
fn entries(listed: &[u8]) -> Vec<Entry> {
    let entry = |line: &[u8]| {
        let (about, path) = std::str::from_utf8(line).ok()?.split_once('\t')?;
        let mut about = about.split(' ');
        let (mode, kind, object) = (about.next()?, about.next()?, about.next()?);
        let (path, object) = (path.to_owned(), object.to_owned());
        (kind == "blob").then_some(Entry { path, object, is_link: mode == LINK })
    };
    listed.split(|byte| *byte == 0).filter_map(entry).collect()
}

/// A file, or the file a link points to.
enum Content {
    File(Vec<u8>),
    Link(String),
}

/// The files, with links to files of the same root in place.
fn followed(contents: &BTreeMap<String, Content>) -> Vec<(String, Vec<u8>)> {
    let file = |path: &str| match contents.get(path) {
        Some(Content::File(bytes)) => Some(bytes.clone()),
        Some(Content::Link(_)) | None => None,
    };
    let mut files = Vec::new();
    for (path, content) in contents {
        let bytes = match content {
            Content::File(bytes) => Some(bytes.clone()),
            Content::Link(target) => beside(path, target).and_then(|target| file(&target)),
        };
        files.extend(bytes.map(|bytes| (path.clone(), bytes)));
    }
    files
}

/// Where a relative link at `path` leads, if that is inside the root.
fn beside(path: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    (!target.starts_with('/')).then(|| parts.join("/"))
}

struct Git<'f> {
    folder: &'f Path,
}

impl Git<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        // A status refresh would write to the index.
        command.arg("-C").arg(self.folder).args(arguments).env("GIT_OPTIONAL_LOCKS", "0");
        command
    }

    /// What Git answers; `None` where it says no.
    fn ask(&self, arguments: &[&str]) -> anyhow::Result<Option<Vec<u8>>> {
        let output = self.command(arguments).stdin(Stdio::null()).output().map_err(|error| missing(&error))?;
        Ok(output.status.success().then_some(output.stdout))
    }

    /// The bytes of files, all by one process.
    fn read(&self, entries: &[Entry]) -> anyhow::Result<BTreeMap<String, Content>> {
        let mut child = self
            .command(&["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| missing(&error))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (Some(mut input), Some(output)) = (input, output) else { anyhow::bail!("`git cat-file` has no pipes") };
        let contents = std::thread::scope(|scope| {
            // Git answers while it is asked: who only asks until the end fills both pipes.
            let asked = scope.spawn(move || -> io::Result<()> {
                for entry in entries {
                    writeln!(input, "{}", entry.object)?;
                }
                Ok(())
            });
            let contents = answers(entries, &mut BufReader::new(output));
            let asked = asked.join().unwrap_or_else(|_| Err(io::Error::other("asking `git cat-file` failed")));
            contents.and_then(|contents| asked.map(|()| contents))
        });
        child.wait().context("waiting for `git cat-file`")?;
        contents.context("reading what `git cat-file` answers")
    }
}

/// What `cat-file --batch` answers to each entry, in order: a line that ends in the size, the bytes, a line feed.
fn answers(entries: &[Entry], output: &mut impl BufRead) -> io::Result<BTreeMap<String, Content>> {
    let mut contents = BTreeMap::new();
    for entry in entries {
        let mut head = String::new();
        output.read_line(&mut head)?;
        let size = head.trim_end().rsplit(' ').next().and_then(|size| size.parse::<usize>().ok());
        let size =
            size.ok_or_else(|| io::Error::other(format!("`{}` of `{}` is missing", entry.object, entry.path)))?;
        let mut bytes = vec![0; size];
        output.read_exact(&mut bytes)?;
        output.read_exact(&mut [0])?;
        let content = if entry.is_link {
            Content::Link(String::from_utf8_lossy(&bytes).into_owned())
        } else {
            Content::File(bytes)
        };
        contents.insert(entry.path.clone(), content);
    }
    Ok(contents)
}

fn missing(error: &io::Error) -> Refusal {
    Refusal::new(Exit::Usage, format!("`git` cannot be run: {error}"))
        .help("install Git and see that it is on the `PATH`; `--base` reads the other version with it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_from_its_own_folder_and_never_out() {
        assert_eq!(beside("policies/a.json", "../shared/b.json").as_deref(), Some("shared/b.json"));
        assert_eq!(beside("a.json", "./b.json").as_deref(), Some("b.json"));
        assert_eq!(beside("a.json", "../b.json"), None);
        assert_eq!(beside("a.json", "/etc/passwd"), None);
    }

    #[test]
    fn trees_list_files_and_other_things() {
        let listed = b"100644 blob aa\tpolicies/a b.json\x00160000 commit bb\tsub\x00120000 blob cc\tlink.json\x00";
        let entries = entries(listed);
        let told: Vec<_> =
            entries.iter().map(|each| (each.path.as_str(), each.object.as_str(), each.is_link)).collect();
        assert_eq!(told, [("policies/a b.json", "aa", false), ("link.json", "cc", true)]);
    }
}
