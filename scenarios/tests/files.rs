//! Worlds, flows and scenario files: what they say, and what is wrong with those that say it badly.

#![cfg(test)]

use permitlab::file::flow::{Evidence, NeedKind};
use permitlab::file::scenario::{FlowVerdict, Layer, PolicyOutcome, Question, Scenario, Word};
use permitlab::file::world::{Grantee, HeldKey, Key, World};
use permitlab::file::{ContextValue, PolicySource, Text, read_flow, read_scenario, read_world};
use permitlab::replay::{Options, replay};
use permitlab::root::PolicyRoot;
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::json;
use permitlab_evaluator::source::{Position, SourceMap};
use rstest::rstest;

/// The examples of the design, as they stand there.
const WORLD: &str = include_str!("examples/world.yaml");
const FLOW: &str = include_str!("examples/flow.yaml");
const SCENARIO: &str = include_str!("examples/scenario.yaml");

fn world(name: &str, text: &str) -> (SourceMap, Result<World, Vec<Diagnostic>>) {
    let mut sources = SourceMap::new();
    let id = sources.add(name, text).unwrap();
    let world = read_world(&sources, id);
    (sources, world)
}

fn scenario(text: &str) -> (SourceMap, Result<Scenario, Vec<Diagnostic>>) {
    let mut sources = SourceMap::new();
    let id = sources.add("cases/a/b.yaml", text).unwrap();
    let scenario = read_scenario(&sources, id);
    (sources, scenario)
}

fn held<'w>(world: &'w World, name: &str) -> &'w HeldKey {
    match world.keys.get(name) {
        Some(Key::Held(key)) => key,
        other => panic!("{name} is {other:?}"),
    }
}

/// A scenario of one check with these lines.
fn one_check(lines: &str) -> String {
    format!(
        "scenario: s\nchecks:\n  - name: c\n{}",
        lines.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
    )
}

/// The one finding about a file has this code and place, and helps.
#[track_caller]
fn refused<T: std::fmt::Debug>(
    sources: &SourceMap,
    read: Result<T, Vec<Diagnostic>>,
    code: &str,
    place: (usize, usize),
) -> Diagnostic {
    let findings = read.unwrap_err();
    let [finding] = findings.as_slice() else { panic!("{findings:#?}") };
    let Position { line, column } = sources.position(finding.span().unwrap());
    assert_eq!((finding.code, line, column), (code, place.0, place.1), "{}", finding.message);
    assert!(finding.help.as_ref().is_some_and(|help| !help.is_empty()), "no help: {finding:?}");
    finding.clone()
}

#[test]
fn the_world_of_the_design_reads() {
    let (sources, world) = world("fixtures/w.yaml", WORLD);
    let world = world.unwrap();
    assert_eq!(world.vars.names().collect::<Vec<_>>(), ["region", "accountId", "CustomerAccountId", "keyId", "jobArn"]);
    assert_eq!(sources.slice(world.vars.get("CustomerAccountId").unwrap().span()), "{{accountId}}");
    let organization = world.organization.as_ref().unwrap();
    assert_eq!(organization.management_account.as_str(), "999988887777");
    assert_eq!(organization.units.get("root/workloads").unwrap().scps.len(), 1);
    let key = held(&world, "eval");
    assert_eq!((key.id.as_str(), key.aliases.as_ref().unwrap()[0].as_str()), ("[[keyId]]", "alias/bedrock-eval"));
    assert!(matches!(&key.policy, Some(PolicySource::File(path)) if path.as_str() == "policies/key-eval.json"));
    let role = world.roles.get("eval-service").unwrap();
    assert_eq!((role.policies.len(), role.boundary.is_none()), (1, true));
}

#[test]
fn the_flow_of_the_design_reads() {
    let mut sources = SourceMap::new();
    let id = sources.add("flows/f.yaml", FLOW).unwrap();
    let flow = read_flow(&sources, id).unwrap();
    assert_eq!(flow.needs.get("role").unwrap().kind.value, NeedKind::Role);
    assert_eq!(flow.needs.get("input_key").unwrap().default.as_ref().unwrap().as_str(), "{{key}}");
    assert!(flow.needs.get("caller").unwrap().is_optional);
    let required: Vec<_> = flow.steps.iter().map(|step| (step.id.as_str(), step.is_required())).collect();
    assert_eq!(required[0], ("role-describes-key", true));
    assert_eq!(required[3], ("service-describes-key", false));
    assert!(flow.steps.iter().all(|step| step.evidence.value == Evidence::Documented));
}

#[test]
fn the_scenario_of_the_design_reads() {
    let (sources, scenario) = scenario(SCENARIO);
    let scenario = scenario.unwrap();
    let [call, flow, policy] = scenario.checks.as_slice() else { panic!("{scenario:?}") };

    let Question::Call(question) = &call.question else { panic!("{call:?}") };
    assert_eq!(call.matrix.get("viaRegion").unwrap().len(), 2);
    let [first, rest] = question.expect.as_slice() else { panic!("{question:?}") };
    assert_eq!(first.when.get("viaRegion").unwrap().as_str(), "us-east-1");
    assert_eq!(
        first.outcome.because.as_ref().unwrap().statement.as_ref().unwrap().as_str(),
        "role-eval-kms#CustomKMSKeyProvidedToBedrock"
    );
    assert_eq!((rest.outcome.is.value, rest.when.is_empty()), (Word::ImplicitDeny, true));
    let because = rest.outcome.because.as_ref().unwrap();
    assert_eq!(because.layer.unwrap().value, Layer::Identity);
    assert_eq!(sources.slice(because.failed.as_ref().unwrap().span()), "kms:ViaService");

    let Question::Flow { with, expect, .. } = &flow.question else { panic!("{flow:?}") };
    assert_eq!(with.get("key").unwrap().as_str(), "key/eval");
    let Some(FlowVerdict::BlockedAt { step, others }) = &expect[0].outcome.verdict else { panic!("{expect:?}") };
    assert_eq!((step.as_str(), others.unwrap().value), ("role-describes-key", Word::Allow));

    let Question::Policy { expect, .. } = &policy.question else { panic!("{policy:?}") };
    let PolicyOutcome::Refused { code, at: Some(at) } = &expect[0].outcome else { panic!("{expect:?}") };
    assert_eq!((code.as_str(), at.value), ("unknown-action-form", Position { line: 9, column: 21 }));
}

