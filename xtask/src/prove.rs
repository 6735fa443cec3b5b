//! Does a change let anybody do what they could not do before?

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use permitlab::file::{Accepted, read_accepted};
use permitlab::invariant::{Kept, kept};
use permitlab::prove::{Changes, Finding, Proof, Verdict, applies, prove, prove_policies};
use permitlab::root::PolicyRoot;
use permitlab::table::{Refused, is_about_typed, most_telling};
use permitlab_evaluator::prove::Budget;
use permitlab_evaluator::source::SourceMap;
use serde_json::{Value, json};

use crate::cli::{ProveArguments, ProveFormat};
use crate::exit::{Exit, Refusal};
use crate::git::{self, Version};
use crate::lint::markdown::code;
use crate::output::Streams;
use crate::simulate::{overlaid, root};
use crate::table;

/// Answers `permitlab prove`.
///
/// # Errors
/// Arguments that name nothing, and files that cannot be read or written.
pub fn run(arguments: &ProveArguments, streams: &mut Streams) -> anyhow::Result<Exit> {
    let budget = Budget { steps: arguments.steps, ..Budget::default() };
    if let (Some(from), Some(to)) = (&arguments.from, &arguments.to)
        && let (Some(from), Some(to)) = (policy_file(from), policy_file(to))
    {
        return files(arguments, from, to, budget, streams);
    }
    let root = root(arguments.root.as_deref())?;
    if !arguments.never.is_empty() {
        return never(arguments, &overlaid(&root, &arguments.overlays)?, streams);
    }
    let here = || Version { root: root.clone(), is_there: true };
    let at = |revision: &Option<String>| {
        revision.as_ref().map_or_else(|| Ok(here()), |revision| git::root_at(&root, revision))
    };
    let Version { root: before, is_there } = at(&arguments.from)?;
    let Version { root: after, is_there: is_after } = at(&arguments.to)?;
    let after = overlaid(&after, &arguments.overlays)?;
    if let (false, Some(to)) = (is_after, &arguments.to) {
        let refusal = Refusal::new(Exit::Usage, format!("`{to}` has no policy root"));
        return Err(refusal.help("name a revision in which the policy root is there").into());
    }
    let worlds = worlds(arguments, &before, &after)?;
    let mut accepted: Vec<Accepted> = Vec::new();
    if let Some(path) = &arguments.accept {
        let mut sources = SourceMap::new();
        let id = sources.add(path.display().to_string(), read(path)?)?;
        match read_accepted(&sources, id) {
            Ok(read) => accepted = read,
            Err(findings) => return table::invalid(&(sources, findings), streams),
        }
    }
    if let (false, Some(from)) = (is_there, &arguments.from) {
        git::all_is_new(from, streams)?;
        // Of nothing there is nothing to change.
        accepted.clear();
    }
    let accepted: Vec<&str> = accepted.iter().map(|each| each.change.as_str()).collect();
    let changes: Vec<&str> = arguments.changes.iter().map(String::as_str).collect();
    // A change is about the worlds that know what it changes.
    let (of_before, of_after) = match (by_world(&before, &worlds, &accepted), by_world(&after, &worlds, &changes)) {
        (Ok(of_before), Ok(of_after)) => (of_before, of_after),
        (Err(refused), _) | (_, Err(refused)) => return table::invalid(&refused, streams),
    };
    let mut proofs = Vec::new();
    for ((world, accepted), after_changes) in worlds.iter().zip(&of_before).zip(&of_after) {
        let changes = Changes { accepted, after: after_changes };
        match prove(&before, &after, world, changes, budget) {
            Ok(proof) => proofs.push(proof),
            Err(refused) => {
                let (is_before, why) = *refused;
                let side = match (is_before, &arguments.from, &arguments.to) {
                    (true, Some(from), _) => format!("in `{from}`"),
                    (false, _, Some(to)) => format!("in `{to}`"),
                    (true, None, _) | (false, _, None) => "in the work tree".to_owned(),
                };
                streams.err.line(format_args!("{side}:"))?;
                return table::invalid(&why, streams);
            }
        }
    }
    if let Some(folder) = &arguments.save {
        let saved = save(&root, folder, &proofs, &of_after)?;
        for name in saved {
            streams.err.line(format_args!("wrote {name}"))?;
        }
    }
    let exit = reported(arguments, &proofs, streams)?;
    Ok(if is_there { exit } else { Exit::Fine })
}

