//! What does a file say once a finding's repair is in it?
//!
//! A repair is the JSON of one statement or of several, to stand where one stood. Here it is fitted to the file: its
//! indentation, its line ends, and a list around it where the policy's only statement stood without one (R1.3).

use permitlab_evaluator::policy::Document;
use permitlab_evaluator::source::Span;

/// The place to replace and the text to put there; `None` if the policy has no such statement.
pub(super) fn mend(document: &Document, text: &str, statement: usize, repair: &str) -> Option<(Span, String)> {
    let span = document.statements().get(statement)?.span;
    let before = text.get(..span.range().start)?;
    let line = before.rfind('\n').map_or(before, |at| before.get(at + 1..).unwrap_or_default());
    let indent: String = line.chars().take_while(|c| *c == ' ' || *c == '\t').collect();
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let is_listed = before.trim_end().ends_with(['[', ',']);
    let is_one = serde_json::from_str::<serde_json::Value>(repair).is_ok();
    let whole = if is_listed || is_one { repair.to_owned() } else { format!("[\n{repair}\n]") };
    Some((span, whole.lines().collect::<Vec<_>>().join(&format!("{end}{indent}"))))
}

#[cfg(test)]
mod tests {
    use permitlab_evaluator::source::SourceId;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::in_a_list("{\n  \"Statement\": [\n    {}\n  ]\n}", "{\n}", "{\n  \"Statement\": [\n    {\n    }\n  ]\n}")]
    #[case::two_in_a_list("{\"Statement\":[{}]}", "{},\n{}", "{\"Statement\":[{},\n{}]}")]
    #[case::one_for_one("{\"Statement\": {}}", "{\n}", "{\"Statement\": {\n}}")]
    #[case::two_for_one("{\r\n \"Statement\": {}\r\n}", "{},\n{}", "{\r\n \"Statement\": [\r\n {},\r\n {}\r\n ]\r\n}")]
    fn a_repair_fits_the_file(#[case] text: &str, #[case] repair: &str, #[case] mended: &str) {
        let document = Document::read("p", SourceId::from_index(0), text).unwrap();
        let (span, inserted) = mend(&document, text, 0, repair).unwrap();
        let mut result = text.to_owned();
        result.replace_range(span.range(), &inserted);
        assert_eq!(result, mended);
        assert!(serde_json::from_str::<serde_json::Value>(&result).is_ok());
    }
}