#[test]
fn json_says_the_same_as_yaml() {
    let yaml = "accounts:\n  ml: { id: 012345678901 }\ncontext:\n  a: null\n  b: [x, 1.0]\n  c: \"\\u00e9\"\n";
    let json = "{\"accounts\": {\"ml\": {\"id\": \"012345678901\"}},\n\t\"context\": {\"a\": null, \"b\": [\"x\", 1.0], \"c\": \"\\u00e9\"}}";
    let read = |name: &str, text: &str| {
        let (_, world) = world(name, text);
        let world = world.unwrap();
        let value = |value: &ContextValue| match value {
            ContextValue::Absent => "absent".to_owned(),
            ContextValue::One(text) => text.to_string(),
            ContextValue::Many(texts) => texts.iter().map(Text::as_str).collect::<Vec<_>>().join("+"),
        };
        let context: Vec<_> =
            world.context.iter().map(|(name, written)| format!("{name}={}", value(written))).collect();
        (world.accounts.get("ml").unwrap().id.to_string(), context)
    };
    let expected = ("012345678901".to_owned(), vec!["a=absent".to_owned(), "b=x+1.0".into(), "c=é".into()]);
    assert_eq!(read("w.yaml", yaml), expected);
    assert_eq!(read("w.json", json), expected);
    assert_eq!(read("w.yaml", json), expected);
}

#[rstest]
#[case("111122223333")]
#[case("012345678901")]
#[case("1.0")]
#[case("1e3")]
#[case("0x1F")]
#[case("1_000")]
#[case("true")]
#[case("no")]
#[case(".inf")]
#[case("1e999")]
#[case("-0")]
#[case("2026-01-31")]
#[case("2026-01-31T12:00:00Z")]
#[case("12:30:45")]
#[case("99999999999999999999999999999999999999999999")]
#[case("!x")]
fn a_value_keeps_the_text_that_was_written(#[case] written: &str) {
    let quoted = if written.starts_with('!') { format!("'{written}'") } else { written.to_owned() };
    let (sources, world) = world("w.yaml", &format!("vars:\n  é: \"日本\"\n  é2: {quoted}\n  {quoted}: é\n"));
    let vars = world.unwrap().vars;
    let value = vars.get("é2").unwrap();
    assert_eq!((value.as_str(), sources.slice(value.span())), (written, written));
    let (name, _) = vars.entry(written).unwrap();
    assert_eq!(
        (sources.slice(name.span()), sources.place(name.span())),
        (written, format!("w.yaml:4:{}", 3 + usize::from(quoted != written)))
    );
}

#[rstest]
#[case::plain("vars:\n  é: \"日本\"\n  a: é{{b}}\n", 2..7, "{{b}}", (3, 7))]
#[case::double_quoted("vars:\n  é: 1\n  a: \"é{{b}}\"\n", 2..7, "{{b}}", (3, 8))]
#[case::escaped("vars:\n  a: \"\\u00e9{{b}}\"\n", 2..7, "\\u00e9{{b}}", (2, 7))]
#[case::single_quoted("vars:\n  a: 'it''s {{b}}'\n", 5..10, "it''s {{b}}", (2, 7))]
#[case::block("vars:\n  a: |-\n    é{{b}}\n", 2..7, "{{b}}", (3, 6))]
#[case::alias("vars:\n  b: &b x{{c}}\n  a: *b\n", 1..6, "*b", (3, 6))]
fn a_part_of_a_value_is_found_in_the_file(
    #[case] text: &str,
    #[case] part: std::ops::Range<usize>,
    #[case] written: &str,
    #[case] place: (usize, usize),
) {
    let (sources, world) = world("w.yaml", text);
    let vars = world.unwrap().vars;
    let span = vars.get("a").unwrap().subspan(part);
    assert_eq!(sources.slice(span), written);
    let Position { line, column } = sources.position(span);
    assert_eq!((line, column), place);
}

#[test]
fn inline_json_keeps_its_place_in_the_file() {
    let text = "vars: { é: 1 }\nkeys:\n  eval:\n    account: ml\n    region: x\n    id: y\n    policy: |\n      {\n        \"Version\": 3\n      }\n    state: Disabled\n";
    let (sources, world) = world("w.yaml", text);
    let world = world.unwrap();
    let policy = held(&world, "eval").policy.as_ref().unwrap();
    assert!(matches!(policy, PolicySource::Inline(json) if json.as_str().starts_with("{\n  \"Version\"")));
    let value = json::parse(policy.span().source, &policy.in_place(&sources).unwrap()).unwrap();
    let json::Kind::Object(members) = value.kind else { panic!("{value:?}") };
    assert_eq!(sources.place(members[0].value.span), "w.yaml:9:20");
}

