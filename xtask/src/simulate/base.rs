//! Who may do more, and who less, than in another version?

use std::collections::BTreeSet;
use std::fmt::Write as _;

use permitlab::diff::Kind;
use permitlab::prove::{Changes, Finding, Proof, Verdict, prove};
use permitlab::root::PolicyRoot;
use permitlab::table::difference::{Comparison, Differing, Refused, differences, worlds};
use permitlab::table::{Edit, Outcome, Stage};
use permitlab_evaluator::prove::Budget;
use serde_json::{Value, json};

use crate::cli::{FailOn, Format, SimulateArguments};
use crate::exit::{Exit, Refusal};
use crate::git::{self, Version};
use crate::lint::markdown::code;
use crate::output::Streams;
use crate::prove::named;
use crate::table;

/// The differences of a world.
struct Changed {
    world: String,
    lines: Vec<Differing>,
    /// What the proof over all calls says, and what it found that no line shows.
    verdict: Verdict,
    more: Vec<(Kind, Finding)>,
    /// Of how many calls nothing could be said.
    unknown: usize,
}

impl Changed {
    fn of(world: String, lines: Vec<Differing>, proof: Proof) -> Self {
        let Proof { verdict, gained, lost, unknown, .. } = proof;
        let all = gained.into_iter().map(|finding| (Kind::Gained, finding));
        let all = all.chain(lost.into_iter().map(|finding| (Kind::Lost, finding)));
        let more = all.filter(|(kind, finding)| !is_shown(&lines, *kind, finding)).collect();
        Self { world, lines, verdict, more, unknown: unknown.len() }
    }

    fn is_nothing(&self) -> bool {
        self.lines.is_empty() && self.more.is_empty() && self.unknown == 0
    }

    /// What the proof says, in a sentence.
    fn proved(&self) -> String {
        if self.unknown > 0 {
            return format!("not proved: of {} calls nothing could be said", self.unknown);
        }
        let from = match self.more.len() {
            0 => "",
            1 => " (one line is known by that proof alone)",
            _ => " (some lines are known by that proof alone)",
        };
        format!(
            "proved: nobody else gains or loses access, by no other action, on no other key or role of the world{from}"
        )
    }
}

/// The statements that decide a finding.
fn by(finding: &Finding) -> impl Iterator<Item = String> + use<> {
    [finding.allowed.by.clone(), finding.denied.by.clone()].into_iter().flatten()
}

/// Whether lines show each action of a finding.
fn is_shown(lines: &[Differing], kind: Kind, finding: &Finding) -> bool {
    let Finding { who, caller, resource, actions, .. } = finding;
    let own: Vec<&Differing> = lines
        .iter()
        .filter(|line| {
            line.kind == kind && line.key == *resource && (line.principal == *who || line.principal == *caller)
        })
        .collect();
    actions.iter().all(|action| own.iter().any(|line| line.action == *action))
}

/// What all worlds together differ in.
#[derive(Default)]
struct Found {
    worlds: Vec<Changed>,
    /// The edits that explain a line in no world.
    unexplained: BTreeSet<Edit>,
    calls: usize,
}

impl Found {
    fn lines(&self) -> impl Iterator<Item = &Differing> {
        self.worlds.iter().flat_map(|world| &world.lines)
    }

    fn more(&self) -> impl Iterator<Item = &(Kind, Finding)> {
        self.worlds.iter().flat_map(|world| &world.more)
    }
}

