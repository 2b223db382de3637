//! OIDC Core §6.2, §6.3 — a request object by reference: read where its client registered it, and nowhere else
//!
//! An opt-in of the operator. Nothing is kept: what stands there now is what is asked for.

use crate::client::Client;
use crate::context::Context;
use crate::error::{Code, Denial, Error};
use crate::outbound::Wanted;
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64URL_NOPAD;

/// Bytes of a request object.
const LARGEST: usize = 32 * 1024;
const TYPES: &str = "application/oauth-authz-req+jwt, application/jwt;q=0.9, */*;q=0.1";

const NOT_REGISTERED: Denial =
    Code::InvalidRequestUri.because("this request_uri is none of those that the application registered");
const UNREAD: Denial =
    Code::InvalidRequestUri.because("the request_uri does not lead to a request object that can be read");
const TOO_MANY: Denial = Code::TemporarilyUnavailable
    .because("too many requests by request_uri came from this address: wait a minute");
const CHANGED: Denial = Code::InvalidRequestUri
    .because("what stands at the request_uri is not what its fragment says: a hash of the content");

/// Whether this client's requests may come so. Under `fapi2` they come pushed, and no other way.
pub(super) fn is_open(cx: &Context, client: &Client) -> bool {
    cx.settings.request_uri_parameter_supported && !client.is_fapi2()
}

/// The text of the request object at `uri`.
pub(super) async fn read(cx: &Context, client: &Client, uri: &str) -> Result<String, Error> {
    if !is_registered(client, uri) {
        return Err(NOT_REGISTERED.into());
    }
    let (subject, address) = (format!("request_uri {}", client.id), cx.caller.address);
    if cx.asked.is_paused(&subject, address, cx.now) {
        return Err(TOO_MANY.into());
    }
    cx.asked.count_one(&subject, address, cx.now);
    let (url, fragment) = split(uri);
    let wanted = Wanted { url, accept: TYPES, limit: LARGEST, kept: false };
    let bytes = cx.fetcher.strangers_file(&wanted).await.map_err(|_| UNREAD)?;
    // §6.2: the hash of the content, where it is one.
    let hash = fragment.and_then(|text| BASE64URL_NOPAD.decode(text.as_bytes()).ok());
    if hash.is_some_and(|hash| hash.len() == 32 && hash != digest(&SHA256, &bytes).as_ref()) {
        return Err(CHANGED.into());
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| UNREAD)?;
    Ok(text.trim().to_owned())
}

/// By the whole address; one that was registered without a fragment stands for each content there.
fn is_registered(client: &Client, uri: &str) -> bool {
    let (url, _) = split(uri);
    client.profile.security.request_uris.iter().any(|own| own == uri || own == url)
}

fn split(uri: &str) -> (&str, Option<&str>) {
    uri.split_once('#').map_or((uri, None), |(url, fragment)| (url, Some(fragment)))
}
