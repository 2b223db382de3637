//! A plan in the making: what is there, what is wanted, and what follows.

use super::form::{self, Members};
use super::{Change, Kind, Place, Plan, Problem, Refusal, Thing, Wanted};
use crate::applied::Applied;
use crate::audit::{Actor, Event, Record};
use crate::client::Client;
use crate::context::Context;
use crate::directory::Tenant;
use crate::federation::TrustedIssuer;
use crate::ids::{ClientId, TenantId};
use crate::manage::{ManageError, api};
use crate::secret::Secret;
use crate::store::{Api, Page, ScopeWords, Step, StoredSettings};
use crate::upstream::Upstream;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

/// When a step comes: what goes makes room for what comes, and what is named is there before who names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    Goes,
    Tenants,
    Upstreams,
    Scopes,
    Apis,
    Settings,
    Clients,
    TenantsGo,
}

pub(super) struct Draft<'a> {
    pub(super) cx: &'a Context,
    pub(super) actor: &'a Actor,
    pub(super) wanted: &'a Wanted,
    pub(super) tenants: Vec<Tenant>,
    pub(super) there: Vec<Upstream>,
    pub(super) issuers: Vec<TrustedIssuer>,
    pub(super) scopes: Vec<ScopeWords>,
    /// As they would be.
    pub(super) apis: Vec<Api>,
    pub(super) clients: Vec<Client>,
    pub(super) stored: StoredSettings,
    /// As they would be.
    pub(super) applied: Applied,
    inhabited: Vec<TenantId>,
    pub(super) changes: Vec<Change>,
    pub(super) steps: Vec<(Turn, Step, Record)>,
    pub(super) secrets: Vec<(ClientId, Secret)>,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Draft<'a> {
    pub(super) async fn read(cx: &'a Context, actor: &'a Actor, wanted: &'a Wanted) -> Result<Self, Refusal> {
        let stored = cx.store.applied().await?;
        let tenants = cx.store.tenants().await?;
        let mut inhabited = Vec::new();
        let spoken = |kind: Kind| wanted.kinds.contains(&kind);
        if wanted.prune && spoken(Kind::Tenant) {
            for tenant in &tenants {
                if !cx.store.users(Some(&tenant.id), &Page::first(1)).await?.is_empty() {
                    inhabited.push(tenant.id.clone());
                }
            }
        }
        Ok(Self {
            cx,
            actor,
            wanted,
            tenants,
            there: cx.store.upstreams().await?,
            issuers: cx.store.issuers().await?,
            scopes: cx.store.scopes().await?,
            apis: cx.store.apis().await?,
            // There can be many: only where they are spoken of, or may be in the way.
            clients: if spoken(Kind::Client) || (wanted.prune && spoken(Kind::Tenant)) {
                all_clients(cx).await?
            } else {
                Vec::new()
            },
            applied: stored.applied.clone(),
            stored,
            inhabited,
            changes: Vec::new(),
            steps: Vec::new(),
            secrets: Vec::new(),
            problems: Vec::new(),
        })
    }

    pub(super) fn finish(mut self) -> Result<Plan, Refusal> {
        if !self.problems.is_empty() {
            return Err(Refusal::Problems(self.problems));
        }
        self.steps.sort_by_key(|(turn, ..)| *turn);
        Ok(Plan {
            kept: self.kept(),
            changes: self.changes,
            secrets: self.secrets,
            steps: self.steps.into_iter().map(|(_, step, record)| (step, record)).collect(),
        })
    }

    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = &'a Thing> + use<'a> {
        self.wanted.things.iter().filter(move |thing| thing.kind == kind)
    }

    /// Whether a thing that is there is named by nobody and goes.
    pub(super) fn goes(&self, kind: Kind, id: &str) -> bool {
        let spoken = self.wanted.prune && self.wanted.kinds.contains(&kind);
        spoken && !self.of(kind).any(|thing| thing.id == id)
    }

    pub(super) fn record(&self, event: Event, id: &str) -> Record {
        self.cx.record(event, self.actor.clone()).object(id)
    }

    pub(super) fn step(&mut self, turn: Turn, step: Step, record: Record) {
        self.steps.push((turn, step, record));
    }

    pub(super) fn wrong(&mut self, thing: &Thing, member: &str, message: impl Into<String>) {
        let place = Place::Member(thing.kind, thing.id.clone(), member.to_owned());
        self.problems.push(Problem { place, message: message.into() });
    }

    pub(super) fn read_thing<T: Serialize + DeserializeOwned>(
        &mut self,
        thing: &Thing,
        blank: &T,
    ) -> Option<T> {
        match form::read(thing.kind, blank, &thing.members) {
            Ok(read) => Some(read),
            Err(wrong) => {
                for (member, message) in wrong {
                    self.wrong(thing, &member, message);
                }
                None
            }
        }
    }

    /// Whether a rule of the single commands lets it be.
    pub(super) fn passes(&mut self, thing: &Thing, checked: Result<(), ManageError>) -> bool {
        let message = checked.err().map(|error| error.to_string());
        let passes = message.is_none();
        if let Some(message) = message {
            self.wrong(thing, "", message);
        }
        passes
    }

    /// Notes the change; `false`: there is none.
    pub(super) fn changes(
        &mut self,
        kind: Kind,
        id: &str,
        old: Option<&Members>,
        new: Option<&Members>,
    ) -> bool {
        let change = Change::of(kind, id, old, new);
        let any = change.is_some();
        self.changes.extend(change);
        any
    }

    pub(super) fn knows_tenant(&self, id: &TenantId) -> bool {
        *id == TenantId::default() || self.tenants.iter().any(|own| own.id == *id)
    }

    /// What only shows when all is known: who is where.
    pub(super) fn check_places(&mut self) {
        let apis = self.apis.clone();
        for thing in self.of(Kind::Api) {
            if let Some(api) = apis.iter().find(|api| api.id.as_str() == thing.id) {
                self.passes(thing, api::check_place(api, &apis, &self.applied.clone()));
                if apis.iter().any(|other| other.id != api.id && other.resource == api.resource) {
                    self.wrong(thing, "resource", "another API has this resource already");
                }
            }
        }
        let lost = |id: &&TenantId| !self.knows_tenant(id);
        if let Some(id) = self.applied.default_tenant.as_ref().filter(lost) {
            let message = format!("there is no tenant `{id}`");
            self.problems.push(Problem { place: Place::Setting("default_tenant".to_owned()), message });
        }
        self.check_left_behind();
    }

    /// Nobody loses the directory that they belong to.
    fn check_left_behind(&mut self) {
        let goes = |id: &&TenantId| !self.knows_tenant(id);
        let changed = |id: &ClientId| {
            self.steps.iter().any(|(_, step, _)| match step {
                Step::UpdateClient(client, _) => client.id == *id,
                Step::DeleteClient(own, _) => own == id,
                _ => false,
            })
        };
        let users = self.inhabited.iter().filter(goes).map(|id| ("users", id.clone()));
        let left = self.clients.iter().filter(|client| !changed(&client.id));
        let left = left.filter_map(|client| client.tenant.as_ref()).filter(goes);
        let lost: BTreeSet<_> = users.chain(left.map(|id| ("applications", id.clone()))).collect();
        for (who, id) in lost {
            let place = Place::Member(Kind::Tenant, id.to_string(), String::new());
            let message = format!("{who} belong to it: delete them first, or name it in the file");
            self.problems.push(Problem { place, message });
        }
    }
}

pub(super) async fn all_clients(cx: &Context) -> Result<Vec<Client>, Refusal> {
    const PAGE: u32 = 500;
    let (mut all, mut page) = (Vec::new(), Page::first(PAGE));
    loop {
        let some = cx.store.clients(&page).await?;
        page.after = some.last().map(|last| last.id.to_string());
        let full = some.len() == PAGE as usize;
        all.extend(some);
        if !full {
            return Ok(all);
        }
    }
}
