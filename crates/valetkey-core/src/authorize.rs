//! RFC 6749 §3.1 — the authorization endpoint: begin, let the person answer, finish

pub mod backchannel;
mod checks;
pub mod device;
mod elsewhere;
mod front;
mod jarm;
pub mod par;
mod person;
pub mod request_object;
mod request_uri;
mod response;
mod review;

pub use checks::{Entry, KNOWN, judge, table};
pub use jarm::enclosed;
pub use response::{AuthorizationResponse, OUTCOME, refuse};

use crate::audit::{Actor, Event};
use crate::client::noted::{Endpoint, Refused};
use crate::client::{Client, Origin, document, redirect_uri};
use crate::context::Context;
use crate::error::{Code, Denial, Error, Fault, becomes};
use crate::ids::{ClientId, GrantId};
use crate::interaction::{AuthorizationRequest, Here, Interaction, ResponseType, Step, next_step};
use crate::login;
use crate::params::Params;
use crate::scope::Scope;
use crate::store::{Consent, Session, Standing};
use crate::time::{Seconds, Timestamp};
use crate::token::code::Code as AuthorizationCode;
use crate::token::details::Details;
use std::sync::Arc;

/// A refusal of an authorization request. Two kinds, so that nobody can redirect to a URI that was not checked.
#[derive(Debug)]
pub enum Refusal {
    /// The client or its redirect URI does not hold: a page, never a redirect (RFC 6749 §4.1.2.1).
    Page(Denial),
    /// Both hold: the application is told.
    Redirect(AuthorizationResponse),
    Failed(Fault),
}

becomes!(Fault => Refusal::Failed);

/// The client and the redirect URI of a request, both proven: what a redirect needs.
#[derive(Debug, Clone)]
pub struct Addressee {
    pub client: Arc<Client>,
    pub redirect_uri: String,
}

impl Addressee {
    /// A client that asks behind the browser's back: no redirect comes of it (RFC 8628, CIBA).
    pub const fn nowhere(client: Arc<Client>) -> Self {
        Self { client, redirect_uri: String::new() }
    }
}

/// Validates a request: client and redirect URI first, then the table of checks.
pub async fn begin(
    cx: &Context,
    params: &Params<'_>,
) -> Result<(Arc<Client>, AuthorizationRequest), Refusal> {
    let client = client(cx, params).await?;
    if let Some(pushed) = params.one("request_uri").filter(|uri| uri.starts_with(par::PREFIX)) {
        return match par::take(cx, &client, pushed).await {
            Ok(request) => Ok((client, request)),
            Err(Error::Denied(denial)) => {
                note(cx, &client.id, denial, None);
                Err(Refusal::Page(denial))
            }
            Err(Error::Failed(fault)) => Err(fault.into()),
        };
    }
    match request_object::unfold(cx, &client, params).await {
        Ok(None) => came(cx, client, Entry::Plain, params),
        Ok(Some(inside)) => came(cx, client, Entry::Signed, &inside),
        Err(Error::Failed(fault)) => Err(fault.into()),
        // What the object says of where to answer is not believed; a registered address beside it is good enough for a no.
        Err(Error::Denied(denial)) => Err(if let Ok(addressee) = addressee(Arc::clone(&client), params) {
            told(cx, &addressee, params, denial)
        } else {
            note(cx, &client.id, denial, None);
            Refusal::Page(denial)
        }),
    }
}

fn came(
    cx: &Context,
    client: Arc<Client>,
    entry: Entry,
    params: &Params<'_>,
) -> Result<(Arc<Client>, AuthorizationRequest), Refusal> {
    let id = client.id.clone();
    let addressee = addressee(client, params).map_err(|denial| {
        note(cx, &id, denial, params.one("redirect_uri"));
        Refusal::Page(denial)
    })?;
    match judge(cx, entry, &addressee, params) {
        Ok(request) => Ok((addressee.client, request)),
        Err(denial) => Err(told(cx, &addressee, params, denial)),
    }
}

/// The application is told what is wrong.
fn told(cx: &Context, addressee: &Addressee, params: &Params<'_>, denial: Denial) -> Refusal {
    note(cx, &addressee.client.id, denial, None);
    let mode = checks::mode(addressee, params);
    // A repeated state is no state to give back.
    let state = params.refuse_repeats(&["state"]).ok().and_then(|()| params.one("state"));
    Refusal::Redirect(response::denial(cx, &addressee.redirect_uri, mode, state, denial))
}

/// For the application's owners: what was wrong with its request. That a person said no is no mistake of theirs.
fn note(cx: &Context, client: &ClientId, denial: Denial, hint: Option<&str>) {
    if denial.code != Code::AccessDenied {
        let refused = Refused { endpoint: Endpoint::Authorize, denial, hint };
        cx.noted.refused(client, refused, cx.now);
    }
}

