#!/usr/bin/env python3
"""Starts one Valetkey for a test run, makes its users and clients, runs a command, ends the server by its pid.

usage: fixture.py COMMAND [ARGUMENT…]

The command finds what was made in the JSON file that VALETKEY_FIXTURE names. Afterwards the server's log is read:
a panic or any secret in it fails the run even when the command was content. Standard library only.
"""

import json
import os
import pathlib
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
WEB = "https://app.example/callback"
LOOPBACK = "http://127.0.0.1/callback"
SCOPE = "openid profile email offline_access read write"
# Sealed artefacts and JWTs are recognised by their form, so no suite has to keep a list of what it was given.
SECRET_FORMS = re.compile(r"vk_[a-z]{2,3}_[A-Za-z0-9_-]{24,}|eyJ[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}")

# name -> the arguments of `client create`; two redirect URIs each, as an app has one for production and one for the desk.
CLIENTS = {
    "either": ["--redirect-uri", WEB, "--redirect-uri", LOOPBACK],
    "basic": ["--redirect-uri", WEB, "--redirect-uri", LOOPBACK, "--auth-method", "client_secret_basic"],
    "post": ["--redirect-uri", WEB, "--redirect-uri", LOOPBACK, "--auth-method", "client_secret_post"],
    "public": ["--redirect-uri", LOOPBACK, "--public"],
    "other": ["--redirect-uri", WEB],
    "photo": ["--redirect-uri", LOOPBACK],
    "service": ["--grant", "client_credentials"],
    "service_post": ["--grant", "client_credentials", "--auth-method", "client_secret_post"],
    "observer": ["--grant", "client_credentials", "--introspect"],
}
NAMES = {"photo": "Photo Printer", "public": "Desk Calendar"}
APIS = {
    "es256": ["--name", "Photos", "--prefix", "/photos", "--resource", "https://photos.example", "--signing-alg", "ES256"],
    "eddsa": ["--name", "Albums", "--prefix", "/albums", "--resource", "https://albums.example", "--signing-alg", "EdDSA"],
    "rs256": ["--name", "Videos", "--prefix", "/videos", "--resource", "https://videos.example", "--signing-alg", "RS256"],
}


def binary():
    """VALETKEY_BIN, else the release build, else the debug build."""
    given = os.environ.get("VALETKEY_BIN")
    candidates = [given] if given else [str(ROOT / "target" / kind / "valetkey") for kind in ("release", "debug")]
    for candidate in candidates:
        if pathlib.Path(candidate).is_file():
            return str(pathlib.Path(candidate).resolve())
    sys.exit(f"fixture: no valetkey binary at {' or '.join(candidates)}; build it or set VALETKEY_BIN")


