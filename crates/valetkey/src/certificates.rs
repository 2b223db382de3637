//! RFC 8705 §6.5, RFC 9440 §2 — clients' certificates: out of a trusted proxy's header, or from our own TLS listener

use crate::clock::SystemClock;
use crate::config::keys::ClientCertificates;
use anyhow::{Context as _, Result};
use data_encoding::BASE64;
use http::{HeaderMap, HeaderName};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, CipherSuite, DistinguishedName, Error, OtherError, RootCertStore, ServerConfig,
};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use valetkey_core::outbound::Clock;
use valetkey_core::proof::certificate::Certificate;
use valetkey_core::settings::MutualTls;
use valetkey_web::layer::ReadCertificate;
use valetkey_web::serve::Tls;

const CHAIN: HeaderName = HeaderName::from_static("client-cert-chain");
const XFCC: &str = "x-forwarded-client-cert";

/// What discovery may promise.
pub(crate) fn mutual_tls(own: &ClientCertificates) -> MutualTls {
    MutualTls {
        arrives: own.header.is_some() || !own.listen.0.is_empty(),
        vouched: own.ca_file.is_some(),
        url: own.url.clone(),
    }
}

/// How the edge reads a trusted proxy's header.
pub(crate) fn from_header(own: &ClientCertificates) -> Result<Option<ReadCertificate>> {
    let Some(name) = &own.header else { return Ok(None) };
    let name: HeaderName = name.parse().context("http.client_certificates.header")?;
    let authorities = authorities(own)?;
    Ok(Some(Arc::new(move |headers| {
        let found = said(headers, &name).and_then(|chain| known(&chain, authorities.as_ref()));
        if found.is_none() && headers.get(&name).is_some_and(|value| !value.is_empty()) {
            tracing::warn!(target: "valetkey::certificates", header = name.as_str(),
                "a proxy said a certificate that cannot be read, or two");
        }
        found
    })))
}

/// How our own listener ends TLS.
pub(crate) fn listener(own: &ClientCertificates) -> Result<Option<Tls>> {
    let (Some(certificate), Some(key)) = (&own.certificate_file, &own.key_file) else { return Ok(None) };
    let chain =
        valetkey_fetch::certificates(certificate).context("http.client_certificates.certificate_file")?;
    let key = PrivateKeyDer::from_pem_file(key).context("http.client_certificates.key_file")?;
    let provider = Arc::new(recommended());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let config =
        builder.with_client_cert_verifier(Arc::new(Anybodys { provider })).with_single_cert(chain, key);
    let mut config =
        config.context("http.client_certificates: certificate_file and key_file do not belong together")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let authorities = authorities(own)?;
    Ok(Some(Tls::new(Arc::new(config), Arc::new(move |chain| known(chain, authorities.as_ref())))))
}

/// RFC 9325 §4.2, FAPI 2.0 §5.2.2: of the ciphers of TLS 1.2 those that are recommended, and no others.
fn recommended() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|own| {
        use CipherSuite::{
            TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        };
        let named = [
            TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        ];
        own.tls13().is_some() || named.contains(&own.suite())
    });
    provider
}

type Authorities = Arc<dyn ClientCertVerifier>;

