//! Which texts does a value in a policy stand for?
//!
//! A [`Pattern`] is a value of a string condition or one field of an ARN: literal text, wildcards where the place
//! allows them, and policy variables (R4.13, R4.14, R4.21). An [`ArnPattern`] is six patterns, compared field by
//! field (R2.4, R4.15).

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memchr2, memchr3};
use smallvec::SmallVec;
use smol_str::SmolStr;

use crate::arn::Arn;
use crate::context::Lookup;
use crate::glob::{self, Case, Token};
use crate::policy::Version;
use crate::policy::variable::{Open, Variable};
use crate::truth::{Rule, Truth};

/// Text with wildcards and variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Form);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Literal(SmolStr),
    /// Every text that begins with this one.
    Start(Start),
    Fixed(Box<[Token<Box<str>>]>),
    Variable(Box<[Piece]>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Token(Token<Box<str>>),
    Variable(Variable),
}

/// What becomes of a pattern once its variables have values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// A pattern without variables.
    Pattern(Pattern),
    /// A variable has no value: nothing matches (R4.23).
    Unresolved,
}

/// A text without the star at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start(SmolStr);

impl Start {
    /// What every text of the pattern begins with.
    pub fn as_str(&self) -> &str {
        self.0.get(..self.0.len() - 1).unwrap_or_default()
    }
}

/// Whether `*` and `?` are wildcards in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wildcards {
    /// They are.
    Yes,
    /// They stand for themselves.
    No,
}

impl Pattern {
    /// Reads a value. In version 2008 `${…}` is plain text; in version 2012 it is a variable, or one of the escapes
    /// `${*}`, `${?}` and `${$}` (R1.2, R4.14). A `${` that begins neither is plain text.
    pub fn parse(text: impl Into<SmolStr>, version: Version, wildcards: Wildcards) -> Self {
        let text = text.into();
        match special(&text, version, wildcards) {
            None => return Self(Form::Literal(text)),
            Some(at) if text.get(at..) == Some("*") => return Self(Form::Start(Start(text))),
            Some(_) => {}
        }
        let mut pieces = Pieces::default();
        let mut rest = text.as_str();
        while let Some(character) = rest.chars().next() {
            if version == Version::V2012
                && let Some(inside) = rest.strip_prefix("${")
                && let Some(length) = inside.find('}')
                && let Some(inside) = inside.get(..length)
                && pieces.dollar(inside)
            {
                rest = rest.get(length + 3..).unwrap_or_default();
                continue;
            }
            pieces.character(character, wildcards);
            rest = rest.get(character.len_utf8()..).unwrap_or_default();
        }
        pieces.finish()
    }

    /// Whether `text` matches in the request's context. An unresolved variable matches nothing (R4.23).
    pub fn matches(&self, text: &str, case: Case, context: &impl Lookup) -> Truth {
        match &self.0 {
            Form::Literal(literal) => Truth::certain(glob::equal(text, literal, case)),
            Form::Start(start) => Truth::certain(glob::begins(text, start.as_str(), case)),
            Form::Fixed(tokens) => Truth::certain(glob::matches(tokens, text, case)),
            Form::Variable(pieces) => matches_resolved(pieces, text, case, context),
        }
    }

    /// Whether a variable occurs in it.
    pub fn has_variables(&self) -> bool {
        matches!(self.0, Form::Variable(_))
    }

    /// Whether a variable of it is unresolved in the request's context, and whether that is certain.
    pub fn is_unresolved(&self, context: &impl Lookup) -> bool {
        match &self.0 {
            Form::Literal(_) | Form::Start(_) | Form::Fixed(_) => false,
            Form::Variable(_) => self.variables().any(|variable| variable.resolve(context).text.is_none()),
        }
    }

