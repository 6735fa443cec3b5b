//! Which files belong to a policy repository, and how are they read?
//!
//! A policy root is the nearest ancestor folder that holds `permitlab.toml`. Every path in a world, a flow or a
//! scenario is relative to it and stays inside it: `..`, absolute paths and links that lead out are refused.
//!
//! Files may also come from memory, in place of those of the folder or as all there are: another version of the root, or
//! one with a policy edited, is read like the folder itself.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use permitlab_evaluator::diagnostic::{Diagnostic, closest};
use permitlab_evaluator::source::{LONGEST, SourceId, SourceMap, Span, TooLong};

use crate::file::Text;

/// The file that marks a policy root.
pub const MARKER: &str = "permitlab.toml";

/// The extensions of scenarios, flows and worlds.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// A folder of policies, worlds, flows and scenarios.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRoot {
    folder: PathBuf,
    /// Files by their path from the root, which stand before those of the folder.
    kept: BTreeMap<String, Arc<[u8]>>,
    /// Whether the folder has no say.
    is_detached: bool,
    /// Files that are laid over every world.
    overlays: Vec<String>,
}

/// Why a file of a policy root could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The path does not start at the root.
    #[error("the path `{0}` is absolute")]
    Absolute(String),
    /// The path climbs.
    #[error("the path `{0}` leads to a parent folder")]
    Climbs(String),
    /// The path is a link that leads out of the root.
    #[error("the path `{0}` leads out of the policy root")]
    Outside(String),
    /// There is no such file.
    #[error("there is no file `{path}`")]
    Missing {
        /// The path asked for.
        path: String,
        /// The existing path most like it.
        closest: Option<String>,
    },
    /// The bytes are no text.
    #[error("`{path}` is not UTF-8: byte {offset} begins no character")]
    NotUtf8 {
        /// The path asked for.
        path: String,
        /// Offset of the first byte that is wrong.
        offset: usize,
    },
    /// The text begins with a byte order mark.
    #[error("`{0}` begins with a byte order mark")]
    ByteOrderMark(String),
    /// The text is longer than [`LONGEST`].
    #[error("`{0}` is longer than 16 MiB")]
    TooLong(String),
    /// The system would not hand it over.
    #[error("`{path}` cannot be read: {source}")]
    System {
        /// The path asked for.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Why the scenario files of a root could not be listed.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The folder's name cannot be part of a pattern.
    #[error("the folder cannot be searched: {0}")]
    Pattern(#[from] glob::PatternError),
    /// A folder cannot be read.
    #[error("a folder cannot be read: {0}")]
    Folder(#[from] glob::GlobError),
    /// A folder of snapshots cannot be read.
    #[error("the snapshots cannot be read: {0}")]
    Snapshots(io::Error),
    /// A file has a name that is no text.
    #[error("the file name {0:?} is not UTF-8")]
    Name(PathBuf),
}

impl PolicyRoot {
    /// The root a folder belongs to: the nearest of it and its ancestors that holds `permitlab.toml`.
    pub fn discover(start: &Path) -> Option<Self> {
        start.ancestors().find(|folder| folder.join(MARKER).is_file()).map(Self::at)
    }

    /// A folder as a root, marked or not.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), kept: BTreeMap::new(), is_detached: false, overlays: Vec::new() }
    }

    /// A root that is these files and no others, by their paths from the root, whatever the folder of that name holds.
    pub fn of_files(folder: impl Into<PathBuf>, files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let kept = files.into_iter().map(|(path, bytes)| (path, bytes.into())).collect();
        Self { folder: folder.into(), kept, is_detached: true, overlays: Vec::new() }
    }

    /// The same root with another text in one of its files.
    #[must_use]
    pub fn with_file(&self, path: &str, text: &str) -> Self {
        let mut root = self.clone();
        root.kept.insert(path.to_owned(), text.as_bytes().into());
        root
    }

    /// The same root with files laid over every world that is read: what they define stands in place of what a world
    /// defines under the same name, or beside it.
    #[must_use]
    pub fn with_overlays(&self, files: &[String]) -> Self {
        Self { overlays: files.to_vec(), ..self.clone() }
    }

    /// The files that are laid over every world, in order.
    pub fn overlays(&self) -> &[String] {
        &self.overlays
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads a file of the root. Messages call it by its path from the root.
    ///
    /// # Errors
    /// A path that is not inside the root; a file that is missing or no UTF-8 text.
    pub fn read(&self, sources: &mut SourceMap, path: &str) -> Result<SourceId, ReadError> {
        let bytes = self.bytes(path)?;
        let text = String::from_utf8(bytes)
            .map_err(|error| ReadError::NotUtf8 { path: path.to_owned(), offset: error.utf8_error().valid_up_to() })?;
        if text.starts_with('\u{feff}') {
            return Err(ReadError::ByteOrderMark(path.to_owned()));
        }
        sources.add(path, text).map_err(|_| ReadError::TooLong(path.to_owned()))
    }

    /// Reads a file that another file names.
    ///
    /// # Errors
    /// As [`PolicyRoot::read`], at the place where the path is written.
    pub fn read_named(&self, sources: &mut SourceMap, path: &Text) -> Result<SourceId, Diagnostic> {
        self.read(sources, path.as_str()).map_err(|error| error.at(path.span()))
    }

    fn bytes(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        check_inside(path)?;
        if let Some(kept) = self.kept.get(&*plain(path)) {
            return Ok(kept.to_vec());
        }
        if self.is_detached {
            let closest = closest(path, self.kept.keys().map(String::as_str)).map(str::to_owned);
            return Err(ReadError::Missing { path: path.to_owned(), closest });
        }
        let inside = self.inside(path)?;
        bytes(&inside).map_err(|source| {
            let path = path.to_owned();
            if source.kind() == io::ErrorKind::NotFound {
                ReadError::Missing { closest: self.closest(&path), path }
            } else if source.kind() == io::ErrorKind::FileTooLarge {
                ReadError::TooLong(path)
            } else {
                ReadError::System { path, source }
            }
        })
    }

    /// The file a path names, if it stays inside the root.
    fn inside(&self, path: &str) -> Result<PathBuf, ReadError> {
        let file = self.folder.join(path);
        match (file.canonicalize(), self.folder.canonicalize()) {
            (Ok(real), Ok(root)) if !real.starts_with(&root) => Err(ReadError::Outside(path.to_owned())),
            _ => Ok(file),
        }
    }

    /// The existing path most like a missing one: another name in its folder, or another folder beside it.
    fn closest(&self, path: &str) -> Option<String> {
        let mut existing = String::new();
        let mut parts = path.split('/').filter(|part| !part.is_empty() && *part != ".").peekable();
        while let Some(part) = parts.next() {
            let folder = self.folder.join(&existing);
            let name = if folder.join(part).exists() { part.to_owned() } else { closest_name(&folder, part)? };
            existing.push_str(&name);
            if parts.peek().is_some() {
                existing.push('/');
            }
        }
        self.folder.join(&existing).is_file().then_some(existing)
    }

    /// The scenario files, `cases/**/*.yaml` (or `.yml`, `.json`), as paths from the root, sorted.
    ///
    /// # Errors
    /// A folder that cannot be read: a file that is silently missed would be a check that is silently not made.
    pub fn case_files(&self) -> Result<Vec<String>, ListError> {
        self.files("cases")
    }

    /// The flows, `flows/**/*.yaml` (or `.yml`, `.json`), as paths from the root, sorted.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn flow_files(&self) -> Result<Vec<String>, ListError> {
        self.files("flows")
    }

    /// The worlds, `fixtures/**/*.yaml` (or `.yml`, `.json`), as paths from the root, sorted.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn world_files(&self) -> Result<Vec<String>, ListError> {
        self.files("fixtures")
    }

    /// The files below a folder of the root, at any depth.
    fn files(&self, top: &str) -> Result<Vec<String>, ListError> {
        let mut files: Vec<String> = self.kept.keys().filter(|path| is_listed(path, top)).cloned().collect();
        if self.is_detached {
            return Ok(files);
        }
        let folder = self.folder.to_str().ok_or_else(|| ListError::Name(self.folder.clone()))?;
        for extension in EXTENSIONS {
            for file in glob::glob(&format!("{}/{top}/**/*.{extension}", glob::Pattern::escape(folder)))? {
                files.push(self.name(&file?)?);
            }
        }
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// The path of a file from the root, with `/` between its parts.
    pub(crate) fn name(&self, file: &Path) -> Result<String, ListError> {
        let inside = file.strip_prefix(&self.folder).unwrap_or(file);
        let parts: Option<Vec<_>> = inside.components().map(|part| part.as_os_str().to_str()).collect();
        parts.map(|parts| parts.join("/")).ok_or_else(|| ListError::Name(file.to_owned()))
    }
}

/// The bytes of a file, wherever it is.
///
/// # Errors
/// What the system says, and [`FileTooLarge`](io::ErrorKind::FileTooLarge) for a file longer than [`LONGEST`], of which no
/// more is read.
pub fn bytes(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(file)?.take(LONGEST as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > LONGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, TooLong));
    }
    Ok(bytes)
}

