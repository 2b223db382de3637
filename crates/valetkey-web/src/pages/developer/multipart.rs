//! RFC 7578 — a form with a file in it: as much of `multipart/form-data` as browsers send

use super::super::respond::{plain_error, unreadable};
use super::super::view::ErrorKind;
use crate::app::App;
use crate::extract::Call;
use crate::layer::body::{BodyLimits, read_body};
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use valetkey_core::image::MOST_BYTES;

/// What stands around a picture: boundaries, headers, the form's proof.
const AROUND: usize = 16 * 1024;
/// More parts than any form of ours has.
const MOST_PARTS: usize = 8;

/// A form with a picture.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) call: Call,
    body: Bytes,
    /// Absent: it is no such form, which is said once it is known who sent it.
    boundary: Option<String>,
}

impl FromRequest<App> for Upload {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let call = Call::new(app, parts)?;
        let kind = call.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let boundary = boundary(kind).map(str::to_owned);
        // Twice what is taken, so that who chose too large a file is told so in words.
        let limits = BodyLimits { max_bytes: 2 * MOST_BYTES + AROUND, ..app.body_limits };
        let body = read_body(body, limits).await.map_err(|bad| unreadable(&call, bad.status()))?;
        Ok(Self { call, body, boundary })
    }
}

impl Upload {
    /// The parts by name, each at most once.
    pub(crate) fn parts(&self) -> Result<Vec<(&str, &[u8])>, Response> {
        let Some(boundary) = &self.boundary else {
            return Err(unreadable(&self.call, http::StatusCode::UNSUPPORTED_MEDIA_TYPE));
        };
        parts(&self.body, boundary).ok_or_else(|| plain_error(&self.call, ErrorKind::BadRequest))
    }
}

/// RFC 7578 §4.1, RFC 2046 §5.1.1: one to seventy characters.
pub(crate) fn boundary(kind: &str) -> Option<&str> {
    let (name, rest) = kind.split_once(';')?;
    if !name.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = rest.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then_some(value)
    })?;
    let value = value.trim_matches('"');
    (1..=70).contains(&value.len()).then_some(value)
}

pub(crate) fn parts<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<(&'a str, &'a [u8])>> {
    let first = format!("--{boundary}");
    let between = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(first.as_bytes())?;
    let mut found: Vec<(&str, &[u8])> = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Some(found);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let end = find(rest, between.as_bytes())?;
        let part = &rest[..end];
        let head = find(part, b"\r\n\r\n")?;
        let name = name(std::str::from_utf8(&part[..head]).ok()?)?;
        if found.len() == MOST_PARTS || found.iter().any(|(own, _)| *own == name) {
            return None;
        }
        found.push((name, &part[head + 4..]));
        rest = &rest[end + between.len()..];
    }
}

/// `name` of the part's Content-Disposition.
fn name(head: &str) -> Option<&str> {
    let line = head
        .split("\r\n")
        .find(|line| line.get(..20).is_some_and(|name| name.eq_ignore_ascii_case("content-disposition:")))?;
    let (_, rest) = line.split_once("; name=\"")?;
    rest.split('"').next()
}

fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc7578_section_4_parts_are_read_by_name_and_each_comes_once() {
        let body = b"--B\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nproof\r\n\
                     --B\r\ncontent-disposition: form-data; name=\"logo\"; filename=\"a\\\"b.png\"\r\n\
                     Content-Type: image/png\r\n\r\n\x89PNG\r\n--x\r\n--B--\r\n";
        let read = parts(body, "B").expect("parts");
        assert_eq!(read, [("csrf", b"proof".as_slice()), ("logo", b"\x89PNG\r\n--x".as_slice())]);
        for bad in [
            b"".as_slice(),
            b"--B",
            b"--B\r\nno end",
            b"--B\r\n\r\n--B--",
            b"--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--",
            b"--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n2\r\n--B--",
        ] {
            assert_eq!(parts(bad, "B"), None, "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn only_a_form_with_a_boundary_is_one() {
        for (kind, want) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            ("Multipart/Form-Data; charset=utf-8; boundary=\"a-b\"", Some("a-b")),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("application/x-www-form-urlencoded; boundary=abc", None),
        ] {
            assert_eq!(boundary(kind), want, "{kind}");
        }
    }
}