    /// The variables in it.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        let pieces: &[Piece] = match &self.0 {
            Form::Literal(_) | Form::Start(_) | Form::Fixed(_) => &[],
            Form::Variable(pieces) => pieces,
        };
        pieces.iter().filter_map(|piece| match piece {
            Piece::Variable(variable) => Some(variable),
            Piece::Token(_) => None,
        })
    }

    /// Its text and wildcards in order; `None` where a variable occurs.
    pub fn tokens(&self) -> Option<Vec<Token<&str>>> {
        match &self.0 {
            Form::Literal(literal) => Some(vec![Token::Literal(literal)]),
            Form::Start(start) => Some(vec![Token::Literal(start.as_str()), Token::AnyRun]),
            Form::Fixed(tokens) => Some(tokens.iter().map(Token::borrowed).collect()),
            Form::Variable(_) => None,
        }
    }

    /// The pattern with its variables replaced by their values, as plain text; `None` where a value is open.
    pub fn resolved(&self, context: &impl Lookup) -> Option<Resolution> {
        let Form::Variable(pieces) = &self.0 else { return Some(Resolution::Pattern(self.clone())) };
        let mut tokens: Vec<Token<Box<str>>> = Vec::with_capacity(pieces.len());
        for piece in pieces {
            match piece {
                Piece::Token(token) => tokens.push(token.clone()),
                Piece::Variable(variable) => {
                    let value = variable.resolve(context);
                    if value.open.is_some() {
                        return None;
                    }
                    let Some(text) = value.text else { return Some(Resolution::Unresolved) };
                    tokens.push(Token::Literal(text.into()));
                }
            }
        }
        Some(Resolution::Pattern(Self(Form::Fixed(tokens.into()))))
    }

    /// The text it begins with, and whether that is all of it.
    fn start(&self) -> (&str, bool) {
        let first = match &self.0 {
            Form::Literal(literal) => return (literal, true),
            Form::Start(start) => return (start.as_str(), false),
            Form::Fixed(tokens) => tokens.first(),
            Form::Variable(pieces) => match pieces.first() {
                Some(Piece::Token(token)) => Some(token),
                Some(Piece::Variable(_)) | None => None,
            },
        };
        let is_whole = matches!(&self.0, Form::Fixed(tokens) if matches!(**tokens, [] | [Token::Literal(_)]));
        match first {
            Some(Token::Literal(literal)) => (literal, is_whole),
            Some(Token::AnyRun | Token::AnyOne) | None => ("", is_whole),
        }
    }

    /// Whether it is a single `*`, which matches everything.
    pub fn is_star(&self) -> bool {
        matches!(&self.0, Form::Start(start) if start.as_str().is_empty())
    }

    /// Whether it holds a wildcard.
    pub fn has_wildcards(&self) -> bool {
        let is_wild = |token: &Token<Box<str>>| matches!(token, Token::AnyRun | Token::AnyOne);
        match &self.0 {
            Form::Literal(_) => false,
            Form::Start(_) => true,
            Form::Fixed(tokens) => tokens.iter().any(is_wild),
            Form::Variable(pieces) => pieces.iter().any(|piece| matches!(piece, Piece::Token(token) if is_wild(token))),
        }
    }
}

/// Where the first character of a text stands that may mean something else than itself.
fn special(text: &str, version: Version, wildcards: Wildcards) -> Option<usize> {
    match (wildcards, version) {
        (Wildcards::Yes, Version::V2012) => memchr3(b'*', b'?', b'$', text.as_bytes()),
        (Wildcards::Yes, Version::V2008) => memchr2(b'*', b'?', text.as_bytes()),
        (Wildcards::No, Version::V2012) => memchr(b'$', text.as_bytes()),
        (Wildcards::No, Version::V2008) => None,
    }
}

