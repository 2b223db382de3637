//! RFC 8414 §3, §3.3 — finding the issuer's endpoints, and whether it is the issuer that was meant

use crate::builder::BuildError;
use crate::fetch::{Fetcher, is_loopback};
use http::StatusCode;
use serde::Deserialize;
use url::Url;

/// What a guard needs to know of an issuer.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    issuer: String,
    pub(crate) jwks_uri: Option<String>,
    pub(crate) introspection_endpoint: Option<String>,
}

/// RFC 8414 §2: https, without query and fragment; http only on this machine.
///
/// # Errors
/// [`BuildError::Issuer`] says what is wrong with it.
pub(crate) fn issuer(text: &str) -> Result<Url, BuildError> {
    let url = Url::parse(text).map_err(|_| BuildError::Issuer("it is not a URL"))?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(BuildError::Issuer("it has a query or a fragment"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BuildError::Issuer("it has a user name"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(BuildError::Issuer("it must be https (http only on this machine)")),
    }
}

/// An endpoint goes over TLS as its issuer does; that of an issuer on this machine stays on this machine.
///
/// # Errors
/// [`BuildError::Metadata`] for any other.
pub(crate) fn endpoint(issuer: &Url, text: &str) -> Result<Url, BuildError> {
    let fits = |url: &Url| url.scheme() == issuer.scheme() && (url.scheme() == "https" || is_loopback(url));
    Url::parse(text)
        .ok()
        .filter(fits)
        .ok_or(BuildError::Metadata("an endpoint is not a URL, or not as safe as the issuer's own"))
}

/// Reads the metadata of the issuer `text`, which parsed as `url`.
///
/// # Errors
/// The issuer does not answer, or it is another than was asked for.
pub(crate) async fn find(fetcher: &Fetcher, text: &str, url: &Url) -> Result<Metadata, BuildError> {
    for address in addresses(url) {
        let away = |error: &dyn std::fmt::Display| BuildError::Unreachable(format!("{address}: {error}"));
        let reply = fetcher.get(&address).await.map_err(|error| away(&error))?;
        match reply.status {
            StatusCode::OK => {
                let metadata: Metadata = serde_json::from_slice(&reply.body)
                    .map_err(|_| BuildError::Metadata("it is not a metadata document"))?;
                // RFC 8414 §3.3: byte for byte, or somebody stands in for another.
                return if metadata.issuer == text {
                    Ok(metadata)
                } else {
                    Err(BuildError::Metadata("it names another issuer than was asked for"))
                };
            }
            StatusCode::NOT_FOUND => {}
            status => return Err(away(&status)),
        }
    }
    Err(BuildError::Unreachable(format!("{text} has no server metadata")))
}

/// RFC 8414 §3.1 puts the well-known part before the issuer's path, OpenID Connect Discovery §4 behind it.
fn addresses(issuer: &Url) -> [Url; 2] {
    let path = issuer.path().trim_end_matches('/');
    ["/.well-known/oauth-authorization-server{path}", "{path}/.well-known/openid-configuration"].map(|form| {
        let mut address = issuer.clone();
        address.set_path(&form.replace("{path}", path));
        address
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc8414_section_3_1_the_well_known_part_stands_before_the_path() {
        for (text, want) in [
            ("https://as.example", "https://as.example/.well-known/oauth-authorization-server"),
            ("https://as.example/", "https://as.example/.well-known/oauth-authorization-server"),
            ("https://as.example/a/b", "https://as.example/.well-known/oauth-authorization-server/a/b"),
        ] {
            assert_eq!(addresses(&issuer(text).unwrap())[0].as_str(), want);
        }
        let url = issuer("https://as.example/a/").unwrap();
        assert_eq!(addresses(&url)[1].as_str(), "https://as.example/a/.well-known/openid-configuration");
    }

    #[test]
    fn rfc8414_section_2_an_issuer_is_https_or_on_this_machine() {
        for text in ["https://as.example", "http://localhost:8080", "http://127.0.0.1:1/t", "http://[::1]:1"]
        {
            assert!(issuer(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "as.example",
            "http://as.example",
            "http://localhost.example",
            "https://as.example?x=1",
            "https://as.example#x",
            "https://u@as.example",
            "ftp://localhost",
        ] {
            assert!(issuer(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_endpoint_is_as_safe_as_its_issuer() {
        let far = issuer("https://as.example").unwrap();
        let near = issuer("http://127.0.0.1:8080").unwrap();
        for (issuer, text, fine) in [
            (&far, "https://keys.example/jwks", true),
            (&far, "http://as.example/jwks", false),
            (&far, "http://127.0.0.1/jwks", false),
            (&far, "jwks", false),
            (&near, "http://127.0.0.1:8080/jwks", true),
            (&near, "http://as.example/jwks", false),
        ] {
            assert_eq!(endpoint(issuer, text).is_ok(), fine, "{text}");
        }
    }
}
