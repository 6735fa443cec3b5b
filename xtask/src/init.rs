//! What does a new policy repository hold?
//!
//! Everything that `cargo test` needs to pass at once: policies, a world, a flow, three scenarios with their reviewed
//! decisions, and the few lines of Rust that make tests of them. What this workspace uses itself is taken from where it
//! stands; the rest are files below `init/template/`.

mod lock;

use std::fs;
use std::path::{Path, PathBuf};

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
const FILES: [File; 26] = [
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
    ("Cargo.lock", include_str!("../../Cargo.lock")),
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
    for (path, text) in files(&source)? {
        let path = folder.join(path);
        if let Some(above) = path.parent() {
            fs::create_dir_all(above).with_context(|| format!("making `{}`", above.display()))?;
        }
        fs::write(&path, text).with_context(|| format!("writing `{}`", path.display()))?;
    }
    let shown = folder.display();
    streams.out.line(format_args!("`{shown}` is a policy repository with three scenarios"))?;
    streams.out.line("  next: run `cargo test` there, and read its README.md")?;
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
        return Ok(());
    }
    if !folder.is_dir() {
        return Err(refusal(format!("`{shown}` is a file")).into());
    }
    let mut names: Vec<_> = fs::read_dir(folder)
        .with_context(|| format!("reading `{shown}`"))?
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    names.sort();
    match names.first() {
        None => Ok(()),
        Some(first) => Err(refusal(format!("`{shown}` is not empty: it holds `{first}`; nothing was written")).into()),
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
fn files(source: &Source) -> anyhow::Result<Vec<(&'static str, String)>> {
    let manifest: Manifest = toml::from_str(include_str!("../../Cargo.toml")).context("reading our own manifest")?;
    let version = |name: &str| -> anyhow::Result<&str> {
        let found = manifest.workspace.dependencies.get(name).and_then(toml::Value::as_str);
        found.with_context(|| format!("our own manifest says no version of `{name}`"))
    };
    let home = match source {
        Source::Path(_) => "Permitlab".to_owned(),
        Source::Git(url) => format!("[Permitlab]({url})"),
    };
    let blanks = [
        ("@permitlab@", source.dependency("scenarios")),
        ("@xtask@", source.dependency("xtask")),
        ("@insta@", version("insta")?.to_owned()),
        ("@rstest@", version("rstest")?.to_owned()),
        ("@home@", home),
    ];
    let written = |(path, text): File| {
        let text = match path {
            "Cargo.lock" => lock::derived(text, matches!(source, Source::Path(_)))?,
            "flows/bedrock-model-evaluation-job.yaml" => {
                format!("# yaml-language-server: $schema=../schema/flow.schema.json\n{text}")
            }
            _ => blanks.iter().fold(text.to_owned(), |text, (blank, value)| text.replace(blank, value)),
        };
        Ok((path, text))
    };
    FILES.into_iter().map(written).collect()
}