#[test]
fn an_inline_policy_with_escapes_has_no_place() {
    let (sources, world) =
        world("w.json", r#"{"roles": {"r": {"account": "a", "policies": ["{\"a\": 1}", "{{policy}}.json"]}}}"#);
    let policies = world.unwrap().roles.get("r").unwrap().policies.clone();
    assert!(matches!(&policies[0], PolicySource::Inline(_)) && policies[0].in_place(&sources).is_none());
    assert!(matches!(&policies[1], PolicySource::File(_)));
}

#[test]
fn keys_and_grants_take_their_shape() {
    let text = "keys:\n  own: { owner: aws-owned }\n  k:\n    account: ml\n    region: x\n    id: 1234\n    owner: aws-managed\n    grants:\n      - grantee_service_principal: bedrock.amazonaws.com\n        operations: [Decrypt]\n        constraints: { encryption_context_subset: { a: 1 } }\n";
    let (_, world) = world("w.yaml", text);
    let world = world.unwrap();
    assert!(matches!(world.keys.get("own"), Some(Key::AwsOwned { region: None })));
    let key = held(&world, "k");
    assert!(key.is_aws_managed && key.policy.is_none());
    assert!(
        matches!(&key.grants[0].value.grantee, Grantee::Service(service) if service.as_str() == "bedrock.amazonaws.com")
    );
    assert_eq!(
        key.grants[0].value.constraints.encryption_context_subset.as_ref().unwrap().value.get("a").unwrap().as_str(),
        "1"
    );
}

#[test]
fn merge_keys_and_aliases_work() {
    let text = "roles:\n  a: &a { account: ml, path: /x/ }\n  b:\n    <<: *a\n    path: /y/\n";
    let (_, world) = world("w.yaml", text);
    let role = world.unwrap().roles.get("b").unwrap().clone();
    assert_eq!((role.account.as_str(), role.path.unwrap().as_str()), ("ml", "/y/"));
}

#[rstest]
#[case::empty("", "empty-file", (1, 1))]
#[case::comments_only("# é\n\n", "empty-file", (1, 1))]
#[case::only_a_document_marker("---\n", "empty-file", (1, 1))]
#[case::null("null\n", "empty-file", (1, 1))]
#[case::list("- a\n", "wrong-type", (1, 1))]
#[case::word("é\n", "wrong-type", (1, 1))]
#[case::unknown_key("é: 1\n", "unknown-key", (1, 1))]
#[case::misspelt_key("vars: { é: 1 }\nacounts: {}\n", "unknown-key", (2, 1))]
#[case::misspelt_deep("vars: { é: 1 }\nkeys: { é: { account: a, region: r, id: i, polcy: p, policy: p } }\n", "unknown-key", (2, 44))]
#[case::duplicate("vars: { é: 1, é: 2 }\n", "duplicate-key", (1, 15))]
#[case::duplicate_block("vars: {}\ncontext: {}\nvars: {}\n", "duplicate-key", (3, 1))]
#[case::duplicate_in_quotes("vars:\n  a: 1\n  \"a\": 2\n", "duplicate-key", (3, 4))]
#[case::missing_key("vars: { é: 1 }\naccounts:\n  ml: { unit: root }\n", "missing-key", (3, 9))]
#[case::missing_in_nothing("accounts: { ml: {} }\n", "missing-key", (1, 17))]
#[case::missing_of_a_key("keys:\n  k:\n    account: a\n    id: i\n    policy: p\n", "invalid-value", (3, 5))]
#[case::policy_of_an_owned_key("keys:\n  k:\n    owner: aws-owned\n    policy: p\n", "invalid-value", (3, 5))]
#[case::no_grantee("keys: {k: {account: a, region: r, id: i, policy: p, grants: [{operations: [Decrypt]}]}}\n", "invalid-value", (1, 63))]
#[case::list_for_a_value("accounts:\n  ml: { id: [1] }\n", "wrong-type", (2, 13))]
#[case::mapping_for_a_value("accounts:\n  ml: { id: { x: 1 } }\n", "wrong-type", (2, 15))]
#[case::value_for_a_mapping("accounts: é\n", "wrong-type", (1, 11))]
#[case::value_for_a_list("roles: { r: { account: é, policies: p.json } }\n", "wrong-type", (1, 37))]
#[case::value_for_a_struct("roles: { r: ml }\n", "wrong-type", (1, 13))]
#[case::mapping_for_a_policy("roles: { r: { account: a, trust: { Version: x } } }\n", "wrong-type", (1, 36))]
#[case::mapping_for_a_context_value("context:\n  a: { b: c }\n", "wrong-type", (2, 8))]
#[case::quoted_boolean("organization: { id: o, management_account: 1, units: { root: { full_access: \"true\" } } }\n", "wrong-type", (1, 78))]
#[case::unknown_word("keys: { k: { account: a, region: r, id: i, policy: p, state: enbled } }\n", "unknown-value", (1, 62))]
#[case::nothing_after_a_key("vars: { é: 1 }\naccounts:\n  ml:\n    id:\n", "empty-value", (4, 5))]
#[case::nothing_in_the_context("context:\n  aws:SourceArn:\n", "empty-value", (2, 3))]
#[case::null_for_a_mapping("accounts: null\n", "wrong-type", (1, 11))]
#[case::complex_key("vars:\n  ? [a]\n  : b\n", "wrong-type", (2, 5))]
#[case::tab("vars:\n  é: 1\naccounts:\n\tml: { id: 1 }\n", "tab", (4, 1))]
#[case::tab_after_spaces("vars:\n  a: 1\n \tb: 2\n", "tab", (3, 2))]
#[case::two_documents("vars: {}\n---\nvars: {}\n", "several-documents", (3, 1))]
#[case::unclosed_quote("vars:\n  é: \"x\n", "invalid-yaml", (2, 6))]
#[case::unclosed_bracket("vars: { a: 1\n", "invalid-yaml", (1, 7))]
#[case::colon_in_a_value("vars:\n  é: b: c\n", "invalid-yaml", (2, 7))]
#[case::bad_indentation("vars:\n    a: 1\n  b: 2\n", "invalid-yaml", (3, 3))]
#[case::at_sign("vars:\n  é: @x\n", "invalid-yaml", (2, 6))]
#[case::carriage_returns("vars:\r\n  é: 1\r\n  é: 2\r\n", "duplicate-key", (3, 3))]
#[case::alias_in_itself("vars: &é { x: *é }\n", "recursive-alias", (1, 15))]
#[case::tag_that_does_not_fit("vars:\n  é: !!int x\n", "unknown-tag", (2, 12))]
#[case::tag_nobody_knows("vars:\n  é: !include x\n", "unknown-tag", (2, 15))]
#[case::unknown_anchor("vars:\n  é: *nope\n", "unknown-anchor", (2, 6))]
#[case::unquoted("vars:\n  é: {{region}}\n", "unquoted-placeholder", (2, 6))]
#[case::unquoted_square("vars:\n  é: [[region]]\n", "unquoted-placeholder", (2, 6))]
#[case::unquoted_with_a_tail("vars:\n  é: {{region}}-x\n", "unquoted-placeholder", (2, 6))]
#[case::unquoted_square_with_a_tail("vars:\n  é: [[region]]/x\n", "unquoted-placeholder", (2, 6))]
#[case::unquoted_in_a_flow_mapping("accounts: { é: { id: {{id}} } }\n", "unquoted-placeholder", (1, 22))]
#[case::unquoted_inside_a_flow_value("vars: { é: \"日本\", a: x{{b}} }\n", "unquoted-placeholder", (1, 22))]
#[case::unquoted_in_a_list("roles: { r: { account: a, policies: [ {{p}} ] } }\n", "unquoted-placeholder", (1, 39))]
fn a_bad_world_is_refused_at_its_place(#[case] text: &str, #[case] code: &str, #[case] place: (usize, usize)) {
    let (sources, world) = world("w.yaml", text);
    refused(&sources, world, code, place);
}

#[rstest]
#[case::empty("", "empty-file", (1, 1))]
#[case::broken("{\"vars\": {\"é\": 1,}}", "trailing-comma", (1, 17))]
#[case::duplicate("{\"vars\": {\"é\": 1, \"é\": 2}}", "duplicate-key", (1, 20))]
#[case::unknown_key("{\"vars\": {\"é\": 1}, \"acounts\": {}}", "unknown-key", (1, 21))]
#[case::missing_key("{\"accounts\": {\"é\": {\"unit\": \"root\"}}}", "missing-key", (1, 22))]
#[case::nested("{\"vars\": {\"é\": {\"x\": 1}}}", "wrong-type", (1, 18))]
#[case::comment("# no\n{}", "invalid-json", (1, 1))]
#[case::number_with_a_zero("{\"accounts\": {\"é\": {\"id\": 012345678901}}}", "invalid-number", (1, 27))]
fn a_bad_json_world_is_refused_at_its_place(#[case] text: &str, #[case] code: &str, #[case] place: (usize, usize)) {
    let (sources, world) = world("w.json", text);
    refused(&sources, world, code, place);
}

#[test]
fn every_unknown_key_is_reported_with_a_suggestion_and_the_valid_keys() {
    let (sources, world) = world("w.yaml", "acounts: {}\nroles: { r: { acount: a, trsut: p } }\n");
    let findings = world.unwrap_err();
    let said: Vec<_> = findings.iter().map(|finding| (finding.code, sources.place(finding.span().unwrap()))).collect();
    let place = |place: &str| format!("w.yaml:{place}");
    let expected = [("unknown-key", "1:1"), ("unknown-key", "2:15"), ("unknown-key", "2:26")];
    assert_eq!(said, expected.map(|(code, at)| (code, place(at))));
    assert_eq!(
        findings[1].help.as_deref(),
        Some("did you mean `account`? valid keys: account, path, unique_id, trust, policies, boundary, tags")
    );
}

#[rstest]
#[case::aliases(bomb())]
#[case::depth(format!("vars: {}1{}\n", "[".repeat(100_000), "]".repeat(100_000)))]
#[case::block_depth((0..5_000).map(|depth| format!("{}a:", " ".repeat(depth))).collect::<Vec<_>>().join("\n"))]
fn a_file_that_would_not_end_is_refused(#[case] text: String) {
    let (_, world) = world("w.yaml", &text);
    let findings = world.unwrap_err();
    assert_eq!(findings[0].code, "too-large", "{findings:?}");
    assert!(findings[0].help.is_some());
}

/// Ten aliases of ten aliases of ten aliases …
fn bomb() -> String {
    let levels = (0..9)
        .map(|level| format!("a{}: &a{} [{}]\n", level + 1, level + 1, vec![format!("*a{level}"); 10].join(", ")));
    format!("a0: &a0 x\n{}", levels.collect::<String>())
}

#[rstest]
#[case::no_steps("flow: é\nsteps: []\n", "no-steps", (1, 7))]
#[case::steps_missing("flow: é\n", "missing-key", (1, 1))]
#[case::repeated_id("flow: f\nsteps:\n  - { id: é, by: a, call: c, evidence: documented }\n  - { id: é, by: a, call: c, evidence: documented }\n", "duplicate-name", (4, 11))]
#[case::required_guess("flow: f\nsteps:\n  - { id: é, by: a, call: c, evidence: inferred, required: true }\n", "required-guess", (3, 60))]
#[case::no_evidence("flow: f\nsteps:\n  - { id: é, by: a, call: c }\n", "missing-key", (3, 7))]
#[case::unknown_evidence("flow: f\nsteps:\n  - { id: é, by: a, call: c, evidence: document }\n", "unknown-value", (3, 40))]
#[case::unknown_kind("flow: f\nneeds: { é: rol }\nsteps: []\n", "unknown-value", (2, 13))]
#[case::unknown_key_of_a_need("flow: f\nneeds: { é: { type: role, defualt: x } }\nsteps:\n  - { id: é, by: a, call: c, evidence: documented }\n", "unknown-key", (2, 27))]
#[case::list_for_a_need("flow: f\nneeds: { é: [role] }\nsteps: []\n", "wrong-type", (2, 13))]
fn a_bad_flow_is_refused_at_its_place(#[case] text: &str, #[case] code: &str, #[case] place: (usize, usize)) {
    let mut sources = SourceMap::new();
    let id = sources.add("f.yaml", text).unwrap();
    refused(&sources, read_flow(&sources, id), code, place);
}

#[test]
fn an_inferred_step_is_not_required() {
    let mut sources = SourceMap::new();
    let id = sources.add("f.yaml", "flow: f\nsteps:\n  - { id: s, by: a, call: c, evidence: inferred }\n").unwrap();
    assert!(!read_flow(&sources, id).unwrap().steps[0].is_required());
}

/// Lines of a check begin on line 4, in column 5.
#[rstest]
#[case::nothing_asked("by: é\nexpect: allow", "nothing-asked", (3, 11))]
#[case::asked_twice("by: é\ncall: c\nflow: f\nexpect: allow", "asked-twice", (6, 11))]
#[case::call_and_policy("policy: p\ncall: c\nexpect: allow", "asked-twice", (4, 13))]
#[case::call_and_calls("by: é\ncalls: [d]\ncall: c\nexpect: allow", "asked-twice", (5, 12))]
#[case::resource_and_resources("by: é\ncall: c\nresource: r\nresources: [s]\nexpect: allow", "asked-twice", (7, 16))]
#[case::no_caller("call: c\nexpect: allow", "missing-key", (3, 5))]
#[case::no_expectation("by: é\ncall: c", "missing-key", (3, 5))]
#[case::no_type("policy: p\nexpect: { accepted: true }", "missing-key", (3, 5))]
#[case::skip_without_reason("by: é\ncall: c\nexpect: allow\nskip: { until: 2026-01-31 }", "missing-key", (7, 13))]
#[case::skip_with_a_blank_reason("by: é\ncall: c\nexpect: allow\nskip: { reason: \" \" }", "empty-value", (7, 22))]
#[case::skip_until_no_day("by: é\ncall: c\nexpect: allow\nskip: { reason: x, until: 2026-13-01 }", "invalid-date", (7, 31))]
#[case::skip_until_a_word("by: é\ncall: c\nexpect: allow\nskip: { reason: x, until: tomorrow }", "invalid-date", (7, 31))]
#[case::skip_until_seconds("by: é\ncall: c\nexpect: allow\nskip: { reason: x, until: 1893456000 }", "invalid-date", (7, 31))]
#[case::skip_with_a_word("by: é\ncall: c\nexpect: allow\nskip: true", "wrong-type", (7, 11))]
#[case::no_calls("by: é\ncalls: []\nexpect: allow", "empty-list", (5, 12))]
#[case::empty_axis("by: é\ncall: c\nmatrix: { é: [] }\nexpect: allow", "empty-list", (6, 15))]
#[case::axis_with_one_value("by: é\ncall: c\nmatrix: { é: x }\nexpect: allow", "wrong-type", (6, 18))]
#[case::unknown_axis("by: é\ncall: c\nmatrix: { region: [x] }\nexpect: [{ when: { regoin: x }, is: allow }]", "unknown-axis", (7, 24))]
#[case::when_without_a_matrix("by: é\ncall: c\nexpect: [{ when: { é: x }, is: allow }]", "unknown-axis", (6, 24))]
#[case::value_no_cell_has("by: é\ncall: c\nmatrix: { é: [x, y] }\nexpect: [{ when: { é: z }, is: deny }, { is: allow }]", "unknown-axis-value", (7, 27))]
#[case::case_after_one_for_all_cells("by: é\ncall: c\nmatrix: { é: [x, y] }\nexpect: [{ is: allow }, { when: { é: x }, is: deny }]", "unreachable-case", (7, 31))]
#[case::case_repeated("by: é\ncall: c\nmatrix: { é: [x, y] }\nexpect: [{ when: { é: x }, is: deny }, { when: { é: x }, is: allow }, { is: allow }]", "unreachable-case", (7, 46))]
#[case::value_no_call_has("by: é\ncalls: [c, d]\nexpect: [{ when: { call: e }, is: deny }, { is: allow }]", "unknown-axis-value", (6, 30))]
#[case::axis_of_one_call("by: é\ncalls: [c]\nexpect: [{ when: { call: c }, is: deny }, { is: allow }]", "unknown-axis", (6, 24))]
#[case::axis_of_calls_twice("by: é\ncalls: [c, d]\nmatrix: { call: [e] }\nexpect: allow", "duplicate-name", (6, 15))]
#[case::misspelt_decision("by: é\ncall: c\nexpect: alow", "unknown-value", (6, 13))]
#[case::misspelt_is("by: é\ncall: c\nexpect: { is: é }", "unknown-value", (6, 19))]
#[case::misspelt_key_of_a_case("by: é\ncall: c\nexpect: [{ is: allow, becuase: x }]", "unknown-key", (6, 27))]
#[case::word_in_a_list("by: é\ncall: c\nexpect: [allow]", "wrong-type", (6, 14))]
#[case::no_cases("by: é\ncall: c\nexpect: []", "nothing-expected", (6, 13))]
#[case::empty_case("by: é\ncall: c\nexpect: {}", "nothing-expected", (6, 13))]
#[case::empty_expectation("by: é\ncall: c\nexpect:", "empty-value", (6, 5))]
#[case::null_expectation("by: é\ncall: c\nexpect: null", "wrong-type", (6, 13))]
#[case::flow_form_of_a_call("by: é\ncall: c\nexpect: { is: allow, blocked_at: s }", "misplaced-key", (6, 38))]
#[case::policy_form_of_a_call("by: é\ncall: c\nexpect: { is: allow, accepted: true }", "misplaced-key", (6, 36))]
#[case::list_for_a_reason("by: é\ncall: c\nexpect: { is: allow, because: [x] }", "wrong-type", (6, 35))]
#[case::empty_reason("by: é\ncall: c\nexpect: { is: allow, because: {} }", "invalid-value", (6, 35))]
#[case::misspelt_key_of_a_reason("by: é\ncall: c\nexpect: { is: allow, because: { layr: x } }", "unknown-key", (6, 37))]
#[case::unknown_layer("by: é\ncall: c\nexpect: { is: allow, because: { layer: key } }", "unknown-value", (6, 44))]
#[case::error_of_a_deny("by: é\ncall: c\nexpect: { is: deny, error: DisabledException }", "misplaced-key", (6, 32))]
#[case::with_in_a_call("by: é\ncall: c\nwith: { é: x }\nexpect: allow", "misplaced-key", (6, 13))]
#[case::by_in_a_flow("flow: f\nby: é\nexpect: allow", "misplaced-key", (5, 9))]
#[case::region_in_a_policy("policy: p\ntype: key\nregion: é\nexpect: { accepted: true }", "misplaced-key", (6, 13))]
#[case::reason_of_a_flow("flow: f\nexpect: { is: allow, because: x }", "misplaced-key", (5, 35))]
#[case::blocked_and_allowed("flow: f\nexpect: { is: allow, blocked_at: é }", "asked-twice", (5, 38))]
#[case::others_alone("flow: f\nexpect: { is: allow, others: deny }", "misplaced-key", (5, 34))]
#[case::nothing_of_a_flow("flow: f\nexpect: {}", "nothing-expected", (5, 13))]
#[case::step_with_a_list("flow: f\nexpect: { steps: { é: [allow] } }", "wrong-type", (5, 27))]
#[case::word_for_a_policy("policy: p\ntype: key\nexpect: allow", "misplaced-key", (6, 13))]
#[case::not_accepted("policy: p\ntype: key\nexpect: { accepted: false, refused: x }", "invalid-value", (6, 25))]
#[case::accepted_and_refused("policy: p\ntype: key\nexpect: { accepted: true, refused: x }", "asked-twice", (6, 40))]
#[case::accepted_at("policy: p\ntype: key\nexpect: { accepted: true, at: \"1:1\" }", "misplaced-key", (6, 36))]
#[case::no_place("policy: p\ntype: key\nexpect: { refused: x, at: \"9-21\" }", "invalid-value", (6, 32))]
#[case::unknown_type("policy: p\ntype: kms\nexpect: { accepted: true }", "unknown-value", (5, 11))]
#[case::ask_and_call("by: a\ncall: c\nask: { what_can: é }\nexpect: allow", "asked-twice", (6, 12))]
#[case::ask_without_answer("ask: { what_can: é }", "missing-key", (3, 5))]
#[case::ask_nothing("ask: {}\nexactly: []", "missing-key", (4, 10))]
#[case::ask_without_resource("ask: { who_can: é }\nexactly: []", "missing-key", (4, 12))]
#[case::ask_two_things("ask: { who_can: c, what_can: é }\nexactly: []", "asked-twice", (4, 34))]
#[case::ask_with_resource("ask: { what_can: c, resource: é }\nexactly: []", "misplaced-key", (4, 35))]
#[case::ask_with_expect("ask: { what_can: c }\nexactly: []\nexpect: allow", "misplaced-key", (6, 13))]
#[case::ask_with_context("ask: { what_can: c }\nexactly: []\ncontext: { é: x }", "misplaced-key", (6, 16))]
#[case::exactly_of_a_call("by: a\ncall: c\nexactly: [é]\nexpect: allow", "misplaced-key", (6, 14))]
#[case::never_without_call("never: { resource: é }", "missing-key", (4, 14))]
#[case::never_two_calls("never: { call: a, calls: [b], resource: é }", "asked-twice", (4, 30))]
#[case::never_no_calls("never: { calls: [], resource: é }", "empty-list", (4, 21))]
#[case::never_without_value("never: { call: a, resource: b, unless: { é: null } }", "empty-list", (4, 46))]
#[case::never_misspelt("never: { call: a, resource: b, exept: [c] }", "unknown-key", (4, 36))]
fn a_bad_check_is_refused_at_its_place(#[case] lines: &str, #[case] code: &str, #[case] place: (usize, usize)) {
    let (sources, scenario) = scenario(&one_check(lines));
    refused(&sources, scenario, code, place);
}

#[rstest]
#[case::no_checks("scenario: é\nchecks: []\n", "no-checks", (1, 11))]
#[case::checks_missing("scenario: é\nuse: [w.yaml]\n", "missing-key", (1, 1))]
#[case::check_is_a_word("scenario: é\nchecks: [é]\n", "wrong-type", (2, 10))]
#[case::nameless("scenario: é\nchecks:\n  - { call: c, by: b, expect: allow }\n", "missing-key", (3, 7))]
#[case::same_name("scenario: é\nchecks:\n  - { name: é, call: c, by: b, expect: allow }\n  - { name: é, call: c, by: b, expect: allow }\n", "duplicate-name", (4, 13))]
#[case::use_is_a_word("scenario: é\nuse: w.yaml\nchecks: []\n", "wrong-type", (2, 6))]
fn a_bad_scenario_is_refused_at_its_place(#[case] text: &str, #[case] code: &str, #[case] place: (usize, usize)) {
    let (sources, scenario) = scenario(text);
    refused(&sources, scenario, code, place);
}

#[test]
fn a_wrong_shape_says_what_shapes_are_possible() {
    let (sources, scenario) = scenario(&one_check("by: a\ncall: c\nexpect: null"));
    let finding = refused(&sources, scenario, "wrong-type", (6, 13));
    assert_eq!(finding.message, "expected an expectation, found null");
    assert!(finding.help.unwrap().contains("a word such as `allow`, a mapping such as"));
}

#[test]
fn every_bad_check_of_a_file_is_reported() {
    let text = "scenario: s\nchecks:\n  - { name: a, expect: allow }\n  - { name: b, call: c, expect: allow }\n";
    let (_, scenario) = scenario(text);
    let codes: Vec<_> = scenario.unwrap_err().iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["nothing-asked", "missing-key"]);
}

