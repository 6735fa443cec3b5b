//! What do the policies of a policy root say that nobody meant, where its worlds attach them?
//!
//! A world knows what a policy is attached as, in which account and Region, and what stands for its placeholders. The
//! linter then has real values where it has stand-ins for a file alone. Worlds are loaded as scenario files use them,
//! together and with the file's own vars; a world that no scenario uses is loaded by itself. A policy file that no world
//! attaches is read by its shape.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use permitlab_evaluator::account::AccountId;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::lint::{self, Attachment, Context, Finding, Level};
use permitlab_evaluator::policy::{Document, PolicyType};
use permitlab_evaluator::source::{SourceMap, Span};

use super::allow::AllowList;
use crate::facts::{self, ControlNames, Facts};
use crate::file::{self, Named, Text};
use crate::placeholders::Vars;
use crate::root::PolicyRoot;

/// Worlds that are loaded together, and the vars of the file that uses them.
#[derive(Debug, Clone, Default)]
pub struct Uses {
    /// The worlds, in order: paths from the policy root.
    pub worlds: Vec<Text>,
    /// The file's own vars.
    pub vars: Named<Text>,
}

impl Uses {
    /// What tells it from others: the same worlds with the same vars give the same facts.
    pub(crate) fn key(&self) -> (Vec<String>, Vec<(String, String)>) {
        let worlds = self.worlds.iter().map(|world| world.as_str().to_owned()).collect();
        let vars =
            self.vars.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_str().to_owned())).collect();
        (worlds, vars)
    }
}

/// How a policy is used in a world.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Use {
    kind: PolicyType,
    attachment: Attachment,
    vars: Rc<Vars>,
}

/// The policies of a root as its worlds use them.
#[derive(Debug)]
pub struct Attached {
    allow: AllowList,
    /// The uses of each policy file, by its path from the root.
    files: BTreeMap<String, Vec<Use>>,
    /// The policies that stand in a world itself.
    inline: Vec<(Document, Use)>,
    looked_at: BTreeSet<String>,
    least: Level,
}

impl Attached {
    /// What every world of a root attaches.
    ///
    /// # Errors
    /// What is wrong with `permitlab.toml`, or with a world that no scenario uses. A scenario that cannot be read is
    /// left to `simulate`.
    pub fn everywhere(root: &PolicyRoot, sources: &mut SourceMap) -> Result<Self, Vec<Diagnostic>> {
        let mut all = Vec::new();
        for path in root.case_files().unwrap_or_default() {
            let scenario = root.read(sources, &path).ok().and_then(|id| file::read_scenario(sources, id).ok());
            all.extend(scenario.map(|scenario| Uses { worlds: scenario.worlds, vars: scenario.vars }));
        }
        let used: BTreeSet<&str> = all.iter().flat_map(|uses| &uses.worlds).map(Text::as_str).collect();
        let alone = root.world_files().unwrap_or_default().into_iter().filter(|world| !used.contains(world.as_str()));
        let mut attached = Self::by(root, sources, &all, Level::Suggestion)?;
        for world in alone.collect::<Vec<_>>() {
            let Ok(id) = sources.add("policy root", world.as_str()) else { continue };
            let text = Text::new(world.as_str(), Span::new(id, 0, world.len()));
            let facts = facts::load(root, sources, [&text], &Named::default())?;
            attached.add(&facts, sources);
        }
        Ok(attached)
    }

