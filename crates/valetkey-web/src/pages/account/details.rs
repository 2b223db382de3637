//! `/account/details`: what is known of a person beyond name and e-mail address. The phone number wants the password, as the
//! address does.

use super::super::respond::{failed, page};
use super::super::view::{AccountDetails, ClaimField, ClaimGroup, ClaimKind, ConfirmError};
use super::{confirmed, csrf, finish, form, visitor};
use crate::extract::{Call, PageForm};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value};
use valetkey_core::claims::ClaimFlaw;
use valetkey_core::directory::User;
use valetkey_core::manage::user::profile::{ADDRESS_PARTS, edited, may_edit, update_claims};
use valetkey_core::params::Params;

const PHONE: &str = "phone_number";
const ADDRESS: &str = "address";
const BAD_PHONE: &str = "Your account has no password, so the phone number cannot be changed here.";

/// A field: its name, label, hint and kind, and what browsers call it.
struct Known(&'static str, &'static str, &'static str, ClaimKind, &'static str);

const NAMES: [Known; 4] = [
    Known("given_name", "Given name", "", ClaimKind::Text, "given-name"),
    Known("middle_name", "Middle name", "", ClaimKind::Text, "additional-name"),
    Known("family_name", "Family name", "", ClaimKind::Text, "family-name"),
    Known("nickname", "Nickname", "", ClaimKind::Text, "nickname"),
];
const ABOUT: [Known; 4] = [
    Known(
        "birthdate",
        "Date of birth",
        "Such as 1865-11-26, or 0000-11-26 without the year.",
        ClaimKind::Text,
        "bday",
    ),
    Known("gender", "Gender", "In your own words.", ClaimKind::Text, "sex"),
    Known("locale", "Language", "A tag such as nl-NL.", ClaimKind::Text, "language"),
    Known("zoneinfo", "Time zone", "Such as Europe/Amsterdam.", ClaimKind::Text, "off"),
];
const WEB: [Known; 3] = [
    Known("website", "Website", "", ClaimKind::Url, "url"),
    Known("profile", "Profile page", "", ClaimKind::Url, "off"),
    Known("picture", "Picture", "The address of one on the web.", ClaimKind::Url, "photo"),
];
const REACH: [Known; 6] = [
    Known(PHONE, "Phone number", "A new number counts as not confirmed.", ClaimKind::Tel, "tel"),
    Known("street_address", "Street and number", "", ClaimKind::Area, "street-address"),
    Known("locality", "Town", "", ClaimKind::Text, "address-level2"),
    Known("region", "Region", "", ClaimKind::Text, "address-level1"),
    Known("postal_code", "Postal code", "", ClaimKind::Text, "postal-code"),
    Known("country", "Country", "", ClaimKind::Text, "country-name"),
];
const GROUPS: [(&str, &[Known]); 4] =
    [("Your names", &NAMES), ("About you", &ABOUT), ("On the web", &WEB), ("Where you are reached", &REACH)];

/// The claim that a field is of.
fn claim(field: &'static str) -> &'static str {
    if ADDRESS_PARTS.contains(&field) { ADDRESS } else { field }
}

/// Every field's name.
pub(super) fn fields() -> impl Iterator<Item = &'static str> {
    GROUPS.into_iter().flat_map(|(_, fields)| fields.iter().map(|known| known.0))
}

fn stands(user: &User, field: &str) -> String {
    let part = |name: &str| user.claims.get(ADDRESS)?.get(name)?.as_str().map(str::to_owned);
    if ADDRESS_PARTS.contains(&field) {
        return part(field).unwrap_or_default();
    }
    user.claims.text(field).to_owned()
}

/// What is to be said of a form.
#[derive(Default)]
struct Wrong {
    flaws: Vec<(String, String)>,
    confirm: Option<ConfirmError>,
}

pub(crate) async fn get(call: Call) -> Response {
    match visitor(&call).await {
        Ok((_, user)) => draw(&call, StatusCode::OK, &user, None, Wrong::default()),
        Err(response) => response,
    }
}

