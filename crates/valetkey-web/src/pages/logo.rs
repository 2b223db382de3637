//! `/assets/logos/…`: pictures of tenants and of applications, from our own origin, under names that say their content.

use super::assets::IMMUTABLE;
use super::respond::{failed, plain_error};
use super::view::ErrorKind;
use crate::extract::Call;
use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use valetkey_core::client::listing::Review;
use valetkey_core::client::{Client, Origin, document};
use valetkey_core::error::Fault;
use valetkey_core::image::{Image, MOST_BYTES};
use valetkey_core::outbound::Wanted;

pub(crate) const PREFIX: &str = "/assets/logos/";

/// Before the id of the application whose picture is at an address that it registered.
const OF: &str = "of.";
/// How long a browser keeps a picture of whom nobody here answers for, in seconds.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// Where the picture is served that an application says is its own (OIDC Registration §2, `logo_uri`): read by the guarded
/// fetcher and looked at here, so that no page of ours sends a browser elsewhere.
pub(crate) fn path_of(client: &Client) -> Option<String> {
    client.profile.about.logo_uri.as_ref()?;
    (!document::is_address(client.id.as_str())).then(|| format!("{PREFIX}{OF}{}", client.id))
}

/// Whether those who run the server registered the application, or looked at it.
pub(crate) fn is_vouched_for(client: &Client) -> bool {
    client.origin == Origin::Operator || client.listing.review == Review::Approved
}

async fn of_client(call: &Call, id: &str) -> Result<Option<Image>, Fault> {
    let client = call.cx.registered(id).await?.filter(|client| !client.disabled);
    let Some(url) = client.as_ref().and_then(|client| client.profile.about.logo_uri.as_deref()) else {
        return Ok(None);
    };
    let wanted = Wanted { url, accept: "image/png, image/jpeg, image/webp", limit: MOST_BYTES, kept: true };
    Ok(call.cx.fetcher.strangers_file(&wanted).await.ok().and_then(|bytes| Image::read(&bytes).ok()))
}

/// Where a picture is found.
pub(crate) fn path(logo: &Image) -> String {
    format!("{PREFIX}{}", logo.name())
}

/// The type is read off the bytes, and the edge says `nosniff` and a policy under which nothing runs.
pub(crate) async fn get(call: Call) -> Response {
    let name = call.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    if let Some(id) = name.strip_prefix(OF) {
        return match of_client(&call, id).await {
            Ok(Some(logo)) => served(&logo, KEPT),
            Ok(None) => plain_error(&call, ErrorKind::NotFound),
            Err(fault) => failed(&call, &fault),
        };
    }
    let catalog = call.cx.catalog();
    let mut logos = catalog.tenants().filter_map(|tenant| tenant.logo.as_ref());
    let held = logos.find(|logo| logo.name() == name).cloned();
    let found = match held {
        Some(logo) => Some(logo),
        None => match call.cx.store.logo(name).await {
            Ok(stored) => stored.and_then(|bytes| Image::read(&bytes).ok()),
            Err(fault) => return failed(&call, &fault),
        },
    };
    let Some(logo) = found else { return plain_error(&call, ErrorKind::NotFound) };
    served(&logo, HeaderValue::from_static(IMMUTABLE))
}

fn served(logo: &Image, kept: HeaderValue) -> Response {
    let mut response = Response::new(Body::from(logo.bytes().to_vec()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(logo.kind.media_type()));
    response.headers_mut().insert(CACHE_CONTROL, kept);
    response
}