/// The value of a variable is literal text: its stars are no wildcards (R2.10).
#[inline(never)]
fn matches_resolved(pieces: &[Piece], text: &str, case: Case, context: &impl Lookup) -> Truth {
    if !could_match(pieces, text, case) {
        return Truth::NO;
    }
    let mut tokens: SmallVec<[Token<&str>; 8]> = SmallVec::new();
    let mut other_tokens: Option<(Rule, SmallVec<[Token<&str>; 8]>)> = None;
    let mut unstated = Truth::YES;
    let mut resolved = true;
    let mut otherwise_resolved = true;
    for piece in pieces {
        let (token, other) = match piece {
            Piece::Token(Token::AnyRun) => (Some(Token::AnyRun), None),
            Piece::Token(Token::AnyOne) => (Some(Token::AnyOne), None),
            Piece::Token(Token::Literal(literal)) => (Some(Token::Literal(&**literal)), None),
            Piece::Variable(variable) => {
                let value = variable.resolve(context);
                if value.open == Some(Open::Unstated) {
                    unstated = unstated.and(Truth::unstated(false, context.mark(&variable.key)));
                }
                let other = match value.open {
                    Some(Open::Rule { rule, otherwise }) => Some((rule, otherwise)),
                    Some(Open::Unstated) | None => None,
                };
                (value.text.map(Token::Literal), other)
            }
        };
        if let Some((rule, otherwise)) = other {
            other_tokens.get_or_insert_with(|| (rule, tokens.clone()));
            otherwise_resolved &= otherwise.is_some();
            if let Some((_, others)) = &mut other_tokens {
                others.extend(otherwise.map(Token::Literal));
            }
        } else {
            otherwise_resolved &= token.is_some();
            if let Some((_, others)) = &mut other_tokens {
                others.extend(token.clone());
            }
        }
        resolved &= token.is_some();
        tokens.extend(token);
    }
    let holds = resolved && glob::matches(&tokens, text, case);
    let truth = match other_tokens {
        None => Truth::certain(holds),
        Some((rule, others)) => {
            let otherwise = otherwise_resolved && glob::matches(&others, text, case);
            Truth::unless(holds, rule, otherwise)
        }
    };
    // A variable nobody stated could be any text, so the outcome is open either way.
    if unstated.is_certain() {
        truth
    } else if holds {
        truth.and(unstated.negate())
    } else {
        truth.or(unstated)
    }
}

/// Whether the text matches with some text for each variable.
fn could_match(pieces: &[Piece], text: &str, case: Case) -> bool {
    let widest: SmallVec<[Token<&str>; 8]> = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Token(Token::Literal(literal)) => Token::Literal(&**literal),
            Piece::Token(Token::AnyOne) => Token::AnyOne,
            Piece::Token(Token::AnyRun) | Piece::Variable(_) => Token::AnyRun,
        })
        .collect();
    glob::matches(&widest, text, case)
}

#[derive(Default)]
struct Pieces {
    pieces: Vec<Piece>,
    literal: String,
}

impl Pieces {
    /// Takes what stands between `${` and `}`; `false` when it is neither escape nor variable.
    fn dollar(&mut self, inside: &str) -> bool {
        if matches!(inside, "*" | "?" | "$") {
            self.literal.push_str(inside);
            return true;
        }
        let Some(variable) = Variable::parse(inside) else { return false };
        self.flush();
        self.pieces.push(Piece::Variable(variable));
        true
    }

    fn character(&mut self, character: char, wildcards: Wildcards) {
        let token = match (wildcards, character) {
            (Wildcards::Yes, '*') => Token::AnyRun,
            (Wildcards::Yes, '?') => Token::AnyOne,
            (Wildcards::Yes | Wildcards::No, _) => return self.literal.push(character),
        };
        self.flush();
        self.pieces.push(Piece::Token(token));
    }

    fn flush(&mut self) {
        if !self.literal.is_empty() {
            self.pieces.push(Piece::Token(Token::Literal(std::mem::take(&mut self.literal).into())));
        }
    }

    fn finish(mut self) -> Pattern {
        self.flush();
        let mut tokens = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            match piece {
                Piece::Token(token) => tokens.push(token.clone()),
                Piece::Variable(_) => return Pattern(Form::Variable(self.pieces.into())),
            }
        }
        Pattern(Form::Fixed(tokens.into()))
    }
}

/// A pattern for ARNs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArnPattern {
    /// `*` alone: every resource, and no resource (R2.4).
    Every,
    /// This text and no other.
    Whole(SmolStr),
    /// Every text of six fields that begins with this one, which holds the first five of them.
    Start(Start),
    /// Six fields, each a pattern of its own.
    Fields(Box<[Pattern; 6]>),
    /// Not six fields: matches nothing.
    Malformed,
}

