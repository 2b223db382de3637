//! RFC 8414, OIDC Discovery §3 — server metadata: exactly what works, no more

mod openid;

use crate::client::AuthMethod;
use crate::client::profile::DELIVERY_MODES;
use crate::context::Context;
use crate::error::Fault;
use crate::grant::GrantType;
use crate::interaction::{Prompt, ResponseMode, ResponseType};
use crate::jose::{SigningAlgorithm, jwe, jwk};
use crate::settings::{DynamicRegistration, MetadataDocuments};
use serde_json::{Map, Value, json};

pub use crate::settings::path;

/// The metadata document; both well-known addresses serve the same.
pub async fn metadata(cx: &Context) -> Result<Value, Fault> {
    let grants = cx.offered_grants().await?;
    let answers = cx.offered_answers().await?;
    let url = |path: &str| cx.settings.url(path);
    let certificates = &cx.settings.mutual_tls;
    // `client_secret` is our name for "either"; the standard's two stand for it.
    let methods = |public: bool| -> Vec<&str> {
        let all = AuthMethod::ALL.into_iter();
        let own = |method| match method {
            AuthMethod::ClientSecret => false,
            AuthMethod::None => public,
            AuthMethod::TlsClientAuth => certificates.arrives && certificates.vouched,
            AuthMethod::SelfSignedTlsClientAuth => certificates.arrives,
            _ => true,
        };
        all.filter(|(_, method)| own(*method)).map(|(name, _)| name).collect()
    };
    let algorithms = jwk::Algorithm::ALL.map(|(name, _)| name);
    let catalog = cx.catalog();
    let mut metadata = json!({
        "issuer": cx.settings.issuer(),
        "authorization_endpoint": url(path::AUTHORIZE),
        "token_endpoint": url(path::TOKEN),
        "pushed_authorization_request_endpoint": url(path::PAR),
        "jwks_uri": url(path::JWKS),
        "userinfo_endpoint": url(path::USERINFO),
        "revocation_endpoint": url(path::REVOKE),
        "introspection_endpoint": url(path::INTROSPECT),
        "scopes_supported": catalog.scopes().map(|words| words.name.as_str()).collect::<Vec<_>>(),
        "grant_types_supported": grants.iter().map(|grant| grant.name()).collect::<Vec<_>>(),
        "token_endpoint_auth_methods_supported": methods(true),
        "revocation_endpoint_auth_methods_supported": methods(true),
        "introspection_endpoint_auth_methods_supported": methods(false),
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "dpop_signing_alg_values_supported": algorithms,
        "tls_client_certificate_bound_access_tokens": certificates.arrives,
    });
    if let Some(members) = metadata.as_object_mut() {
        members.extend(of_requests(cx, &answers));
        members.extend(of_approvals(cx, &grants));
        members.extend(of_logout(cx));
        members.append(&mut openid::members(cx));
    }
    if let Some(base) = &certificates.url {
        metadata["mtls_endpoint_aliases"] = aliases(&metadata, cx.settings.issuer(), base);
    }
    if cx.in_force().dynamic != DynamicRegistration::Off {
        metadata["registration_endpoint"] = url(path::REGISTER).into();
    }
    metadata["client_id_metadata_document_supported"] =
        (cx.settings.metadata_documents != MetadataDocuments::Off).into();
    Ok(metadata)
}

/// RFC 8628 §4, CIBA Core §4 — what is decided on another device.
fn of_approvals(cx: &Context, grants: &[GrantType]) -> Map<String, Value> {
    let mut metadata = Map::new();
    let mut add = |name: &str, value: Value| metadata.insert(name.to_owned(), value);
    if grants.contains(&GrantType::DeviceCode) {
        add("device_authorization_endpoint", cx.settings.url(path::DEVICE_AUTHORIZATION).into());
    }
    if grants.contains(&GrantType::Ciba) {
        let algorithms = jwk::Algorithm::ALL.map(|(name, _)| name);
        add("backchannel_authentication_endpoint", cx.settings.url(path::BACKCHANNEL).into());
        add("backchannel_token_delivery_modes_supported", json!(DELIVERY_MODES));
        add("backchannel_authentication_request_signing_alg_values_supported", json!(algorithms));
        add("backchannel_user_code_parameter_supported", false.into());
    }
    metadata
}

