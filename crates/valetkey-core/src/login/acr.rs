//! OIDC Core §2, RFC 9470 §4 — in which ways a person proved who they are, by the names that the operator gave

use crate::context::Context;
use crate::scope;
use crate::settings::AcrValues;
use crate::store::Session;
use crate::time::Timestamp;
use crate::token::details::Details;

/// RFC 8176 §2.
const PASSWORD: &str = "pwd";

/// Whether something can be the name of a way: one word, as it goes into `acr_values` and a challenge (RFC 9470 §3).
pub fn is_name(text: &str) -> bool {
    scope::is_name(text) && text.len() <= 255
}

/// The names of all that somebody has who signed in so, the most telling first; but for those of being fresh.
fn lasting<'a>(values: &'a AcrValues, amr: &[String]) -> impl Iterator<Item = &'a str> {
    let password = amr.iter().any(|method| method == PASSWORD);
    let by = if password { &values.password } else { &values.upstream };
    by.iter().chain(&values.signed_in).map(String::as_str)
}

/// The names of all that a session has, the most telling first.
pub fn held<'a>(values: &'a AcrValues, session: &Session, now: Timestamp) -> impl Iterator<Item = &'a str> {
    let fresh = now - session.auth_time <= values.fresh_for;
    values.fresh.iter().filter(move |_| fresh).map(String::as_str).chain(lasting(values, &session.amr))
}

/// What is said of a session: the first of the wishes that it fulfils, else how the person signed in. Nothing where the
/// operator has no name for that.
pub fn said(cx: &Context, session: &Session, wishes: &[String]) -> Option<String> {
    let values = &cx.settings.acr;
    let held: Vec<&str> = held(values, session, cx.now).collect();
    let fulfilled = wishes.iter().map(String::as_str).find(|wish| held.contains(wish));
    // That it was just now says `auth_time` better; the name is for those who ask for it.
    fulfilled.or_else(|| lasting(values, &session.amr).next()).map(str::to_owned)
}

/// Whether a name that was said of somebody holds still: one of being fresh does for `fresh_for` alone, however long the
/// token that says it lives. A name that is another way's too, that way's time is its own.
pub fn holds(values: &AcrValues, name: &str, auth_time: Option<Timestamp>, now: Timestamp) -> bool {
    let is_of = |names: &Vec<String>| names.iter().any(|own| own == name);
    let lasts = [&values.signed_in, &values.password, &values.upstream].into_iter().any(is_of);
    lasts || !is_of(&values.fresh) || auth_time.is_some_and(|at| now - at <= values.fresh_for)
}

/// What a token that is made now may say: what was said, or the usual name where that was of being fresh and is over.
pub fn said_still<'a>(cx: &'a Context, answer: &'a Details, auth_time: Option<Timestamp>) -> Option<&'a str> {
    let values = &cx.settings.acr;
    let said = answer.acr.as_deref()?;
    if holds(values, said, auth_time, cx.now) { Some(said) } else { lasting(values, &answer.amr).next() }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn session(amr: &[&str], auth_time: i64) -> Session {
        let amr = amr.iter().map(|method| (*method).to_owned()).collect();
        Session { amr, ..crate::interaction::tests::session(auth_time) }
    }

    #[test]
    fn oidc_core_section_2_a_session_has_the_names_of_its_way_alone() {
        let names = |all: &str| all.split_whitespace().map(str::to_owned).collect();
        let values = AcrValues {
            signed_in: names("any"),
            password: names("silver pwd"),
            upstream: names("bronze"),
            fresh: names("now"),
            ..AcrValues::default()
        };
        for (amr, auth_time, want) in [
            (&["pwd"][..], 1_000, "now silver pwd any"),
            (&["pwd"], 0, "silver pwd any"),
            (&["otp", "pwd"], 0, "silver pwd any"),
            (&[], 1_000, "now bronze any"),
            (&[], 0, "bronze any"),
        ] {
            let session = session(amr, auth_time);
            let held: Vec<&str> = held(&values, &session, Timestamp(1_300)).collect();
            assert_eq!(held.join(" "), want, "{amr:?} {auth_time}");
        }
    }

    #[test]
    fn oidc_core_section_2_a_name_of_being_fresh_holds_for_its_time_and_any_other_at_any() {
        let names = |all: &str| all.split_whitespace().map(str::to_owned).collect();
        let values =
            AcrValues { fresh: names("now both"), password: names("pwd both"), ..AcrValues::default() };
        let at = |at: i64| Some(Timestamp(at));
        for (name, auth_time, want) in [
            ("now", at(1_000), true),
            ("now", at(999), false),
            ("now", None, false),
            ("pwd", at(0), true),
            ("both", at(0), true),
            ("named before", None, true),
        ] {
            assert_eq!(holds(&values, name, auth_time, Timestamp(1_300)), want, "{name} {auth_time:?}");
        }
    }

    #[test]
    fn what_has_no_name_is_not_said_and_no_name_stands_twice() {
        let none = AcrValues { signed_in: Vec::new(), upstream: Vec::new(), ..AcrValues::default() };
        assert_eq!(lasting(&none, &[]).next(), None);
        let same = AcrValues { upstream: none.password.clone(), ..AcrValues::default() };
        assert_eq!(same.all().len(), 3, "{same:?}");
        for (name, good) in [("phr", true), ("urn:a:b", true), ("", false), ("a b", false), ("a\"b", false)] {
            assert_eq!(is_name(name), good, "{name}");
        }
    }
}
