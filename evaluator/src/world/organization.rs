//! Which organization do accounts belong to, and which control policies are attached above them?
//!
//! Rules R5.5 and R5.6: the levels of a hierarchy are the organization's root, every organizational unit on the
//! path, and the account itself.

use crate::account::AccountId;
use crate::policy::PolicySet;

/// An organization.
#[derive(Debug, Clone)]
pub struct Organization {
    /// Its id: `o-exampleorg1`.
    pub id: Box<str>,
    /// The account that SCPs and RCPs do not reach.
    pub management_account: AccountId,
    /// Its root and organizational units, each under its path: `root`, `root/workloads`.
    pub units: Vec<Unit>,
    /// Its accounts.
    pub accounts: Vec<Member>,
}

/// The root or an organizational unit.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Its path from the root.
    pub path: Box<str>,
    /// What is attached to it.
    pub controls: Controls,
}

/// An account of an organization.
#[derive(Debug, Clone)]
pub struct Member {
    /// The account.
    pub account: AccountId,
    /// The path of the unit it is in.
    pub unit: Box<str>,
    /// What is attached to it.
    pub controls: Controls,
}

/// The control policies of one level.
#[derive(Debug, Clone, Default)]
pub struct Controls {
    /// Service control policies.
    pub scps: PolicySet,
    /// Resource control policies.
    pub rcps: PolicySet,
}

impl Organization {
    /// The account's membership, if it is one of the organization's.
    pub fn member(&self, account: AccountId) -> Option<&Member> {
        self.accounts.iter().find(|member| member.account == account)
    }

    /// The control policies above an account, from the root down to the account itself.
    pub fn levels<'o>(&'o self, member: &'o Member) -> impl Iterator<Item = &'o Controls> {
        let unit = |path: &str| self.units.iter().find(|unit| *unit.path == *path).map(|unit| &unit.controls);
        let ends = member.unit.match_indices('/').map(|(slash, _)| slash).chain([member.unit.len()]);
        let above = ends.filter_map(move |end| unit(member.unit.get(..end)?));
        above.chain([&member.controls])
    }

    /// The value of `aws:PrincipalOrgPaths` for an account: the organization's id and the path below it. The ids of
    /// root and units are the names the world gives them.
    pub fn path(&self, member: &Member) -> String {
        format!("{}/{}/", self.id, member.unit)
    }
}
