//! HTTP/1.1 as a load generator needs it: prepared request bytes, and a reader of answers of known length.

use std::fmt::Write as _;

/// One complete answer, borrowed from the buffer it was read into.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) head: &'a [u8],
    pub(crate) body: &'a [u8],
    /// The server closes the connection after this answer.
    pub(crate) closes: bool,
}

impl<'a> Answer<'a> {
    /// Reads the answer at the start of `bytes` and how many bytes it takes; `None` while more is to come.
    /// Answers whose length is not announced are an error: the servers measured here always announce it.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, &'static str> {
        let Some(mut end) = line_end(bytes, 0) else { return Ok(None) };
        let status = status_of(&bytes[..end]).ok_or("not an HTTP/1.1 status line")?;
        let (mut length, mut closes) = (None, false);
        loop {
            let start = end + 1;
            end = match line_end(bytes, start) {
                Some(end) => end,
                None => return Ok(None),
            };
            let line = &bytes[start..end];
            match line.first() {
                Some(b'\r') | None => break,
                Some(b'c' | b'C') => {
                    if let Some(value) = header_value(line, b"content-length") {
                        length = Some(decimal(value).ok_or("content-length is not a number")?);
                    } else if let Some(value) = header_value(line, b"connection") {
                        closes = value.eq_ignore_ascii_case(b"close");
                    }
                }
                Some(b't' | b'T') if header_value(line, b"transfer-encoding").is_some() => {
                    return Err("transfer-encoding: the load generator reads answers of known length only");
                }
                _ => {}
            }
        }
        let body_at = end + 1;
        let length = match length {
            Some(length) => length,
            None if status == 204 || status == 304 => 0,
            None => return Err("no content-length"),
        };
        let Some(body) = bytes.get(body_at..body_at + length) else { return Ok(None) };
        Ok(Some((Self { status, head: &bytes[..body_at], body, closes }, body_at + length)))
    }

    /// The values of every header with this lower-case name.
    pub(crate) fn headers(&self, name: &'static str) -> impl Iterator<Item = &'a str> {
        let lines = self.head.split(|byte| *byte == b'\n').skip(1);
        lines
            .filter_map(move |line| header_value(line, name.as_bytes()))
            .filter_map(|v| std::str::from_utf8(v).ok())
    }

    pub(crate) fn header(&self, name: &'static str) -> Option<&'a str> {
        self.headers(name).next()
    }

    /// The text of a JSON member whose value needs no unescaping, as tokens never do.
    pub(crate) fn json_text(&self, member: &str) -> Option<&'a str> {
        let name_at = find(self.body, format!("\"{member}\"").as_bytes())?;
        let mut rest = self.body.get(name_at + member.len() + 2..)?.trim_ascii_start();
        rest = rest.strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")?;
        let end = rest.iter().position(|byte| *byte == b'"')?;
        std::str::from_utf8(&rest[..end]).ok()
    }

    /// What went wrong, for a person: the status and the start of the body.
    pub(crate) fn describe(&self) -> String {
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(300)]);
        match self.header("location") {
            Some(location) => format!("answered {} to {location}: {body}", self.status),
            None => format!("answered {}: {body}", self.status),
        }
    }
}

fn line_end(bytes: &[u8], start: usize) -> Option<usize> {
    bytes.get(start..)?.iter().position(|byte| *byte == b'\n').map(|at| start + at)
}

fn status_of(line: &[u8]) -> Option<u16> {
    let digits = line.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    u16::try_from(decimal(digits)?).ok()
}

fn header_value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = line.split_at_checked(name.len())?;
    if !start.eq_ignore_ascii_case(name) {
        return None;
    }
    rest.strip_prefix(b":").map(<[u8]>::trim_ascii)
}

fn decimal(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Where `needle` first stands in `haystack`.
pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut at = 0;
    while let Some(step) = haystack.get(at..)?.iter().position(|byte| *byte == first) {
        at += step;
        if haystack[at..].starts_with(needle) {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// The bytes of a GET. `extra` holds further header lines, each ended by CRLF.
pub(crate) fn get(host: &str, path: &str, extra: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{extra}\r\n").into_bytes()
}

/// The bytes of a POST of a form.
pub(crate) fn post(host: &str, path: &str, extra: &str, form: &str) -> Vec<u8> {
    let mut request = Vec::new();
    post_into(&mut request, &[host, path, extra], &[form]);
    request
}

/// Writes a POST of a form over what `request` held. `line` is host, path, extra headers; `form` is joined.
pub(crate) fn post_into(request: &mut Vec<u8>, line: &[&str; 3], form: &[&str]) {
    let [host, path, extra] = line;
    let length: usize = form.iter().map(|part| part.len()).sum();
    let mut head = String::from_utf8(std::mem::take(request)).unwrap_or_default();
    head.clear();
    let written = write!(
        head,
        "POST {path} HTTP/1.1\r\nHost: {host}\r\n{extra}Content-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
    for part in form {
        head.push_str(part);
    }
    *request = head.into_bytes();
}

/// The pairs as application/x-www-form-urlencoded, for a body or a query.
pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: 25\r\n\
        Set-Cookie: a=1\r\nset-cookie: b=2\r\n\r\n{\"access_token\": \"vk_a\"} ";

    #[test]
    fn an_answer_is_read_only_when_it_is_complete() {
        for cut in 0..ANSWER.len() {
            assert!(Answer::read(&ANSWER[..cut]).is_ok_and(|read| read.is_none()), "cut at {cut}");
        }
        let (answer, used) = Answer::read(ANSWER).expect("well-formed").expect("complete");
        assert_eq!((answer.status, used, answer.closes), (200, ANSWER.len(), false));
        assert_eq!(answer.json_text("access_token"), Some("vk_a"));
        assert_eq!(answer.json_text("refresh_token"), None);
        assert_eq!(answer.headers("set-cookie").collect::<Vec<_>>(), ["a=1", "b=2"]);
    }

    #[test]
    fn an_answer_of_unknown_length_is_refused() {
        assert!(Answer::read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
        assert!(Answer::read(b"HTTP/1.1 200 OK\r\nserver: x\r\n\r\n").is_err());
        assert!(Answer::read(b"SSH-2.0-x\r\n").is_err());
        assert!(Answer::read(b"HTTP/1.1 204 No Content\r\n\r\n").is_ok_and(|read| read.is_some()));
    }

    #[test]
    fn a_post_announces_the_length_of_all_its_parts() {
        let mut request = b"what stood here before".to_vec();
        post_into(&mut request, &["h", "/p", "X: y\r\n"], &["a=1", "&b=2"]);
        let text = String::from_utf8(request).expect("ascii");
        assert!(text.starts_with("POST /p HTTP/1.1\r\nHost: h\r\nX: y\r\n"), "{text}");
        assert!(text.ends_with("Content-Length: 7\r\n\r\na=1&b=2"), "{text}");
    }
}
