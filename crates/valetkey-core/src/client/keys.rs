//! RFC 7591 §2, OIDC Core §10.1.1 — somebody else's public keys: given outright, or read where they say
//!
//! Whoever checks a signature of a client, of a provider or of an issuer comes through here. Keys elsewhere are fetched by
//! the guarded fetcher, kept, and read once more where none of those held signed: their owner may have changed them. That
//! is rate limited by the fetcher, so that strangers' statements do not become a stream of questions.

use super::{AuthMethod, Client, Origin};
use crate::context::Server;
use crate::error::{Code, Denial, Error, Fault};
use crate::jose::jwk::{self, PublicKey};
use crate::jose::jws::Jws;
use crate::outbound::Unfetched;
use crate::proof::certificate::Certificate;
use serde_json::Value;
use std::borrow::Cow;
use url::{Host, Url};

/// Bytes of a key set.
const LARGEST: usize = 128 * 1024;

/// Where keys are.
#[derive(Debug, Clone, Copy)]
pub enum Keys<'a> {
    Given(&'a Value),
    At(&'a str),
    /// The same where nobody here vouches for the address.
    AtStrangers(&'a str),
}

/// Why there are no keys to check with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoKeys {
    /// Their host does not answer now: that says nothing about the signature.
    Away,
    /// What is there is no JWK Set.
    Unread,
}

const AWAY: &str = "the keys at a jwks_uri cannot be read: its host does not answer";
const UNREAD: Denial =
    Code::InvalidClient.because("the client's jwks_uri does not lead to a JWK Set that this server may read");

impl From<NoKeys> for Error {
    fn from(why: NoKeys) -> Self {
        match why {
            NoKeys::Away => Fault::bare(crate::error::FaultKind::Unavailable, AWAY).into(),
            NoKeys::Unread => UNREAD.into(),
        }
    }
}

impl Unfetched {
    /// Whether a later try may find what was not to be had now.
    pub fn is_passing(self) -> bool {
        match self {
            Self::Unresolved | Self::Unreachable | Self::Late | Self::Busy => true,
            Self::Status(status) => status >= 500 || status == 429,
            Self::BadAddress | Self::Forbidden | Self::TooLarge | Self::Redirected | Self::NotJson => false,
        }
    }
}

impl<'a> Keys<'a> {
    /// Those of a client; `None` where it has none.
    pub fn of(client: &'a Client) -> Option<Self> {
        match (&client.jwks, &client.jwks_uri) {
            (Some(set), _) => Some(Self::Given(set)),
            (None, Some(at)) if client.origin != Origin::Operator => Some(Self::AtStrangers(at)),
            (None, Some(at)) => Some(Self::At(at)),
            (None, None) => None,
        }
    }

    /// The JWK Set as it stands there now: for encryption as well.
    pub async fn set(self, server: &Server) -> Result<Cow<'a, Value>, NoKeys> {
        let bytes = match self {
            Self::Given(set) => return Ok(Cow::Borrowed(set)),
            Self::At(at) => server.fetcher.document(at, LARGEST).await,
            Self::AtStrangers(at) => server.fetcher.strangers_document(at, LARGEST).await,
        };
        let bytes = bytes.map_err(|why| if why.is_passing() { NoKeys::Away } else { NoKeys::Unread })?;
        serde_json::from_slice(&bytes).map(Cow::Owned).map_err(|_| NoKeys::Unread)
    }

    /// Whether a certificate came with one of them; what is elsewhere is read once more where it did not (RFC 8705 §2.2.2).
    pub async fn have(self, server: &Server, certificate: &Certificate) -> Result<bool, NoKeys> {
        if certificate.is_in(&*self.set(server).await?) {
            return Ok(true);
        }
        let (Self::At(at) | Self::AtStrangers(at)) = self else { return Ok(false) };
        server.fetcher.forget(at);
        Ok(certificate.is_in(&*self.set(server).await?))
    }

    /// Those of them that check signatures.
    pub async fn for_signatures(self, server: &Server) -> Result<Vec<PublicKey>, NoKeys> {
        jwk::read_set(&*self.set(server).await?).ok_or(NoKeys::Unread)
    }

    /// Whether one of them signed the statement; what is elsewhere is read once more where none did.
    pub async fn signed(self, server: &Server, jws: &Jws<'_>) -> Result<bool, NoKeys> {
        if jws.is_signed_by_one_of(&self.for_signatures(server).await?) {
            return Ok(true);
        }
        let (Self::At(at) | Self::AtStrangers(at)) = self else { return Ok(false) };
        server.fetcher.forget(at);
        Ok(jws.is_signed_by_one_of(&self.for_signatures(server).await?))
    }
}

