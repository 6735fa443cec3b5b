//! Are real policies read, and texts AWS would refuse refused at their place?
//!
//! The corpus lies beside the repository and is no part of it. Without it these tests say so and pass.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::LazyLock;

use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::authorize::decide;
use permitlab_evaluator::decision::Effect;
use permitlab_evaluator::derive;
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::gather::Applicable;
use permitlab_evaluator::policy::{
    self, Document, Policies, Policy, PolicySet, PolicyType, ResourceElement, Statement,
};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::request::{Request, Resource};
use permitlab_evaluator::source::SourceMap;
use permitlab_evaluator::truth::Rules;
use permitlab_evaluator::world::World;
use rstest::rstest;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus");

/// The policies of the corpus that AWS would refuse, and what for.
#[rustfmt::skip]
const REFUSED: &[(&str, &str, &[&str])] = &[
    // Resources that are no ARNs: descriptions and names left in place of one.
    ("kms-identity-policies", "ai-chatbot-agent_lambda_role_policy.json", &["malformed-resource"]),
    ("kms-identity-policies", "ai-chatbot-agent_lambda_s3_policy.json", &["malformed-resource"]),
    ("kms-identity-policies", "ai-chatbot-bedrock_sample_kb_s3.json", &["malformed-resource"]),
    ("kms-identity-policies", "amazon-s3-developer-gu-replication-config-for-kms-objects.json", &["malformed-resource"]),
    ("kms-identity-policies", "amazon-s3-developer-gu-replication-walkthrough-4.json", &["malformed-resource"]),
    ("kms-identity-policies", "amazon-s3-userguide-replication-config-for-kms-objects.json", &["malformed-resource"]),
    ("kms-identity-policies", "cloudformation-templat-CreateHanaBackupSecureBackut-2.json", &["malformed-resource"]),
    ("kms-identity-policies", "cloudformation-templat-MANAGEDAD.cfn.json", &["malformed-resource"]),
    ("kms-identity-policies", "modernisation-platform-oidc_assume_role_member.json", &["malformed-resource"]),
    // An excerpt that leaves out `Resource`.
    ("kms-identity-policies", "stmt-sagemaker-roles-3.json", &["missing-element"]),
    // Key policies without `Principal`.
    ("kms-key-policies", "agentcore-identity-key-no-principal.json", &["missing-element"]),
    // `Principal` as a string or an array (R1.4).
    ("kms-key-policies", "checkov-fail.json", &["wrong-type"]),
    ("kms-key-policies", "checkov-pass-2.json", &["wrong-type"]),
    ("kms-key-policies", "checkov-pass-3.json", &["wrong-type"]),
    // AWS's own sample with an action that lacks its colon (R7.14), and no account id.
    ("kms-key-policies", "bedrock-evaluation-caller-key-bad-action.json", &["invalid-principal", "unknown-action-form"]),
    // A role session without the name of the session.
    ("kms-key-policies", "docs-default-kms-key-policy-2.json", &["invalid-principal"]),
    // An ARN with one colon too few.
    ("kms-key-policies", "docs-s3-vectors-data-encryption.json", &["invalid-principal"]),
    // Placeholders in place of an account id or a principal.
    ("kms-key-policies", "amazon-rds-user-guide-rds-proxy-setup.json", &["invalid-principal"]),
    ("kms-key-policies", "amazon-sagemaker-devel-model-registry-version.json", &["invalid-principal"]),
    ("kms-key-policies", "amazon-sagemaker-devel-sagemaker-roles.json", &["invalid-principal"]),
    ("kms-key-policies", "amazon-sagemaker-devel-sms-create-sns-input-topic.json", &["invalid-principal"]),
    ("kms-key-policies", "cloudtrail-user-guide-default-kms-key-policy.json", &["invalid-principal"]),
    ("kms-key-policies", "docs-s3exporttasks.json", &["invalid-principal"]),
    ("kms-key-policies", "modernisation-platform-kms_environment_management.json", &["invalid-principal"]),
    ("kms-key-policies", "secure-environment-acc-key-policy-basic.json", &["invalid-principal"]),
    ("kms-key-policies", "security-reference-arc-sra_kms_keys.json", &["invalid-principal"]),
    ("kms-key-policies", "stmt-auth-and-access_examples_cross.json", &["invalid-principal"]),
    ("kms-key-policies", "stmt-create-kms-key-policy-for-cloudtrail-4.json", &["invalid-principal"]),
    ("kms-key-policies", "stmt-encrypt-log-data-kms.json", &["invalid-principal"]),
    ("kms-key-policies", "stmt-encrypt-lookup-tables-kms-2.json", &["invalid-principal"]),
    ("kms-key-policies", "tf-kms-kms-replica.json.json", &["invalid-principal"]),
    ("kms-key-policies", "tf-kms-kms.json", &["invalid-principal"]),
    // A policy of another service in the folder: `*` alone as the action of an RCP (R1.10).
    ("rcp", "dp-api_gateway_policy.json", &["action-star-forbidden"]),
    ("rcp", "dp-sns_topic_policy.json", &["action-star-forbidden"]),
    // Placeholders for resources and actions.
    ("scp", "dp-resource_perimeter_scp.json", &["malformed-resource"]),
    ("vpce", "dp-s3_endpoint_policy.json", &["malformed-resource", "unknown-action-form"]),
    // An account id of eleven digits, and an ARN without `user/`: slips in AWS's guides.
    ("s3-bucket-policies", "amazon-s3-developer-gu-using-with-s3-actions.json", &["invalid-principal"]),
    ("s3-bucket-policies", "amazon-s3-userguide-MultiRegionAccessPointPermissions.json", &["invalid-principal"]),
    // Placeholders in place of a bucket's ARN.
    ("s3-bucket-policies", "amazon-s3-developer-gu-creating-access-points-2.json", &["malformed-resource"]),
    ("s3-bucket-policies", "amazon-s3-userguide-MultiRegionAccessPointPermissions-2.json", &["malformed-resource"]),
    ("s3-bucket-policies", "modernisation-platform-athena_bucket_policy.json", &["malformed-resource"]),
    ("s3-bucket-policies", "tf-cloudtrail-s3-bucke-default.json", &["malformed-resource"]),
    // Placeholders in place of an account id or a principal.
    ("s3-bucket-policies", "amazon-s3-developer-gu-amazon-s3-policy-keys-3.json", &["invalid-principal"]),
    ("s3-bucket-policies", "amazon-s3-developer-gu-batch-ops-examples-xcopy-2.json", &["invalid-principal"]),
    ("s3-bucket-policies", "amazon-s3-developer-gu-example-walkthroughs-managing-access-example2-2.json", &["invalid-principal"]),
    ("s3-bucket-policies", "amazon-s3-developer-gu-example-walkthroughs-managing-access-example2.json", &["invalid-principal"]),
    ("s3-bucket-policies", "amazon-s3-developer-gu-example-walkthroughs-managing-access-example3.json", &["invalid-principal"]),
    ("s3-bucket-policies", "amazon-s3-developer-gu-replication-walkthrough-3.json", &["invalid-principal"]),
    ("s3-bucket-policies", "amazon-s3-developer-gu-setting-repl-config-perm-overview.json", &["invalid-principal"]),
    ("s3-bucket-policies", "amazon-s3-userguide-example-bucket-policies-12.json", &["invalid-principal"]),
    ("s3-bucket-policies", "amazon-s3-userguide-example-walkthroughs-managing-access-example2-2.json", &["invalid-principal"]),
    ("s3-bucket-policies", "amazon-s3-userguide-example-walkthroughs-managing-access-example4.json", &["invalid-principal"]),
    ("s3-bucket-policies", "amazon-s3-userguide-replication-walkthrough-2.json", &["invalid-principal"]),
    ("s3-bucket-policies", "amazon-s3-userguide-setting-repl-config-perm-overview.json", &["invalid-principal"]),
    ("s3-bucket-policies", "amazon-sagemaker-devel-model-registry-version.json", &["invalid-principal"]),
    ("s3-bucket-policies", "cf-templates-terraform-state.json", &["invalid-principal"]),
    ("s3-bucket-policies", "checkov-main-14.json", &["invalid-principal"]),
    ("s3-bucket-policies", "checkov-main-7.json", &["invalid-principal"]),
    ("s3-bucket-policies", "checkov-main-8.json", &["invalid-principal"]),
    ("s3-bucket-policies", "docs-olap-policies.json", &["invalid-principal"]),
    ("s3-bucket-policies", "iam-user-guide-access_policies.json", &["invalid-principal"]),
    ("s3-bucket-policies", "iam-user-guide-id_credentials_mfa_configure-api-require.json", &["invalid-principal"]),
    ("s3-bucket-policies", "iam-user-guide-id_credentials_temp_control-access_disable-perms.json", &["invalid-principal"]),
    ("s3-bucket-policies", "iam-user-guide-id_credentials_temp_control-access_getfederationtoken.json", &["invalid-principal"]),
    // A blank before the ARN, in AWS's guide.
    ("role-trust-policies", "iam-user-guide-reference_policies_iam-condition-keys-4.json", &["invalid-principal"]),
    // `Effect` in lower case (R1.5), and a `Sid` that is a number, of which CloudFormation makes a string.
    ("role-trust-policies", "cloudformation-templat-template-3.json", &["wrong-type"]),
    ("role-trust-policies", "tf-control_tower_accou-backup.json", &["invalid-effect"]),
    // Placeholders in place of a principal, a condition key and an element.
    ("role-trust-policies", "amazon-dynamodb-develo-DAX.cross-account-access.json", &["invalid-principal"]),
    ("role-trust-policies", "checkov-example_IAMRoleAllowAssumeFromAccount-PASSED.json", &["invalid-condition-key"]),
    ("role-trust-policies", "cloudtrail-user-guide-cloudtrail-sharing-logs-third-party.json", &["invalid-principal"]),
    ("role-trust-policies", "docs-aws-resource-elasticbeanstalk-environment-2.json", &["invalid-principal"]),
    ("role-trust-policies", "docs-aws-resource-elasticbeanstalk-environment.json", &["invalid-principal"]),
    ("role-trust-policies", "docs-investigations-cross-account-2.json", &["invalid-principal"]),
    ("role-trust-policies", "docs-rabbitmq-iam-tutorial.json", &["invalid-principal"]),
    ("role-trust-policies", "iam-user-guide-confused-deputy.json", &["invalid-principal"]),
    ("role-trust-policies", "iam-user-guide-id_credentials_mfa_configure-api-require.json", &["invalid-principal"]),
    ("role-trust-policies", "tf-control_tower_accou-trust_policy.json", &["unknown-element"]),
];

