"""RFC 9068 access tokens, verified as a resource server would: by PyJWT and by joserfc from the JWKS alone."""

import time

import jwt
import pytest
import requests
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet

from test_code import obtain

APIS = [("es256", "ES256"), ("eddsa", "EdDSA"), ("rs256", "RS256")]


@pytest.fixture(params=APIS, ids=[alg for _, alg in APIS])
def api(request, run):
    """A protected API whose tokens are JWTs, and its algorithm."""
    name, algorithm = request.param
    made = run["apis"][name]
    assert "error" not in made, f"api create: {made.get('error')}"
    return made["resource"], algorithm


def verify(token, metadata, resource, algorithm):
    """The claims, checked by both libraries; each picks the key by `kid`."""
    header = jwt.get_unverified_header(token)
    assert header["alg"] == algorithm
    assert header["typ"] in ("at+jwt", "application/at+jwt"), "RFC 9068 §2.1"
    key = jwt.PyJWKClient(metadata["jwks_uri"]).get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key.key, algorithms=[algorithm], audience=resource, issuer=metadata["issuer"],
                        options={"require": ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"]})
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())
    again = joserfc_jwt.decode(token, keys, algorithms=[algorithm])
    assert again.claims == claims
    assert claims["iat"] <= time.time() + 1 and claims["exp"] - claims["iat"] <= 600
    return claims


def test_rfc9068_client_credentials_token(api, session, metadata, introspect):
    resource, algorithm = api
    client = session("service")
    token = dict(client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials", scope="read", resource=resource))
    claims = verify(token["access_token"], metadata, resource, algorithm)
    assert claims["client_id"] == claims["sub"] == client.client_id, "RFC 9068 §2.2: without a user the client is the subject"
    assert claims["scope"] == "read"
    assert introspect(token["access_token"])["active"] is True
    client.revoke_token(metadata["revocation_endpoint"], token=token["access_token"])
    assert introspect(token["access_token"]) == {"active": False}


def test_rfc9068_user_token_keeps_its_audience_through_refresh(api, session, metadata, issuer, person, run):
    resource, algorithm = api
    client = session("basic", scope="read offline_access")
    token, _ = obtain(client, metadata, issuer, person("niklaus"), resource=resource)
    claims = verify(token["access_token"], metadata, resource, algorithm)
    assert claims["sub"] == run["users"]["niklaus"]["id"] and "auth_time" in claims
    refreshed = dict(client.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"]))
    again = verify(refreshed["access_token"], metadata, resource, algorithm)
    assert again["sub"] == claims["sub"] and again["jti"] != claims["jti"]


def test_a_changed_jwt_is_refused(api, session, metadata, introspect):
    resource, _ = api
    token = session("service").fetch_token(metadata["token_endpoint"], grant_type="client_credentials", scope="read", resource=resource)
    head, body, signature = token["access_token"].split(".")
    turned = signature[:-6] + ("A" if signature[-6] != "A" else "B") + signature[-5:]
    assert introspect(f"{head}.{body}.{turned}") == {"active": False}


def test_an_unknown_resource_is_refused(session, metadata):
    from authlib.integrations.base_client.errors import OAuthError

    with pytest.raises(OAuthError, match="invalid_target"):
        session("service").fetch_token(metadata["token_endpoint"], grant_type="client_credentials", resource="https://nobody.example")


def test_the_id_token_verifies_against_the_jwks(session, metadata, issuer, person, run):
    client = session("basic", scope="openid")
    token, _ = obtain(client, metadata, issuer, person(), nonce="n-0S6_WzA2Mj")
    key = jwt.PyJWKClient(metadata["jwks_uri"]).get_signing_key_from_jwt(token["id_token"])
    claims = jwt.decode(token["id_token"], key.key, algorithms=["RS256"], audience=client.client_id, issuer=issuer)
    assert claims["nonce"] == "n-0S6_WzA2Mj" and claims["sub"] == run["users"]["ada"]["id"]
