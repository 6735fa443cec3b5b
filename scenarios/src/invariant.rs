//! Does a world keep to what must never be?
//!
//! What must never be is the `never:` of a scenario file, or the same in a sentence: `anybody except service/bedrock may call
//! kms:Decrypt on key/eval unless kms:ViaService is s3.us-east-1.amazonaws.com`. It is asked over all calls (see
//! [`permitlab_evaluator::prove`]): either none breaks it, which is then proved, or one is shown.

use std::collections::VecDeque;

use permitlab_evaluator::diagnostic::Diagnostic;
use serde_json::{Value, json};

use crate::file::scenario::Never;
use crate::file::{ContextValue, Named, Text};
use crate::placeholders::Scope;
use crate::replay::Problem;
use crate::replay::sweep;
use crate::root::PolicyRoot;
use crate::table::{self, Refused, Stage};

/// What came of asking a world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The world: its path from the policy root.
    pub world: String,
    /// What must never be, as it was written.
    pub sentence: String,
    /// Calls that are allowed though they must never be, one of each caller.
    pub broken: Vec<String>,
    /// Of what nothing could be said, and why.
    pub unknown: Vec<String>,
}

impl Kept {
    /// Whether it is proved that no call breaks it.
    pub fn is_proved(&self) -> bool {
        self.broken.is_empty() && self.unknown.is_empty()
    }

    /// `proved`, `broken` or `inconclusive`.
    pub const fn word(&self) -> &'static str {
        match (self.broken.is_empty(), self.unknown.is_empty()) {
            (true, true) => "proved",
            (false, _) => "broken",
            (true, false) => "inconclusive",
        }
    }

    /// The answer for programs.
    pub fn json(&self) -> Value {
        json!({ "world": self.world, "never": self.sentence, "verdict": self.word(), "broken": self.broken,
            "unknown": self.unknown })
    }
}

/// Asks a world, with changes applied, whether it keeps to a sentence.
///
/// # Errors
/// What is wrong with the world or the sentence, and a part of the sentence that the world does not know.
pub fn kept(root: &PolicyRoot, world: &str, changes: &[String], sentence: &str) -> Result<Kept, Refused> {
    let Stage { facts, mut sources, .. } = Stage::of(root, world, changes)?;
    let text = table::typed(&mut sources, "--never", sentence);
    let asked = read(&text).map_err(|finding| vec![*finding]).and_then(|never| {
        let scope = Scope::new(&facts.vars);
        sweep::never(&facts, &facts.world()?, &never, &scope, text.span())
    });
    let problems = match asked {
        Ok(problems) => problems,
        Err(findings) => return Err((sources, findings)),
    };
    let (broken, unknown): (Vec<Problem>, Vec<Problem>) =
        problems.into_iter().partition(|problem| problem.code == sweep::BROKEN);
    let told = |problems: Vec<Problem>| problems.into_iter().map(|problem| problem.message).collect();
    Ok(Kept { world: world.to_owned(), sentence: sentence.to_owned(), broken: told(broken), unknown: told(unknown) })
}

/// What a sentence has to look like.
const FORM: &str = "write `WHO may call ACTION on RESOURCE`, where WHO is `anybody`, `anybody except NAME, NAME` or `NAME, NAME`; \
    `unless KEY is VALUE or VALUE` may follow";

/// The words of a sentence, each with its place, without the commas after them.
struct Words<'s> {
    sentence: &'s Text,
    left: VecDeque<Text>,
}

/// Reads a sentence.
fn read(sentence: &Text) -> Result<Never, Box<Diagnostic>> {
    let mut words = Words::of(sentence);
    let (mut by, mut except) = (Vec::new(), Vec::new());
    if words.takes("anybody") {
        if words.takes("except") {
            except = words.list("may", "those whom it spares")?;
        }
    } else {
        by = words.list("may", "who must not")?;
    }
    words.expects("may")?;
    words.expects("call")?;
    let calls = words.list("on", "an action")?;
    words.expects("on")?;
    let resource = words.next("a resource")?;
    let mut unless: Named<ContextValue> = Named::default();
    if words.takes("unless") {
        while unless.is_empty() || !words.left.is_empty() {
            let key = words.next("a condition key")?;
            words.expects("is")?;
            let values = words.values(&key)?;
            if let Some((first, _)) = unless.entry(key.as_str()) {
                let finding = Diagnostic::error("invalid-never", key.span(), format!("`{key}` is named twice"));
                let help = "write all its values once: `KEY is VALUE or VALUE`";
                return Err(Box::new(finding.also(first.span(), "first named here").help(help)));
            }
            unless.push(key, ContextValue::Many(values));
        }
    }
    match words.left.front() {
        Some(word) => Err(unreadable(word, format!("`{word}` is not expected here"))),
        None => Ok(Never { calls, resource, by, except, unless }),
    }
}

fn unreadable(at: &Text, message: String) -> Box<Diagnostic> {
    Box::new(Diagnostic::error("invalid-never", at.span(), message).help(FORM))
}

impl<'s> Words<'s> {
    fn of(sentence: &'s Text) -> Self {
        let text = sentence.as_str();
        let word = |word: &str| {
            let start = word.as_ptr().addr() - text.as_ptr().addr();
            let bare = word.trim_end_matches(',');
            (!bare.is_empty()).then(|| Text::new(bare, sentence.subspan(start..start + bare.len())))
        };
        Self { sentence, left: text.split_whitespace().filter_map(word).collect() }
    }

