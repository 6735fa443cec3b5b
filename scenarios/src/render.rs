//! How does a finding look to the person who reads it?
//!
//! [`report`] draws it the way `rustc` does, with an excerpt of each text it points into; [`line()`] fits it on one.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use permitlab_evaluator::diagnostic::{Annotation, Diagnostic, Severity};
use permitlab_evaluator::source::{SourceId, SourceMap};

/// Whether to write escape codes for a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// ANSI escape codes.
    Always,
}

/// Draws a finding: header, excerpts with carets and labels, notes and help. Ends without a line break.
pub fn report(sources: &SourceMap, diagnostic: &Diagnostic, colour: Colour) -> String {
    let mut group = level(diagnostic.severity)
        .primary_title(&diagnostic.message)
        .id(diagnostic.code)
        .elements(pointed_into(diagnostic).into_iter().filter_map(|source| excerpt(sources, diagnostic, source)));
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help));
    }
    let renderer = match colour {
        Colour::Never => Renderer::plain(),
        Colour::Always => Renderer::styled(),
    };
    renderer.decor_style(DecorStyle::Ascii).render(&[group])
}

/// Writes a finding on one line: `fixtures/eval.yaml:3:5: error[empty-value]: a key without a value`.
pub fn line(sources: &SourceMap, diagnostic: &Diagnostic) -> String {
    let place = diagnostic.span().map(|span| format!("{}: ", sources.place(span))).unwrap_or_default();
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    format!("{place}{severity}[{}]: {}", diagnostic.code, diagnostic.message)
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    }
}

/// The texts a finding points into, the primary one first.
fn pointed_into(diagnostic: &Diagnostic) -> Vec<SourceId> {
    let mut sources = Vec::new();
    for annotation in &diagnostic.annotations {
        if !sources.contains(&annotation.span.source) {
            sources.push(annotation.span.source);
        }
    }
    sources
}

/// The lines of a text that a finding points at.
fn excerpt<'d>(
    sources: &'d SourceMap,
    diagnostic: &'d Diagnostic,
    id: SourceId,
) -> Option<Snippet<'d, annotate_snippets::Annotation<'d>>> {
    let source = sources.source(id)?;
    let here = || diagnostic.annotations.iter().enumerate().filter(|(_, annotation)| annotation.span.source == id);
    let first = here().map(|(_, annotation)| annotation.span.range().start).min()?;
    let last = here().map(|(_, annotation)| annotation.span.range().end).max()?;
    let text = source.text();
    let start = text.get(..first.min(text.len()))?.rfind('\n').map_or(0, |at| at + 1);
    let end = text.get(last.min(text.len())..)?.find('\n').map_or(text.len(), |at| last + at);
    let window = text.get(start..end)?.trim_end_matches('\r');
    let line = text.get(..start)?.matches('\n').count() + 1;
    let annotations = here().map(|(index, annotation)| caret(annotation, index == 0, start, window.len()));
    Some(Snippet::source(window).path(source.name()).line_start(line).annotations(annotations))
}

fn caret(annotation: &Annotation, is_primary: bool, start: usize, length: usize) -> annotate_snippets::Annotation<'_> {
    let kind = if is_primary { AnnotationKind::Primary } else { AnnotationKind::Context };
    let range = annotation.span.range();
    let within = |at: usize| at.saturating_sub(start).min(length);
    let label = (!annotation.label.is_empty()).then_some(annotation.label.as_str());
    kind.span(within(range.start)..within(range.end)).label(label)
}

#[cfg(test)]
mod tests {
    use permitlab_evaluator::source::Span;
    use rstest::rstest;

    use super::*;

    fn draw(text: &str, range: std::ops::Range<usize>) -> String {
        let mut sources = SourceMap::new();
        let id = sources.add("a.yaml", text).unwrap();
        let finding =
            Diagnostic::error("a-code", Span::new(id, range.start, range.end), "what `is` wrong").help("a remedy");
        report(&sources, &finding, Colour::Never)
    }

    #[test]
    fn a_finding_looks_the_way_rustc_draws_it() {
        let mut sources = SourceMap::new();
        let a = sources.add("a.yaml", "é: 1\nb:\té\tx\n").unwrap();
        let b = sources.add("b.yaml", "x\n").unwrap();
        let finding = Diagnostic::warning("a-code", Span::new(a, 12, 13), "what `is` wrong")
            .label("here")
            .also(Span::new(a, 0, 2), "and there")
            .also(Span::new(b, 0, 1), "and elsewhere")
            .note("a fact")
            .help("a remedy");
        let drawn = report(&sources, &finding, Colour::Never);
        let expected = "\
warning[a-code]: what `is` wrong
 --> a.yaml:2:6
  |
1 | é: 1
  | - and there
2 | b:    é    x
  |            ^ here
  |
 ::: b.yaml:1:1
  |
1 | x
  | - and elsewhere
  |
  = note: a fact
  = help: a remedy";
        assert_eq!(drawn, expected);
        assert!(report(&sources, &finding, Colour::Always).contains("\u{1b}["));
        assert_eq!(line(&sources, &finding), "a.yaml:2:6: warning[a-code]: what `is` wrong");
    }

    #[rstest]
    #[case::end_of_a_file("a: 1\n", 5..5, ":2:1")]
    #[case::end_without_a_line_break("a: 1", 4..4, ":1:5")]
    #[case::empty_file("", 0..0, ":1:1")]
    #[case::wide_characters("a: ééé日本 x\n", 16..17, ":1:10")]
    #[case::several_lines("a: 1\nb: 3\n", 1..8, ":1:2")]
    #[case::end_of_a_line("a: 1\r\nb: 3\r\n", 4..6, ":1:5")]
    #[case::before_a_carriage_return("a: 1\r\n", 4..4, ":1:5")]
    fn any_span_can_be_drawn(#[case] text: &str, #[case] range: std::ops::Range<usize>, #[case] place: &str) {
        let drawn = draw(text, range);
        assert!(drawn.contains(&format!("a.yaml{place}\n")), "{drawn}");
        assert!(drawn.contains('^') && !drawn.contains('␍'), "{drawn}");
    }

    #[rstest]
    #[case::narrow(460_000..460_020, "xyy")]
    #[case::wide(2..920_000, "é")]
    fn a_long_line_is_cut_around_the_span(#[case] range: std::ops::Range<usize>, #[case] shown: &str) {
        let text = format!("{{\"é\": \"{}{}\"}}", "x".repeat(460_000), "y".repeat(460_000));
        let drawn = draw(&text, range);
        assert!(drawn.len() < 2_000, "{} bytes", drawn.len());
        assert!(drawn.contains(shown) && drawn.contains("^^^"), "{drawn}");
    }
}
