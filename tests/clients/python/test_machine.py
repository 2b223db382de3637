"""Client credentials, by Authlib's blocking and its async client."""

import asyncio

import pytest
import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from test_code import obtain


@pytest.mark.parametrize(("name", "method"), [("service", "client_secret_basic"), ("service", "client_secret_post"),
                                              ("service_post", "client_secret_post")])
def test_client_credentials(name, method, session, metadata, introspect):
    client = session(name, scope="read write", method=method)
    token = dict(client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials", scope="read"))
    assert "refresh_token" not in token, "RFC 6749 §4.4.3"
    said = introspect(token["access_token"])
    assert said["active"] is True and said["scope"] == "read" and said["client_id"] == client.client_id
    assert client.revoke_token(metadata["revocation_endpoint"], token=token["access_token"]).status_code == 200
    assert introspect(token["access_token"]) == {"active": False}


def test_client_credentials_refuses_a_scope_the_client_has_not(session, metadata):
    with pytest.raises(OAuthError, match="invalid_scope"):
        session("service").fetch_token(metadata["token_endpoint"], grant_type="client_credentials", scope="read openid")


def test_an_application_token_opens_no_userinfo(session, metadata, issuer):
    token = session("service").fetch_token(metadata["token_endpoint"], grant_type="client_credentials", scope="read")
    answer = requests.get(f"{issuer}/oauth/userinfo", headers={"Authorization": f"Bearer {token['access_token']}"}, timeout=10)
    assert answer.status_code in (401, 403)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_async_client_fetches_refreshes_and_revokes(session, metadata, issuer, person, introspect):
    token, _ = obtain(session("either", scope="read offline_access"), metadata, issuer, person())

    async def flow():
        async with session("service", kind=AsyncOAuth2Client, scope="read write") as machine:
            first, second = await asyncio.gather(
                machine.fetch_token(grant_type="client_credentials"), machine.fetch_token(grant_type="client_credentials"))
            assert first["access_token"] != second["access_token"]
        async with session("either", kind=AsyncOAuth2Client, scope="read offline_access") as app:
            refreshed = await app.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
            await app.revoke_token(metadata["revocation_endpoint"], token=refreshed["access_token"])
            return refreshed["access_token"]

    assert introspect(asyncio.run(flow())) == {"active": False}


def test_concurrent_refreshes_agree_on_one_successor(session, metadata, issuer, person, introspect):
    """Two tabs that refresh at once never log a person out (design 7, R03)."""
    token, _ = obtain(session("either", scope="read offline_access"), metadata, issuer, person())

    async def race():
        clients = [session("either", kind=AsyncOAuth2Client, scope="read offline_access") for _ in range(8)]
        tokens = await asyncio.gather(*(c.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"]) for c in clients))
        await asyncio.gather(*(c.aclose() for c in clients))
        return tokens

    tokens = asyncio.run(race())
    assert len({each["refresh_token"] for each in tokens}) == 1
    assert introspect(tokens[0]["access_token"])["active"] is True


def test_concurrent_redemptions_of_a_code_have_at_most_one_winner(session, metadata, issuer, person):
    from authlib.common.security import generate_token

    verifier = generate_token(48)
    client = session("either", scope="read")
    url, _ = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
    code = person().visit(url)["code"]

    async def race():
        clients = [session("either", kind=AsyncOAuth2Client) for _ in range(8)]
        asks = (c.fetch_token(grant_type="authorization_code", code=code, code_verifier=verifier) for c in clients)
        outcomes = await asyncio.gather(*asks, return_exceptions=True)
        await asyncio.gather(*(c.aclose() for c in clients))
        return outcomes

    outcomes = asyncio.run(race())
    losers = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert len(losers) == 7, "exactly one winner"
    assert all(isinstance(loser, OAuthError) and loser.error == "invalid_grant" for loser in losers), losers
