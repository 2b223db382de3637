//! Certificates that a test makes for itself, and requests in connections that show them.

use crate::wire::{Reply, connect, exchange};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// What every server here calls itself.
pub(crate) const SERVER: &str = "mtls.example";

/// Vouches for servers and for clients.
pub(crate) struct Authority {
    own: CertifiedIssuer<'static, KeyPair>,
    directory: TempDir,
}

/// A certificate and the key of it.
pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl Identity {
    /// One that nobody vouches for but itself.
    pub(crate) fn alone(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params(name).self_signed(&key).unwrap().der().clone();
        Self { certificate, key: key.serialize_der() }
    }
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = params("Authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let authority = Self { own, directory: tempfile::tempdir().unwrap() };
        authority.write("authority.pem", &authority.own.pem());
        let key = KeyPair::generate().unwrap();
        let server = self::params(SERVER).signed_by(&key, &authority.own).unwrap();
        authority.write("server.pem", &server.pem());
        authority.write("server.key", &key.serialize_pem());
        authority
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.file(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// `authority.pem`, `server.pem`, `server.key`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.file(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn vouches_for(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params(name).signed_by(&key, &self.own).unwrap().der().clone();
        Identity { certificate, key: key.serialize_der() }
    }

    /// Sends bytes in a connection of its own, by TLS, and reads until the server closes.
    pub(crate) fn send(&self, address: &str, shown: Option<&Identity>, raw: &str) -> Reply {
        let mut roots = RootCertStore::empty();
        roots.add(self.own.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(roots);
        let config = match shown {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let key = PrivatePkcs8KeyDer::from(key.clone()).into();
                builder.with_client_auth_cert(vec![certificate.clone()], key).unwrap()
            }
        };
        let name = ServerName::try_from(SERVER).unwrap();
        let session = ClientConnection::new(Arc::new(config), name).unwrap();
        exchange(StreamOwned::new(session, connect(address)), raw.as_bytes())
    }
}

pub(crate) fn get(target: &str, headers: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: {SERVER}\r\n{headers}Connection: close\r\n\r\n")
}

pub(crate) fn post(target: &str, headers: &str, form: &str) -> String {
    format!(
        "POST {target} HTTP/1.1\r\nHost: {SERVER}\r\n{headers}Content-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{form}",
        form.len()
    )
}