impl ArnPattern {
    /// Reads a pattern of six fields. `*` alone is [`Every`](Self::Every) only in `Resource`: an ARN operator has
    /// no such form (R4.15).
    pub fn parse(text: impl Into<SmolStr>, version: Version) -> Self {
        let text = text.into();
        split(&text, version).map_or(Self::Malformed, |fields| Self::of(&text, &fields, version))
    }

    fn of(text: &SmolStr, fields: &[&str; 6], version: Version) -> Self {
        let start = text.strip_suffix('*').unwrap_or(text);
        match (special(start, version, Wildcards::Yes).is_some(), start.len() == text.len()) {
            (true, _) => Self::fields(fields, version),
            (false, true) => Self::Whole(text.clone()),
            (false, false) => Self::Start(Start(text.clone())),
        }
    }

    /// Reads an entry of `Resource`. Where `completes` says so, missing fields are stars (R2.5).
    pub fn parse_resource(text: impl Into<SmolStr>, version: Version, completes: Completion) -> Self {
        let text = text.into();
        if text == "*" {
            return Self::Every;
        }
        match (split(&text, version), completes) {
            (Some(fields), _) => Self::of(&text, &fields, version),
            (None, Completion::WithStars) => {
                let mut written = text.split(':');
                let fields = [(); 6].map(|()| written.next().unwrap_or("*"));
                if fields.first() == Some(&"arn") { Self::fields(&fields, version) } else { Self::Malformed }
            }
            (None, Completion::Never) => Self::Malformed,
        }
    }

    fn fields(fields: &[&str; 6], version: Version) -> Self {
        Self::Fields(Box::new(fields.map(|field| Pattern::parse(field, version, Wildcards::Yes))))
    }

    /// Whether an ARN matches, field by field. A variable before the fifth colon never matches (R2.10, unsure).
    pub fn matches(&self, arn: &Arn, context: &impl Lookup) -> Truth {
        self.matches_text(arn.as_str(), || arn.fields(), context)
    }

    /// Whether an ARN matches: its text, and what its fields are.
    pub fn matches_text<'t>(
        &self,
        text: &'t str,
        fields: impl FnOnce() -> [&'t str; 6],
        context: &impl Lookup,
    ) -> Truth {
        match self {
            Self::Every => Truth::YES,
            Self::Whole(whole) => Truth::certain(whole.as_str() == text),
            Self::Start(start) => Truth::certain(text.starts_with(start.as_str())),
            Self::Fields(patterns) => Self::match_fields(patterns, fields, context),
            Self::Malformed => Truth::NO,
        }
    }

    /// Apart from the forms that nearly every statement has.
    #[inline(never)]
    fn match_fields<'t>(
        patterns: &[Pattern; 6],
        fields: impl FnOnce() -> [&'t str; 6],
        context: &impl Lookup,
    ) -> Truth {
        let mut all = Truth::YES;
        // The last field tells most ARNs apart.
        for (index, (pattern, field)) in patterns.iter().zip(fields()).enumerate().rev() {
            let truth = pattern.matches(field, Case::Sensitive, context);
            let is_early_variable = index < 5 && pattern.has_variables();
            all = all.and(if is_early_variable {
                Truth::unless(false, Rule::VariableInEarlyField, truth.could_hold())
            } else {
                truth
            });
            if !all.could_hold() {
                return Truth::NO;
            }
        }
        all
    }

