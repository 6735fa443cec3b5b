//! What does a new policy repository hold?
//!
//! Everything that `cargo test` needs to pass at once: policies, a world, a flow, three scenarios with their reviewed
//! decisions, and the few lines of Rust that make tests of them. What this workspace uses itself is taken from where it
//! stands; the rest are files below `init/template/`.

mod lock;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::Context as _;
use serde::Deserialize;

use crate::cli::InitArguments;
use crate::exit::{Exit, Refusal};
use crate::output::Streams;

/// A file of a new repository: its path there, and its text before the source is filled in.
type File = (&'static str, &'static str);

/// A file of the template.
macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("init/template/", $path))
    };
}

/// A file of the bundled policy root.
macro_rules! bundled {
    ($path:literal) => {
        include_str!(concat!("../../scenarios/", $path))
    };
}

/// The files that are as they stand here.
const FILES: [File; 25] = [
    (".cargo/config.toml", template!("cargo-config.toml")),
    (".github/workflows/policies.yml", template!("workflow.yml")),
    (".gitignore", template!("gitignore")),
    ("Cargo.toml", template!("manifest.toml")),
    ("README.md", template!("README.md")),
    ("build.rs", bundled!("build.rs")),
    ("cases/bedrock/other-job-type.yaml", template!("cases/bedrock/other-job-type.yaml")),
    ("cases/bedrock/whole-job.yaml", template!("cases/bedrock/whole-job.yaml")),
    ("cases/bedrock/wrong-region.yaml", template!("cases/bedrock/wrong-region.yaml")),
    ("fixtures/bedrock.yaml", template!("fixtures/bedrock.yaml")),
    ("flows/bedrock-model-evaluation-job.yaml", bundled!("flows/bedrock-model-evaluation-job.yaml")),
    ("permitlab.toml", template!("permitlab.toml")),
    ("policies/key-eval-repaired.json", bundled!("policies/key-eval-repaired.json")),
    ("policies/role-eval-kms.json", bundled!("policies/role-eval-kms.json")),
    ("policies/trust-bedrock.json", bundled!("policies/trust-bedrock.json")),
    ("schema/flow.schema.json", bundled!("schema/flow.schema.json")),
    ("schema/scenario.schema.json", bundled!("schema/scenario.schema.json")),
    ("schema/world.schema.json", bundled!("schema/world.schema.json")),
    ("snapshots/cases/bedrock/other-job-type.snap", template!("snapshots/cases/bedrock/other-job-type.snap")),
    ("snapshots/cases/bedrock/whole-job.snap", template!("snapshots/cases/bedrock/whole-job.snap")),
    ("snapshots/cases/bedrock/wrong-region.snap", template!("snapshots/cases/bedrock/wrong-region.snap")),
    ("snapshots/tables/bedrock.snap", template!("snapshots/tables/bedrock.snap")),
    ("tests/policies.rs", template!("tests/policies.rs")),
    ("xtask/Cargo.toml", template!("xtask/manifest.toml")),
    ("xtask/src/main.rs", template!("xtask/main.rs")),
];

/// Where Permitlab comes from, for those who build the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// A checkout on this machine.
    Path(PathBuf),
    /// A git repository.
    Git(String),
}

