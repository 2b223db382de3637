//! RFC 6749 §3.1, §3.2 — request parameters: repeats refused, unknown ones ignored, empty ones absent

use crate::error::{Code, Denial};
use std::borrow::Cow;

/// Decoded `application/x-www-form-urlencoded` parameters, in order.
#[derive(Debug, Clone, Default)]
pub struct Params<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// The only parameter that may repeat (RFC 8707 §2).
const REPEATABLE: &str = "resource";

impl<'a> Params<'a> {
    /// Decodes a query or a body. White space around a pair is layout and no part of it: an encoder leaves none, and a
    /// body that a person typed over several lines means what it says (document 002 prints such).
    pub fn parse(encoded: &'a [u8]) -> Result<Self, Denial> {
        let pairs = encoded.split(|byte| *byte == b'&').map(<[u8]>::trim_ascii);
        Self::of(pairs.filter_map(|pair| form_urlencoded::parse(pair).next()).collect())
    }

    /// Pairs that came decoded. Text that is not UTF-8, or holds NUL, is refused: it has no meaning in any parameter.
    pub fn of(pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>) -> Result<Self, Denial> {
        let broken = |text: &str| text.contains(['\0', char::REPLACEMENT_CHARACTER]);
        if pairs.iter().any(|(name, value)| broken(name) || broken(value)) {
            return Err(Code::InvalidRequest.because("parameters must be UTF-8 text without NUL"));
        }
        Ok(Self(pairs))
    }

    /// The first non-empty value of a parameter: empty counts as absent (RFC 6749 §3.1).
    pub fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, value)| own == name && !value.is_empty()).map(|(_, value)| &**value)
    }

    /// These and those of another source: what comes in both has come twice.
    #[must_use]
    pub fn and(mut self, others: Params<'a>) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Every non-empty value of a parameter.
    pub fn all<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'b str> {
        self.0.iter().filter(move |(own, value)| own == name && !value.is_empty()).map(|(_, value)| &**value)
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| own == name)
    }

    /// RFC 6749 §3.1: a parameter that is known must not come twice. Unknown ones may: some clients repeat them.
    pub fn refuse_repeats(&self, known: &[&str]) -> Result<(), Denial> {
        let repeated = known
            .iter()
            .any(|name| *name != REPEATABLE && self.0.iter().filter(|(own, _)| own == name).nth(1).is_some());
        if repeated {
            return Err(Code::InvalidRequest.because("send each parameter once: one of them came twice"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6749_section_3_1_repeats_of_known_parameters_are_refused() {
        for (text, ok) in [
            ("a=1&b=2", true),
            ("a=1&a=1", false),
            ("a=1&a=", false),
            ("x=1&x=2", true),
            ("resource=r1&resource=r2", true),
        ] {
            let params = Params::parse(text.as_bytes()).expect("valid text");
            assert_eq!(params.refuse_repeats(&["a", "b", "resource"]).is_ok(), ok, "{text}");
        }
    }

    #[test]
    fn rfc6749_section_3_1_an_empty_parameter_counts_as_absent() {
        let params = Params::parse(b"a=&b=+c%20d").expect("valid text");
        assert_eq!((params.one("a"), params.one("b")), (None, Some(" c d")));
    }

    #[test]
    fn a_body_typed_over_several_lines_means_what_it_says() {
        let params = Params::parse(b"client_id=app\n        &scope=read write\r\n\t& code=x%20 \n")
            .expect("valid text");
        assert_eq!((params.one("client_id"), params.one("scope")), (Some("app"), Some("read write")));
        assert_eq!(params.one("code"), Some("x "), "what was encoded stays");
    }

    #[test]
    fn what_comes_from_two_sources_has_come_twice() {
        let params = Params::parse(b"a=1").expect("text").and(Params::parse(b"b=2&a=1").expect("text"));
        assert!(params.refuse_repeats(&["a"]).is_err());
        assert!(params.refuse_repeats(&["b"]).is_ok());
    }

    #[test]
    fn text_that_is_not_utf8_or_holds_nul_is_refused() {
        assert!(Params::parse(b"a=%ff").is_err());
        assert!(Params::parse(b"a=%00").is_err());
    }
}
