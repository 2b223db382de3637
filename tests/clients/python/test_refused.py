"""The refused twins: each is the working request with one thing wrong."""

import re

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from person import Page, parameters_of


@pytest.fixture
def code(session, metadata, person):
    """A fresh code of the `basic` client with the verifier that redeems it."""
    client, verifier = session("basic", scope="read offline_access"), generate_token(48)
    url, _ = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
    return client, person().visit(url)["code"], verifier


def redeem(client, code, verifier, **more):
    return dict(client.fetch_token(grant_type="authorization_code", code=code, code_verifier=verifier, **more))


@pytest.mark.parametrize("wrong", [{"code_verifier": "a" * 48}, {"code_verifier": None},
                                   {"redirect_uri": "https://app.example/elsewhere"}, {"redirect_uri": "http://127.0.0.1/callback"}])
def test_a_wrong_verifier_or_redirect_uri_redeems_nothing(code, wrong):
    client, value, verifier = code
    fields = {"code_verifier": verifier, **wrong}
    with pytest.raises(OAuthError) as refused:
        client.fetch_token(grant_type="authorization_code", code=value, **{k: v for k, v in fields.items() if v})
    assert refused.value.error in ("invalid_grant", "invalid_request")
    assert value not in (refused.value.description or "")


def test_a_code_belongs_to_its_client(code, session):
    _, value, verifier = code
    with pytest.raises(OAuthError, match="invalid_grant"):
        redeem(session("either"), value, verifier)


def test_a_reused_code_is_refused_and_revokes_what_it_gave(code, introspect):
    client, value, verifier = code
    token = redeem(client, value, verifier)
    assert introspect(token["access_token"])["active"] is True
    with pytest.raises(OAuthError, match="invalid_grant"):
        redeem(client, value, verifier)
    assert introspect(token["access_token"]) == {"active": False}, "OAuth 2.1 §4.1.3"
    assert introspect(token["refresh_token"]) == {"active": False}


def authorization(client, metadata, **changes):
    """The parameters of a good authorization request, with changes; None leaves one out."""
    fields = {"response_type": "code", "client_id": client.client_id, "redirect_uri": client.redirect_uri, "scope": "read",
              "state": "xyz", "code_challenge": create_s256_code_challenge("v" * 48), "code_challenge_method": "S256", **changes}
    query = {name: value for name, value in fields.items() if value is not None}
    return requests.get(metadata["authorization_endpoint"], params=query, allow_redirects=False, timeout=10)


@pytest.mark.parametrize(("changes", "error"), [
    ({"scope": "read no-such-scope"}, "invalid_scope"),
    ({"code_challenge_method": "plain", "code_challenge": "v" * 48}, "invalid_request"),
    ({"code_challenge_method": None, "code_challenge": "v" * 48}, "invalid_request"),
    ({"code_challenge_method": None, "code_challenge": None}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code token"}, "unsupported_response_type"),
    ({"response_type": None}, "invalid_request"),
    ({"prompt": "none"}, "login_required"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"scope": ["read", "write"]}, "invalid_request"),
])
@pytest.mark.parametrize("name", ["basic", "public"])
def test_a_bad_authorization_request_comes_back_as_an_error(name, changes, error, session, metadata, issuer):
    client = session(name)
    answer = authorization(client, metadata, **changes)
    assert answer.status_code in (302, 303), f"{answer.status_code} {answer.text[:300]}"
    location = answer.headers["Location"]
    assert location.startswith(client.redirect_uri + "?")
    got = parameters_of(location)
    assert got["error"] == error, got.get("error_description")
    assert got["iss"] == issuer and got["state"] == "xyz" and "code" not in got


