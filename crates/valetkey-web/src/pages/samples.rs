//! Samples of every page in every state: for tests, for screenshots, and for trying an operator's own templates.

mod account;
mod console;
mod decide;
mod details;
mod developer;
mod device;
mod enter;
mod rest;
mod sign_up;
mod upstream;

use super::render::{Page, Policy};
use super::view::{App, Person, Site, When};
use minijinja::value::{Serde, Value};
use valetkey_core::time::{Seconds, Timestamp};

/// A page in one state, ready to render.
#[derive(Debug, Clone)]
pub struct Sample {
    /// `login-wrong`, fit for a file name.
    pub name: String,
    pub template: &'static str,
    pub policy: Policy,
    pub site: Site,
    pub page: Value,
}

impl Sample {
    fn new<P: Page>(name: &str, page: &P) -> Self {
        Self {
            name: name.to_owned(),
            template: P::TEMPLATE,
            policy: P::POLICY,
            site: Site::new("Valetkey", "id.example.org"),
            page: Value::from(Serde(page)),
        }
    }
}

/// Every page in every state; the fullest state of each also with long, right-to-left and hostile names.
pub fn all() -> Vec<Sample> {
    let mut samples = [
        enter::states(),
        decide::states(),
        account::states(),
        details::states(),
        developer::states(),
        rest::states(),
        sign_up::states(),
        console::states(),
        upstream::states(),
        device::states(),
    ]
    .concat();
    for cast in [&LONG, &RTL, &HOSTILE] {
        let fullest = [
            enter::fullest(cast),
            decide::fullest(cast),
            account::fullest(cast),
            details::fullest(cast),
            developer::fullest(cast),
            rest::fullest(cast),
            sign_up::fullest(cast),
            console::fullest(cast),
            upstream::fullest(cast),
            device::fullest(cast),
        ]
        .concat();
        samples.extend(
            fullest
                .into_iter()
                .map(|sample| Sample { name: format!("{}-{}", sample.name, cast.id), ..sample }),
        );
    }
    samples
}

/// Who plays the parts.
#[derive(Debug)]
pub(crate) struct Cast {
    id: &'static str,
    app: &'static str,
    username: &'static str,
    name: &'static str,
    email: &'static str,
    tenant: &'static str,
    maker: &'static str,
    scope: &'static str,
}

pub(crate) static PLAIN: Cast = Cast {
    id: "plain",
    app: "Photo Printer",
    username: "alice",
    name: "Alice Liddell",
    email: "alice@example.org",
    tenant: "Wonderland Energy",
    maker: "Print Works Ltd",
    scope: "Change your albums",
};

static LONG: Cast = Cast {
    id: "long",
    app: "The Remarkably Thorough Photograph Printing and Framing Companion for Families, Clubs and Small Museums",
    username: "wolfeschlegelsteinhausenbergerdorff.hubert.blaine.the.elder",
    name: "Hubert Blaine Wolfeschlegelsteinhausenbergerdorff the Elder of Lower Upper-Saint-Mary-under-the-Hill",
    email: "hubert.blaine.wolfeschlegelsteinhausenbergerdorff@mail.llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch.example",
    tenant: "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    maker: WORD,
    scope: WORD,
};

static RTL: Cast = Cast {
    id: "rtl",
    app: "طابعة الصور (Pro)",
    username: "ليلى",
    name: "ליאורה כהן!",
    email: "layla@example.org",
    tenant: "شركة الطاقة ٣٦٠",
    maker: "\u{202e}moc.elgoog",
    scope: "عرض صورك",
};

static HOSTILE: Cast = Cast {
    id: "hostile",
    app: "\"><script>alert(1)</script>",
    username: "' onfocus='alert(1)' x='",
    name: "</title><script>alert(1)</script>",
    email: "\" style=\"position:fixed\"@example.org",
    tenant: "<h1>Signed out</h1>",
    maker: "<img src=x onerror=alert(1)>",
    scope: "{{ 7 * 7 }} & <b>bold</b>",
};

/// One word of 200 characters.
const WORD: &str = "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij\
                    abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij";
/// As long as a sealed interaction is.
pub(crate) const INTERACTION: &str =
    "vk_in_c2VhbGVkLWludGVyYWN0aW9uLWluLWEtc2FtcGxlLW9mLXRoaXMtbGVuZ3RoLXdoaWNoLWlzLXVzdWFs";
pub(crate) const CSRF: &str = "c3Jm-sample-token";
const NOW: Timestamp = Timestamp(1_795_000_000);

impl Cast {
    fn app(&self) -> App {
        App::new(self.app, Some("https://printer.example.com/"))
    }

    fn person(&self) -> Person {
        Person::new(self.username, Some(self.name), Some(self.email))
    }
}

fn ago(span: Seconds) -> When {
    When::new(NOW - span, NOW)
}
