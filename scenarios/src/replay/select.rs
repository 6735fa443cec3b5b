//! Which checks are asked for?

use permitlab_evaluator::glob::{Case, Token, matches, tokens};

/// Checks chosen by their ids and tags. By default, all.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    ids: Vec<Vec<Token<Box<str>>>>,
    tags: Vec<String>,
}

impl Selection {
    /// The checks whose id matches one of the patterns, of `*` and `?`, and that have one of the tags. No pattern asks
    /// for every id, no tag for every tag or none. A bracket is a bracket, since ids have some.
    ///
    /// ```
    /// use permitlab::replay::Selection;
    ///
    /// let selection = Selection::new(&["*through S3[viaRegion=?u-west-1]".to_owned()], &["bedrock".to_owned()]);
    /// assert!(selection.takes("kms/via::Decrypt through S3[viaRegion=eu-west-1]", ["kms", "bedrock"]));
    /// assert!(!selection.takes("kms/via::Decrypt through S3[viaRegion=eu-west-1]", ["kms"]));
    /// assert!(!selection.takes("kms/via::Decrypt", ["bedrock"]));
    /// assert!(Selection::default().takes("kms/via::Decrypt", []));
    /// ```
    pub fn new(ids: &[String], tags: &[String]) -> Self {
        Self { ids: ids.iter().map(|pattern| tokens(pattern)).collect(), tags: tags.to_vec() }
    }

    /// Whether it is every check.
    pub fn is_all(&self) -> bool {
        self.ids.is_empty() && self.tags.is_empty()
    }

    /// Whether a check with this id and these tags is one of them.
    pub fn takes<'t>(&self, id: &str, tags: impl IntoIterator<Item = &'t str>) -> bool {
        let by_id = self.ids.is_empty() || self.ids.iter().any(|pattern| matches(pattern, id, Case::Sensitive));
        by_id && (self.tags.is_empty() || tags.into_iter().any(|tag| self.tags.iter().any(|own| own == tag)))
    }
}
