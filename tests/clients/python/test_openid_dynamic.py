"""The plans config, dynamic and third-party-initiated login."""

import html
import json
import struct
import zlib
from urllib.parse import urlencode, urljoin

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from person import Page
from plans import CALLBACK, Client, new_key, public, until


def dynamic(op, **metadata):
    return Client(op, method="private_key_jwt", **metadata)


def refused(client, *errors):
    assert client.answer.status_code == 400 and client.answer.headers["Content-Type"] == "application/json"
    assert client.about["error"] in errors and client.about["error_description"]


def first_page(op, browser, client, **changes):
    answer = browser.get(f"{op.about['authorization_endpoint']}?{urlencode(client.request(**changes))}")
    return browser.get(urljoin(op.issuer, answer.headers["Location"])) if answer.is_redirect else answer


def picture():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\0" + b"\x20\x60\xa0" * 8) * 8)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_oidcc_discovery_endpoint_verification(op):
    answer = requests.get(f"{op.issuer}/.well-known/openid-configuration", timeout=10)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
    about = answer.json()
    assert about["issuer"] == op.issuer
    kinds = [set(kind.split()) for kind in about["response_types_supported"]]
    assert all(kind in kinds for kind in ({"code"}, {"id_token"}, {"token", "id_token"}))
    assert set(about["grant_types_supported"]) >= {"authorization_code", "implicit", "refresh_token"}
    assert {"public", "pairwise"} <= set(about["subject_types_supported"]) and "RS256" in about["id_token_signing_alg_values_supported"]
    assert "RS256" in about["request_object_signing_alg_values_supported"] and "RS256" in about["userinfo_signing_alg_values_supported"]
    assert "openid" in about["scopes_supported"] and about["claims_supported"] and about["claims_parameter_supported"] is True
    assert about["request_uri_parameter_supported"] is True and isinstance(about["code_challenge_methods_supported"], list)
    assert {"client_secret_basic", "client_secret_post", "private_key_jwt"} <= set(about["token_endpoint_auth_methods_supported"])
    for name, value in about.items():
        if name.endswith(("_endpoint", "_uri", "_iframe")):
            assert value.startswith(op.issuer + "/"), name
    keys = op.keys()["keys"]
    assert len({key["kid"] for key in keys}) == len(keys) and not any({"d", "k", "p", "q"} & set(key) for key in keys)


@pytest.mark.parametrize("name", ["backchannel_logout_supported", "backchannel_logout_session_supported", "frontchannel_logout_supported",
                                  "frontchannel_logout_session_supported", "end_session_endpoint", "check_session_iframe"])
def test_oidcc_logout_discovery_endpoint_verification(op, name):
    assert op.about[name]


def test_oidcc_server(op, ada):
    client = dynamic(op)
    assert client.answer.status_code == 201 and client.answer.headers["Content-Type"] == "application/json"
    assert client.about["registration_client_uri"].startswith(op.issuer) and client.about["registration_access_token"]
    assert client.userinfo(client.tokens(ada)).status_code == 200
    header = {"Authorization": f"Bearer {client.about['registration_access_token']}"}
    assert requests.delete(client.about["registration_client_uri"], headers=header, timeout=10).status_code == 204


def test_oidcc_idtoken_rs256(op, ada):
    assert dynamic(op, id_token_signed_response_alg="RS256").tokens(ada)["claims"]


def test_oidcc_userinfo_rs256(op, ada):
    client = dynamic(op, userinfo_signed_response_alg="RS256")
    answer = client.userinfo(client.tokens(ada))
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("application/jwt")
    claims = jwt.decode(answer.text, KeySet.import_key_set(op.keys()), algorithms=["RS256"]).claims
    assert (claims["iss"], claims["aud"]) == (op.issuer, client.id)


def test_oidcc_ensure_redirect_uri_in_authorization_request(op, ada):
    client = dynamic(op, redirect_uris=[CALLBACK, CALLBACK + "2"])
    page = first_page(op, ada, client, redirect_uri=None)
    assert page.status_code == 400 and "redirect_uri" in Page(page.text).text


def test_oidcc_redirect_uri_query_ok(op, ada):
    client = dynamic(op, redirect_uris=[CALLBACK + "?foo=bar"])
    found = client.ask(ada)
    assert found["foo"] == "bar" and client.redeem(found).status_code == 200


@pytest.mark.parametrize("registered, asked", [(CALLBACK + "?foo=bar", CALLBACK + "?bar=foo"), (CALLBACK, CALLBACK + "?foo=bar")],
                         ids=["query-mismatch", "query-added"])
def test_oidcc_redirect_uri(op, ada, registered, asked):
    page = first_page(op, ada, dynamic(op, redirect_uris=[registered]), redirect_uri=asked)
    assert page.status_code == 400 and "redirect" in Page(page.text).text


def test_oidcc_redirect_uri_regfrag(op):
    refused(dynamic(op, redirect_uris=[CALLBACK + "#foobar"]), "invalid_redirect_uri", "invalid_client_metadata")


