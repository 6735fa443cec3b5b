//! What does a JSON text hold, exactly as written?
//!
//! AWS accepts strict JSON (R1.6). The reader keeps the place of every value, the order of members, members with
//! the same name twice, and the digits of numbers as written, so that a policy can be judged and quoted as the
//! text it is. It stops at the first syntax error: what follows one is guesswork.

use smol_str::SmolStr;

use crate::diagnostic::Diagnostic;
use crate::source::{SourceId, Span};

/// The deepest nesting that is read. AWS policies nest less than ten levels.
pub const MAX_DEPTH: usize = 128;

/// A JSON value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// From its first character to its last, quotes and brackets included.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// The kinds of JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as written.
    Number(Box<str>),
    /// A string, decoded.
    String(Text),
    /// An array.
    Array(Vec<Value>),
    /// An object: its members in order, repeated names included.
    Object(Vec<Member>),
}

/// One member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The name.
    pub name: Text,
    /// The value.
    pub value: Value,
}

/// A decoded string that knows where each part of it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    value: SmolStr,
    span: Span,
    /// `None` when every byte of the value stands for itself.
    written: Option<Box<WrittenAs>>,
}

/// How a value was written, where it does not stand in its file byte by byte.
#[derive(Debug, Clone, PartialEq, Eq)]
struct WrittenAs {
    pieces: Vec<Piece>,
    fills: Vec<Fill>,
}

/// A run of the value and the run of the file it came from. Runs of the same length map byte by byte; others
/// (an escape, a filled placeholder) map as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    value_end: u32,
    written_start: u32,
    written_end: u32,
}

/// A placeholder that was filled in a [`Text`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fill {
    /// The placeholder as written: `{{region}}`.
    pub written: Box<str>,
    /// What it was replaced with.
    pub value: Box<str>,
    /// Where it was written.
    pub span: Span,
}

/// Values for `{{name}}` and `[[name]]`.
pub trait Placeholders {
    /// The value of a name; `None` when it is unbound.
    fn value(&self, name: &str) -> Option<&str>;
}

impl Placeholders for () {
    fn value(&self, _: &str) -> Option<&str> {
        None
    }
}

impl<S: std::hash::BuildHasher> Placeholders for std::collections::HashMap<String, String, S> {
    fn value(&self, name: &str) -> Option<&str> {
        self.get(name).map(String::as_str)
    }
}

impl Placeholders for std::collections::BTreeMap<String, String> {
    fn value(&self, name: &str) -> Option<&str> {
        self.get(name).map(String::as_str)
    }
}

impl Text {
    /// A text that stands in no file byte by byte: `span` is what to point at.
    pub fn new(value: impl Into<SmolStr>, span: Span) -> Self {
        let value = value.into();
        let whole = Piece {
            value_end: u32::try_from(value.len()).unwrap_or(u32::MAX),
            written_start: span.start,
            written_end: span.end,
        };
        Self { value, span, written: Some(Box::new(WrittenAs { pieces: vec![whole], fills: Vec::new() })) }
    }

    /// The decoded value, placeholders filled.
    pub fn as_str(&self) -> &str {
        &self.value
    }

    /// The value, to keep: a copy shares what is long.
    pub fn to_value(&self) -> SmolStr {
        self.value.clone()
    }

    /// Where it was written, without its quotes.
    pub fn span(&self) -> Span {
        self.span
    }

    /// The placeholders that were filled.
    pub fn fills(&self) -> &[Fill] {
        self.written.as_ref().map_or(&[], |written| &written.fills)
    }

    /// Where a range of bytes of the value was written. A part of an escape or of a filled placeholder gives the
    /// whole of it.
    pub fn subspan(&self, range: std::ops::Range<usize>) -> Span {
        if self.written.is_none() {
            let start = self.span.start as usize;
            return Span::new(self.span.source, start + range.start, start + range.end);
        }
        let start = self.written(range.start, false);
        let end = self.written(range.end, true);
        Span::new(self.span.source, start, end.max(start))
    }

