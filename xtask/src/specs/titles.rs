//! The standards that code may cite: how a comment writes them, how a test name does, and what they are called.

/// A standard. `cited` is how prose names it; RFCs are named by number and need no entry of their own kind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Standard {
    pub(crate) cited: &'static str,
    pub(crate) in_tests: &'static str,
    pub(crate) title: &'static str,
    pub(crate) url: &'static str,
}

const fn named(
    cited: &'static str,
    in_tests: &'static str,
    title: &'static str,
    url: &'static str,
) -> Standard {
    Standard { cited, in_tests, title, url }
}

/// In the order in which docs/specs.md lists them. A prefix of another entry comes after it.
pub(crate) const STANDARDS: &[Standard] = &[
    rfc("RFC 1952", "rfc1952", "GZIP file format specification version 4.3"),
    rfc("RFC 2046", "rfc2046", "Multipurpose Internet Mail Extensions (MIME) Part Two: Media Types"),
    rfc("RFC 3339", "rfc3339", "Date and Time on the Internet: Timestamps"),
    rfc("RFC 3394", "rfc3394", "Advanced Encryption Standard (AES) Key Wrap Algorithm"),
    rfc("RFC 3875", "rfc3875", "The Common Gateway Interface (CGI) Version 1.1"),
    rfc("RFC 3986", "rfc3986", "Uniform Resource Identifier (URI): Generic Syntax"),
    rfc("RFC 4514", "rfc4514", "LDAP: String Representation of Distinguished Names"),
    rfc("RFC 4648", "rfc4648", "The Base16, Base32, and Base64 Data Encodings"),
    rfc("RFC 5280", "rfc5280", "X.509 Public Key Infrastructure Certificate and CRL Profile"),
    rfc("RFC 5789", "rfc5789", "PATCH Method for HTTP"),
    rfc("RFC 5869", "rfc5869", "HMAC-based Extract-and-Expand Key Derivation Function (HKDF)"),
    rfc("RFC 6052", "rfc6052", "IPv6 Addressing of IPv4/IPv6 Translators"),
    rfc("RFC 6052", "rfc6052", "IPv6 Addressing of IPv4/IPv6 Translators"),
    rfc("RFC 6265", "rfc6265", "HTTP State Management Mechanism"),
    rfc("RFC 6454", "rfc6454", "The Web Origin Concept"),
    rfc("RFC 6455", "rfc6455", "The WebSocket Protocol"),
    rfc("RFC 6585", "rfc6585", "Additional HTTP Status Codes"),
    rfc("RFC 6749", "rfc6749", "The OAuth 2.0 Authorization Framework"),
    rfc("RFC 6750", "rfc6750", "The OAuth 2.0 Authorization Framework: Bearer Token Usage"),
    rfc("RFC 6797", "rfc6797", "HTTP Strict Transport Security (HSTS)"),
    rfc("RFC 6819", "rfc6819", "OAuth 2.0 Threat Model and Security Considerations"),
    rfc("RFC 6890", "rfc6890", "Special-Purpose IP Address Registries"),
    rfc("RFC 6890", "rfc6890", "Special-Purpose IP Address Registries"),
    rfc("RFC 6973", "rfc6973", "Privacy Considerations for Internet Protocols"),
    rfc("RFC 7009", "rfc7009", "OAuth 2.0 Token Revocation"),
    rfc("RFC 7239", "rfc7239", "Forwarded HTTP Extension"),
    rfc("RFC 7515", "rfc7515", "JSON Web Signature (JWS)"),
    rfc("RFC 7516", "rfc7516", "JSON Web Encryption (JWE)"),
    rfc("RFC 7517", "rfc7517", "JSON Web Key (JWK)"),
    rfc("RFC 7518", "rfc7518", "JSON Web Algorithms (JWA)"),
    rfc("RFC 7519", "rfc7519", "JSON Web Token (JWT)"),
    rfc(
        "RFC 7521",
        "rfc7521",
        "Assertion Framework for OAuth 2.0 Client Authentication and Authorization Grants",
    ),
    rfc("RFC 7523", "rfc7523", "JWT Profile for OAuth 2.0 Client Authentication and Authorization Grants"),
    rfc("RFC 7578", "rfc7578", "Returning Values from Forms: multipart/form-data"),
    rfc("RFC 7591", "rfc7591", "OAuth 2.0 Dynamic Client Registration Protocol"),
    rfc("RFC 7592", "rfc7592", "OAuth 2.0 Dynamic Client Registration Management Protocol"),
    rfc("RFC 7617", "rfc7617", "The 'Basic' HTTP Authentication Scheme"),
    rfc("RFC 7636", "rfc7636", "Proof Key for Code Exchange by OAuth Public Clients (PKCE)"),
    rfc("RFC 7638", "rfc7638", "JSON Web Key (JWK) Thumbprint"),
    rfc("RFC 7662", "rfc7662", "OAuth 2.0 Token Introspection"),
    rfc("RFC 7800", "rfc7800", "Proof-of-Possession Key Semantics for JSON Web Tokens (JWTs)"),
    rfc("RFC 8032", "rfc8032", "Edwards-Curve Digital Signature Algorithm (EdDSA)"),
    rfc("RFC 8037", "rfc8037", "CFRG Elliptic Curve Signatures in JOSE"),
    rfc("RFC 8176", "rfc8176", "Authentication Method Reference Values"),
    rfc("RFC 8252", "rfc8252", "OAuth 2.0 for Native Apps"),
    rfc("RFC 8259", "rfc8259", "The JavaScript Object Notation (JSON) Data Interchange Format"),
    rfc("RFC 8414", "rfc8414", "OAuth 2.0 Authorization Server Metadata"),
    rfc("RFC 8452", "rfc8452", "AES-GCM-SIV: Nonce Misuse-Resistant Authenticated Encryption"),
    rfc("RFC 8615", "rfc8615", "Well-Known Uniform Resource Identifiers"),
    rfc("RFC 8628", "rfc8628", "OAuth 2.0 Device Authorization Grant"),
    rfc("RFC 8693", "rfc8693", "OAuth 2.0 Token Exchange"),
    rfc(
        "RFC 8705",
        "rfc8705",
        "OAuth 2.0 Mutual-TLS Client Authentication and Certificate-Bound Access Tokens",
    ),
    rfc("RFC 8707", "rfc8707", "Resource Indicators for OAuth 2.0"),
    rfc("RFC 8725", "rfc8725", "JSON Web Token Best Current Practices"),
    rfc("RFC 9068", "rfc9068", "JSON Web Token (JWT) Profile for OAuth 2.0 Access Tokens"),
    rfc("RFC 9101", "rfc9101", "JWT-Secured Authorization Request (JAR)"),
    rfc("RFC 9106", "rfc9106", "Argon2 Memory-Hard Function"),
    rfc("RFC 9110", "rfc9110", "HTTP Semantics"),
    rfc("RFC 9111", "rfc9111", "HTTP Caching"),
    rfc("RFC 9112", "rfc9112", "HTTP/1.1"),
    rfc("RFC 9113", "rfc9113", "HTTP/2"),
    rfc("RFC 9126", "rfc9126", "OAuth 2.0 Pushed Authorization Requests"),
    rfc("RFC 9207", "rfc9207", "OAuth 2.0 Authorization Server Issuer Identification"),
    rfc(
        "RFC 9325",
        "rfc9325",
        "Recommendations for Secure Use of Transport Layer Security (TLS) and Datagram Transport Layer Security (DTLS)",
    ),
    rfc("RFC 9396", "rfc9396", "OAuth 2.0 Rich Authorization Requests"),
    rfc("RFC 9421", "rfc9421", "HTTP Message Signatures"),
    rfc("RFC 9440", "rfc9440", "Client-Cert HTTP Header Field"),
    rfc("RFC 9449", "rfc9449", "OAuth 2.0 Demonstrating Proof of Possession (DPoP)"),
    rfc("RFC 9457", "rfc9457", "Problem Details for HTTP APIs"),
    rfc("RFC 9470", "rfc9470", "OAuth 2.0 Step Up Authentication Challenge Protocol"),
    rfc("RFC 9562", "rfc9562", "Universally Unique IDentifiers (UUIDs)"),
    rfc("RFC 9700", "rfc9700", "Best Current Practice for OAuth 2.0 Security"),
    rfc("RFC 9728", "rfc9728", "OAuth 2.0 Protected Resource Metadata"),
    rfc("RFC 9864", "rfc9864", "Fully-Specified Algorithms for JOSE and COSE"),
    rfc("RFC 10017", "rfc10017", "OAuth 2.0 for Browser-Based Applications"),
    rfc("RFC 10027", "rfc10027", "Cross-Device Flows: Security Best Current Practice"),
    rfc(
        "RFC 10070",
        "rfc10070",
        "Updates to OAuth 2.0 JWT Client Authentication and Assertion-Based Authorization Grants",
    ),
    named(
        "OIDC Core",
        "oidc_core",
        "OpenID Connect Core 1.0",
        "https://openid.net/specs/openid-connect-core-1_0.html",
    ),
    named(
        "OIDC Discovery",
        "oidc_discovery",
        "OpenID Connect Discovery 1.0",
        "https://openid.net/specs/openid-connect-discovery-1_0.html",
    ),
    named(
        "OIDC Registration",
        "oidc_registration",
        "OpenID Connect Dynamic Client Registration 1.0",
        "https://openid.net/specs/openid-connect-registration-1_0.html",
    ),
    named(
        "OIDC Prompt Create",
        "prompt_create",
        "Initiating User Registration via OpenID Connect 1.0",
        "https://openid.net/specs/openid-connect-prompt-create-1_0.html",
    ),
    named(
        "JARM",
        "jarm",
        "JWT Secured Authorization Response Mode for OAuth 2.0",
        "https://openid.net/specs/oauth-v2-jarm-final.html",
    ),
    named(
        "OIDC RP-Initiated Logout",
        "oidc_logout",
        "OpenID Connect RP-Initiated Logout 1.0",
        "https://openid.net/specs/openid-connect-rpinitiated-1_0.html",
    ),
    named(
        "OAuth 2.0 Multiple Response Types",
        "oauth_response_types",
        "OAuth 2.0 Multiple Response Type Encoding Practices",
        "https://openid.net/specs/oauth-v2-multiple-response-types-1_0.html",
    ),
    named(
        "OAuth 2.0 Form Post Response Mode",
        "oauth_form_post",
        "OAuth 2.0 Form Post Response Mode",
        "https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html",
    ),
    named(
        "OAuth 2.1",
        "oauth21",
        "The OAuth 2.1 Authorization Framework (draft-ietf-oauth-v2-1-16)",
        "https://datatracker.ietf.org/doc/draft-ietf-oauth-v2-1/",
    ),
    named(
        "FAPI 2.0",
        "fapi2",
        "FAPI 2.0 Security Profile",
        "https://openid.net/specs/fapi-security-profile-2_0-final.html",
    ),
    named(
        "CIBA Core",
        "ciba",
        "OpenID Connect Client-Initiated Backchannel Authentication Flow - Core 1.0",
        "https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html",
    ),
    named(
        "FAPI-CIBA",
        "fapi_ciba",
        "Financial-grade API: Client Initiated Backchannel Authentication Profile",
        "https://openid.net/specs/openid-financial-api-ciba-ID1.html",
    ),
    named(
        "NIST SP 800-63B",
        "nist_800_63b",
        "Digital Identity Guidelines: Authentication and Authenticator Management (revision 4)",
        "https://pages.nist.gov/800-63-4/sp800-63b.html",
    ),
    named("ASVS", "asvs", "OWASP Application Security Verification Standard 5.0", "https://asvs.dev/"),
];

