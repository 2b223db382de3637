//! OIDC Core §16.17 — TLS, and who vouches for a server

use crate::server::{Hand, document, serve};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use valetkey_core::outbound::{Fetcher, Unfetched};
use valetkey_fetch::{Guarded, Limits, Policy};

/// Tells the files of one process apart.
static MADE: AtomicUsize = AtomicUsize::new(0);

/// A TLS server that calls itself `name`, and the file with its certificate. `authority`: as `openssl req -x509` makes it.
async fn server(name: &str, authority: bool) -> (u16, PathBuf) {
    let signing_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    if authority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    let cert = params.self_signed(&signing_key).unwrap();
    let nth = MADE.fetch_add(1, Ordering::Relaxed);
    let file = format!("valetkey-fetch-{}-{nth}.pem", std::process::id());
    let path = std::env::temp_dir().join(file);
    std::fs::write(&path, cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { return };
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let asked = Arc::new(Mutex::new(vec![String::new()]));
            tokio::spawn(serve(stream, document("", "{\"tls\":true}"), asked, 0));
        }
    });
    (port, path)
}

fn fetcher(ca_file: Option<&Path>) -> Guarded {
    let policy = Policy { allowed: Policy::loopback().to_vec() };
    Guarded::new(policy, Limits::default(), ca_file, Arc::<Hand>::default()).unwrap()
}

#[tokio::test]
async fn a_server_is_believed_by_the_certificate_in_the_ca_file_and_by_its_name_only() {
    for authority in [false, true] {
        let (port, ca_file) = server("localhost", authority).await;
        let (own, other) = (format!("https://localhost:{port}/x"), format!("https://127.0.0.1:{port}/x"));
        let trusting = fetcher(Some(&ca_file));
        assert_eq!(&*trusting.document(&own, 100).await.unwrap(), b"{\"tls\":true}", "{authority}");
        assert_eq!(trusting.document(&other, 100).await, Err(Unfetched::Unreachable), "another name");
        assert_eq!(fetcher(None).document(&own, 100).await, Err(Unfetched::Unreachable), "nobody vouches");
        let (impostor, _) = server("localhost", authority).await;
        let own = format!("https://localhost:{impostor}/x");
        assert_eq!(trusting.document(&own, 100).await, Err(Unfetched::Unreachable), "another key");
        std::fs::remove_file(ca_file).unwrap();
    }
}

#[test]
fn a_ca_file_without_a_certificate_is_said_so() {
    let policy = Policy::default;
    let refused = |path: &Path| {
        let clock = Arc::<Hand>::default();
        Guarded::new(policy(), Limits::default(), Some(path), clock).expect_err("refused").to_string()
    };
    assert!(refused(Path::new("/nowhere/ca.pem")).starts_with("/nowhere/ca.pem: "));
    let empty = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    assert!(refused(empty).contains("no certificate in it"));
}