/// A file of the corpus.
struct File {
    name: String,
    text: String,
}

/// The files of a folder, in order; `None` where there is no corpus.
#[expect(clippy::print_stderr, reason = "whoever reads the test output should know that nothing was tested")]
fn files(folder: &str, extension: &str) -> Option<Vec<File>> {
    let read = |path: PathBuf| File {
        name: path.file_name().unwrap().to_string_lossy().into_owned(),
        text: std::fs::read_to_string(&path).unwrap(),
    };
    let found: Vec<_> =
        glob::glob(&format!("{CORPUS}/{folder}/*.{extension}")).unwrap().map(|path| read(path.unwrap())).collect();
    if found.is_empty() {
        eprintln!("no corpus at {CORPUS}/{folder}: nothing was tested");
        return None;
    }
    Some(found)
}

/// The policy of a file if AWS would store it, and every diagnostic.
fn read(file: &File, kind: PolicyType) -> (Option<Policy>, Vec<Diagnostic>, SourceMap) {
    let mut sources = SourceMap::new();
    let source = sources.add(file.name.clone(), file.text.clone()).unwrap();
    match Document::read(&file.name, source, &file.text) {
        Ok(document) => {
            let parsed = policy::parse(&document, kind);
            (parsed.policy, parsed.diagnostics, sources)
        }
        Err(diagnostic) => (None, vec![*diagnostic], sources),
    }
}

