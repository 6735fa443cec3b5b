//! What does `${…}` in a policy stand for?
//!
//! Rules R4.21 to R4.23 and R1.2: a policy variable names a condition key, may carry a default, and is replaced by
//! the key's value as plain text. A key without a value leaves the variable *unresolved*.

use crate::catalog;
use crate::context::{ConditionKey, Doubt, Lookup, Presence, Values};
use crate::truth::Rule;

/// `${Key}` or `${Key, 'default'}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The condition key.
    pub key: ConditionKey,
    /// The text between the single quotes, if a default is given.
    pub default: Option<Box<str>>,
    is_multivalued: bool,
}

/// What a variable is replaced with in one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved<'c> {
    /// The text under the reference's reading; `None` is unresolved.
    pub text: Option<&'c str>,
    /// What could make it another text.
    pub open: Option<Open<'c>>,
}

/// Why a variable could resolve to something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Open<'c> {
    /// Nobody stated the key.
    Unstated,
    /// Under the other reading of `rule` it resolves to `otherwise`.
    Rule {
        /// The rule.
        rule: Rule,
        /// The text in the other reading; `None` is unresolved.
        otherwise: Option<&'c str>,
    },
}

impl Variable {
    /// Reads what stands between `${` and `}`; `None` when it is no variable.
    pub fn parse(inside: &str) -> Option<Self> {
        let (key, default) = match inside.split_once(',') {
            Some((key, rest)) => (key, Some(rest.trim_start().strip_prefix('\'')?.strip_suffix('\'')?)),
            None => (inside, None),
        };
        let key = key.trim();
        if key.is_empty() || key.contains(['{', '}', '$']) {
            return None;
        }
        let key = ConditionKey::new(key);
        Some(Self { is_multivalued: catalog::is_multivalued(&key), key, default: default.map(Into::into) })
    }

    /// Looks the key up. A multivalued key is no variable: unresolved (R4.12).
    pub fn resolve<'c>(&'c self, context: &'c impl Lookup) -> Resolved<'c> {
        let entry = context.entry(&self.key);
        let default = self.default.as_deref();
        let text = match &entry.presence {
            Presence::Present(Values::One(value)) if !self.is_multivalued => Some(value.as_str()),
            Presence::Present(Values::One(_) | Values::Many(_)) => return Resolved { text: None, open: None },
            Presence::Absent | Presence::Unstated => default,
        };
        Resolved { text, open: self.open(&entry.presence, entry.doubt.as_ref()) }
    }

    /// What the variable stands for in the other reading of an unsure rule.
    fn reading<'c>(&'c self, doubt: &'c Doubt) -> Open<'c> {
        let otherwise = match &doubt.otherwise {
            Presence::Present(Values::One(value)) => Some(value.as_str()),
            Presence::Present(Values::Many(_)) => None,
            Presence::Absent => self.default.as_deref(),
            Presence::Unstated => return Open::Unstated,
        };
        Open::Rule { rule: doubt.rule, otherwise }
    }

    fn open<'c>(&'c self, presence: &Presence, doubt: Option<&'c Doubt>) -> Option<Open<'c>> {
        match (presence, doubt) {
            (Presence::Unstated, _) => Some(Open::Unstated),
            (_, Some(doubt)) => Some(self.reading(doubt)),
            (Presence::Present(Values::One(value)), None) if value.is_empty() && self.default.is_some() => {
                Some(Open::Rule { rule: Rule::EmptyVariableDefault, otherwise: self.default.as_deref() })
            }
            (Presence::Present(_) | Presence::Absent, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_variable() {
        let parsed = |inside| Variable::parse(inside).map(|v| (v.key.to_string(), v.default.map(String::from)));
        assert_eq!(parsed("aws:username"), Some(("aws:username".into(), None)));
        assert_eq!(
            parsed("aws:PrincipalTag/team, 'company-wide'"),
            Some(("aws:PrincipalTag/team".into(), Some("company-wide".into())))
        );
        assert_eq!(parsed(""), None);
        assert_eq!(parsed("aws:username, nobody"), None);
    }
}
