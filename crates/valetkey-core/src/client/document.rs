//! draft-ietf-oauth-client-id-metadata-document §3–§6 — a client whose id is the address of its own description
//!
//! Nobody registers it. Its description is fetched while somebody needs it; a row is written when a person first allows it
//! something, since consents and grants belong to a client, and goes when they are gone. It never gets a secret, a privilege
//! or an opt-in, and the consent page says that nobody checked it.

use super::metadata::{self, BadMetadata};
use super::profile::Profile;
use super::{AuthMethod, Client, Origin, redirect_uri};
use crate::audit::{Actor, Event};
use crate::context::{Context, Server};
use crate::error::{Code, Denial, Error, Fault, FaultKind};
use crate::grant::GrantType;
use crate::ids::ClientId;
use crate::outbound::Unfetched;
use crate::scope::Scope;
use crate::settings::MetadataDocuments;
use crate::store::Session;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use url::{Host, Url};

/// §6.6: bytes of a description.
const LARGEST: usize = 5 * 1024;
/// Bytes of an id.
const LONGEST: usize = 500;
const REDIRECT_URIS: usize = 10;

/// RFC 7591 §2 — what is read of it; everything else is ignored.
#[derive(Debug, Deserialize)]
struct Document {
    client_id: String,
    #[serde(default)]
    client_name: Option<String>,
    #[serde(default)]
    client_uri: Option<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default)]
    post_logout_redirect_uris: Vec<String>,
    #[serde(default)]
    grant_types: Option<Vec<String>>,
    #[serde(default)]
    response_types: Option<Vec<String>>,
    #[serde(default)]
    token_endpoint_auth_method: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    jwks: Option<Value>,
    #[serde(default)]
    jwks_uri: Option<String>,
    /// §4.1: there is nobody it could have been agreed upon with.
    #[serde(default)]
    client_secret: Option<Value>,
    #[serde(default)]
    client_secret_expires_at: Option<Value>,
}

/// Whether an id claims to be the address of a description. No id that is given here looks so.
pub fn is_address(id: &str) -> bool {
    id.contains("://")
}

const fn bad(detail: &'static str) -> Denial {
    Code::InvalidClient.because(detail)
}

const OFF: Denial = bad("no application with this client_id is registered here, or it was switched off");
const NOT_LISTED: Denial = bad(
    "this server takes applications by the address of their metadata document only from hosts that its operator lists",
);
const BAD_ADDRESS: Denial = bad(
    "a client_id that is an address is https, in its one normal form, with a path, without user name, fragment and dot segments",
);
const TOO_MANY: Denial =
    bad("too many metadata documents from this address could not be read: try again in a minute");

