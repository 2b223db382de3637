"""The plans basic, implicit, hybrid and form_post: each module for each response type and mode, registered by itself and by hand."""

import base64
import hashlib
import time
from urllib.parse import urlencode

import pytest
import requests
from joserfc.jwk import KeySet
from joserfc import jwt

from person import Page
from plans import CALLBACK, CLAIMS, Client, until

KINDS = ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.replace(" ", "+"))
def kind(request):
    return request.param


@pytest.fixture(params=[None, "form_post"], ids=["default", "form_post"])
def client(request, op, kind):
    return Client(op, kind, request.param)


def has_access(client):
    return "code" in client.response_type or "token" in client.response_type.split()


def refused(found, *errors):
    assert found.get("error") in errors, found
    assert not {"code", "access_token", "id_token"} & set(found)


def error_page(op, browser, url):
    answer = browser.get(url)
    assert answer.status_code == 400 and "Location" not in answer.headers
    return Page(answer.text).text


def test_oidcc_server(client, ada):
    found = client.tokens(ada)
    assert "name" not in found["claims"]
    if has_access(client):
        answer = client.userinfo(found)
        assert answer.status_code == 200 and answer.json()["sub"] == found["claims"]["sub"]


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_oidcc_server_with_a_static_client(op, kind, ada, method):
    client = Client(op, kind, method=method, static=True)
    address = f"{op.about['authorization_endpoint']}?{urlencode(client.request())}"
    until(lambda: requests.get(address, timeout=10, allow_redirects=False).status_code != 400)
    assert client.tokens(ada)["claims"]["sub"]
    assert client.tokens(ada, prompt="none")["consents"] == []


def test_oidcc_server_client_secret_post(op, kind, ada):
    assert Client(op, kind, method="client_secret_post").tokens(ada)["claims"]


def test_oidcc_response_type_missing(client, ada):
    refused(client.ask(ada, response_type=None), "invalid_request", "unsupported_response_type")


def test_oidcc_idtoken_signature(client, ada):
    # Client.checked looks at it: RS256, by a key of the set, under its kid.
    assert client.tokens(ada)["claims"]


def test_oidcc_idtoken_unsigned_is_skipped(op):
    assert "none" not in op.about["id_token_signing_alg_values_supported"]


def test_oidcc_request_objects_without_a_signature_are_skipped(op):
    assert "none" not in op.about["request_object_signing_alg_values_supported"]
    assert op.about["request_parameter_supported"] and op.about["request_uri_parameter_supported"]


@pytest.mark.parametrize("way", ["get", "header", "body"], ids=["get", "post-header", "post-body"])
def test_oidcc_userinfo(client, ada, way):
    if not has_access(client):
        pytest.skip("no access token")
    found = client.tokens(ada)
    answer = client.userinfo(found, way)
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("application/json")
    assert answer.json()["sub"] == found["claims"]["sub"]


def test_oidcc_ensure_request_without_nonce(client, ada):
    if "id_token" in client.response_type.split():
        refused(client.ask(ada, nonce=None), "invalid_request")
    else:
        assert "nonce" not in client.tokens(ada, nonce=None)["claims"]


@pytest.mark.parametrize("scope", [*CLAIMS, "all", "email openid"])
def test_oidcc_scope(client, ada, scope):
    groups = list(CLAIMS) if scope == "all" else [scope.replace(" openid", "")]
    wanted = {name: value for group in groups for name, value in CLAIMS[group].items()}
    found = client.tokens(ada, scope=scope if " " in scope else f"openid {' '.join(groups)}")
    said = client.userinfo(found).json() if has_access(client) else found["claims"]
    assert {name: said.get(name) for name in wanted} == wanted
    assert "updated_at" not in said or isinstance(said["updated_at"], int)


@pytest.mark.parametrize("more", [{"display": "page"}, {"display": "popup"}, {"extra": "foobar"}, {"ui_locales": "se"},
                                  {"claims_locales": "se"}, {"login_hint": "buffy@rp.example"}],
                         ids=lambda more: "-".join(more))
def test_oidcc_display_ui_locales_claims_locales_login_hint_and_unknown_parameters(client, ada, more):
    assert client.tokens(ada, **more)["claims"]


def test_oidcc_ensure_request_with_acr_values_succeeds(op, client, ada):
    wanted = op.about["acr_values_supported"]
    assert client.tokens(ada, acr_values=" ".join(wanted))["claims"]["acr"] in wanted


