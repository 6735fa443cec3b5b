//! Where does text go?
//!
//! Verbs write styled text to an [`Output`] and leave the rest to it: colours stay only where a terminal takes them
//! (`NO_COLOR` is honoured), and a reader that goes away, as `head` does, is no error: what follows is dropped, so
//! that the run still ends with the exit code its checks earned.

use std::cell::RefCell;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Cursor, ErrorKind, Write};
use std::path::Path;
use std::rc::Rc;

use anstream::{AutoStream, StripStream};
use anyhow::Context as _;

use crate::cli::{Formats, Reports};
use crate::exit::{Exit, Refusal};

/// One place text is written to: standard output, standard error, a file, or memory.
pub struct Output {
    writer: Box<dyn Write>,
    /// The same place without a look at colours, if it has one.
    plain: Option<Box<dyn Write>>,
    is_closed: bool,
}

/// What a run reads and writes.
pub struct Streams {
    /// Where cases come from.
    pub input: Box<dyn BufRead>,
    /// Answers and reports.
    pub out: Output,
    /// What is wrong.
    pub err: Output,
}

/// What was written to an [`Output::kept`].
#[derive(Debug, Clone, Default)]
pub struct Kept(Rc<RefCell<Vec<u8>>>);

impl Output {
    /// Standard output, locked and buffered until [`flush`](Self::flush).
    pub fn stdout() -> Self {
        let styled = Self::new(BufWriter::new(AutoStream::auto(io::stdout()).lock()));
        Self { plain: Some(Box::new(io::stdout())), ..styled }
    }

    /// Standard error; every call writes at once. It is not locked: other threads draw a bar there.
    pub fn stderr() -> Self {
        Self::new(AutoStream::auto(io::stderr()))
    }

    /// A file, made or emptied, without colours.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn file(path: &Path) -> io::Result<Self> {
        Ok(Self::new(BufWriter::new(StripStream::new(File::create(path)?))))
    }

    /// Memory, without colours.
    pub fn kept() -> (Self, Kept) {
        let kept = Kept::default();
        (Self::new(StripStream::new(Box::new(kept.clone()) as Box<dyn Write>)), kept)
    }

    fn new(writer: impl Write + 'static) -> Self {
        Self { writer: Box::new(writer), plain: None, is_closed: false }
    }

    /// Writes text as it is.
    ///
    /// # Errors
    /// The place does not take it; that its reader went away is not an error.
    pub fn text(&mut self, text: impl Display) -> io::Result<()> {
        self.write(&text.to_string())
    }

    /// Writes text and ends the line.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn line(&mut self, text: impl Display) -> io::Result<()> {
        self.write(&format!("{text}\n"))
    }

    /// Writes what programs read, which has no colours, and hands it on.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn data(&mut self, data: &str) -> io::Result<()> {
        self.flush()?;
        if self.is_closed {
            return Ok(());
        }
        let writer = self.plain.as_mut().unwrap_or(&mut self.writer);
        let written = writer.write_all(data.as_bytes()).and_then(|()| writer.flush());
        self.unless_closed(written)
    }

    /// Hands on everything that was written.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn flush(&mut self) -> io::Result<()> {
        let flushed = self.writer.flush();
        self.unless_closed(flushed)
    }

    /// Whether the reader went away, so that a long run may as well stop.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        if self.is_closed {
            return Ok(());
        }
        let written = self.writer.write_all(text.as_bytes());
        self.unless_closed(written)
    }

    fn unless_closed(&mut self, result: io::Result<()>) -> io::Result<()> {
        match result {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            Ok(()) | Err(_) => result,
        }
    }
}

impl Streams {
    /// Those of the process.
    pub fn standard() -> Self {
        Self {
            input: Box::new(BufReader::with_capacity(1 << 20, io::stdin())),
            out: Output::stdout(),
            err: Output::stderr(),
        }
    }

    /// An input given as text, and outputs that are kept.
    pub fn kept(input: &str) -> (Self, Kept, Kept) {
        let ((out, kept_out), (err, kept_err)) = (Output::kept(), Output::kept());
        (Self { input: Box::new(Cursor::new(input.to_owned())), out, err }, kept_out, kept_err)
    }

    /// Says what is wrong and, if known, what to do about it.
    ///
    /// # Errors
    /// As [`Output::text`].
    pub fn error(&mut self, message: &str, help: Option<&str>) -> io::Result<()> {
        self.err.line(format_args!("error: {message}"))?;
        help.map_or(Ok(()), |help| self.err.line(format_args!("  help: {help}")))
    }

    /// Hands on everything that was written.
    ///
    /// # Errors
    /// As [`Output::text`].
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush().and(self.err.flush())
    }
}

impl<F: Formats> Reports<F> {
    /// Writes the report to every place that was asked for, in the format asked for there.
    ///
    /// # Errors
    /// A file that cannot be written; standard output as [`Output::text`].
    pub fn write(&self, streams: &mut Streams, text: impl Fn(F) -> String) -> anyhow::Result<()> {
        if let Some(format) = self.standard {
            streams.out.text(text(format))?;
        }
        for (path, format) in &self.files {
            let mut file = Output::file(path).map_err(|error| {
                Refusal::new(Exit::Usage, format!("`{}` cannot be written: {error}", path.display()))
                    .help("name a file in a folder that is there and that you may write to")
            })?;
            file.text(text(*format))?;
            file.flush().with_context(|| format!("writing `{}`", path.display()))?;
        }
        Ok(())
    }
}

impl Kept {
    /// What was written so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.borrow()).into_owned()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").field("is_closed", &self.is_closed).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Streams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streams").field("out", &self.out).field("err", &self.err).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Refusing(ErrorKind);

    impl Write for Refusing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_error() {
        let mut output = Output::new(Refusing(ErrorKind::BrokenPipe));
        assert!(!output.is_closed());
        output.line("lost").unwrap();
        assert!(output.is_closed());
        output.line("lost too").unwrap();
        output.flush().unwrap();
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let mut output = Output::new(Refusing(ErrorKind::StorageFull));
        assert_eq!(output.line("lost").unwrap_err().kind(), ErrorKind::StorageFull);
        assert_eq!(output.flush().unwrap_err().kind(), ErrorKind::StorageFull);
        assert!(!output.is_closed());
    }

    #[test]
    fn memory_takes_no_colours() {
        let (mut output, kept) = Output::kept();
        output.line("\u{1b}[31mFAIL\u{1b}[0m a check").unwrap();
        assert_eq!(kept.text(), "FAIL a check\n");
    }
}
