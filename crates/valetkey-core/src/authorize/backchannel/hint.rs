//! CIBA Core §7.1, §7.2 — exactly one hint, and the person whom it names

use crate::client::{Client, subject as known_as};
use crate::context::Context;
use crate::directory::User;
use crate::error::{Code, Denial, Error};
use crate::ids::{TenantId, UserId};
use crate::jose::jwt::{self, Type};
use crate::params::Params;
use serde::Deserialize;
use serde_json::Value;

const UNKNOWN: Denial = Code::UnknownUserId.because("the hint names nobody who can be asked here");

const NAMES: [&str; 3] = ["login_hint_token", "id_token_hint", "login_hint"];

/// CIBA Core §7.1: one, and but one. Before anything else of the request, which says nothing where nobody knows whom it is about.
pub(super) fn only(params: &Params<'_>) -> Result<(), Denial> {
    if NAMES.into_iter().filter(|name| params.one(name).is_some()).count() == 1 {
        return Ok(());
    }
    Err(Code::InvalidRequest.because("send exactly one of login_hint and id_token_hint"))
}

pub(super) async fn user(
    cx: &Context,
    client: &Client,
    tenant: &TenantId,
    params: &Params<'_>,
) -> Result<User, Error> {
    let hints = NAMES.map(|name| params.one(name));
    let found = match hints {
        [None, Some(token), None] => cx.store.user(&subject(cx, client, token)?).await?,
        [None, None, Some(hint)] if hint.starts_with(UserId::PREFIX) => {
            cx.store.user(&UserId::from(hint)).await?
        }
        [None, None, Some(hint)] => {
            let key = User::lookup_key(hint);
            let found = cx.store.user_by_login(tenant, &key).await?;
            found.filter(|user| user.is_meant_by(&key, &cx.settings.accounts))
        }
        _ => {
            let detail = "login_hint_token is not known here: send a login_hint or an id_token_hint";
            return Err(Code::InvalidRequest.because(detail).into());
        }
    };
    let user = found.filter(|user| user.tenant == *tenant && user.may_act(&cx.settings.accounts).is_ok());
    Ok(user.ok_or(UNKNOWN)?)
}

#[derive(Deserialize)]
struct Hint {
    iss: String,
    sub: String,
    aud: Value,
}

/// An ID token of ours, made for this client; also when it is past its time.
fn subject(cx: &Context, client: &Client, text: &str) -> Result<UserId, Denial> {
    const BAD: Denial =
        Code::InvalidRequest.because("the id_token_hint is not an ID token of this server for this client");
    let claims = jwt::open(cx.keys().signing(), Type::IdToken, text).ok_or(BAD)?;
    let hint: Hint = serde_json::from_slice(&claims).map_err(|_| BAD)?;
    let own = |value: &Value| value.as_str() == Some(client.id.as_str());
    let meant = own(&hint.aud) || hint.aud.as_array().is_some_and(|all| all.iter().any(own));
    if hint.iss != cx.settings.issuer() || !meant {
        return Err(BAD);
    }
    known_as::user(cx, client, &hint.sub).ok_or(BAD)
}
