"""The plans RP-initiated, back-channel and front-channel logout and session management."""

import html
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from person import Page
from plans import Client, until

AFTER = "https://rp.example/post_logout_redirect"


@pytest.fixture(params=["code", "id_token", "code id_token token"], ids=lambda kind: kind.replace(" ", "+"))
def client(request, op):
    return Client(op, request.param, post_logout_redirect_uris=[AFTER])


def leave(op, browser, found, way="get", **changes):
    """What the browser gets at the end_session_endpoint."""
    asked = {"id_token_hint": found["id_token"], "post_logout_redirect_uri": AFTER, "state": "s" * 128} | changes
    asked = {name: value for name, value in asked.items() if value is not None}
    if way == "get":
        return browser.get(f"{op.about['end_session_endpoint']}?{urlencode(asked)}")
    return browser.http.post(op.about["end_session_endpoint"], data=asked, allow_redirects=False, timeout=10)


def signed_in(client, browser):
    return "error" not in client.ask(browser, prompt="none")


def confirmed(browser, page):
    return browser.submit(page, Page(page.text).form_with("csrf"))


@pytest.mark.parametrize("way", ["get", "post"])
def test_oidcc_rp_initiated_logout(op, client, ada, way):
    answer = leave(op, ada, client.tokens(ada), way)
    assert answer.headers["Location"] == f"{AFTER}?state={'s' * 128}"
    assert not signed_in(client, ada)


def test_oidcc_rp_initiated_logout_no_state(op, client, ada):
    assert leave(op, ada, client.tokens(ada), state=None).headers["Location"] == AFTER
    assert not signed_in(client, ada)


@pytest.mark.parametrize("changes", [{"post_logout_redirect_uri": AFTER + "/bad"}, {"post_logout_redirect_uri": AFTER + "?foo=bar"},
                                     {"id_token_hint": None}, {"id_token_hint": "none"}, {"id_token_hint": "bad"}],
                         ids=["bad-post-logout-redirect-uri", "query-added-to-post-logout-redirect-uri", "no-id-token-hint",
                              "modified-id-token-hint", "bad-id-token-hint"])
def test_oidcc_rp_initiated_logout_that_must_not_come_back(op, client, ada, changes):
    found = client.tokens(ada)
    if changes.get("id_token_hint") == "none":
        changes = {"id_token_hint": "eyJhbGciOiJub25lIn0." + found["id_token"].split(".")[1] + "."}
    if changes.get("id_token_hint") == "bad":
        changes = {"id_token_hint": found["id_token"][:-8] + "AAAAAAAA"}
    page = leave(op, ada, found, **changes)
    assert page.status_code == 400 and "Location" not in page.headers
    assert signed_in(client, ada)


@pytest.mark.parametrize("changes", [{"id_token_hint": None, "post_logout_redirect_uri": None, "state": None},
                                     {"id_token_hint": None, "post_logout_redirect_uri": None},
                                     {"post_logout_redirect_uri": None}], ids=["no-params", "only-state", "no-post-logout-redirect-uri"])
def test_oidcc_rp_initiated_logout_that_ends_here(op, client, ada, changes):
    page = leave(op, ada, client.tokens(ada), **changes)
    if Page(page.text).form_with("csrf"):
        page = confirmed(ada, page)
    assert page.status_code == 200 and "signed out" in Page(page.text).text.lower()
    assert not signed_in(client, ada)


def test_oidcc_backchannel_rp_initiated_logout(op, place, ada):
    client = Client(op, post_logout_redirect_uris=[AFTER], backchannel_logout_session_required=True,
                    backchannel_logout_uri=place.url + "/backchannel_logout")
    found = client.tokens(ada)
    assert leave(op, ada, found).headers["Location"].startswith(AFTER)
    told = lambda: [body for path, body in place.asked if path == "/backchannel_logout"]
    until(lambda: told())
    fields = parse_qs(told()[0])
    assert set(fields) == {"logout_token"}
    decoded = jwt.decode(fields["logout_token"][0], KeySet.import_key_set(op.keys()), algorithms=["RS256"])
    claims = decoded.claims
    assert (claims["iss"], claims["aud"]) == (op.issuer, client.id) and claims["jti"] and claims["iat"] and "nonce" not in claims
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert claims["sid"] == found["claims"]["sid"] and claims.get("sub", found["claims"]["sub"]) == found["claims"]["sub"]
    assert not signed_in(client, ada)


def test_oidcc_frontchannel_rp_initiated_logout(op, place, ada):
    client = Client(op, post_logout_redirect_uris=[AFTER], frontchannel_logout_session_required=True,
                    frontchannel_logout_uri="https://rp.example/frontchannel_logout", redirect_uris=["https://rp.example/callback"])
    found = client.tokens(ada)
    page = leave(op, ada, found)
    frame = re.search(r'<iframe[^>]*src="([^"]+)"', html.unescape(page.text)).group(1)
    fields = parse_qs(urlsplit(frame).query)
    assert fields == {"iss": [op.issuer], "sid": [found["claims"]["sid"]]}
    onward = AFTER + "?state=" + "s" * 128
    assert onward in html.unescape(page.text) or onward in page.headers.get("Refresh", "")
    assert not signed_in(client, ada)


def test_oidcc_session_management_rp_initiated_logout(op, ada):
    client = Client(op, post_logout_redirect_uris=[AFTER])
    found = client.tokens(ada)
    assert "." in found["session_state"] and " " not in found["session_state"]
    frame = ada.get(op.about["check_session_iframe"])
    assert frame.status_code == 200 and "<script" in frame.text
    assert "frame-ancestors" not in frame.headers.get("Content-Security-Policy", "") or "'none'" not in (
        frame.headers["Content-Security-Policy"].split("frame-ancestors")[1].split(";")[0])
    assert leave(op, ada, found).headers["Location"].startswith(AFTER)
    # What the page compares is another now: the browser's journeys play the page itself.
    again = client.tokens(ada)
    assert again["session_state"].split(".")[0] != found["session_state"].split(".")[0]