    /// The offset in the file of an offset in the value: for an end, the offset after the byte before it.
    fn written(&self, offset: usize, is_end: bool) -> usize {
        let mut piece_start = 0;
        for piece in self.pieces() {
            let value_end = piece.value_end as usize;
            if offset < value_end || (is_end && offset == value_end) {
                let (written_start, written_end) = (piece.written_start as usize, piece.written_end as usize);
                let maps_bytewise = value_end - piece_start == written_end - written_start;
                return match (maps_bytewise, is_end) {
                    (true, _) => written_start + (offset - piece_start),
                    (false, true) if offset > piece_start => written_end,
                    (false, _) => written_start,
                };
            }
            piece_start = value_end;
        }
        self.span.end as usize
    }

    /// Fills `{{name}}` and `[[name]]` in one pass: a value that itself holds braces stays as it is. Reports each
    /// unbound name and leaves its placeholder in place.
    pub fn fill(&mut self, placeholders: &impl Placeholders, unbound: &mut Vec<Unbound>) {
        if memchr::memchr2(b'{', b'[', self.value.as_bytes()).is_none() {
            return;
        }
        let mut filled = Filled::default();
        let mut rest = 0;
        while let Some((range, name)) = next_placeholder(&self.value, rest) {
            let span = self.subspan(range.clone());
            if let Some(value) = placeholders.value(name) {
                self.copy(rest..range.start, &mut filled);
                filled.value.push_str(value);
                filled.piece(span.range());
                let written = self.value.get(range.clone()).unwrap_or_default().into();
                filled.fills.push(Fill { written, value: value.into(), span });
            } else {
                unbound.push(Unbound { name: name.to_owned(), span });
                self.copy(rest..range.end, &mut filled);
            }
            rest = range.end;
        }
        self.copy(rest..self.value.len(), &mut filled);
        self.value = filled.value.into();
        self.written = Some(Box::new(WrittenAs { pieces: filled.pieces, fills: filled.fills }));
    }

    /// Copies a range of the value into `filled`, keeping where each part of it was written.
    fn copy(&self, range: std::ops::Range<usize>, filled: &mut Filled) {
        let mut at = range.start;
        while at < range.end {
            let end = self.piece_end(at).min(range.end);
            filled.value.push_str(self.value.get(at..end).unwrap_or_default());
            filled.piece(self.subspan(at..end).range());
            at = end;
        }
    }

    fn pieces(&self) -> &[Piece] {
        self.written.as_ref().map_or(&[], |written| &written.pieces)
    }

    fn piece_end(&self, offset: usize) -> usize {
        let ends = self.pieces().iter().map(|piece| piece.value_end as usize);
        ends.into_iter().find(|end| *end > offset).unwrap_or(self.value.len())
    }
}

/// A placeholder nobody gave a value for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unbound {
    /// Its name.
    pub name: String,
    /// Where it was written, braces included.
    pub span: Span,
}

#[derive(Default)]
struct Filled {
    value: String,
    pieces: Vec<Piece>,
    fills: Vec<Fill>,
}

impl Filled {
    fn piece(&mut self, written: std::ops::Range<usize>) {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.pieces.push(Piece {
            value_end: offset(self.value.len()),
            written_start: offset(written.start),
            written_end: offset(written.end),
        });
    }
}

/// The next `{{name}}` or `[[name]]` at or after `from`: its range, braces included, and the trimmed name. A name
/// is made of letters, digits, `_`, `-` and `.`; anything else between braces is plain text.
pub fn next_placeholder(text: &str, from: usize) -> Option<(std::ops::Range<usize>, &str)> {
    let mut from = from;
    loop {
        let rest = text.get(from..)?;
        let start = from + ["{{", "[["].iter().filter_map(|open| rest.find(open)).min()?;
        let close = if text.get(start..)?.starts_with('{') { "}}" } else { "]]" };
        let inside = text.get(start + 2..)?;
        if let Some(length) = inside.find(close) {
            let name = inside.get(..length)?.trim();
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
            if !name.is_empty() && name.chars().all(is_name) {
                return Some((start..start + 2 + length + 2, name));
            }
        }
        from = start + 1;
    }
}

