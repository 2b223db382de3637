"""Authlib does the whole code flow with each way a client may authenticate."""

import time

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError

SCOPE = "read write offline_access"
WAYS = [("basic", "client_secret_basic"), ("post", "client_secret_post"), ("public", "none"),
        ("either", "client_secret_basic"), ("either", "client_secret_post")]


def obtain(session, metadata, issuer, person, **more):
    """Sends the person to the authorization endpoint and redeems the code; returns the token and the answer."""
    verifier = generate_token(48)
    url, state = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier, **more)
    answer = person.visit(url)
    assert answer["state"] == state
    assert answer["iss"] == issuer, "RFC 9207 §2"
    token = session.fetch_token(authorization_response=answer.url, state=state, code_verifier=verifier)
    return token, answer


@pytest.mark.parametrize(("name", "method"), WAYS)
def test_code_refresh_revoke_and_introspect(name, method, session, metadata, issuer, person, introspect):
    client = session(name, scope=SCOPE, method=method)
    token, answer = obtain(client, metadata, issuer, person())
    assert answer.url.startswith(client.redirect_uri + "?")
    assert token["token_type"].lower() == "bearer"
    assert 0 < token["expires_in"] <= 600
    assert set(token.get("scope", SCOPE).split()) == set(SCOPE.split())

    said = introspect(token["access_token"])
    assert said["active"] is True and said["client_id"] == client.client_id
    assert set(said["scope"].split()) == set(SCOPE.split())
    assert said["exp"] > time.time() and said["iss"] == issuer and said["sub"]

    refreshed = dict(client.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"]))
    assert refreshed["access_token"] != token["access_token"]
    assert refreshed["refresh_token"] != token["refresh_token"]
    assert introspect(refreshed["access_token"])["active"] is True

    revoked = client.revoke_token(metadata["revocation_endpoint"], token=refreshed["refresh_token"], token_type_hint="refresh_token")
    assert revoked.status_code == 200
    assert introspect(refreshed["access_token"]) == {"active": False}
    assert introspect(refreshed["refresh_token"]) == {"active": False}
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.refresh_token(metadata["token_endpoint"], refresh_token=refreshed["refresh_token"])


def test_answers_that_carry_tokens_are_never_stored(run, metadata):
    client = run["clients"]["service"]
    answer = requests.post(metadata["token_endpoint"], data={"grant_type": "client_credentials"},
                           auth=(client["client_id"], client["client_secret"]), timeout=10)
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_second_sign_in_with_the_same_consent_asks_nothing(session, metadata, issuer, person):
    client, who = session("either", scope="read"), person("grace")
    obtain(client, metadata, issuer, who)
    who.password = "not needed again"
    _, answer = obtain(client, metadata, issuer, who)
    assert answer.consents == [], "remembered consent must not be asked again"


def test_a_scope_left_out_stays_out_and_only_the_new_one_is_asked(session, metadata, issuer, person):
    who = person("edsger")
    client = session("either", scope="read write")
    verifier = generate_token(48)
    url, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
    answer = who.visit(url, leave_out=("write",))
    token = client.fetch_token(authorization_response=answer.url, state=state, code_verifier=verifier)
    assert token["scope"] == "read", "RFC 6749 §5.1: a scope that differs from the asked one is said"


def test_a_retried_refresh_gets_the_same_successor(session, metadata, issuer, person):
    client = session("basic", scope=SCOPE)
    token, _ = obtain(client, metadata, issuer, person())
    first = dict(client.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"]))
    again = dict(client.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"]))
    assert first["refresh_token"] == again["refresh_token"]


def test_an_old_refresh_token_kills_the_whole_grant(session, metadata, issuer, person, introspect):
    client = session("basic", scope=SCOPE)
    first, _ = obtain(client, metadata, issuer, person())
    second = dict(client.refresh_token(metadata["token_endpoint"], refresh_token=first["refresh_token"]))
    third = dict(client.refresh_token(metadata["token_endpoint"], refresh_token=second["refresh_token"]))
    assert introspect(first["refresh_token"]) == {"active": False}, "spent two generations ago"
    assert introspect(third["refresh_token"])["active"] is True
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.refresh_token(metadata["token_endpoint"], refresh_token=first["refresh_token"])
    assert introspect(third["access_token"]) == {"active": False}, "RFC 9700 §4.14.2"
    assert introspect(third["refresh_token"]) == {"active": False}


def test_refresh_may_narrow_the_scope(session, metadata, issuer, person):
    client = session("basic", scope=SCOPE)
    token, _ = obtain(client, metadata, issuer, person())
    narrow = dict(client.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"], scope="read"))
    assert narrow["scope"].split() == ["read"]


def test_userinfo_answers_an_openid_token(session, metadata, issuer, person, run):
    client = session("basic", scope="openid profile email")
    token, _ = obtain(client, metadata, issuer, person("barbara"))
    configuration = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=10).json()
    client.token = token
    claims = client.get(configuration["userinfo_endpoint"]).json()
    assert claims["sub"] == run["users"]["barbara"]["id"]
    assert claims["email"] == "barbara@example.org"
    assert claims["preferred_username"] == "barbara"


def test_deny_comes_back_to_the_application(session, metadata, issuer, person):
    client = session("other", scope="read")
    url, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=generate_token(48))
    answer = person().visit(url, decision="deny")
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", state, issuer)
    assert "code" not in answer.parameters
