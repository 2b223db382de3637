//! RFC 9068 §4, RFC 7662 §2.2 — what must hold of a token, however it was read

use crate::caller::{Caller, Scope};
use crate::certificate;
use crate::refusal::Refusal;
use serde_json::{Map, Value};
use std::time::Duration;

pub(crate) const EXPIRED: Refusal = Refusal::Token("The access token has expired or is not valid yet.");
pub(crate) const OTHER_ISSUER: Refusal = Refusal::Token("The access token is another issuer's.");
pub(crate) const OTHER_AUDIENCE: Refusal = Refusal::Token("The access token is meant for another API.");

/// What an API expects of a token.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) issuer: String,
    pub(crate) audience: Vec<String>,
    pub(crate) leeway: Duration,
}

/// How the claims came to us; an introspection answer may leave out more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Jwt,
    Introspection,
}

impl Expected {
    /// Judges claims whose origin is proven.
    pub(crate) fn judge(
        &self,
        source: Source,
        claims: Map<String, Value>,
        now: Duration,
    ) -> Result<Caller, Refusal> {
        let strict = source == Source::Jwt;
        certificate::check(claims.get("cnf"))?;
        match claims.get("iss") {
            Some(Value::String(issuer)) if *issuer == self.issuer => {}
            None if !strict => {}
            _ => return Err(OTHER_ISSUER),
        }
        // Without an audience a token is for everybody; then it is not for us.
        if !claims.get("aud").is_some_and(|aud| self.is_ours(aud)) {
            return Err(OTHER_AUDIENCE);
        }
        self.check_times(&claims, now, strict)?;
        caller(claims, strict)
    }

    /// RFC 7519 §4.1.3: one string, or several.
    fn is_ours(&self, aud: &Value) -> bool {
        let ours =
            |name: &Value| name.as_str().is_some_and(|name| self.audience.iter().any(|own| own == name));
        match aud {
            Value::Array(names) => names.iter().any(ours),
            name => ours(name),
        }
    }

    fn check_times(&self, claims: &Map<String, Value>, now: Duration, strict: bool) -> Result<(), Refusal> {
        let fine = match seconds(claims, "exp")? {
            Some(exp) => now < exp.saturating_add(self.leeway),
            None => !strict,
        };
        let begun = seconds(claims, "nbf")?.is_none_or(|nbf| nbf <= now.saturating_add(self.leeway));
        if fine && begun { Ok(()) } else { Err(EXPIRED) }
    }
}

/// A NumericDate (RFC 7519 §2), which may have a fraction. What is no time at all is no valid claim.
pub(crate) fn seconds(claims: &Map<String, Value>, name: &str) -> Result<Option<Duration>, Refusal> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let whole = value.as_u64().map(Duration::from_secs);
    let time = whole.or_else(|| value.as_f64().and_then(|f| Duration::try_from_secs_f64(f).ok()));
    time.map(Some).ok_or(EXPIRED)
}

fn caller(claims: Map<String, Value>, strict: bool) -> Result<Caller, Refusal> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let client = text("client_id").map(str::to_owned);
    let subject = text("sub").map(str::to_owned).or_else(|| client.clone().filter(|_| !strict));
    // RFC 9068 §2.2: a JWT says both.
    if strict && client.is_none() {
        return Err(Refusal::Token("The access token does not say which client it is for."));
    }
    let subject = subject.ok_or(Refusal::Token("The access token does not say who calls."))?;
    let scope = text("scope").map(Scope::parse).unwrap_or_default();
    Ok(Caller { subject, client, scope, claims })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn judge(source: Source, change: &Value) -> Result<Caller, Refusal> {
        let expected = Expected {
            issuer: "https://as.example".to_owned(),
            audience: vec!["https://photos.example".to_owned()],
            leeway: Duration::from_secs(10),
        };
        let claims = json!({"iss": "https://as.example", "aud": "https://photos.example", "exp": 2000,
            "sub": "usr_1", "client_id": "app_1", "scope": "a b"});
        let Value::Object(mut claims) = claims else { unreachable!() };
        for (name, value) in change.as_object().unwrap() {
            match value {
                Value::Null => claims.remove(name),
                value => claims.insert(name.clone(), value.clone()),
            };
        }
        expected.judge(source, claims, Duration::from_secs(1000))
    }

    #[test]
    fn rfc9068_section_4_a_token_is_ours_now_and_somebodys() {
        let missing = Refusal::Token("The access token does not say who calls.");
        let clientless = Refusal::Token("The access token does not say which client it is for.");
        for (change, jwt, opaque) in [
            (json!({}), None, None),
            (json!({"aud": ["x", "https://photos.example"]}), None, None),
            (json!({"aud": "https://photos.example/"}), Some(OTHER_AUDIENCE), Some(OTHER_AUDIENCE)),
            (json!({"aud": []}), Some(OTHER_AUDIENCE), Some(OTHER_AUDIENCE)),
            (json!({"aud": null}), Some(OTHER_AUDIENCE), Some(OTHER_AUDIENCE)),
            (json!({"iss": "https://as.example/"}), Some(OTHER_ISSUER), Some(OTHER_ISSUER)),
            (json!({"iss": 1}), Some(OTHER_ISSUER), Some(OTHER_ISSUER)),
            (json!({"iss": null}), Some(OTHER_ISSUER), None),
            (json!({"exp": 991}), None, None),
            (json!({"exp": 990}), Some(EXPIRED), Some(EXPIRED)),
            (json!({"exp": 1990.5}), None, None),
            (json!({"exp": "2000"}), Some(EXPIRED), Some(EXPIRED)),
            (json!({"exp": -1}), Some(EXPIRED), Some(EXPIRED)),
            (json!({"exp": null}), Some(EXPIRED), None),
            (json!({"nbf": 1010}), None, None),
            (json!({"nbf": 1011}), Some(EXPIRED), Some(EXPIRED)),
            (json!({"sub": null}), Some(missing), None),
            (json!({"client_id": null}), Some(clientless), None),
            (json!({"sub": null, "client_id": null}), Some(clientless), Some(missing)),
        ] {
            assert_eq!(judge(Source::Jwt, &change).err(), jwt, "JWT {change}");
            assert_eq!(judge(Source::Introspection, &change).err(), opaque, "introspection {change}");
        }
    }

    #[test]
    fn rfc6749_section_3_3_scopes_are_compared_whole() {
        let caller = judge(Source::Jwt, &json!({"scope": "photos.read  photos.write"})).unwrap();
        assert!(caller.scope.contains("photos.read") && caller.scope.contains("photos.write"));
        assert!(!caller.scope.contains("photos") && !caller.scope.contains(""));
        assert_eq!(caller.scope.to_string(), "photos.read photos.write");
        assert_eq!(judge(Source::Jwt, &json!({"scope": null})).unwrap().scope.iter().count(), 0);
    }
}
