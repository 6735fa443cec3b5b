//! Can there be a key as a world describes it, and what is the policy of one that AWS manages?
//!
//! Key ids and aliases have a shape, multi-Region keys say so in their id (R6.35), `alias/aws/…` is AWS's own (R6.12),
//! and the policy of an AWS managed key follows from its service (R6.32).

use permitlab_evaluator::account::AccountId;
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::world::kms::MultiRegion;

use super::partition;
use crate::file::world as written;
use crate::file::{At, Text};

/// What aliases of AWS managed keys begin with.
const RESERVED: &str = "alias/aws/";

/// An id KMS would not give: it gives UUIDs, and `mrk-` with as many digits to multi-Region keys.
pub(super) fn odd_id(id: &Text) -> Option<Diagnostic> {
    let is_hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let written = id.as_str();
    let parts: Vec<&str> = written.split('-').collect();
    let is_known = match parts.as_slice() {
        ["mrk", digits] => digits.len() == 32 && is_hex(digits),
        parts => parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| is_hex(part)),
    };
    // A placeholder without a value is reported by itself.
    if is_known || written.contains("{{") || written.contains("[[") {
        return None;
    }
    let help = if written.starts_with("arn:") {
        "write the id alone; `account` and `region` make the rest of the ARN"
    } else {
        "write it as KMS prints it: `1234abcd-12ab-34cd-56ef-1234567890ab`, or `mrk-` and 32 hexadecimal digits"
    };
    Some(Diagnostic::error("invalid-key-id", id.span(), format!("`{id}` is not a key id")).help(help))
}

/// Whether a key is a multi-Region key, by its id and by what the world says.
pub(super) fn multi_region(id: &Text, stated: Option<At<written::MultiRegion>>) -> Result<MultiRegion, Diagnostic> {
    let by_id = id.as_str().starts_with("mrk-");
    let kind = stated.map(|stated| match stated.value {
        written::MultiRegion::Primary => MultiRegion::Primary,
        written::MultiRegion::Replica => MultiRegion::Replica,
        written::MultiRegion::True => MultiRegion::Unstated,
        written::MultiRegion::False => MultiRegion::No,
    });
    match (stated, kind) {
        (Some(stated), Some(kind)) if kind.is_multi_region() != by_id => {
            let (message, help) = if by_id {
                ("ids that begin with `mrk-` are those of multi-Region keys", "write `primary` or `replica`")
            } else {
                ("the id of a multi-Region key begins with `mrk-`", "correct the id, or remove `multi_region`")
            };
            Err(Diagnostic::error("contradictory-key", stated.span, message).also(id.span(), "the id").help(help))
        }
        (_, Some(kind)) => Ok(kind),
        (_, None) if by_id => Ok(MultiRegion::Unstated),
        (_, None) => Ok(MultiRegion::No),
    }
}

/// An alias that a key cannot have.
pub(super) fn odd_alias(alias: &Text, is_aws_managed: bool) -> Option<Diagnostic> {
    let written = alias.as_str();
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-'))
    };
    let (message, help) = match (written.strip_prefix("alias/"), written.starts_with(RESERVED)) {
        (None, _) => (format!("`{alias}` is not an alias"), format!("write `alias/{alias}`")),
        (Some(name), _) if !is_name(name) => {
            (format!("`{alias}` is not an alias"), "its name has letters, digits, `/`, `_` and `-`".to_owned())
        }
        (Some(_), true) if !is_aws_managed => (
            format!("`{alias}` is an alias of an AWS managed key"),
            "give the key another alias, or say `owner: aws-managed` instead of its `policy`".to_owned(),
        ),
        (Some(_), false) if is_aws_managed => (
            format!("`{alias}` is not an alias of an AWS managed key"),
            "an AWS managed key has the alias AWS gave it: `alias/aws/s3`".to_owned(),
        ),
        (Some(_), _) => return None,
    };
    Some(Diagnostic::error("invalid-alias", alias.span(), message).help(help))
}

/// What nobody but AWS decides about a key that it manages.
pub(super) fn not_ours(key: &written::HeldKey) -> Vec<Diagnostic> {
    let policy = key.policy.as_ref().map(|policy| ("policy", policy.span()));
    let state = key.state.map(|state| ("state", state.span));
    let multi_region = key.multi_region.map(|multi| ("multi_region", multi.span));
    let stated = [policy, state, multi_region].into_iter().flatten();
    let finding = |(field, span)| {
        Diagnostic::error("aws-managed-key", span, format!("`{field}` of a key that AWS manages"))
            .help(format!("remove `{field}`: AWS decides it; a key of yours has no `owner`"))
    };
    stated.map(finding).collect()
}

/// The service of an AWS managed key, by the one alias it has.
pub(super) fn service<'a>(key: &written::HeldKey, aliases: Option<&'a [Text]>) -> Result<&'a str, Diagnostic> {
    let named = match aliases {
        Some([alias]) => alias.as_str().strip_prefix(RESERVED),
        Some(_) | None => None,
    };
    named.ok_or_else(|| {
        Diagnostic::error("missing-key", key.id.span(), "an AWS managed key is known by its one alias")
            .help("add `aliases: [alias/aws/s3]`: its key policy follows from the service there")
    })
}

/// The service that calls KMS for an AWS managed key; not always the one in its alias (R6.18).
fn calling_service(service: &str) -> &str {
    if service == "ebs" { "ec2" } else { service }
}

/// The key policy of an AWS managed key (R6.32): everyone of the account may use it through the service, and the
/// account's identity policies may let people look at it. S3 makes no grants.
pub(super) fn aws_policy(service: &str, account: AccountId, region: &str) -> String {
    let grants = if service == "s3" { "" } else { r#""kms:CreateGrant", "# };
    let (calling, partition) = (calling_service(service), partition(region));
    format!(
        r#"{{
  "Version": "2012-10-17",
  "Statement": [
    {{
      "Sid": "UseThroughTheService",
      "Effect": "Allow",
      "Principal": {{ "AWS": "*" }},
      "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", {grants}"kms:DescribeKey"],
      "Resource": "*",
      "Condition": {{
        "StringEquals": {{
          "kms:CallerAccount": "{account}",
          "kms:ViaService": "{calling}.{region}.amazonaws.com"
        }}
      }}
    }},
    {{
      "Sid": "LookAtMetadata",
      "Effect": "Allow",
      "Principal": {{ "AWS": "arn:{partition}:iam::{account}:root" }},
      "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
      "Resource": "*"
    }}
  ]
}}
"#
    )
}
