//! Whether a token is good here: genuine, live, not taken back, made for this API, and no proof of a key is missing.

use crate::challenge::Refusal;
use valetkey_core::context::Server;
use valetkey_core::proof::holder::{BOUND_TO_A_KEY, Shown};
use valetkey_core::store::Api;
use valetkey_core::time::Timestamp;
use valetkey_core::token::access::{self, AccessToken, Verified};

const INVALID: Refusal<'static> =
    Refusal::Token("the access token is unknown, expired, revoked, or was issued for another API");

/// From memory alone.
pub(crate) fn verify(
    server: &Server,
    api: &Api,
    (text, shown): (&str, &Shown),
    now: Timestamp,
) -> Result<Verified, Refusal<'static>> {
    let verified = access::verify(server, text, now).ok_or(INVALID)?;
    let token = verified.token().ok_or(INVALID)?;
    is_for(api, &token, shown)?;
    Ok(verified)
}

/// Whether it is good still, for whoever was let in by it.
pub(crate) fn stands(server: &Server, api: &Api, text: &str, now: Timestamp) -> bool {
    let verified = access::verify(server, text, now);
    let token = verified.as_ref().and_then(Verified::token);
    token.is_some_and(|token| token.audience.contains(&api.resource.as_str()))
}

/// RFC 9068 §4: the audience must be this API. RFC 7800 §3.1: a token bound to a key is nothing without its proof.
fn is_for(api: &Api, token: &AccessToken<'_>, shown: &Shown) -> Result<(), Refusal<'static>> {
    token.must_be_held_by(shown).map_err(|missed| match missed {
        BOUND_TO_A_KEY => Refusal::Bound(missed.detail),
        other => Refusal::Token(other.detail),
    })?;
    if token.audience.contains(&api.resource.as_str()) { Ok(()) } else { Err(INVALID) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use valetkey_core::ids::{Id, TokenId};

    fn token<'a>(audience: &[&'a str], confirmation: Option<&'a [u8]>) -> AccessToken<'a> {
        AccessToken {
            details: "",
            id: TokenId(Id::new(1, [0; 10])),
            client: "app",
            user: None,
            tenant: "default",
            grant: None,
            scope: "read",
            audience: audience.to_vec(),
            issued_at: Timestamp(0),
            expires_at: Timestamp(10),
            auth_time: None,
            confirmation,
        }
    }

    #[test]
    fn a_token_is_for_its_audience_and_a_bound_one_needs_its_proof() {
        let api = Api::new("a", "https://a.example", Timestamp(0));
        for (audience, confirmation, want) in [
            (&["https://a.example"][..], None, true),
            (&["https://b.example", "https://a.example"], None, true),
            (&["https://b.example"], None, false),
            (&["https://a.example/"], None, false),
            (&[], None, false),
            (&["https://a.example"], Some(&b"thumbprint"[..]), false),
        ] {
            assert_eq!(
                is_for(&api, &token(audience, confirmation), &Shown::default()).is_ok(),
                want,
                "{audience:?}"
            );
        }
    }
}
