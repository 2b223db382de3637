//! RFC 8705 §6.5 — a real nginx ends TLS in front and says which certificate came; nobody else is believed

use crate::authority::{Authority, Identity, SERVER, get, post};
use crate::forward_auth::{Nginx, run_nginx};
use crate::mutual_tls::{asking, assert_refused, furnish};
use crate::support::World;
use data_encoding::BASE64;
use tempfile::TempDir;
use valetkey_core::proof::certificate::{fingerprint, to_text};

/// A server that believes `proxies`.
pub(crate) fn world(authority: &Authority, proxies: &str) -> World {
    let (file, url) = (authority.text("authority.pem"), format!("https://{SERVER}"));
    let environment = [
        ("VALETKEY__HTTP__TRUSTED_PROXIES", proxies),
        ("VALETKEY__HTTP__CLIENT_CERTIFICATES__HEADER", "Client-Cert"),
        ("VALETKEY__HTTP__CLIENT_CERTIFICATES__CA_FILE", &file),
        ("VALETKEY__HTTP__CLIENT_CERTIFICATES__URL", &url),
    ];
    World::start_with(&["GET /open/{*rest} read"], &environment, &[])
}

/// nginx as docs/guides/mutual-tls.md has it.
fn nginx(world: &World, authority: &Authority) -> (Nginx, TempDir, String) {
    let (certificate, key) = (authority.text("server.pem"), authority.text("server.key"));
    let block = format!(
        "        server_name {SERVER};
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_verify_client optional_no_ca;
        location / {{
            proxy_pass http://{};
            proxy_set_header Client-Cert $ssl_client_escaped_cert;
            proxy_set_header X-Forwarded-For $remote_addr;
        }}",
        world.address
    );
    run_nginx("ssl", &block)
}

#[test]
fn rfc8705_section_6_5_nginx_says_the_certificate_that_proves_a_client_and_binds_its_token() {
    let (authority, alone) = (Authority::new(), Identity::alone("alone"));
    let world = world(&authority, "[\"127.0.0.1\"]");
    furnish(&world, &alone);
    let (_nginx, _directory, at) = nginx(&world, &authority);
    let (own, thief) = (authority.vouches_for("billing"), authority.vouches_for("shop"));
    let ask = |client: &str, shown: Option<&Identity>, headers: &str| {
        authority.send(&at, shown, &post("/oauth/token", headers, &asking(&world, client)))
    };
    assert_eq!(ask("alone", Some(&alone), "").status, 200, "its own key");
    let reply = ask("billing", Some(&own), "");
    assert_eq!(reply.status, 200, "{reply:?}");
    let reply = reply.json();
    let token = reply["access_token"].as_str().unwrap();
    // What the caller says beside it is taken away.
    let forged = format!("Client-Cert: :{}:\r\n", BASE64.encode(&own.certificate));
    for (shown, headers, case) in [
        (None, "", "no certificate"),
        (Some(&thief), "", "another client's"),
        (Some(&Identity::alone("billing")), "", "nobody vouches for it"),
        (None, &*forged, "a header of the caller's"),
        (Some(&thief), &forged, "a header beside another certificate"),
    ] {
        assert_refused(&ask("billing", shown, headers), 401, "invalid_client", case);
    }
    let told = authority.send(
        &at,
        Some(&own),
        &post("/oauth/introspect", "", &format!("client_id=billing&token={token}")),
    );
    assert_eq!(told.json()["cnf"]["x5t#S256"], to_text(&fingerprint(&own.certificate)), "{told:?}");
    let bearer = format!("Authorization: Bearer {token}\r\n");
    assert_eq!(authority.send(&at, Some(&own), &get("/things/open/x", &bearer)).status, 200);
    for (shown, headers) in [(Some(&thief), ""), (None, ""), (None, &*forged)] {
        let reply = authority.send(&at, shown, &get("/things/open/x", &format!("{bearer}{headers}")));
        assert_eq!(reply.status, 401, "{reply:?}");
    }
}

#[test]
fn rfc8705_section_6_5_a_certificate_that_a_stranger_says_is_none() {
    let authority = Authority::new();
    let world = world(&authority, "[\"192.0.2.1\"]");
    furnish(&world, &Identity::alone("alone"));
    let (_nginx, _directory, at) = nginx(&world, &authority);
    let own = authority.vouches_for("billing");
    let form = asking(&world, "billing");
    let reply = authority.send(&at, Some(&own), &post("/oauth/token", "", &form));
    assert_refused(&reply, 401, "invalid_client", "a proxy that is not listed");
    let header = format!("Client-Cert: :{}:\r\n", BASE64.encode(&own.certificate));
    let pretends = "X-Forwarded-For: 192.0.2.1\r\n";
    for headers in [header.clone(), format!("{header}{pretends}")] {
        let reply = world.send(post("/oauth/token", &headers, &form).as_bytes());
        assert_refused(&reply, 401, "invalid_client", &headers);
    }
}