async fn client(cx: &Context, params: &Params<'_>) -> Result<Arc<Client>, Refusal> {
    let page = |denial| Err(Refusal::Page(denial));
    params.refuse_repeats(&["client_id", "request_uri"]).map_err(Refusal::Page)?;
    let Some(id) = params.one("client_id") else {
        return page(Code::InvalidRequest.because("the application's client_id is missing from the link"));
    };
    let found = if document::is_address(id) {
        match document::client_for(cx, id).await {
            Ok(client) => Some(client),
            Err(Error::Denied(denial)) => return page(denial),
            Err(Error::Failed(fault)) => return Err(fault.into()),
        }
    } else {
        cx.registered(id).await?
    };
    match found.filter(|client| !client.disabled) {
        Some(client) => Ok(client),
        None => page(
            Code::InvalidClient
                .because("no application with this client_id is registered here, or it was switched off"),
        ),
    }
}

fn addressee(client: Arc<Client>, params: &Params<'_>) -> Result<Addressee, Denial> {
    let wrong = |detail| Err(Code::InvalidRequest.because(detail));
    params.refuse_repeats(&["redirect_uri"])?;
    // FAPI 2.0 §5.3.2.2 the same.
    let exactly = client.is_fapi2() || checks::in_front(&client, params).is_some();
    let fits = if exactly { redirect_uri::matches_exactly } else { redirect_uri::matches };
    let redirect_uri = match (params.one("redirect_uri"), client.redirect_uris.as_slice()) {
        (Some(uri), registered) if registered.iter().any(|own| fits(own, uri)) => uri.to_owned(),
        (Some(_), _) => {
            return wrong(
                "the redirect_uri in the link is not one that this application registered; it must match character for character",
            );
        }
        // RFC 6749 §3.1.2.3: it may be left out where there is just one.
        (None, [only]) if !is_openid(params) => only.clone(),
        // OIDC Core §3.1.2.1: never for who asks for an identity.
        (None, [_]) => return wrong("the link must name its redirect_uri: a sign-in with openid needs one"),
        (None, _) => {
            return wrong("the link must name a redirect_uri: this application registered several, or none");
        }
    };
    Ok(Addressee { client, redirect_uri })
}

fn is_openid(params: &Params<'_>) -> bool {
    params.one("scope").is_some_and(|scope| scope.split(' ').any(|name| name == "openid"))
}

/// What the person's browser has to do next.
#[derive(Debug)]
pub enum Progress {
    /// Show a page.
    Ask(Step),
    /// Take the answer to the application.
    Done(AuthorizationResponse),
}

/// Looks where an interaction stands, and finishes it when nothing is left to ask.
pub async fn resume(
    cx: &Context,
    client: &Client,
    interaction: &Interaction,
    session: Option<&Session>,
) -> Result<Progress, Fault> {
    let consent = match session {
        Some(session) => cx.store.consent(&session.user, &client.id).await?,
        None => None,
    };
    go_on(cx, client, interaction, (session, consent.as_ref())).await
}

/// The same for a request that has just come, with the session of its browser's cookie; answers that too.
pub async fn arrive(
    cx: &Context,
    client: &Client,
    interaction: &Interaction,
    cookie: Option<&str>,
) -> Result<(Progress, Option<Arc<Standing>>), Fault> {
    let suffices = |held: &Standing| interaction.request.is_met_by(held);
    let standing = match cookie {
        Some(cookie) => login::standing(cx, cookie, &client.id, suffices).await?,
        None => None,
    };
    let here = standing.as_deref();
    let (session, consent) = (here.map(|here| &here.session), here.and_then(|here| here.consent.as_ref()));
    let progress = go_on(cx, client, interaction, (session, consent)).await?;
    Ok((progress, standing))
}

async fn go_on(
    cx: &Context,
    client: &Client,
    interaction: &Interaction,
    (session, consent): (Option<&Session>, Option<&Consent>),
) -> Result<Progress, Fault> {
    if cx.catalog().shuts(interaction.request.tenant.as_str()) {
        let denial = Code::AccessDenied.because("the user directory was switched off meanwhile");
        return Ok(Progress::Done(refuse(cx, &interaction.request, denial)));
    }
    if let Some(session) = session
        && let Some(denial) = review::shuts(cx, client, session).await?
    {
        return Ok(Progress::Done(refuse(cx, &interaction.request, denial)));
    }
    if let Some(id) = interaction.approval
        && let Some(answer) = elsewhere::over(cx, id, session).await?
    {
        return Ok(Progress::Done(answer));
    }
    let lacking = match session {
        Some(session) => person::lacking(cx, interaction, session).await?,
        None => None,
    };
    let here = Here { now: cx.now, on_loopback: !cx.settings.is_https(), lacking };
    Ok(match (next_step(interaction, client, session, consent, here), session) {
        (Step::Finish, Some(session)) => Progress::Done(match par::spend(cx, &interaction.request).await? {
            Ok(()) => finish(cx, client, interaction, session, &interaction.request.asked()).await?,
            Err(denial) => refuse(cx, &interaction.request, denial),
        }),
        (Step::Refuse(denial), _) => Progress::Done(refuse(cx, &interaction.request, denial)),
        (step, _) => Progress::Ask(step),
    })
}

