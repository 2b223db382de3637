"""Apache with mod_auth_openidc from Debian: a web server that lets Valetkey sign its visitors in."""

import os
import pathlib
import re
import secrets
import shutil
import socket
import subprocess
import time

import pytest
import requests

MODULES = pathlib.Path("/usr/lib/apache2/modules")
CONFIGURATION = """
ServerRoot {home}
ServerName localhost
PidFile {home}/httpd.pid
Listen 127.0.0.1:{port}
ErrorLog {home}/error.log
LogLevel warn auth_openidc:info
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule dir_module {modules}/mod_dir.so
LoadModule auth_openidc_module {modules}/mod_auth_openidc.so
Mutex file:{home} default
{user}
DocumentRoot {home}/pages
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
OIDCClientSecret {client_secret}
OIDCProviderTokenEndpointAuth client_secret_basic
OIDCRedirectURI http://127.0.0.1:{port}/callback
OIDCCryptoPassphrase {passphrase}
OIDCScope "openid profile email"
OIDCPKCEMethod S256
OIDCRemoteUserClaim preferred_username
OIDCCookieSameSite On
<Location />
  AuthType openid-connect
  Require valid-user
  Header set X-Signed-In-As "expr=%{{REMOTE_USER}}"
</Location>
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def site(run, issuer, tmp_path):
    """Apache before one page that only people who signed in may see."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.html").write_text("the members' page")
    client = run["clients"]["basic"]
    port = free_port()
    # As root, Apache hands its work to another user, who must be able to read all this.
    user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
    if user:
        for folder in (tmp_path, *tmp_path.parents[:3]):
            folder.chmod(0o755)
    file = tmp_path / "httpd.conf"
    file.write_text(CONFIGURATION.format(
        home=tmp_path, port=port, modules=MODULES, issuer=issuer, user=user, passphrase=secrets.token_hex(16),
        client_id=client["client_id"], client_secret=client["client_secret"]))
    apache = shutil.which("apache2", path="/usr/sbin:/usr/bin") or pytest.fail("apache2 is missing: scripts/test installs it")
    process = subprocess.Popen([apache, "-f", str(file), "-DFOREGROUND"])
    try:
        wait_until_up(port, process, tmp_path)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def wait_until_up(port, process, home):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"Apache did not start: {(home / 'error.log').read_text() if (home / 'error.log').exists() else 'no log'}")


def test_a_visitor_signs_in_and_apache_knows_who_it_is(site, person):
    visitor = requests.Session()
    sent_off = visitor.get(f"{site}/", allow_redirects=False, timeout=10)
    assert sent_off.status_code == 302, sent_off.text
    back = person("ada").visit(sent_off.headers["location"])
    assert back.url.startswith(f"{site}/callback?"), back.url
    page = visitor.get(back.url, timeout=10)
    assert page.status_code == 200, page.text
    assert "the members' page" in page.text
    assert page.headers["x-signed-in-as"].startswith("ada"), page.headers


def test_an_answer_with_a_changed_state_lets_nobody_in(site, person):
    visitor = requests.Session()
    sent_off = visitor.get(f"{site}/", allow_redirects=False, timeout=10)
    back = person("ada").visit(sent_off.headers["location"])
    bent = re.sub(r"([?&]state=)[^&]*", r"\g<1>somebody-elses", back.url)
    page = visitor.get(bent, allow_redirects=False, timeout=10)
    assert "the members' page" not in page.text
    assert page.status_code != 200 or "error" in page.text.lower()
