//! Is what a check binds to a flow's need of the kind the flow asks for?
//!
//! A key in the place of a role would otherwise be found out only in the steps that use it, at their lines.

use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::principal::Principal;

use crate::facts::Facts;
use crate::file::Text;
use crate::file::flow::{Need, NeedKind};
use crate::reference::{self, Target};

/// Checks the value of a need, with its placeholders filled.
///
/// # Errors
/// A value of another kind, or a name nobody defined.
pub(super) fn check(facts: &Facts, name: &Text, need: &Need, value: &Text) -> Result<(), Box<Diagnostic>> {
    let kind = need.kind.value;
    let is_it = match kind {
        NeedKind::Role => is_caller(facts, value, |it| matches!(it, Principal::RoleSession { .. }))?,
        NeedKind::User => is_caller(facts, value, |it| matches!(it, Principal::User(_)))?,
        NeedKind::Account => is_caller(facts, value, |it| matches!(it, Principal::Root { .. }))?,
        NeedKind::Service => is_caller(facts, value, |it| matches!(it, Principal::Service(_)))?,
        NeedKind::Caller => reference::caller(facts, value).map(|_| true)?,
        NeedKind::Key => is_key(facts, value)?,
        NeedKind::Alias => reference::is_alias(value),
        NeedKind::Bucket => is_bucket(facts, value)?,
        NeedKind::Arn => Arn::parse(value.as_str()).is_ok(),
        NeedKind::Text => true,
    };
    if is_it { Ok(()) } else { Err(Box::new(wrong_kind(name, need, value))) }
}

/// Whether a text names a caller of a kind.
fn is_caller(facts: &Facts, value: &Text, is_it: impl Fn(&Principal) -> bool) -> Result<bool, Box<Diagnostic>> {
    match reference::caller(facts, value) {
        Ok(caller) => Ok(is_it(&caller)),
        Err(finding) if finding.code == "invalid-caller" => Ok(false),
        Err(finding) => Err(finding),
    }
}

/// Whether a text names a key, by its alias too.
fn is_key(facts: &Facts, value: &Text) -> Result<bool, Box<Diagnostic>> {
    match reference::target(facts, value) {
        Ok(Target::AwsOwned) => Ok(true),
        Ok(Target::Resource(resource)) => Ok(resource.arn.service() == "kms"),
        Err(finding) if finding.code == "invalid-resource" => Ok(false),
        Err(finding) => Err(finding),
    }
}

/// Whether a text names a bucket, not an object in it.
fn is_bucket(facts: &Facts, value: &Text) -> Result<bool, Box<Diagnostic>> {
    match reference::target(facts, value) {
        Ok(Target::AwsOwned) => Ok(false),
        Ok(Target::Resource(resource)) => Ok(resource.arn.service() == "s3" && !resource.arn.resource().contains('/')),
        Err(finding) if finding.code == "invalid-resource" => Ok(false),
        Err(finding) => Err(finding),
    }
}

fn wrong_kind(name: &Text, need: &Need, value: &Text) -> Diagnostic {
    let kind = need.kind.value;
    let form = match kind {
        NeedKind::Role => "`role/NAME` or its ARN",
        NeedKind::User => "`user/NAME` or its ARN",
        NeedKind::Caller => "`role/NAME`, `user/NAME` or another caller",
        NeedKind::Key => "`key/NAME`, `alias/NAME` or an ARN",
        NeedKind::Alias => "`alias/NAME` or its ARN",
        NeedKind::Bucket => "`bucket/NAME` or its ARN",
        NeedKind::Account => "`account/NAME`",
        NeedKind::Service => "`service/NAME`",
        NeedKind::Arn | NeedKind::Text => "a full ARN",
    };
    let message = format!("`{name}` is to be of the kind {kind}, and `{value}` is not");
    let finding = Diagnostic::error("wrong-kind", value.span(), message).also(need.kind.span, "the flow needs it here");
    finding.help(format!("write {form}"))
}