fn error_codes(diagnostics: &[Diagnostic]) -> BTreeSet<&'static str> {
    diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).map(|diagnostic| diagnostic.code).collect()
}

/// Policies that were deployed are read; those that are excerpts or templates are refused for what AWS refuses.
#[rstest]
#[case::managed_by_aws("aws-managed", PolicyType::Identity)]
#[case::identity_policies("kms-identity-policies", PolicyType::Identity)]
#[case::key_policies("kms-key-policies", PolicyType::Key)]
#[case::scp("scp", PolicyType::ServiceControl)]
#[case::rcp("rcp", PolicyType::ResourceControl)]
#[case::vpc_endpoint("vpce", PolicyType::VpcEndpoint)]
#[case::bucket("s3-bucket-policies", PolicyType::Resource)]
#[case::trust("role-trust-policies", PolicyType::Trust)]
fn what_aws_stores_is_read(#[case] folder: &str, #[case] kind: PolicyType) {
    let Some(files) = files(folder, "json") else { return };
    let expected: BTreeMap<_, BTreeSet<_>> = REFUSED
        .iter()
        .filter(|(in_folder, ..)| *in_folder == folder)
        .map(|(_, file, codes)| (String::from(*file), codes.iter().copied().collect()))
        .collect();
    let refused: BTreeMap<_, _> = files
        .iter()
        .filter_map(|file| {
            let (policy, diagnostics, _) = read(file, kind);
            policy.is_none().then(|| (file.name.clone(), error_codes(&diagnostics)))
        })
        .collect();
    assert_eq!(refused, expected);
}

/// Texts that were published as policies and are no JSON.
#[test]
fn malformed_texts_are_refused_at_their_place() {
    let Some(files) = files("malformed", "txt") else { return };
    for file in &files {
        let (policy, diagnostics, sources) = read(file, PolicyType::Identity);
        assert!(policy.is_none(), "{} is read", file.name);
        for diagnostic in diagnostics.iter().filter(|diagnostic| diagnostic.is_error()) {
            let place = sources.position(diagnostic.span().unwrap());
            let line = file.text.lines().nth(place.line - 1).unwrap_or_default();
            assert!(place.column <= line.chars().count() + 1, "{}: {place:?} is not in the file", file.name);
            assert!(diagnostic.help.is_some(), "{}: `{}` without a remedy", file.name, diagnostic.message);
        }
        assert!(!error_codes(&diagnostics).is_empty(), "{}", file.name);
    }
}