/// Proves of the worlds of a root that they keep to what must never be.
fn never(arguments: &ProveArguments, root: &PolicyRoot, streams: &mut Streams) -> anyhow::Result<Exit> {
    let is_named = !arguments.worlds.is_empty();
    let worlds = worlds(arguments, root, root)?;
    let mut all: Vec<Kept> = Vec::new();
    for sentence in &arguments.never {
        let mut refused = None;
        let mut is_known = false;
        for world in &worlds {
            match kept(root, world, &arguments.changes, sentence) {
                Ok(kept) => {
                    is_known = true;
                    all.push(kept);
                }
                Err(why) if is_named || !is_about_typed(&why) => return table::invalid(&why, streams),
                // A world that does not know what a sentence is about keeps to it, but one has to know it.
                Err(why) => refused = Some(most_telling(refused, why)),
            }
        }
        if let (false, Some(why)) = (is_known, refused) {
            return table::invalid(&why, streams);
        }
    }
    arguments.reports.write(streams, |format| match format {
        ProveFormat::Human => kept_lines(&all),
        ProveFormat::Json => format!("{:#}\n", json!({ "never": all.iter().map(Kept::json).collect::<Vec<Value>>() })),
        ProveFormat::Markdown => kept_table(&all),
    })?;
    Ok(if all.iter().all(Kept::is_proved) { Exit::Fine } else { Exit::Failed })
}

fn kept_lines(all: &[Kept]) -> String {
    let mut text = String::new();
    for Kept { world, sentence, broken, unknown, .. } in all {
        let _ = writeln!(text, "{world}: never {sentence}");
        for line in broken {
            let _ = writeln!(text, "  \u{1b}[31mBROKEN\u{1b}[0m   {line}");
        }
        for line in unknown {
            let _ = writeln!(text, "  UNKNOWN  {line}");
        }
        if broken.is_empty() && unknown.is_empty() {
            let _ = writeln!(text, "  proved: no call does, whoever makes it and however");
        }
    }
    text
}

fn kept_table(all: &[Kept]) -> String {
    let mut text = String::from("### What must never be\n\n| never | in | verdict | shown by |\n|---|---|---|---|\n");
    for kept in all {
        let shown = kept.broken.iter().chain(&kept.unknown).map(|line| code(line)).collect::<Vec<_>>();
        let (sentence, world) = (code(&kept.sentence), code(&kept.world));
        let _ = writeln!(text, "| {sentence} | {world} | {} | {} |", kept.word(), shown.join("; "));
    }
    text
}

/// A path of a policy file, where there is one.
fn policy_file(text: &str) -> Option<&Path> {
    let path = Path::new(text);
    (path.extension().is_some_and(|extension| extension == "json") && path.is_file()).then_some(path)
}

