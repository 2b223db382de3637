//! The one normal form of a request's path: what is judged is what is sent on, and what could mean two things is refused.

use std::borrow::Cow;

/// A path that means the same to everybody who reads it (RFC 3986 §6.2.2): absolute, no empty or dot segment, nothing
/// encoded that separates, climbs or ends a path elsewhere. Letters and digits stand unencoded, hex digits are capitals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path<'a>(Cow<'a, str>);

/// Why a path is not judged at all, for the one who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Ambiguous(pub &'static str);

const SEPARATOR: Ambiguous =
    Ambiguous("the path must not encode a separator, a dot, a percent sign or a control");
const LITERAL: Ambiguous = Ambiguous("the path has a character that must be percent-encoded");
const ESCAPE: Ambiguous = Ambiguous("a percent sign in the path must be followed by two hex digits");
const TEXT: Ambiguous = Ambiguous("the path must be plain UTF-8 without look-alikes of ASCII");
const SEGMENT: Ambiguous = Ambiguous("the path must not have empty or dot segments");

/// RFC 3986 §3.3 `pchar` without `;`, which starts a parameter for some servers and is a letter for others.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') || is_mark(byte)
}

const fn is_mark(byte: u8) -> bool {
    matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@')
}

impl<'a> Path<'a> {
    /// Brings `raw`, without its query, into normal form. One slash at the end is kept.
    pub fn normalise(raw: &'a str) -> Result<Self, Ambiguous> {
        if !raw.starts_with('/') {
            return Err(SEGMENT);
        }
        let path = if raw.bytes().all(|byte| is_plain(byte) || byte == b'/') {
            Self(Cow::Borrowed(raw))
        } else {
            Self(Cow::Owned(unescape(raw)?))
        };
        let mut segments = path.0[1..].split('/').peekable();
        while let Some(segment) = segments.next() {
            let last = segments.peek().is_none();
            // A dot or a space at the end is dropped by some file systems, so `admin.` would be `admin`.
            let trimmed = segment.ends_with('.') || segment.ends_with("%20") || segment.starts_with("%20");
            if trimmed || (segment.is_empty() && !last) {
                return Err(SEGMENT);
            }
        }
        Ok(path)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after `prefix`, which ends at a segment's end: empty, or with a slash in front.
    pub fn below(&self, prefix: &str) -> Option<&str> {
        self.0.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// The segments of a normal path as the words they mean. A slash at the end makes no segment.
pub fn segments(normal: &str) -> impl Iterator<Item = Cow<'_, str>> {
    normal.split('/').filter(|segment| !segment.is_empty()).map(meaning)
}

fn meaning(segment: &str) -> Cow<'_, str> {
    if !segment.contains('%') {
        return Cow::Borrowed(segment);
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        let value = if byte == b'%' { hex(rest.next()).zip(hex(rest.next())) } else { None };
        bytes.push(value.map_or(byte, |(high, low)| high << 4 | low));
    }
    // A normal path is UTF-8 when decoded.
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// Decodes what needs no encoding, and refuses encodings that hide something.
fn unescape(raw: &str) -> Result<String, Ambiguous> {
    let mut normal = String::with_capacity(raw.len());
    let mut meant = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            if !is_plain(byte) && byte != b'/' {
                return Err(LITERAL);
            }
            normal.push(char::from(byte));
            meant.push(byte);
            continue;
        }
        let (Some(high), Some(low)) = (hex(bytes.next()), hex(bytes.next())) else { return Err(ESCAPE) };
        let value = high << 4 | low;
        match value {
            b'/' | b'\\' | b'%' | b'.' | b';' | b'?' | b'#' | 0..0x20 | 0x7f => return Err(SEPARATOR),
            _ if is_plain(value) && !is_mark(value) => normal.push(char::from(value)),
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                normal.push('%');
                normal.push(char::from(DIGITS[usize::from(high)]));
                normal.push(char::from(DIGITS[usize::from(low)]));
            }
        }
        meant.push(value);
    }
    let meant = String::from_utf8(meant).map_err(|_| TEXT)?;
    if meant.chars().any(is_deceptive) {
        return Err(TEXT);
    }
    Ok(normal)
}