    /// What some scenario files' worlds attach; findings less than a level are not looked for. Worlds that cannot be
    /// loaded attach nothing.
    ///
    /// # Errors
    /// What is wrong with `permitlab.toml`.
    pub fn by<'u>(
        root: &PolicyRoot,
        sources: &mut SourceMap,
        uses: impl IntoIterator<Item = &'u Uses>,
        least: Level,
    ) -> Result<Self, Vec<Diagnostic>> {
        let allow = AllowList::read(root, sources)?;
        let (files, inline, looked_at) = (BTreeMap::new(), Vec::new(), BTreeSet::new());
        let mut attached = Self { allow, files, inline, looked_at, least };
        let distinct: BTreeMap<_, _> = uses.into_iter().map(|uses| (uses.key(), uses)).collect();
        for uses in distinct.values() {
            if let Ok(facts) = facts::load(root, sources, &uses.worlds, &uses.vars) {
                attached.add(&facts, sources);
            }
        }
        Ok(attached)
    }

    fn add(&mut self, facts: &Facts, sources: &SourceMap) {
        let vars = Rc::new(facts.vars.clone());
        for (name, kind, attachment) in places(facts).into_iter().filter(|(name, ..)| name != facts::FULL_ACCESS) {
            let Some(entry) = facts.documents.get(&name) else { continue };
            let own = Use { kind, attachment, vars: vars.clone() };
            let file = sources.name(entry.document.root.span.source);
            if facts::policy_name(file) != name {
                self.inline.push((entry.document.clone(), own));
                continue;
            }
            let uses = self.files.entry(file.to_owned()).or_default();
            if !uses.contains(&own) {
                uses.push(own);
            }
        }
    }

    /// The policy files that worlds attach, as paths from the root.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The same, with nothing allowed.
    #[must_use]
    pub fn strict(self) -> Self {
        Self { allow: AllowList::default(), ..self }
    }

    /// The findings of a policy file, as each world that attaches it uses it, but for those that are allowed. Messages
    /// call it by `name`.
    ///
    /// # Errors
    /// The text is no policy document.
    pub fn file(
        &mut self,
        sources: &mut SourceMap,
        path: &str,
        name: &str,
        text: &str,
    ) -> Result<Vec<Finding>, Box<Diagnostic>> {
        let (document, mut findings) = if let Some(uses) = self.files.get(path) {
            in_uses(sources, name, text, uses, self.least)?
        } else {
            let (document, _, findings) = super::by_shape(sources, name, text, None)?;
            (document, findings)
        };
        findings.retain(|finding| finding.level <= self.least);
        self.looked_at.insert(path.to_owned());
        Ok(self.allow.sift(path, &document, findings))
    }

    /// How many policies stand in worlds, and the findings of those.
    pub fn inline(&mut self, sources: &SourceMap) -> (usize, Vec<Finding>) {
        let mut all = Vec::new();
        for (document, own) in &self.inline {
            let id = document.root.span.source;
            let (name, text) = sources.source(id).map_or(("", ""), |source| (source.name(), source.text()));
            let findings = lint::check_down_to(&own.context(document, text), self.least);
            self.looked_at.insert(name.to_owned());
            all.extend(self.allow.sift(name, document, findings));
        }
        (self.inline.len(), distinct(all, sources))
    }

    /// The entries of the allow-list that allow nothing any more, of the policies that were looked at.
    pub fn unused(&self) -> Vec<Finding> {
        self.allow.unused(&self.looked_at)
    }
}

/// How many findings of level error or security there are in the policies that scenario files load, each policy looked
/// at once however many files load it.
///
/// # Errors
/// What is wrong with `permitlab.toml`.
pub fn serious<'u>(root: &PolicyRoot, uses: impl IntoIterator<Item = &'u Uses>) -> Result<usize, Vec<Diagnostic>> {
    let mut sources = SourceMap::new();
    let mut attached = Attached::by(root, &mut sources, uses, Level::Security)?;
    let mut count = attached.inline(&sources).1.len();
    for path in attached.files().map(str::to_owned).collect::<Vec<_>>() {
        let text =
            root.read(&mut sources, &path).ok().and_then(|id| sources.source(id)).map(|own| own.text().to_owned());
        let findings = text.and_then(|text| attached.file(&mut sources, &path, &path, &text).ok());
        count += findings.map_or(0, |findings| findings.len());
    }
    Ok(count)
}

