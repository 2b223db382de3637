//! What a request may use: the present, entropy, settings and the ports. Nothing else reaches the protocol.

mod cache;
mod grants;
mod hearing;
mod offered;
mod standings;
mod taking_back;

pub use cache::ClientCache;
pub use grants::LateGrants;
pub use offered::{InUse, Offered};
pub use standings::LateStandings;

use crate::applied::InForce;
use crate::audit::{Actor, Event, Order, Record};
use crate::catalog::Catalog;
use crate::client::authenticate::{Guard, Pauses};
use crate::client::compat::Compat;
use crate::client::noted::Noted;
use crate::client::{Client, document};
use crate::directory::Tenant;
use crate::error::{Error, Fault, FaultKind};
use crate::grant::GrantType;
use crate::ids::{ClientId, Id, TenantId, UserId};
use crate::interaction::ResponseType;
use crate::jose::jwk::Algorithm;
use crate::login::browser_mode;
use crate::outbound::{Clock, Entropy, Fetcher, Hasher};
use crate::proof::certificate::{Certificate, Fingerprint};
use crate::proof::dpop::{Replays, Thumbprint};
use crate::proof::holder::Shown;
use crate::seal::{SealNonce, SealingKey};
use crate::secret::Secret;
use crate::settings::{Lifetimes, SIGN_UP_BREATH, SIGN_UP_PAUSE, Settings};
use crate::store::{Change, ChangeKind, Grant, Mark, MarkKind, NewGrant, Store};
use crate::time::{Seconds, Timestamp};
use crate::token::keys::KeyRing;
use crate::token::revocation::RevocationIndex;
use arc_swap::ArcSwap;
use hearing::Hearing;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// What a server is made of.
#[derive(Debug)]
pub struct Parts {
    pub settings: Settings,
    pub store: Arc<dyn Store>,
    pub hasher: Arc<dyn Hasher>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub fetcher: Arc<dyn Fetcher>,
    /// Wraps the keys in the store.
    pub master: SealingKey,
}

/// The running server: its parts and what it holds in memory.
#[derive(Debug)]
pub struct Server {
    parts: Parts,
    pub revoked: RevocationIndex,
    pub clients: ClientCache,
    pub grants: LateGrants,
    pub standings: LateStandings,
    /// Wrong client secrets.
    pub wrong_secrets: Guard,
    /// Clients that registered themselves.
    pub registrations: Guard,
    /// People who make accounts for themselves.
    pub sign_ups: Guard,
    /// The same of a wider neighbourhood, and of all.
    pub sign_ups_near: Guard,
    pub sign_ups_here: Guard,
    /// Requests that wait for a person, by application and address.
    pub asked: Guard,
    /// Addresses that brought descriptions which could not be read.
    pub unread_documents: Guard,
    /// Who has to pause on account of what all servers counted.
    pauses: Arc<Pauses>,
    /// Proofs of possession that were shown.
    pub proofs: Replays,
    /// What waits to be written about applications.
    pub noted: Noted,
    offered: Offered,
    keys: ArcSwap<KeyRing>,
    catalog: ArcSwap<Catalog>,
    in_force: ArcSwap<InForce>,
    /// The last entry of the change feed that was acted on.
    seen: AtomicI64,
    /// Whether the feed is followed in time.
    hearing: Hearing,
    /// What is held may be another database's, or older than the feed tells: everything is read anew.
    doubtful: AtomicBool,
}

