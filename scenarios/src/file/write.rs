//! How is what a file holds written down?
//!
//! As JSON, which YAML reads the same: for files that a person takes over.

/// A text.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A list of texts.
pub(crate) fn list<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<_> = texts.into_iter().map(|text| quoted(text.as_ref())).collect();
    format!("[{}]", texts.join(", "))
}

/// An object of values that are written already.
pub(crate) fn object<N: AsRef<str>>(members: impl IntoIterator<Item = (N, String)>) -> String {
    let members: Vec<_> =
        members.into_iter().map(|(name, value)| format!("{}: {value}", quoted(name.as_ref()))).collect();
    format!("{{ {} }}", members.join(", "))
}
