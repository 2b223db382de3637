//! OIDC Core §8.1, OIDC Registration §5 — whether the document of a sector lists a client's redirect URIs

use super::{ManageError, refused};
use crate::client::{Client, Origin};
use crate::context::Context;

/// Bytes of a list of addresses.
const LARGEST: usize = 64 * 1024;
const UNREAD: &str = "the document at sector_identifier_uri cannot be read";

/// Reads the document anew where the client names one; nothing is asked where it does not.
pub(super) async fn check(cx: &Context, client: &Client) -> Result<(), ManageError> {
    let Some(uri) = &client.profile.openid.sector_identifier_uri else { return Ok(()) };
    let read = match client.origin {
        Origin::Operator => {
            let read = cx.fetcher.document(uri, LARGEST).await;
            read.map_err(|why| refused(format!("sector_identifier_uri: {why}")))
        }
        // Why is for our log, where the fetcher says it: whoever may ask here is not told what names our network knows.
        _ => cx.fetcher.strangers_document(uri, LARGEST).await.map_err(|_| refused(UNREAD)),
    };
    let bytes = read?;
    let listed: Vec<String> = serde_json::from_slice(&bytes)
        .map_err(|_| refused("sector_identifier_uri must lead to a JSON array of redirect URIs"))?;
    if client.redirect_uris.iter().all(|own| listed.contains(own)) {
        return Ok(());
    }
    Err(refused("the document at sector_identifier_uri must list each redirect URI of the client"))
}