impl Deref for Server {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Server {
    /// Reads keys, catalog and revocations. Keys may be missing still: `manage::key::ensure` makes them.
    pub async fn open(parts: Parts) -> Result<Arc<Self>, Fault> {
        let (pauses, hearing) = (Arc::<Pauses>::default(), Hearing::begin(&*parts.clock));
        let registrations = parts.settings.registrations_per_hour;
        let sign_ups = parts.settings.accounts.sign_up_limits;
        let server = Arc::new(Self {
            parts,
            revoked: RevocationIndex::default(),
            clients: ClientCache::default(),
            grants: LateGrants::default(),
            standings: LateStandings::default(),
            wrong_secrets: Guard::new("wrong_secrets", 30, Seconds(60), &pauses),
            registrations: Guard::new("registrations", registrations, Seconds::hours(1), &pauses),
            sign_ups: Guard::new("sign_ups", sign_ups.address, SIGN_UP_PAUSE, &pauses),
            sign_ups_near: Guard::new("sign_ups_near", sign_ups.network, SIGN_UP_PAUSE, &pauses),
            sign_ups_here: Guard::new("sign_ups_here", sign_ups.server, SIGN_UP_BREATH, &pauses),
            asked: Guard::new("asked", 120, Seconds(60), &pauses),
            unread_documents: Guard::new("unread_documents", 30, Seconds(60), &pauses),
            pauses,
            proofs: Replays::default(),
            noted: Noted::default(),
            offered: Offered::default(),
            keys: ArcSwap::default(),
            catalog: ArcSwap::default(),
            in_force: ArcSwap::default(),
            seen: AtomicI64::new(0),
            hearing,
            doubtful: AtomicBool::new(false),
        });
        server.reload().await?;
        Ok(server)
    }

    /// Reads everything anew: at start, and after a gap in the change feed.
    pub async fn reload(&self) -> Result<(), Fault> {
        let latest = self.store.latest_change().await?;
        // A feed that stands further back than it did is another one: a database was restored, or failed over.
        let from = Place { seq: latest, anew: latest < self.seen.load(Ordering::Acquire) };
        self.read_keys(from).await?;
        self.read_catalog(from).await?;
        self.read_settings(from).await?;
        self.clients.clear();
        self.grants.clear();
        self.standings.pass();
        self.offered.forget();
        self.offered_grants().await?;
        // All that stand: a clock that is wrong now must not hide one. The sweep decides what may go.
        for mark in self.store.revocations(Timestamp(0)).await? {
            self.revoked.insert(&mark);
        }
        self.seen.store(latest, Ordering::Release);
        Ok(())
    }

    pub async fn reload_keys(&self) -> Result<(), Fault> {
        self.read_keys(Place { seq: self.store.latest_change().await?, anew: false }).await
    }

    async fn read_keys(&self, from: Place) -> Result<(), Fault> {
        let mut ring = KeyRing::unwrap(&self.master, self.store.keys().await?)?;
        ring.read_at = from.seq;
        keep(&self.keys, ring, from, |ring| ring.read_at);
        Ok(())
    }

    async fn read_catalog(&self, from: Place) -> Result<(), Fault> {
        let catalog = Catalog::new(self.store.scopes().await?, self.store.apis().await?);
        let catalog = catalog.with_tenants(self.store.tenants().await?);
        let catalog = catalog.with_upstreams(self.store.upstreams().await?);
        let mut catalog = catalog.with_issuers(self.store.issuers().await?);
        catalog.read_at = from.seq;
        keep(&self.catalog, catalog, from, |catalog| catalog.read_at);
        Ok(())
    }

    async fn read_settings(&self, from: Place) -> Result<(), Fault> {
        let applied = self.store.applied().await?.applied;
        let own = &self.settings;
        let mut in_force = InForce::new(applied, &own.lifetimes, own.registration);
        in_force.read_at = from.seq;
        keep(&self.in_force, in_force, from, |in_force| in_force.read_at);
        Ok(())
    }

    /// Acts on what changed since the last call, here or on another node. Called every few hundred milliseconds,
    /// and after each change of one's own.
    pub async fn follow_changes(&self) -> Result<(), Fault> {
        let began_ms = self.clock.now_ms();
        self.take_changes().await?;
        self.hearing.heard(began_ms);
        Ok(())
    }

