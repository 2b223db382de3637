//! A plan in the making: what is there, what is wanted, and what follows.

use super::form::{self, Members};
use super::{Change, Kind, Place, Plan, Problem, Refusal, Thing, Wanted};
use crate::applied::Applied;
use crate::audit::{Actor, Event, Record};
use crate::client::Client;
use crate::context::Context;
use crate::directory::Tenant;
use crate::ids::{ApiId, ClientId, TenantId};
use crate::manage::{ManageError, api, mark_now, scope, tenant};
use crate::scope::STANDARD;
use crate::secret::Secret;
use crate::store::{Api, MarkKind, Page, ScopeWords, Step, StoredSettings};
use crate::upstream::Upstream;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Of an API, in the order in which they are written.
pub(super) const API: [&str; 15] = [
    "id",
    "name",
    "prefix",
    "upstream",
    "resource",
    "scopes",
    "token_format",
    "signing_alg",
    "access_token_lifetime",
    "compat",
    "pass_token",
    "browser",
    "browser_scope",
    "cors_origins",
    "endpoints",
];

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
    tenants: Vec<Tenant>,
    pub(super) there: Vec<Upstream>,
    scopes: Vec<ScopeWords>,
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
        if wanted.prune && wanted.kinds.contains(&Kind::Tenant) {
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
            scopes: cx.store.scopes().await?,
            apis: cx.store.apis().await?,
            clients: all_clients(cx).await?,
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

    pub(super) fn tenants(&mut self) {
        let there = self.tenants.clone();
        for thing in self.of(Kind::Tenant) {
            let id = TenantId::from(thing.id.as_str());
            let old = there.iter().find(|tenant| tenant.id == id);
            let unmade = id == TenantId::default() && old.is_none();
            let blank = Tenant { id: id.clone(), name: String::new(), ..Tenant::unnamed() };
            let Some(mut new) = self.read_thing(thing, &blank) else { continue };
            new.name = new.name.trim().to_owned();
            new.updated_at = self.cx.now;
            new.created_at = old.map_or(self.cx.now, |old| old.created_at);
            new.logo = old.and_then(|old| old.logo.clone());
            new.version = old.map_or(1, |old| old.version);
            if !self.passes(thing, tenant::check(&new)) {
                continue;
            }
            let was = old.or(unmade.then_some(&blank)).map(|old| form::shown(Kind::Tenant, old));
            let is = form::shown(Kind::Tenant, &new);
            self.tenants.retain(|own| own.id != id);
            self.tenants.push(new.clone());
            if self.changes(Kind::Tenant, &thing.id, was.as_ref(), Some(&is)) {
                let turns_off = new.disabled && !old.is_some_and(|old| old.disabled);
                let mark = turns_off.then(|| mark_now(self.cx, MarkKind::Tenant, &thing.id));
                let event = match old {
                    None => Event::TenantCreated,
                    Some(_) if turns_off => Event::TenantDisabled,
                    Some(old) if old.disabled && !new.disabled => Event::TenantEnabled,
                    Some(_) => Event::TenantUpdated,
                };
                let mut record = self.record(event, &thing.id);
                record.tenant = Some(id);
                let step =
                    if old.is_some() { Step::UpdateTenant(new, mark) } else { Step::CreateTenant(new) };
                self.step(Turn::Tenants, step, record);
            }
        }
        for tenant in there.iter().filter(|own| own.id != TenantId::default()) {
            if self.goes(Kind::Tenant, tenant.id.as_str()) {
                self.tenants.retain(|own| own.id != tenant.id);
                let old = form::shown(Kind::Tenant, tenant);
                self.changes(Kind::Tenant, tenant.id.as_str(), Some(&old), None);
                let mut record = self.record(Event::TenantDeleted, tenant.id.as_str());
                record.tenant = Some(tenant.id.clone());
                self.step(Turn::TenantsGo, Step::DeleteTenant(tenant.id.clone()), record);
            }
        }
    }

    pub(super) fn knows_tenant(&self, id: &TenantId) -> bool {
        *id == TenantId::default() || self.tenants.iter().any(|own| own.id == *id)
    }

    pub(super) fn scopes(&mut self) {
        let there = self.scopes.clone();
        for thing in self.of(Kind::Scope) {
            let built_in = STANDARD.iter().find(|(name, ..)| *name == thing.id);
            let blank = ScopeWords {
                name: thing.id.clone(),
                description: built_in.map_or("", |(_, words, _)| words).to_owned(),
                detail: built_in.map_or("", |(.., detail)| detail).to_owned(),
                default: false,
                standard: built_in.is_some(),
            };
            let Some(mut new) = self.read_thing(thing, &blank) else { continue };
            let stored = there.iter().find(|own| own.name == thing.id);
            new.standard = stored.map_or(blank.standard, |own| own.standard);
            if !self.passes(thing, scope::check(&new)) {
                continue;
            }
            let old = stored.or(built_in.map(|_| &blank)).map(|own| form::shown(Kind::Scope, own));
            if self.changes(Kind::Scope, &thing.id, old.as_ref(), Some(&form::shown(Kind::Scope, &new))) {
                let (event, step) = match stored {
                    Some(_) => (Event::ScopeUpdated, Step::UpdateScope(new)),
                    None => (Event::ScopeCreated, Step::CreateScope(new)),
                };
                let record = self.record(event, &thing.id);
                self.step(Turn::Scopes, step, record);
            }
        }
        for scope in there.iter().filter(|own| STANDARD.iter().all(|(name, ..)| *name != own.name)) {
            if self.goes(Kind::Scope, &scope.name) {
                self.changes(Kind::Scope, &scope.name, Some(&form::shown(Kind::Scope, scope)), None);
                let record = self.record(Event::ScopeDeleted, &scope.name);
                self.step(Turn::Goes, Step::DeleteScope(scope.name.clone()), record);
            }
        }
    }

    pub(super) fn apis(&mut self) {
        let there = self.apis.clone();
        for api in &there {
            if !self.goes(Kind::Api, api.id.as_str()) {
                continue;
            }
            self.apis.retain(|own| own.id != api.id);
            self.changes(Kind::Api, api.id.as_str(), Some(&form::shown(Kind::Api, api)), None);
            let record = self.record(Event::ApiDeleted, api.id.as_str());
            self.step(Turn::Goes, Step::DeleteApi(api.id.clone()), record);
        }
        for thing in self.of(Kind::Api) {
            let id = ApiId::from(thing.id.as_str());
            let old = there.iter().find(|own| own.id == id);
            let Some(mut new) = self.api(thing, &id, old) else { continue };
            if !self.passes(thing, api::check(&new)) {
                continue;
            }
            new.updated_at = self.cx.now;
            self.apis.retain(|own| own.id != id);
            self.apis.push(new.clone());
            let was = old.map(|old| form::shown(Kind::Api, old));
            if self.changes(Kind::Api, &thing.id, was.as_ref(), Some(&form::shown(Kind::Api, &new))) {
                let (event, step) = match old {
                    Some(_) => (Event::ApiUpdated, Step::UpdateApi(new)),
                    None => (Event::ApiCreated, Step::CreateApi(new)),
                };
                let record = self.record(event, &thing.id);
                self.step(Turn::Apis, step, record);
            }
        }
    }

    fn api(&mut self, thing: &Thing, id: &ApiId, old: Option<&Api>) -> Option<Api> {
        let text = |name: &str| thing.members.get(name).and_then(|value| value.as_str());
        let resource = match (text("resource"), text("prefix")) {
            (Some(resource), _) => resource.to_owned(),
            (None, Some(prefix)) => self.cx.settings.url(prefix),
            (None, None) => {
                self.wrong(thing, "", "give `prefix` or `resource`: tokens for this API name it");
                return None;
            }
        };
        let blank = Api::new(id.clone(), resource, self.cx.now);
        let mut new = self.read_thing(thing, &blank)?;
        new.created_at = old.map_or(self.cx.now, |old| old.created_at);
        new.version = old.map_or(1, |old| old.version);
        for rule in &mut new.endpoints {
            let mut before = old.into_iter().flat_map(|old| &old.endpoints);
            let same = before.find(|own| (own.method, &own.path) == (rule.method, &rule.path));
            rule.id = same.map_or_else(|| format!("ep_{}", self.cx.new_id()).into(), |own| own.id.clone());
        }
        Some(new)
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
        let going: Vec<_> = self.inhabited.iter().filter(|id| !self.knows_tenant(id)).cloned().collect();
        for id in going {
            let place = Place::Member(Kind::Tenant, id.to_string(), String::new());
            let message =
                format!("users belong to the tenant {id}: delete them first, or name it in the file");
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
