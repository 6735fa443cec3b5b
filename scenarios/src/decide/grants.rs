//! Which grants does a line, or a set, bring along?
//!
//! The fields are those of `CreateGrant`, in `snake_case`. The key's spec is not known here, so that an operation its
//! kind of key does not have is not noticed.

use permitlab_evaluator::json::Text;
use permitlab_evaluator::policy::Written;
use permitlab_evaluator::principal::PrincipalPattern;
use permitlab_evaluator::source::{SourceId, Span};
use permitlab_evaluator::world::kms::{Constraint, Grant, Pairs};

use super::fault::Fault;
use super::field::{Field, Fields};
use super::request::{account, encryption_context};
use crate::grants::{self, MOST_PAIRS};

const FIELDS: [&str; 6] = [
    "grantee_principal",
    "grantee_service_principal",
    "operations",
    "constraints",
    "retiring_principal",
    "issuing_account",
];
const CONSTRAINTS: [&str; 3] = ["encryption_context_equals", "encryption_context_subset", "source_arn"];

/// Reads `grants`.
pub(super) fn read(fields: &Fields<'_>) -> Result<Vec<Grant>, Fault> {
    let Some(field) = fields.optional("grants") else { return Ok(Vec::new()) };
    field.list()?.iter().map(grant).collect()
}

fn grant(field: &Field<'_>) -> Result<Grant, Fault> {
    let fields = field.fields(&FIELDS)?;
    Ok(Grant {
        name: field.path().into(),
        span: nowhere(),
        grantee: grantee(field, &fields)?,
        operations: operations(fields.required("operations")?)?,
        constraints: fields.optional("constraints").map_or(Ok(Vec::new()), constraints)?,
        retiring_principal: fields.optional("retiring_principal").map(principal).transpose()?,
        issuing_account: fields.optional("issuing_account").map(account).transpose()?,
    })
}

/// Nothing points into a line.
fn nowhere() -> Span {
    Span::new(SourceId::from_index(0), 0, 0)
}

fn written<T>(text: &str, value: T) -> Written<T> {
    Written { text: Text::new(text, nowhere()), value }
}

/// AWS shows services that made a grant for themselves under either name (R6.23).
fn grantee(field: &Field<'_>, fields: &Fields<'_>) -> Result<Written<PrincipalPattern>, Fault> {
    match (fields.optional("grantee_principal"), fields.optional("grantee_service_principal")) {
        (Some(one), None) | (None, Some(one)) => principal(one),
        (None, None) => Err(fields.missing("grantee_principal", "add it, or `grantee_service_principal`")),
        (Some(_), Some(_)) => {
            let message = "a grant has one grantee; keep `grantee_principal` or `grantee_service_principal`";
            Err(field.fault("invalid-grant", message))
        }
    }
}

fn principal(field: &Field<'_>) -> Result<Written<PrincipalPattern>, Fault> {
    let text = field.text()?;
    let pattern = grants::pattern(text)
        .map_err(|help| field.fault("invalid-grant", format!("`{text}` can hold no grant; {help}")))?;
    Ok(written(text, pattern))
}

fn operations(field: &Field<'_>) -> Result<Vec<Written<&'static permitlab_evaluator::catalog::kms::Operation>>, Fault> {
    let all = field.list()?;
    if all.is_empty() {
        return Err(field.fault("invalid-grant", "the grant permits nothing; name at least one operation"));
    }
    let read = |field: &Field<'_>| {
        let text = field.text()?;
        let operation = grants::operation(text).map_err(|help| {
            field.fault("invalid-grant", format!("`{text}` is no operation a grant can permit; {help}"))
        })?;
        Ok(written(text, operation))
    };
    all.iter().map(read).collect()
}

fn constraints(field: &Field<'_>) -> Result<Vec<Constraint>, Fault> {
    let fields = field.fields(&CONSTRAINTS)?;
    let mut constraints = Vec::new();
    if let Some(field) = fields.optional("encryption_context_equals") {
        constraints.push(Constraint::EncryptionContextEquals(pairs(field)?));
    }
    if let Some(field) = fields.optional("encryption_context_subset") {
        constraints.push(Constraint::EncryptionContextSubset(pairs(field)?));
    }
    if let Some(field) = fields.optional("source_arn") {
        let text = field.text()?;
        let constraint = grants::source_arn(Text::new(text, nowhere()))
            .map_err(|help| field.fault("invalid-grant", format!("`{text}` is not an ARN; {help}")))?;
        constraints.push(constraint);
    }
    Ok(constraints)
}

fn pairs(field: &Field<'_>) -> Result<Pairs, Fault> {
    let pairs = encryption_context(field)?;
    if pairs.is_empty() || pairs.len() > MOST_PAIRS {
        let message = format!("a constraint has 1 to {MOST_PAIRS} pairs, this one has {}", pairs.len());
        return Err(field.fault("invalid-grant", message));
    }
    Ok(Pairs { pairs, span: nowhere() })
}
