"""Mastodon.py and requests-oauthlib against the services of the presets, used as their own documentation says."""

import mastodon
import pytest
import requests
from oauthlib.oauth2 import BackendApplicationClient, LegacyApplicationClient, MobileApplicationClient
from oauthlib.oauth2.rfc6749.errors import OAuth2Error
from requests_oauthlib import OAuth2Session

from person import Person
from service import ALICE, Service

CALLBACK = "https://app.example/callback"
SCOPES = ["read", "write", "follow"]


@pytest.fixture
def service(run, monkeypatch):
    """`service("tout")`; it ends with the test."""
    started = []
    # The issuer is http on this machine; both libraries want to be told that this is meant.
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")

    def start(preset):
        started.append(Service(run["bin"], preset))
        return started[-1]

    yield start
    for each in started:
        each.stop()


def test_mastodon_py_registers_signs_in_refreshes_and_revokes(service):
    instance = service("mastodon")
    key, secret = mastodon.Mastodon.create_app("Library", scopes=SCOPES, website="https://library.example",
                                               api_base_url=instance.issuer)
    api = mastodon.Mastodon(client_id=key, client_secret=secret, api_base_url=instance.issuer)
    address = api.auth_request_url(scopes=SCOPES, allow_http=True)
    code = Person(instance.issuer, ALICE).visit(address)["code"]
    api.log_in(code=code, scopes=SCOPES, allow_http=True)
    me = api.account_verify_credentials()
    assert (me.username, me.acct, me.display_name) == ("alice", "alice", "Alice Liddell")
    assert me.created_at.tzinfo is not None
    assert api.app_verify_credentials().name == "Library"
    assert api.instance_v1().uri and api.instance_v2().domain
    assert api.retrieve_mastodon_version().startswith("4.")

    # Document 001, step 4 and 2: the code is stored as the refresh token. The library sends its old Bearer along.
    second = Person(instance.issuer, ALICE).visit(address)["code"]
    for _ in range(2):
        before = api.access_token
        api.log_in(refresh_token=second, scopes=SCOPES, allow_http=True)
        assert api.access_token != before
        assert api.me().username == "alice"
    token = api.access_token
    api.revoke_access_token(allow_http=True)
    answer = requests.get(f"{instance.issuer}/api/v1/accounts/verify_credentials", timeout=10,
                          headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401 and answer.json() == {"error": "The access token is invalid"}


def test_mastodon_py_is_told_what_is_wrong(service):
    instance = service("mastodon")
    key, secret = mastodon.Mastodon.create_app("Library", scopes=["read"], redirect_uris=[CALLBACK], api_base_url=instance.issuer)
    api = mastodon.Mastodon(client_id=key, client_secret=secret, api_base_url=instance.issuer)
    answer = Person(instance.issuer, ALICE).visit(api.auth_request_url(scopes=["read"], redirect_uris=CALLBACK, allow_http=True), decision="deny")
    assert answer["error"] == "access_denied"
    with pytest.raises(mastodon.MastodonIllegalArgumentError):
        api.log_in(code="vk_ac_nothing", scopes=["read"], redirect_uri=CALLBACK, allow_http=True)
    strange = mastodon.Mastodon(access_token="vk_at_nothing", api_base_url=instance.issuer)
    with pytest.raises(mastodon.MastodonUnauthorizedError):
        strange.account_verify_credentials()


def test_requests_oauthlib_mixes_touts_two_workflows(service):
    tout = service("tout")
    client_id, secret = tout.client("--redirect-uri", CALLBACK)
    app = OAuth2Session(client=BackendApplicationClient(client_id=client_id))
    token = app.fetch_token(f"{tout.issuer}/oauth/token", client_id=client_id, client_secret=secret, include_client_id=True)
    assert (token["expires_in"], token["scope"]) == (63_072_000, ["read"])
    assert app.get(f"{tout.issuer}/v1/hashtags/rust/touts").status_code == 200
    assert app.post(f"{tout.issuer}/v1/touts").status_code == 403

    scopes = ["read", "write", "share", "update_auth"]
    user = OAuth2Session(client=MobileApplicationClient(client_id), scope=scopes, redirect_uri=CALLBACK)
    address, state = user.authorization_url(f"{tout.issuer}/oauth/authorize")
    answer = Person(tout.issuer, ALICE).visit(address)
    token = user.token_from_fragment(answer.url)
    assert set(token["scope"]) == set(scopes) and token["state"] == state and "refresh_token" not in token
    assert user.post(f"{tout.issuer}/v1/touts").status_code == 200


def test_requests_oauthlib_at_toon_redeems_without_pkce_and_refreshes(service):
    toon = service("toon")
    client_id, secret = toon.client("--redirect-uri", CALLBACK)
    user = OAuth2Session(client_id, redirect_uri=CALLBACK)
    address, _ = user.authorization_url(f"{toon.issuer}/authorize", tenant_id="eneco")
    answer = Person(toon.issuer, ALICE).visit(address)
    token = user.fetch_token(f"{toon.issuer}/token", authorization_response=answer.url, client_secret=secret, include_client_id=True)
    assert token["expires_in"] == 1800
    assert user.get(f"{toon.issuer}/toon/v3/agreements").status_code == 200
    fresh = user.refresh_token(f"{toon.issuer}/token", client_id=client_id, client_secret=secret)
    assert fresh["access_token"] != token["access_token"]
    data = {"token": fresh["access_token"], "client_id": client_id, "client_secret": secret}
    assert requests.post(f"{toon.issuer}/revoke", data=data, timeout=10).status_code == 200
    with pytest.raises(OAuth2Error):
        user.refresh_token(f"{toon.issuer}/token", client_id=client_id, client_secret=secret)


def test_requests_oauthlib_brings_the_password_to_ones_own_provider(service):
    provider = service("own-provider")
    client_id, secret = provider.client("--redirect-uri", CALLBACK)
    user = OAuth2Session(client=LegacyApplicationClient(client_id=client_id))
    url = f"{provider.issuer}/oauth/token"
    token = user.fetch_token(url, client_id=client_id, client_secret=secret, include_client_id=True, **ALICE)
    first = token["refresh_token"]
    for _ in range(3):
        token = user.refresh_token(url, refresh_token=first, client_id=client_id, client_secret=secret)
        assert token["refresh_token"] == first
    assert user.get(f"{provider.issuer}/profiles/me").status_code == 200
    with pytest.raises(OAuth2Error):
        user.fetch_token(url, client_id=client_id, client_secret=secret, include_client_id=True, username="alice", password="wrong")


def test_requests_oauthlib_updates_the_application_on_its_own_token(service):
    account = service("service-account")
    client_id, secret = account.client("--redirect-uri", CALLBACK)
    app = OAuth2Session(client=BackendApplicationClient(client_id=client_id))
    app.fetch_token(f"{account.issuer}/token", client_id=client_id, client_secret=secret, include_client_id=True)
    own = f"{account.issuer}/api/developer/v1/application"
    assert app.get(own).json()["client_id"] == client_id
    changed = app.patch(own, json={"description": "By itself", "redirect_uris": [CALLBACK + "/2"]})
    assert changed.status_code == 200 and changed.json()["redirect_uris"] == [CALLBACK + "/2"]
    assert app.patch(own, json={"name": "Other"}).status_code == 400
    assert app.get(f"{account.issuer}/v1/data").status_code == 200
