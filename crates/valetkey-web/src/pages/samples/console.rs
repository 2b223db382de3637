//! Samples of the console's shell; its modules draw the rest.

use super::{Cast, PLAIN, Sample};
use crate::pages::view::Console;

pub(super) fn states() -> Vec<Sample> {
    vec![
        Sample::new("console", &console(None)),
        Sample::new("console-signed-in", &Console { portal: true, ..console(Some(&PLAIN)) }),
    ]
}

pub(super) fn fullest(cast: &Cast) -> Vec<Sample> {
    vec![Sample::new("console-signed-in", &Console { portal: true, ..console(Some(cast)) })]
}

fn console(person: Option<&Cast>) -> Console {
    let url = |path: &str| format!("https://id.example.org{path}");
    Console {
        issuer: url(""),
        person: person.map(Cast::person),
        portal: false,
        authorize: url("/oauth/authorize"),
        token: url("/oauth/token"),
        redirect_uri: url("/console"),
    }
}
