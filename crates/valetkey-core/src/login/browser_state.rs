//! OIDC Session Management §3.2, §4.2 — what an application can see of whether somebody is still signed in here

use crate::secret::digest_of;
use crate::store::Session;
use data_encoding::BASE64URL_NOPAD;
use url::Url;

/// The state of this browser, as the readable cookie says it: another for each session, and nothing that lets anybody in.
pub fn of(session: &Session) -> String {
    BASE64URL_NOPAD.encode(&digest_of(&[b"browser state", session.id.0.as_bytes()]))
}

/// §2: what the application is told with its answer, to be compared by the page that it asks. `None` where the answer goes
/// to no web page, so that nobody could ask.
pub fn session_state(client: &str, redirect_uri: &str, session: &Session, salt: [u8; 12]) -> Option<String> {
    let origin = Url::parse(redirect_uri).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let origin = origin.origin().ascii_serialization();
    let salt = BASE64URL_NOPAD.encode(&salt);
    let text = format!("{client} {origin} {} {salt}", of(session));
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    Some(format!("{}.{salt}", BASE64URL_NOPAD.encode(hash.as_ref())))
}
