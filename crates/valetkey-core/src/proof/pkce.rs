//! RFC 7636 — Proof Key for Code Exchange; S256 only (RFC 9700 §2.1.1)

use crate::client::Client;
use crate::client::compat::Compat;
use crate::error::{Code, Denial};
use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq;

/// RFC 7636 §4.2: base64url of a SHA-256 digest is 43 characters.
const CHALLENGE_LEN: usize = 43;
const DIGEST_LEN: usize = 32;

/// Opt-in `no_pkce`: only for a client whose secret stands in for the proof.
pub fn may_be_left_out(client: &Client) -> bool {
    client.has(Compat::NoPkce) && !client.is_public()
}

/// Checks the challenge of an authorization request.
pub fn challenge<'a>(challenge: Option<&'a str>, method: Option<&str>) -> Result<&'a str, Denial> {
    let Some(challenge) = challenge else {
        return Err(Code::InvalidRequest
            .because("send code_challenge with code_challenge_method=S256 (PKCE, RFC 7636)"));
    };
    if method != Some("S256") {
        return Err(
            Code::InvalidRequest.because("send code_challenge_method=S256: the method plain is not accepted")
        );
    }
    let mut digest = [0; DIGEST_LEN];
    let whole = challenge.len() == CHALLENGE_LEN
        && BASE64URL_NOPAD.decode_mut(challenge.as_bytes(), &mut digest) == Ok(DIGEST_LEN);
    if !whole {
        return Err(Code::InvalidRequest
            .because("code_challenge must be the base64url of a SHA-256 digest, 43 characters"));
    }
    Ok(challenge)
}

/// RFC 7636 §4.2 — the challenge of a verifier.
pub fn s256(verifier: &str) -> String {
    challenge_of(verifier).map(char::from).iter().collect()
}

fn challenge_of(verifier: &str) -> [u8; CHALLENGE_LEN] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    let mut challenge = [0; CHALLENGE_LEN];
    BASE64URL_NOPAD.encode_mut(digest.as_ref(), &mut challenge);
    challenge
}

/// Checks the verifier of a token request against the challenge that the code carries; an empty one: it carries none.
pub fn verify(client: &Client, challenge: &str, verifier: Option<&str>) -> Result<(), Denial> {
    if challenge.is_empty() {
        // RFC 9700 §4.8.2: a verifier without a challenge means that somebody took the challenge out.
        return if verifier.is_none() && may_be_left_out(client) {
            Ok(())
        } else {
            Err(Code::InvalidGrant
                .because("this authorization began without code_challenge: begin it anew with one"))
        };
    }
    let Some(verifier) = verifier else {
        return Err(
            Code::InvalidGrant.because("send the code_verifier whose challenge began this authorization")
        );
    };
    // RFC 7636 §4.1: 43 to 128 unreserved characters.
    let shaped = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'));
    if !shaped || !bool::from(challenge_of(verifier).as_slice().ct_eq(challenge.as_bytes())) {
        return Err(Code::InvalidGrant
            .because("code_verifier does not belong to the code_challenge of this authorization"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::AuthMethod;

    // The pair printed in RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn rfc7636_section_4_6_the_verifier_must_hash_to_the_challenge() {
        for (verifier, ok) in [
            (Some(VERIFIER), true),
            (Some(CHALLENGE), false),
            (Some("short"), false),
            (Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX!"), false),
            (None, false),
        ] {
            for client in [client(true, AuthMethod::ClientSecret), client(false, AuthMethod::None)] {
                assert_eq!(verify(&client, CHALLENGE, verifier).is_ok(), ok, "{verifier:?}");
            }
        }
    }

    fn client(opted: bool, auth_method: AuthMethod) -> Client {
        let compat = opted.then_some(Compat::NoPkce).into_iter().collect();
        Client { auth_method, compat, ..crate::client::tests::client("app") }
    }

    #[test]
    fn rfc9700_section_4_8_2_without_a_challenge_only_an_opted_confidential_client_and_no_verifier() {
        for (opted, method, verifier, ok) in [
            (true, AuthMethod::ClientSecret, None, true),
            (true, AuthMethod::ClientSecret, Some(VERIFIER), false),
            (false, AuthMethod::ClientSecret, None, false),
            (false, AuthMethod::ClientSecret, Some(VERIFIER), false),
            (true, AuthMethod::None, None, false),
        ] {
            let got = verify(&client(opted, method), "", verifier);
            assert_eq!(got.is_ok(), ok, "{opted} {method:?} {verifier:?}");
        }
    }

    #[test]
    fn rfc7636_section_4_3_only_s256_challenges_begin() {
        for (value, method, ok) in [
            (Some(CHALLENGE), Some("S256"), true),
            (Some(CHALLENGE), Some("plain"), false),
            (Some(CHALLENGE), None, false),
            (None, Some("S256"), false),
            (Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c"), Some("S256"), false),
            (Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"), Some("S256"), false),
        ] {
            assert_eq!(challenge(value, method).is_ok(), ok, "{value:?} {method:?}");
        }
    }
}