impl ReadError {
    /// The stable name of the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Absolute(_) | Self::Climbs(_) | Self::Outside(_) => "path-outside-root",
            Self::Missing { .. } => "missing-file",
            Self::NotUtf8 { .. } => "not-utf8",
            Self::ByteOrderMark(_) => "byte-order-mark",
            Self::TooLong(_) => "too-large",
            Self::System { .. } => "unreadable-file",
        }
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Absolute(_) | Self::Climbs(_) | Self::Outside(_) => {
                "write the path from the policy root, such as policies/key-eval.json, and keep the file inside it"
                    .into()
            }
            Self::Missing { closest: Some(closest), .. } => format!("did you mean `{closest}`?"),
            Self::Missing { closest: None, .. } => {
                format!("paths begin at the policy root, the folder with `{MARKER}`")
            }
            Self::NotUtf8 { .. } | Self::ByteOrderMark(_) => "save the file as UTF-8 without a byte order mark".into(),
            Self::TooLong(_) => "split the file; AWS's longest policies have 32 KiB".into(),
            Self::System { .. } => "check that it is a file, and that you may read it".into(),
        }
    }

    /// The error as a finding about the text that names the file.
    pub fn at(&self, span: Span) -> Diagnostic {
        Diagnostic::error(self.code(), span, self.to_string()).help(self.help())
    }
}