    async fn take_changes(&self) -> Result<(), Fault> {
        self.standings.pass();
        let seen = self.seen.load(Ordering::Acquire);
        let found = self.store.changes_since(seen).await?;
        // After a failover the feed may have been refilled: the same numbers say other things.
        if self.store.was_lost() || found.is_none() {
            self.doubtful.store(true, Ordering::Release);
        }
        if self.doubtful.load(Ordering::Acquire) {
            return self.reread().await;
        }
        let changes = found.unwrap_or_default();
        let Some(last) = changes.last() else { return Ok(()) };
        let from = Place { seq: last.seq, anew: false };
        let touched = |kinds: &[ChangeKind]| changes.iter().any(|change| kinds.contains(&change.kind));
        if touched(&[ChangeKind::Key]) {
            self.read_keys(from).await?;
        }
        if touched(&[ChangeKind::Scope, ChangeKind::Api, ChangeKind::Tenant, ChangeKind::Upstream]) {
            self.read_catalog(from).await?;
        }
        if touched(&[ChangeKind::Settings]) {
            self.read_settings(from).await?;
        }
        // First what would still be taken for good, then what is to be taken back from those who got it so.
        for change in changes.iter().filter(|change| change.kind == ChangeKind::Client) {
            self.forget_client(&change.key);
        }
        for change in &changes {
            self.follow(change).await?;
        }
        self.seen.fetch_max(last.seq, Ordering::AcqRel);
        Ok(())
    }

    /// Reads everything anew, and once more if that fails. What was marked meanwhile got tokens here all the while.
    async fn reread(&self) -> Result<(), Fault> {
        self.doubtful.store(false, Ordering::Release);
        let read = async {
            self.reload().await?;
            taking_back::strengthen_recent(self).await
        };
        read.await.inspect_err(|_| self.doubtful.store(true, Ordering::Release))
    }

    async fn follow(&self, change: &Change) -> Result<(), Fault> {
        match change.kind {
            ChangeKind::Revocation => {
                if let Some(mark) = self.take_in(&change.key).await? {
                    taking_back::strengthen(self, &mark).await?;
                }
            }
            ChangeKind::Stronger => drop(self.take_in(&change.key).await?),
            ChangeKind::Pause => self.take_pause(&change.key),
            ChangeKind::Client
            | ChangeKind::Other
            | ChangeKind::User
            | ChangeKind::Scope
            | ChangeKind::Tenant
            | ChangeKind::Upstream
            | ChangeKind::Api
            | ChangeKind::Key
            | ChangeKind::Settings => {}
        }
        Ok(())
    }

    fn forget_client(&self, key: &[u8]) {
        self.offered.forget();
        if let Ok(id) = std::str::from_utf8(key) {
            self.clients.forget(id);
        }
    }

    /// For as long from now, by the clock of this server.
    fn take_pause(&self, told: &[u8]) {
        if let Some((key, seconds)) = told.split_first_chunk::<32>()
            && let Ok(seconds) = seconds.try_into()
        {
            self.pauses.pause(*key, self.now() + Seconds(i64::from_be_bytes(seconds)));
        }
    }

    /// Adds what this server counted to what others did. What cannot be written is let go: here it counts all the same.
    pub async fn count_together(&self) -> Result<(), Fault> {
        let guards = [
            &self.wrong_secrets,
            &self.registrations,
            &self.asked,
            &self.unread_documents,
            &self.sign_ups,
            &self.sign_ups_near,
            &self.sign_ups_here,
        ];
        let counted: Vec<_> = guards.into_iter().flat_map(Guard::take).collect();
        if counted.is_empty() {
            return Ok(());
        }
        let now = self.now();
        for (key, window) in self.store.count_together(&counted, now).await? {
            self.pauses.pause(key, now + window);
        }
        Ok(())
    }

    /// The mark that an entry of the feed names; `None` where a newer version alone knows what it means.
    async fn take_in(&self, key: &[u8]) -> Result<Option<Mark>, Fault> {
        let named = key
            .split_first()
            .ok_or(Fault::bare(FaultKind::Corrupt, "an entry of the change feed names no mark"));
        let (kind, key) = named?;
        let Some(kind) = MarkKind::from_number(i64::from(*kind)) else { return Ok(None) };
        let mark = self.store.revocation(kind, key).await?;
        if let Some(mark) = &mark {
            self.revoked.insert(mark);
        }
        Ok(mark)
    }

    /// Writes what was noted of applications since the last call.
    pub async fn write_notes(&self) -> Result<(), Fault> {
        let (uses, failures) = self.noted.take();
        if uses.is_empty() && failures.is_empty() {
            return Ok(());
        }
        self.store.write_notes(&uses, &failures).await
    }