fn authorities(own: &ClientCertificates) -> Result<Option<Authorities>> {
    let Some(file) = &own.ca_file else { return Ok(None) };
    let mut roots = RootCertStore::empty();
    for certificate in valetkey_fetch::certificates(file).context("http.client_certificates.ca_file")? {
        roots.add(certificate).context("http.client_certificates.ca_file")?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    Ok(Some(WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?))
}

/// What is known of who holds the first certificate of a chain. Whether it is of use to anybody, its client decides.
fn known(chain: &[CertificateDer<'_>], authorities: Option<&Authorities>) -> Option<Arc<Certificate>> {
    let (own, between) = chain.split_first()?;
    let now = UnixTime::since_unix_epoch(Duration::from_millis(SystemClock.now_ms()));
    Certificate::read(own, unvouched(own, between, authorities, now)).map(Arc::new)
}

/// Why none of the operator's authorities vouches for it.
fn unvouched(
    own: &CertificateDer<'_>,
    between: &[CertificateDer<'_>],
    authorities: Option<&Authorities>,
    now: UnixTime,
) -> Option<&'static str> {
    let Some(all) = authorities else {
        return Some("no http.client_certificates.ca_file says who may vouch");
    };
    if let Some(flaw) = Certificate::flaw(own) {
        return Some(flaw);
    }
    if Certificate::is_of_an_authority(own) {
        return Some("it is an authority's: a client's has basicConstraints=CA:FALSE, or none");
    }
    let Error::InvalidCertificate(wrong) = all.verify_client_cert(own, between, now).err()? else {
        return Some("it cannot be judged");
    };
    Some(match wrong {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it is not good yet",
        CertificateError::UnknownIssuer => "nobody in http.client_certificates.ca_file vouches for it",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not for clients: its extendedKeyUsage lacks clientAuth"
        }
        CertificateError::BadSignature => "the signature on it does not hold",
        _ => "it does not hold by RFC 5280",
    })
}

/// The chain that a proxy says, the client's own first. Said twice, it is not said.
fn said(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<CertificateDer<'static>>> {
    let mut all = headers.get_all(name).iter();
    let (Some(value), None) = (all.next().and_then(|value| value.to_str().ok()), all.next()) else {
        return None;
    };
    let mut chain = if name.as_str() == XFCC { vec![read(&envoys(value)?)?] } else { vec![read(value)?] };
    // RFC 9440 §2.2.
    let between = headers.get(&CHAIN).filter(|_| name.as_str() == "client-cert");
    let between = between.and_then(|value| value.to_str().ok()).unwrap_or_default();
    chain.extend(between.split(',').filter_map(|one| read(one.trim())));
    Some(chain)
}

/// Of the last element, which the nearest proxy wrote: the certificate. What a client chose stands beside it (its names), in
/// quotes; said twice, it is not said.
fn envoys(value: &str) -> Option<String> {
    let element = split(value, b',')?.pop()?;
    let pairs = split(element, b';')?.into_iter().filter_map(|pair| pair.trim().split_once('='));
    let mut found = pairs.filter(|(name, _)| name.eq_ignore_ascii_case("cert")).map(|(_, value)| value);
    let (Some(one), None) = (found.next(), found.next()) else { return None };
    Some(one.trim_matches('"').to_owned())
}

/// The parts between separators that stand outside of quotes. `None`: a quote does not end, or nothing follows a backslash.
fn split(value: &str, separator: u8) -> Option<Vec<&str>> {
    let (mut quoted, mut escaped, mut start) = (false, false, 0);
    let mut parts = Vec::new();
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == separator && !quoted => {
                parts.push(value.get(start..at)?);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(value.get(start..)?);
    (!quoted && !escaped).then_some(parts)
}

/// PEM, bare or escaped; RFC 9440's `:base64:`; or base64 alone.
fn read(value: &str) -> Option<CertificateDer<'static>> {
    let text = unescaped(value)?;
    let text = match text.split_once("-----BEGIN CERTIFICATE-----") {
        Some((_, rest)) => rest.split_once("-----END CERTIFICATE-----")?.0,
        None => text.split(',').next()?.trim().trim_matches(':'),
    };
    let bare: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let der = BASE64.decode(bare.as_bytes()).ok().filter(|der| !der.is_empty())?;
    Some(der.into())
}

fn unescaped(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let hex = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}

/// What is wrong with a certificate, for the log.
#[derive(Debug)]
struct Flaw(&'static str);

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Flaw {}

/// Takes every certificate whose key the client has: who it is, is asked later, of the client that it names.
#[derive(Debug)]
struct Anybodys {
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Anybodys {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match Certificate::flaw(own) {
            None => Ok(ClientCertVerified::assertion()),
            Some(flaw) => Err(CertificateError::Other(OtherError(Arc::new(Flaw(flaw)))).into()),
        }
    }

    valetkey_fetch::signatures_in_handshakes!();
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER: &str = "b3RoZXI=";

    #[test]
    fn rfc9440_section_2_a_certificate_is_read_in_every_form_that_proxies_write() {
        let der = b"not really a certificate+/";
        let text = BASE64.encode(der);
        let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
        let escaped = pem.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"));
        for form in [format!(":{text}:"), text.clone(), escaped.clone(), pem.replace('\n', " ")] {
            assert_eq!(read(&form).as_deref(), Some(&der[..]), "{form}");
        }
        let xfcc =
            format!("Hash=aa;Cert=\"{text}\";URI=x,By=a;Hash=ab;Cert=\"{escaped}\";Subject=\"CN=a,O=b\"");
        assert_eq!(envoys(&xfcc).as_deref().and_then(read).as_deref(), Some(&der[..]));
        // What a client is called cannot end the quotes that it stands in.
        for names in [
            format!("Hash=a;Cert=\"{text}\";Subject=\"CN=a\\\",Cert={OTHER}\""),
            format!(
                "Hash=a;Subject=\"CN=a\\\";Cert={OTHER};x=\\\"\";Cert=\"{text}\";URI=\"x,y;Cert={OTHER}\""
            ),
        ] {
            assert_eq!(envoys(&names).as_deref(), Some(text.as_str()), "{names}");
        }
        for none in [format!("Cert={OTHER};Cert=\"{text}\""), format!("Cert=\"{text}\";Subject=\"CN=a")] {
            assert_eq!(envoys(&none), None, "{none}");
        }
        for bad in ["", "::", "-----BEGIN CERTIFICATE-----", "%", "%zz", "!!!"] {
            assert!(read(bad).is_none(), "{bad}");
        }
        let twice = HeaderMap::from_iter([(HeaderName::from_static("client-cert"), text.parse().unwrap())]);
        assert!(said(&twice, &HeaderName::from_static("client-cert")).is_some());
        let mut both = twice.clone();
        both.append("client-cert", text.parse().unwrap());
        assert!(said(&both, &HeaderName::from_static("client-cert")).is_none());
    }
}
