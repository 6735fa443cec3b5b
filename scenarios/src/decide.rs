//! What does each of many self-contained cases, a line each, come to?
//!
//! JSON Lines in, JSON Lines out, for other programs and for bulk work. `docs/decide.md` describes the format, whose
//! version is [`VERSION`]. A line holds a request and the policies that apply to it, or names a set of policies that
//! an earlier line defined; nothing is read from anywhere else. Every case gets one answer, in the order of the
//! lines. A line that is no case gets an answer that says what is wrong and where, and never stops the lines after
//! it; a blank line and a good `define` get none.
//!
//! The lines are read by the evaluator's own JSON reader, which keeps what policies need: members there twice, the
//! digits of numbers and the place of everything.

mod answer;
mod fault;
mod field;
mod grants;
mod policies;
mod request;

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::sync::LazyLock;

use memchr::memmem::Finder;
use permitlab_evaluator::authorize::{self, before_policies};
use permitlab_evaluator::decision::Effect;
use permitlab_evaluator::derive;
use permitlab_evaluator::diagnostic::closest;
use permitlab_evaluator::json::{self, Kind};
use permitlab_evaluator::layer::{Layer, Verdict};
use permitlab_evaluator::policy::{PolicyType, document};
use permitlab_evaluator::service::{self, Service, Sharing};
use permitlab_evaluator::source::{LONGEST, SourceId};
use permitlab_evaluator::truth::Rules;
use permitlab_evaluator::world::kms::KeyState;
use rayon::iter::{IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};

use answer::{Answer, Refused};
use fault::suggestion;
use field::{Field, Fields};
use policies::{Bundle, RESOURCE_POLICIES};
use request::Asked;

pub use fault::Fault;

/// The version of the format. Within a version, answers may gain fields and lines optional ones; nothing else
/// changes.
pub const VERSION: &str = "1";

const CASE_FIELDS: [&str; 6] = ["id", "version", "request", "policies", "grants", "key_state"];
const DEFINE_FIELDS: [&str; 5] = ["id", "version", "define", "policies", "grants"];

/// Answers lines, and remembers the sets of policies they define.
#[derive(Debug, Default)]
pub struct Decider {
    sets: BTreeMap<String, Defined>,
}

/// A set by the line that defines it; `None` once it cannot be used.
#[derive(Debug)]
struct Defined {
    line: usize,
    set: Option<Bundle>,
}

/// Answers every line of `input`, in order. Lines that could be read at once are answered together, on all threads of the
/// current pool, and their answers are handed on before more is waited for, so that a program may ask line by line.
///
/// # Errors
/// The input cannot be read, or the output cannot be written.
pub fn decide(input: impl BufRead, output: &mut impl Write) -> io::Result<()> {
    for batch in answers(input) {
        output.write_all(batch?.as_bytes())?;
        output.flush()?;
    }
    Ok(())
}

/// The answers to the lines of `input`, in order, each with its line break: as many at a time as could be read at once. An
/// input that cannot be read further ends with the error.
pub fn answers(mut input: impl BufRead) -> impl Iterator<Item = io::Result<String>> {
    let (mut bulk, mut is_over) = (Bulk::default(), false);
    std::iter::from_fn(move || {
        while !is_over {
            let read = match input.fill_buf() {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    is_over = true;
                    return Some(Err(error));
                }
            };
            let length = read.len();
            is_over = length == 0;
            let answers = if is_over { bulk.end() } else { bulk.take(read) };
            input.consume(length);
            if !answers.is_empty() {
                return Some(Ok(answers));
            }
        }
        None
    })
}

/// Lines in pieces as they are read, and the answers to those that are whole.
#[derive(Debug, Default)]
struct Bulk {
    decider: Decider,
    /// The lines answered so far.
    lines: usize,
    /// The start of a line whose end was not read yet.
    begun: Vec<u8>,
}

impl Bulk {
    /// Answers the lines that end in what was read.
    fn take(&mut self, read: &[u8]) -> String {
        let Some(end) = memchr::memrchr(b'\n', read) else {
            // Of a line that is too long, no more is kept than says so.
            let room = (LONGEST + CUT).saturating_sub(self.begun.len());
            self.begun.extend_from_slice(read.get(..room).unwrap_or(read));
            return String::new();
        };
        let (whole, begun) = read.split_at(end + 1);
        let mut lines = std::mem::replace(&mut self.begun, begun.to_vec());
        if lines.is_empty() {
            return self.answer(whole);
        }
        lines.extend_from_slice(whole);
        self.answer(&lines)
    }

    /// Answers the last line, which has no line break.
    fn end(&mut self) -> String {
        let last = std::mem::take(&mut self.begun);
        if last.is_empty() { String::new() } else { self.answer(&last) }
    }

