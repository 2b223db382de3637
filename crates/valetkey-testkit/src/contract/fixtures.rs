//! What the requirements are tried on: people, applications, codes; and many callers at once.

use super::Handle;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Barrier;
use valetkey_core::audit::{Actor, Event, Record};
use valetkey_core::claims::PersonClaims;
use valetkey_core::client::{AuthMethod, Client, Origin};
use valetkey_core::directory::User;
use valetkey_core::grant::GrantType;
use valetkey_core::ids::{ClientId, GrantId, Id, SessionId, TenantId, UserId};
use valetkey_core::scope::Scope;
use valetkey_core::secret::SecretHash;
use valetkey_core::store::{
    Consent, Grant, GrantFilter, Limits, Mark, MarkKind, NewGrant, NewSession, Page, Redemption, RefreshBy,
    Rotation, RotationRequest, Session, Write,
};
use valetkey_core::time::{Seconds, Timestamp};
use valetkey_core::token::details::Details;

/// The present.
pub(super) const NOW: Timestamp = Timestamp(1_700_000_000);
/// How many times a race is run, and by how many callers.
pub(super) const ROUNDS: usize = 40;
pub(super) const CALLERS: usize = 8;

pub(super) fn later(seconds: i64) -> Timestamp {
    NOW + Seconds(seconds)
}

/// An id made `seconds` after the present; no two are alike, and later calls give greater ones.
pub(super) fn id_at(seconds: i64) -> Id {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut random = [0; 10];
    random[..8].copy_from_slice(&count.to_be_bytes());
    Id::new((later(seconds).0 * 1000).unsigned_abs(), random)
}

pub(super) fn record(event: Event) -> Record {
    Record {
        id: id_at(0),
        at: NOW,
        event,
        actor: Actor::Operator,
        client: None,
        user: None,
        tenant: None,
        address: None,
        request: None,
        object: None,
        browser: None,
    }
}

/// Any record, where only its presence counts.
pub(super) fn any() -> Record {
    record(Event::TokenRevoked)
}

pub(super) fn client(id: &str) -> Client {
    Client {
        profile: valetkey_core::client::profile::Profile::default(),
        id: id.into(),
        tenant: None,
        name: format!("The {id}"),
        description: String::new(),
        website: "https://app.example".to_owned(),
        redirect_uris: vec!["https://app.example/callback".to_owned()],
        post_logout_redirect_uris: Vec::new(),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        scope: Some(Scope::from_iter(["read", "write"])),
        application_scope: None,
        auth_method: AuthMethod::ClientSecret,
        secrets: Vec::new(),
        jwks: None,
        jwks_uri: None,
        introspect: false,
        compat: Vec::new(),
        access_token_lifetime: None,
        origin: Origin::Operator,
        registration_token: None,
        listing: valetkey_core::client::listing::Listing::default(),
        disabled: false,
        created_at: NOW,
        updated_at: NOW,
        version: 1,
    }
}

pub(super) fn user_in(tenant: &str, name: &str) -> User {
    User {
        id: UserId::from_id(id_at(0)),
        tenant: tenant.into(),
        username: name.to_owned(),
        name: None,
        email: None,
        email_verified: false,
        admin: false,
        password: Some("$argon2id$…".to_owned()),
        claims: PersonClaims::default(),
        must_change_password: false,
        disabled: false,
        created_at: NOW,
        updated_at: NOW,
        version: 1,
    }
}

pub(super) fn user(name: &str) -> User {
    user_in(TenantId::DEFAULT, name)
}

pub(super) fn mark(kind: MarkKind, key: &[u8], not_after_ms: i64) -> Mark {
    Mark { kind, key: key.to_vec(), not_after_ms, expires_at: later(600) }
}

/// A mark on everything that a client or user had until the present.
pub(super) fn until_now(kind: MarkKind, key: &str) -> Mark {
    mark(kind, key.as_bytes(), NOW.0 * 1000)
}

pub(super) fn grant_mark(grant: &Grant) -> Mark {
    mark(MarkKind::Grant, grant.id.0.as_bytes(), i64::MAX)
}