impl Value {
    /// The string, if it is one.
    pub fn as_text(&self) -> Option<&Text> {
        match &self.kind {
            Kind::String(text) => Some(text),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Array(_) | Kind::Object(_) => None,
        }
    }

    /// Fills placeholders in every string value below; names of members are left alone.
    pub fn fill(&mut self, placeholders: &impl Placeholders, unbound: &mut Vec<Unbound>) {
        match &mut self.kind {
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
            Kind::String(text) => text.fill(placeholders, unbound),
            Kind::Array(values) => {
                for value in values {
                    value.fill(placeholders, unbound);
                }
            }
            Kind::Object(members) => {
                for member in members {
                    member.value.fill(placeholders, unbound);
                }
            }
        }
    }

    /// What it is, with its article: `an object`.
    pub fn describe(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "a boolean",
            Kind::Number(_) => "a number",
            Kind::String(_) => "a string",
            Kind::Array(_) => "an array",
            Kind::Object(_) => "an object",
        }
    }
}

/// Reads one JSON value and nothing after it.
///
/// # Errors
/// The first syntax error, at its place: a byte order mark, a character JSON does not allow there, a string that
/// never ends, nesting beyond [`MAX_DEPTH`], text after the value.
pub fn parse(source: SourceId, text: &str) -> Result<Value, Box<Diagnostic>> {
    let mut reader = Reader::new(source, text);
    if text.starts_with('\u{feff}') {
        return Err(reader
            .error_at(0..3, "byte-order-mark", "the text begins with a byte order mark")
            .help("save the file as UTF-8 without a byte order mark")
            .into());
    }
    reader.skip_space();
    let value = reader.value()?;
    reader.skip_space();
    if reader.at < text.len() {
        let at = reader.at;
        let width = reader.width();
        return Err(reader
            .error_at(at..at + width, "text-after-json", "text after the end of the JSON value")
            .help("a policy file holds one JSON object and nothing else; remove what follows it")
            .into());
    }
    Ok(value)
}