/// Answers `permitlab init`.
///
/// # Errors
/// A folder that holds something already, a source that is none, files that cannot be written.
pub fn run(arguments: &InitArguments, streams: &mut Streams) -> anyhow::Result<Exit> {
    let folder = &arguments.folder;
    is_free(folder)?;
    let source = Source::named(arguments.source.as_deref())?;
    let refused = |error: io::Error| {
        Refusal::new(Exit::Usage, format!("`{}` cannot be made: {error}", folder.display()))
            .help("name a folder in which you may write")
    };
    fs::create_dir_all(folder).map_err(refused)?;
    let home = Home::of(folder);
    for (path, text) in files(&source, home.as_ref())? {
        let path = folder.join(path);
        if let Some(above) = path.parent() {
            fs::create_dir_all(above).map_err(refused)?;
        }
        fs::write(&path, text).map_err(refused)?;
    }
    let shown = folder.display();
    streams.out.line(format_args!("`{shown}` is a policy repository with three scenarios"))?;
    streams.out.line("  next: run `cargo test` there, and read its README.md")?;
    if let Some(home) = &home {
        let top = home.top.display();
        streams.out.line(format_args!(
            "  note: it stands in the repository `{top}`, and GitHub reads workflows at its top alone:"
        ))?;
        streams.out.line(format_args!("  move `{shown}/{WORKFLOW}` to `{top}/{WORKFLOW}`"))?;
    }
    if let Source::Path(path) = &source {
        let note = format!("  note: it builds Permitlab from `{}`, which only this machine has", path.display());
        streams.out.line(format_args!("{note}; `--source` with a git URL lets others build it"))?;
    }
    Ok(Exit::Fine)
}

/// Refuses a folder in which something of somebody's stands.
fn is_free(folder: &Path) -> anyhow::Result<()> {
    let refusal = |message: String| Refusal::new(Exit::Usage, message).help("name a new folder, or an empty one");
    let shown = folder.display();
    if !folder.exists() {
        let is_link = fs::symlink_metadata(folder).is_ok();
        return if is_link { Err(refusal(format!("`{shown}` is a link that leads nowhere")).into()) } else { Ok(()) };
    }
    if !folder.is_dir() {
        return Err(refusal(format!("`{shown}` is a file")).into());
    }
    let mut names: Vec<_> = fs::read_dir(folder)
        .map_err(|error| refusal(format!("`{shown}` cannot be read: {error}")))?
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    names.sort();
    match names.first() {
        None => Ok(()),
        Some(first) => Err(refusal(format!("`{shown}` is not empty: it holds `{first}`; nothing was written")).into()),
    }
}

/// The repository that a folder stands in, below its top.
struct Home {
    /// The top of the repository.
    top: PathBuf,
    /// The folder, from there.
    inside: String,
}

impl Home {
    /// The repository above a folder that is there.
    fn of(folder: &Path) -> Option<Self> {
        let folder = folder.canonicalize().ok()?;
        let top = folder.ancestors().skip(1).find(|above| above.join(".git").exists())?;
        let parts = folder.strip_prefix(top).ok()?.components();
        let parts: Vec<_> = parts.map(|part| part.as_os_str().to_string_lossy()).collect();
        Some(Self { top: top.to_owned(), inside: parts.join("/") })
    }
}

impl Source {
    /// The source of that name; without one, the checkout that this program was built from.
    fn named(name: Option<&str>) -> anyhow::Result<Self> {
        let help = "name a clone of Permitlab, or the URL of its git repository";
        let Some(name) = name else {
            let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
            return Self::checkout(&built_from).map_err(|_| {
                let message = "the checkout that this program was built from is gone";
                Refusal::new(Exit::Usage, message).help(format!("add `--source`: {help}")).into()
            });
        };
        if name.contains("://") {
            return Ok(Self::Git(name.to_owned()));
        }
        if let Some((host, path)) = name.strip_prefix("git@").and_then(|rest| rest.split_once(':')) {
            return Err(Refusal::new(Exit::Usage, format!("Cargo does not read `{name}` as a git URL"))
                .help(format!("write it as `ssh://git@{host}/{path}`"))
                .into());
        }
        Self::checkout(Path::new(name))
            .map_err(|_| Refusal::new(Exit::Usage, format!("`{name}` is no checkout of Permitlab")).help(help).into())
    }

    fn checkout(folder: &Path) -> std::io::Result<Self> {
        for member in ["scenarios", "xtask"] {
            fs::metadata(folder.join(member).join("Cargo.toml"))?;
        }
        folder.canonicalize().map(Self::Path)
    }

