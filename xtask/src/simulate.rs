//! Will the calls of these scenarios, or this one call, be allowed, and why not?

mod base;
mod failures;
mod github;
mod junit;
mod markdown;
mod sarif;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::{Component, Path, PathBuf};
use std::{env, fs};

use anyhow::Context as _;
use permitlab::change;
use permitlab::diff::{Difference, Kind, difference, differences};
use permitlab::facts::{self, Facts};
use permitlab::file::{Named, Text};
use permitlab::judge::{Judgement, Verdicts};
use permitlab::lint::attached;
use permitlab::oracle::{Engine, Opinion};
use permitlab::question::{BarePolicies, Question};
use permitlab::render::{Colour, report};
use permitlab::replay::{Asked, Options, Replayed, Selection, replay, replay_all};
use permitlab::report::{
    Counts, asked_json, finding_json, findings, optional_denials, reason, suggested, summary, to_json, why,
};
use permitlab::root::PolicyRoot;
use permitlab::today::today;
use permitlab_evaluator::decision::Effect;
use permitlab_evaluator::diagnostic::{Diagnostic, closest};
use permitlab_evaluator::source::{SourceMap, Span};
use serde_json::{Value, json};

use crate::cli::{Format, QuestionArguments, Reports, SimulateArguments};
use crate::exit::{Exit, Refusal};
use crate::lint::files::Files;
use crate::output::Streams;
use crate::progress::Progress;

/// Answers `permitlab simulate`.
///
/// # Errors
/// Arguments that name nothing, and files that cannot be read or written.
pub fn run(arguments: &SimulateArguments, streams: &mut Streams) -> anyhow::Result<Exit> {
    if arguments.engine != crate::cli::Engine::Evaluator {
        crate::cedar::is_built()?;
    }
    if arguments.base.is_some() {
        are_among(&arguments.reports, &[Format::Human, Format::Json, Format::Markdown])?;
    } else if arguments.question.call.is_some() || is_what_if(arguments) {
        are_among(&arguments.reports, &[Format::Human, Format::Json])?;
    }
    if arguments.question.call.is_some() {
        return ask(arguments, streams);
    }
    let root = root(arguments.root.as_deref())?;
    if let Some(revision) = &arguments.base {
        let root = overlaid(&root, &arguments.overlays)?;
        return base::run(arguments, &root, revision, streams);
    }
    let files = case_files(&root, &arguments.files)?;
    if is_what_if(arguments) {
        what_if(arguments, &root, &files, streams)
    } else {
        scenarios(arguments, &root, &files, streams)
    }
}

/// Whether two versions are compared.
fn is_what_if(arguments: &SimulateArguments) -> bool {
    !arguments.changes.is_empty() || !arguments.overlays.is_empty()
}

/// The root with files laid over its worlds, as they are called from the current folder or from the root.
pub(crate) fn overlaid(root: &PolicyRoot, named: &[String]) -> anyhow::Result<PolicyRoot> {
    let mut overlays = Vec::new();
    for name in named {
        let found = named_files(root, name)?;
        if found.is_empty() {
            let refusal = Refusal::new(Exit::Usage, format!("there is no file `{name}` to lay over the worlds"));
            return Err(refusal.help("name a file of the policy root, in the form of a world").into());
        }
        overlays.extend(found);
    }
    Ok(root.with_overlays(&overlays))
}

/// What a report holds in each of its forms.
struct Report {
    human: String,
    json: Value,
}

/// Writes a report to every place that was asked for. What is wrong goes to standard error where standard output
/// holds another form.
fn write(reports: &Reports, report: &Report, streams: &mut Streams) -> anyhow::Result<()> {
    reports.write(streams, |format| match format {
        Format::Human => report.human.clone(),
        Format::Json => format!("{:#}\n", report.json),
        // `are_among` refused these.
        Format::Junit | Format::Sarif | Format::Github | Format::Markdown => String::new(),
    })
}

