//! Who may do more, and who less, than in another version?

use std::collections::BTreeSet;
use std::fmt::Write as _;

use permitlab::diff::Kind;
use permitlab::root::PolicyRoot;
use permitlab::table::difference::{Comparison, Differing, Refused, differences, worlds};
use permitlab::table::{Edit, Outcome, Stage};
use serde_json::{Value, json};

use crate::cli::{FailOn, Format, SimulateArguments};
use crate::exit::{Exit, Refusal};
use crate::git::{self, Version};
use crate::output::Streams;
use crate::table;

/// The differences of a world.
struct Changed {
    world: String,
    lines: Vec<Differing>,
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
                if !lines.is_empty() {
                    all.worlds.push(Changed { world, lines });
                }
            }
            Err(refused) => {
                let Refused { is_before, why } = *refused;
                let side = if is_before { format!("in `{revision}`") } else { "in the work tree".to_owned() };
                streams.err.line(format_args!("{side}:"))?;
                return table::invalid(&why, streams);
            }
        }
    }
    if let (false, Some(why)) = (is_applied, unchanged) {
        return table::invalid(&why, streams);
    }
    all.unexplained.retain(|edit| !explained.contains(edit));
    arguments.reports.write(streams, |format| match format {
        Format::Human => human(&all),
        Format::Json => format!("{:#}\n", json(&all, revision)),
        Format::Markdown => markdown(&all, revision),
        // Refused before.
        Format::Junit | Format::Sarif | Format::Github => String::new(),
    })?;
    let has = |kind: Kind| all.lines().any(|each| each.kind == kind);
    let fails = match arguments.fail_on {
        FailOn::Gained => has(Kind::Gained),
        FailOn::Lost => has(Kind::Lost),
        FailOn::Any => all.lines().next().is_some() || !all.unexplained.is_empty(),
    };
    Ok(if fails && is_there { Exit::Failed } else { Exit::Fine })
}

fn closing(all: &Found) -> String {
    let count = |kind: Kind| all.lines().filter(|each| each.kind == kind).count();
    let mut text =
        format!("{} gained, {} lost, {} changed", count(Kind::Gained), count(Kind::Lost), count(Kind::Changed));
    if !all.unexplained.is_empty() {
        let _ = write!(text, ", {} not explained", all.unexplained.len());
    }
    let _ = write!(text, "; {} call{} compared", all.calls, if all.calls == 1 { "" } else { "s" });
    text
}

/// What an edit that no line explains may be.
const UNEXPLAINED: &str = "edited, and no line says what for: what it changes is none of the calls compared";

fn human(all: &Found) -> String {
    let mut text = String::new();
    for Changed { world, lines } in &all.worlds {
        let _ = writeln!(text, "{world}");
        for line in lines {
            let (colour, kind) = match line.kind {
                Kind::Gained => ("\u{1b}[31m", "GAINED "),
                Kind::Lost => ("\u{1b}[33m", "LOST   "),
                Kind::Changed => ("", "CHANGED"),
            };
            let end = if colour.is_empty() { "" } else { "\u{1b}[0m" };
            let _ = writeln!(text, "  {colour}{kind}{end}  {}", line.line());
        }
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
    let world = |each: &Changed| json!({ "world": each.world, "differences": each.lines.iter().map(Differing::json).collect::<Vec<_>>() });
    json!({ "base": revision, "worlds": all.worlds.iter().map(world).collect::<Vec<_>>(),
        "unexplained": all.unexplained.iter().map(Edit::json).collect::<Vec<_>>(), "calls": all.calls })
}

/// A table for each world and kind, the gained ones first.
fn markdown(all: &Found, revision: &str) -> String {
    let mut text = format!("### Access, compared with `{revision}`\n\n**{}**\n", closing(all));
    if all.worlds.is_empty() {
        text.push_str("\nNone of the calls compared is answered otherwise.\n");
    }
    for kind in [Kind::Gained, Kind::Lost, Kind::Changed] {
        for Changed { world, lines } in &all.worlds {
            let own: Vec<&Differing> = lines.iter().filter(|line| line.kind == kind).collect();
            if own.is_empty() {
                continue;
            }
            let _ = write!(text, "\n#### {} in `{world}`\n\n", title(kind));
            text.push_str("| who | key | action | path | before | after |\n|---|---|---|---|---|---|\n");
            for Differing { principal, key, action, path, before, after, .. } in own {
                let cells = [principal, key, action, path].map(|each| code(each));
                let sides = [before, after].map(side);
                let _ = writeln!(text, "| {} | {} |", cells.join(" | "), sides.join(" | "));
            }
        }
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

/// A text as code in a cell of a table, where a `|` would end the cell.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|").replace('`', "'"))
}