#[test]
fn a_check_says_all_it_can() {
    let lines = "by: service/bedrock\nfor: arn\nvia: s3\ncalls: [a, b]\nresources: [c, d]\nregion: eu-west-1\nencryption_context: { k: 1 }\ncontext: { aws:SourceArn: null, x: [y] }\nsession: { policies: [p.json], tags: { t: 1 }, source_identity: me }\nnow: 2026-01-31T12:00:00Z\nchange: [remove a#b]\naccept: [R5.8]\ntags: [t]\nskip: { reason: why, until: 2026-01-31 }\nexpect: { is: unavailable, error: DisabledException }";
    let (_, scenario) = scenario(&one_check(lines));
    let check = scenario.unwrap().checks.remove(0);
    let Question::Call(call) = &check.question else { panic!("{check:?}") };
    assert_eq!((call.calls.len(), call.resources.len(), call.encryption_context.len()), (2, 2, 1));
    assert_eq!(call.expect[0].outcome.error.as_ref().unwrap().as_str(), "DisabledException");
    assert_eq!(check.context.get("aws:SourceArn"), Some(&ContextValue::Absent));
    assert_eq!(check.skip.unwrap().value.until.unwrap().as_str(), "2026-01-31");
    assert_eq!((check.now.unwrap().as_str(), check.accepted_rules[0].as_str()), ("2026-01-31T12:00:00Z", "R5.8"));
    assert_eq!(check.session.unwrap().value.policies.len(), 1);
}