/// §3 — the address as a URL, if an id may have that form.
pub fn address(id: &str) -> Result<Url, Denial> {
    let url = Url::parse(id).map_err(|_| BAD_ADDRESS)?;
    // The parser's form is the one normal form: dot segments, default ports, capitals and tricks with digits end here.
    let normal = url.as_str() == id && id.len() <= LONGEST && id.is_ascii();
    let own = url.path() != "/" && url.fragment().is_none() && !id.contains('#');
    let nobodys = url.username().is_empty() && url.password().is_none() && !id.contains('@');
    // Whether plain http is asked at all is the fetcher's to say: on this machine, where the operator lists it.
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    if normal && own && nobodys && scheme && url.host().is_some() { Ok(url) } else { Err(BAD_ADDRESS) }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The host that vouches for the client, as the consent page names it.
pub fn host(client: &Client) -> Option<String> {
    let url = Url::parse(client.id.as_str()).ok().filter(|_| client.origin == Origin::Document)?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// The client that describes itself at `id`, as of now; `Denied` says why there is none.
pub async fn client(server: &Server, id: &str) -> Result<Arc<Client>, Error> {
    let mode = &server.settings.metadata_documents;
    if *mode == MetadataDocuments::Off {
        return Err(OFF.into());
    }
    let url = address(id)?;
    if !mode.allows(&url) {
        return Err(NOT_LISTED.into());
    }
    let bytes = server.fetcher.strangers_document(id, LARGEST).await.map_err(unread)?;
    let document: Document = serde_json::from_slice(&bytes)
        .map_err(|_| bad("the metadata document of this client_id is no JSON object of client metadata"))?;
    if document.client_id != id {
        return Err(bad(
            "the client_id in the metadata document is not the address it was read from, byte for byte",
        )
        .into());
    }
    let row = server.registered(id).await?;
    let client = read(server, &url, document, row.as_deref())?;
    Ok(Arc::new(client))
}

/// Like `client`, for a caller who may be trying addresses out: failures are counted for its address.
pub async fn client_for(cx: &Context, id: &str) -> Result<Arc<Client>, Error> {
    let from = cx.caller.address;
    if cx.unread_documents.is_paused("", from, cx.now) {
        return Err(TOO_MANY.into());
    }
    let found = client(cx, id).await;
    if matches!(&found, Err(Error::Denied(denial)) if *denial != OFF && *denial != NOT_LISTED) {
        cx.unread_documents.count_one("", from, cx.now);
    }
    found
}

fn unread(why: Unfetched) -> Denial {
    let code = if why.is_passing() { Code::TemporarilyUnavailable } else { Code::InvalidClient };
    code.because(match why {
        Unfetched::BadAddress | Unfetched::Forbidden => {
            "the metadata document of this client_id is at an address that this server does not call"
        }
        Unfetched::Unresolved | Unfetched::Unreachable => {
            "the metadata document of this client_id cannot be read: its host cannot be reached"
        }
        Unfetched::Late => "the metadata document of this client_id cannot be read: its host is too slow",
        Unfetched::TooLarge => "the metadata document of this client_id is too large: at most 5 KiB",
        Unfetched::Redirected => {
            "the metadata document of this client_id cannot be read: its host answers with a redirect, and none is followed"
        }
        Unfetched::Status(_) => {
            "the metadata document of this client_id cannot be read: its host does not answer with status 200"
        }
        Unfetched::NotJson => "the metadata document of this client_id is not served as application/json",
        Unfetched::Busy => {
            "the metadata document of this client_id cannot be read now: try again in a moment"
        }
    })
}

/// Whose description cannot be read now is not thereby unknown: a failure that passes, where no person is told why.
pub fn away(refused: Error) -> Error {
    match refused {
        Error::Denied(Denial { code: Code::TemporarilyUnavailable, detail }) => {
            Fault::bare(FaultKind::Unavailable, detail).into()
        }
        other => other,
    }
}

/// What the document makes of the client; `row` is what is kept of it here.
fn read(server: &Server, url: &Url, document: Document, row: Option<&Client>) -> Result<Client, Denial> {
    if document.client_secret.is_some() || document.client_secret_expires_at.is_some() {
        return Err(bad("a metadata document is public and holds no client_secret"));
    }
    let auth_method = auth_method(&document)?;
    let by_key = auth_method == AuthMethod::PrivateKeyJwt;
    let grant_types = grant_types(&document)?;
    check_redirects(&document)?;
    let now = server.now();
    let host = url.host_str().unwrap_or_default();
    let name = document.client_name.as_deref().map(str::trim).filter(|name| !name.is_empty()).unwrap_or(host);
    // A page elsewhere would lend it another's name.
    let own_page = |page: &String| Url::parse(page).is_ok_and(|page| page.host_str() == url.host_str());
    let client = Client {
        profile: Profile::default(),
        id: ClientId::from(url.as_str()),
        tenant: row.and_then(|row| row.tenant.clone()),
        name: name.to_owned(),
        description: String::new(),
        website: document.client_uri.filter(own_page).unwrap_or_default(),
        redirect_uris: document.redirect_uris,
        post_logout_redirect_uris: document.post_logout_redirect_uris,
        grant_types,
        scope: Some(scope(server, document.scope.as_deref())?),
        application_scope: None,
        auth_method,
        secrets: Vec::new(),
        // §6.2: the keys of a client that proves itself.
        jwks: document.jwks.filter(|_| by_key),
        jwks_uri: document.jwks_uri.filter(|_| by_key),
        introspect: false,
        compat: Vec::new(),
        access_token_lifetime: None,
        origin: Origin::Document,
        registration_token: None,
        listing: row.map(|row| row.listing.clone()).unwrap_or_default(),
        disabled: row.is_some_and(|row| row.disabled),
        created_at: row.map_or(now, |row| row.created_at),
        updated_at: row.map_or(now, |row| row.updated_at),
        version: row.map_or(0, |row| row.version),
    };
    metadata::check(&client).map_err(|BadMetadata(_)| {
        bad("the metadata document of this client_id breaks a rule of registration")
    })?;
    Ok(client)
}

fn auth_method(document: &Document) -> Result<AuthMethod, Denial> {
    match document.token_endpoint_auth_method.as_deref() {
        None | Some("none") => Ok(AuthMethod::None),
        Some("private_key_jwt") => Ok(AuthMethod::PrivateKeyJwt),
        // §4.1: nothing that rests on a shared secret.
        Some(_) => Err(bad(
            "the token_endpoint_auth_method of a metadata document must be none or private_key_jwt: there is no shared secret",
        )),
    }
}

fn grant_types(document: &Document) -> Result<Vec<GrantType>, Denial> {
    let refused = bad(
        "a client with a metadata document has the authorization_code grant and response_types [\"code\"]",
    );
    let Some(asked) = &document.grant_types else { return Ok(vec![GrantType::AuthorizationCode]) };
    let responds = document.response_types.as_ref().is_none_or(|types| types.iter().any(|own| own == "code"));
    let own = [GrantType::AuthorizationCode, GrantType::RefreshToken];
    let own: Vec<_> = own.into_iter().filter(|grant| asked.iter().any(|name| name == grant.name())).collect();
    if responds && own.contains(&GrantType::AuthorizationCode) { Ok(own) } else { Err(refused) }
}

fn check_redirects(document: &Document) -> Result<(), Denial> {
    let count = document.redirect_uris.len();
    if count == 0 || count > REDIRECT_URIS {
        return Err(bad("a metadata document names 1 to 10 redirect_uris"));
    }
    if document.redirect_uris.iter().any(|uri| redirect_uri::check(uri).is_err()) {
        return Err(bad(
            "a redirect URI in the metadata document is not https, http on 127.0.0.1, [::1] or localhost, or an app's own reverse-domain scheme",
        ));
    }
    Ok(())
}

/// What a client of this kind may ask for: as of every client that registers itself.
fn scope(server: &Server, asked: Option<&str>) -> Result<Scope, Denial> {
    let catalog = server.catalog();
    let all = || catalog.scopes().map(|words| words.name.as_str()).collect();
    let open = server.in_force().applied.registration.scope.clone().unwrap_or_else(all);
    let Some(asked) = asked else { return Ok(open) };
    let asked = Scope::parse(asked).map_err(|_| bad("scope in the metadata document is a list of names"))?;
    Ok(asked.filter(|name| open.contains(name)))
}

/// Writes what consents and grants refer to, before the first of them: the client as it describes itself now.
pub async fn keep(cx: &Context, client: &Client, session: &Session) -> Result<(), Fault> {
    if client.origin != Origin::Document {
        return Ok(());
    }
    let actor = Actor::User(session.user.clone());
    match cx.store.client(&client.id).await? {
        None => {
            let record = cx.record(Event::ClientCreated, actor).client(&client.id);
            // Taken meanwhile: by the same document.
            cx.store.create_client(client, &record).await?;
        }
        Some(row) if row != *client => {
            let record = cx.record(Event::ClientUpdated, actor).client(&client.id);
            let changed =
                Client { updated_at: cx.now, version: row.version, disabled: row.disabled, ..client.clone() };
            cx.store.update_client(&changed, None, &record).await?;
        }
        Some(_) => return Ok(()),
    }
    cx.follow_changes().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_3_an_id_that_is_an_address_has_one_form() {
        for (id, good) in [
            ("https://app.example/client.json", true),
            ("https://app.example/", false),
            ("https://app.example", false),
            ("https://app.example/a/b", true),
            ("https://app.example:8443/a", true),
            ("https://app.example:443/a", false),
            ("https://app.example:/a", false),
            ("https://app.example:08443/a", false),
            ("https://APP.example/a", false),
            ("HTTPS://app.example/a", false),
            ("https://app.example/a#x", false),
            ("https://app.example/a#", false),
            ("https://u@app.example/a", false),
            ("https://u:p@app.example/a", false),
            ("https://@app.example/a", false),
            ("https://app.example/./a", false),
            ("https://app.example/../a", false),
            ("https://app.example/a/..", false),
            ("https://app.example/%2e%2e/a", false),
            ("https://app.example/a/%2E", false),
            ("https://app.example\\a", false),
            ("https:/app.example/a", false),
            ("https:app.example/a", false),
            ("https:///app.example/a", false),
            ("https://2130706433/a", false),
            ("https://0x7f.1/a", false),
            ("https://127.1/a", false),
            (" https://app.example/a", false),
            ("https://app.example/a ", false),
            ("https://app.ex\tample/a", false),
            ("https://b\u{fc}cher.example/a", false),
            ("http://app.example/a", false),
            ("http://localhost:8000/a", true),
            ("http://127.0.0.1:8000/a", true),
            ("http://localhost.evil.example/a", false),
            ("ftp://app.example/a", false),
            ("javascript://app.example/a", false),
        ] {
            assert_eq!(address(id).is_ok(), good, "{id}");
        }
        assert!(address(&format!("https://app.example/{}", "a".repeat(LONGEST))).is_err());
    }
}