fn hex(digit: Option<u8>) -> Option<u8> {
    char::from(digit?).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Characters that some servers fold into ASCII (full-width forms), that look like a separator or a dot, or that are
/// not seen at all.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ff00}'..='\u{ffef}' | '\u{fe50}'..='\u{fe6f}' | '\u{2024}'..='\u{2026}')
        || matches!(c, '\u{2044}' | '\u{2215}' | '\u{2216}' | '\u{29f5}' | '\u{29f8}' | '\u{29f9}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{a0}' | '\u{ad}' | '\u{17f}' | '\u{130}' | '\u{131}' | '\u{212a}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clear_path_has_one_normal_form() {
        for (raw, want) in [
            ("/", "/"),
            ("/things", "/things"),
            ("/things/", "/things/"),
            ("/things/a.b-c_d~e", "/things/a.b-c_d~e"),
            ("/%74hings/%7Eme", "/things/~me"),
            ("/a%c3%a4", "/a%C3%A4"),
            ("/a%20b", "/a%20b"),
            ("/@me/x:y,z=1+2", "/@me/x:y,z=1+2"),
            ("/%40me", "/%40me"),
        ] {
            let path = Path::normalise(raw).expect(raw);
            assert_eq!(path.as_str(), want);
            assert_eq!(Path::normalise(path.as_str()).expect("normal").as_str(), want, "normal stays normal");
        }
    }

    /// What no two servers need to read alike.
    const AMBIGUOUS: &[&str] = &[
        "",
        "things",
        "*",
        "http://x/things",
        "//",
        "//things",
        "/a//b",
        "/a///",
        "/.",
        "/..",
        "/a/.",
        "/a/..",
        "/a/./b",
        "/a/../b",
        "/...",
        "/a.",
        "/a./b",
        "/%2e",
        "/%2E%2e",
        "/a/%2e%2e/b",
        "/.%2e/b",
        "/a%2fb",
        "/a%2Fb",
        "/a%5cb",
        "/a\\b",
        "/a;b",
        "/a;v=1/b",
        "/a%3bb",
        "/..;/b",
        "/%252e%252e/b",
        "/a%25",
        "/100%",
        "/a%2",
        "/a%",
        "/a%zz",
        "/a%u002e",
        "/a%00",
        "/a%0d%0aX:y",
        "/a%09",
        "/a%7f",
        "/a%80",
        "/a%c0%ae",
        "/a%ff",
        "/a b",
        "/a%20",
        "/%20a",
        "/a?b",
        "/a#b",
        "/a%3fb",
        "/a%23b",
        "/a\"b",
        "/a{b}",
        "/a|b",
        "/a^b",
        "/a`b",
        "/a<b>",
        "/\u{e4}",
        "/a\0",
        "/a\n",
        "/%ef%bc%8e%ef%bc%8e/b",
        "/a%ef%bc%8fb",
        "/a%e2%88%95b",
        "/%e2%80%8badmin",
        "/admin%e2%80%8b",
        "/a%c2%85",
        "/a%c2%a0",
        "/%ef%bd%81dmin",
        "/%e2%84%aaelvin",
    ];

    #[test]
    fn what_could_mean_two_things_is_refused() {
        for raw in AMBIGUOUS {
            assert!(Path::normalise(raw).is_err(), "{raw:?}");
        }
    }

    #[test]
    fn segments_are_compared_by_what_they_mean() {
        let words = |path| segments(path).map(Cow::into_owned).collect::<Vec<_>>();
        assert_eq!(words("/%40me/a%20b/"), ["@me", "a b"]);
        assert_eq!(words("/"), Vec::<String>::new());
    }

    #[test]
    fn a_prefix_ends_where_a_segment_ends() {
        for (path, want) in [
            ("/things", Some("")),
            ("/things/", Some("/")),
            ("/things/1", Some("/1")),
            ("/thingsandmore", None),
            ("/Things/1", None),
        ] {
            assert_eq!(Path::normalise(path).expect(path).below("/things"), want, "{path}");
        }
    }
}