impl Use {
    fn context<'l>(&'l self, document: &'l Document, text: &'l str) -> Context<'l> {
        Context { document, text, kind: self.kind, attachment: &self.attachment, is_template: false }
    }
}

fn in_uses(
    sources: &mut SourceMap,
    name: &str,
    text: &str,
    uses: &[Use],
    least: Level,
) -> Result<(Document, Vec<Finding>), Box<Diagnostic>> {
    let written = super::document(sources, name, text)?;
    let mut all = Vec::new();
    for own in uses {
        let mut document = written.clone();
        document.fill(&*own.vars);
        all.extend(lint::check_down_to(&own.context(&document, text), least));
    }
    let mut findings = distinct(all, sources);
    findings.sort_by_key(|finding| (finding.diagnostic.span(), finding.level, finding.diagnostic.code));
    Ok((written, findings))
}

/// Each finding once, though several worlds show it: the first at its place. Sources are told apart by name, since each
/// world reads its files anew.
fn distinct(findings: Vec<Finding>, sources: &SourceMap) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let is_new = |finding: &Finding| {
        let place = finding.diagnostic.span().map(|span| (sources.name(span.source).to_owned(), span.start, span.end));
        seen.insert((place, finding.diagnostic.code))
    };
    let mut is_new = is_new;
    findings.into_iter().filter(|finding| is_new(finding)).collect()
}

/// Where the facts attach policies: the policy's name, as what, and to what.
fn places(facts: &Facts) -> Vec<(String, PolicyType, Attachment)> {
    let mut places = Vec::new();
    let mut add = |name: &String, kind: PolicyType, attachment: &Attachment| {
        places.push((name.clone(), kind, attachment.clone()));
    };
    // Nobody but AWS can mend what AWS wrote.
    for key in facts.held_keys().filter(|key| !key.is_aws_managed) {
        add(&key.policy, PolicyType::Key, &of_resource(&key.arn, key.account, None));
    }
    for each in facts.identities.values() {
        let own = Attachment {
            account: Some(each.identity.account),
            region: None,
            partition: Some(each.identity.partition.to_string()),
        };
        each.policies.iter().for_each(|name| add(name, PolicyType::Identity, &own));
        each.boundary.iter().for_each(|name| add(name, PolicyType::Boundary, &own));
        each.trust.iter().for_each(|name| add(name, PolicyType::Trust, &own));
    }
    for bucket in facts.buckets.values() {
        let own = of_resource(&bucket.arn, bucket.account, bucket.region.as_deref());
        bucket.policy.iter().for_each(|name| add(name, PolicyType::Resource, &own));
    }
    for resource in facts.resources.values() {
        let own = of_resource(&resource.arn, resource.account, None);
        resource.policy.iter().for_each(|name| add(name, PolicyType::Resource, &own));
    }
    for endpoint in facts.endpoints.values() {
        let own = Attachment { account: Some(endpoint.account), ..Attachment::default() };
        endpoint.policy.iter().for_each(|name| add(name, PolicyType::VpcEndpoint, &own));
    }
    for controls in facts.organization.iter().flat_map(controls) {
        let own = Attachment::default();
        controls.scps.iter().for_each(|name| add(name, PolicyType::ServiceControl, &own));
        controls.rcps.iter().for_each(|name| add(name, PolicyType::ResourceControl, &own));
    }
    places
}

fn controls(organization: &facts::OrganizationFacts) -> impl Iterator<Item = &ControlNames> {
    organization.units.values().chain(organization.members.values().map(|(_, controls)| controls))
}

fn of_resource(arn: &Arn, account: AccountId, region: Option<&str>) -> Attachment {
    let region = region.unwrap_or_else(|| arn.region());
    Attachment {
        account: Some(account),
        region: (!region.is_empty()).then(|| region.to_owned()),
        partition: Some(arn.partition().to_owned()),
    }
}