/// Whether a key of this client signed the statement. Where its keys cannot be read now, nobody can tell: a `Fault`.
pub async fn signed(server: &Server, client: &Client, jws: &Jws<'_>) -> Result<bool, Error> {
    match Keys::of(client) {
        Some(keys) => Ok(keys.signed(server, jws).await?),
        None => Ok(false),
    }
}

/// Whether keys, tokens or documents may be read at this address: https, or http on this machine alone.
pub fn is_readable(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return false,
    };
    (url.scheme() == "https" || (url.scheme() == "http" && here))
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
        && address.len() <= 2000
}

/// What is wrong with the keys that a client is registered with.
pub(super) fn flaw(client: &Client) -> Option<&'static str> {
    let by_workload = !client.profile.federation.workload.is_empty();
    let by_key = client.auth_method == AuthMethod::PrivateKeyJwt && !by_workload;
    let by_own = client.auth_method == AuthMethod::SelfSignedTlsClientAuth;
    match (&client.jwks, &client.jwks_uri) {
        // RFC 7591 §2.
        (Some(_), Some(_)) => Some("a client has jwks or jwks_uri, never both"),
        (None, None) if by_key => Some("private_key_jwt needs the client's public keys: a jwks or jwks_uri"),
        (None, None) if by_own => Some(
            "self_signed_tls_client_auth needs the client's certificates: a jwks or jwks_uri with x5c or x5t#S256",
        ),
        (None, None) => None,
        (None, Some(at)) if is_readable(at) => None,
        (None, Some(_)) => Some("jwks_uri must be an https address, without user name and fragment"),
        (Some(set), None) => match jwk::read_set(set) {
            None => Some("jwks must be a JWK Set: an object with the list keys"),
            Some(keys) if keys.is_empty() && by_key => {
                Some("jwks must be a JWK Set with a public key for EdDSA, ES256, PS256 or RS256 signatures")
            }
            Some(_) if holds_secrets(set) => Some("jwks must hold public keys alone"),
            Some(_) => None,
        },
    }
}

/// RFC 7518 §6 — whether a private or symmetric key stands in the set: it is nobody's secret any longer.
fn holds_secrets(set: &Value) -> bool {
    let all = set.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    all.iter().any(|key| ["d", "k", "p", "q"].iter().any(|name| key.get(name).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::tests::client;
    use serde_json::json;

    #[test]
    fn rfc7591_section_2_keys_are_given_or_elsewhere_and_never_both() {
        let key = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let set = json!({"keys": [key]});
        let mut secret = set.clone();
        secret["keys"][0]["d"] = "AAAA".into();
        let at = |text: &str| Some(text.to_owned());
        for (by_key, jwks, jwks_uri, good) in [
            (false, None, None, true),
            (true, None, None, false),
            (true, Some(set.clone()), None, true),
            (true, None, at("https://app.example/keys"), true),
            (false, None, at("https://app.example/keys"), true),
            (true, Some(set), at("https://app.example/keys"), false),
            (true, Some(json!({"keys": []})), None, false),
            (false, Some(json!({"keys": []})), None, true),
            (false, Some(json!([])), None, false),
            (false, Some(secret), None, false),
            (true, None, at("http://app.example/keys"), false),
            (true, None, at("http://127.0.0.1:1/keys"), true),
            (true, None, at("https://u:p@app.example/keys"), false),
            (true, None, at("https://app.example/keys#x"), false),
            (true, None, at("keys"), false),
        ] {
            let method = if by_key { AuthMethod::PrivateKeyJwt } else { AuthMethod::ClientSecret };
            let own = Client { auth_method: method, jwks, jwks_uri, ..client("app") };
            assert_eq!(flaw(&own).is_none(), good, "{:?} {:?} {by_key}", own.jwks, own.jwks_uri);
        }
    }
}