    /// Answers whole lines. A line that may define a set is a border: those before it do not know the set, those after it do.
    fn answer(&mut self, text: &[u8]) -> String {
        let lines: Vec<&[u8]> = lines(text).collect();
        let mut answers = String::with_capacity(text.len());
        let mut rest = lines.as_slice();
        while !rest.is_empty() {
            let cases = rest.iter().position(|line| may_define(line)).unwrap_or(rest.len());
            let (together, after) = rest.split_at(cases);
            self.cases(together, &mut answers);
            let Some((define, after)) = after.split_first() else { break };
            self.lines += 1;
            add(&mut answers, self.decider.line(self.lines, define));
            rest = after;
        }
        answers
    }

    fn cases(&mut self, lines: &[&[u8]], answers: &mut String) {
        let (decider, first) = (&self.decider, self.lines + 1);
        let answered = lines.par_iter().enumerate().with_min_len(TOGETHER);
        let answered: Vec<_> = answered.map(|(at, line)| decider.answer(first + at, line)).collect();
        for answer in answered {
            add(answers, answer);
        }
        self.lines += lines.len();
    }
}

/// The lines of a text, each with its line break.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = memchr::memchr_iter(b'\n', text).map(|at| at + 1);
    let last = (!text.is_empty() && !text.ends_with(b"\n")).then_some(text.len());
    let ends = ends.chain(last);
    ends.scan(0, |start, end| text.get(std::mem::replace(start, end)..end))
}

/// How many bytes too many a line has at least that was cut: more than the characters of a line break.
const CUT: usize = 3;

/// Lines that one thread takes at a time.
const TOGETHER: usize = 32;

fn add(answers: &mut String, answer: Option<String>) {
    if let Some(answer) = answer {
        answers.push_str(&answer);
        answers.push('\n');
    }
}

/// Whether a line may have a member `define`, whose name may be written with escapes.
fn may_define(line: &[u8]) -> bool {
    static DEFINE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"define\""));
    static ESCAPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\\u"));
    DEFINE.find(line).is_some() || ESCAPE.find(line).is_some()
}

impl Decider {
    /// One that knows no set yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers a line, counted from 1: a line of JSON, with its line break or without. A blank line and a good `define` have no
    /// answer.
    pub fn line(&mut self, number: usize, bytes: &[u8]) -> Option<String> {
        match read(number, bytes)? {
            Ok((text, value)) if document::member(&value, "define").is_some() => {
                let result = self.define(number, &Field::line(text, &value));
                result.err().map(|fault| refused(number, id(text, &value), &fault))
            }
            Ok((text, value)) => Some(self.judged(number, text, &value)),
            Err(answer) => Some(answer),
        }
    }

    /// The same for a line that defines no set.
    fn answer(&self, number: usize, bytes: &[u8]) -> Option<String> {
        Some(match read(number, bytes)? {
            Ok((text, value)) => self.judged(number, text, &value),
            Err(answer) => answer,
        })
    }

    fn judged(&self, number: usize, text: &str, value: &json::Value) -> String {
        match self.case(&Field::line(text, value)) {
            Ok(answer) => answer::line(id(text, value), &answer),
            Err(fault) => refused(number, id(text, value), &fault),
        }
    }

    /// Names a set. What a bad line names stays named, and cannot be used: nobody knows what it should have been.
    fn define(&mut self, number: usize, line: &Field<'_>) -> Result<(), Fault> {
        let name = set_name(line)?;
        let path = name.path();
        let (name, field) = (name.text()?.to_owned(), name);
        if let Some(first) = self.sets.get_mut(&name) {
            first.set = None;
            let message = format!("line {} names a set `{name}` already; from here on neither can be used", first.line);
            return Err(Fault { at: Some(path), ..field.fault("duplicate-set", message) });
        }
        let read = set(line);
        let (set, result) = match read {
            Ok(set) => (Some(set), Ok(())),
            Err(fault) => (None, Err(fault)),
        };
        self.sets.insert(name, Defined { line: number, set });
        result
    }

    fn case(&self, line: &Field<'_>) -> Result<Answer, Fault> {
        let fields = line.fields(&CASE_FIELDS)?;
        check_version(&fields)?;
        let asked = Asked::read(fields.required("request")?)?;
        let grants = grants::read(&fields)?;
        let state = fields.optional("key_state").map_or(Ok(KeyState::Enabled), key_state)?;
        match fields.optional("policies") {
            None => judge(&asked, &Bundle::default().with(grants), state),
            Some(field) => match field.kind() {
                Kind::String(_) if !grants.is_empty() => {
                    let message =
                        "a line that uses a set takes its grants from there; add them to the line that defines it";
                    Err(fields.optional("grants").unwrap_or(field).fault("grants-beside-set", message))
                }
                Kind::String(name) => {
                    let (set, line) = self.set(name.as_str(), field)?;
                    judge(&asked, set, state).map_err(|fault| {
                        let message = format!("the set of line {line} does not fit: {}", fault.message);
                        Fault { message, ..field.fault(fault.code, "") }
                    })
                }
                Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Array(_) | Kind::Object(_) => {
                    let set = Bundle::read(field, &[asked.resource_policy()])?;
                    judge(&asked, &set.with(grants), state)
                }
            },
        }
    }

