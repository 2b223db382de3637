//! `/account/log`: what happened to the account, out of the audit trail, in words.

use super::super::respond::drawn;
use super::super::view::account::below;
use super::super::view::{AccountLog, LogEntry, When};
use super::{csrf, visitor};
use crate::extract::Call;
use axum::response::Response;
use http::StatusCode;
use valetkey_core::audit::{Actor, Event, Record};
use valetkey_core::directory::User;
use valetkey_core::error::Fault;
use valetkey_core::params::Params;
use valetkey_core::store::{AuditFilter, Page};

/// How many entries stand on a page.
const PER_PAGE: u32 = 50;

pub(crate) async fn get(call: Call) -> Response {
    let user = match visitor(&call).await {
        Ok((_, user)) => user,
        Err(response) => return response,
    };
    drawn(&call, StatusCode::OK, view(&call, &user).await)
}

async fn view(call: &Call, user: &User) -> Result<AccountLog, Fault> {
    let params = Params::parse(call.query()).ok();
    let before = params.as_ref().and_then(|params| params.one("before")).map(str::to_owned);
    let newest = before.is_none();
    let filter = AuditFilter { user: Some(user.id.clone()), ..AuditFilter::default() };
    let asked = Page { after: before, limit: PER_PAGE + 1 };
    let mut records = call.cx.store.records(&filter, &asked).await?;
    let more = records.len() > PER_PAGE as usize;
    records.truncate(PER_PAGE as usize);
    let last = records.last().filter(|_| more).map(|record| record.id);
    let mut entries = Vec::with_capacity(records.len());
    for record in records {
        entries.push(entry(call, user, record).await?);
    }
    let older = last.map(|id| below(&format!("log?before={id}")));
    Ok(AccountLog { csrf: csrf(call)?, entries, newest, older })
}

async fn entry(call: &Call, user: &User, record: Record) -> Result<LogEntry, Fault> {
    let app = match &record.client {
        Some(id) => Some(
            call.cx.registered(id.as_str()).await?.map_or_else(|| id.to_string(), |own| own.name.clone()),
        ),
        None => None,
    };
    let (sentence, alarming) = words(&record, user, app.is_some());
    let (before, after) = sentence.split_once("{app}").unwrap_or((&sentence, ""));
    Ok(LogEntry {
        app: app.filter(|_| sentence.contains("{app}")),
        before: before.to_owned(),
        after: after.to_owned(),
        alarming,
        when: When::new(record.at, call.cx.now),
        address: record.address.map(|address| address.to_string()),
        browser: record.browser,
    })
}

/// A sentence for the person, in which `{app}` stands for the application, and whether to look at it twice.
fn words(record: &Record, user: &User, app: bool) -> (String, bool) {
    let own = matches!(&record.actor, Actor::User(id) if *id == user.id);
    let by_you = |you: &str, other: &str| if own { you.to_owned() } else { other.to_owned() };
    let at_app = |with: &str, without: &str| if app { with.to_owned() } else { without.to_owned() };
    let at_client = app && matches!(record.actor, Actor::Client(_));
    match record.event {
        Event::LoginSucceeded if at_client => ("{app} signed in for you.".to_owned(), false),
        Event::LoginSucceeded => ("You signed in.".to_owned(), false),
        Event::LoginFailed => {
            (at_app("A wrong password was tried at {app}.", "A wrong password was tried."), true)
        }
        Event::SessionEnded => {
            (by_you("You signed a browser out.", "Those who run this server signed you out."), !own)
        }
        Event::ConsentGiven => (given(&record.actor).to_owned(), false),
        Event::ConsentWithdrawn => {
            let other = "Those who run this server took the key of {app} back.";
            (by_you("You took the key of {app} back.", other), false)
        }
        Event::GrantRevoked => ("A key was taken back.".to_owned(), false),
        Event::TokenRevoked => (at_app("{app} gave a key back.", "A key was given back."), false),
        Event::CodeReplayed | Event::RefreshTokenReused => {
            ("A key of {app} was used twice, as if it had been copied. It was taken back.".to_owned(), true)
        }
        Event::UserCreated | Event::AdminCreated => ("The account was made.".to_owned(), false),
        Event::UserUpdated => {
            let other = "Those who run this server changed your profile.";
            let changed = record.object.as_deref().filter(|own| !own.is_empty());
            let of_page = |name: &str| name == "name" || name == "email";
            let you = if changed.is_none_or(|own| own.split(' ').any(of_page)) {
                "You changed your name or e-mail address."
            } else {
                "You changed what apps may know of you."
            };
            (by_you(you, other), false)
        }
        Event::EmailVerified => ("Your e-mail address was confirmed.".to_owned(), false),
        Event::UserDisabled => ("The account was switched off.".to_owned(), true),
        Event::UserEnabled => ("The account was switched on again.".to_owned(), false),
        Event::PasswordSet => {
            let other = "Those who run this server set a password for you.";
            (by_you("You changed your password.", other), !own)
        }
        Event::PasswordRehashed => ("Your password was stored anew, better protected.".to_owned(), false),
        Event::PasswordChangeRequired => ("You were asked to choose a new password.".to_owned(), false),
        other => {
            // An event of the wider server that names this person: its own words, without underscores.
            let name = other.as_str().replace('_', " ");
            let mut letters = name.chars();
            let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
            (format!("{first}{}{}", letters.as_str(), if app { ": {app}." } else { "." }), false)
        }
    }
}

/// Who let an application have a key.
const fn given(by: &Actor) -> &'static str {
    match by {
        Actor::User(_) => "You gave {app} a key.",
        Actor::Client(_) => "{app} got a key with your password.",
        Actor::Operator => "Those who run this server gave {app} a key for you.",
        Actor::System | Actor::Anonymous => {
            "{app} got a key without anybody asking you: those who run this server let another site vouch for you."
        }
    }
}
