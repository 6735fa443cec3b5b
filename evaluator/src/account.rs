//! Which AWS account? Twelve digits, as text: leading zeros count.

use std::fmt;

/// The id of an AWS account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId([u8; 12]);

/// A text is not an account id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an account id has twelve digits")]
pub struct NotAnAccountId;

impl AccountId {
    /// Reads twelve digits.
    ///
    /// # Errors
    /// [`NotAnAccountId`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotAnAccountId> {
        let digits: [u8; 12] = text.as_bytes().try_into().map_err(|_| NotAnAccountId)?;
        if digits.iter().all(u8::is_ascii_digit) { Ok(Self(digits)) } else { Err(NotAnAccountId) }
    }

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_digits_and_nothing_else() {
        assert_eq!(AccountId::parse("012345678901").unwrap().as_str(), "012345678901");
        for text in ["", "12345678901", "1234567890123", "12345678901a", "１２３４"] {
            assert_eq!(AccountId::parse(text), Err(NotAnAccountId), "{text}");
        }
    }
}
