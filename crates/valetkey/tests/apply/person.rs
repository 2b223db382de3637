//! A person with a browser that is curl: opens an address, signs in, says yes.

use crate::support::Dev;
use std::process::Command;

const ALICE: (&str, &str) = ("alice", "alice-in-wonderland-1865");

/// Where it ended: at the application, or at a page that shows a code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    At(String),
    Shown(String),
}

struct Answer {
    location: Option<String>,
    body: String,
}

/// Opens an address as alice, whatever user directory it is of, and allows all that is asked for.
pub(crate) fn open(dev: &Dev, address: &str) -> End {
    let mut answer = fetch(dev, &[address]);
    let mut at = address.to_owned();
    for _ in 0..10 {
        if let Some(location) = &answer.location {
            at = if location.starts_with('/') {
                format!("{}{location}", dev.issuer)
            } else {
                location.clone()
            };
            if at.contains("/dev/callback") {
                return End::At(at);
            }
            answer = fetch(dev, &[&at]);
            continue;
        }
        let body = &answer.body;
        if let Some(code) = body.split(['>', '<']).find(|text| text.trim().starts_with("vk_ac_")) {
            return End::Shown(code.trim().to_owned());
        }
        let mut form = fields(body);
        if body.contains("name=\"password\"") {
            form.extend([field("username", ALICE.0), field("password", ALICE.1)]);
        } else {
            assert!(body.contains("name=\"decision\""), "no form at {at}: {body}");
            form.push(field("decision", "allow"));
        }
        let mut arguments: Vec<&str> = vec![&at];
        for one in &form {
            arguments.extend(["--data-urlencode", one]);
        }
        answer = fetch(dev, &arguments);
    }
    panic!("no end at {at}: {}", answer.body);
}

fn field(name: &str, value: &str) -> String {
    format!("{name}={value}")
}

/// Hidden inputs, and the boxes that are ticked as they are drawn.
fn fields(page: &str) -> Vec<String> {
    let tags = page.split('<').filter(|tag| tag.starts_with("input "));
    let wanted = tags.filter(|tag| tag.contains("type=\"hidden\"") || tag.contains("name=\"scope\""));
    wanted.filter_map(|tag| Some(field(&attribute(tag, "name")?, &attribute(tag, "value")?))).collect()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(rest.split('"').next()?.replace("&amp;", "&").replace("&#x2f;", "/").replace("&#x3d;", "="))
}

fn fetch(dev: &Dev, arguments: &[&str]) -> Answer {
    let jar = dev.place.directory.path().join("cookies");
    let output = Command::new("curl")
        .args(["-s", "-D", "-", "-b"])
        .arg(&jar)
        .arg("-c")
        .arg(&jar)
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{arguments:?}: {text}"));
    let location = head.lines().find_map(|line| line.strip_prefix("location: "));
    Answer { location: location.map(str::to_owned), body: body.to_owned() }
}

/// A parameter of an address's query or fragment.
pub(crate) fn parameter(address: &str, name: &str) -> Option<String> {
    let pairs = address.split(['?', '#', '&']);
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(own, _)| *own == name)
        .map(|(_, value)| value.to_owned())
}