pub(super) fn pair_mark(user: &UserId, client: &ClientId, not_after_ms: i64) -> Mark {
    mark(MarkKind::Consent, format!("{user}\0{client}").as_bytes(), not_after_ms)
}

pub(super) fn session_of(user: &User) -> Session {
    Session {
        id: SessionId(id_at(-60)),
        user: user.id.clone(),
        tenant: user.tenant.clone(),
        auth_time: later(-60),
        amr: vec!["pwd".to_owned(), "otp".to_owned()],
        address: "192.0.2.1".to_owned(),
        user_agent: "a browser".to_owned(),
        created_at: later(-60),
        last_seen_at: later(-60),
        expires_at: later(86_400),
    }
}

/// The hash of a session's cookie.
pub(super) fn cookie(session: &Session) -> SecretHash {
    SecretHash::of(&session.id.to_string())
}

pub(super) async fn start(store: &Handle, session: &Session) -> bool {
    let new = NewSession { session, token: cookie(session), replaces: None, clear: &[] };
    store.start_session(&new, &record(Event::LoginSucceeded)).await.unwrap()
}

pub(super) async fn add_user(store: &Handle, user: &User) {
    assert_eq!(store.create_user(user, &record(Event::UserCreated)).await.unwrap(), Write::Done);
}

pub(super) async fn add_client(store: &Handle, client: &Client) {
    assert_eq!(store.create_client(client, &record(Event::ClientCreated)).await.unwrap(), Write::Done);
}

pub(super) async fn consent(store: &Handle, user: &UserId, client: &ClientId) -> bool {
    let scope = Scope::from_iter(["read"]);
    let consent = Consent {
        user: user.clone(),
        client: client.clone(),
        scope,
        granted_at: NOW,
        updated_at: NOW,
        implied: false,
    };
    store.record_consent(&consent, &record(Event::ConsentGiven)).await.unwrap()
}

/// One user, signed in, who lets one application read.
pub(super) struct Scene {
    pub(super) store: Handle,
    pub(super) user: User,
    pub(super) client: Client,
    pub(super) session: Session,
}

impl Scene {
    pub(super) async fn new(store: &Handle) -> Self {
        Self::with(store, user("alice"), client("app")).await
    }

    pub(super) async fn with(store: &Handle, user: User, client: Client) -> Self {
        add_user(store, &user).await;
        if store.client(&client.id).await.unwrap().is_none() {
            add_client(store, &client).await;
        }
        let session = session_of(&user);
        assert!(start(store, &session).await);
        assert!(consent(store, &user.id, &client.id).await);
        Self { store: store.clone(), user, client, session }
    }

    /// The same user at another application, which is made for it.
    pub(super) async fn at(&self, client: Client) -> Self {
        add_client(&self.store, &client).await;
        assert!(consent(&self.store, &self.user.id, &client.id).await);
        Self { store: self.store.clone(), user: self.user.clone(), client, session: self.session.clone() }
    }

    /// What a code made `seconds` from now would give: a refresh token of generation 1.
    pub(super) fn code_at(&self, seconds: i64) -> Grant {
        Grant {
            details: Details { acr: Some("urn:contract".to_owned()), ..Details::default() },
            id: GrantId(id_at(seconds)),
            client: self.client.id.clone(),
            user: self.user.id.clone(),
            tenant: self.user.tenant.clone(),
            session: Some(self.session.id),
            scope: Scope::from_iter(["read"]),
            resources: vec!["https://api.example/a".to_owned(), "https://api.example/b".to_owned()],
            auth_time: self.session.auth_time,
            nonce: Some("n-0S6_WzA2Mj".to_owned()),
            generation: 1,
            rotated_at: NOW,
            created_at: NOW,
            last_used_at: NOW,
            idle_until: later(1000),
            expires_at: later(5000),
            access_until: later(600),
            revoked_at: None,
        }
    }

    pub(super) fn code(&self) -> Grant {
        self.code_at(0)
    }

    pub(super) async fn redeem(&self, code: &Grant) -> Redemption {
        redeem(&self.store, code).await
    }

    /// A grant just redeemed.
    pub(super) async fn granted(&self) -> Grant {
        let code = self.code();
        assert_eq!(self.redeem(&code).await, Redemption::Redeemed);
        code
    }

