//! RFC 6750 §2 — where a token may come in a request: in one place, and not a second time

use crate::challenge::Refusal;
use axum::body::Body;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, Method};
use http_body_util::{BodyExt, Limited};
use valetkey_core::store::Api;

/// Bytes of a form body that is read to look for a token.
const MAX_FORM: usize = 1024 * 1024;

const TWICE: Refusal<'static> = Refusal::Request("send the access token once, in the Authorization header");
const MALFORMED: Refusal<'static> =
    Refusal::Request("the Authorization header is `Bearer` or `DPoP`, a space and the token");

/// What came with a request, and the request without it.
#[derive(Debug)]
pub(crate) struct Credential {
    pub(crate) token: Option<String>,
    /// Whether it came by the scheme `DPoP`.
    pub(crate) dpop: bool,
    /// Without `access_token`.
    pub(crate) query: Option<String>,
    pub(crate) body: Body,
}

/// Takes the token out of a request.
pub(crate) async fn take(api: &Api, parts: &Parts, body: Body) -> Result<Credential, Refusal<'static>> {
    let Found { token, dpop, query } = find(api.query_access_token, &parts.headers, parts.uri.query())?;
    if !(api.query_access_token && is_form(parts)) {
        return Ok(Credential { token, dpop, query, body });
    }
    let read = Limited::new(body, MAX_FORM).collect().await.map_err(|_| Refusal::TooLarge)?.to_bytes();
    let form = std::str::from_utf8(&read).map_err(|_| Refusal::Request("the form must be UTF-8"))?;
    let (in_form, rest) = split(form)?;
    let body = match &in_form {
        Some(_) => Body::from(Bytes::from(rest)),
        None => Body::from(read),
    };
    Ok(Credential { token: one(token, in_form)?, dpop, query, body })
}

/// What stands in header and query.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) token: Option<String>,
    /// RFC 9449 §7.1: with a proof beside it.
    pub(crate) dpop: bool,
    /// Without `access_token`.
    pub(crate) query: Option<String>,
}

/// Looks into header and query; a token in the query is one only where the API `opted` in.
pub(crate) fn find(opted: bool, headers: &HeaderMap, query: Option<&str>) -> Result<Found, Refusal<'static>> {
    let header = in_header(headers)?;
    let dpop = header.is_some_and(|(_, dpop)| dpop);
    let in_header = header.map(|(token, _)| token.to_owned());
    let Some(query) = query else { return Ok(Found { token: in_header, dpop, query: None }) };
    let (in_query, rest) = split(query)?;
    let both = in_header.is_some() && in_query.is_some();
    if both {
        return Err(TWICE);
    }
    // RFC 6750 §2.3: a token in the query is none, unless the API opted in.
    let in_query = in_query.filter(|_| opted);
    Ok(Found { token: one(in_header, in_query)?, dpop, query: Some(rest) })
}

fn one(first: Option<String>, second: Option<String>) -> Result<Option<String>, Refusal<'static>> {
    if first.is_some() && second.is_some() { Err(TWICE) } else { Ok(first.or(second)) }
}

/// RFC 6750 §2.1, RFC 9449 §7.1; the scheme's case does not matter. Another scheme is no token.
fn in_header(headers: &HeaderMap) -> Result<Option<(&str, bool)>, Refusal<'static>> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(TWICE);
    }
    let value = value.to_str().map_err(|_| MALFORMED)?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    let dpop = scheme.eq_ignore_ascii_case("dpop");
    if !dpop && !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(None);
    }
    let token = token.trim_matches(' ');
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    if token.is_empty() || !token.bytes().all(plain) { Err(MALFORMED) } else { Ok(Some((token, dpop))) }
}

/// RFC 6750 §2.2: the one kind of body that can hold a token.
fn is_form(parts: &Parts) -> bool {
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        && !matches!(parts.method, Method::GET | Method::HEAD)
}

/// The `access_token` of a form-encoded text, and the text without it, otherwise byte for byte.
fn split(form: &str) -> Result<(Option<String>, String), Refusal<'static>> {
    let mut token = None;
    let mut rest = String::with_capacity(form.len());
    for pair in form.split('&') {
        let named = form_urlencoded::parse(pair.as_bytes()).next().filter(|(name, _)| name == "access_token");
        if let Some((_, value)) = named {
            if token.replace(value.into_owned()).is_some() {
                return Err(TWICE);
            }
            continue;
        }
        if !rest.is_empty() {
            rest.push('&');
        }
        rest.push_str(pair);
    }
    Ok((token, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn found(
        opted: bool,
        header: &[&str],
        query: Option<&str>,
    ) -> Result<(Option<String>, Option<String>), ()> {
        let mut headers = HeaderMap::new();
        for value in header {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).expect("ASCII"));
        }
        find(opted, &headers, query).map(|found| (found.token, found.query)).map_err(drop)
    }

    #[test]
    fn rfc6750_section_2_a_token_comes_in_one_place() {
        let some = |token: &str| Ok((Some(token.to_owned()), None));
        assert_eq!(found(false, &["Bearer abc"], None), some("abc"));
        assert_eq!(found(false, &["bearer  abc "], None), some("abc"));
        assert_eq!(found(false, &["Basic abc"], None), Ok((None, None)));
        assert_eq!(found(false, &["DPoP abc"], None), some("abc"));
        for bad in [
            &["Bearer"][..],
            &["Bearer "],
            &["Bearer a b"],
            &["Bearer a,b"],
            &["Bearer a", "Bearer a"],
            &["Bearer a", "Basic b"],
        ] {
            assert_eq!(found(true, bad, None), Err(()), "{bad:?}");
        }
        let with = |token: Option<&str>, query: &str| Ok((token.map(str::to_owned), Some(query.to_owned())));
        assert_eq!(found(true, &[], Some("a=1&access_token=t&b=%2F")), with(Some("t"), "a=1&b=%2F"));
        assert_eq!(found(true, &[], Some("acc%65ss_token=t")), with(Some("t"), ""));
        assert_eq!(found(false, &[], Some("access_token=t&a=1")), with(None, "a=1"), "not opted in");
        assert_eq!(found(true, &["Bearer x"], Some("access_token=t")), Err(()));
        assert_eq!(found(false, &["Bearer x"], Some("access_token=t")), Err(()));
        assert_eq!(found(true, &[], Some("access_token=t&access_token=t")), Err(()));
    }
}