fn draw(call: &Call, status: StatusCode, user: &User, typed: Option<&Params<'_>>, wrong: Wrong) -> Response {
    let csrf = match csrf(call) {
        Ok(csrf) => csrf,
        Err(fault) => return failed(call, &fault),
    };
    let field = |known: &Known| {
        let Known(name, label, hint, kind, autocomplete) = *known;
        let typed =
            typed.filter(|typed| typed.contains(name)).map(|typed| typed.one(name).unwrap_or_default());
        let flaw = wrong.flaws.iter().find(|(own, _)| own == name);
        ClaimField {
            name,
            label,
            hint,
            kind,
            autocomplete,
            value: typed.map_or_else(|| stands(user, name), str::to_owned),
            editable: may_edit(&call.cx, claim(name)),
            error: flaw.map(|(_, why)| why.clone()),
        }
    };
    let group = |(legend, fields): (&'static str, &[Known])| ClaimGroup {
        legend,
        fields: fields.iter().map(field).filter(|own| own.editable || !own.value.is_empty()).collect(),
    };
    let groups: Vec<_> = GROUPS.into_iter().map(group).filter(|group| !group.fields.is_empty()).collect();
    let view = AccountDetails {
        csrf,
        username: user.username.clone(),
        has_password: user.password.is_some(),
        editable: groups.iter().any(|group| group.fields.iter().any(|field| field.editable)),
        phone: may_edit(&call.cx, PHONE),
        groups,
        confirm: wrong.confirm,
    };
    page(call, status, &view)
}

/// A claim and its new value each; what did not come stays as it is.
fn read(user: &User, params: &Params<'_>) -> Map<String, Value> {
    let mut typed = Map::new();
    let value = |name: &str| Value::from(params.one(name).unwrap_or_default());
    for name in fields().filter(|name| claim(name) == *name && params.contains(name)) {
        typed.insert(name.to_owned(), value(name));
    }
    if ADDRESS_PARTS.iter().any(|name| params.contains(name)) {
        let part = |name: &str| if params.contains(name) { value(name) } else { stands(user, name).into() };
        let parts = ADDRESS_PARTS.map(|name| (name.to_owned(), part(name)));
        typed.insert(ADDRESS.to_owned(), Value::Object(parts.into_iter().collect()));
    }
    typed
}

pub(crate) async fn post(posted: PageForm) -> Response {
    let (_, user, params) = match form(&posted).await {
        Ok(all) => all,
        Err(response) => return response,
    };
    let call = &posted.call;
    let again = |status: StatusCode, wrong: Wrong| draw(call, status, &user, Some(&params), wrong);
    let typed = read(&user, &params);
    let after = match edited(&call.cx, &user.claims, &typed) {
        Ok(after) => after,
        Err(flaws) => {
            let flaws = flaws.into_iter().map(words).collect();
            return again(StatusCode::BAD_REQUEST, Wrong { flaws, confirm: None });
        }
    };
    if after.get(PHONE) != user.claims.get(PHONE) {
        if user.password.is_none() {
            let flaws = vec![(PHONE.to_owned(), BAD_PHONE.to_owned())];
            return again(StatusCode::BAD_REQUEST, Wrong { flaws, confirm: None });
        }
        match confirmed(call, &user, &params).await {
            Ok(None) => {}
            Ok(Some((status, why))) => {
                return again(status, Wrong { confirm: Some(why), ..Wrong::default() });
            }
            Err(fault) => return failed(call, &fault),
        }
    }
    let done = update_claims(&call.cx, &user, &typed).await;
    finish(call, done.map(drop), "/account?done=profile")
}

/// The field that a flaw is said at, and what it says there.
fn words((claim, ClaimFlaw(why)): (String, ClaimFlaw)) -> (String, String) {
    let field = if claim == ADDRESS { "street_address".to_owned() } else { claim.clone() };
    let why = why.strip_prefix(&claim).map_or_else(|| format!("This {why}"), |rest| format!("This{rest}"));
    (field, format!("{why}."))
}