/// Compares two policy files.
fn files(
    arguments: &ProveArguments,
    from: &Path,
    to: &Path,
    budget: Budget,
    streams: &mut Streams,
) -> anyhow::Result<Exit> {
    let (before, after) = (read(from)?, read(to)?);
    let (from, to) = (from.display().to_string(), to.display().to_string());
    let kind = arguments.kind.map(crate::lint::kind);
    match prove_policies((&from, &before), (&to, &after), kind, budget) {
        Ok(proof) => reported(arguments, &[proof], streams),
        Err(refused) => table::invalid(&refused.1, streams),
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    let told = |error: std::io::Error| {
        Refusal::new(Exit::Usage, format!("`{}` cannot be read: {error}", path.display()))
            .help("check that it is a file, that it is UTF-8, and that you may read it")
    };
    Ok(std::fs::read_to_string(path).map_err(told)?)
}

fn reported(arguments: &ProveArguments, proofs: &[Proof], streams: &mut Streams) -> anyhow::Result<Exit> {
    arguments.reports.write(streams, |format| match format {
        ProveFormat::Human => human(proofs, arguments.all),
        ProveFormat::Json => {
            format!("{:#}\n", json!({ "worlds": proofs.iter().map(Proof::json).collect::<Vec<Value>>() }))
        }
        ProveFormat::Markdown => markdown(proofs, arguments.all),
    })?;
    let is_proved = |proof: &Proof| matches!(proof.verdict, Verdict::Equal | Verdict::Narrower);
    Ok(if proofs.iter().all(is_proved) { Exit::Fine } else { Exit::Failed })
}

/// The changes that each world knows, in order. One that no world knows is refused.
fn by_world(root: &PolicyRoot, worlds: &[String], changes: &[&str]) -> Result<Vec<Vec<String>>, Refused> {
    let mut of_worlds: Vec<Vec<String>> = vec![Vec::new(); worlds.len()];
    for change in changes {
        let mut refused = None;
        let mut is_known = false;
        for (world, own) in worlds.iter().zip(&mut of_worlds) {
            match applies(root, world, change) {
                Ok(()) => {
                    is_known = true;
                    own.push((*change).to_owned());
                }
                Err(why) => refused = Some(most_telling(refused, why)),
            }
        }
        if let (false, Some(why)) = (is_known, refused) {
            return Err(why);
        }
    }
    Ok(of_worlds)
}

fn worlds(arguments: &ProveArguments, before: &PolicyRoot, after: &PolicyRoot) -> anyhow::Result<Vec<String>> {
    let all = permitlab::table::difference::worlds(before, after)?;
    let mut named = Vec::new();
    for name in &arguments.worlds {
        if !all.contains(name) {
            let message = format!("no world is `{name}`");
            return Err(Refusal::new(Exit::NothingMatched, message).help("worlds stand under `fixtures/`").into());
        }
        named.push(name.clone());
    }
    match (named.is_empty(), all.is_empty()) {
        (false, _) => Ok(named),
        (true, false) => Ok(all),
        (true, true) => {
            let refusal = Refusal::new(Exit::NothingMatched, "there is no world to compare, here or there");
            Err(refusal.help("worlds are `fixtures/**/*.yaml` of the policy root").into())
        }
    }
}

/// Writes a scenario file for each request that is newly allowed.
fn save(root: &PolicyRoot, folder: &Path, proofs: &[Proof], changes: &[Vec<String>]) -> anyhow::Result<Vec<String>> {
    let target = root.folder().join(folder);
    let mut written = Vec::new();
    for (proof, changes) in proofs.iter().zip(changes) {
        // Of what no world states no scenario can ask.
        for (number, finding) in proof.gained.iter().filter(|finding| !finding.is_elsewhere).enumerate() {
            std::fs::create_dir_all(&target).with_context(|| format!("making `{}`", target.display()))?;
            let world = Path::new(&proof.world).file_stem().map(|stem| stem.to_string_lossy().into_owned());
            let name = format!("{}-gained-{}.yaml", world.unwrap_or_default(), number + 1);
            let file = target.join(&name);
            if file.exists() {
                let message = format!("`{}` is there already", file.display());
                return Err(Refusal::new(Exit::Usage, message).help("move it, or save into another folder").into());
            }
            std::fs::write(&file, finding.scenario(&proof.world, changes))
                .with_context(|| format!("writing `{}`", file.display()))?;
            written.push(file.display().to_string());
        }
    }
    Ok(written)
}

/// How many findings of one kind, and how many ways of one finding, are shown unless all are asked for.
const MOST: usize = 20;
const MOST_WAYS: usize = 3;

/// The first of a list, and how many are left.
fn first<T>(list: &[T], most: usize, shows_all: bool) -> (&[T], usize) {
    match list.split_at_checked(most) {
        Some((some, rest)) if !shows_all => (some, rest.len()),
        Some(_) | None => (list, 0),
    }
}

fn human(proofs: &[Proof], shows_all: bool) -> String {
    let mut text = String::new();
    for proof in proofs {
        let Proof { world, verdict, gained, lost, unknown, asked } = proof;
        let _ = writeln!(text, "{world}: {}", verdict.word());
        for (colour, word, findings) in [("\u{1b}[31m", "GAINED", gained), ("\u{1b}[33m", "LOST  ", lost)] {
            let (findings, more) = first(findings, MOST, shows_all);
            for finding in findings {
                let Finding { who, resource, actions, .. } = finding;
                let _ = writeln!(text, "  {colour}{word}\u{1b}[0m  {who}  {resource}  {}", named(actions));
                for line in details(finding, shows_all) {
                    let _ = writeln!(text, "          {line}");
                }
            }
            if more > 0 {
                let _ = writeln!(text, "  and {more} more, which `--all` lists");
            }
        }
        let (told, more) = first(unknown, MOST, shows_all);
        for (call, why) in told {
            let _ = writeln!(text, "  UNKNOWN  {call}: {why}");
        }
        if more > 0 {
            let _ = writeln!(text, "  and {more} more of which nothing could be said");
        }
        let _ = writeln!(text, "  {} ({asked})", proof.sentence());
    }
    text
}

/// What there is to say of a finding, beside who, on what and by which actions.
fn details(finding: &Finding, shows_all: bool) -> Vec<String> {
    let Finding { who, caller, denied, allowed, place, .. } = finding;
    let mut lines = Vec::new();
    if let Some(others) = finding.stands_for {
        let by = if who == caller { String::new() } else { format!(", shown by {caller}") };
        lines.push(format!("{others}{by}"));
    }
    let (some, more) = first(finding.ways.as_deref().unwrap_or_default(), MOST_WAYS, shows_all);
    if !finding.is_bare() || some.is_empty() {
        lines.push(finding.circumstances());
    }
    match finding.ways {
        Some(_) => lines.extend(some.iter().enumerate().map(|(at, way)| {
            let word = if at == 0 { "in all" } else { "or" };
            format!("{word}: {way}")
        })),
        None if finding.is_of_world() => lines.push("in all: under more conditions than can be told".to_owned()),
        None => {}
    }
    if more > 0 {
        lines.push(format!("or in {more} other ways, which `--all` lists"));
    }
    let by = allowed.by.as_deref().unwrap_or("what the caller is");
    let at = place.as_ref().map(|place| format!(" at {place}")).unwrap_or_default();
    lines.push(format!("allowed by {by}{at}"));
    let by = denied.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    lines.push(format!("otherwise {}{by}, in the {} layer", denied.word().word(), finding.stopped_by));
    if finding.reaches_further {
        lines.push("and so, as far as its own policies go, where no world states the resource".to_owned());
    }
    if finding.is_elsewhere {
        lines.push("as far as its own policies go: no world states such a resource".to_owned());
    }
    if !finding.rests_on.is_empty() {
        lines.push(format!("only in the other reading of {}", finding.rests_on.join(", ")));
    }
    lines
}

/// How many actions of one finding are named.
const FEW: usize = 8;

pub(crate) fn named(actions: &[String]) -> String {
    let few: Vec<&str> = actions.iter().take(FEW).map(String::as_str).collect();
    match actions.len().checked_sub(FEW) {
        None | Some(0) => few.join(" "),
        Some(more) => format!("{} and {more} more", few.join(" ")),
    }
}

fn markdown(proofs: &[Proof], shows_all: bool) -> String {
    let mut text = String::from("### Access that the change gives and takes\n");
    for proof in proofs {
        let _ = writeln!(text, "\n#### `{}`: {}\n\n{}.", proof.world, proof.verdict.word(), proof.sentence());
        for (title, findings) in [("Gained", &proof.gained), ("Lost", &proof.lost)] {
            if findings.is_empty() {
                continue;
            }
            let _ = writeln!(
                text,
                "\n**{title}**\n\n| who | on | actions | how | allowed by | otherwise |\n|---|---|---|---|---|---|"
            );
            let (findings, more) = first(findings, MOST, shows_all);
            for finding in findings {
                let by = finding.allowed.by.as_deref().unwrap_or("what the caller is");
                let how = match &finding.ways {
                    Some(ways) => ways.join("; or "),
                    None => format!("for example {}", finding.circumstances()),
                };
                let cells = [
                    finding.who.as_str(),
                    finding.resource.as_str(),
                    &named(&finding.actions),
                    &how,
                    by,
                    &format!("{}, {} layer", finding.denied.word().word(), finding.stopped_by),
                ];
                let cells: Vec<String> = cells.iter().map(|cell| code(cell)).collect();
                let _ = writeln!(text, "| {} |", cells.join(" | "));
            }
            if more > 0 {
                let _ = writeln!(text, "\n… and {more} more, which `--all` lists.");
            }
        }
        if !proof.unknown.is_empty() {
            let _ = writeln!(text, "\nOf {} calls nothing could be said.", proof.unknown.len());
        }
    }
    text
}