#[test]
fn a_flow_may_assert_its_steps() {
    let (_, scenario) = scenario(&one_check(
        "flow: f\nexpect: { is: allow, steps: { a: deny, b: { is: allow, because: \"p#[0]\" } } }",
    ));
    let check = scenario.unwrap().checks.remove(0);
    let Question::Flow { expect, .. } = &check.question else { panic!("{check:?}") };
    let outcome = &expect[0].outcome;
    assert!(matches!(outcome.verdict, Some(FlowVerdict::Is(is)) if is.value == Word::Allow));
    assert_eq!(outcome.steps.get("a").unwrap().is.value, Word::Deny);
    assert_eq!(outcome.steps.get("b").unwrap().because.as_ref().unwrap().statement.as_ref().unwrap().as_str(), "p#[0]");
}

/// What replaying a case with this check in this world reports, each as its code and place.
fn replayed(test: &str, world: &str, check: &str) -> Vec<(&'static str, String)> {
    let folder = std::env::temp_dir().join(format!("permitlab-files-{}-{test}", std::process::id()));
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let policy = r#"'{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}}'"#;
    write("w.yaml", &world.replace("POLICY", policy));
    let case = one_check(check).replace("checks:", "use: [w.yaml]\nchecks:");
    write("cases/c.yaml", &case.replace("POLICY", policy));
    let replayed = replay(&PolicyRoot::at(&folder), "cases/c.yaml", &Options::default());
    std::fs::remove_dir_all(&folder).unwrap();
    let place = |finding: &Diagnostic| replayed.sources.place(finding.span().unwrap());
    assert!(replayed.findings.iter().all(|finding| finding.help.is_some()), "{:?}", replayed.findings);
    replayed.findings.iter().map(|finding| (finding.code, place(finding))).collect()
}

const ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
const OTHER_ID: &str = "2345bcde-23bc-45de-67fa-234567890abc";
const MRK: &str = "mrk-1234abcd12ab34cd56ef1234567890ab";

/// Accounts take the first line; `k(name, id, rest)` is a key of account `a` in us-east-1.
#[rstest]
#[case::alias_on_two_keys(vec![k("k", ID, "aliases: [alias/x], "), k("l", OTHER_ID, "aliases: [alias/x], ")], "duplicate-alias", (4, 93))]
#[case::two_keys_of_one_arn(vec![k("k", ID, ""), k("l", ID, "")], "duplicate-key-id", (4, 44))]
#[case::not_an_alias(vec![k("k", ID, "aliases: [x], ")], "invalid-alias", (3, 93))]
#[case::alias_with_a_space(vec![k("k", ID, "aliases: [alias/a b], ")], "invalid-alias", (3, 93))]
#[case::alias_of_aws(vec![k("k", ID, "aliases: [alias/aws/s3], ")], "invalid-alias", (3, 93))]
#[case::short_id(vec![k("k", "1234abcd", "")], "invalid-key-id", (3, 44))]
#[case::upper_case_id(vec![k("k", &ID.to_uppercase(), "")], "invalid-key-id", (3, 44))]
#[case::arn_for_an_id(vec![k("k", "key/1", "")], "invalid-key-id", (3, 44))]
#[case::mrk_of_one_region(vec![k("k", MRK, "multi_region: false, ")], "contradictory-key", (3, 97))]
#[case::id_of_one_region(vec![k("k", ID, "multi_region: true, ")], "contradictory-key", (3, 97))]
#[case::primary_of_one_region(vec![k("k", ID, "multi_region: primary, ")], "contradictory-key", (3, 97))]
#[case::replica_beside_its_primary(vec![k("k", MRK, "multi_region: primary, "), k("l", MRK, "multi_region: replica, ")], "duplicate-key-id", (4, 44))]
#[case::two_primaries(vec![k("k", MRK, "multi_region: primary, "), k("l", MRK, "multi_region: primary, ").replace("us-east-1", "eu-west-1")], "duplicate-primary", (4, 44))]
#[case::key_in_an_unknown_account(vec![k("k", ID, "").replace("account: a", "account: z")], "unknown-account", (3, 17))]
#[case::policy_of_an_aws_managed_key(vec![k("k", ID, "owner: aws-managed, aliases: [alias/aws/s3], ")], "aws-managed-key", (3, 137))]
#[case::aws_managed_key_without_alias(vec!["  k: { account: a, region: us-east-1, id: 1234abcd-12ab-34cd-56ef-1234567890ab, owner: aws-managed }".to_owned()], "missing-key", (3, 43))]
#[case::state_of_an_aws_managed_key(vec!["  k: { account: a, region: us-east-1, id: 1234abcd-12ab-34cd-56ef-1234567890ab, owner: aws-managed, aliases: [alias/aws/s3], state: Disabled }".to_owned()], "aws-managed-key", (3, 133))]
#[case::alias_of_ours_on_an_aws_managed_key(vec!["  k: { account: a, region: us-east-1, id: 1234abcd-12ab-34cd-56ef-1234567890ab, owner: aws-managed, aliases: [alias/aws/s3, alias/x] }".to_owned()], "invalid-alias", (3, 125))]
fn a_key_that_cannot_be_is_refused_at_its_place(
    #[case] keys: Vec<String>,
    #[case] code: &'static str,
    #[case] (line, column): (usize, usize),
) {
    let world = format!("accounts: {{ a: {{ id: \"111122223333\" }} }}\nkeys:\n{}\n", keys.join("\n"));
    let found = replayed(&format!("{code}-{line}-{column}-{}", world.len()), &world, CHECK);
    assert_eq!(found.first(), Some(&(code, format!("w.yaml:{line}:{column}"))), "{found:?}");
}

