//! Which policies are looked at, and what is found in them?
//!
//! Without paths those of the policy root, where its worlds attach them. A file that is named is looked at as the worlds
//! of its own root attach it, if it lies in one; otherwise, or with a type, by itself.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use permitlab::lint::attached::Attached;
use permitlab::root::{PolicyRoot, ReadError, bytes};
use permitlab_evaluator::diagnostic::{Diagnostic, Severity};
use permitlab_evaluator::lint::Finding;
use permitlab_evaluator::source::SourceMap;

use crate::cli::LintArguments;
use crate::exit::{Exit, Refusal};

/// What the linter found.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// The findings, policy by policy.
    pub found: Vec<Finding>,
    /// Why files could not be looked at.
    pub unreadable: Vec<Diagnostic>,
    /// How many policies were looked at.
    pub policies: usize,
    /// The files that were named, by the name that messages call them.
    pub named: BTreeMap<String, PathBuf>,
    /// The folders of the policy roots; every other name is a path from one of them.
    pub roots: Vec<PathBuf>,
}

/// Looks at everything the arguments name.
///
/// # Errors
/// A path that cannot be read, a root that is none, no policy at all.
pub(super) fn gather(arguments: &LintArguments, sources: &mut SourceMap) -> anyhow::Result<Gathered> {
    let mut gathered = Gathered::default();
    if arguments.paths.is_empty() {
        let root = crate::simulate::root(arguments.root.as_deref())?;
        gathered.roots.push(root.folder().to_owned());
        if let Some(mut attached) = gathered.attached(arguments, &root, sources) {
            gathered.root(&root, &mut attached, sources)?;
            gathered.found.extend(attached.unused());
        }
    } else {
        gathered.files(arguments, sources)?;
    }
    if gathered.policies == 0 && gathered.unreadable.is_empty() {
        return Err(Refusal::new(Exit::NothingMatched, "there is no policy file to look at")
            .help("name JSON files, or folders that hold some")
            .into());
    }
    Ok(gathered)
}

impl Gathered {
    fn attached(&mut self, arguments: &LintArguments, root: &PolicyRoot, sources: &mut SourceMap) -> Option<Attached> {
        match Attached::everywhere(root, sources) {
            Ok(attached) if arguments.all => Some(attached.strict()),
            Ok(attached) => Some(attached),
            Err(findings) => {
                self.unreadable.extend(findings);
                None
            }
        }
    }

    /// The policies below `policies/`, those that worlds attach from elsewhere, and those that stand in worlds.
    fn root(&mut self, root: &PolicyRoot, attached: &mut Attached, sources: &mut SourceMap) -> anyhow::Result<()> {
        let mut paths: Vec<String> = attached.files().map(str::to_owned).collect();
        let mut files = Vec::new();
        super::below(&root.folder().join("policies"), &mut files)?;
        for file in files {
            let inside = file.strip_prefix(root.folder()).unwrap_or(&file);
            paths.push(inside.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/"));
        }
        paths.sort();
        paths.dedup();
        for path in paths {
            let Some(text) = self.read(&root.folder().join(&path)) else { continue };
            self.add(attached.file(sources, &path, &path, &text));
        }
        let (inline, findings) = attached.inline(sources);
        self.policies += inline;
        self.found.extend(findings);
        Ok(())
    }

    fn files(&mut self, arguments: &LintArguments, sources: &mut SourceMap) -> anyhow::Result<()> {
        let kind = arguments.kind.map(super::kind);
        let mut roots: BTreeMap<PathBuf, Option<Attached>> = BTreeMap::new();
        for file in super::files(&arguments.paths)? {
            let name = file.to_string_lossy();
            let Some(text) = self.read(&file) else { continue };
            self.named.insert(name.clone().into_owned(), file.clone());
            let own = if kind.is_none() { in_root(&file) } else { None };
            let Some((root, path)) = own else {
                self.add(permitlab::lint::lint(sources, &name, &text, kind).map(|(_, findings)| findings));
                continue;
            };
            if !roots.contains_key(root.folder()) {
                let attached = self.attached(arguments, &root, sources);
                roots.insert(root.folder().to_owned(), attached);
            }
            if let Some(Some(attached)) = roots.get_mut(root.folder()) {
                self.add(attached.file(sources, &path, &name, &text));
            }
        }
        self.found.extend(roots.values().flatten().flat_map(Attached::unused));
        self.roots.extend(roots.into_keys());
        Ok(())
    }

    /// The text of a file. One that cannot be read is told, and keeps nothing from the others.
    fn read(&mut self, file: &Path) -> Option<String> {
        let path = file.display().to_string();
        let error = match bytes(file).map(String::from_utf8) {
            Ok(Ok(text)) => return Some(text),
            Ok(Err(error)) => ReadError::NotUtf8 { path, offset: error.utf8_error().valid_up_to() },
            Err(error) if error.kind() == ErrorKind::FileTooLarge => ReadError::TooLong(path),
            Err(source) => ReadError::System { path, source },
        };
        self.unreadable.push(Diagnostic {
            code: error.code(),
            severity: Severity::Error,
            message: error.to_string(),
            annotations: Vec::new(),
            help: Some(error.help()),
            notes: Vec::new(),
        });
        None
    }

    fn add(&mut self, answer: Result<Vec<Finding>, Box<Diagnostic>>) {
        match answer {
            Ok(findings) => {
                self.policies += 1;
                self.found.extend(findings);
            }
            Err(finding) => self.unreadable.push(*finding),
        }
    }
}

/// The policy root a file lies in, and its path from there.
fn in_root(file: &Path) -> Option<(PolicyRoot, String)> {
    let whole = file.canonicalize().ok()?;
    let root = PolicyRoot::discover(whole.parent()?)?;
    let inside = whole.strip_prefix(root.folder()).ok()?.to_str()?.replace(std::path::MAIN_SEPARATOR, "/");
    Some((root, inside))
}
