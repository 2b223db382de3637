"""RFC 8414 and OpenID Connect Discovery: what the server promises, read by Authlib's own validator."""

import requests
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.discovery import OpenIDProviderMetadata

ENDPOINTS = ("authorization_endpoint", "token_endpoint", "revocation_endpoint", "introspection_endpoint", "jwks_uri")


def document(issuer, name):
    answer = requests.get(f"{issuer}/.well-known/{name}", timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    return answer.json()


def loopback_as_https(metadata):
    """The validator refuses http; on loopback http is what there is."""
    return {name: value.replace("http://", "https://", 1) if isinstance(value, str) else value for name, value in metadata.items()}


def test_rfc8414_metadata_passes_authlib_validation(issuer):
    metadata = document(issuer, "oauth-authorization-server")
    AuthorizationServerMetadata(loopback_as_https(metadata)).validate()
    assert metadata["issuer"] == issuer
    assert all(metadata[name].startswith(issuer + "/") for name in ENDPOINTS)


def test_openid_configuration_passes_authlib_validation(issuer):
    metadata = document(issuer, "openid-configuration")
    OpenIDProviderMetadata(loopback_as_https(metadata)).validate()
    assert metadata["issuer"] == issuer
    assert "RS256" in metadata["id_token_signing_alg_values_supported"]
    assert "none" not in metadata["id_token_signing_alg_values_supported"]
    assert metadata["userinfo_endpoint"].startswith(issuer + "/")


def test_metadata_promises_what_the_strict_profile_offers(metadata):
    assert metadata["response_types_supported"] == ["code"]
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert {"query", "form_post"} <= set(metadata["response_modes_supported"])
    assert {"authorization_code", "client_credentials", "refresh_token"} <= set(metadata["grant_types_supported"])
    assert not {"password", "implicit"} & set(metadata["grant_types_supported"])
    assert {"client_secret_basic", "client_secret_post", "none"} <= set(metadata["token_endpoint_auth_methods_supported"])
    assert {"openid", "profile", "email", "offline_access"} <= set(metadata["scopes_supported"])


def test_jwks_holds_public_keys_only(metadata):
    answer = requests.get(metadata["jwks_uri"], timeout=10)
    keys = answer.json()["keys"]
    assert keys and len({key["kid"] for key in keys}) == len(keys)
    for key in keys:
        assert not {"d", "p", "q", "dp", "dq", "qi", "k", "oth"} & set(key), "a private member in the JWKS"
        promised = {
            "sig": ("EdDSA", "ES256", "RS256", "PS256"),
            "enc": metadata["request_object_encryption_alg_values_supported"],
        }
        assert key["alg"] in promised[key["use"]]


def test_dev_is_ready_within_three_seconds(run):
    assert run["ready_after"] <= 3.0
