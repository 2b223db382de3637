//! Providers of a plan at which people sign in.

use super::diff::MemberChange;
use super::form;
use super::things::{Draft, Turn};
use super::{Action, Change, Kind, Thing};
use crate::audit::Event;
use crate::error::Fault;
use crate::ids::TenantId;
use crate::manage::upstream::{NewUpstream, described};
use crate::store::Step;
use crate::upstream::{ClaimNames, OurMethod, Provider, Upstream};
use serde::{Deserialize, Serialize};

/// In the order in which they are written.
pub(super) const UPSTREAM: [&str; 13] = [
    "id",
    "name",
    "tenant",
    "issuer",
    "authorize_url",
    "token_url",
    "userinfo_url",
    "client_id",
    "auth_method",
    "scope",
    "claims",
    "sign_up",
    "disabled",
];

/// A provider as a file writes it: what it is follows from which addresses it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Written {
    id: String,
    name: String,
    tenant: Option<TenantId>,
    issuer: Option<String>,
    authorize_url: Option<String>,
    token_url: Option<String>,
    userinfo_url: Option<String>,
    client_id: String,
    auth_method: Option<OurMethod>,
    scope: Option<String>,
    claims: Option<ClaimNames>,
    sign_up: bool,
    disabled: bool,
}

impl Written {
    fn blank(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: String::new(),
            tenant: None,
            issuer: None,
            authorize_url: None,
            token_url: None,
            userinfo_url: None,
            client_id: String::new(),
            auth_method: None,
            scope: None,
            claims: None,
            sign_up: true,
            disabled: false,
        }
    }

    pub(super) fn of(upstream: &Upstream) -> Self {
        let mut written = Self {
            name: upstream.name.clone(),
            tenant: Some(upstream.tenant.clone()).filter(|own| *own != TenantId::default()),
            client_id: upstream.client_id.clone(),
            auth_method: Some(upstream.auth_method),
            scope: Some(upstream.scope.clone()),
            claims: Some(upstream.claims.clone()).filter(|own| *own != ClaimNames::default()),
            sign_up: upstream.sign_up,
            disabled: upstream.disabled,
            ..Self::blank(&upstream.id)
        };
        match &upstream.provider {
            Provider::OpenId { issuer } => written.issuer = Some(issuer.clone()),
            Provider::OAuth { authorize_url, token_url, userinfo_url } => {
                written.authorize_url = Some(authorize_url.clone());
                written.token_url = Some(token_url.clone());
                written.userinfo_url = Some(userinfo_url.clone());
            }
        }
        written
    }

    fn provider(&self) -> Result<Provider, &'static str> {
        match (&self.issuer, &self.authorize_url, &self.token_url, &self.userinfo_url) {
            (Some(issuer), None, None, None) => Ok(Provider::OpenId { issuer: issuer.clone() }),
            (None, Some(authorize_url), Some(token_url), Some(userinfo_url)) => Ok(Provider::OAuth {
                authorize_url: authorize_url.clone(),
                token_url: token_url.clone(),
                userinfo_url: userinfo_url.clone(),
            }),
            _ => Err("give `issuer`, or else `authorize_url`, `token_url` and `userinfo_url`"),
        }
    }
}

impl Draft<'_> {
    pub(super) fn upstreams(&mut self) {
        let there = std::mem::take(&mut self.there);
        for upstream in &there {
            if !self.goes(Kind::Upstream, &upstream.id) {
                continue;
            }
            let old = form::shown(Kind::Upstream, &Written::of(upstream));
            self.changes(Kind::Upstream, &upstream.id, Some(&old), None);
            let record = self.record(Event::UpstreamDeleted, &upstream.id);
            self.step(Turn::Goes, Step::DeleteUpstream(upstream.id.clone()), record);
        }
        for thing in self.of(Kind::Upstream) {
            let old = there.iter().find(|own| own.id == thing.id);
            match self.upstream(thing, old) {
                Ok(Some(new)) => self.write_upstream(thing, old, new),
                Ok(None) => {}
                Err(fault) => self.wrong(thing, "", fault.to_string()),
            }
        }
    }

    fn upstream(&mut self, thing: &Thing, old: Option<&Upstream>) -> Result<Option<Upstream>, Fault> {
        let Some(written) = self.read_thing(thing, &Written::blank(&thing.id)) else { return Ok(None) };
        let provider = match written.provider() {
            Ok(provider) => provider,
            Err(message) => {
                self.wrong(thing, "", message);
                return Ok(None);
            }
        };
        let tenant = written.tenant.unwrap_or_default();
        if !self.knows_tenant(&tenant) {
            self.wrong(thing, "tenant", format!("there is no tenant `{tenant}`: name it in the file too"));
        }
        let before = old.map(|old| old.secret(self.cx)).transpose()?.flatten();
        let secret = thing.secret.clone().or_else(|| before.clone());
        let same = secret.is_some() && secret == before;
        let new = NewUpstream {
            id: thing.id.clone(),
            name: written.name,
            tenant,
            provider,
            client_id: written.client_id,
            client_secret: secret,
            auth_method: written.auth_method,
            scope: written.scope,
            claims: written.claims.unwrap_or_default(),
            sign_up: written.sign_up,
        };
        match described(self.cx, new) {
            Ok(mut new) => {
                new.disabled = written.disabled;
                new.created_at = old.map_or(new.created_at, |old| old.created_at);
                new.version = old.map_or(1, |old| old.version);
                if same {
                    new.client_secret = old.and_then(|old| old.client_secret.clone());
                }
                Ok(Some(new))
            }
            Err(error) => {
                self.wrong(thing, "", error.to_string());
                Ok(None)
            }
        }
    }

    fn write_upstream(&mut self, thing: &Thing, old: Option<&Upstream>, new: Upstream) {
        let was = old.map(|old| form::shown(Kind::Upstream, &Written::of(old)));
        let is = form::shown(Kind::Upstream, &Written::of(&new));
        let mut change = Change::of(Kind::Upstream, &thing.id, was.as_ref(), Some(&is));
        let secret = old.and_then(|old| old.client_secret.clone());
        if secret != new.client_secret {
            let member = MemberChange {
                name: "client_secret".to_owned(),
                old: secret.map(|_| "as before".into()),
                new: new.client_secret.as_ref().map(|_| "as given".into()),
            };
            let none = || Change {
                action: Action::Update,
                kind: Kind::Upstream.name(),
                id: thing.id.clone(),
                members: Vec::new(),
            };
            change.get_or_insert_with(none).members.push(member);
        }
        let Some(change) = change else { return };
        self.changes.push(change);
        let (event, step) = match old {
            Some(_) => (Event::UpstreamUpdated, Step::UpdateUpstream(new)),
            None => (Event::UpstreamCreated, Step::CreateUpstream(new)),
        };
        let record = self.record(event, &thing.id);
        self.step(Turn::Upstreams, step, record);
    }
}
