//! Scopes and APIs of a plan.

use super::form;
use super::things::{Draft, Turn};
use super::{Kind, Thing};
use crate::audit::Event;
use crate::ids::ApiId;
use crate::manage::{api, scope};
use crate::scope::STANDARD;
use crate::store::{Api, ScopeWords, Step};

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

impl Draft<'_> {
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
}
