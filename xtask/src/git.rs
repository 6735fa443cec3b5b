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
use crate::output::Streams;

/// How Git calls a symbolic link.
const LINK: &str = "120000";

/// The policy root in another version.
#[derive(Debug)]
pub struct Version {
    /// Its files; none where it is not there.
    pub root: PolicyRoot,
    /// Whether the revision has the root.
    pub is_there: bool,
}

/// The policy root as a revision has it. Before a root was added there is none, and what it holds is all new; a root that
/// stood in another folder is none to compare with.
///
/// # Errors
/// Git is missing or refuses, the folder is in no repository, the revision is not there, or the root stands elsewhere in it.
pub fn root_at(root: &PolicyRoot, revision: &str) -> anyhow::Result<Version> {
    let git = Git { folder: root.folder() };
    git.ask(&["rev-parse", "--git-dir"])?.map_err(|said| no_repository(root.folder(), &said))?;
    let commit = git.ask(&["rev-parse", "--verify", "--end-of-options", &format!("{revision}^{{commit}}")])?;
    let commit = commit.map_err(|said| {
        Refusal::new(Exit::Usage, format!("the repository has no revision `{revision}`{}", quoted(&said)))
            .help("name a branch, a tag or a commit; a shallow clone has to fetch it first: `git fetch origin BRANCH`")
    })?;
    let commit = String::from_utf8_lossy(&commit).trim().to_owned();
    let listed = git.tell(&["ls-tree", "-r", "-z", &commit, "."])?;
    let entries = entries(&listed);
    if entries.iter().any(|entry| entry.path == MARKER) {
        let files = git.read(&entries)?;
        return Ok(Version { root: PolicyRoot::of_files(root.folder(), followed(&files)), is_there: true });
    }
    if let Some(elsewhere) = git.moved(&commit)? {
        let message = format!("`{revision}` has no policy root here: no `{MARKER}` in `{}`", root.folder().display());
        return Err(Refusal::new(Exit::Usage, message)
            .help(format!("it stood in `{elsewhere}`; name a revision in which it is here"))
            .into());
    }
    Ok(Version { root: PolicyRoot::of_files(root.folder(), []), is_there: false })
}

/// Says that a revision has no policy root, so that all is new.
pub fn all_is_new(revision: &str, streams: &mut Streams) -> anyhow::Result<()> {
    let note = format!("note: `{revision}` has no policy root: all access is new, and none of it fails the run");
    Ok(streams.err.line(note)?)
}

/// Why Git does not read a folder.
fn no_repository(folder: &Path, said: &str) -> Refusal {
    let shown = folder.display();
    let is_set = std::env::var_os("GIT_DIR").is_some();
    if said.contains("not a git repository") && !is_set {
        return Refusal::new(Exit::Usage, format!("`{shown}` is in no Git repository"))
            .help("`--base` compares with a version that Git holds; `--change` needs none");
    }
    let refusal = Refusal::new(Exit::Usage, format!("Git does not read the repository of `{shown}`{}", quoted(said)));
    if is_set {
        return refusal.help("`GIT_DIR` is set in the environment, so that Git looks there: unset it");
    }
    refusal.help("mend what Git says, then try again")
}

/// What Git said, behind what we say.
fn quoted(said: &str) -> String {
    let said = said.trim();
    if said.is_empty() { String::new() } else { format!(": {said}") }
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
        command.arg("-C").arg(self.folder).args(arguments).env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
        command
    }

    /// What Git answers, or what it says where it refuses.
    fn ask(&self, arguments: &[&str]) -> anyhow::Result<Result<Vec<u8>, String>> {
        let output = self.command(arguments).stdin(Stdio::null()).output().map_err(|error| missing(&error))?;
        let said = || String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Ok(if output.status.success() { Ok(output.stdout) } else { Err(said()) })
    }

    /// What Git answers where it has no reason to refuse.
    fn tell(&self, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
        let command = arguments.first().copied().unwrap_or_default();
        let refused = |said: String| Refusal::new(Exit::Usage, format!("`git {command}` fails{}", quoted(&said)));
        Ok(self.ask(arguments)?.map_err(refused)?)
    }

    /// A folder of the repository that was a policy root in a commit and is none any more.
    fn moved(&self, commit: &str) -> anyhow::Result<Option<String>> {
        let top = self.tell(&["rev-parse", "--show-toplevel"])?;
        let top = Path::new(String::from_utf8_lossy(&top).trim_end_matches('\n')).to_owned();
        let listed = self.tell(&["ls-tree", "-r", "-z", "--full-tree", commit])?;
        let folder = |entry: Entry| {
            let folder = entry.path.strip_suffix(MARKER)?;
            if folder.is_empty() { Some(".".to_owned()) } else { folder.strip_suffix('/').map(str::to_owned) }
        };
        let mut roots = entries(&listed).into_iter().filter_map(folder);
        Ok(roots.find(|folder| !top.join(folder).join(MARKER).exists()))
    }

    /// The bytes of files, all by one process.
    fn read(&self, entries: &[Entry]) -> anyhow::Result<BTreeMap<String, Content>> {
        let mut child = self
            .command(&["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
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
        let ended = child.wait_with_output().context("waiting for `git cat-file`")?;
        let said = String::from_utf8_lossy(&ended.stderr);
        contents.with_context(|| format!("reading what `git cat-file` answers{}", quoted(&said)))
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
