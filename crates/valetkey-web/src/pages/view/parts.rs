//! Pieces that several pages share: the site, an app, a person, a place to go.

use super::words;
use serde::Serialize;
use url::{Host, Url};
use valetkey_core::client::redirect_uri;

/// What stands on every page.
#[derive(Debug, Clone, Serialize)]
pub struct Site {
    /// Shown beside the key at the top; "Valetkey" unless the operator named the service.
    pub name: String,
    /// Host (and port, if unusual) of the issuer, from configuration.
    pub host: String,
    /// BCP 47 tag of the language the templates are written in.
    pub lang: String,
}

impl Site {
    pub fn new(name: &str, host: &str) -> Self {
        Self { name: name.to_owned(), host: host.to_owned(), lang: "en".to_owned() }
    }
}

/// The application that asks.
#[derive(Debug, Clone, Serialize)]
pub struct App {
    pub name: String,
    /// One character for the avatar.
    pub initial: String,
    /// Its own page, as registered.
    pub website: Option<Href>,
    /// Its picture, from our own origin.
    pub logo: Option<Href>,
    /// Whether the picture is the application's own word, at which nobody here looked: it never stands for this page.
    pub logo_unchecked: bool,
}

impl App {
    /// `website` is dropped unless it is an http or https address.
    pub fn new(name: &str, website: Option<&str>) -> Self {
        Self {
            name: name.to_owned(),
            initial: words::initial(name),
            website: website.and_then(Href::web),
            logo: None,
            logo_unchecked: false,
        }
    }

    /// The same with a picture.
    #[must_use]
    pub fn with_logo(self, logo: Option<Href>) -> Self {
        Self { logo, ..self }
    }

    /// The same with the picture that it says is its own.
    #[must_use]
    pub fn with_unchecked_logo(self, logo: Option<Href>) -> Self {
        Self { logo, logo_unchecked: true, ..self }
    }
}

/// An account of ours, as its owner knows it.
#[derive(Debug, Clone, Serialize)]
pub struct Person {
    pub username: String,
    pub name: Option<String>,
    pub email: Option<String>,
    /// One character for the avatar.
    pub initial: String,
}

impl Person {
    pub fn new(username: &str, name: Option<&str>, email: Option<&str>) -> Self {
        Self {
            username: username.to_owned(),
            name: name.map(str::to_owned),
            email: email.map(str::to_owned),
            initial: words::initial(name.unwrap_or(username)),
        }
    }
}

/// An address that may stand in an `href`, an `action` or nowhere: never a script, never a surprise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Href(String);

impl Href {
    /// A path on this server. `None` for anything that a browser could take as another host.
    pub fn local(path: &str) -> Option<Self> {
        let stays = path.starts_with('/')
            && !path[1..].starts_with(['/', '\\'])
            && !path.contains(|c: char| c.is_control() || c == '\\');
        stays.then(|| Self(path.to_owned()))
    }

    /// An absolute http or https address; `None` for every other scheme and for user information in it.
    pub fn web(url: &str) -> Option<Self> {
        let parsed = Url::parse(url).ok()?;
        let plain = parsed.username().is_empty() && parsed.password().is_none();
        (matches!(parsed.scheme(), "http" | "https") && plain).then(|| Self(parsed.into()))
    }

    /// Any address that an application registered as one to go to.
    pub fn registered(url: &str) -> Option<Self> {
        let parsed = Url::parse(url).ok()?;
        (!matches!(parsed.scheme(), "javascript" | "data" | "vbscript" | "blob" | "file"))
            .then(|| Self(url.to_owned()))
    }

    /// `/`, which every server has.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A link with its words.
#[derive(Debug, Clone, Serialize)]
pub struct Link {
    pub href: Href,
    pub words: String,
    /// One more sentence, in small.
    pub detail: Option<String>,
}

impl Link {
    pub fn new(href: Href, words: &str) -> Self {
        Self { href, words: words.to_owned(), detail: None }
    }
}

/// Where the browser goes when the person is done here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Destination {
    /// A web host, in its ASCII form, so that look-alike letters show; with its port if unusual.
    Web { host: String },
    /// RFC 8252 §7.3: a loopback address, so an app on the person's own device.
    Loopback,
    /// RFC 8252 §7.1: a private-use scheme, so whatever app on the device claimed it.
    Scheme { scheme: String },
    /// None: a code is shown here, to be copied (opt-in `oob`).
    Page,
}

impl Destination {
    /// Reads it off a redirect URI that was already checked; `None` if it is no URI.
    pub fn of(redirect_uri: &str) -> Option<Self> {
        if redirect_uri::is_oob(redirect_uri) {
            return Some(Self::Page);
        }
        let url = Url::parse(redirect_uri).ok()?;
        if !matches!(url.scheme(), "http" | "https") {
            return Some(Self::Scheme { scheme: url.scheme().to_owned() });
        }
        let host = url.host()?;
        let loopback = match &host {
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
            Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        };
        if loopback {
            return Some(Self::Loopback);
        }
        Some(Self::Web { host: url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}")) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_local_or_of_the_web_and_nothing_else() {
        for good in ["/", "/account", "/login?i=a%20b"] {
            assert!(Href::local(good).is_some(), "{good}");
        }
        for bad in ["", "account", "//evil.example", "/\\evil.example", "/a\nb", "javascript:alert(1)"] {
            assert_eq!(Href::local(bad), None, "{bad}");
        }
        assert_eq!(
            Href::web("https://printer.example.com").as_ref().map(Href::as_str),
            Some("https://printer.example.com/")
        );
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            "//x.example",
            "https://bank.example@evil.example/",
            "",
        ] {
            assert_eq!(Href::web(bad), None, "{bad}");
        }
    }

    #[test]
    fn rfc8252_7_a_destination_is_named_for_what_it_is() {
        let web = |host: &str| Some(Destination::Web { host: host.to_owned() });
        let scheme = |scheme: &str| Some(Destination::Scheme { scheme: scheme.to_owned() });
        for (uri, want) in [
            ("https://printer.example.com/callback", web("printer.example.com")),
            ("https://printer.example.com:8443/callback", web("printer.example.com:8443")),
            ("https://b\u{fc}cher.example/cb", web("xn--bcher-kva.example")),
            ("https://printer.example.com@evil.example/cb", web("evil.example")),
            ("http://127.0.0.1:4711/callback", Some(Destination::Loopback)),
            ("http://[::1]/callback", Some(Destination::Loopback)),
            ("http://localhost:8080/dev/callback", Some(Destination::Loopback)),
            ("https://127.0.0.1.evil.example/cb", web("127.0.0.1.evil.example")),
            ("com.example.app:/callback", scheme("com.example.app")),
            ("callback", None),
        ] {
            assert_eq!(Destination::of(uri), want, "{uri}");
        }
    }
}