/// Refuses the formats that say whether checks hold, where no check is made.
fn are_among(reports: &Reports, answers: &[Format]) -> Result<(), Refusal> {
    let mut formats = reports.standard.iter().chain(reports.files.iter().map(|(_, format)| format));
    let Some(format) = formats.find(|format| !answers.contains(format)) else { return Ok(()) };
    let name = format!("{format:?}").to_lowercase();
    Err(Refusal::new(Exit::Usage, format!("`--format {name}` reports which scenarios hold, and this asks for none"))
        .help("use `human` or `json`, with `--base` also `markdown`, or leave out `--call`, `--change` and `--base`"))
}

/// The policy root of the current folder: the nearest ancestor that is one, or the only root that lies in the current
/// folder or beside it, up to the top of its repository or Cargo workspace. What lies outside is somebody else's.
pub(crate) fn root(named: Option<&Path>) -> anyhow::Result<PolicyRoot> {
    let help = "make one with `permitlab init DIR`, name one with `--root DIR`, or ask about policy files with \
        `--identity-policy` and `--key-policy`";
    if let Some(folder) = named {
        if !folder.join("permitlab.toml").is_file() {
            let message = format!("`{}` is no policy root: it holds no `permitlab.toml`", folder.display());
            return Err(Refusal::new(Exit::Usage, message).help(help).into());
        }
        return Ok(PolicyRoot::at(folder));
    }
    let here = env::current_dir().context("finding the current folder")?;
    let is_top = |folder: &Path| [".git", "Cargo.lock"].iter().any(|mark| folder.join(mark).exists());
    let levels = here.ancestors().position(is_top).map_or(1, |above| above + 1);
    let below = || here.ancestors().take(levels).find_map(only_root_in);
    PolicyRoot::discover(&here).or_else(below).ok_or_else(|| {
        Refusal::new(Exit::Usage, "there is no policy root here: no `permitlab.toml` in this folder or above")
            .help(help)
            .into()
    })
}

fn only_root_in(folder: &Path) -> Option<PolicyRoot> {
    let mut roots: Vec<PathBuf> = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    roots.retain(|folder| folder.join("permitlab.toml").is_file());
    if let [root] = roots.as_slice() { Some(PolicyRoot::at(root)) } else { None }
}

/// The scenario files that arguments name: files, folders and globs, from the current folder or from the root. A folder
/// stands for all scenario files below it, and has to have one.
pub(crate) fn case_files(root: &PolicyRoot, named: &[String]) -> anyhow::Result<Vec<String>> {
    let all = root.case_files()?;
    let mut chosen = BTreeSet::new();
    for name in named {
        let paths = named_paths(root, name)?;
        let mut found = Vec::new();
        for path in &paths {
            found.extend(if path.is_dir() { below(root, &all, path)? } else { vec![inside(root, path)?] });
        }
        if found.is_empty() {
            return Err(nothing_named(name, !paths.is_empty(), &all).into());
        }
        chosen.extend(found);
    }
    let files = if named.is_empty() { all } else { chosen.into_iter().collect() };
    if files.is_empty() {
        return Err(Refusal::new(Exit::NothingMatched, "there is no scenario file")
            .help("add one under `cases/`")
            .into());
    }
    Ok(files)
}

/// What is told of an argument without a scenario file, by whether it names a folder.
fn nothing_named(name: &str, is_folder: bool, all: &[String]) -> Refusal {
    let stand = "scenario files stand under `cases/`, as `.yaml`, `.yml` or `.json`";
    if is_folder {
        return Refusal::new(Exit::NothingMatched, format!("no scenario file is below `{name}`")).help(stand);
    }
    let folders = all.iter().flat_map(|file| file.match_indices('/').filter_map(|(end, _)| file.get(..end)));
    let help = closest(name.trim_end_matches('/'), all.iter().map(String::as_str).chain(folders))
        .map_or_else(|| stand.to_owned(), |near| format!("did you mean `{near}`?"));
    Refusal::new(Exit::NothingMatched, format!("no scenario file matches `{name}`")).help(help)
}

