//! RFC 6265 §4.1 — the cookies of this server: their names, what they are for, and where they are sent back
//!
//! `__Host-` binds a cookie to this very host; a cookie for one path cannot have it and is `__Secure-`. Plain names on
//! http, where only loopback issuers live.

use crate::ids::ApiId;
use crate::store::Api;
use crate::time::Seconds;
use std::borrow::Cow;

/// What a cookie is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie<'a> {
    /// Who is signed in.
    Session,
    /// Which browser an interaction began in.
    Browser,
    /// That this browser has signed somebody in before.
    KnownDevice,
    /// Which session it is, for the page that applications ask whether it is still the same (OIDC Session Management §3.2).
    /// Scripts of that page read it, within pages of other sites.
    State,
    /// That the session was taken to an API below that prefix.
    Api { id: &'a ApiId, prefix: &'a str },
    /// A sign-in at a provider that is on its way; each try has its own.
    Upstream { state: &'a str },
}

/// A try is named by the beginning of its `state`.
const UPSTREAM: &str = "vk_up_";
const UPSTREAM_NAME: usize = 16;

/// The tries that a browser carries along, by what of `state` names them.
pub fn upstreams<'h>(lines: impl Iterator<Item = &'h str>, https: bool) -> Vec<&'h str> {
    let prefix = if https { "__Host-vk_up_" } else { UPSTREAM };
    let names = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    names.filter_map(|(name, _)| name.strip_prefix(prefix)).filter(|own| own.len() == UPSTREAM_NAME).collect()
}

/// A cookie whose name begins so is ours, whatever stands before.
const OURS: &[u8] = b"vk_";

/// Whether a `name=value` pair, or a `Set-Cookie` line, is one of ours or would pass for it.
pub fn is_ours(pair: &[u8]) -> bool {
    let pair = pair.trim_ascii_start();
    let bare = [&b"__Host-"[..], b"__Secure-"].into_iter().find_map(|prefix| {
        pair.get(..prefix.len())
            .filter(|start| start.eq_ignore_ascii_case(prefix))
            .map(|_| &pair[prefix.len()..])
    });
    bare.unwrap_or(pair).starts_with(OURS)
}

impl<'a> Cookie<'a> {
    pub fn of(api: &'a Api) -> Self {
        Self::Api { id: &api.id, prefix: &api.prefix }
    }

    pub fn name(self, https: bool) -> Cow<'static, str> {
        let (secure, plain) = match self {
            Self::Session => ("__Host-vk_session", "vk_session"),
            Self::Browser => ("__Host-vk_browser", "vk_browser"),
            Self::KnownDevice => ("__Host-vk_device", "vk_device"),
            Self::State => ("__Host-vk_state", "vk_state"),
            Self::Api { id, .. } => {
                let prefix = if https { "__Secure-" } else { "" };
                return format!("{prefix}vk_api_{id}").into();
            }
            Self::Upstream { state } => {
                let prefix = if https { "__Host-" } else { "" };
                let short = state.get(..UPSTREAM_NAME).unwrap_or_default();
                return format!("{prefix}{UPSTREAM}{short}").into();
            }
        };
        if https { secure } else { plain }.into()
    }

    /// The value in the `Cookie` lines of a request, if there is exactly one.
    pub fn read<'h>(self, lines: impl Iterator<Item = &'h str>, https: bool) -> Option<&'h str> {
        let name = self.name(https);
        let value = |pair: &'h str| pair.trim().strip_prefix(&*name)?.strip_prefix('=');
        let mut found = lines.flat_map(|line| line.split(';')).filter_map(value);
        let value = found.next()?;
        found.next().is_none().then_some(value).filter(|value| !value.is_empty())
    }

    /// The `Set-Cookie` line; without a lifetime it ends with the browser session.
    pub fn set(self, value: &str, lifetime: Option<Seconds>, https: bool) -> String {
        let name = self.name(https);
        let path = if let Self::Api { prefix, .. } = self { prefix } else { "/" };
        let secure = if https { "; Secure" } else { "" };
        let age = lifetime.map(|span| format!("; Max-Age={}", span.0)).unwrap_or_default();
        let reach = match self {
            // Without Secure, browsers refuse SameSite=None; loopback issuers and applications are one site anyway.
            Self::State if https => "SameSite=None",
            Self::State => "SameSite=Lax",
            _ => "HttpOnly; SameSite=Lax",
        };
        format!("{name}={value}; Path={path}; {reach}{secure}{age}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6265bis_section_4_1_3_a_cookie_for_one_path_is_secure_and_bound_to_it() {
        let id = ApiId::from("photos");
        let cookie = Cookie::Api { id: &id, prefix: "/photos" };
        let want = "__Secure-vk_api_photos=v; Path=/photos; HttpOnly; SameSite=Lax; Secure; Max-Age=60";
        assert_eq!(cookie.set("v", Some(Seconds(60)), true), want);
        assert_eq!(cookie.set("v", None, false), "vk_api_photos=v; Path=/photos; HttpOnly; SameSite=Lax");
        assert_eq!(cookie.read(["a=1; vk_api_photos=x"].into_iter(), false), Some("x"));
        assert_eq!(cookie.read(["vk_api_photos=x", "vk_api_photos=y"].into_iter(), false), None);
    }

    #[test]
    fn every_cookie_of_ours_is_known_by_its_name() {
        let id = ApiId::from("a");
        for cookie in [
            Cookie::Session,
            Cookie::Browser,
            Cookie::KnownDevice,
            Cookie::State,
            Cookie::Api { id: &id, prefix: "/a" },
        ] {
            for https in [true, false] {
                assert!(is_ours(cookie.set("v", None, https).as_bytes()), "{cookie:?} {https}");
            }
        }
        for (pair, want) in
            [(" __host-vk_session=x", true), ("theme=vk_", false), ("xvk_a=1", false), ("", false)]
        {
            assert_eq!(is_ours(pair.as_bytes()), want, "{pair:?}");
        }
    }
}
