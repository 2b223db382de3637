//! RFC 7636 — Proof Key for Code Exchange; S256 only (RFC 9700 §2.1.1)

use crate::error::{Code, Denial};
use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq;

/// RFC 7636 §4.2: base64url of a SHA-256 digest is 43 characters.
const CHALLENGE_LEN: usize = 43;

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
    let whole = challenge.len() == CHALLENGE_LEN
        && BASE64URL_NOPAD.decode(challenge.as_bytes()).is_ok_and(|digest| digest.len() == 32);
    if !whole {
        return Err(Code::InvalidRequest
            .because("code_challenge must be the base64url of a SHA-256 digest, 43 characters"));
    }
    Ok(challenge)
}

/// Checks the verifier of a token request against the challenge that the code carries.
pub fn verify(challenge: &str, verifier: Option<&str>) -> Result<(), Denial> {
    let Some(verifier) = verifier else {
        return Err(
            Code::InvalidGrant.because("send the code_verifier whose challenge began this authorization")
        );
    };
    // RFC 7636 §4.1: 43 to 128 unreserved characters.
    let shaped = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    let expected = BASE64URL_NOPAD.encode(digest.as_ref());
    if !shaped || !bool::from(expected.as_bytes().ct_eq(challenge.as_bytes())) {
        return Err(Code::InvalidGrant
            .because("code_verifier does not belong to the code_challenge of this authorization"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(verify(CHALLENGE, verifier).is_ok(), ok, "{verifier:?}");
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
