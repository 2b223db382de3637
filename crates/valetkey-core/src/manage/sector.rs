//! OIDC Core §8.1, OIDC Registration §5 — whether the document of a sector lists a client's redirect URIs

use super::{ManageError, refused};
use crate::client::{Client, Origin};
use crate::context::Context;

/// Bytes of a list of addresses.
const LARGEST: usize = 64 * 1024;

/// Reads the document anew where the client names one; nothing is asked where it does not.
pub(super) async fn check(cx: &Context, client: &Client) -> Result<(), ManageError> {
    let Some(uri) = &client.profile.openid.sector_identifier_uri else { return Ok(()) };
    let read = match client.origin {
        Origin::Operator => cx.fetcher.document(uri, LARGEST).await,
        _ => cx.fetcher.strangers_document(uri, LARGEST).await,
    };
    let bytes = read.map_err(|why| refused(format!("sector_identifier_uri: {why}")))?;
    let listed: Vec<String> = serde_json::from_slice(&bytes)
        .map_err(|_| refused("sector_identifier_uri must lead to a JSON array of redirect URIs"))?;
    if client.redirect_uris.iter().all(|own| listed.contains(own)) {
        return Ok(());
    }
    Err(refused("the document at sector_identifier_uri must list each redirect URI of the client"))
}
