//! What a plan changes, for people and programs: never a secret.

use super::Kind;
use super::form::Members;
use serde::Serialize;
use serde_json::Value;

/// What happens to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Create,
    Update,
    Delete,
}

/// One member of a thing, before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MemberChange {
    pub name: String,
    pub old: Option<Value>,
    pub new: Option<Value>,
}

/// One thing of a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    pub action: Action,
    /// `scope`, `API`, …, or `settings`.
    pub kind: &'static str,
    pub id: String,
    pub members: Vec<MemberChange>,
}

impl Change {
    /// A thing of which nothing or something was there. `None`: nothing changes.
    pub(super) fn of(kind: Kind, id: &str, old: Option<&Members>, new: Option<&Members>) -> Option<Self> {
        let action = match (old, new) {
            (None, Some(_)) => Action::Create,
            (Some(_), None) => Action::Delete,
            _ => Action::Update,
        };
        let none = Members::new();
        let members = between(old.unwrap_or(&none), new.unwrap_or(&none), kind.members());
        let members: Vec<_> = members.into_iter().filter(|member| member.name != kind.key()).collect();
        let same = action == Action::Update && members.is_empty();
        (!same).then(|| Self { action, kind: kind.name(), id: id.to_owned(), members })
    }
}

/// The members that differ, in that order.
pub(super) fn between(old: &Members, new: &Members, order: &[&str]) -> Vec<MemberChange> {
    let names = order.iter().filter(|name| old.get(**name) != new.get(**name));
    let member = |name: &&str| MemberChange {
        name: (*name).to_owned(),
        old: old.get(*name).cloned(),
        new: new.get(*name).cloned(),
    };
    names.map(member).collect()
}
