//! Ten thousand random requests, judged by the server and by a slow matcher that was written from the description alone.

use crate::support::World;
use std::io::{BufRead, BufReader, Write};

/// The rules under test, as `METHOD path scope`.
const RULES: [&str; 8] = [
    "GET /a read",
    "GET /a/{id} read",
    "POST /a write",
    "* /a/{id}/parts/{*rest} write",
    "GET /b/{x}/c read",
    "PUT /b/{x}/d write",
    "DELETE /files/{*rest} write",
    "GET /files/{*rest} read",
];
const METHODS: [&str; 8] = ["GET", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE"];
const WORDS: [&str; 20] = [
    "a", "b", "c", "d", "files", "parts", "x", "A", "Files", "a.b", "%61", "a%20b", ".", "..", "", "%2e%2e",
    "a%2fb", "a;b", "%252e", "\u{40}me",
];

/// Splitmix64: the same requests at every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(n).unwrap()).unwrap()
    }
}

/// The status that a request deserves with a token for `read` alone; 200 is the upstream's.
fn deserved(method: &str, path: &str) -> u16 {
    let odd = ["//", "%2e", "%2f", "%25", ";"].iter().any(|bad| path.contains(bad));
    if odd || path.split('/').any(|segment| segment == "." || segment == "..") {
        return 400;
    }
    if method == "TRACE" {
        return 405;
    }
    let decoded = path.replace("%61", "a").replace("%20", " ");
    let words: Vec<&str> =
        decoded.trim_start_matches("/things").split('/').filter(|word| !word.is_empty()).collect();
    let method = if method == "HEAD" { "GET" } else { method };
    for rule in RULES {
        let [own, template, scope] = rule.split(' ').collect::<Vec<_>>()[..] else { panic!("{rule}") };
        if (own == "*" || own == method) && speaks(template, &words) {
            return if scope == "read" { 200 } else { 403 };
        }
    }
    403
}

/// By recursion on lists.
fn speaks(template: &str, words: &[&str]) -> bool {
    let (first, rest) =
        template[1..].split_once('/').map_or((&template[1..], None), |(first, rest)| (first, Some(rest)));
    if first.starts_with("{*") {
        return true;
    }
    let Some((word, further)) = words.split_first() else { return false };
    let fits = first.starts_with('{') || first == *word;
    match rest {
        None => fits && further.is_empty(),
        Some(rest) => fits && speaks(&format!("/{rest}"), further),
    }
}

#[test]
fn ten_thousand_random_requests_are_judged_as_the_reference_judges_them() {
    let world = World::start(&RULES);
    let token = world.token("read");
    let mut chance = Chance(20_261_121);
    let mut stream = world.connect();
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..10_000 {
        let method = METHODS[chance.below(METHODS.len())];
        let mut path = "/things".to_owned();
        for _ in 0..chance.below(5) {
            path.push('/');
            let among = if chance.below(3) == 0 { WORDS.len() } else { 8 };
            path.push_str(WORDS[chance.below(among)]);
        }
        let raw = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
        stream.write_all(raw.as_bytes()).unwrap();
        let got = answer(&mut reader, method == "HEAD");
        assert_eq!(got, deserved(method, &path), "{method} {path}");
        *seen.entry(got).or_insert(0) += 1;
    }
    assert!([200, 400, 403, 405].iter().all(|status| seen.get(status).is_some_and(|n| *n > 300)), "{seen:?}");
}

/// Reads one answer from a connection that stays open.
fn answer(reader: &mut impl BufRead, bare: bool) -> u16 {
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        assert_ne!(reader.read_line(&mut line).unwrap(), 0, "the connection was closed");
        if status == 0 {
            status = line[9..12].parse().unwrap();
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; if bare { 0 } else { length }];
    reader.read_exact(&mut body).unwrap();
    status
}