/// Compares the access tables of every world with those of a revision.
pub(super) fn run(
    arguments: &SimulateArguments,
    root: &PolicyRoot,
    revision: &str,
    streams: &mut Streams,
) -> anyhow::Result<Exit> {
    let Version { root: before, is_there } = git::root_at(root, revision)?;
    if !is_there {
        git::all_is_new(revision, streams)?;
    }
    let mut all = Found::default();
    let mut explained = BTreeSet::new();
    let worlds = worlds(&before, root)?;
    if worlds.is_empty() {
        let refusal = Refusal::new(Exit::NothingMatched, "there is no world to compare, here or there");
        return Err(refusal.help("worlds are `fixtures/**/*.yaml` of the policy root").into());
    }
    let mut unchanged = None;
    let mut is_applied = arguments.changes.is_empty();
    for world in worlds {
        // A change is about the worlds that know what it changes.
        let mut changes = arguments.changes.as_slice();
        if !changes.is_empty() && Stage::of(root, &world, &[]).is_ok() {
            match Stage::of(root, &world, changes) {
                Ok(_) => is_applied = true,
                Err(why) => {
                    unchanged.get_or_insert(why);
                    changes = &[];
                }
            }
        }
        match differences(&before, root, &world, changes) {
            Ok(Comparison { lines, explained: told, unexplained, calls }) => {
                all.calls += calls;
                all.unexplained.extend(unexplained);
                explained.extend(told);
                let proof =
                    match prove(&before, root, &world, Changes { accepted: &[], after: changes }, Budget::default()) {
                        Ok(proof) => proof,
                        Err(refused) => return refuse(revision, *refused, streams),
                    };
                let changed = Changed::of(world, lines, proof);
                if !changed.is_nothing() {
                    all.worlds.push(changed);
                }
            }
            Err(refused) => {
                let Refused { is_before, why } = *refused;
                return refuse(revision, (is_before, why), streams);
            }
        }
    }
    if let (false, Some(why)) = (is_applied, unchanged) {
        return table::invalid(&why, streams);
    }
    let shown: BTreeSet<String> = all.more().flat_map(|(_, finding)| by(finding)).collect();
    all.unexplained.retain(|edit| !explained.contains(edit) && !shown.contains(&edit.what));
    arguments.reports.write(streams, |format| match format {
        Format::Human => human(&all),
        Format::Json => format!("{:#}\n", json(&all, revision)),
        Format::Markdown => markdown(&all, revision),
        // Refused before.
        Format::Junit | Format::Sarif | Format::Github => String::new(),
    })?;
    let has = |kind: Kind| all.lines().any(|each| each.kind == kind) || all.more().any(|(own, _)| *own == kind);
    let fails = match arguments.fail_on {
        // What is not proved may be gained.
        FailOn::Gained => has(Kind::Gained) || all.worlds.iter().any(|world| world.unknown > 0),
        FailOn::Lost => has(Kind::Lost),
        FailOn::Any => !all.worlds.is_empty() || !all.unexplained.is_empty(),
    };
    Ok(if fails && is_there { Exit::Failed } else { Exit::Fine })
}

/// Says in which version something is wrong, and what.
fn refuse(
    revision: &str,
    (is_before, why): (bool, permitlab::table::Refused),
    streams: &mut Streams,
) -> anyhow::Result<Exit> {
    let side = if is_before { format!("in `{revision}`") } else { "in the work tree".to_owned() };
    streams.err.line(format_args!("{side}:"))?;
    table::invalid(&why, streams)
}

fn closing(all: &Found) -> String {
    let count = |kind: Kind| {
        let of_proof = all.more().filter(|(own, _)| *own == kind).count();
        all.lines().filter(|each| each.kind == kind).count() + of_proof
    };
    let mut text =
        format!("{} gained, {} lost, {} changed", count(Kind::Gained), count(Kind::Lost), count(Kind::Changed));
    if !all.unexplained.is_empty() {
        let _ = write!(text, ", {} not explained", all.unexplained.len());
    }
    let _ = write!(text, "; {} call{} compared", all.calls, if all.calls == 1 { "" } else { "s" });
    if all.worlds.is_empty() {
        text.push_str("; proved: nobody may do more than before, and nobody less");
    }
    text
}

/// What an edit that no line explains may be.
const UNEXPLAINED: &str = "edited, and no line says what for: what it changes is none of the calls compared";

fn human(all: &Found) -> String {
    let mut text = String::new();
    for changed in &all.worlds {
        let _ = writeln!(text, "{}", changed.world);
        let lines = changed.lines.iter().map(|line| (line.kind, line.line()));
        let more = changed.more.iter().map(|(kind, finding)| (*kind, more_line(finding)));
        for (kind, line) in lines.chain(more) {
            let (colour, kind) = match kind {
                Kind::Gained => ("\u{1b}[31m", "GAINED "),
                Kind::Lost => ("\u{1b}[33m", "LOST   "),
                Kind::Changed => ("", "CHANGED"),
            };
            let end = if colour.is_empty() { "" } else { "\u{1b}[0m" };
            let _ = writeln!(text, "  {colour}{kind}{end}  {line}");
        }
        let _ = writeln!(text, "  {}", changed.proved());
    }
    if !all.unexplained.is_empty() {
        let _ = writeln!(text, "{UNEXPLAINED}");
        for edit in &all.unexplained {
            let _ = writeln!(text, "  \u{1b}[33mEDITED \u{1b}[0m  {}", edit.line());
        }
    }
    let _ = writeln!(text, "{}", closing(all));
    text
}

