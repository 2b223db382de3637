"""The running server, its clients and people, as pytest fixtures."""

import json
import os
import pathlib

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session

from person import Person
from plans import Op, Place


@pytest.fixture(scope="session")
def run():
    """All that tests/fixture.py made."""
    return json.loads(pathlib.Path(os.environ["VALETKEY_FIXTURE"]).read_text())


@pytest.fixture(scope="session")
def issuer(run):
    return run["issuer"]


@pytest.fixture(scope="session")
def metadata(issuer):
    """RFC 8414 metadata."""
    answer = requests.get(f"{issuer}/.well-known/oauth-authorization-server", timeout=10)
    assert answer.status_code == 200
    return answer.json()


@pytest.fixture
def person(run, issuer):
    """A new browser; `person("grace")` signs in as grace."""
    return lambda name="ada": Person(issuer, run["users"][name])


METHODS = {"either": "client_secret_basic", "basic": "client_secret_basic", "post": "client_secret_post", "public": "none",
           "service": "client_secret_basic", "service_post": "client_secret_post", "other": "client_secret_basic",
           "observer": "client_secret_basic"}


@pytest.fixture
def session(run, metadata):
    """Authlib's session for a client: `session("basic", scope="read")`."""

    def make(name, scope="read", kind=OAuth2Session, method=None, **more):
        client = run["clients"][name]
        redirect = run["redirect"]["loopback" if name == "public" else "web"]
        if redirect.startswith("http://127.0.0.1/"):
            # RFC 8252 §7.3: a native app listens on whatever port it is given.
            redirect = redirect.replace("127.0.0.1/", "127.0.0.1:49731/")
        return kind(client["client_id"], client.get("client_secret"), scope=scope, redirect_uri=redirect,
                    token_endpoint_auth_method=method or METHODS[name], code_challenge_method="S256",
                    revocation_endpoint_auth_method=method or METHODS[name], token_endpoint=metadata["token_endpoint"], **more)

    return make


@pytest.fixture
def introspect(session, metadata):
    """What the server says of a token, asked by a client that may ask about any."""

    def ask(token, hint=None):
        answer = session("observer").introspect_token(metadata["introspection_endpoint"], token=token, token_type_hint=hint)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


@pytest.fixture(scope="module")
def op(run):
    """A provider of the test file's own, set up as its conformance plan wants it."""
    started = Op(run["bin"])
    yield started
    started.stop()


@pytest.fixture(scope="module")
def place():
    """A web server that plays the relying party's."""
    return Place()


@pytest.fixture
def ada(op):
    """A new browser of ada's at that provider."""
    return op.browser()