fn k(name: &str, id: &str, rest: &str) -> String {
    format!("  {name}: {{ account: a, region: us-east-1, id: \"{id}\", {rest}policy: POLICY }}")
}

const CHECK: &str = "by: anonymous\ncall: kms:Decrypt\nresource: key/k\nexpect: deny";

#[rstest]
#[case::one_id_of_two_accounts(
    "accounts:\n  a: { id: \"111122223333\" }\n  b: { id: \"111122223333\" }\n",
    "duplicate-account-id",
    "3:13"
)]
#[case::role_in_an_unknown_account(
    "accounts: { ml: { id: \"111122223333\" } }\nroles: { r: { account: lm } }\n",
    "unknown-account",
    "2:24"
)]
#[case::user_in_an_unknown_account(
    "accounts: { ml: { id: \"111122223333\" } }\nusers: { u: { account: lm } }\n",
    "unknown-account",
    "2:24"
)]
#[case::group_in_an_unknown_account(
    "accounts: { ml: { id: \"111122223333\" } }\ngroups: { g: { account: lm } }\n",
    "unknown-account",
    "2:25"
)]
#[case::endpoint_in_an_unknown_account(
    "accounts: { ml: { id: \"111122223333\" } }\nendpoints: { e: { account: lm, id: vpce-1 } }\n",
    "unknown-account",
    "2:28"
)]
#[case::one_role_in_two_cases(
    "accounts: { a: { id: \"111122223333\" } }\nroles:\n  App: { account: a, path: /x/ }\n  app: { account: a, path: /y/ }\n",
    "duplicate-name",
    "4:3"
)]
#[case::one_endpoint_twice(
    "accounts: { a: { id: \"111122223333\" } }\nendpoints:\n  e: { account: a, id: vpce-1 }\n  f: { account: a, id: vpce-1 }\n",
    "duplicate-endpoint-id",
    "4:24"
)]
#[case::scp_without_an_organization(
    "accounts: { a: { id: \"111122223333\", scps: [p.json] } }\n",
    "misplaced-key",
    "1:45"
)]
#[case::key_in_no_region(
    "accounts: { a: { id: \"111122223333\" } }\nkeys: { k: { account: a, region: us-esat-1, id: 1234abcd-12ab-34cd-56ef-1234567890ab, policy: POLICY } }\n",
    "unknown-region",
    "2:34"
)]
#[case::key_of_aws_in_no_region("keys: { k: { owner: aws-owned, region: 5 } }\n", "unknown-region", "1:40")]
#[case::bucket_in_no_region(
    "accounts: { a: { id: \"111122223333\" } }\nbuckets: { b-1: { account: a, region: east } }\n",
    "unknown-region",
    "2:39"
)]
#[case::bucket_with_a_key_that_has_no_policy(
    "accounts: { a: { id: \"111122223333\" } }\nkeys: { k: { account: a, region: us-east-1, id: 1234abcd-12ab-34cd-56ef-1234567890ab, policy: p.json } }\nbuckets: { b-1: { account: a, region: us-east-1, key: key/k } }\n",
    "missing-file",
    "2:95"
)]
#[case::role_with_half_a_path(
    "accounts: { a: { id: \"111122223333\" } }\nroles: { r: { account: a, path: team } }\n",
    "invalid-path",
    "2:33"
)]
#[case::group_with_an_open_path(
    "accounts: { a: { id: \"111122223333\" } }\ngroups: { g: { account: a, path: /team } }\n",
    "invalid-path",
    "2:34"
)]
#[case::account_with_a_short_id(
    "accounts: { a: { id: \"11112222\" } }\nroles: { r: { account: a } }\n",
    "invalid-account-id",
    "1:23"
)]
#[case::policy_of_an_empty_group(
    "accounts: { a: { id: \"111122223333\" } }\ngroups: { g: { account: a, policies: [p.json] } }\n",
    "missing-file",
    "2:39"
)]
#[case::user_in_a_group_of_another_account(
    "accounts: { a: { id: \"111122223333\" }, b: { id: \"444455556666\" } }\ngroups: { g: { account: a } }\nusers: { u: { account: b, groups: [g] } }\n",
    "group-of-another-account",
    "3:36"
)]
#[case::user_in_a_misspelt_group(
    "accounts: { a: { id: \"111122223333\" } }\ngroups: { team: { account: a } }\nusers: { u: { account: a, groups: [taem] } }\n",
    "unknown-group",
    "3:36"
)]
#[case::context_key_of_no_service("context: { foo: x }\n", "unknown-condition-key", "1:12")]
#[case::context_key_of_another_service("context: { \"s3:prefx\": x }\n", "unknown-condition-key", "1:13")]
#[case::full_access_outside_the_organization(
    "organization: { id: o-1, management_account: \"999988887777\", units: { root: {} } }\naccounts: { a: { id: \"111122223333\", full_access: false } }\n",
    "misplaced-key",
    "2:51"
)]
fn a_contradictory_world_is_refused_at_its_place(#[case] world: &str, #[case] code: &'static str, #[case] at: &str) {
    let sum = world.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let found = replayed(&format!("{code}-{}-{sum}", at.replace(':', "-")), world, CHECK);
    assert_eq!(found, [(code, format!("w.yaml:{at}"))]);
}