/// The files and folders one argument matches, links followed: those from the current folder, or else those from the
/// root.
fn named_paths(root: &PolicyRoot, name: &str) -> anyhow::Result<BTreeSet<PathBuf>> {
    let from_root = format!("{}/{name}", glob::Pattern::escape(&whole(root.folder())?.to_string_lossy()));
    for pattern in [name, from_root.as_str()] {
        let paths = glob::glob(pattern)
            .map_err(|error| Refusal::new(Exit::Usage, format!("`{name}` is no file name or glob: {error}")))?;
        let found: BTreeSet<PathBuf> = paths.map(|path| whole(&path?)).collect::<anyhow::Result<_>>()?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(BTreeSet::new())
}

fn whole(path: &Path) -> anyhow::Result<PathBuf> {
    path.canonicalize().with_context(|| format!("reading `{}`", path.display()))
}

/// The scenario files of a root that stand below a folder. The folder may hold the root, too.
fn below(root: &PolicyRoot, all: &[String], folder: &Path) -> anyhow::Result<Vec<String>> {
    let top = whole(root.folder())?;
    if !top.starts_with(folder) {
        inside(root, folder)?;
    }
    Ok(all.iter().filter(|file| top.join(file).starts_with(folder)).cloned().collect())
}

/// A path without links, as the root calls it.
fn inside(root: &PolicyRoot, path: &Path) -> anyhow::Result<String> {
    let Ok(inside) = path.strip_prefix(whole(root.folder())?) else {
        let message = format!("`{}` is outside the policy root `{}`", path.display(), root.folder().display());
        return Err(Refusal::new(Exit::Usage, message).help("name the root it belongs to with `--root DIR`").into());
    };
    Ok(inside.to_string_lossy().into_owned())
}

/// The files, and not the folders, that one argument matches, as paths from the root.
pub(crate) fn named_files(root: &PolicyRoot, name: &str) -> anyhow::Result<Vec<String>> {
    named_paths(root, name)?.iter().filter(|path| path.is_file()).map(|path| inside(root, path)).collect()
}

/// Replays scenario files: what failed, then one closing line.
fn scenarios(
    arguments: &SimulateArguments,
    root: &PolicyRoot,
    files: &[String],
    streams: &mut Streams,
) -> anyhow::Result<Exit> {
    let options = Options {
        today: Some(today()),
        suggest: arguments.why || arguments.suggest,
        prove_suggestions: arguments.suggest,
        engine: engine(arguments.engine),
        selection: Selection::new(&arguments.filters, &arguments.tags),
        ..Options::default()
    };
    let progress = Progress::of(Some(files.len()), "files");
    let mut replayed = replay_all(root, files, &options, || progress.advance(1));
    drop(progress);
    if !options.selection.is_all() {
        replayed.retain(|file| !file.checks.is_empty() || !file.findings.is_empty());
        if replayed.is_empty() {
            return Err(nothing_selected(arguments).into());
        }
    }
    let counts = Counts::of(&replayed);
    let mut human = String::new();
    if arguments.suggest {
        let checks = replayed.iter().flat_map(|file| &file.checks);
        human.extend(checks.filter_map(|check| suggested(&check.id, &check.asked)));
    }
    let mut told = BTreeSet::new();
    for file in &replayed {
        if arguments.why {
            human.push_str(&every_call(file));
        }
        // A world that is wrong is wrong for every file that uses it, and told once.
        for finding in findings(file, Colour::Always) {
            if told.insert(finding.clone()) {
                human.extend([finding.as_str(), "\n\n"]);
            }
        }
        if !arguments.suggest {
            human.push_str(&permitlab::report::failures(file, Colour::Always));
        }
    }
    if let Some(note) = optional_denials(&replayed) {
        human.extend([note.as_str(), "\n"]);
    }
    human.extend(linted(arguments, root, &replayed));
    human.extend(independence(&replayed));
    let closing = closing(&counts, replayed.len());
    human.extend([closing.as_str(), "\n"]);
    let json = json!({
        "files": replayed.iter().map(to_json).collect::<Vec<_>>(),
        "passed": counts.passed, "failed": counts.failed, "skipped": counts.skipped, "invalid_files": counts.invalid,
    });
    let started = env::current_dir().context("finding the current folder")?;
    let places = Files::of(BTreeMap::new(), vec![root.folder().to_owned()], &started);
    let failures = failures::failures(&replayed, &places);
    arguments.reports.write(streams, |format| match format {
        Format::Human => human.clone(),
        Format::Json => format!("{json:#}\n"),
        Format::Junit => junit::render(&replayed),
        Format::Sarif => sarif::render(&failures, counts.invalid == 0),
        Format::Github => github::render(&failures),
        Format::Markdown => markdown::render(&failures, &closing),
    })?;
    Ok(exit(&counts))
}

/// What is told where no check has the id and tag asked for.
fn nothing_selected(arguments: &SimulateArguments) -> Refusal {
    let asked =
        |flag: &str, values: &[String]| values.iter().map(|value| format!("--{flag} {value}")).collect::<Vec<_>>();
    let asked = [asked("filter", &arguments.filters), asked("tag", &arguments.tags)].concat().join(" ");
    let help = "`--filter` matches whole ids, `topic/behaviour::check name[cell]`, and `*` stands for any part of one; tags \
        stand under `tags:` of a scenario or a check";
    Refusal::new(Exit::NothingMatched, format!("no check matches `{asked}`")).help(help)
}

/// How independent the second opinions were, where some were asked for.
fn independence(files: &[Replayed]) -> Option<String> {
    let asked = files.iter().flat_map(|file| &file.checks).flat_map(|check| &check.asked);
    let opinions: Vec<&Opinion> = asked.filter_map(|asked| asked.second.as_ref()?.as_ref().ok()).collect();
    let met = opinions.iter().filter(|opinion| !opinion.opaque.is_empty()).count();
    let atoms: BTreeSet<&str> = opinions.iter().flat_map(|opinion| &opinion.opaque).map(String::as_str).collect();
    if opinions.is_empty() {
        return None;
    }
    let asked = opinions.len();
    if atoms.is_empty() {
        return Some(format!("note: {asked} calls have two opinions\n"));
    }
    let (count, listed) = (atoms.len(), Vec::from_iter(atoms).join("\n  "));
    Some(format!(
        "note: {asked} calls have two opinions; {met} of them met policies with one of {count} opaque atoms, which the \
         evaluator's operators decide for both:\n  {listed}\n"
    ))
}

/// What the linter finds in the policies that the files load, in a line, if it finds something that matters.
fn linted(arguments: &SimulateArguments, root: &PolicyRoot, files: &[Replayed]) -> Option<String> {
    let command = match &arguments.root {
        Some(folder) => format!("`permitlab lint --root {}`", folder.display()),
        None => "`permitlab lint`".to_owned(),
    };
    match attached::serious(root, files.iter().map(|file| &file.uses)) {
        Ok(0) => None,
        Ok(1) => Some(format!("note: 1 finding of level error or security in these policies; {command} shows it\n")),
        Ok(count) => {
            Some(format!("note: {count} findings of level error or security in these policies; {command} shows them\n"))
        }
        Err(_) => Some(format!(
            "note: the policies were not linted, since `permitlab.toml` is invalid; {command} shows why\n"
        )),
    }
}

fn exit(counts: &Counts) -> Exit {
    match counts {
        Counts { invalid: 1.., .. } => Exit::Invalid,
        Counts { failed: 1.., .. } => Exit::Failed,
        Counts { passed: 0, skipped: 0, .. } => Exit::NothingMatched,
        Counts { .. } => Exit::Fine,
    }
}

fn every_call(file: &Replayed) -> String {
    let mut text = String::new();
    for check in &file.checks {
        for asked in &check.asked {
            let step = asked.step.as_ref().map(|step| format!(" · {}", step.id)).unwrap_or_default();
            let reasons = why(&file.sources, asked, Colour::Always);
            text.extend([check.id.as_str(), step.as_str(), "\n", reasons.as_str(), "\n\n"]);
        }
    }
    text
}

fn closing(counts: &Counts, files: usize) -> String {
    let Counts { passed, failed, skipped, invalid } = counts;
    let skipped = if *skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    let invalid = if *invalid > 0 { format!("; {invalid} of the files cannot be replayed") } else { String::new() };
    let noun = if files == 1 { "file" } else { "files" };
    format!("{passed} passed, {failed} failed{skipped}{invalid} ({files} {noun})")
}

/// Replays scenario files before and after changes, and prints the decisions that differ.
fn what_if(
    arguments: &SimulateArguments,
    root: &PolicyRoot,
    files: &[String],
    streams: &mut Streams,
) -> anyhow::Result<Exit> {
    let selection = Selection::new(&arguments.filters, &arguments.tags);
    let before = Options { today: Some(today()), only_decide: true, selection, ..Options::default() };
    let after = Options { changes: arguments.changes.clone(), ..before.clone() };
    let with = overlaid(root, &arguments.overlays)?;
    let mut found = Vec::new();
    let mut changed = 0;
    let mut unchanged = None;
    for file in files {
        let (old, new) = (replay(root, file, &before), replay(&with, file, &after));
        for replayed in [&old, &new] {
            if !replayed.findings.is_empty() {
                streams.err.line(findings(replayed, Colour::Always).join("\n\n"))?;
                return Ok(Exit::Invalid);
            }
        }
        changed += new.changed;
        found.extend(differences(&old, &new));
        if unchanged.is_none() {
            unchanged = new.unchanged.as_ref().map(|finding| report(&new.sources, finding, Colour::Always));
        }
    }
    if let (0, Some(reason)) = (changed, unchanged) {
        streams.err.line(reason)?;
        return Ok(Exit::Invalid);
    }
    write(&arguments.reports, &changes_report(&found), streams)?;
    Ok(gained(&found))
}

fn gained(found: &[Difference]) -> Exit {
    if found.iter().any(|difference| difference.kind == Kind::Gained) { Exit::Failed } else { Exit::Fine }
}

fn changes_report(found: &[Difference]) -> Report {
    let line = |each: &Difference| {
        let kind = each.kind.word().to_uppercase();
        format!("{kind:<8}{}\n        - {}\n        + {}\n", each.id, each.before, each.after)
    };
    let count = |kind: Kind| found.iter().filter(|each| each.kind == kind).count();
    let (gained, lost, changed) = (count(Kind::Gained), count(Kind::Lost), count(Kind::Changed));
    let mut human: String = found.iter().map(line).collect();
    human.extend([format!("{gained} gained, {lost} lost, {changed} changed\n")]);
    let each = |each: &Difference| json!({ "id": each.id, "kind": each.kind.word(), "before": each.before, "after": each.after });
    Report { human, json: json!({ "differences": found.iter().map(each).collect::<Vec<_>>() }) }
}

/// Where a question is asked.
struct Stage {
    facts: Facts,
    /// The facts with files laid over them, where there are any.
    overlaid: Option<Facts>,
    question: Question,
    root: Option<PolicyRoot>,
    worlds: Vec<String>,
}

/// Asks one question.
fn ask(arguments: &SimulateArguments, streams: &mut Streams) -> anyhow::Result<Exit> {
    let mut sources = SourceMap::new();
    let answer = stage(arguments, &mut sources)?.and_then(|stage| {
        let Stage { facts, overlaid, question, root, worlds } = stage;
        let before = question.ask(&facts, &mut sources)?;
        let after = changed(arguments, &facts, overlaid, root.as_ref(), &mut sources)?
            .map(|facts| question.ask(&facts, &mut sources))
            .transpose()?;
        Ok((question, worlds, root, before, after))
    });
    let (question, worlds, root, before, after) = match answer {
        Ok(answer) => answer,
        Err(findings) => return invalid(arguments, &sources, &findings, streams),
    };
    let asked = after.as_ref().unwrap_or(&before);
    if let Some(path) = &arguments.question.save_scenario {
        keep(path, arguments, &question, &worlds, root.as_ref(), asked)?;
    }
    let report = match &after {
        Some(after) => {
            changes_report(&Vec::from_iter(difference(question_id(&question), &before.judgement, &after.judgement)))
        }
        None => answer_report(arguments, &sources, asked),
    };
    write(&arguments.reports, &report, streams)?;
    if let Some(second) = &asked.second
        && !second.as_ref().is_ok_and(|second| asked.judgement.differs_from(second).is_none())
        && asked.judgement.authorization().is_some()
    {
        return Ok(Exit::Failed);
    }
    Ok(match (after.is_some(), asked.judgement.answer) {
        (true, _) => match difference(String::new(), &before.judgement, &asked.judgement) {
            Some(found) => gained(&[found]),
            None => Exit::Fine,
        },
        (false, Verdicts::Decided(Effect::Allow) | Verdicts::NotEvaluated) if asked.judgement.otherwise.is_empty() => {
            Exit::Fine
        }
        (false, _) => Exit::Failed,
    })
}

fn question_id(question: &Question) -> String {
    format!("{} by {}", question.call, question.by)
}

fn invalid(
    arguments: &SimulateArguments,
    sources: &SourceMap,
    findings: &[Diagnostic],
    streams: &mut Streams,
) -> anyhow::Result<Exit> {
    for finding in findings {
        streams.err.line(format_args!("{}\n", report(sources, finding, Colour::Always)))?;
    }
    let wants_json = arguments.reports.standard == Some(Format::Json)
        || arguments.reports.files.iter().any(|(_, format)| *format == Format::Json);
    if wants_json {
        let json =
            json!({ "findings": findings.iter().map(|finding| finding_json(sources, finding)).collect::<Vec<_>>() });
        write(&arguments.reports, &Report { human: String::new(), json }, streams)?;
    }
    Ok(Exit::Invalid)
}

fn answer_report(arguments: &SimulateArguments, sources: &SourceMap, asked: &Asked) -> Report {
    let judgement = &asked.judgement;
    let mut human = if arguments.suggest {
        suggested("command line", [asked]).unwrap_or_else(|| "nothing to suggest\n".to_owned())
    } else if arguments.why {
        format!("{}\n", why(sources, asked, Colour::Always))
    } else {
        format!("{}\n{}\n{}\n", judgement.call, summary(judgement), report(sources, &reason(asked), Colour::Always))
    };
    if let Some(second) = &asked.second {
        human.push_str(&second_opinion(judgement, second));
    }
    if !judgement.otherwise.is_empty() {
        let others: Vec<&str> = judgement.otherwise.iter().map(|effect| effect.word()).collect();
        let keys: Vec<String> = judgement.unstated.iter().map(|key| format!("`--context {key}=…`")).collect();
        let rules: Vec<String> = judgement.unsure.iter().map(|rule| format!("{rule} in FIDELITY.md")).collect();
        let (others, missing) = (others.join(" or "), [keys, rules].concat().join(", "));
        human.extend(["not certain: it could be ", &others, "; state ", &missing, "\n"]);
    }
    Report { human, json: asked_json(sources, asked) }
}

/// What Cedar says of the same call.
fn second_opinion(judgement: &Judgement, second: &Result<Opinion, String>) -> String {
    match second {
        Ok(second) => match judgement.differs_from(second) {
            None if second.opaque.is_empty() => "Cedar decides the same\n".to_owned(),
            None => {
                let atoms: Vec<&str> = second.opaque.iter().map(String::as_str).collect();
                format!("Cedar decides the same, with the evaluator's word on {}\n", atoms.join("; "))
            }
            Some(said) => format!("Cedar differs: {said}\n"),
        },
        Err(why) => format!("Cedar has no opinion: {why}\n"),
    }
}

type Staged = Result<Stage, Vec<Diagnostic>>;

fn stage(arguments: &SimulateArguments, sources: &mut SourceMap) -> anyhow::Result<Staged> {
    let mut question = Question { engine: engine(arguments.engine), ..question(&arguments.question) };
    let bare = &arguments.bare;
    if bare.key_policy.is_none() && bare.identity_policies.is_empty() {
        return world_stage(arguments, sources, question);
    }
    let read = |path: &PathBuf| -> anyhow::Result<(String, String)> {
        let refused =
            |error: &dyn Display| Refusal::new(Exit::Invalid, format!("`{}` cannot be read: {error}", path.display()));
        let bytes = permitlab::root::bytes(path).map_err(|error| refused(&error))?;
        let text = String::from_utf8(bytes).map_err(|error| refused(&error))?;
        Ok((path.display().to_string(), text))
    };
    let policies = BarePolicies {
        identity: bare.identity_policies.iter().map(read).collect::<anyhow::Result<_>>()?,
        key: bare.key_policy.as_ref().map(read).transpose()?,
        vars: bare.vars.iter().map(|pair| (pair.key.clone(), pair.value.clone())).collect(),
    };
    let facts = policies.facts(&mut question, sources);
    Ok(facts.map(|facts| Stage { facts, overlaid: None, question, root: None, worlds: Vec::new() }))
}

fn world_stage(arguments: &SimulateArguments, sources: &mut SourceMap, question: Question) -> anyhow::Result<Staged> {
    let root = root(arguments.root.as_deref())?;
    let worlds = if arguments.question.world.is_empty() {
        match root.world_files()?.as_slice() {
            [only] => vec![only.clone()],
            [] => {
                return Err(Refusal::new(Exit::Usage, "the policy root has no world")
                    .help("add one under `fixtures/`")
                    .into());
            }
            several => vec![only_world_that_knows(&question, &root, several)?],
        }
    } else {
        let mut worlds = Vec::new();
        for path in &arguments.question.world {
            let name = path.to_string_lossy();
            let found = named_files(&root, &name)?;
            if found.is_empty() {
                let worlds = root.world_files()?;
                let near = closest(&name, worlds.iter().map(String::as_str));
                let help = near.map_or_else(
                    || "worlds stand under `fixtures/`".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                return Err(Refusal::new(Exit::Usage, format!("there is no world `{name}`")).help(help).into());
            }
            worlds.extend(found);
        }
        worlds
    };
    let line = worlds.join(" ");
    let Ok(id) = sources.add("--world", line.as_str()) else { anyhow::bail!("the command line is too long") };
    let mut start = 0;
    let mut texts = Vec::new();
    for world in &worlds {
        texts.push(Text::new(world.as_str(), Span::new(id, start, start + world.len())));
        start += world.len() + 1;
    }
    let with = overlaid(&root, &arguments.overlays)?;
    let mut load = |root: &PolicyRoot| facts::load(root, sources, &texts, &Named::default());
    let overlaid = (!arguments.overlays.is_empty()).then(|| load(&with)).transpose();
    let facts = load(&root).and_then(|facts| Ok((facts, overlaid?)));
    Ok(facts.map(|(facts, overlaid)| Stage { facts, overlaid, question, root: Some(root), worlds }))
}

/// The one world in which the caller and the resource of a question have a meaning.
fn only_world_that_knows(question: &Question, root: &PolicyRoot, worlds: &[String]) -> anyhow::Result<String> {
    let knows = |world: &&String| {
        let mut sources = SourceMap::new();
        let Ok(id) = sources.add("--world", world.as_str()) else { return false };
        let text = Text::new(world.as_str(), Span::new(id, 0, world.len()));
        let facts = facts::load(root, &mut sources, [&text], &Named::default());
        facts.is_ok_and(|facts| question.is_known_in(&facts, &mut sources))
    };
    let known: Vec<&String> = worlds.iter().filter(knows).collect();
    if let [only] = known.as_slice() {
        return Ok((*only).clone());
    }
    let message = format!("{} of the {} worlds know this caller and this resource", known.len(), worlds.len());
    let help = format!("name one with `--world`: {}", worlds.join(", "));
    Err(Refusal::new(Exit::Usage, message).help(help).into())
}

fn engine(engine: crate::cli::Engine) -> Engine {
    match engine {
        crate::cli::Engine::Evaluator => Engine::Evaluator,
        crate::cli::Engine::Cedar => Engine::Cedar,
        crate::cli::Engine::Both => Engine::Both,
    }
}

fn question(arguments: &QuestionArguments) -> Question {
    let pairs = |pairs: &[crate::cli::Pair]| pairs.iter().map(|pair| (pair.key.clone(), pair.value.clone())).collect();
    Question {
        engine: Engine::Evaluator,
        by: arguments.by.clone().unwrap_or_default(),
        call: arguments.call.clone().unwrap_or_default(),
        resource: arguments.resource.clone(),
        via: arguments.via.clone(),
        on_behalf_of: arguments.acts_for.clone(),
        region: arguments.region.clone(),
        now: arguments.now.clone(),
        encryption_context: pairs(&arguments.encryption_context),
        context: pairs(&arguments.context),
    }
}

/// The facts with the overlays and changes of the command line; `None` when there are none.
fn changed(
    arguments: &SimulateArguments,
    facts: &Facts,
    overlaid: Option<Facts>,
    root: Option<&PolicyRoot>,
    sources: &mut SourceMap,
) -> Result<Option<Facts>, Vec<Diagnostic>> {
    if !is_what_if(arguments) {
        return Ok(None);
    }
    let here = PolicyRoot::at(".");
    let root = root.unwrap_or(&here);
    let mut facts = overlaid.unwrap_or_else(|| facts.clone());
    for text in &arguments.changes {
        let Ok(id) = sources.add("--change", text.as_str()) else { continue };
        let change = Text::new(text.as_str(), Span::new(id, 0, text.len()));
        change::apply(&mut facts, root, sources, &change).map_err(|finding| vec![*finding])?;
    }
    Ok(Some(facts))
}

/// Keeps a question as a scenario file. A question of bare policies gets a world of its own beside it.
fn keep(
    path: &Path,
    arguments: &SimulateArguments,
    question: &Question,
    worlds: &[String],
    root: Option<&PolicyRoot>,
    asked: &Asked,
) -> anyhow::Result<()> {
    let changes = &arguments.changes;
    let here = env::current_dir().context("finding the current folder")?;
    let help =
        "name a file under the `cases/` of a policy root: a folder with a `permitlab.toml`, the policies below it";
    let usage = |message: String| anyhow::Error::from(Refusal::new(Exit::Usage, message).help(help));
    let from = root.filter(|_| path.starts_with("cases")).map_or(here.as_path(), PolicyRoot::folder);
    let whole = folded(&here.join(from).join(path));
    let around = whole.parent().and_then(PolicyRoot::discover);
    let Some(kept_in) = root.or(around.as_ref()) else {
        return Err(usage(format!("`{}` is in no policy root", path.display())));
    };
    let folder = kept_in.folder().canonicalize()?;
    if !whole.starts_with(folder.join("cases")) {
        let message = format!("`{}` is not under the `cases/` of `{}`", path.display(), folder.display());
        return Err(usage(message));
    }
    if root.is_some() {
        return save(&whole, &question.scenario(worlds, changes, asked));
    }
    let inside = |file: &PathBuf| -> anyhow::Result<String> {
        let file = file.canonicalize().with_context(|| format!("reading `{}`", file.display()))?;
        let inside = file
            .strip_prefix(&folder)
            .map_err(|_| usage(format!("`{}` is outside the policy root `{}`", file.display(), folder.display())))?;
        Ok(inside.to_string_lossy().into_owned())
    };
    let bare = &arguments.bare;
    let identity = bare.identity_policies.iter().map(inside).collect::<anyhow::Result<Vec<_>>>()?;
    let key = bare.key_policy.as_ref().map(inside).transpose()?;
    let vars: Vec<_> = bare.vars.iter().map(|pair| (pair.key.clone(), pair.value.clone())).collect();
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let world = format!("fixtures/{stem}.yaml");
    let (text, question) = question.world(&vars, &identity, key.as_deref());
    is_free(&whole)?;
    save(&folder.join(&world), &text)?;
    save(&whole, &question.scenario(&[world], changes, asked))
}

/// The path without its `..`, which need no folder to be there yet.
fn folded(path: &Path) -> PathBuf {
    let mut folded = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            folded.pop();
        } else {
            folded.push(part);
        }
    }
    folded
}

/// Writes a file, but never over another.
fn save(path: &Path, text: &str) -> anyhow::Result<()> {
    is_free(path)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("making `{}`", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("writing `{}`", path.display()))
}

fn is_free(path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        let message = format!("`{}` exists already", path.display());
        return Err(Refusal::new(Exit::Usage, message).help("name another file; nothing was written over it").into());
    }
    Ok(())
}
