//! `cedar-policy`: a hand translation, a policy for each statement.
//!
//! Action and resource are entities, and texts in the context for `like`, which entities do not know; condition keys are a
//! record in the context. There is no schema, and there are no entities beside those of the request.

use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression,
};
use permitlab_benches::workload::{Answer, Call, KEY_ID, Workload};

pub(super) struct Engine {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
}

/// A workload's policies in Cedar.
pub(super) fn translate(workload: &Workload) -> String {
    if workload.statements.is_empty() {
        return documented();
    }
    workload.statements.iter().map(permitlab_benches::statement::Statement::to_cedar).collect()
}

/// The four statements that AWS documents. A flat set knows no layers: the statement that names the account stays one
/// about the root user.
fn documented() -> String {
    let key = format!("Resource::\"arn:aws:kms:us-east-1:111122223333:key/{KEY_ID}\"");
    let role = "Principal::\"arn:aws:iam::111122223333:role/eval-service\"";
    let jobs = "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*";
    let via = r#"context.keys has "kms:ViaService" && context.keys["kms:ViaService"] == "s3.us-east-1.amazonaws.com""#;
    let of_job = |key: &str| format!(r#"context.keys has "{key}" && context.keys["{key}"] like "{jobs}""#);
    let (job, source) = (of_job("kms:EncryptionContext:evaluationJobArn"), of_job("aws:SourceArn"));
    format!(
        r#"
        permit (principal == {role}, action in [Action::"kms:decrypt", Action::"kms:generatedatakey"], resource == {key})
        when {{ {via} }};
        permit (principal == {role}, action == Action::"kms:describekey", resource == {key});
        permit (principal == Principal::"arn:aws:iam::111122223333:root", action, resource)
        when {{ context.action like "kms:*" }};
        permit (
            principal == Principal::"bedrock.amazonaws.com",
            action in [Action::"kms:generatedatakey", Action::"kms:decrypt", Action::"kms:describekey"],
            resource
        ) when {{ {job} && {source} }};
        "#
    )
}

pub(super) fn read(policies: &str) -> Engine {
    let policies = policies.parse().expect("Cedar reads the policies");
    Engine { authorizer: Authorizer::new(), policies, entities: Entities::empty() }
}

fn entity(kind: &str, id: &str) -> EntityUid {
    let kind: EntityTypeName = kind.parse().expect("a name of a type");
    EntityUid::from_type_name_and_id(kind, EntityId::new(id))
}

pub(super) fn ask(call: &Call) -> Request {
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let keys = call.context.iter().map(|(key, value)| ((*key).to_owned(), text(value)));
    let keys = RestrictedExpression::new_record(keys).expect("no key is there twice");
    let action = call.action.to_ascii_lowercase();
    let context = Context::from_pairs([
        ("action".to_owned(), text(&action)),
        ("resource".to_owned(), text(&call.resource)),
        ("keys".to_owned(), keys),
    ]);
    Request::new(
        entity("Principal", &call.principal),
        entity("Action", &action),
        entity("Resource", &call.resource),
        context.expect("no key is there twice"),
        None,
    )
    .expect("a request without a schema is valid")
}

impl Engine {
    /// Cedar knows one kind of denial; the determining policies tell which.
    pub(super) fn decide(&self, request: &Request) -> Answer {
        let response = self.authorizer.is_authorized(request, &self.policies, &self.entities);
        let is_explicit = response.diagnostics().reason().next().is_some();
        match (response.decision(), is_explicit) {
            (Decision::Allow, _) => Answer::Allow,
            (Decision::Deny, true) => Answer::ExplicitDeny,
            (Decision::Deny, false) => Answer::ImplicitDeny,
        }
    }
}