    fn set(&self, name: &str, field: &Field<'_>) -> Result<(&Bundle, usize), Fault> {
        match self.sets.get(name) {
            Some(Defined { line, set: Some(set) }) => Ok((set, *line)),
            Some(Defined { line, set: None }) => {
                let message = format!(
                    "the set `{name}` of line {line} cannot be used; its answer, or that of a later definition, says why"
                );
                Err(field.fault("bad-set", message))
            }
            None => {
                let help = match closest(name, self.sets.keys().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "define it on an earlier line".to_owned(),
                };
                Err(field.fault("unknown-set", format!("no earlier line defines a set `{name}`; {help}")))
            }
        }
    }
}

/// The JSON of a line, or the answer to one that has none; `None` for a blank line.
fn read(number: usize, bytes: &[u8]) -> Option<Result<(&str, json::Value), String>> {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    if bytes.len() <= LONGEST && bytes.trim_ascii().is_empty() {
        return None;
    }
    if bytes.len() > LONGEST {
        let message = "the line is longer than 16 MiB; AWS's longest policies have 32 KiB";
        return Some(Err(refused(number, None, &Fault::new("too-large", message, "", "", 0))));
    }
    let text = match utf8(bytes) {
        Ok(text) => text,
        Err(fault) => return Some(Err(refused(number, None, &fault))),
    };
    let value = json::parse(SourceId::from_index(0), text);
    Some(value.map(|value| (text, value)).map_err(|error| refused(number, None, &Fault::of(&error, "", text))))
}

/// The id of a line, as written.
fn id<'l>(text: &'l str, value: &json::Value) -> Option<&'l str> {
    document::member(value, "id").and_then(|member| text.get(member.value.span.range()))
}

fn refused(number: usize, id: Option<&str>, fault: &Fault) -> String {
    answer::line(id, &Refused { input_line: number, error: fault })
}

fn utf8(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let valid = String::from_utf8_lossy(valid);
        Fault::new("invalid-utf8", "the line is not UTF-8", "", &valid, valid.len())
    })
}

/// The name a `define` line gives its set.
fn set_name<'l>(line: &Field<'l>) -> Result<Field<'l>, Fault> {
    let members = line.members()?;
    let define = members.into_iter().find(|(member, _)| member.name.as_str() == "define");
    define.map(|(_, field)| field).ok_or_else(|| line.not("a line with `define`"))
}

fn set(line: &Field<'_>) -> Result<Bundle, Fault> {
    let fields = line.fields(&DEFINE_FIELDS)?;
    check_version(&fields)?;
    let grants = grants::read(&fields)?;
    Ok(Bundle::read(fields.required("policies")?, &RESOURCE_POLICIES)?.with(grants))
}

/// A line may state the version of the format it is written in.
fn check_version(fields: &Fields<'_>) -> Result<(), Fault> {
    match fields.optional("version") {
        Some(field) if field.written() != VERSION => {
            let message =
                format!("version `{}` of the format is unknown; this program reads {VERSION}", field.written());
            Err(field.fault("unsupported-version", message))
        }
        Some(_) | None => Ok(()),
    }
}

fn key_state(field: &Field<'_>) -> Result<KeyState, Fault> {
    let text = field.text()?;
    KeyState::parse(text).ok_or_else(|| {
        let help = suggestion(text, KeyState::ALL.map(KeyState::name));
        field.fault("unknown-key-state", format!("no key has the state `{text}`; {help}"))
    })
}

/// The order of AWS: a key elsewhere is not found, then the policies decide, and only an allowed call meets the
/// key's state (R6.11, R6.34).
fn judge(asked: &Asked, set: &Bundle, state: KeyState) -> Result<Answer, Fault> {
    let (request, applicable) = (&asked.request, set.applicable(asked)?);
    if let Some(unavailable) = before_policies(request) {
        return Ok(Answer::before_policies(unavailable));
    }
    let context = derive::bare_context(request);
    let decision = authorize::decide(&applicable, request, &context, Rules::NONE);
    let mut warnings: Vec<String> = request
        .context
        .keys()
        .filter_map(crate::reference::unknown_key)
        .map(|(message, help)| format!("{message}; {help}"))
        .collect();
    if decision.verdict(Layer::Scp) != Verdict::NotApplicable {
        warnings
            .extend(set.empty_scp_levels().map(|level| {
                format!("`service_control/{level}` is a level without a policy, which denies everything")
            }));
    }
    if Service::of(&request.action).sharing(request) == Sharing::Delegated && applicable.resource.is_none() {
        let is_role = asked.resource_policy() == PolicyType::Trust;
        let missing = if is_role {
            "the role has no trust policy here; AWS's roles always have one"
        } else {
            "the key has no key policy here; AWS's keys always have one"
        };
        warnings.push(missing.to_owned());
    }
    let answer = Answer::decided(&applicable, request, &context, &decision).warn(warnings);
    Ok(match service::refusal(request, state) {
        Some(unavailable) if decision.effect == Effect::Allow => answer.refused_by(unavailable),
        Some(_) | None => answer,
    })
}