/// Refuses a path that does not stay below the folder it starts in.
fn check_inside(path: &str) -> Result<(), ReadError> {
    for component in Path::new(path).components() {
        match component {
            Component::Prefix(_) | Component::RootDir => return Err(ReadError::Absolute(path.to_owned())),
            Component::ParentDir => return Err(ReadError::Climbs(path.to_owned())),
            Component::CurDir | Component::Normal(_) => {}
        }
    }
    Ok(())
}

/// The path without `.` and doubled slashes, as files in memory are called.
fn plain(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

/// Whether a path is a scenario, flow or world file below a folder.
fn is_listed(path: &str, top: &str) -> bool {
    let Some(rest) = path.strip_prefix(top).and_then(|rest| rest.strip_prefix('/')) else { return false };
    let extension = rest.rsplit_once('.').map_or("", |(_, extension)| extension);
    EXTENSIONS.contains(&extension)
}

fn closest_name(folder: &Path, name: &str) -> Option<String> {
    let entries = fs::read_dir(folder).ok()?;
    let mut names: Vec<_> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    closest(name, names.iter().map(String::as_str)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// A root of its own for one test, gone with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str, files: &[(&str, &[u8])]) -> Self {
            let folder = std::env::temp_dir().join(format!("permitlab-root-{}-{name}", std::process::id()));
            for (path, bytes) in files {
                let file = folder.join(path);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, bytes).unwrap();
            }
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_nearest_marked_ancestor_is_the_root() {
        let folder = Folder::new("discover", &[("permitlab.toml", b""), ("a/permitlab.toml", b""), ("a/b/c/x", b"")]);
        let root = PolicyRoot::discover(&folder.0.join("a/b/c")).unwrap();
        assert_eq!(root.folder(), folder.0.join("a"));
        assert_eq!(PolicyRoot::discover(Path::new("/")), None);
    }

    #[test]
    fn files_are_sorted_and_none_is_missed() {
        let files: [(&str, &[u8]); 9] = [
            ("cases/b/z.yaml", b""),
            ("cases/a.yml", b""),
            ("cases/b/a/c.json", b""),
            ("cases/x.txt", b""),
            ("y.yaml", b""),
            ("fixtures/teams/ml/w.yml", b""),
            ("fixtures/w.json", b""),
            ("fixtures/README.md", b""),
            ("flows/jobs/f.yaml", b""),
        ];
        let folder = Folder::new("cases [x]", &files);
        let in_memory = files.map(|(path, bytes)| (path.to_owned(), bytes.to_vec()));
        for root in [PolicyRoot::at(&folder.0), PolicyRoot::of_files(&folder.0, in_memory)] {
            assert_eq!(root.case_files().unwrap(), ["cases/a.yml", "cases/b/a/c.json", "cases/b/z.yaml"]);
            assert_eq!(root.world_files().unwrap(), ["fixtures/teams/ml/w.yml", "fixtures/w.json"]);
            assert_eq!(root.flow_files().unwrap(), ["flows/jobs/f.yaml"]);
        }
    }

    #[test]
    fn a_file_in_memory_stands_before_that_of_the_folder() {
        let folder =
            Folder::new("kept", &[("policies/a.json", b"old"), ("flows/a.yaml", b""), ("flows/b/c.yaml", b"")]);
        let root = PolicyRoot::at(&folder.0).with_file("policies/a.json", "new").with_file("flows/z.yaml", "");
        let mut sources = SourceMap::new();
        let id = root.read(&mut sources, "./policies//a.json").unwrap();
        assert_eq!(sources.source(id).unwrap().text(), "new");
        assert_eq!(root.flow_files().unwrap(), ["flows/a.yaml", "flows/b/c.yaml", "flows/z.yaml"]);
    }

    #[test]
    fn a_root_of_files_holds_those_and_no_others() {
        let folder = Folder::new("detached", &[("cases/disk.yaml", b"")]);
        let files = ["cases/a/b.yaml", "cases/c.txt", "fixtures/w.yaml", "policies/key-eval.json"];
        let root = PolicyRoot::of_files(&folder.0, files.map(|file| (file.to_owned(), b"{}".to_vec())));
        assert_eq!(root.case_files().unwrap(), ["cases/a/b.yaml"]);
        assert_eq!(root.world_files().unwrap(), ["fixtures/w.yaml"]);
        let error = root.read(&mut SourceMap::new(), "policies/key-evla.json").unwrap_err();
        assert!(error.help().contains("`policies/key-eval.json`"), "{}", error.help());
        let error = root.read(&mut SourceMap::new(), "../cases/a/b.yaml").unwrap_err();
        assert_eq!(error.code(), "path-outside-root");
        assert!(root.read(&mut SourceMap::new(), "cases/disk.yaml").is_err());
    }

    #[rstest]
    #[case::absolute("/etc/passwd", "path-outside-root", "policy root")]
    #[case::climbing("policies/../../x.json", "path-outside-root", "policy root")]
    #[case::misspelt_name("policies/key-evla.json", "missing-file", "`policies/key-eval.json`")]
    #[case::misspelt_folder("polices/key-eval.json", "missing-file", "`policies/key-eval.json`")]
    #[case::nothing_like_it("policies/zzzzzz.json", "missing-file", "policy root")]
    #[case::folder("policies", "unreadable-file", "check")]
    #[case::not_utf8("policies/latin.json", "not-utf8", "UTF-8")]
    #[case::byte_order_mark("policies/bom.json", "byte-order-mark", "without")]
    fn a_file_that_cannot_be_read_says_why(#[case] path: &str, #[case] code: &str, #[case] help: &str) {
        let files: [(&str, &[u8]); 3] = [
            ("policies/key-eval.json", b"{}"),
            ("policies/latin.json", b"ab\xe9\""),
            ("policies/bom.json", b"\xef\xbb\xbf{}"),
        ];
        let folder = Folder::new(&format!("read-{}", path.replace('/', "_")), &files);
        let mut sources = SourceMap::new();
        let id = sources.add("w.yaml", format!("policy: {path}\n")).unwrap();
        let text = Text::new(path, Span::new(id, 8, 8 + path.len()));
        let finding = PolicyRoot::at(&folder.0).read_named(&mut sources, &text).unwrap_err();
        assert_eq!(finding.code, code, "{}", finding.message);
        assert_eq!(sources.slice(finding.span().unwrap()), path);
        assert!(finding.help.as_ref().is_some_and(|said| said.contains(help)), "{:?}", finding.help);
        assert!(finding.code != "not-utf8" || finding.message.contains("byte 2"), "{}", finding.message);
    }

    #[test]
    fn of_a_file_that_is_too_long_nothing_is_made() {
        let folder = Folder::new("long", &[("long.json", b""), ("longest.json", b"")]);
        let resize = |name: &str, length: usize| {
            fs::OpenOptions::new().write(true).open(folder.0.join(name)).unwrap().set_len(length as u64).unwrap();
        };
        resize("long.json", LONGEST + 1);
        resize("longest.json", LONGEST);
        let (root, mut sources) = (PolicyRoot::at(&folder.0), SourceMap::new());
        let error = root.read(&mut sources, "long.json").unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), ("too-large", "`long.json` is longer than 16 MiB"));
        assert!(root.read(&mut sources, "longest.json").is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_out_is_refused() {
        let folder = Folder::new("link", &[("root/permitlab.toml", b""), ("secret.json", b"{}")]);
        std::os::unix::fs::symlink(folder.0.join("secret.json"), folder.0.join("root/in.json")).unwrap();
        let error = PolicyRoot::at(folder.0.join("root")).read(&mut SourceMap::new(), "in.json").unwrap_err();
        assert_eq!(error.code(), "path-outside-root");
    }
}