def test_oidcc_prompt_login(client, ada):
    first = client.tokens(ada)
    until(lambda: time.time() > first["claims"]["auth_time"] + 1)
    assert client.tokens(ada, prompt="login")["claims"]["auth_time"] > first["claims"]["auth_time"]


def test_oidcc_prompt_none_not_logged_in(client, ada):
    refused(client.ask(ada, prompt="none", state="s" * 128), "login_required", "interaction_required")


@pytest.mark.parametrize("hinted", [False, True], ids=["prompt-none-logged-in", "id-token-hint"])
def test_oidcc(client, ada, hinted):
    first = client.tokens(ada)
    more = {"id_token_hint": first["id_token"]} if hinted else {}
    second = client.tokens(ada, prompt="none", **more)
    assert second["consents"] == []
    assert [second["claims"][name] for name in ("sub", "auth_time")] == [first["claims"][name] for name in ("sub", "auth_time")]


def test_oidcc_max_age_1(client, ada):
    first = client.tokens(ada)["claims"]
    until(lambda: time.time() > first["auth_time"] + 2)
    second = client.tokens(ada, max_age="1")["claims"]
    assert second["auth_time"] > first["auth_time"] and time.time() - second["auth_time"] < 60


def test_oidcc_max_age_10000(client, ada):
    first = client.tokens(ada)["claims"]
    second = client.tokens(ada, max_age="10000")["claims"]
    assert (second["auth_time"], second["sub"]) == (first["auth_time"], first["sub"])


def test_oidcc_codereuse_and_what_the_first_use_brought(client, ada):
    if "code" not in client.response_type:
        pytest.skip("no code")
    found = client.ask(ada)
    brought = client.redeem(found).json()
    again = client.redeem(found)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert client.userinfo(brought).status_code == 401


def test_oidcc_ensure_registered_redirect_uri(op, client, ada):
    request = client.request(redirect_uri=CALLBACK + "/other")
    error_page(op, ada, f"{op.about['authorization_endpoint']}?{urlencode(request)}")


def test_oidcc_ensure_post_request_succeeds(op, client, ada):
    request = client.request()
    first = ada.http.post(op.about["authorization_endpoint"], data=request, allow_redirects=False, timeout=10)
    assert first.status_code in (200, 303), first.text[:300]
    at = first.headers.get("Location") or first.url
    if first.status_code == 200:
        form = Page(first.text).form_with("password")
        first = ada.submit(first, form, username=ada.username, password=ada.password)
        at = first.headers["Location"]
    assert client.came(ada.visit(at if at.startswith("http") else op.issuer + at), request).get("error") is None


def test_oidcc_claims_essential(client, ada):
    where = "userinfo" if has_access(client) else "id_token"
    found = client.tokens(ada, claims='{"%s":{"name":{"essential":true}}}' % where)
    if where == "userinfo":
        assert client.userinfo(found).json()["name"] == "Ada L" and "name" not in found["claims"]
    else:
        assert found["claims"]["name"] == "Ada L"


def test_oidcc_refresh_token(op, kind, ada):
    if "code" not in kind.split():
        pytest.skip("no code")
    grants = ["authorization_code", "refresh_token"] + (["implicit"] if " " in kind else [])
    one, two = (Client(op, kind, grant_types=grants) for _ in range(2))
    first = one.tokens(ada, scope="openid offline_access", prompt="consent")
    until(lambda: time.time() > first["claims"]["iat"] + 1)
    answer = one.token(grant_type="refresh_token", refresh_token=first["refresh_token"], scope="openid offline_access")
    assert answer.status_code == 200, answer.text
    second = answer.json()
    claims = jwt.decode(second["id_token"], KeySet.import_key_set(op.keys()), algorithms=["RS256"]).claims
    for name in ("iss", "sub", "aud", "auth_time", "azp"):
        assert claims.get(name) == first["claims"].get(name), name
    assert claims["iat"] > first["claims"]["iat"] and second["access_token"] != first["access_token"]
    other = two.tokens(ada, scope="openid offline_access", prompt="consent")
    answer = one.token(grant_type="refresh_token", refresh_token=other["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_oidcc_ensure_request_with_valid_pkce_succeeds(op, kind, ada):
    if "code" not in kind.split():
        pytest.skip("no code")
    client = Client(op, kind)
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    found = client.ask(ada, code_challenge=challenge, code_challenge_method="S256")
    assert client.redeem(found).status_code == 400
    found = client.ask(ada, code_challenge=challenge, code_challenge_method="S256")
    assert client.redeem(found, code_verifier=verifier).status_code == 200