const fn rfc(cited: &'static str, in_tests: &'static str, title: &'static str) -> Standard {
    Standard { cited, in_tests, title, url: "" }
}

impl Standard {
    /// Where the standard can be read; with a section, that part of it where the address is known.
    pub(crate) fn address(&self, section: &str) -> String {
        let Some(number) = self.cited.strip_prefix("RFC ") else { return self.url.to_owned() };
        let page = format!("https://www.rfc-editor.org/rfc/rfc{number}");
        match section.chars().next() {
            None => page,
            Some(first) if first.is_ascii_digit() => format!("{page}#section-{section}"),
            Some(_) => format!("{page}#appendix-{section}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfcs_stand_in_order_and_agree_with_their_test_names() {
        let rfcs: Vec<_> =
            STANDARDS.iter().filter_map(|standard| standard.cited.strip_prefix("RFC ")).collect();
        let numbers: Vec<u32> = rfcs.iter().map(|number| number.parse().unwrap()).collect();
        assert!(numbers.is_sorted(), "{numbers:?}");
        for (number, standard) in rfcs.iter().zip(STANDARDS) {
            assert_eq!(standard.in_tests, format!("rfc{number}"));
        }
    }

    #[test]
    fn an_rfc_is_linked_by_section() {
        let rfc = STANDARDS.iter().find(|standard| standard.cited == "RFC 3986").unwrap();
        assert_eq!(rfc.address(""), "https://www.rfc-editor.org/rfc/rfc3986");
        assert_eq!(rfc.address("6.2.1"), "https://www.rfc-editor.org/rfc/rfc3986#section-6.2.1");
        assert_eq!(rfc.address("A"), "https://www.rfc-editor.org/rfc/rfc3986#appendix-A");
    }
}