fn json(all: &Found, revision: &str) -> Value {
    let more = |each: &Changed, kind: Kind| {
        each.more.iter().filter(|(own, _)| *own == kind).map(|(_, finding)| finding.json()).collect::<Vec<_>>()
    };
    let world = |each: &Changed| {
        json!({ "world": each.world, "differences": each.lines.iter().map(Differing::json).collect::<Vec<_>>(),
            "proof": { "verdict": each.verdict.word(), "gained": more(each, Kind::Gained),
                "lost": more(each, Kind::Lost), "unknown": each.unknown } })
    };
    json!({ "base": revision, "worlds": all.worlds.iter().map(world).collect::<Vec<_>>(),
        "unexplained": all.unexplained.iter().map(Edit::json).collect::<Vec<_>>(), "calls": all.calls })
}

/// A table for each world and kind, the gained ones first.
fn markdown(all: &Found, revision: &str) -> String {
    let mut text = format!("### Access, compared with `{revision}`\n\n**{}**\n", closing(all));
    if all.worlds.is_empty() {
        text.push_str("\nThe proof is over all calls on keys and roles.\n");
    }
    for kind in [Kind::Gained, Kind::Lost, Kind::Changed] {
        for Changed { world, lines, more, .. } in &all.worlds {
            let own: Vec<&Differing> = lines.iter().filter(|line| line.kind == kind).collect();
            let more: Vec<&Finding> = more.iter().filter(|(of, _)| *of == kind).map(|(_, finding)| finding).collect();
            if own.is_empty() && more.is_empty() {
                continue;
            }
            let _ = write!(text, "\n#### {} in `{world}`\n\n", title(kind));
            text.push_str("| who | key | action | path | before | after |\n|---|---|---|---|---|---|\n");
            for Differing { principal, key, action, path, before, after, .. } in own {
                let cells = [principal, key, action, path].map(|each| code(each));
                let sides = [before, after].map(side);
                let _ = writeln!(text, "| {} | {} |", cells.join(" | "), sides.join(" | "));
            }
            for Finding { who, resource, actions, denied, allowed, ways, .. } in more {
                let how = ways.as_ref().map_or_else(|| "some way".to_owned(), |ways| ways.join("; or "));
                let cells = [who, resource, &named(actions), &how].map(|each| code(each));
                let sides = if kind == Kind::Lost { [allowed, denied] } else { [denied, allowed] }.map(side);
                let _ = writeln!(text, "| {} | {} |", cells.join(" | "), sides.join(" | "));
            }
        }
    }
    for world in &all.worlds {
        let _ = writeln!(text, "\n`{}`, {}.", world.world, world.proved());
    }
    if !all.unexplained.is_empty() {
        text.push_str("\n#### Edited, and not explained\n\nWhat these change is none of the calls compared.\n\n");
        text.push_str("| what | edit | where |\n|---|---|---|\n");
        for Edit { what, place, kind } in &all.unexplained {
            let place = place.as_deref().map(code).unwrap_or_default();
            let _ = writeln!(text, "| {} | {} | {place} |", code(what), kind.word());
        }
    }
    text
}

const fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Gained => "Gained",
        Kind::Lost => "Lost",
        Kind::Changed => "Decided otherwise",
    }
}

fn side(outcome: &Outcome) -> String {
    code(&outcome.to_string())
}

/// A finding that no line shows: who, on what, by which actions, and under which conditions.
fn more_line(finding: &Finding) -> String {
    let Finding { who, resource, actions, ways, allowed, .. } = finding;
    let how = ways.as_ref().map_or_else(|| finding.circumstances(), |ways| ways.join("; or "));
    format!("{who}  {resource}  {}  {how}  {allowed}", named(actions))
}
