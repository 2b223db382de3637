//! Certificates that a test makes for itself, and requests in connections that show them.

use crate::wire::{Reply, connect, exchange};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
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

pub(crate) fn params(name: &str) -> CertificateParams {
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

    /// The same in X.509 v1: without version and extensions. Nobody's signature holds on it.
    pub(crate) fn as_v1(&self) -> Self {
        let (_, whole, _) = element(&self.certificate);
        let (_, mut rest, signed) = element(whole);
        let mut fields = Vec::new();
        while !rest.is_empty() {
            let (tag, _, after) = element(rest);
            if tag != 0xa0 && tag != 0xa3 {
                fields.extend_from_slice(&rest[..rest.len() - after.len()]);
            }
            rest = after;
        }
        let own = sequence(&[&sequence(&fields), signed].concat());
        Self { certificate: own.into(), key: self.key.clone() }
    }
}

/// The first element of a DER text: its tag, what is in it, and what comes after.
fn element(der: &[u8]) -> (u8, &[u8], &[u8]) {
    let (start, length) = match usize::from(der[1]) {
        length @ 0..0x80 => (2, length),
        longer => {
            let start = 2 + (longer & 0x7f);
            (start, der[2..start].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
        }
    };
    (der[0], &der[start..start + length], &der[start + length..])
}

fn sequence(body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[0x30, 0x82], &length[..], body].concat()
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
        self.vouches(&params(name))
    }

    pub(crate) fn vouches(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.own).unwrap().der().clone();
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
                // By hand: a certificate that rustls would not show is tried here as well.
                let key = PrivatePkcs8KeyDer::from(key.clone()).into();
                let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
                let own = CertifiedKey::new(vec![certificate.clone()], key);
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own)))
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