    /// The dependency on a crate that stands in a folder of the source, as TOML.
    fn dependency(&self, folder: &str) -> String {
        match self {
            Self::Path(path) => format!("{{ path = {} }}", quoted(&path.join(folder).to_string_lossy())),
            Self::Git(url) => format!("{{ git = {} }}", quoted(url)),
        }
    }
}

/// Where GitHub reads the workflow.
const WORKFLOW: &str = ".github/workflows/policies.yml";

/// What a workflow says that cannot run on another machine.
const ONLY_HERE_COMMENT: &str = "\
# This cannot run as it is: Cargo.toml and xtask/Cargo.toml take Permitlab from a path that only the machine has on which the
# repository was made. Write `git = \"URL\"` for `path = \"…\"` in both, with a repository of Permitlab that the runner can read.
";

/// What the README says of where the repository stands and what it builds from.
fn notes(only_here: bool, repository: Option<&Home>) -> String {
    let mut notes = String::new();
    if only_here || repository.is_some() {
        notes.push_str("\n## Before the workflow runs\n\n");
    }
    if let Some(Home { inside, .. }) = repository {
        let _ = writeln!(
            notes,
            "* This folder is `{inside}` of another repository, and GitHub reads workflows at the top of a repository alone: move\n  \
             `{inside}/{WORKFLOW}` to `{WORKFLOW}` there. It runs its steps in `{inside}` already."
        );
    }
    if only_here {
        notes.push_str(
            "* `Cargo.toml` and `xtask/Cargo.toml` take Permitlab from a path on the machine on which this was made. Nobody else can build\n  \
             that: write `git = \"URL\"` for `path = \"…\"` in both, with a repository of Permitlab that everybody can read.\n",
        );
    }
    notes
}

/// The lines by which a job runs its steps in a folder of the repository.
fn in_folder(home: &Home) -> String {
    format!("    defaults:\n      run:\n        working-directory: {}\n", quoted(&home.inside))
}

/// A text as a basic string of TOML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The versions this workspace asks for.
#[derive(Deserialize)]
struct Manifest {
    workspace: Workspace,
}

#[derive(Deserialize)]
struct Workspace {
    dependencies: toml::Table,
}

/// Every file with its text.
fn files(source: &Source, repository: Option<&Home>) -> anyhow::Result<Vec<(&'static str, String)>> {
    let manifest: Manifest = toml::from_str(include_str!("../../Cargo.toml")).context("reading our own manifest")?;
    let version = |name: &str| -> anyhow::Result<&str> {
        let found = manifest.workspace.dependencies.get(name).and_then(toml::Value::as_str);
        found.with_context(|| format!("our own manifest says no version of `{name}`"))
    };
    let home = match source {
        Source::Path(_) => "Permitlab".to_owned(),
        Source::Git(url) => format!("[Permitlab]({url})"),
    };
    let only_here = match source {
        Source::Path(_) => true,
        Source::Git(_) => false,
    };
    let blanks = [
        ("@readme-notes@", notes(only_here, repository)),
        ("@workflow-notes@", if only_here { ONLY_HERE_COMMENT.to_owned() } else { String::new() }),
        ("@workflow-folder@", repository.map_or_else(String::new, in_folder)),
        ("@permitlab@", source.dependency("scenarios")),
        ("@xtask@", source.dependency("xtask")),
        ("@insta@", version("insta")?.to_owned()),
        ("@rstest@", version("rstest")?.to_owned()),
        ("@home@", home),
    ];
    let written = |(path, text): File| {
        let text = match path {
            "flows/bedrock-model-evaluation-job.yaml" => {
                format!("# yaml-language-server: $schema=../schema/flow.schema.json\n{text}")
            }
            _ => blanks.iter().fold(text.to_owned(), |text, (blank, value)| text.replace(blank, value)),
        };
        (path, text)
    };
    let lock = ("Cargo.lock", lock::lock(only_here));
    Ok(FILES.into_iter().map(written).chain([lock]).collect())
}
