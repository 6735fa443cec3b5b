//! What does each reader promise for any input?

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{env, fs, process};

use permitlab::decide::Decider;
use permitlab::facts::{self, Facts};
use permitlab::file::{self, Named, Text};
use permitlab::render::{Colour, line, report};
use permitlab::replay::{Options, Replayed, replay};
use permitlab::root::PolicyRoot;
use permitlab::{change, report as told};
use permitlab_evaluator::action::{ActionName, ActionPattern};
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::condition::binary::Binary;
use permitlab_evaluator::condition::boolean::Boolean;
use permitlab_evaluator::condition::date::{self, Instant};
use permitlab_evaluator::condition::ip::{Address, IpRange};
use permitlab_evaluator::condition::numeric::Decimal;
use permitlab_evaluator::condition::operator::Operator;
use permitlab_evaluator::condition::{Condition, Operand};
use permitlab_evaluator::context::{ConditionKey, Origin, Presence, RequestContext, Values};
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::glob::{self as patterns, Case, Token};
use permitlab_evaluator::json;
use permitlab_evaluator::policy::pattern::{ArnPattern, Completion};
use permitlab_evaluator::policy::{self, Document, PolicyType, Version};
use permitlab_evaluator::principal::{Principal, PrincipalPattern};
use permitlab_evaluator::source::{SourceMap, Span};

/// The types a policy can be attached as.
const TYPES: [PolicyType; 9] = [
    PolicyType::Identity,
    PolicyType::Boundary,
    PolicyType::Session,
    PolicyType::Key,
    PolicyType::Trust,
    PolicyType::Resource,
    PolicyType::VpcEndpoint,
    PolicyType::ServiceControl,
    PolicyType::ResourceControl,
];

/// The JSON reader: what it reads, another reader of JSON reads too, and a refusal points into the text.
pub(crate) fn json(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let mut sources = SourceMap::new();
    let Ok(id) = sources.add("input.json", text) else { return };
    match json::parse(id, text) {
        Ok(_) => {
            let other: Result<serde_json::Value, _> = serde_json::from_str(text.trim_start_matches('\u{feff}'));
            if let Err(error) = other {
                assert!(is_beyond(&error), "serde_json refuses what was read: {error}");
            }
        }
        Err(finding) => is_drawn(&sources, &finding),
    }
}

/// What other readers of JSON have no room for: deep nesting and numbers beyond a double.
fn is_beyond(error: &serde_json::Error) -> bool {
    let message = error.to_string();
    message.contains("recursion limit") || message.contains("number out of range")
}

/// The policy reader and the linter, for every type a policy can have: findings point into the text, and a repair is
/// JSON.
pub(crate) fn policy(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    for kind in TYPES {
        let mut sources = SourceMap::new();
        let Ok(id) = sources.add("input.json", text) else { return };
        let twice = Document::read("input.json", id, text).map(|document| policy::parse(&document, kind));
        let once = policy::read("input.json", id, text, kind);
        assert_eq!(format!("{once:?}"), format!("{twice:?}"), "one pass reads what two do, as {kind:?}");
        match permitlab::lint::lint(&mut sources, "input.json", text, Some(kind)) {
            Ok((_, findings)) => {
                for finding in &findings {
                    is_drawn(&sources, &finding.diagnostic);
                }
            }
            Err(finding) => is_drawn(&sources, &finding),
        }
    }
}

/// The glob matcher: it agrees with a table of every prefix of the pattern against every prefix of the text.
pub(crate) fn glob(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let (pattern, text) = text.split_once('\n').unwrap_or((text, ""));
    if pattern.len() * text.len() > 1 << 20 {
        return;
    }
    let characters: Vec<String> = pattern.chars().map(String::from).collect();
    let tokens: Vec<Token<&str>> = characters
        .iter()
        .map(|character| match character.as_str() {
            "*" => Token::AnyRun,
            "?" => Token::AnyOne,
            literal => Token::Literal(literal),
        })
        .collect();
    let expected = matches_by_table(&tokens, text);
    assert_eq!(patterns::matches(&tokens, text, Case::Sensitive), expected, "`{pattern}` against `{text}`");
    if expected {
        assert!(patterns::matches(&tokens, text, Case::Insensitive), "`{pattern}` against `{text}` in any case");
    }
}