@pytest.mark.parametrize("changes", [
    {"redirect_uri": "https://app.example/callback/"}, {"redirect_uri": "https://app.example/callback?x=1"},
    {"redirect_uri": "https://app.example.evil.example/callback"}, {"redirect_uri": "http://app.example/callback"},
    {"redirect_uri": "https://app.example@evil.example/callback"}, {"redirect_uri": "http://localhost/callback"},
    {"redirect_uri": "http://127.0.0.1@evil.example/callback"}, {"redirect_uri": "javascript:alert(1)"},
    {"client_id": "nobody"}, {"client_id": None}, {"client_id": ["a", "b"]},
    {"redirect_uri": ["https://app.example/callback", "https://app.example/callback"]},
    # Two URIs are registered, so none can be assumed.
    {"redirect_uri": None},
])
def test_a_wrong_client_or_redirect_uri_is_told_to_the_person_only(changes, session, metadata):
    answer = authorization(session("basic"), metadata, **changes)
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert not re.search(r"(href|action|src)=.[^ >]*(evil|javascript)", answer.text), "an error page leads nowhere it was told to"
    assert Page(answer.text).text


@pytest.mark.parametrize(("name", "method", "secret"), [
    ("basic", "client_secret_post", None), ("post", "client_secret_basic", None), ("basic", "none", None),
    ("either", "client_secret_basic", "wrong"), ("either", "client_secret_post", "wrong")])
def test_a_client_that_proves_itself_wrongly_is_refused(name, method, secret, session, metadata):
    client = session(name, method=method)
    if secret:
        client.client_secret = secret
    with pytest.raises(OAuthError, match="invalid_client"):
        client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")


def test_a_grant_the_client_may_not_use_is_refused(session, metadata):
    with pytest.raises(OAuthError, match="unauthorized_client"):
        session("basic").fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    with pytest.raises(OAuthError, match="unsupported_grant_type"):
        session("basic").fetch_token(metadata["token_endpoint"], grant_type="password", username="ada", password="x")


def test_refresh_may_not_grow_the_scope_nor_change_hands(code, session, metadata):
    client, value, verifier = code
    token = redeem(client, value, verifier)
    with pytest.raises(OAuthError, match="invalid_scope"):
        client.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"], scope="read write")
    with pytest.raises(OAuthError, match="invalid_grant"):
        session("either").refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"], scope="read")


def test_a_client_sees_only_its_own_tokens(code, session, metadata):
    client, value, verifier = code
    token = redeem(client, value, verifier)["access_token"]
    own = client.introspect_token(metadata["introspection_endpoint"], token=token).json()
    assert own["active"] is True
    stranger = session("either").introspect_token(metadata["introspection_endpoint"], token=token)
    assert stranger.json() == {"active": False}
    nobody = requests.post(metadata["introspection_endpoint"], data={"token": token}, timeout=10)
    assert nobody.status_code == 401


def test_a_stranger_cannot_revoke(code, session, metadata, introspect):
    client, value, verifier = code
    token = redeem(client, value, verifier)["access_token"]
    session("either").revoke_token(metadata["revocation_endpoint"], token=token)
    assert introspect(token)["active"] is True


def test_a_wrong_hint_hides_no_token(code, metadata, introspect):
    client, value, verifier = code
    token = redeem(client, value, verifier)
    assert introspect(token["access_token"], hint="refresh_token")["active"] is True
    client.revoke_token(metadata["revocation_endpoint"], token=token["access_token"], token_type_hint="refresh_token")
    assert introspect(token["access_token"]) == {"active": False}
    assert introspect(token["refresh_token"]) == {"active": False}, "revoking any token of a grant revokes the grant"


def test_a_code_or_a_refresh_token_is_no_access_token(code, issuer, introspect):
    client, value, verifier = code
    assert introspect(value) == {"active": False}
    token = redeem(client, value, verifier)
    for other in (value, token["refresh_token"]):
        answer = requests.get(f"{issuer}/oauth/userinfo", headers={"Authorization": f"Bearer {other}"}, timeout=10)
        assert answer.status_code == 401 and "invalid_token" in answer.headers["WWW-Authenticate"]


def test_revoking_an_unknown_token_is_no_error(session, metadata):
    answer = session("basic").revoke_token(metadata["revocation_endpoint"], token="not-a-token")
    assert answer.status_code == 200
