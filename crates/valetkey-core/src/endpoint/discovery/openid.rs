//! OIDC Discovery §3 — what is promised of ID tokens, userinfo, claims and subjects

use crate::claims;
use crate::client::profile::SubjectType;
use crate::context::Server;
use crate::jose::SigningAlgorithm;
use crate::jose::jwe::{Algorithm, Encryption};
use serde_json::{Map, Value, json};

/// Of an ID token, beside those about the person.
const PROTOCOL: [&str; 15] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "tenant",
];

pub(super) fn members(server: &Server) -> Map<String, Value> {
    let signing = SigningAlgorithm::ALL.map(SigningAlgorithm::name);
    let (alg, enc) = (Algorithm::ALL.map(|(name, _)| name), Encryption::ALL.map(|(name, _)| name));
    let claims: Vec<&str> = PROTOCOL.into_iter().chain(claims::ALL.iter().map(|claim| claim.name)).collect();
    let all = json!({
        "subject_types_supported": SubjectType::ALL.map(|(name, _)| name),
        "id_token_signing_alg_values_supported": signing,
        "id_token_encryption_alg_values_supported": alg,
        "id_token_encryption_enc_values_supported": enc,
        "userinfo_signing_alg_values_supported": signing,
        "userinfo_encryption_alg_values_supported": alg,
        "userinfo_encryption_enc_values_supported": enc,
        "acr_values_supported": server.settings.acr.all(),
        "claim_types_supported": ["normal"],
        "claims_supported": claims,
        "claims_parameter_supported": true,
        "display_values_supported": ["page"],
        "ui_locales_supported": ["en"],
    });
    if let Value::Object(members) = all { members } else { Map::new() }
}