/// OIDC RP-Initiated Logout §2.1, Session Management §3.3, Back-Channel Logout §2.1, Front-Channel Logout §3.
fn of_logout(cx: &Context) -> Map<String, Value> {
    [
        ("end_session_endpoint", cx.settings.url(path::LOGOUT).into()),
        ("check_session_iframe", cx.settings.url(path::CHECK_SESSION).into()),
        ("backchannel_logout_supported", true.into()),
        ("backchannel_logout_session_supported", true.into()),
        ("frontchannel_logout_supported", true.into()),
        ("frontchannel_logout_session_supported", true.into()),
    ]
    .map(|(name, value): (&str, Value)| (name.to_owned(), value))
    .into_iter()
    .collect()
}

/// What an authorization request may ask for, and how it is answered.
fn of_requests(cx: &Context, answers: &[ResponseType]) -> Map<String, Value> {
    let kinds = answers.iter().map(|kind| kind.name());
    let modes = ResponseMode::ALL.map(|(name, _)| name).into_iter().chain([ResponseMode::SHORT]);
    let mut metadata = json!({
        "response_types_supported": kinds.collect::<Vec<_>>(),
        "response_modes_supported": modes.collect::<Vec<_>>(),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": Prompt::offered(cx).map(|(name, _)| name).collect::<Vec<_>>(),
        "require_pushed_authorization_requests": cx.settings.require_pushed_authorization_requests,
        "require_signed_request_object": false,
        "request_parameter_supported": true,
        "request_uri_parameter_supported": cx.settings.request_uri_parameter_supported,
        "require_request_uri_registration": cx.settings.request_uri_parameter_supported,
        "request_object_signing_alg_values_supported": jwk::Algorithm::ALL.map(|(name, _)| name),
        "authorization_signing_alg_values_supported": SigningAlgorithm::ALL.map(SigningAlgorithm::name),
        "request_object_encryption_alg_values_supported": jwe::Algorithm::ALL.map(|(name, _)| name),
        "request_object_encryption_enc_values_supported": jwe::Encryption::ALL.map(|(name, _)| name),
        "authorization_encryption_alg_values_supported": jwe::Algorithm::ALL.map(|(name, _)| name),
        "authorization_encryption_enc_values_supported": jwe::Encryption::ALL.map(|(name, _)| name),
        "authorization_response_iss_parameter_supported": true,
    });
    let in_force = cx.in_force();
    let details: Vec<_> =
        in_force.applied.authorization_details_types.iter().map(|own| own.name.as_str()).collect();
    if !details.is_empty() {
        metadata["authorization_details_types_supported"] = details.into();
    }
    metadata.as_object().cloned().unwrap_or_default()
}

/// RFC 8705 §5 — the endpoints at which a client comes with its certificate, at the host that asks for one.
fn aliases(metadata: &Value, issuer: &str, base: &str) -> Value {
    const NAMES: [&str; 7] = [
        "token_endpoint",
        "revocation_endpoint",
        "introspection_endpoint",
        "userinfo_endpoint",
        "pushed_authorization_request_endpoint",
        "device_authorization_endpoint",
        "backchannel_authentication_endpoint",
    ];
    let named = NAMES.into_iter().filter_map(|name| Some((name, metadata.get(name)?.as_str()?)));
    let moved = named.filter_map(|(name, at)| {
        Some((name.to_owned(), format!("{base}{}", at.strip_prefix(issuer)?).into()))
    });
    Value::Object(moved.collect())
}