    pub(super) async fn rotate(&self, grant: &Grant, generation: i64, now: Timestamp) -> Rotation {
        rotate(&self.store, grant, generation, now).await
    }

    /// The user as stored, changed and written back, taking back nothing.
    pub(super) async fn change_user(&self, change: impl FnOnce(&mut User)) {
        let mut user = self.store.user(&self.user.id).await.unwrap().unwrap();
        change(&mut user);
        let outcome = self.store.update_user(&user, None, false, &record(Event::UserUpdated)).await;
        assert_eq!(outcome.unwrap(), Write::Done);
    }

    pub(super) async fn change_client(&self, change: impl FnOnce(&mut Client)) {
        let mut client = self.store.client(&self.client.id).await.unwrap().unwrap();
        change(&mut client);
        let outcome = self.store.update_client(&client, None, &record(Event::ClientUpdated)).await;
        assert_eq!(outcome.unwrap(), Write::Done);
    }

    pub(super) async fn stored(&self, grant: &Grant) -> Grant {
        self.store.grant(grant.id).await.unwrap().unwrap()
    }
}

/// Behind the gate that does not ask for a proven address.
pub(super) fn gated(grant: &Grant) -> NewGrant<'_> {
    NewGrant { grant, verified_email: false }
}

pub(super) async fn redeem(store: &Handle, code: &Grant) -> Redemption {
    redeem_where(store, code, false).await
}

/// The same, where an address must be proven or need not be.
pub(super) async fn redeem_where(store: &Handle, code: &Grant, verified_email: bool) -> Redemption {
    let replay = || (grant_mark(code), record(Event::CodeReplayed));
    store.redeem_code(code.clone(), verified_email, &replay).await.unwrap()
}

pub(super) async fn rotate(store: &Handle, grant: &Grant, generation: i64, now: Timestamp) -> Rotation {
    let limits = Limits { idle_until: now + Seconds(1000), expires_at: grant.expires_at };
    refresh(store, grant, RefreshBy::Rotating(generation), limits, now).await
}

pub(super) async fn refresh(
    store: &Handle,
    grant: &Grant,
    by: RefreshBy,
    limits: Limits,
    now: Timestamp,
) -> Rotation {
    let request = RotationRequest {
        grant: grant.id,
        client: &grant.client,
        by,
        now,
        retry_window: Seconds(10),
        limits,
        access_until: now + Seconds(600),
        verified_email: false,
    };
    store
        .rotate_refresh_token(&request, &|| (grant_mark(grant), record(Event::RefreshTokenReused)))
        .await
        .unwrap()
}

/// The ids of the grants that a filter finds at the present.
pub(super) async fn listed(store: &Handle, filter: GrantFilter) -> Vec<GrantId> {
    let grants = store.grants(&filter, &Page::first(100), NOW).await.unwrap();
    grants.into_iter().map(|grant| grant.id).collect()
}

/// The events on the trail, oldest first.
pub(super) async fn trail(store: &Handle) -> Vec<Event> {
    store.records_since(None, 1000).await.unwrap().into_iter().map(|record| record.event).collect()
}

/// How often an event stands on the trail.
pub(super) async fn told(store: &Handle, event: Event) -> usize {
    trail(store).await.into_iter().filter(|told| *told == event).count()
}

/// Runs callers at the same moment, as far as the machine can, and gives their answers in order.
pub(super) async fn race<F, O>(callers: usize, call: impl Fn(usize) -> F) -> Vec<O>
where
    F: Future<Output = O> + Send + 'static,
    O: Send + 'static,
{
    let gate = Arc::new(Barrier::new(callers));
    let calls: Vec<_> = (0..callers)
        .map(|n| {
            let (gate, call) = (gate.clone(), call(n));
            tokio::spawn(async move {
                gate.wait().await;
                call.await
            })
        })
        .collect();
    let mut answers = Vec::with_capacity(callers);
    for call in calls {
        answers.push(call.await.unwrap());
    }
    answers
}

/// A client for tests outside the contract.
pub fn sample_client(id: &str) -> Client {
    client(id)
}

/// A record of no meaning for tests outside the contract; no two have one id.
pub fn sample_record() -> Record {
    any()
}
