"""The OpenID conformance plans as we play them: the server they run against, a relying party with a place of its own, its flows.

One test is one module of a plan, under the module's name; what a module asks for is read from its public description.
"""

import base64
import hashlib
import json
import os
import pathlib
import secrets
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from person import Person

ROOT = pathlib.Path(__file__).resolve().parents[3]
CALLBACK = "https://rp.example/callback"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ADDRESS = {"formatted": "1 Lane\nOxford", "locality": "Oxford"}
CLAIMS = {
    "profile": {"name": "Ada L", "family_name": "L", "given_name": "Ada", "middle_name": "K", "nickname": "A",
                "profile": "https://a.example/me", "picture": "https://a.example/me.png", "website": "https://a.example/",
                "gender": "female", "birthdate": "1815-12-10", "zoneinfo": "Europe/London", "locale": "en-GB"},
    "email": {"email": "ada@example.org"},
    "phone": {"phone_number": "+441234567890"},
    "address": {"address": ADDRESS},
}


class Op:
    """`valetkey dev`, configured as docs/guides/conformance says."""

    def __init__(self, binary):
        self.bin, self.home = binary, tempfile.TemporaryDirectory(prefix="valetkey-plans-")
        self.data = str(pathlib.Path(self.home.name) / "data")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("VALETKEY")}
        environment |= {"VALETKEY__MANAGEMENT__LISTEN": "127.0.0.1:0", "VALETKEY__REGISTRATION__PER_HOUR": "10000",
                        "VALETKEY__REQUEST_URI_PARAMETER_SUPPORTED": "true"}
        self.process = subprocess.Popen([binary, "--json", "--data-dir", self.data, "dev", "--listen", "127.0.0.1:0"],
                                        cwd=self.home.name, env=environment, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True)
        timer = threading.Timer(60, self.process.kill)
        timer.start()
        try:
            self.issuer = json.loads(self.process.stdout.readline())["issuer"].rstrip("/")
        finally:
            timer.cancel()
        self.cli("apply", "-f", str(ROOT / "docs/guides/conformance/registration.toml"))
        password = secrets.token_hex(12)
        claims = {name: value for group in CLAIMS.values() for name, value in group.items() if name not in ("name", "email")}
        flags = [flag for name, value in claims.items()
                 for flag in ("--claim", f"{name}={json.dumps(value) if isinstance(value, dict) else value}")]
        self.cli("user", "create", "--username", "ada", "--email", "ada@example.org", "--email-verified", "--name", "Ada L",
                 *flags, "--password-stdin", stdin=password + "\n")
        self.user = {"username": "ada", "password": password}
        until(lambda: "id_token" in self.metadata()["response_types_supported"])
        self.about = self.metadata()

    def metadata(self):
        return requests.get(f"{self.issuer}/.well-known/openid-configuration", timeout=10).json()

    def cli(self, *arguments, stdin=None):
        command = [self.bin, "--data-dir", self.data, "--json", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{arguments}: {done.stderr or done.stdout}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def keys(self):
        return requests.get(self.about["jwks_uri"], timeout=10).json()

    def browser(self):
        return Person(self.issuer, self.user)

    def stop(self):
        self.process.terminate()
        self.process.wait(15)
        self.home.cleanup()


class Place:
    """A web server of the relying party's, on this machine: plain http stands for https here."""

    def __init__(self):
        place = self
        self.served, self.asked = {}, []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer("")

            def do_POST(self):
                self.answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())

            def answer(self, body):
                place.asked.append((self.path, body))
                kind, text = place.served.get(urlsplit(self.path).path, ("text/plain", ""))
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(text if isinstance(text, bytes) else text.encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def serve(self, path, text, kind="application/json"):
        self.served[path] = (kind, text if isinstance(text, (str, bytes)) else json.dumps(text))
        return self.url + path


class Client:
    """A relying party, registered for one response type."""

    def __init__(self, op, response_type="code", mode=None, method="client_secret_basic", static=False, **metadata):
        self.op, self.response_type, self.mode, self.method = op, response_type, mode, method
        self.redirect_uri = metadata.get("redirect_uris", [CALLBACK])[0]
        self.key = new_key("k1")
        asked = self.asked(**metadata)
        if static:
            kinds = [f"--grant={name}" for name in asked["grant_types"]]
            more = [f"--set=response_types={json.dumps(asked['response_types'])}"]
            self.about = op.cli("client", "create", "--name", "Static", "--redirect-uri", self.redirect_uri,
                                "--auth-method", method, *kinds, *more)
            self.answer = None
            return
        self.answer = requests.post(op.about["registration_endpoint"], json=asked, timeout=10)
        self.about = self.answer.json()

    def asked(self, **metadata):
        words = self.response_type.split()
        grants = ["authorization_code"] if "code" in words else []
        grants += ["implicit"] if {"token", "id_token"} & set(words) else []
        asked = {"client_name": "Plan", "grant_types": grants, "response_types": [self.response_type],
                 "redirect_uris": [CALLBACK], "contacts": ["certification@oidf.org"],
                 "token_endpoint_auth_method": self.method, "jwks": {"keys": [public(self.key)]}}
        asked |= {name: value for name, value in metadata.items() if value is not None}
        return {name: value for name, value in asked.items() if name not in metadata or metadata[name] is not None}

    @property
    def id(self):
        assert "client_id" in self.about, self.about
        return self.about["client_id"]

    def request(self, **changes):
        asked = {"client_id": self.id, "redirect_uri": self.redirect_uri, "scope": "openid", "state": secrets.token_urlsafe(8),
                 "nonce": secrets.token_urlsafe(8), "response_type": self.response_type, "response_mode": self.mode}
        return {name: value for name, value in (asked | changes).items() if value is not None}

    def ask(self, browser, **changes):
        """What comes back, after the checks that every answer has to pass."""
        request = self.request(**changes)
        return self.came(browser.visit(f"{self.op.about['authorization_endpoint']}?{urlencode(request)}"), request)

    def came(self, answer, request):
        query = {name: values[0] for name, values in parse_qs(urlsplit(answer.url).query).items()}
        fragment = {name: values[0] for name, values in parse_qs(urlsplit(answer.url).fragment).items()}
        if request.get("response_mode") == "form_post":
            assert not query and not fragment, "a form and nothing else"
            found = answer.parameters
        elif set(request.get("response_type", "code").split()) == {"code"}:
            found = query
        else:
            assert not query, f"nothing of it in the query: {query}"
            found = fragment
        assert found.get("state") == request.get("state"), "the state as it was"
        assert found.get("iss") == self.op.issuer
        found["consents"] = answer.consents
        if "id_token" in found:
            found["claims"] = self.checked(found["id_token"], request, found)
        return found

    def token(self, assertion_aud=None, **fields):
        headers, fields = {}, {name: value for name, value in fields.items() if value is not None}
        if self.method == "client_secret_basic":
            pair = f"{self.id}:{self.about['client_secret']}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        elif self.method == "client_secret_post":
            fields |= {"client_id": self.id, "client_secret": self.about["client_secret"]}
        elif self.method == "private_key_jwt":
            now = int(time.time())
            claims = {"iss": self.id, "sub": self.id, "aud": assertion_aud or self.op.about["token_endpoint"],
                      "jti": secrets.token_hex(10), "iat": now, "nbf": now, "exp": now + 60}
            fields |= {"client_assertion_type": ASSERTION, "client_assertion": self.sign(claims)}
        return requests.post(self.op.about["token_endpoint"], data=fields, headers=headers, timeout=10)

    def redeem(self, found, **more):
        return self.token(grant_type="authorization_code", code=found["code"], redirect_uri=self.redirect_uri, **more)

    def tokens(self, browser, **changes):
        """The whole flow: the answer with what the token endpoint adds."""
        request = self.request(**changes)
        found = self.came(browser.visit(f"{self.op.about['authorization_endpoint']}?{urlencode(request)}"), request)
        assert "error" not in found, found
        if "code" in found:
            answer = self.redeem(found)
            assert answer.status_code == 200, answer.text
            assert "no-store" in answer.headers["Cache-Control"] and answer.json()["token_type"] == "Bearer"
            second = answer.json()
            claims = self.checked(second["id_token"], request, second)
            if "claims" in found:
                assert (claims["sub"], claims["iss"]) == (found["claims"]["sub"], found["claims"]["iss"])
            found = {**found, **second, "front": found.get("claims"), "claims": claims}
        return found

    def checked(self, token, request, beside):
        """What holds of every ID token."""
        decoded = jwt.decode(token, KeySet.import_key_set(self.op.keys()), algorithms=["RS256", "ES256", "PS256"])
        claims, header = decoded.claims, decoded.header
        assert header["alg"] == "RS256" and header["kid"] in [key["kid"] for key in self.op.keys()["keys"]]
        assert (claims["iss"], claims["aud"], claims.get("nonce")) == (self.op.issuer, self.id, request.get("nonce"))
        assert claims["sub"] and claims["iat"] <= time.time() + 5 < claims["exp"] + 5
        for name, value in (("at_hash", beside.get("access_token")), ("c_hash", beside.get("code"))):
            assert name not in claims or claims[name] == half_hash(value), name
            wanted = value and "state" in beside
            assert not wanted or name in claims, f"{name} is missing at the authorization endpoint"
        return claims

    def userinfo(self, found, way="get"):
        url, token = self.op.about["userinfo_endpoint"], found["access_token"]
        header = {"Authorization": f"Bearer {token}"}
        answer = {"get": lambda: requests.get(url, headers=header, timeout=10),
                  "header": lambda: requests.post(url, headers=header, timeout=10),
                  "body": lambda: requests.post(url, data={"access_token": token}, timeout=10)}[way]()
        return answer

    def sign(self, claims, **header):
        return jwt.encode({"alg": "RS256", "kid": self.key.kid, **header}, claims, self.key, algorithms=["RS256"])


def new_key(kid):
    return RSAKey.generate_key(2048, parameters={"kid": kid, "use": "sig", "alg": "RS256"})


def public(key):
    return key.as_dict(private=False)


def half_hash(text):
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:16]).rstrip(b"=").decode()


def until(holds, seconds=15):
    """Waits for what a running server takes in by itself."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "it did not come about"
        time.sleep(0.05)
