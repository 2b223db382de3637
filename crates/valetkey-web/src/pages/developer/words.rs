//! The portal's words: kinds, refusals and what to change about them.

use valetkey_core::client::Client;
use valetkey_core::client::listing::Kind;
use valetkey_core::store::{Audience, OfferKind};

/// What a kind is called, and what that means.
pub(super) fn of_kind(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Web => ("Web application", "Runs on a server of yours, which can keep a secret."),
        Kind::Browser => {
            ("Single-page application", "Runs in the visitor's browser. It has no secret; PKCE protects it.")
        }
        Kind::Native => (
            "Phone or desktop app",
            "Has no secret. Comes back by an address of its own, or a port on 127.0.0.1.",
        ),
        Kind::Device if kind.has_callback() => {
            ("Device or command line", "Has no secret. Comes back by a port on 127.0.0.1.")
        }
        Kind::Device => ("Device or command line", "Has no browser: people type a code on another device."),
        Kind::Machine => ("Machine", "Acts for itself: nobody signs in, and there is no callback."),
    }
}

/// The same of an application; one that an operator registered is told by its credentials.
pub(super) fn kind(client: &Client) -> (&'static str, &'static str) {
    match client.listing.kind {
        Some(kind) => of_kind(kind),
        None if client.is_public() => ("Public application", ""),
        None => ("Confidential application", ""),
    }
}

pub(super) fn is_transfer(kind: OfferKind) -> bool {
    kind == OfferKind::Transfer
}

pub(super) fn full(most: u32) -> String {
    format!("You own {most} applications, as many as anybody may here: delete one that is not used.")
}

/// A rule's words as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first =
        chars.next().map(|c| if text.contains("://") { c.to_string() } else { c.to_uppercase().collect() });
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    first.map(|first| format!("{first}{}{end}", chars.as_str())).unwrap_or_default()
}

/// A number of people or grants; counting ends somewhere.
pub(super) fn number(count: u32) -> String {
    if count >= Audience::MOST { format!("{}+", Audience::MOST) } else { count.to_string() }
}

/// What to change about a refusal.
pub(super) fn advice(endpoint: &str, code: &str, detail: &str) -> &'static str {
    match (endpoint, code) {
        ("authorize", "invalid_request") if detail.contains("redirect_uri in the link") => {
            "Compare it letter by letter with the callbacks of this application: a slash at the end, http for https, a \
             port or a capital letter make it another address. Change the link, or add this address."
        }
        ("authorize", "invalid_request") if detail.contains("code_challenge") => {
            "Make a new code_verifier for each sign-in, and send its SHA-256 as code_challenge with \
             code_challenge_method=S256. Every library does it when PKCE is switched on."
        }
        ("authorize", "invalid_request") => {
            "Compare your link with the sample link of this application: it has every parameter that is needed."
        }
        (_, "unsupported_response_type") => "Send response_type=code.",
        (_, "invalid_scope") => "Ask only for what is listed under “What it may ask for”.",
        (_, "invalid_target") => {
            "Name an API of this server as resource, by its exact address, or leave resource out."
        }
        (_, "login_required" | "consent_required" | "interaction_required") => {
            "Nothing is wrong: with prompt=none nobody is asked. Send the person again without it."
        }
        (_, "unauthorized_client") => {
            "This application may not do that here. Its grants are listed below; those who run this server decide on them."
        }
        (_, "unsupported_grant_type") => "Send a grant_type that is listed under “What it may ask for”.",
        ("token", "invalid_client") if detail.contains("expired") => {
            "Make a new secret here, give it to the application, and delete the old one when it is no longer used."
        }
        ("token", "invalid_client") if detail.contains("none of this") => {
            "The application sends another secret than those listed here, perhaps one that was deleted. Compare its \
             configuration, or make a new secret and give it to the application."
        }
        ("token", "invalid_client") if detail.contains("no client secret") => {
            "Send client_id and client_secret: as user and password by HTTP Basic, or as fields of the form."
        }
        ("token", "invalid_client") if detail.contains("public") => {
            "Send client_id alone. A program in other people's hands cannot keep a secret."
        }
        ("token", "invalid_client") => {
            "Compare how the application proves itself with the samples of this page."
        }
        ("token", "invalid_grant") => {
            "Redeem a code once, within a minute, with the redirect_uri and the code_verifier of the sign-in it came \
             from. Use a refresh token once, and keep its successor."
        }
        ("token", "invalid_request") => {
            "Compare the request with the samples of this page: fields of a form in the body, each once."
        }
        (_, "invalid_dpop_proof") => {
            "Make a new proof for each request, with its method, its address and the time now."
        }
        _ => "Compare the request with the samples of this page.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_told_as_a_sentence_and_an_address_stays_as_it_is() {
        for (text, want) in [
            ("the name must have 1 to 200 characters", "The name must have 1 to 200 characters."),
            ("http://x: use https", "http://x: use https."),
            ("", ""),
        ] {
            assert_eq!(sentence(text), want);
        }
    }

    #[test]
    fn every_refusal_comes_with_something_to_do() {
        for endpoint in ["authorize", "token"] {
            for code in
                ["invalid_request", "invalid_client", "invalid_grant", "invalid_scope", "something_new"]
            {
                assert!(advice(endpoint, code, "").len() > 10, "{endpoint} {code}");
            }
        }
    }
}
