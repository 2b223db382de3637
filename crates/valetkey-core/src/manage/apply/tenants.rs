//! User directories of a plan.

use super::form;
use super::things::{Draft, Turn};
use super::{Kind, Thing};
use crate::audit::Event;
use crate::directory::Tenant;
use crate::ids::TenantId;
use crate::manage::{mark_now, tenant};
use crate::store::{MarkKind, Step};

impl Draft<'_> {
    pub(super) fn tenants(&mut self) {
        let there = self.tenants.clone();
        for thing in self.of(Kind::Tenant) {
            let old = there.iter().find(|tenant| tenant.id.as_str() == thing.id);
            if let Some(new) = self.tenant(thing, old) {
                self.tenants.retain(|own| own.id != new.id);
                self.tenants.push(new.clone());
                self.write_tenant(old, new);
            }
        }
        for tenant in &there {
            if tenant.id == TenantId::default() || !self.goes(Kind::Tenant, tenant.id.as_str()) {
                continue;
            }
            self.tenants.retain(|own| own.id != tenant.id);
            let old = form::shown(Kind::Tenant, tenant);
            self.changes(Kind::Tenant, tenant.id.as_str(), Some(&old), None);
            let mut record = self.record(Event::TenantDeleted, tenant.id.as_str());
            record.tenant = Some(tenant.id.clone());
            self.step(Turn::TenantsGo, Step::DeleteTenant(tenant.id.clone()), record);
        }
    }

    fn tenant(&mut self, thing: &Thing, old: Option<&Tenant>) -> Option<Tenant> {
        let blank = Tenant { id: thing.id.as_str().into(), ..Tenant::unnamed() };
        let read = self.read_thing(thing, &blank)?;
        let new = Tenant {
            name: read.name.trim().to_owned(),
            updated_at: self.cx.now,
            created_at: old.map_or(self.cx.now, |old| old.created_at),
            logo: old.and_then(|old| old.logo.clone()),
            version: old.map_or(1, |old| old.version),
            ..read
        };
        let good = self.passes(thing, tenant::check(&new));
        good.then_some(new)
    }

    fn write_tenant(&mut self, old: Option<&Tenant>, new: Tenant) {
        // The default one is there though nobody made it.
        let unmade = (new.id == TenantId::default()).then(Tenant::unnamed);
        let was = old.or(unmade.as_ref()).map(|old| form::shown(Kind::Tenant, old));
        let is = form::shown(Kind::Tenant, &new);
        if !self.changes(Kind::Tenant, new.id.as_str(), was.as_ref(), Some(&is)) {
            return;
        }
        let turns_off = new.disabled && !old.is_some_and(|old| old.disabled);
        let event = match old {
            None => Event::TenantCreated,
            Some(_) if turns_off => Event::TenantDisabled,
            Some(old) if old.disabled && !new.disabled => Event::TenantEnabled,
            Some(_) => Event::TenantUpdated,
        };
        if turns_off && let Some(unmade) = unmade.filter(|_| old.is_none()) {
            // People have signed in to it all the same: it is made first, and then switched off with all that this means.
            let mut record = self.record(Event::TenantCreated, new.id.as_str());
            record.tenant = Some(new.id.clone());
            let made = Tenant { created_at: self.cx.now, updated_at: self.cx.now, ..unmade };
            self.step(Turn::Tenants, Step::CreateTenant(made.clone()), record);
            return self.write_step(Some(&made), new, Event::TenantDisabled);
        }
        self.write_step(old, new, event);
    }

    fn write_step(&mut self, old: Option<&Tenant>, new: Tenant, event: Event) {
        let turns_off = new.disabled && !old.is_some_and(|old| old.disabled);
        let mut record = self.record(event, new.id.as_str());
        record.tenant = Some(new.id.clone());
        let mark = turns_off.then(|| mark_now(self.cx, MarkKind::Tenant, new.id.as_str()));
        let step = if old.is_some() { Step::UpdateTenant(new, mark) } else { Step::CreateTenant(new) };
        self.step(Turn::Tenants, step, record);
    }
}
