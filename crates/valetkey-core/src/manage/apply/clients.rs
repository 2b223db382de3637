//! Clients of a plan. A new one is registered as any other way would register it; of one that is there, what registering
//! gives stays unless the file says it.

use super::diff::MemberChange;
use super::form;
use super::things::{Draft, Turn};
use super::{Change, Kind, Thing};
use crate::audit::Event;
use crate::client::compat::Compat;
use crate::client::profile::Profile;
use crate::client::{AuthMethod, Client, ClientSecret, Origin, metadata};
use crate::error::Fault;
use crate::grant::GrantType;
use crate::manage::client::{NewClient, registered_now};
use crate::manage::mark_now;
use crate::secret::Secret;
use crate::store::{MarkKind, Step};
use serde_json::json;
use std::sync::LazyLock;

/// In the order in which they are written, then those of its profile.
pub(super) static MEMBERS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| CLIENT.iter().chain(Profile::names()).copied().collect());

const CLIENT: [&str; 19] = [
    "id",
    "name",
    "description",
    "website",
    "tenant",
    "redirect_uris",
    "post_logout_redirect_uris",
    "grant_types",
    "scope",
    "application_scope",
    "auth_method",
    "jwks",
    "jwks_uri",
    "introspect",
    "compat",
    "access_token_lifetime",
    "origin",
    "disabled",
    "strict",
];

