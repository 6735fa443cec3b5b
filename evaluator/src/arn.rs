//! Which resource, role or user does an ARN name?
//!
//! `arn:partition:service:region:account:resource`, split at the first five colons; the last field may hold more
//! of them (R2.4). ARNs compare by case (R2.6).

use std::fmt;

use crate::account::AccountId;

/// An ARN, split into its six fields.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    text: Box<str>,
    /// Offsets of the first five colons.
    colons: [usize; 5],
}

/// A text is not an ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an ARN has six fields, `arn:partition:service:region:account:resource`")]
pub struct NotAnArn;

impl Arn {
    /// Reads an ARN with all six fields. Region and account may be empty.
    ///
    /// # Errors
    /// [`NotAnArn`] when a field is missing, the first is not `arn`, or the resource is empty.
    pub fn parse(text: &str) -> Result<Self, NotAnArn> {
        let fields = split(text).ok_or(NotAnArn)?;
        let mut end = 0;
        let colons = [0, 1, 2, 3, 4].map(|field: usize| {
            end += fields.get(field).map_or(0, |field| field.len());
            end += 1;
            end - 1
        });
        Ok(Self { text: text.into(), colons })
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `aws`, `aws-cn`, `aws-us-gov` …
    pub fn partition(&self) -> &str {
        self.field(1)
    }

    /// The service prefix: `kms`.
    pub fn service(&self) -> &str {
        self.field(2)
    }

    /// The Region, empty where the service has none.
    pub fn region(&self) -> &str {
        self.field(3)
    }

    /// The account, if the field holds one.
    pub fn account(&self) -> Option<AccountId> {
        AccountId::parse(self.field(4)).ok()
    }

    /// Everything after the fifth colon: `key/1234…`.
    pub fn resource(&self) -> &str {
        self.field(5)
    }

    /// The six fields in order.
    pub fn fields(&self) -> [&str; 6] {
        [0, 1, 2, 3, 4, 5].map(|index| self.field(index))
    }

    fn field(&self, index: usize) -> &str {
        let start = index.checked_sub(1).and_then(|before| self.colons.get(before)).map_or(0, |colon| colon + 1);
        let end = self.colons.get(index).copied().unwrap_or(self.text.len());
        self.text.get(start..end).unwrap_or_default()
    }
}

/// The six fields of a text, if it is an ARN.
pub fn split(text: &str) -> Option<[&str; 6]> {
    let mut rest = text;
    let mut field = || {
        let (field, after) = rest.split_at_checked(memchr::memchr(b':', rest.as_bytes())?)?;
        rest = after.get(1..)?;
        Some(field)
    };
    let fields = [field()?, field()?, field()?, field()?, field()?];
    let [arn, partition, service, region, account] = fields;
    (arn == "arn" && !rest.is_empty()).then_some([arn, partition, service, region, account, rest])
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resource_keeps_its_colons() {
        let arn = Arn::parse("arn:aws:logs:us-east-1:111122223333:log-group:/a:b").unwrap();
        assert_eq!(arn.resource(), "log-group:/a:b");
        assert_eq!(arn.account().unwrap().as_str(), "111122223333");
        assert_eq!(arn.fields()[1..4], ["aws", "logs", "us-east-1"]);
    }

    #[test]
    fn region_and_account_may_be_empty() {
        let arn = Arn::parse("arn:aws:s3:::bucket/key").unwrap();
        assert_eq!((arn.region(), arn.account(), arn.resource()), ("", None, "bucket/key"));
    }

    #[test]
    fn fewer_fields_are_no_arn() {
        for text in ["", "arn", "arn:aws:sqs", "arn:aws:kms:*:key/*", "ARN:aws:s3:::b", "arn:aws:s3:::"] {
            assert_eq!(Arn::parse(text), Err(NotAnArn), "{text}");
        }
    }
}
