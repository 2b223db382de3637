//! Cookies in a request's headers and in an answer's; their names and what binds them are in the core.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use valetkey_core::login::cookie::Cookie as Own;
use valetkey_core::time::Seconds;

/// What a cookie is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// Who is signed in.
    Session,
    /// Which browser an interaction began in.
    Browser,
    /// That this browser has signed somebody in before.
    KnownDevice,
    /// Which session it is, for the page that applications ask about it.
    State,
}

impl Cookie {
    const fn own(self) -> Own<'static> {
        match self {
            Self::Session => Own::Session,
            Self::Browser => Own::Browser,
            Self::KnownDevice => Own::KnownDevice,
            Self::State => Own::State,
        }
    }

    /// The value the browser sent, if it sent exactly one.
    pub(crate) fn read(self, headers: &HeaderMap, https: bool) -> Option<&str> {
        self.own().read(headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok()), https)
    }

    /// The `Set-Cookie` header; without a lifetime it ends with the browser session.
    pub(crate) fn set(self, value: &str, lifetime: Option<Seconds>, https: bool) -> Option<HeaderValue> {
        HeaderValue::try_from(self.own().set(value, lifetime, https)).ok()
    }

    pub(crate) fn clear(self, https: bool) -> Option<HeaderValue> {
        self.set("", Some(Seconds(0)), https)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(line: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(line))])
    }

    #[test]
    fn a_cookie_that_came_twice_is_no_cookie() {
        let read = |line| Cookie::Session.read(&headers(line), false).map(str::to_owned);
        assert_eq!(read("a=b; vk_session=x"), Some("x".to_owned()));
        assert_eq!(read("vk_session=x; vk_session=y"), None);
        assert_eq!(read("vk_session="), None);
        assert_eq!(read("xvk_session=x"), None);
    }

    #[test]
    fn asvs_3_3_cookies_are_host_bound_secure_and_out_of_scripts_reach() {
        let set = Cookie::Session.set("v", Some(Seconds(60)), true).expect("header");
        assert_eq!(set, "__Host-vk_session=v; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60");
    }
}
