//! RFC 9110 §4.3.4 — who vouches for a server: the system's authorities, and what the operator's file names

use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, Error, RootCertStore};
use std::path::Path;
use std::sync::Arc;

/// The certificates by which servers are known cannot be read.
#[derive(Debug)]
pub struct Unready(String);

impl std::fmt::Display for Unready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unready {}

/// TLS as this server speaks it to others: the system's certificates count, and those in `ca_file`.
pub fn config(ca_file: Option<&Path>) -> Result<ClientConfig, Unready> {
    let wrong = |error: &dyn std::fmt::Display| Unready(error.to_string());
    let own = ca_file.map(certificates).transpose()?.unwrap_or_default();
    let mut roots = RootCertStore::empty();
    // None at all is well where nobody is asked; each call says so then.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in &own {
        roots.add(certificate.clone()).map_err(|error| wrong(&error))?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| wrong(&error))?;
    let mut config = if own.is_empty() {
        builder.with_root_certificates(roots).with_no_client_auth()
    } else {
        let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let usual = usual.build().map_err(|error| wrong(&error))?;
        let verifier = Arc::new(Named { usual, own, provider });
        builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The certificates in a file (PEM), of which there is one at least.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Unready> {
    let wrong = |what: &dyn std::fmt::Display| Unready(format!("{}: {what}", path.display()));
    let own = CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))?;
    let own: Vec<_> = own.collect::<Result<_, _>>().map_err(|error| wrong(&error))?;
    if own.is_empty() { Err(wrong(&"no certificate in it")) } else { Ok(own) }
}

/// Whether a handshake's signature is by the key of a certificate: what the verifiers of either side have in common. Stands in
/// the `impl` of one that has a `provider`.
#[macro_export]
macro_rules! signatures_in_handshakes {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &rustls::pki_types::CertificateDer<'_>,
            signed: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            let known = &self.provider.signature_verification_algorithms;
            rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &rustls::pki_types::CertificateDer<'_>,
            signed: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            let known = &self.provider.signature_verification_algorithms;
            rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
        }

        fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
            self.provider.signature_verification_algorithms.supported_schemes()
        }
    };
}

/// The usual rules; and a server whose very certificate stands in the operator's file is believed for the names in it. A
/// self-signed one, as `openssl req -x509` makes it, is an authority and a server at once, which the usual rules refuse.
#[derive(Debug)]
struct Named {
    usual: Arc<WebPkiServerVerifier>,
    own: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let usual = self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match usual {
            Err(refused) if self.own.iter().any(|own| own == end_entity) => {
                let named = ParsedCertificate::try_from(end_entity)
                    .and_then(|certificate| verify_server_name(&certificate, server_name));
                named.map(|()| ServerCertVerified::assertion()).map_err(|_| refused)
            }
            answer => answer,
        }
    }

    signatures_in_handshakes!();
}