#[test]
fn a_context_key_of_an_identity_provider_is_taken() {
    let world = "accounts: { a: { id: \"111122223333\" } }\ncontext: { \"oidc.example.com/id/1:sub\": x }\nkeys:\n";
    assert_eq!(replayed("provider-key", &format!("{world}{}\n", k("k", ID, "")), CHECK), []);
}

#[test]
fn the_same_name_in_another_account_or_region_is_no_contradiction() {
    let elsewhere = |key: String| key.replace("us-east-1", "eu-west-1");
    let keys =
        [k("k", MRK, "aliases: [alias/x], "), elsewhere(k("l", MRK, "multi_region: true, aliases: [alias/x], "))];
    let next_door = k("m", OTHER_ID, "aliases: [alias/x], ").replace("account: a", "account: b");
    let accounts = "accounts: { a: { id: \"111122223333\" }, b: { id: \"444455556666\" } }";
    let world = format!("{accounts}\nkeys:\n{}\n{next_door}\n", keys.join("\n"));
    assert_eq!(replayed("fine", &world, CHECK), []);
}

/// A world with a signing key, and one of AWS's.
const KEYS: &str = "accounts: { a: { id: \"111122223333\" } }\nkeys:
  k: { account: a, region: us-east-1, id: 1234abcd-12ab-34cd-56ef-1234567890ab, spec: RSA_2048, policy: POLICY }
  s3: { account: a, region: us-east-1, id: 2345bcde-23bc-45de-67fa-234567890abc, owner: aws-managed, aliases: [alias/aws/s3] }
roles: { r: { account: a } }
";

/// Lines of a check begin on line 5, in column 5.
#[rstest]
#[case::context_of_a_signing_key(
    "by: role/r\ncall: kms:Decrypt\nresource: key/k\nencryption_context: { a: b }\nexpect: allow",
    "encryption-context-not-taken",
    "8:27"
)]
#[case::policy_that_is_not_there(
    "by: role/r\ncall: kms:Decrypt\nresource: key/k\nnew_policy: p.json\nexpect: allow",
    "missing-file",
    "8:17"
)]
#[case::policy_of_a_decrypt(
    "by: role/r\ncall: kms:Decrypt\nresource: key/k\nnew_policy: POLICY\nexpect: allow",
    "misplaced-key",
    "8:18"
)]
#[case::change_of_its_policy(
    "change: [\"remove key/s3#[0]\"]\nby: role/r\ncall: kms:Decrypt\nresource: key/s3\nexpect: deny",
    "aws-managed-key",
    "5:15"
)]
#[case::change_of_its_state(
    "change: [set key/s3 state Disabled]\nby: role/r\ncall: kms:Decrypt\nresource: key/s3\nexpect: deny",
    "aws-managed-key",
    "5:14"
)]
fn a_check_that_kms_would_not_take_is_refused(#[case] check: &str, #[case] code: &'static str, #[case] at: &str) {
    let found = replayed(&format!("check-{code}-{}", at.replace(':', "-")), KEYS, check);
    assert_eq!(found, [(code, format!("cases/c.yaml:{at}"))]);
}

#[test]
fn new_policy_belongs_to_a_call() {
    let (sources, scenario) = scenario(&one_check("flow: f\nnew_policy: é.json\nexpect: allow"));
    refused(&sources, scenario, "misplaced-key", (5, 17));
}