    /// A client: registered here, or described at its address. `None` for an address where there is none now.
    pub async fn client(&self, id: &str) -> Result<Option<Arc<Client>>, Fault> {
        if let Some(client) = browser_mode::client(self, id) {
            return Ok(Some(Arc::new(client)));
        }
        if !document::is_address(id) {
            return self.registered(id).await;
        }
        match document::client(self, id).await.map_err(document::away) {
            Ok(client) => Ok(Some(client)),
            Err(Error::Denied(_)) => Ok(None),
            Err(Error::Failed(fault)) => Err(fault),
        }
    }

    /// A client as the store has it, from memory where it is there.
    pub async fn registered(&self, id: &str) -> Result<Option<Arc<Client>>, Fault> {
        self.clients.get_or_read(id, || async { self.store.client(&ClientId::from(id)).await }).await
    }

    /// Every grant that a client has or would get now: the strict ones, and those that an opt-in opened somewhere.
    pub async fn offered_grants(&self) -> Result<Vec<GrantType>, Fault> {
        let in_use = self.in_use().await?.grants;
        let in_force = self.in_force();
        let given = &in_force.applied.registration;
        let has = |grant: &GrantType| {
            !Self::is_rare(*grant) || in_use.contains(grant) || given.grant_types.contains(grant)
        };
        Ok(GrantType::ALL.into_iter().filter(has).collect())
    }

    /// Every response type that a client has or would get now: hybrids only where one client has both grants.
    pub async fn offered_answers(&self) -> Result<Vec<ResponseType>, Fault> {
        let in_use = self.in_use().await?.answers;
        let in_force = self.in_force();
        let given = &in_force.applied.registration;
        let opened = given.compat.contains(&Compat::Implicit);
        let given = |kind: &ResponseType| {
            opened && kind.grants().iter().all(|grant| given.grant_types.contains(grant))
        };
        let has = |kind: &ResponseType| !kind.is_in_front() || in_use.contains(kind) || given(kind);
        Ok(ResponseType::ALL.into_iter().map(|(_, kind)| kind).filter(has).collect())
    }

    async fn in_use(&self) -> Result<InUse, Fault> {
        let read = || async {
            let grants = self.store.grants_in_use(&Self::opted()).await?;
            Ok(InUse { grants, answers: self.store.front_answers_in_use().await? })
        };
        self.offered.get_or_read(read).await
    }

    /// The grants that not every client may have.
    fn opted() -> Vec<GrantType> {
        GrantType::ALL.into_iter().filter(|grant| Self::is_rare(*grant)).collect()
    }

    fn is_rare(grant: GrantType) -> bool {
        Compat::needed_for(grant).is_some() || grant.is_by_registration()
    }

    pub fn keys(&self) -> arc_swap::Guard<Arc<KeyRing>> {
        self.keys.load()
    }

    pub fn catalog(&self) -> arc_swap::Guard<Arc<Catalog>> {
        self.catalog.load()
    }

    /// A user directory, from memory.
    pub fn tenant(&self, id: &TenantId) -> Option<Arc<Tenant>> {
        self.catalog().tenant(id).cloned()
    }

    /// Whether people make accounts for themselves in this directory.
    pub fn takes_sign_ups(&self, id: &TenantId) -> bool {
        self.settings.accounts.lets_sign_up(id) && self.tenant(id).is_some_and(|own| !own.disabled)
    }

    /// The settings as they are now: what was applied, over the configuration.
    pub fn in_force(&self) -> arc_swap::Guard<Arc<InForce>> {
        self.in_force.load()
    }

    /// How long things live now.
    pub fn lifetimes(&self) -> Lifetimes {
        self.in_force().lifetimes
    }

    pub fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(self.now_ms() / 1000).unwrap_or(i64::MAX))
    }

    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }

    pub fn nonce(&self) -> SealNonce {
        self.random()
    }

    pub fn new_secret(&self) -> Secret {
        Secret::from_random(&self.random())
    }
}

/// A short text that is copied like a number: at most N ASCII characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Short<const N: usize>([u8; N]);

/// The edge's name for a request; it stands in the log and on error pages too.
pub type RequestName = Short<16>;
/// "Firefox on Windows": the browser in which a person acts, as it says itself.
pub type BrowserName = Short<32>;

