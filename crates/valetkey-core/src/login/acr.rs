//! OIDC Core §2, RFC 9470 §4 — in which ways a person proved who they are, by the names that the operator gave

use crate::context::Context;
use crate::settings::AcrValues;
use crate::store::Session;
use crate::time::Timestamp;

/// RFC 8176 §2.
const PASSWORD: &str = "pwd";

/// The names of all that a session has, the most telling first.
pub fn held<'a>(values: &'a AcrValues, session: &Session, now: Timestamp) -> impl Iterator<Item = &'a str> {
    let fresh = now - session.auth_time <= values.fresh_for;
    let password = session.amr.iter().any(|method| method == PASSWORD);
    let named = [(fresh, &values.fresh), (password, &values.password), (true, &values.signed_in)];
    named.into_iter().filter(|(has, _)| *has).map(|(_, name)| name.as_str())
}

/// What is said of a session: the first of the wishes that it fulfils, else how the person signed in.
pub fn said(cx: &Context, session: &Session, wishes: &[String]) -> String {
    let values = &cx.settings.acr;
    let held: Vec<&str> = held(values, session, cx.now).collect();
    let fulfilled = wishes.iter().find(|wish| held.contains(&wish.as_str()));
    // That it was just now says `auth_time` better; the name is for those who ask for it.
    let usual = held.iter().find(|name| **name != values.fresh).copied();
    fulfilled.map_or_else(|| usual.unwrap_or(&values.signed_in).to_owned(), Clone::clone)
}

/// Whether a session fulfils one of the wishes. No wish is fulfilled.
pub fn fulfils(cx: &Context, session: &Session, wishes: &[String]) -> bool {
    let mut held = held(&cx.settings.acr, session, cx.now);
    wishes.is_empty() || held.any(|name| wishes.iter().any(|wish| wish == name))
}

/// Whether another sign-in could fulfil one.
pub fn could(cx: &Context, wishes: &[String]) -> bool {
    wishes.iter().any(|wish| cx.settings.acr.all().contains(&wish.as_str()))
}