    /// The text that every ARN of the pattern begins with.
    pub fn prefix(&self) -> Cow<'_, str> {
        match self {
            Self::Whole(whole) => return whole.as_str().into(),
            Self::Start(start) => return start.as_str().into(),
            Self::Every | Self::Fields(_) | Self::Malformed => {}
        }
        let mut prefix = String::new();
        let fields = self.as_fields().map_or(&[][..], |fields| fields.as_slice());
        for (index, field) in fields.iter().enumerate() {
            let (start, is_whole) = field.start();
            prefix.push_str(start);
            if !is_whole {
                break;
            }
            if index < 5 {
                prefix.push(':');
            }
        }
        prefix.into()
    }

    /// The fields, where they are compared one by one: all that a variable could stand in.
    pub fn as_fields(&self) -> Option<&[Pattern; 6]> {
        match self {
            Self::Fields(fields) => Some(fields),
            Self::Every | Self::Whole(_) | Self::Start(_) | Self::Malformed => None,
        }
    }

    /// The pattern with the variables of its last field replaced by their values; `None` where a value is open, or where
    /// a variable stands before the fifth colon (R2.10). One that nothing matches is malformed.
    pub fn resolved(&self, context: &impl Lookup) -> Option<Self> {
        let Self::Fields(fields) = self else { return Some(self.clone()) };
        let [first @ .., last] = &**fields;
        if first.iter().any(Pattern::has_variables) {
            return None;
        }
        match last.resolved(context)? {
            Resolution::Unresolved => Some(Self::Malformed),
            Resolution::Pattern(last) => {
                let mut fields = fields.clone();
                let [.., own] = &mut *fields;
                *own = last;
                Some(Self::Fields(fields))
            }
        }
    }

    /// Whether a variable of it is unresolved (R2.11).
    pub fn is_unresolved(&self, context: &impl Lookup) -> bool {
        self.as_fields().is_some_and(|fields| fields.iter().any(|field| field.is_unresolved(context)))
    }
}

/// Splits a pattern at its first five colons; those inside a policy variable do not count.
fn split(text: &str, version: Version) -> Option<[&str; 6]> {
    let mut colons = [0; 5];
    let mut found = colons.iter_mut();
    if version == Version::V2008 || memchr(b'$', text.as_bytes()).is_none() {
        for at in memchr_iter(b':', text.as_bytes()) {
            let Some(colon) = found.next() else { break };
            *colon = at;
        }
        return fields(text, found.next().is_none().then_some(colons)?);
    }
    let mut in_variable = false;
    let mut before = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if before == b'$' => in_variable = true,
            b'}' => in_variable = false,
            b':' if !in_variable => match found.next() {
                Some(colon) => *colon = at,
                None => break,
            },
            _ => {}
        }
        before = byte;
    }
    fields(text, found.next().is_none().then_some(colons)?)
}

/// What stands before, between and after five places of a text, each one byte long.
fn fields(text: &str, between: [usize; 5]) -> Option<[&str; 6]> {
    let [first, second, third, fourth, fifth] = between;
    Some([
        text.get(..first)?,
        text.get(first + 1..second)?,
        text.get(second + 1..third)?,
        text.get(third + 1..fourth)?,
        text.get(fourth + 1..fifth)?,
        text.get(fifth + 1..)?,
    ])
}