impl<const N: usize> Short<N> {
    pub fn new(text: &str) -> Self {
        let mut bytes = [b' '; N];
        bytes.iter_mut().zip(text.bytes()).for_each(|(own, byte)| *own = byte);
        Self(bytes)
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default().trim_end()
    }
}

/// Who is asking: for the audit trail, and the key that the caller showed to hold (RFC 9449), to which tokens are bound.
#[derive(Debug, Clone, Copy, Default)]
pub struct Caller {
    pub address: Option<IpAddr>,
    pub request: Option<RequestName>,
    pub key: Option<Thumbprint>,
    /// By which algorithm it showed so.
    pub key_algorithm: Option<Algorithm>,
    /// The certificate in whose connection it came (RFC 8705 §3).
    pub certificate: Option<Fingerprint>,
    /// Where a person posts a form.
    pub browser: Option<BrowserName>,
}

/// Where in the change feed something is read from.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Every change up to this one is in it.
    seq: i64,
    /// What is held was read from another feed.
    anew: bool,
}

/// Takes what was read, unless something read later is there already: several may be reading at once.
fn keep<T>(held: &ArcSwap<T>, read: T, from: Place, at: impl Fn(&T) -> i64) {
    let read = Arc::new(read);
    held.rcu(|own| if !from.anew && at(own) > from.seq { Arc::clone(own) } else { Arc::clone(&read) });
}

/// One request's view of the server: its present does not move while it is handled.
#[derive(Debug, Clone)]
pub struct Context {
    server: Arc<Server>,
    pub now: Timestamp,
    pub now_ms: u64,
    pub caller: Caller,
    /// The whole of what `caller.certificate` names.
    pub certificate: Option<Arc<Certificate>>,
    recorded: Order,
}

impl Caller {
    /// What tokens may be bound to of it.
    pub const fn shown(&self) -> Shown {
        Shown { key: self.key, certificate: self.certificate }
    }
}

impl Deref for Context {
    type Target = Server;
    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Context {
    pub fn new(server: &Arc<Server>, caller: Caller) -> Self {
        let now_ms = server.now_ms();
        let now = Timestamp(i64::try_from(now_ms / 1000).unwrap_or(i64::MAX));
        Self {
            server: Arc::clone(server),
            now,
            now_ms,
            caller,
            certificate: None,
            recorded: Order::default(),
        }
    }

    /// The same for a request that came with a certificate.
    #[must_use]
    pub fn with_certificate(mut self, certificate: Arc<Certificate>) -> Self {
        self.caller.certificate = Some(certificate.fingerprint);
        self.certificate = Some(certificate);
        self
    }

    /// A fresh id of this moment.
    pub fn new_id(&self) -> Id {
        Id::new(self.now_ms, self.random())
    }

    /// A grant to be written behind the gate that holds now.
    pub fn gated<'a>(&self, grant: &'a Grant) -> NewGrant<'a> {
        NewGrant { grant, verified_email: self.settings.accounts.require_verified_email }
    }

    /// The present in the unit of revocation marks.
    pub fn mark_ms(&self) -> i64 {
        i64::try_from(self.now_ms).unwrap_or(i64::MAX)
    }

    /// The beginning of an audit record.
    pub fn record(&self, event: Event, actor: Actor) -> Record {
        Record {
            id: self.recorded.next(self.now_ms, self.random()),
            at: self.now,
            event,
            actor,
            client: None,
            user: None,
            tenant: None,
            address: self.caller.address,
            request: self.caller.request.map(|name| name.as_str().to_owned()),
            object: None,
            browser: self.caller.browser.map(|name| name.as_str().to_owned()),
        }
    }
}

impl Record {
    #[must_use]
    pub fn client(mut self, id: &ClientId) -> Self {
        self.client = Some(id.clone());
        self
    }

    #[must_use]
    pub fn user(mut self, id: &UserId, tenant: &TenantId) -> Self {
        self.user = Some(id.clone());
        self.tenant = Some(tenant.clone());
        self
    }

    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "ids are small, and callers have them by value and by reference"
    )]
    pub fn object(mut self, id: impl ToString) -> Self {
        self.object = Some(id.to_string());
        self
    }
}