/// The person's answer on the consent page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Deny,
    /// With the scopes left ticked.
    Allow(Scope),
}

/// Scopes that the consent page shows without a box: identity itself is what signing in means.
pub fn is_fixed(scope: &str) -> bool {
    scope == "openid"
}

/// Records the answer and finishes. Call only where `next_step` says that consent is what is missing.
pub async fn decide(
    cx: &Context,
    client: &Client,
    interaction: &Interaction,
    session: &Session,
    decision: Decision,
) -> Result<AuthorizationResponse, Error> {
    let request = &interaction.request;
    let spent = par::spend(cx, request).await?;
    let Decision::Allow(ticked) = decision else {
        if let Some(id) = interaction.approval {
            return Ok(elsewhere::decide(cx, id, session, None).await?);
        }
        return Ok(refuse(cx, request, Code::AccessDenied.because("the user denied the request")));
    };
    if let Err(denial) = spent {
        return Ok(refuse(cx, request, denial));
    }
    let asked = request.asked();
    let granted = asked.filter(|name| is_fixed(name) || ticked.contains(name));
    let before = cx.store.consent(&session.user, &client.id).await?.filter(Consent::is_answer);
    let kept = before.map(|consent| consent.scope.filter(|name| !asked.contains(name))).unwrap_or_default();
    let consent = Consent {
        user: session.user.clone(),
        client: client.id.clone(),
        scope: kept.union(&granted),
        granted_at: cx.now,
        updated_at: cx.now,
        implied: false,
    };
    document::keep(cx, client, session).await?;
    let record = cx.record(Event::ConsentGiven, Actor::User(session.user.clone()));
    let record = record.client(&client.id).user(&session.user, &session.tenant).object(&granted);
    if !cx.store.record_consent(&consent, &record).await? {
        return Err(SWITCHED_OFF.into());
    }
    Ok(finish(cx, client, interaction, session, &granted).await?)
}

const SWITCHED_OFF: Denial =
    Code::AccessDenied.because("the account or the application was switched off meanwhile");

/// `granted`: scopes, and claims that were asked for alone.
async fn finish(
    cx: &Context,
    client: &Client,
    interaction: &Interaction,
    session: &Session,
    granted: &Scope,
) -> Result<AuthorizationResponse, Fault> {
    if client.origin == Origin::Gateway {
        return Ok(response::back(&interaction.request));
    }
    let (request, details) = (&interaction.request, person::agreed(cx, interaction, session, granted));
    let scope = &granted.only(|name| request.scope.contains(name));
    if let Some(id) = interaction.approval {
        return elsewhere::decide(cx, id, session, Some((scope, details))).await;
    }
    if request.response_type == ResponseType::Code {
        let coming = Coming::of(cx, client, GrantId(cx.new_id()));
        let code = code(cx, request, session, (scope, details), coming)?;
        return Ok(response::granted(cx, request, session, vec![("code", code)]));
    }
    let mut interaction = interaction.clone();
    interaction.request.details = details;
    match front::finish(cx, client, &interaction, session, scope).await {
        Ok(answer) => Ok(answer),
        Err(Error::Denied(denial)) => Ok(refuse(cx, request, denial)),
        Err(Error::Failed(fault)) => Err(fault),
    }
}

/// The grant that a code becomes, and until when it can.
#[derive(Debug, Clone, Copy)]
struct Coming {
    id: GrantId,
    until: Timestamp,
}

impl Coming {
    /// FAPI 2.0 §5.3.2.1: within a minute at most.
    fn of(cx: &Context, client: &Client, id: GrantId) -> Self {
        let lifetime = cx.lifetimes().code;
        let lifetime = if client.is_fapi2() { lifetime.min(Seconds(60)) } else { lifetime };
        Self { id, until: cx.now + lifetime }
    }
}

/// The code, sealed; redeemed, it becomes the grant of this id.
fn code(
    cx: &Context,
    request: &AuthorizationRequest,
    session: &Session,
    (scope, details): (&Scope, Details),
    coming: Coming,
) -> Result<String, Fault> {
    // OIDC Core §11: declined, it means no refresh token; never asked for, it says nothing.
    let lasting = !request.scope.contains("offline_access") || scope.contains("offline_access");
    let scope = scope.to_text();
    let code = AuthorizationCode {
        id: coming.id,
        client: request.client.as_str(),
        user: session.user.as_str(),
        tenant: session.tenant.as_str(),
        session: session.id,
        redirect_uri: &request.redirect_uri,
        scope: &scope,
        resources: request.resources.iter().map(String::as_str).collect(),
        challenge: &request.challenge,
        nonce: request.nonce.as_deref(),
        key: request.key,
        lasting,
        auth_time: session.auth_time,
        expires_at: coming.until,
        details,
    };
    code.seal(cx, cx.nonce(), cx.now)
}
