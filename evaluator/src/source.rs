//! Which text is this, and where in it?
//!
//! A [`SourceMap`] owns every text that was read; a [`Span`] is a range of bytes in one of them, small enough to
//! copy into every value that came from it.

use std::sync::OnceLock;

/// The texts that were read, each under the name a message should call it by.
#[derive(Debug, Default)]
pub struct SourceMap {
    sources: Vec<Source>,
}

/// One text and its name.
#[derive(Debug)]
pub struct Source {
    name: String,
    text: String,
    /// Looked for when the first message needs it.
    line_starts: OnceLock<Vec<u32>>,
}

/// Names one text of a [`SourceMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// A range of bytes of one text: `start` included, `end` excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text the range lies in.
    pub source: SourceId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

/// A place as people name it: line and column count from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// The longest text that is read, in bytes. AWS's longest policies have 32 KiB.
pub const LONGEST: usize = 16 << 20;

/// A text is longer than [`LONGEST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is longer than 16 MiB")]
pub struct TooLong;

impl SourceMap {
    /// A map without texts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over a text.
    ///
    /// # Errors
    /// [`TooLong`], before anything is made of it.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> Result<SourceId, TooLong> {
        let text = text.into();
        if text.len() > LONGEST {
            return Err(TooLong);
        }
        let id = u32::try_from(self.sources.len()).map_err(|_| TooLong)?;
        self.sources.push(Source { name: name.into(), text, line_starts: OnceLock::new() });
        Ok(SourceId(id))
    }

    /// The text an id of this map names; `None` for an id of another map.
    pub fn source(&self, id: SourceId) -> Option<&Source> {
        self.sources.get(usize::try_from(id.0).ok()?)
    }

    /// The names of all texts, in the order they were added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().map(Source::name)
    }

    /// The name of a text, or an empty string for an id of another map.
    pub fn name(&self, id: SourceId) -> &str {
        self.source(id).map_or("", Source::name)
    }

    /// The text under a span, or an empty string where it does not fit.
    pub fn slice(&self, span: Span) -> &str {
        self.source(span.source).and_then(|source| source.text.get(span.range())).unwrap_or("")
    }

    /// Where a span begins, as a person would say it.
    pub fn position(&self, span: Span) -> Position {
        self.source(span.source).map_or(Position { line: 1, column: 1 }, |source| source.position(span.start))
    }

    /// `name:line:column` of where a span begins.
    pub fn place(&self, span: Span) -> String {
        let Position { line, column } = self.position(span);
        format!("{}:{line}:{column}", self.name(span.source))
    }
}

impl Source {
    /// What messages call the text: a path, or the name of a field.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The position of a byte offset; an offset past the end gives the end.
    pub fn position(&self, offset: u32) -> Position {
        let line_starts = self.line_starts.get_or_init(|| line_starts(&self.text));
        let line = line_starts.partition_point(|start| *start <= offset).max(1);
        let start = line_starts.get(line - 1).copied().unwrap_or(0);
        let end = offset.min(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        let before = self.text.get(start as usize..end as usize).unwrap_or("");
        Position { line, column: before.chars().count() + 1 }
    }
}

impl SourceId {
    /// Its number, to carry a place through a channel that knows only numbers.
    pub fn index(self) -> u32 {
        self.0
    }

    /// The id with a number. A map that holds no such text answers as for an id of another map.
    pub fn from_index(index: u32) -> Self {
        Self(index)
    }
}

impl Span {
    /// A span of `source` from byte `start` to before byte `end`.
    pub fn new(source: SourceId, start: usize, end: usize) -> Self {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { source, start: offset(start), end: offset(end) }
    }

    /// The range of bytes.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// From the start of this span to the end of `other`.
    #[must_use]
    pub fn to(self, other: Span) -> Self {
        Self { end: other.end, ..self }
    }
}

fn line_starts(text: &str) -> Vec<u32> {
    let after_breaks = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
    std::iter::once(0).chain(after_breaks).filter_map(|at| u32::try_from(at).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let mut map = SourceMap::new();
        let id = map.add("a.json", "{\n  \"é\": 1\n}").unwrap();
        let at = |start| map.position(Span::new(id, start, start));
        assert_eq!(at(0), Position { line: 1, column: 1 });
        assert_eq!(at(2), Position { line: 2, column: 1 });
        assert_eq!(at(9), Position { line: 2, column: 7 });
        assert_eq!(at(99), Position { line: 3, column: 2 });
        assert_eq!(map.place(Span::new(id, 9, 10)), "a.json:2:7");
        assert_eq!(SourceId::from_index(id.index()), id);
        assert!(map.source(SourceId::from_index(7)).is_none());
    }
}
