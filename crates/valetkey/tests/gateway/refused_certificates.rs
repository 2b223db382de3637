//! RFC 8705 §2 — a certificate that proves nobody: the operator reads why in the log, and the caller is told nothing new

use crate::authority::{Authority, Identity, params, post};
use crate::mutual_tls::{asking, assert_refused, furnish, listener, world};
use crate::mutual_tls_proxy;
use data_encoding::BASE64;
use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, date_time_ymd};

#[test]
fn rfc5280_section_4_1_2_1_a_certificate_of_v1_is_refused_in_the_handshake_and_the_log_says_why() {
    let authority = Authority::new();
    let world = world(&authority);
    furnish(&world, &Identity::alone("alone"));
    let at = listener(&world);
    let old = authority.vouches_for("billing").as_v1();
    let reply = authority.send(&at, Some(&old), &post("/oauth/token", "", &asking(&world, "billing")));
    assert_eq!((reply.status, reply.head.as_str()), (0, ""), "nothing is answered");
    let line = world.logged("a client's certificate was refused");
    assert!(line.contains("WARN") && line.contains("client certificates are v3"), "{line}");
    assert!(line.contains("127.0.0.1"), "whose it was: {line}");
    // Whoever speaks no TLS at all is no client with a certificate.
    let before = world.log().matches("certificate was refused").count();
    assert_eq!(crate::support::World::send_to(&at, "/", "").status, 0);
    let good = authority.vouches_for("billing");
    assert_eq!(
        authority.send(&at, Some(&good), &post("/oauth/token", "", &asking(&world, "billing"))).status,
        200
    );
    assert_eq!(world.log().matches("certificate was refused").count(), before);
}

#[test]
fn rfc8705_section_2_1_why_nobody_vouches_for_a_certificate_is_in_the_log() {
    let authority = Authority::new();
    let world = world(&authority);
    furnish(&world, &Identity::alone("alone"));
    let at = listener(&world);
    let with = |change: &dyn Fn(&mut rcgen::CertificateParams)| {
        let mut own = params("billing");
        change(&mut own);
        authority.vouches(&own)
    };
    for (own, words) in [
        (with(&|own| own.not_after = date_time_ymd(2020, 1, 1)), "it has expired"),
        (with(&|own| own.not_before = date_time_ymd(4000, 1, 1)), "it is not good yet"),
        (with(&|own| own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)), "basicConstraints=CA:FALSE"),
        (
            with(&|own| own.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]),
            "lacks clientAuth",
        ),
        (Identity::alone("billing"), "nobody in http.client_certificates.ca_file"),
    ] {
        let reply = authority.send(&at, Some(&own), &post("/oauth/token", "", &asking(&world, "billing")));
        assert_refused(&reply, 401, "invalid_client", words);
        let line = world.logged(words);
        assert!(line.contains("WARN") && line.contains("billing"), "{line}");
    }
    // A client that is known by its own key needs nobody's word: nothing is wrong.
    assert!(!world.log().contains("\"alone\""), "{}", world.log());
}

#[test]
fn rfc9440_section_2_what_a_proxy_says_that_is_no_certificate_is_in_the_log() {
    let authority = Authority::new();
    let world = mutual_tls_proxy::world(&authority, "[\"127.0.0.1\"]");
    furnish(&world, &Identity::alone("alone"));
    let form = asking(&world, "billing");
    let ask = |value: &str| {
        let reply = world.send(post("/oauth/token", &format!("Client-Cert: {value}\r\n"), &form).as_bytes());
        assert_refused(&reply, 401, "invalid_client", value);
    };
    ask("");
    assert!(!world.log().contains("WARN"), "nginx says nothing where nobody showed one: {}", world.log());
    ask(&format!(":{}:", BASE64.encode(b"no certificate")));
    assert!(world.logged("cannot be read").contains("client-cert"));
    let old = authority.vouches_for("billing").as_v1();
    ask(&format!(":{}:", BASE64.encode(&old.certificate)));
    assert!(world.logged("client certificates are v3").contains("billing"));
}
