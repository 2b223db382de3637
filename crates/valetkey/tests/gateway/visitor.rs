//! A browser as far as the gateway can tell: cookies with their paths, and a person who signs in at the pages.

use crate::support::World;
use crate::wire::Reply;
use std::collections::BTreeMap;

pub(crate) const ALICE: &str = "username=alice&password=alice-in-wonderland-1865";

#[derive(Default, Clone)]
pub(crate) struct Browser {
    /// By name and path.
    pub(crate) cookies: BTreeMap<(String, String), String>,
}

/// What a browser says when a person opens a page.
pub(crate) const OPENS: &str =
    "Accept: text/html,*/*;q=0.8\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
/// What it says when a script of the same origin asks.
pub(crate) const FETCHES: &str =
    "Accept: */*\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\nSec-Fetch-Site: same-origin\r\n";

impl Browser {
    /// The `Cookie` header for a path (RFC 6265 §5.1.4).
    pub(crate) fn header(&self, target: &str) -> String {
        let path = target.split('?').next().unwrap();
        let matches = |own: &str| {
            path.strip_prefix(own)
                .is_some_and(|rest| own.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
        };
        let sent = self.cookies.iter().filter(|((_, path), _)| matches(path));
        let pairs: Vec<String> = sent.map(|((name, _), value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { String::new() } else { format!("Cookie: {}\r\n", pairs.join("; ")) }
    }

    pub(crate) fn send(&mut self, world: &World, line: &str, headers: &str, body: &str) -> Reply {
        let target = line.split(' ').nth(1).unwrap();
        let raw = format!(
            "{line} HTTP/1.1\r\nHost: x\r\n{}{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.header(target),
            body.len()
        );
        let reply = world.send(raw.as_bytes());
        self.keep(&reply);
        reply
    }

    fn keep(&mut self, reply: &Reply) {
        for line in reply.head.lines() {
            let Some((name, cookie)) = line.split_once(": ") else { continue };
            if !name.eq_ignore_ascii_case("set-cookie") {
                continue;
            }
            let mut parts = cookie.split("; ");
            let (name, value) = parts.next().unwrap().split_once('=').unwrap();
            let path = parts.clone().find_map(|part| part.strip_prefix("Path=")).unwrap_or("/");
            let key = (name.to_owned(), path.to_owned());
            if parts.any(|part| part == "Max-Age=0") {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.to_owned());
            }
        }
    }

    pub(crate) fn open(&mut self, world: &World, target: &str) -> Reply {
        self.send(world, &format!("GET {target}"), OPENS, "")
    }

    pub(crate) fn fetch(&mut self, world: &World, target: &str) -> Reply {
        self.send(world, &format!("GET {target}"), FETCHES, "")
    }

    /// Posts a form of a page, with what is hidden in it.
    pub(crate) fn post(&mut self, world: &World, target: &str, page: &str, typed: &str) -> Reply {
        let headers = "Sec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n";
        self.send(world, &format!("POST {target}"), headers, &format!("{}&{typed}", fields(page)))
    }

    /// Opens a page of an API and signs in on the way; the answer that ends it.
    pub(crate) fn arrive(&mut self, world: &World, target: &str) -> Reply {
        let mut target = target.to_owned();
        for _ in 0..8 {
            let reply = self.open(world, &target);
            let reply = if reply.status == 200 && target.starts_with("/login") {
                self.post(world, "/login", &reply.body, ALICE)
            } else {
                reply
            };
            if reply.status != 303 {
                return reply;
            }
            target = here(world, &reply);
        }
        panic!("it does not come to an end: {target}");
    }
}

/// Where an answer leads, as a path of this server: nowhere else.
pub(crate) fn here(world: &World, reply: &Reply) -> String {
    let location = reply.header("location").unwrap_or_else(|| panic!("no redirect: {reply:?}"));
    let path = location.strip_prefix(&world.issuer).unwrap_or_else(|| panic!("it leads away: {location}"));
    assert!(path.starts_with('/'), "{location}");
    path.to_owned()
}

/// Name and value of every input of the page, in the form of a query.
pub(crate) fn fields(page: &str) -> String {
    let attribute = |input: &str, name: &str| {
        let (_, rest) = input.split_once(&format!(" {name}=\""))?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    let inputs = page.split("<input").skip(1).filter_map(|input| {
        let input = input.split('>').next()?;
        Some(format!(
            "{}={}",
            attribute(input, "name")?,
            attribute(input, "value").filter(|value| !value.is_empty())?
        ))
    });
    inputs.collect::<Vec<_>>().join("&")
}