impl Draft<'_> {
    pub(super) fn clients(&mut self) {
        let there = self.clients.clone();
        for thing in self.of(Kind::Client) {
            let old = there.iter().find(|own| own.id.as_str() == thing.id);
            let Some(client) = self.client(thing, old) else { continue };
            self.write(thing, old, client);
        }
        for client in &there {
            // Files speak of the operator's; what developers and applications registered is theirs.
            if client.origin != Origin::Operator || !self.goes(Kind::Client, client.id.as_str()) {
                continue;
            }
            let old = form::shown(Kind::Client, client);
            self.changes(Kind::Client, client.id.as_str(), Some(&old), None);
            let mark = mark_now(self.cx, MarkKind::Client, client.id.as_str());
            let record = self.cx.record(Event::ClientDeleted, self.actor.clone()).client(&client.id);
            self.step(Turn::Goes, Step::DeleteClient(client.id.clone(), mark), record);
        }
    }

    fn client(&mut self, thing: &Thing, old: Option<&Client>) -> Option<Client> {
        let said = thing.members.get("strict");
        let strict = said.is_some_and(|value| *value == json!(true));
        if said.is_some_and(|value| !value.is_boolean()) {
            self.wrong(thing, "strict", "expected true or false");
            return None;
        }
        let blank = match self.blank(&thing.id, old, strict) {
            Ok(blank) => blank,
            Err(fault) => {
                self.wrong(thing, "", fault.to_string());
                return None;
            }
        };
        let mut client = self.read_thing(thing, &blank)?;
        if old.is_none() && !strict {
            self.register(thing, &mut client);
        }
        if let Some(tenant) = client.tenant.as_ref().filter(|id| !self.knows_tenant(id)) {
            self.wrong(thing, "tenant", format!("there is no tenant `{tenant}`: name it in the file too"));
        }
        self.give_secrets(thing, old, &mut client)?;
        match metadata::check(&client) {
            Ok(()) => Some(client),
            Err(bad) => {
                self.wrong(thing, "", bad.to_string());
                None
            }
        }
    }

    /// Strict in everything, but for what a file does not speak of and what stays of one that is there.
    fn blank(&self, id: &str, old: Option<&Client>, strict: bool) -> Result<Client, Fault> {
        let now = self.cx.now;
        let document = json!({
            "id": id, "name": "", "auth_method": AuthMethod::ClientSecret, "created_at": now, "updated_at": now,
            "grant_types": [GrantType::AuthorizationCode, GrantType::RefreshToken],
        });
        let blank: Client = serde_json::from_value(document)
            .map_err(|error| Fault::internal("the blank client cannot be read", error))?;
        let Some(old) = old else { return Ok(blank) };
        let kept = if strict { &blank } else { old };
        Ok(Client {
            grant_types: kept.grant_types.clone(),
            scope: kept.scope.clone(),
            application_scope: kept.application_scope.clone(),
            auth_method: kept.auth_method,
            compat: kept.compat.clone(),
            access_token_lifetime: kept.access_token_lifetime,
            jwks: kept.jwks.clone(),
            jwks_uri: kept.jwks_uri.clone(),
            origin: kept.origin,
            name: String::new(),
            description: String::new(),
            website: String::new(),
            tenant: None,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            introspect: false,
            profile: Profile::default(),
            disabled: false,
            updated_at: now,
            ..old.clone()
        })
    }

    /// What every client gets that is registered now, where the file says nothing of it.
    fn register(&self, thing: &Thing, client: &mut Client) {
        let says = |name: &str| thing.members.contains_key(name);
        // None on purpose is not the same as none said.
        let none = says("compat") && client.compat.is_empty();
        let registration = if none {
            self.applied.registration.with_opt_ins(&[])
        } else {
            self.applied.registration.clone()
        };
        let given = registered_now(
            &registration,
            NewClient {
                redirect_uris: client.redirect_uris.clone(),
                grant_types: if says("grant_types") { client.grant_types.clone() } else { Vec::new() },
                scope: client.scope.clone(),
                application_scope: client.application_scope.clone(),
                auth_method: says("auth_method").then_some(client.auth_method),
                compat: client.compat.clone(),
                access_token_lifetime: client.access_token_lifetime,
                ..NewClient::default()
            },
        );
        client.grant_types = given.grant_types;
        client.scope = given.scope;
        client.application_scope = given.application_scope;
        client.auth_method = given.auth_method.unwrap_or(client.auth_method);
        client.access_token_lifetime = given.access_token_lifetime;
        client.compat = given.compat;
    }

    fn give_secrets(&mut self, thing: &Thing, old: Option<&Client>, client: &mut Client) -> Option<()> {
        let now = self.cx.now;
        let old: Vec<ClientSecret> = old.map(|old| old.secrets.clone()).unwrap_or_default();
        if !client.auth_method.is_by_secret() {
            if thing.secrets.is_empty() {
                return Some(());
            }
            self.wrong(thing, "auth_method", "a client of this authentication method has no secret");
            return None;
        }
        let (cx, name) = (self.cx, String::new());
        let made = |hash| ClientSecret {
            id: cx.new_id(),
            hash,
            created_at: now,
            expires_at: None,
            name: name.clone(),
        };
        client.secrets = if !thing.secrets.is_empty() {
            let same = |hash| old.iter().find(|own| own.hash == hash && own.expires_at.is_none()).cloned();
            thing.secrets.iter().map(|hash| same(*hash).unwrap_or_else(|| made(*hash))).collect()
        } else if old.is_empty() {
            let secret: Secret = self.cx.new_secret();
            let hash = secret.hash();
            self.secrets.push((client.id.clone(), secret));
            vec![made(hash)]
        } else {
            old
        };
        Some(())
    }

    fn write(&mut self, thing: &Thing, old: Option<&Client>, mut client: Client) {
        client.version = old.map_or(1, |old| old.version);
        let was = old.map(|old| form::shown(Kind::Client, old));
        let is = form::shown(Kind::Client, &client);
        let mut change = Change::of(Kind::Client, &thing.id, was.as_ref(), Some(&is));
        if let Some(member) = secrets_changed(old, &client, thing) {
            let none = || Change {
                action: super::Action::Update,
                kind: Kind::Client.name(),
                id: thing.id.clone(),
                members: Vec::new(),
            };
            change.get_or_insert_with(none).members.push(member);
        }
        let Some(change) = change else { return };
        self.changes.push(change);
        let turns_off = client.disabled && old.is_some_and(|old| !old.disabled);
        let event = match old {
            None => Event::ClientCreated,
            Some(_) if turns_off => Event::ClientDisabled,
            Some(old) if old.disabled && !client.disabled => Event::ClientEnabled,
            Some(_) => Event::ClientUpdated,
        };
        let mut record = self.cx.record(event, self.actor.clone()).client(&client.id);
        record.object = Compat::switched(old.map_or(&[], |old| &old.compat), &client.compat);
        let mark = turns_off.then(|| mark_now(self.cx, MarkKind::Client, client.id.as_str()));
        let step = if old.is_some() { Step::UpdateClient(client, mark) } else { Step::CreateClient(client) };
        self.step(Turn::Clients, step, record);
    }
}

/// How many secrets there are, and where from: never one of them.
fn secrets_changed(old: Option<&Client>, new: &Client, thing: &Thing) -> Option<MemberChange> {
    let none = Vec::new();
    let before = old.map_or(&none, |old| &old.secrets);
    if *before == new.secrets {
        return None;
    }
    let told = |count: usize, whose: &str| (count > 0).then(|| format!("{whose} ({count})").into());
    let whose = if thing.secrets.is_empty() && !new.secrets.is_empty() { "a new one" } else { "as given" };
    Some(MemberChange {
        name: "secrets".to_owned(),
        old: told(before.len(), "as before"),
        new: told(new.secrets.len(), whose),
    })
}