    fn is_at(&self, place: usize, word: &str) -> bool {
        self.left.get(place).is_some_and(|next| next.as_str() == word)
    }

    fn takes(&mut self, word: &str) -> bool {
        let is_next = self.is_at(0, word);
        if is_next {
            self.left.pop_front();
        }
        is_next
    }

    fn next(&mut self, wanted: &str) -> Result<Text, Box<Diagnostic>> {
        let ends = || unreadable(self.sentence, format!("the sentence ends where it should name {wanted}"));
        self.left.pop_front().ok_or_else(ends)
    }

    fn expects(&mut self, word: &str) -> Result<(), Box<Diagnostic>> {
        let next = self.next(&format!("`{word}`"))?;
        if next.as_str() == word {
            return Ok(());
        }
        Err(unreadable(&next, format!("`{next}` stands where `{word}` should")))
    }

    /// Names up to a word, with commas, `and` or `or` between them.
    fn list(&mut self, end: &str, wanted: &str) -> Result<Vec<Text>, Box<Diagnostic>> {
        let mut names = Vec::new();
        while !self.left.is_empty() && !self.is_at(0, end) {
            if !self.takes("and") && !self.takes("or") {
                names.push(self.next(wanted)?);
            }
        }
        match (names.is_empty(), self.left.front()) {
            (true, Some(next)) => Err(unreadable(next, format!("`{next}` stands where {wanted} should"))),
            (true, None) => Err(unreadable(self.sentence, format!("the sentence ends where it should name {wanted}"))),
            (false, _) => Ok(names),
        }
    }

    /// The values of a key, up to the end or to another key.
    fn values(&mut self, key: &Text) -> Result<Vec<Text>, Box<Diagnostic>> {
        let mut values = Vec::new();
        loop {
            self.takes("or");
            if self.left.is_empty() || self.is_at(1, "is") {
                break;
            }
            values.push(self.next("a value")?);
        }
        if values.is_empty() {
            return Err(unreadable(key, format!("`{key}` has no value here")));
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use permitlab_evaluator::source::SourceMap;
    use rstest::rstest;

    use super::*;

    fn of(sentence: &str) -> Result<Never, Box<Diagnostic>> {
        read(&table::typed(&mut SourceMap::new(), "--never", sentence))
    }

    fn words(texts: &[Text]) -> Vec<&str> {
        texts.iter().map(Text::as_str).collect()
    }

    #[test]
    fn a_sentence_names_whom_it_spares_and_what_excuses() {
        let never = of("anybody except role/a, account/ml/* and service/bedrock may call kms:Decrypt, kms:Encrypt on key/eval \
            unless kms:ViaService is s3.us-east-1.amazonaws.com or s3.eu-west-1.amazonaws.com or aws:PrincipalIsAWSService is true")
        .unwrap();
        assert_eq!(words(&never.except), ["role/a", "account/ml/*", "service/bedrock"]);
        assert!(never.by.is_empty());
        assert_eq!(words(&never.calls), ["kms:Decrypt", "kms:Encrypt"]);
        assert_eq!(never.resource.as_str(), "key/eval");
        let unless: Vec<_> = never.unless.iter().map(|(key, value)| (key.as_str(), words(value.texts()))).collect();
        let via = ["s3.us-east-1.amazonaws.com", "s3.eu-west-1.amazonaws.com"];
        assert_eq!(unless, [("kms:ViaService", via.to_vec()), ("aws:PrincipalIsAWSService", vec!["true"])]);
    }

    #[test]
    fn a_sentence_may_name_those_who_must_not() {
        let never = of("role/a or role/b may call kms:Decrypt on key/eval").unwrap();
        assert_eq!((words(&never.by), words(&never.except)), (vec!["role/a", "role/b"], Vec::new()));
        assert!(never.unless.is_empty());
    }

    #[rstest]
    #[case::nothing("", "ends where it should name who must not")]
    #[case::nobody("may call kms:Decrypt on key/eval", "`may` stands where who must not should")]
    #[case::spares_nobody("anybody except may call kms:Decrypt on key/eval", "`may` stands where those whom it spares")]
    #[case::no_may("anybody can call kms:Decrypt on key/eval", "`can` stands where `may` should")]
    #[case::no_call("anybody may kms:Decrypt on key/eval", "`kms:Decrypt` stands where `call` should")]
    #[case::no_action("anybody may call on key/eval", "`on` stands where an action should")]
    #[case::no_resource("anybody may call kms:Decrypt on", "ends where it should name a resource")]
    #[case::more("anybody may call kms:Decrypt on key/eval today", "`today` is not expected here")]
    #[case::nothing_excuses(
        "anybody may call kms:Decrypt on key/eval unless",
        "ends where it should name a condition key"
    )]
    #[case::no_value("anybody may call kms:Decrypt on key/eval unless a:B is", "`a:B` has no value here")]
    #[case::no_is("anybody may call kms:Decrypt on key/eval unless a:B = c", "`=` stands where `is` should")]
    #[case::twice("anybody may call kms:Decrypt on key/eval unless a:B is c or a:B is d", "`a:B` is named twice")]
    fn what_is_no_such_sentence_says_why(#[case] sentence: &str, #[case] expected: &str) {
        let finding = of(sentence).unwrap_err();
        assert_eq!(finding.code, "invalid-never");
        assert!(finding.message.contains(expected), "{}", finding.message);
    }
}
