//! RFC 8693 §2 — the token exchange grant: one token for another that may do no more
//!
//! What comes out ends when what went in ends, and dies with it: it stands on the same grant, and remembers every token it
//! was exchanged for. It never carries a refresh token.

mod id_jag;
mod policy;
mod subject;

use super::{gate, jwt_bearer};
use crate::audit::{Actor, Event, Record};
use crate::client::Client;
use crate::context::Context;
use crate::directory::User;
use crate::error::{Code, Denial, Error};
use crate::federation::Statement;
use crate::ids::GrantId;
use crate::params::Params;
use crate::scope::Scope;
use crate::store::{Beginning, Grant, TokenFormat};
use crate::token::details::Details;
use crate::token::granted::{Allowed, row};
use crate::token::{Bounds, Issue, TokenResponse, issue_within};
use policy::Targets;
use serde_json::Value;
use subject::{Party, Subject};

/// RFC 8693 §3, and §3.1 of the draft of ID-JAGs.
mod kind {
    pub(super) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
    pub(super) const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
    pub(super) const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
    pub(super) const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";
}

/// §2.2.2: a token that does not hold, or that policy does not let be exchanged.
const fn wrong(detail: &'static str) -> Denial {
    Code::InvalidRequest.because(detail)
}

/// One exchange whose request was understood.
struct Exchange<'a> {
    cx: &'a Context,
    client: &'a Client,
    subject: Subject,
    act: Option<Value>,
    scope: Scope,
    targets: Targets,
    /// Whether a JWT is wanted, whatever the API's own form.
    jwt: bool,
}

pub(super) async fn exchange(
    cx: &Context,
    client: &Client,
    params: &Params<'_>,
) -> Result<TokenResponse, Error> {
    gate::proven(client)?;
    let requested = requested(params)?;
    let subject = subject::read(cx, client, params).await?;
    if requested == kind::ID_JAG {
        return id_jag::issue(cx, client, &subject, params).await;
    }
    let actor = subject::actor(cx, client, params).await?;
    let targets = policy::targets(cx, client, &subject, params)?;
    let act = policy::acting(client, &subject, actor.as_ref(), &targets)?;
    let mut scope = policy::scope(cx, client, &subject, params.one("scope"))?;
    if let Party::Foreign { user, statement } = &subject.party {
        let so = (statement.issuer.implies_consent, params.one("scope").is_some());
        scope = gate::consented(cx, client, user, scope, so).await?;
    }
    if let Some(statement) = actor.as_ref().and_then(|actor| actor.statement.as_ref()) {
        jwt_bearer::spend(cx, statement, params.one("actor_token").unwrap_or_default()).await?;
    }
    let own = Exchange { cx, client, subject, act, scope, targets, jwt: requested == kind::JWT };
    match &own.subject.party {
        Party::Application => own.issued(None),
        Party::Person(grant) => own.derived(grant).await,
        Party::Foreign { user, statement } => {
            own.begun(user, statement, params.one("subject_token").unwrap_or_default()).await
        }
    }
}

fn requested(params: &Params<'_>) -> Result<&'static str, Denial> {
    let Some(asked) = params.one("requested_token_type") else { return Ok(kind::ACCESS_TOKEN) };
    let all = [kind::ACCESS_TOKEN, kind::JWT, kind::ID_JAG];
    all.into_iter()
        .find(|own| *own == asked)
        .ok_or(wrong("requested_token_type must be that of an access token, a JWT or an ID-JAG"))
}

impl Exchange<'_> {
    fn issued(&self, grant: Option<&Grant>) -> Result<TokenResponse, Error> {
        let bounds =
            Bounds { until: Some(self.subject.expires_at), format: self.jwt.then_some(TokenFormat::Jwt) };
        let resources: Vec<&str> = self.targets.resources.iter().map(String::as_str).collect();
        let issue = Issue { client: self.client, grant, scope: &self.scope, resources: &resources };
        let mut response = issue_within(self.cx, &issue, bounds)?.into_response();
        response.issued_token_type = Some(if self.jwt { kind::JWT } else { kind::ACCESS_TOKEN });
        Ok(response)
    }

    /// On the grant that the subject's token stands on: what ends that one ends this.
    async fn derived(&self, grant: &Grant) -> Result<TokenResponse, Error> {
        let details = Details {
            acr: grant.details.acr.clone(),
            amr: grant.details.amr.clone(),
            act: self.act.clone(),
            exchanged: self.subject.sources.clone(),
            ..Details::default()
        };
        let response = self.issued(Some(&Grant { details, ..grant.clone() }))?;
        if grant.client != self.client.id {
            self.cx.store.record(&self.record(grant)).await?;
        }
        Ok(response)
    }

    /// For a person whom a trusted issuer names: a grant of its own, behind the gate of all grants.
    async fn begun(&self, user: &User, statement: &Statement, text: &str) -> Result<TokenResponse, Error> {
        let allowed = Allowed {
            id: GrantId(self.cx.new_id()),
            user: &user.id,
            tenant: &user.tenant,
            session: None,
            scope: self.scope.clone(),
            resources: self.targets.resources.clone(),
            auth_time: jwt_bearer::proven_at(self.cx, statement),
            nonce: None,
            lasting: false,
            details: Details { act: self.act.clone(), ..Details::default() },
        };
        let mut grant = row(self.cx, self.client, allowed);
        let response = self.issued(Some(&grant))?;
        let until = self.cx.now + crate::time::Seconds(response.expires_in);
        (grant.access_until, grant.idle_until, grant.expires_at) = (until, until, until);
        jwt_bearer::spend(self.cx, statement, text).await?;
        let noted = (statement.issuer.implies_consent, &self.record(&grant));
        match gate::by_word(self.cx, self.client, &grant, statement, noted).await? {
            Beginning::Begun => Ok(response),
            Beginning::Known | Beginning::Refused => Err(gate::ENDED.into()),
        }
    }

    /// The trail says who made what of whose.
    fn record(&self, grant: &Grant) -> Record {
        let record = self.cx.record(Event::TokenExchanged, Actor::Client(self.client.id.clone()));
        record.client(&self.client.id).user(&grant.user, &grant.tenant).object(grant.id)
    }
}