class Server:
    """`valetkey dev` on a free port and a fresh data directory."""

    def __init__(self):
        self.bin = binary()
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="valetkey-tests-"))
        self.data = self.home / "data"
        self.log = self.home / "server.log"
        self.secrets = []
        self.process = None

    def start(self):
        command = [self.bin, "--json", "--data-dir", str(self.data), "dev", "--listen", os.environ.get("VALETKEY_TEST_LISTEN", "127.0.0.1:0")]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("VALETKEY")}
        environment["VALETKEY__LOG__LEVEL"] = os.environ.get("VALETKEY_TEST_LOG", "debug")
        environment["VALETKEY__REGISTRATION__DYNAMIC"] = os.environ.get("VALETKEY_TEST_REGISTRATION", "off")
        # What a suite needs of the configuration: VALETKEY_TEST__X__Y is the server's VALETKEY__X__Y.
        further = {k: v for k, v in os.environ.items() if k.startswith("VALETKEY_TEST__")}
        environment.update({k.replace("VALETKEY_TEST__", "VALETKEY__", 1): v for k, v in further.items()})
        began = time.monotonic()
        self.process = subprocess.Popen(command, cwd=self.home, env=environment, stdout=subprocess.PIPE,
                                        stderr=self.log.open("wb"), stdin=subprocess.DEVNULL, text=True)
        greeting = self._greeting()
        self.ready_after = time.monotonic() - began
        return greeting

    def _greeting(self):
        """The one JSON object on stdout; it may span lines, so it is read until it parses."""
        timer = threading.Timer(30, self.process.kill)
        timer.start()
        text = ""
        try:
            for line in self.process.stdout:
                text += line
                try:
                    greeting = json.loads(text)
                except ValueError:
                    continue
                threading.Thread(target=self.process.stdout.read, daemon=True).start()
                return greeting
        finally:
            timer.cancel()
        sys.exit(f"fixture: the server said no greeting.\n{text}\n{self.log.read_text()[-4000:]}")

    def cli(self, *arguments, stdin=None):
        command = [self.bin, "--data-dir", str(self.data), "--json", *arguments]
        done = subprocess.run(command, cwd=self.home, input=stdin, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(arguments)}: exit {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def make_client(self, name):
        scope = "read write" if name.startswith(("service", "observer")) else SCOPE
        made = self.cli("client", "create", "--name", NAMES.get(name, f"Test {name}"), "--scope", scope, *CLIENTS[name])
        self.secrets.append(made.get("client_secret"))
        return made

    def make_user(self, username):
        password = f"lamp-{secrets.token_hex(8)}-orchard"
        made = self.cli("user", "create", "--username", username, "--email", f"{username}@example.org",
                        "--name", username.capitalize(), "--password-stdin", stdin=password + "\n")
        self.secrets.append(password)
        return {"id": made["id"], "username": username, "password": password}

    def make_api(self, name):
        try:
            return self.cli("api", "create", "--id", name, "--upstream", "http://127.0.0.1:1", "--token-format", "jwt",
                            "--scope", "read", "--scope", "write", *APIS[name])
        except RuntimeError as refused:
            return {"error": str(refused), "resource": APIS[name][APIS[name].index("--resource") + 1]}

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                return "the server did not end within 15 s of SIGTERM"
        return None

    def complaints(self):
        """What the log must not hold."""
        text = self.log.read_text(errors="replace")
        found = [f"panic in the log: {line}" for line in text.splitlines() if "panicked at" in line]
        found += [f"a token in the log: {match[:14]}…" for match in set(SECRET_FORMS.findall(text))]
        found += [f"a secret in the log: {secret[:6]}…" for secret in self.secrets if secret and secret in text]
        return found


def wait_for_client(issuer, client):
    """Management commands act on a running server within 1 s: wait until the last client made may speak."""
    body = f"grant_type=client_credentials&client_id={client['client_id']}&client_secret={client['client_secret']}"
    deadline = time.monotonic() + 5
    while True:
        try:
            with urllib.request.urlopen(f"{issuer}/oauth/token", body.encode(), timeout=5):
                return
        except urllib.error.HTTPError as refused:
            if time.monotonic() > deadline:
                sys.exit(f"fixture: a client made 5 s ago is still refused: {refused.read().decode()}")
        time.sleep(0.05)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    server = Server()
    try:
        greeting = server.start()
        issuer = greeting["issuer"].rstrip("/")
        fixture = {
            "issuer": issuer, "dev": greeting, "bin": server.bin, "data_dir": str(server.data), "pid": server.process.pid,
            "ready_after": round(server.ready_after, 3), "redirect": {"web": WEB, "loopback": LOOPBACK}, "scope": SCOPE,
            "clients": {name: server.make_client(name) for name in CLIENTS},
            "apis": {name: server.make_api(name) for name in APIS},
            "users": {name: server.make_user(name) for name in ("ada", "grace", "edsger", "barbara", "niklaus")},
        }
        wait_for_client(issuer, fixture["clients"]["service_post"])
        path = server.home / "fixture.json"
        path.write_text(json.dumps(fixture, indent=2))
        code = subprocess.call(sys.argv[1:], env={**os.environ, "VALETKEY_FIXTURE": str(path)})
    finally:
        late = server.stop()
    complaints = server.complaints() + ([late] if late else [])
    for complaint in complaints:
        print(f"fixture: {complaint}", file=sys.stderr)
    if code or complaints:
        print(f"fixture: the server's log is kept in {server.log}", file=sys.stderr)
    else:
        shutil.rmtree(server.home, ignore_errors=True)
    sys.exit(code or (1 if complaints else 0))


if __name__ == "__main__":
    main()