def test_oidcc_registration_logo_uri(op, place, ada):
    client = dynamic(op, logo_uri=place.serve("/logo.png", picture(), "image/png"))
    page = first_page(op, ada, client)
    at = html.unescape(page.text).split('<img class="logo" src="', 1)[1].split('"', 1)[0]
    shown = ada.get(op.issuer + at)
    assert (shown.status_code, shown.headers["Content-Type"], shown.content) == (200, "image/png", picture())


@pytest.mark.parametrize("name", ["policy_uri", "tos_uri"])
def test_oidcc_registration_policy_uri_and_tos_uri(op, ada, name):
    client = dynamic(op, **{name: "https://rp.example/said.html"})
    assert 'href="https://rp.example/said.html"' in html.unescape(first_page(op, ada, client).text)


def test_oidcc_registration_jwks_uri(op, place, ada):
    client = dynamic(op, jwks=None, jwks_uri=place.url + "/own-jwks")
    place.serve("/own-jwks", {"keys": [public(client.key)]})
    assert client.tokens(ada)["claims"]


def test_oidcc_registration_sector_uri_and_sector_bad(op, place, ada):
    good = place.serve("/redirect_uris.json", [CALLBACK])
    pairwise = {"subject_type": "pairwise", "sector_identifier_uri": good}
    one, two, other = dynamic(op, **pairwise), dynamic(op, **pairwise), dynamic(op)
    subs = [client.tokens(ada)["claims"]["sub"] for client in (one, two, other)]
    assert subs[0] == subs[1] != subs[2]
    bad = place.serve("/bad.json", ["https://other.example/cb"])
    refused(dynamic(op, subject_type="pairwise", sector_identifier_uri=bad), "invalid_client_metadata")


def test_oidcc_server_rotate_keys(op):
    before = {key["kid"] for key in op.keys()["keys"]}
    op.cli("key", "rotate")
    until(lambda: {key["kid"] for key in op.keys()["keys"]} > before)


def test_oidcc_refresh_token_rp_key_rotation(op, place, ada):
    client = dynamic(op, jwks=None, jwks_uri=place.url + "/turning", grant_types=["authorization_code", "refresh_token"])
    place.serve("/turning", {"keys": [public(client.key)]})
    found = client.tokens(ada, scope="openid offline_access", prompt="consent")
    client.key = new_key("k2")
    place.serve("/turning", {"keys": [public(client.key)]})
    fields = {"grant_type": "refresh_token", "refresh_token": found["refresh_token"]}
    until(lambda: client.token(**fields).status_code == 200)


def test_oidcc_request_uri_signed_rs256(op, place, ada):
    uri = place.url + "/requesturi/" + "r" * 96
    client = dynamic(op, request_uris=[uri], request_object_signing_alg="RS256")
    request = client.request()
    place.serve("/requesturi/" + "r" * 96, client.sign({**request, "aud": op.issuer, "iss": client.id}), "application/jwt")
    beside = {name: request[name] for name in ("client_id", "redirect_uri", "response_type", "scope")}
    address = f"{op.about['authorization_endpoint']}?{urlencode({**beside, 'request_uri': uri})}"
    found = client.came(ada.visit(address), request)
    assert client.redeem(found).status_code == 200
    elsewhere = f"{op.about['authorization_endpoint']}?{urlencode({**beside, 'request_uri': place.url + '/other'})}"
    assert client.came(ada.visit(elsewhere), {**request, "state": None})["error"] == "invalid_request_uri"


def test_oidcc_refresh_token(op, ada):
    client = dynamic(op, grant_types=["authorization_code", "refresh_token"])
    found = client.tokens(ada, scope="openid offline_access", prompt="consent")
    assert client.token(grant_type="refresh_token", refresh_token=found["refresh_token"]).status_code == 200


def test_oidcc_ensure_client_assertion_with_iss_aud_succeeds(op, ada):
    client = dynamic(op)
    assert client.redeem(client.ask(ada), assertion_aud=op.issuer).status_code == 200
    assert client.redeem(client.ask(ada), assertion_aud="https://other.example").status_code == 401


def test_oidcc_3rd_party_init_login(op):
    uri = "https://rp.example/initiate"
    client = dynamic(op, initiate_login_uri=uri)
    assert client.about["initiate_login_uri"] == uri
    header = {"Authorization": f"Bearer {client.about['registration_access_token']}"}
    shown = requests.get(client.about["registration_client_uri"], headers=header, timeout=10)
    assert (shown.status_code, shown.headers["Content-Type"]) == (200, "application/json")
    assert shown.json()["initiate_login_uri"] == uri


def test_oidcc_3rd_party_init_login_nohttps(op):
    refused(dynamic(op, initiate_login_uri="http://rp.example/initiate"), "invalid_client_metadata")


def test_every_refusal_of_a_registration_is_json(op):
    for body in (b"", b"[]", b"nothing", json.dumps({"redirect_uris": [1]}).encode()):
        answer = requests.post(op.about["registration_endpoint"], data=body, headers={"Content-Type": "application/json"}, timeout=10)
        assert answer.status_code == 400 and answer.json()["error"], body