/// Every policy that is read answers a request of the kind its first statement speaks of, and an answer that rests
/// on a statement names one of that effect.
#[rstest]
#[case::managed_by_aws("aws-managed", PolicyType::Identity)]
#[case::identity_policies("kms-identity-policies", PolicyType::Identity)]
#[case::key_policies("kms-key-policies", PolicyType::Key)]
#[case::scp("scp", PolicyType::ServiceControl)]
#[case::rcp("rcp", PolicyType::ResourceControl)]
#[case::vpc_endpoint("vpce", PolicyType::VpcEndpoint)]
#[case::bucket("s3-bucket-policies", PolicyType::Resource)]
#[case::trust("role-trust-policies", PolicyType::Trust)]
fn every_policy_answers(#[case] folder: &str, #[case] kind: PolicyType) {
    let Some(files) = files(folder, "json") else { return };
    let mut answers: BTreeMap<Effect, usize> = BTreeMap::new();
    for policy in files.iter().filter_map(|file| read(file, kind).0) {
        let request = plausible_request(&policy);
        let applicable = applicable(&policy);
        let context = derive::context(&World::default(), &request);
        let decision = decide(&applicable, &request, &context, Rules::NONE);
        *answers.entry(decision.effect).or_default() += 1;
        if let Some(reference) = decision.decided_by {
            let (_, statement) = applicable.statement(reference).unwrap();
            let denies = statement.effect == policy::Effect::Deny;
            assert_eq!(denies, decision.effect == Effect::ExplicitDeny, "{}", policy.name);
        } else {
            assert_eq!(decision.effect, Effect::ImplicitDeny, "{}", policy.name);
        }
        assert_eq!(decision.otherwise.is_empty(), decision.doubts.is_empty(), "{}", policy.name);
    }
    assert!(answers.len() > 1, "all answers are alike: {answers:?}");
}

/// The policy in its layer; a limit stands beside an identity policy that allows everything.
fn applicable(policy: &Policy) -> Applicable<'_> {
    static ADMINISTRATOR: LazyLock<Policy> = LazyLock::new(|| {
        let text = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
        read(&File { name: "administrator".into(), text: text.into() }, PolicyType::Identity).0.unwrap()
    });
    static NOTHING: PolicySet = PolicySet::NONE;
    let limited = Applicable { identity: Some(Policies::One(&ADMINISTRATOR)), ..Applicable::default() };
    let unlimited = Applicable { identity: Some(Policies::Set(&NOTHING)), ..Applicable::default() };
    match policy.kind {
        PolicyType::Identity => Applicable { identity: Some(Policies::One(policy)), ..unlimited },
        PolicyType::Key | PolicyType::Resource | PolicyType::Trust => {
            Applicable { resource: Some(policy), ..unlimited }
        }
        PolicyType::Boundary => Applicable { boundary: Some(Policies::One(policy)), ..limited },
        PolicyType::Session => Applicable { session: Some(Policies::One(policy)), ..limited },
        PolicyType::VpcEndpoint => Applicable { vpc_endpoint: Some(Policies::One(policy)), ..limited },
        PolicyType::ServiceControl => {
            Applicable { scp: Some(std::iter::once(Policies::One(policy)).collect()), ..limited }
        }
        PolicyType::ResourceControl => {
            Applicable { rcp: Some(std::iter::once(Policies::One(policy)).collect()), ..limited }
        }
    }
}

/// A call of the first action on the first resource of the policy's first statement, wildcards filled in.
fn plausible_request(policy: &Policy) -> Request {
    let statement = policy.statements.first().unwrap();
    let action = statement.action.patterns.first().map_or("kms:Decrypt", |pattern| pattern.text.as_str());
    let action = if action.starts_with('*') { "kms:Decrypt".to_owned() } else { filled(action) };
    let action = ActionName::parse(&action).unwrap_or_else(|_| ActionName::parse("kms:Decrypt").unwrap());
    let caller = Principal::parse("arn:aws:sts::111122223333:assumed-role/example/session").unwrap();
    Request::new(caller, action, Resource::new(resource(statement)))
}

fn resource(statement: &Statement) -> Arn {
    let key = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let written = match &statement.resource {
        ResourceElement::Listed { patterns, .. } => patterns.first().map_or(key, |pattern| pattern.text.as_str()),
        ResourceElement::Missing | ResourceElement::Own => key,
    };
    Arn::parse(&filled(written)).unwrap_or_else(|_| Arn::parse(key).unwrap())
}

fn filled(pattern: &str) -> String {
    pattern.replace(['*', '?'], "x")
}
