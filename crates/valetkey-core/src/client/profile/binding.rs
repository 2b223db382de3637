//! RFC 8705 §2.1.2, §3.4, RFC 9449 §5.2 — the certificate by which a client proves itself, and what its tokens are bound to

use super::members;
use crate::client::metadata::BadMetadata;
use crate::client::{AuthMethod, Client};
use crate::proof::certificate::{Certificate, is_name};
use std::net::IpAddr;

members! {
    /// Of certificates and bound tokens.
    pub struct Binding {
        /// The subject of its certificate, as RFC 4514 writes it.
        pub tls_client_auth_subject_dn: Option<String>,
        pub tls_client_auth_san_dns: Option<String>,
        pub tls_client_auth_san_uri: Option<String>,
        pub tls_client_auth_san_ip: Option<String>,
        pub tls_client_auth_san_email: Option<String>,
        /// Its access tokens are bound to the certificate that it comes with.
        pub tls_client_certificate_bound_access_tokens: bool,
        /// It gets no token without a DPoP proof.
        pub dpop_bound_access_tokens: bool,
    }
}

impl Binding {
    fn named(&self) -> [&Option<String>; 5] {
        [
            &self.tls_client_auth_subject_dn,
            &self.tls_client_auth_san_dns,
            &self.tls_client_auth_san_uri,
            &self.tls_client_auth_san_ip,
            &self.tls_client_auth_san_email,
        ]
    }

    /// §2.1.2: whether this is the certificate that the client named. One that named nothing has none.
    pub fn names(&self, certificate: &Certificate) -> bool {
        let fits = |named: &Option<String>, has: &dyn Fn(&str) -> bool| named.as_deref().is_some_and(has);
        fits(&self.tls_client_auth_subject_dn, &|text| certificate.has_subject(text))
            || fits(&self.tls_client_auth_san_dns, &|text| certificate.has_dns(text))
            || fits(&self.tls_client_auth_san_uri, &|text| certificate.has_uri(text))
            || fits(&self.tls_client_auth_san_ip, &|text| certificate.has_ip(text))
            || fits(&self.tls_client_auth_san_email, &|text| certificate.has_email(text))
    }

    pub(super) fn check(&self, client: &Client) -> Result<(), BadMetadata> {
        let wrong = |words: &str| Err(BadMetadata(words.to_owned()));
        let names = self.named().into_iter().flatten().count();
        if self.named().into_iter().flatten().any(|text| text.trim().is_empty() || text.len() > 1000) {
            return wrong("a name in a certificate has 1 to 1000 characters");
        }
        if client.auth_method == AuthMethod::TlsClientAuth && names != 1 {
            return wrong(
                "tls_client_auth needs exactly one of tls_client_auth_subject_dn, tls_client_auth_san_dns, \
                 tls_client_auth_san_uri, tls_client_auth_san_ip and tls_client_auth_san_email",
            );
        }
        if self.tls_client_auth_subject_dn.as_deref().is_some_and(|text| !is_name(text)) {
            return wrong("tls_client_auth_subject_dn is a name such as CN=client,O=Example,C=DE (RFC 4514)");
        }
        if self.tls_client_auth_san_ip.as_deref().is_some_and(|text| text.parse::<IpAddr>().is_err()) {
            return wrong("tls_client_auth_san_ip must be an address");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::tests::client;

    #[test]
    fn rfc8705_section_2_1_2_a_certificate_is_named_in_one_way() {
        let mut own = client("app");
        own.auth_method = AuthMethod::TlsClientAuth;
        let some = |text: &str| Some(text.to_owned());
        for (dn, dns, ip, good) in [
            (some("CN=a"), None, None, true),
            (None, some("a.example"), None, true),
            (None, None, some("2001:db8::1"), true),
            (None, None, None, false),
            (some("CN=a"), some("a.example"), None, false),
            (some("a.example"), None, None, false),
            (some(""), None, None, false),
            (None, None, some("a.example"), false),
        ] {
            let binding = Binding {
                tls_client_auth_subject_dn: dn.clone(),
                tls_client_auth_san_dns: dns.clone(),
                tls_client_auth_san_ip: ip.clone(),
                ..Binding::default()
            };
            assert_eq!(binding.check(&own).is_ok(), good, "{dn:?} {dns:?} {ip:?}");
        }
        assert!(Binding::default().check(&client("app")).is_ok());
    }
}
