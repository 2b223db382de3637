//! RFC 6749 §3.1, §3.2 — request parameters: repeats refused, unknown ones ignored, empty ones absent

use crate::error::{Code, Denial};
use std::borrow::Cow;

/// Decoded `application/x-www-form-urlencoded` parameters, in order.
#[derive(Debug, Clone, Default)]
pub struct Params<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// The only parameters that may repeat (RFC 8707 §2, RFC 8693 §2.1).
const REPEATABLE: [&str; 2] = ["resource", "audience"];

/// So many places are made at once.
const USUAL: usize = 8;

const NO_TEXT: Denial = Code::InvalidRequest.because("parameters must be UTF-8 text without NUL");

/// Printable ASCII that decoding would leave as it is.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "a branch a byte would keep it from being done many at a time"
)]
fn is_plain(pair: &str) -> bool {
    // No early exit: so it is done many bytes at a time.
    pair.bytes()
        .fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~') & (byte != b'%') & (byte != b'+'))
}

/// Adds a value to a query, encoded. Most of them stand for themselves: codes, states.
pub fn encode(query: &mut String, value: &str) {
    // As in `is_plain`.
    let plain = value.bytes().fold(true, |plain, byte| {
        plain & (byte.is_ascii_alphanumeric() | matches!(byte, b'-' | b'.' | b'_' | b'*'))
    });
    if plain {
        query.push_str(value);
    } else {
        query.extend(form_urlencoded::byte_serialize(value.as_bytes()));
    }
}

/// What an encoded name or value means; what is escaped wrongly stands for itself.
fn decode(text: &str) -> Result<Cow<'_, str>, Denial> {
    if is_plain(text) {
        return Ok(text.into());
    }
    let hex = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let (bytes, mut decoded, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        let escaped = if byte == b'%' { hex(bytes.get(at + 1)).zip(hex(bytes.get(at + 2))) } else { None };
        at += if escaped.is_some() { 3 } else { 1 };
        decoded.push(match (escaped, byte) {
            // Two digits of sixteen make a byte.
            (Some((high, low)), _) => u8::try_from(high * 16 + low).unwrap_or_default(),
            (None, b'+') => b' ',
            (None, byte) => byte,
        });
    }
    let text = String::from_utf8(decoded).map_err(|_| NO_TEXT)?;
    if is_broken(&text) { Err(NO_TEXT) } else { Ok(text.into()) }
}

/// The text before the first `&`, where its first `=` stands, and the text behind.
fn first_pair(text: &str) -> (&str, Option<usize>, &str) {
    let mut equals = None;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'&' => return (&text[..at], equals, &text[at + 1..]),
            b'=' if equals.is_none() => equals = Some(at),
            _ => {}
        }
    }
    (text, equals, "")
}

fn is_broken(text: &str) -> bool {
    text.contains(['\0', char::REPLACEMENT_CHARACTER])
}

impl<'a> Params<'a> {
    /// Decodes a query or a body. White space around a pair is layout and no part of it: an encoder leaves none, and a
    /// body that a person typed over several lines means what it says (document 002 prints such).
    pub fn parse(encoded: &'a [u8]) -> Result<Self, Denial> {
        let text = std::str::from_utf8(encoded).map_err(|_| NO_TEXT)?;
        let mut pairs = Vec::with_capacity(USUAL);
        let all_plain = is_plain(text);
        let mut rest = text;
        while !rest.is_empty() {
            let (whole, equals);
            (whole, equals, rest) = first_pair(rest);
            let pair = whole.trim_ascii();
            if pair.is_empty() {
                continue;
            }
            let equals = equals.filter(|_| pair.len() == whole.len()).or_else(|| pair.find('='));
            let (name, value) = equals.map_or((pair, ""), |at| (&pair[..at], &pair[at + 1..]));
            // Most stand for themselves, so that nothing is copied.
            if all_plain || is_plain(pair) {
                pairs.push((name.into(), value.into()));
            } else {
                pairs.push((decode(name)?, decode(value)?));
            }
        }
        Ok(Self(pairs))
    }

    /// Pairs that came decoded. Text that is not UTF-8, or holds NUL, is refused: it has no meaning in any parameter.
    pub fn of(pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>) -> Result<Self, Denial> {
        if pairs.iter().any(|(name, value)| is_broken(name) || is_broken(value)) {
            return Err(NO_TEXT);
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

    /// The names that came, each as often as it did.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| own == name)
    }

    /// RFC 6749 §3.1: a parameter that is known must not come twice. Unknown ones may: some clients repeat them.
    pub fn refuse_repeats(&self, known: &[&str]) -> Result<(), Denial> {
        let twice = |name: &str| self.0.iter().filter(|(own, _)| own == name).nth(1).is_some();
        let counts = |name: &str| known.contains(&name) && !REPEATABLE.contains(&name);
        let repeated = if self.0.len() <= known.len() {
            // Of few, whether two are alike is sooner known than which are known.
            let mut own = self.0.iter().enumerate();
            own.any(|(n, (name, _))| self.0[..n].iter().any(|(other, _)| other == name) && counts(name))
        } else {
            known.iter().any(|name| !REPEATABLE.contains(name) && twice(name))
        };
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
    fn what_is_decoded_and_what_stands_for_itself_mean_the_same() {
        for text in
            ["a=b", "a", "=b", "a=b=c", "a=~ b", "%61=%62", "a=b+c", "a=%2b", "a=\u{e4}", "a=%c3%a4", "a=%zz"]
        {
            let params = Params::parse(text.as_bytes()).expect("valid text");
            let whole: Vec<_> = form_urlencoded::parse(text.as_bytes()).collect();
            assert_eq!(params.0, whole, "{text}");
        }
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
        for text in [&b"a=%ff"[..], b"a=%00", b"a=\xff", b"a=\0", b"%ff", b"a=\xef\xbf\xbd", b"a=%ef%bf%bd"] {
            assert!(Params::parse(text).is_err(), "{text:?}");
        }
    }
}
