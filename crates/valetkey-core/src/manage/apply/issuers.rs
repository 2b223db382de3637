//! Issuers of a plan whose word counts here.

use super::form;
use super::things::{Draft, Turn};
use super::{Kind, Thing};
use crate::audit::Event;
use crate::federation::TrustedIssuer;
use crate::manage::issuer::{blank, check};
use crate::store::Step;

/// In the order in which they are written.
pub(super) const ISSUER: [&str; 12] = [
    "id",
    "issuer",
    "jwks",
    "jwks_uri",
    "audiences",
    "algorithms",
    "trusted_for",
    "tenant",
    "match_by",
    "sign_up",
    "implies_consent",
    "disabled",
];

impl Draft<'_> {
    pub(super) fn issuers(&mut self) {
        let there = std::mem::take(&mut self.issuers);
        for issuer in there.iter().filter(|own| self.goes(Kind::Issuer, &own.id)).collect::<Vec<_>>() {
            let old = form::shown(Kind::Issuer, issuer);
            self.changes(Kind::Issuer, &issuer.id, Some(&old), None);
            let record = self.record(Event::IssuerDeleted, &issuer.id);
            self.step(Turn::Goes, Step::DeleteIssuer(issuer.id.clone()), record);
        }
        for thing in self.of(Kind::Issuer) {
            let old = there.iter().find(|own| own.id == thing.id);
            if let Some(new) = self.issuer(thing, old) {
                self.write_issuer(thing, old, new);
            }
        }
    }

    fn issuer(&mut self, thing: &Thing, old: Option<&TrustedIssuer>) -> Option<TrustedIssuer> {
        let blank = match blank(self.cx, &thing.id) {
            Ok(blank) => blank,
            Err(error) => {
                self.wrong(thing, "", error.to_string());
                return None;
            }
        };
        let mut new = self.read_thing(thing, &blank)?;
        if !self.knows_tenant(&new.tenant) {
            let message = format!("there is no tenant `{}`: name it in the file too", new.tenant);
            self.wrong(thing, "tenant", message);
        }
        if old.is_some_and(|old| old.issuer != new.issuer) {
            self.wrong(thing, "issuer", "another iss is another issuer: give it an id of its own");
        }
        new.created_at = old.map_or(new.created_at, |old| old.created_at);
        new.version = old.map_or(1, |old| old.version);
        self.passes(thing, check(self.cx, &new)).then_some(new)
    }

    fn write_issuer(&mut self, thing: &Thing, old: Option<&TrustedIssuer>, new: TrustedIssuer) {
        let was = old.map(|old| form::shown(Kind::Issuer, old));
        let is = form::shown(Kind::Issuer, &new);
        if !self.changes(Kind::Issuer, &thing.id, was.as_ref(), Some(&is)) {
            return;
        }
        let (event, step) = match old {
            Some(_) => (Event::IssuerUpdated, Step::UpdateIssuer(new)),
            None => (Event::IssuerTrusted, Step::CreateIssuer(new)),
        };
        let record = self.record(event, &thing.id);
        self.step(Turn::Upstreams, step, record);
    }
}