/// How many bytes from the start of a text are neither quote, backslash nor control character: eight at a time.
fn plain_bytes(text: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let (words, rest) = text.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // The high bit of each byte below a bound; above the first such byte, perhaps of others.
        let below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word & HIGH;
        let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
        let special = below(word, 0x20) | equal(b'"') | equal(b'\\');
        if special != 0 {
            return number * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let is_special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    words.len() * 8 + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// How many members an object is expected to have, as a statement has.
const MEMBERS: usize = 6;

/// Reads a text value by value.
///
/// [`enter`](Self::enter), [`name`](Self::name) and [`next`](Self::next) go through the outermost array or object without
/// keeping it. They give `None` for whatever [`parse`] would refuse, and leave it to that to say why.
pub(crate) struct Reader<'t> {
    source: SourceId,
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    depth: usize,
    /// Lists of values that are not needed any more.
    members: Vec<Vec<Member>>,
    values: Vec<Vec<Value>>,
}

type Read<T> = Result<T, Box<Diagnostic>>;

impl<'t> Reader<'t> {
    pub(crate) fn new(source: SourceId, text: &'t str) -> Self {
        let bytes = text.as_bytes();
        Self { source, text, bytes, at: 0, depth: 0, members: Vec::new(), values: Vec::new() }
    }

    /// Goes into the array or object that begins here: whether it holds anything.
    pub(crate) fn enter(&mut self, open: u8) -> Option<bool> {
        self.skip_space();
        self.eat(open).then_some(())?;
        self.depth += 1;
        self.skip_space();
        let closes = self.eat(if open == b'{' { b'}' } else { b']' });
        self.depth -= usize::from(closes);
        Some(!closes)
    }

    /// The name of the member that begins here.
    pub(crate) fn name(&mut self) -> Option<Text> {
        (self.peek() == Some(b'"')).then_some(())?;
        let name = self.string().ok()?;
        self.skip_space();
        self.eat(b':').then_some(())?;
        self.skip_space();
        Some(name)
    }

    /// Goes on after an entry: whether another one follows before the closing bracket.
    pub(crate) fn next(&mut self, close: u8) -> Option<bool> {
        self.skip_space();
        if self.eat(close) {
            self.depth -= 1;
            return Some(false);
        }
        self.eat(b',').then_some(())?;
        self.skip_space();
        (self.peek() != Some(close)).then_some(true)
    }

    /// Whether nothing follows.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.skip_space();
        self.at == self.text.len()
    }

    /// Takes back a value that is not needed any more: the next ones are read into its lists.
    pub(crate) fn reuse(&mut self, value: Value) {
        match value.kind {
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => {}
            Kind::Array(mut values) => {
                values.drain(..).for_each(|value| self.reuse(value));
                self.values.push(values);
            }
            Kind::Object(mut members) => {
                members.drain(..).for_each(|member| self.reuse(member.value));
                self.members.push(members);
            }
        }
    }

    pub(crate) fn value(&mut self) -> Read<Value> {
        let start = self.at;
        let kind = match self.peek() {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::array)?,
            Some(b'"') => Kind::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", Kind::Bool(true))?,
            Some(b'f') => self.word("false", Kind::Bool(false))?,
            Some(b'n') => self.word("null", Kind::Null)?,
            Some(_) | None => return Err(self.unexpected("a JSON value").into()),
        };
        Ok(Value { span: self.span(start..self.at), kind })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Read<Kind>) -> Read<Kind> {
        if self.depth == MAX_DEPTH {
            let message = format!("nested deeper than {MAX_DEPTH} levels");
            return Err(self
                .error_at(self.at..self.at + 1, "nested-too-deep", message)
                .help("no AWS policy nests this deep; check for a runaway bracket")
                .into());
        }
        self.depth += 1;
        let kind = read(self);
        self.depth -= 1;
        kind
    }

    fn object(&mut self) -> Read<Kind> {
        let open = self.at;
        self.at += 1;
        self.skip_space();
        if self.eat(b'}') {
            return Ok(Kind::Object(Vec::new()));
        }
        let mut members = self.members.pop().unwrap_or_else(|| Vec::with_capacity(MEMBERS));
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.unclosed(open, "a member name in double quotes").into());
            }
            let name = self.string()?;
            self.skip_space();
            if !self.eat(b':') {
                return Err(self.unclosed(open, "`:` after the member name").into());
            }
            self.skip_space();
            let value = self.value()?;
            members.push(Member { name, value });
            self.skip_space();
            if self.eat(b'}') {
                return Ok(Kind::Object(members));
            }
            self.comma(open, b'}', "`,` or `}`")?;
        }
    }

    fn array(&mut self) -> Read<Kind> {
        let open = self.at;
        let mut values = self.values.pop().unwrap_or_default();
        self.at += 1;
        self.skip_space();
        if self.eat(b']') {
            return Ok(Kind::Array(values));
        }
        loop {
            values.push(self.value()?);
            self.skip_space();
            if self.eat(b']') {
                return Ok(Kind::Array(values));
            }
            self.comma(open, b']', "`,` or `]`")?;
        }
    }

    /// Reads the comma between two entries, and refuses one before the closing bracket.
    fn comma(&mut self, open: usize, close: u8, expected: &str) -> Read<()> {
        let comma = self.at;
        if !self.eat(b',') {
            return Err(self.unclosed(open, expected).into());
        }
        self.skip_space();
        if self.peek() == Some(close) {
            return Err(self
                .error_at(comma..comma + 1, "trailing-comma", "a comma after the last entry")
                .help("JSON does not allow a trailing comma; remove it")
                .into());
        }
        Ok(())
    }

    fn string(&mut self) -> Read<Text> {
        let quote = self.at;
        self.at += 1;
        let start = self.at;
        let mut decoded: Option<Filled> = None;
        let mut run = start;
        loop {
            self.at += plain_bytes(self.bytes.get(self.at..).unwrap_or_default());
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    let filled = decoded.get_or_insert_with(Filled::default);
                    self.literal_run(filled, run);
                    let escape = self.at;
                    let character = self.escape()?;
                    filled.value.push(character);
                    filled.piece(escape..self.at);
                    run = self.at;
                }
                Some(byte) if byte < 0x20 => {
                    let what = if byte == b'\n' { "a line break" } else { "a control character" };
                    return Err(self
                        .error_at(self.at..self.at + 1, "control-character", format!("{what} inside a string"))
                        .also(self.span(quote..quote + 1), "the string begins here")
                        .help("close the string on its own line, or write the character as an escape such as `\\n`")
                        .into());
                }
                Some(_) | None => {
                    return Err(self
                        .error_at(quote..quote + 1, "unterminated-string", "a string that never ends")
                        .help("close it with a double quote")
                        .into());
                }
            }
        }
        let span = self.span(start..self.at);
        let text = match decoded {
            None => Text { value: self.text.get(start..self.at).unwrap_or_default().into(), span, written: None },
            Some(mut filled) => {
                self.literal_run(&mut filled, run);
                let written = WrittenAs { pieces: filled.pieces, fills: Vec::new() };
                Text { value: filled.value.into(), span, written: Some(Box::new(written)) }
            }
        };
        self.at += 1;
        Ok(text)
    }

    fn literal_run(&self, filled: &mut Filled, start: usize) {
        if start < self.at {
            filled.value.push_str(self.text.get(start..self.at).unwrap_or_default());
            filled.piece(start..self.at);
        }
    }

    /// Reads an escape. A surrogate must come with its other half: a lone one is no character.
    fn escape(&mut self) -> Read<char> {
        let start = self.at;
        self.at += 1;
        let simple = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(start),
            Some(_) | None => {
                let end = self.at + self.width();
                return Err(self
                    .error_at(start..end, "invalid-escape", "an escape JSON does not have")
                    .help("JSON has \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX")
                    .into());
            }
        };
        self.at += 1;
        Ok(simple)
    }

    fn unicode_escape(&mut self, start: usize) -> Read<char> {
        let first = self.code_unit(start)?;
        let lone = |reader: &Self| {
            Box::new(
                reader
                    .error_at(start..reader.at, "lone-surrogate", "half of a surrogate pair")
                    .help("write the character itself, or both halves of the pair"),
            )
        };
        let code = match first {
            0xD800..=0xDBFF => {
                if !self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(b"\\u")) {
                    return Err(lone(self));
                }
                self.at += 1;
                let second = self.code_unit(start)?;
                if !(0xDC00..=0xDFFF).contains(&second) {
                    return Err(lone(self));
                }
                0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)
            }
            _ => first,
        };
        char::from_u32(code).ok_or_else(|| lone(self))
    }

    /// Reads `uXXXX`, the cursor on the `u`.
    fn code_unit(&mut self, start: usize) -> Read<u32> {
        let digits =
            self.text.get(self.at + 1..self.at + 5).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(code) = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) else {
            return Err(self
                .error_at(start..self.at + 1, "invalid-escape", "`\\u` without four hexadecimal digits")
                .help("write four digits after `\\u`, as in `\\u00e9`")
                .into());
        };
        self.at += 5;
        Ok(code)
    }

    fn number(&mut self) -> Read<Kind> {
        let start = self.at;
        self.eat(b'-');
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.digits();
        let fraction = !self.eat(b'.') || self.digits() > 0;
        let exponent = if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits() > 0
        } else {
            true
        };
        if whole == 0 || !fraction || !exponent || (leading_zero && whole > 1) {
            let error = self.error_at(start..self.at, "invalid-number", "a number JSON does not allow");
            return Err(if leading_zero {
                error.help("JSON numbers have no leading zeros; write an account id or another identifier in double quotes").into()
            } else {
                error.help("write it as digits with an optional fraction and exponent, or in double quotes").into()
            });
        }
        Ok(Kind::Number(self.text.get(start..self.at).unwrap_or_default().into()))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn word(&mut self, word: &str, kind: Kind) -> Read<Kind> {
        let ends = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric());
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes()))
            && ends(self.bytes.get(self.at + word.len()))
        {
            self.at += word.len();
            return Ok(kind);
        }
        Err(self.unexpected("a JSON value").into())
    }

    fn unexpected(&self, expected: &str) -> Diagnostic {
        let width = self.width();
        let Some(found) = self.text.get(self.at..self.at + width).filter(|found| !found.is_empty()) else {
            return self
                .error_at(self.at..self.at, "unexpected-end", format!("the text ends where {expected} should stand"))
                .help("the file may be cut short; check that every bracket and quote is closed");
        };
        let diagnostic =
            self.error_at(self.at..self.at + width, "invalid-json", format!("expected {expected}, found `{found}`"));
        match found {
            "'" => diagnostic.help("JSON strings stand in double quotes"),
            "/" | "#" => diagnostic.help("JSON has no comments; keep the reason in `Sid` or beside the file"),
            "\u{201c}" | "\u{201d}" => diagnostic.help("replace the typographic quote with a straight double quote"),
            _ => diagnostic.help(format!("write {expected} here")),
        }
    }

    fn unclosed(&self, open: usize, expected: &str) -> Diagnostic {
        let diagnostic = self.unexpected(expected);
        if self.at >= self.text.len() {
            return diagnostic.also(self.span(open..open + 1), "opened here and never closed");
        }
        diagnostic
    }

    fn error_at(&self, range: std::ops::Range<usize>, code: &'static str, message: impl Into<String>) -> Diagnostic {
        let end = range.end.min(self.text.len());
        Diagnostic::error(code, self.span(range.start.min(end)..end), message)
    }

    fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span::new(self.source, range.start, range.end)
    }

    /// Bytes of the character under the cursor; 0 at the end.
    fn width(&self) -> usize {
        self.text.get(self.at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let eaten = self.peek() == Some(byte);
        self.at += usize::from(eaten);
        eaten
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;

    use super::*;
    use crate::source::SourceMap;

    fn read(text: &str) -> (SourceMap, Result<Value, Box<Diagnostic>>) {
        let mut map = SourceMap::new();
        let id = map.add("t.json", text).unwrap();
        let value = parse(id, text);
        (map, value)
    }

    #[test]
    fn order_duplicates_and_digits_survive() {
        let (map, value) = read(r#"{"b": 1.0, "a": [true, null], "b": 12345678901234567890e0}"#);
        let Kind::Object(members) = value.unwrap().kind else { panic!("not an object") };
        let names: Vec<_> = members.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(names, ["b", "a", "b"]);
        assert_eq!(members[0].value.kind, Kind::Number("1.0".into()));
        assert_eq!(members[2].value.kind, Kind::Number("12345678901234567890e0".into()));
        assert_eq!(map.slice(members[1].value.span), "[true, null]");
    }

    #[test]
    fn a_range_of_an_escaped_string_points_into_the_file() {
        let (map, value) = read(r#""ab\u00e9\n\uD83D\uDE00cd""#);
        let value = value.unwrap();
        let text = value.as_text().unwrap();
        assert_eq!(text.as_str(), "abé\n😀cd");
        let cd = text.as_str().find("cd").unwrap();
        assert_eq!(map.slice(text.subspan(cd..cd + 2)), "cd");
        assert_eq!(map.slice(text.subspan(2..4)), r"\u00e9");
        assert_eq!(map.slice(text.subspan(1..4)), r"b\u00e9");
    }

    #[test]
    fn placeholders_are_filled_once_and_keep_their_place() {
        let (map, value) = read(r#""arn:aws:kms:{{region}}:x:key/[[id]]/{{none}}/{{not a name}}""#);
        let mut value = value.unwrap();
        let vars = BTreeMap::from([("region".into(), "us-east-1".into()), ("id".into(), "{{region}}".to_owned())]);
        let mut unbound = Vec::new();
        value.fill(&vars, &mut unbound);
        let text = value.as_text().unwrap();
        assert_eq!(text.as_str(), "arn:aws:kms:us-east-1:x:key/{{region}}/{{none}}/{{not a name}}");
        assert_eq!(unbound.iter().map(|u| u.name.as_str()).collect::<Vec<_>>(), ["none"]);
        assert_eq!(map.slice(unbound[0].span), "{{none}}");
        let at = text.as_str().find("x:key").unwrap();
        assert_eq!(map.slice(text.subspan(at..at + 5)), "x:key");
        assert_eq!(map.slice(text.subspan(14..16)), "{{region}}");
        assert_eq!(text.fills().len(), 2);
        assert_eq!(map.slice(text.fills()[1].span), "[[id]]");
    }

    #[rstest]
    #[case::byte_order_mark("\u{feff}{}", "byte-order-mark", 1, 1)]
    #[case::cut_short("{\"a\": [1,", "unexpected-end", 1, 10)]
    #[case::trailing_comma("{\"a\": 1,\n}", "trailing-comma", 1, 8)]
    #[case::missing_comma("{\"a\": 1\n\"b\": 2}", "invalid-json", 2, 1)]
    #[case::line_break_in_string("{\"a\": \"b\n\"}", "control-character", 1, 9)]
    #[case::nul("{\"a\": \"\u{0}\"}", "control-character", 1, 8)]
    #[case::never_closed("{\"a\": \"b}", "unterminated-string", 1, 7)]
    #[case::two_values("{} {}", "text-after-json", 1, 4)]
    #[case::comment("{ // no\n}", "invalid-json", 1, 3)]
    #[case::leading_zero("[012345678901]", "invalid-number", 1, 2)]
    #[case::bare_minus("[-]", "invalid-number", 1, 2)]
    #[case::lone_surrogate(r#"["\uD800"]"#, "lone-surrogate", 1, 3)]
    #[case::reversed_surrogates(r#"["\uDC00\uD800"]"#, "lone-surrogate", 1, 3)]
    #[case::bad_escape(r#"["\x"]"#, "invalid-escape", 1, 3)]
    #[case::short_unicode(r#"["\u12"]"#, "invalid-escape", 1, 3)]
    #[case::word("[tru]", "invalid-json", 1, 2)]
    #[case::empty("", "unexpected-end", 1, 1)]
    fn a_syntax_error_has_a_code_and_a_place(
        #[case] text: &str,
        #[case] code: &str,
        #[case] line: usize,
        #[case] column: usize,
    ) {
        let (map, value) = read(text);
        let error = value.unwrap_err();
        let position = map.position(error.span().unwrap());
        assert_eq!((error.code, position.line, position.column), (code, line, column));
        assert!(error.help.is_some(), "no help for {code}");
    }

    #[test]
    fn deep_nesting_is_refused_not_followed() {
        let (_, value) = read(&"[".repeat(1_000_000));
        assert_eq!(value.unwrap_err().code, "nested-too-deep");
        let deepest = format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        assert!(read(&deepest).1.is_ok());
    }
}
