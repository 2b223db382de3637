//! RFC 6749 §4.3 — the `password` grant (opt-in `password`): the application brings the person's password itself

use super::gate;
use crate::audit::{Actor, Event};
use crate::client::Client;
use crate::context::Context;
use crate::directory::{self, User};
use crate::error::{Code, Denial, Error, Fault, FaultKind};
use crate::ids::GrantId;
use crate::login::throttle::Through;
use crate::login::{self, Tried, try_password};
use crate::params::Params;
use crate::scope::Scope;
use crate::secret::Secret;
use crate::store::Beginning;
use crate::token::details::Details;
use crate::token::granted::{Allowed, begin, row};
use crate::token::{TokenResponse, authorization_details};

/// Whether it is the name, the password or the account's state is never said.
const WRONG: Denial = Code::InvalidGrant
    .because("the user name or password is wrong, or this account may not be used so: let the user sign in on our page");

pub(super) async fn exchange(
    cx: &Context,
    client: &Client,
    params: &Params<'_>,
) -> Result<TokenResponse, Error> {
    let missing = Code::InvalidRequest.because("send username and password in the form body");
    let (username, password) = params.one("username").zip(params.one("password")).ok_or(missing)?;
    authorization_details::none_here(params)?;
    let tenant = directory::asked(cx, client, params.one("tenant_id"))?;
    let scope = cx.catalog().asked_scope(client, params.one("scope"))?;
    // As on the login page: counted before it is looked at, alike in time whether or not there is such an account.
    let (password, through) = (Secret::new(password), Through::Client(&client.id));
    let (user, counters) = match try_password(cx, &tenant.id, username, &password, through).await? {
        Tried::Right { user, counters } if gate::may_act(cx, &user).is_ok() => (user, counters),
        Tried::Right { user, .. } => return Err(wrong(cx, client, Some(&user)).await?.into()),
        Tried::Wrong(user) => return Err(wrong(cx, client, user.as_deref()).await?.into()),
        Tried::Throttled(_) => {
            return Err(Code::TemporarilyUnavailable
                .because("too many attempts: wait before you try again")
                .into());
        }
        Tried::Busy => {
            let fault = Fault::bare(FaultKind::Unavailable, "every password hashing permit is taken");
            return Err(fault.into());
        }
    };
    let response = grant(cx, client, &user, scope, params).await?;
    cx.store.clear_attempts(&counters).await?;
    Ok(response)
}

async fn wrong(cx: &Context, client: &Client, user: Option<&User>) -> Result<Denial, Fault> {
    login::failed(cx, user, Some(&client.id)).await?;
    Ok(WRONG)
}

/// Signs, then commits behind the gate that every grant passes.
async fn grant(
    cx: &Context,
    client: &Client,
    user: &User,
    scope: Scope,
    params: &Params<'_>,
) -> Result<TokenResponse, Error> {
    let resources: Vec<&str> = params.all("resource").collect();
    let allowed = Allowed {
        details: Details::default(),
        id: GrantId(cx.new_id()),
        user: &user.id,
        tenant: &user.tenant,
        session: None,
        scope,
        resources: resources.iter().map(|&uri| uri.to_owned()).collect(),
        auth_time: cx.now,
        nonce: None,
        lasting: true,
    };
    let first = begin(cx, client, row(cx, client, allowed), &resources)?;
    let (grant, response) = first.into_response(cx, client).await?;
    let record = cx.record(Event::LoginSucceeded, Actor::Client(client.id.clone()));
    let record = record.client(&client.id).user(&user.id, &user.tenant).object(grant.id);
    if !gate::agreed(cx, client, user, &grant.scope).await? {
        return Err(WRONG.into());
    }
    match cx.store.begin_grant(&cx.gated(&grant), Some(&record)).await? {
        Beginning::Begun => Ok(response),
        Beginning::Known | Beginning::Refused => Err(WRONG.into()),
    }
}