fn matches_by_table(tokens: &[Token<&str>], text: &str) -> bool {
    let text: Vec<String> = text.chars().map(String::from).collect();
    // Whether the tokens so far match each prefix of the text.
    let mut reached = vec![false; text.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    for token in tokens {
        let mut next = vec![false; text.len() + 1];
        let mut before = false;
        for (at, place) in next.iter_mut().enumerate() {
            let here = reached.get(at).copied().unwrap_or(false);
            let above = at.checked_sub(1);
            let diagonal = above.and_then(|at| reached.get(at)).copied().unwrap_or(false);
            let character = above.and_then(|at| text.get(at));
            *place = match token {
                Token::AnyRun => here || before,
                Token::AnyOne => diagonal,
                Token::Literal(literal) => diagonal && character.is_some_and(|own| own == literal),
            };
            before = *place;
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

/// ARNs, actions and principals: what is read prints as it was written, and a pattern of a text without wildcards
/// matches that text.
pub(crate) fn arn(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    if let Ok(arn) = Arn::parse(text) {
        assert_eq!(arn.fields().join(":"), text);
        let pattern = ArnPattern::parse_resource(text, Version::V2008, Completion::Never);
        assert!(text.contains(['*', '?']) || pattern.matches(&arn, &RequestContext::closed()).holds(), "{text}");
    }
    if let Ok(action) = ActionName::parse(text) {
        let pattern = ActionPattern::parse(text);
        assert!(pattern.is_ok_and(|pattern| pattern.matches(&action)), "{text} matches itself");
    }
    let caller = Principal::parse(text);
    let entry = PrincipalPattern::parse_aws(text);
    if let (Ok(caller), Ok(entry)) = (caller, entry) {
        let names_nobody = matches!(entry, PrincipalPattern::Nobody | PrincipalPattern::UniqueId(_));
        assert!(names_nobody || entry.covers(&caller).is_some(), "`{text}` covers itself");
    }
}

/// The values of condition operators: reading is total, and order is an order.
pub(crate) fn values(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let lines: Vec<&str> = text.split('\n').take(8).collect();
    is_ordered(&lines.iter().filter_map(|line| Decimal::parse(line).ok()).collect::<Vec<_>>());
    is_ordered(
        &lines.iter().filter_map(|line| Some(Instant::parse(line).ok()?.epoch_seconds().clone())).collect::<Vec<_>>(),
    );
    for line in lines {
        let _ = (Boolean::parse(line), Binary::parse(line), date::is_ambiguous(line), date::numeric_value(line));
        if let (Ok(address), Ok(range)) = (Address::parse(line), IpRange::parse(line)) {
            assert!(range.contains(address), "`{line}` contains itself");
        }
    }
}

/// Of any three, the first two orders settle the third, and order turned round is order.
fn is_ordered<T: Ord>(values: &[T]) {
    for one in values {
        for other in values {
            assert_eq!(one.cmp(other), other.cmp(one).reverse());
            for third in values {
                assert!(!(one <= other && other <= third) || one <= third);
            }
        }
    }
}

/// A condition on a key with a value, written as operator, operands and value, a line each: it says the same when asked
/// again, and the negated operator never agrees.
pub(crate) fn condition(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let mut lines = text.split('\n');
    let (Some(operator), Some(operands), Some(value)) = (lines.next(), lines.next(), lines.next()) else { return };
    let Ok(operator) = Operator::parse(operator) else { return };
    let mut sources = SourceMap::new();
    let Ok(id) = sources.add("input", text) else { return };
    let span = Span::new(id, 0, 0);
    let read = |operand: &str| Operand::new(json::Text::new(operand, span), operator, Version::V2012);
    let key = ConditionKey::new("permitlab:Key");
    let operands = operands.split('\t').map(read).collect();
    let spans = (span, span, span);
    let condition =
        Condition { operator, key, key_type: None, operands, operator_span: spans.0, key_span: spans.1, span: spans.2 };
    for presence in [
        Presence::Present(Values::One(value.to_owned())),
        Presence::Present(Values::Many(value.split('\t').map(str::to_owned).collect())),
        Presence::Absent,
    ] {
        let mut context = RequestContext::closed();
        context.set("permitlab:Key", presence, Origin::Operation);
        let (once, again) = (condition.holds(&context), condition.holds(&context));
        assert_eq!(once, again);
        let _ = condition.rejected(&context);
    }
}

/// A world: it is read and used, or each finding can be drawn.
pub(crate) fn world(input: &[u8]) {
    let scratch = scratch("world");
    let used = b"scenario: A world\nuse: [fixtures/input.yaml]\nchecks:\n  - { name: it, by: anonymous, call: \"kms:ListKeys\", expect: deny }\n";
    scratch.write("fixtures/input.yaml", input);
    scratch.write("cases/input.yaml", used);
    is_told(&scratch.replay("cases/input.yaml"));
}

/// A flow: it is read, or each finding can be drawn.
pub(crate) fn flow(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let mut sources = SourceMap::new();
    let Ok(id) = sources.add("flow.yaml", text) else { return };
    if let Err(findings) = file::read_flow(&sources, id) {
        assert!(!findings.is_empty(), "a flow is refused for a reason");
        for finding in &findings {
            is_drawn(&sources, finding);
        }
    }
}

/// A scenario file in the bundled policy root: it is replayed to the end, the same way twice.
pub(crate) fn scenario(input: &[u8]) {
    let scratch = scratch("scenario");
    scratch.write("cases/input.yaml", input);
    let replayed = scratch.replay("cases/input.yaml");
    is_told(&replayed);
    assert_eq!(told::snapshot(&replayed), told::snapshot(&scratch.replay("cases/input.yaml")));
}

/// A change of the bundled evaluation world: it is applied, and the world it makes can be built or is refused.
pub(crate) fn change(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let scratch = scratch("scenario");
    let (mut facts, mut sources) = bundled(&scratch.root);
    let Ok(id) = sources.add("change", text) else { return };
    let written = Text::new(text, Span::new(id, 0, text.len()));
    match change::apply(&mut facts, &scratch.root, &mut sources, &written) {
        Ok(()) => {
            if let Err(findings) = facts.world() {
                for finding in &findings {
                    is_drawn(&sources, finding);
                }
            }
        }
        Err(finding) => is_drawn(&sources, &finding),
    }
}

fn bundled(root: &PolicyRoot) -> (Facts, SourceMap) {
    let mut sources = SourceMap::new();
    let name = "fixtures/bedrock-eval.yaml";
    let id = sources.add("use", name).unwrap_or_else(|error| panic!("{error}"));
    let text = Text::new(name, Span::new(id, 0, name.len()));
    match facts::load(root, &mut sources, [&text], &Named::default()) {
        Ok(facts) => (facts, sources),
        Err(findings) => panic!("the bundled world is broken: {findings:?}"),
    }
}

/// Lines of `decide`: each that is not blank has one answer at most, a line of JSON.
pub(crate) fn decide(input: &[u8]) {
    let mut decider = Decider::new();
    for (index, line) in input.split(|byte| *byte == b'\n').enumerate() {
        let Some(answer) = decider.line(index + 1, line) else { continue };
        assert!(!answer.contains('\n'), "an answer is one line");
        assert!(answer.starts_with('{'), "an answer is an object");
        let read: Result<serde_json::Value, _> = serde_json::from_str(&answer);
        // An `id` comes back as it was written, also a number that a double cannot hold.
        assert!(read.as_ref().err().is_none_or(is_beyond), "an answer is JSON: {read:?}");
    }
}

/// A finding is drawn whatever it points at, and says something.
fn is_drawn(sources: &SourceMap, finding: &Diagnostic) {
    assert!(!finding.message.is_empty() && !finding.code.is_empty());
    assert!(report(sources, finding, Colour::Never).contains(finding.code));
    assert!(line(sources, finding).contains(finding.code));
}

/// What came of a file can be told in every form, and a file that asks nothing is an error.
fn is_told(replayed: &Replayed) {
    assert!(!replayed.findings.is_empty() || !replayed.checks.is_empty(), "a file that asks nothing passes silently");
    for drawn in told::findings(replayed, Colour::Never) {
        assert!(!drawn.is_empty());
    }
    let _ = (told::failures(replayed, Colour::Never), told::snapshot(replayed), told::to_json(replayed));
}

/// A policy root of this process's own, with the bundled policies, worlds and flows.
struct Scratch {
    root: PolicyRoot,
    folder: PathBuf,
}

/// The root of a target, made at its first use.
fn scratch(target: &'static str) -> &'static Scratch {
    static WORLD: OnceLock<Scratch> = OnceLock::new();
    static SCENARIO: OnceLock<Scratch> = OnceLock::new();
    let place = if target == "world" { &WORLD } else { &SCENARIO };
    place.get_or_init(|| Scratch::new(target))
}

impl Scratch {
    fn new(target: &str) -> Self {
        let folder = env::temp_dir().join(format!("permitlab-fuzz-{}-{target}", process::id()));
        let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
        for part in ["policies", "fixtures", "flows"] {
            copy(&bundled.join(part), &folder.join(part));
        }
        fs::create_dir_all(folder.join("cases")).expect("the temporary folder can be written");
        fs::write(folder.join("permitlab.toml"), "").expect("the temporary folder can be written");
        Self { root: PolicyRoot::at(&folder), folder }
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        fs::write(self.folder.join(path), bytes).expect("the temporary folder can be written");
    }

    fn replay(&self, path: &str) -> Replayed {
        replay(&self.root, path, &Options::default())
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the temporary folder can be written");
    for entry in fs::read_dir(from).expect("the bundled files can be read").flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("the temporary folder can be written");
        }
    }
}