/// What a missing ARN field means (R2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// Identity-based policies: `arn:aws:sqs` is `arn:aws:sqs:*:*:*`.
    WithStars,
    /// Everywhere else: the pattern matches nothing, or is refused.
    Never,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::context::{Origin, RequestContext};

    fn context() -> RequestContext {
        let mut context = RequestContext::closed();
        context.present("aws:username", "bob*", Origin::Stated);
        context.present("aws:PrincipalTag/empty", "", Origin::Stated);
        context
    }

    #[rstest]
    #[case::star_is_literal_without_wildcards("a*", "a*", Wildcards::No, true)]
    #[case::star_is_literal_without_wildcards("a*", "ab", Wildcards::No, false)]
    #[case::escaped_star("a${*}", "a*", Wildcards::Yes, true)]
    #[case::escaped_star("a${*}", "ab", Wildcards::Yes, false)]
    #[case::escaped_dollar("${$}{aws:username}", "${aws:username}", Wildcards::Yes, true)]
    #[case::variable("x/${aws:username}/*", "x/bob*/y", Wildcards::Yes, true)]
    #[case::value_is_literal("${aws:username}", "bobby", Wildcards::Yes, false)]
    #[case::names_ignore_case("${AWS:UserName}", "bob*", Wildcards::Yes, true)]
    #[case::default("${aws:PrincipalTag/team, 'all'}", "all", Wildcards::Yes, true)]
    #[case::unresolved("*${aws:PrincipalTag/team}*", "", Wildcards::Yes, false)]
    #[case::not_closed("${aws:username", "${aws:username", Wildcards::Yes, true)]
    fn variables_and_escapes(
        #[case] pattern: &str,
        #[case] text: &str,
        #[case] wildcards: Wildcards,
        #[case] expected: bool,
    ) {
        let pattern = Pattern::parse(pattern, Version::V2012, wildcards);
        assert_eq!(pattern.matches(text, Case::Sensitive, &context()), Truth::certain(expected));
    }

    #[test]
    fn version_2008_has_no_variables() {
        let pattern = Pattern::parse("${aws:username}/${*}", Version::V2008, Wildcards::Yes);
        assert!(pattern.matches("${aws:username}/${anything}", Case::Sensitive, &context()).holds());
        assert!(!pattern.matches("bob*/*", Case::Sensitive, &context()).holds());
    }

    #[test]
    fn an_empty_value_beats_the_default_unsurely() {
        let pattern = Pattern::parse("a${aws:PrincipalTag/empty, 'x'}", Version::V2012, Wildcards::Yes);
        assert_eq!(
            pattern.matches("a", Case::Sensitive, &context()),
            Truth::unless(true, Rule::EmptyVariableDefault, false)
        );
        assert_eq!(pattern.matches("b", Case::Sensitive, &context()), Truth::NO);
    }

    #[test]
    fn an_unstated_variable_leaves_the_outcome_open() {
        let mut context = context();
        context.set("aws:userid", crate::context::Presence::Unstated, Origin::Principal);
        let truth =
            Pattern::parse("a${aws:userid}", Version::V2012, Wildcards::Yes).matches("ab", Case::Sensitive, &context);
        assert!(!truth.holds() && truth.could_hold());
    }

    #[rstest]
    #[case("arn:aws:s3:::b/*/test/*", "arn:aws:s3:::b/1/2/test/x", true)]
    #[case("arn:aws:s3:::b/*/test/*", "arn:aws:s3:::b/test/x", false)]
    #[case("arn:aws:kms:*:111111111111:key/*", "arn:aws:kms:eu-west-1:111111111111:key/1", true)]
    #[case("arn:aws:kms:*:111111111111:key/*", "arn:aws:kms:eu-west-1:111111111111:alias/app", false)]
    #[case("arn:aws:kms:us-east-1:111111111111:*", "arn:aws:kms:us-east-1:111111111111:alias/app", true)]
    #[case("arn:aws:kms:*:key/*", "arn:aws:kms:us-east-1:111111111111:key/1", false)]
    #[case(
        "arn:aws:s:*:111122223333:finance/*",
        "arn:aws:s:us-east-2:999999999999:store/abc:111122223333:finance/d",
        false
    )]
    #[case("ARN:aws:s3:::b", "arn:aws:s3:::b", false)]
    #[case("*", "arn:aws:s3:::b", true)]
    fn resources_match_field_by_field(#[case] pattern: &str, #[case] arn: &str, #[case] expected: bool) {
        let pattern = ArnPattern::parse_resource(pattern, Version::V2012, Completion::Never);
        assert_eq!(pattern.matches(&Arn::parse(arn).unwrap(), &context()), Truth::certain(expected));
    }

    #[test]
    fn identity_policies_complete_short_arns() {
        let queue = Arn::parse("arn:aws:sqs:us-east-1:111111111111:q").unwrap();
        let parse = |completes| ArnPattern::parse_resource("arn:aws:sqs", Version::V2012, completes);
        assert!(parse(Completion::WithStars).matches(&queue, &context()).holds());
        assert!(!parse(Completion::Never).matches(&queue, &context()).holds());
    }

    #[test]
    fn a_variable_before_the_fifth_colon_never_matches_unsurely() {
        let pattern = ArnPattern::parse_resource("arn:aws:s3::${aws:username}:b", Version::V2012, Completion::Never);
        let truth = pattern.matches(&Arn::parse("arn:aws:s3::bob*:b").unwrap(), &context());
        assert_eq!(truth, Truth::unless(false, Rule::VariableInEarlyField, true));
    }
}
