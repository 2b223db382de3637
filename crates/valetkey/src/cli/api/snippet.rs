//! What a reverse proxy must be told so that it asks Valetkey before each request, and believes nobody else.

use crate::cli::output::Answer;
use anyhow::{Result, bail};
use serde_json::json;
use valetkey_core::store::Api;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proxy {
    Nginx,
    Traefik,
    Caddy,
    Envoy,
}

const ALL: [(&str, Proxy); 4] =
    [("nginx", Proxy::Nginx), ("traefik", Proxy::Traefik), ("caddy", Proxy::Caddy), ("envoy", Proxy::Envoy)];

pub(super) fn proxy(text: &str) -> Result<Proxy, String> {
    let found = ALL.into_iter().find(|(name, _)| *name == text);
    found.map(|(_, proxy)| proxy).ok_or_else(|| "expected nginx, traefik, caddy or envoy".to_owned())
}

/// The headers that say who calls, on every let-through request.
const IDENTITY: [&str; 5] =
    ["Remote-User", "Remote-Scopes", "Remote-Client", "Remote-Tenant", "Remote-Identity"];

/// The cookies without Valetkey's own come back in this one.
const COOKIE: &str = "Cookie";

/// The snippet for people, and in one member for programs.
pub(super) fn of(api: &Api, proxy: Proxy, issuer: &str) -> Result<Answer> {
    if api.prefix.is_empty() {
        bail!(
            "this API has no prefix, and requests are told apart by it: valetkey api update {} --prefix /path",
            api.id
        );
    }
    let upstream = if api.upstream.is_empty() { "http://127.0.0.1:3000" } else { &api.upstream };
    let words = Words { id: api.id.as_str(), prefix: &api.prefix, upstream, issuer, browser: api.browser };
    let (name, text) = match proxy {
        Proxy::Nginx => ("nginx", words.nginx()),
        Proxy::Traefik => ("traefik", words.traefik()),
        Proxy::Caddy => ("caddy", words.caddy()),
        Proxy::Envoy => ("envoy", words.envoy()),
    };
    let trust = "# Valetkey answers only proxies it knows: add this one's address to http.trusted_proxies.\n";
    let text = format!("{trust}{text}");
    Ok(Answer::Text { json: json!({"id": api.id.as_str(), "proxy": name, "snippet": text}), text })
}

/// Lines for each header that Valetkey's answer has for the API.
fn each(line: impl Fn(&str) -> String) -> String {
    IDENTITY.into_iter().chain([COOKIE]).map(line).collect()
}

struct Words<'a> {
    id: &'a str,
    prefix: &'a str,
    upstream: &'a str,
    issuer: &'a str,
    browser: bool,
}

impl Words<'_> {
    /// Host and port of an address.
    fn authority(url: &str) -> &str {
        url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or(url)
    }

    fn nginx(&self) -> String {
        let Self { id, prefix, upstream, issuer, browser } = self;
        let upstream = upstream.trim_end_matches('/');
        let id = id.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let set = |name: &str| {
            let variable = name.to_ascii_lowercase().replace('-', "_");
            format!(
                "    auth_request_set $vk_{variable} $upstream_http_{variable};\n    proxy_set_header {name} $vk_{variable};\n"
            )
        };
        let headers = each(set);
        let (or_page, page) = if *browser { self.nginx_sign_in(&id) } else { Default::default() };
        format!(
            "# Inside `server {{ … }}`.
location = /_valetkey_{id} {{
    internal;
    proxy_pass {issuer}/forward-auth/nginx;
    proxy_pass_request_body off;
    proxy_set_header Content-Length \"\";
    proxy_set_header X-Original-Method $request_method;
    proxy_set_header X-Original-URI $request_uri;
}}
location = {prefix} {{ return 404; }}
location ^~ {prefix}/ {{
    auth_request /_valetkey_{id};
{or_page}    auth_request_set $vk_challenge $upstream_http_www_authenticate;
    add_header WWW-Authenticate $vk_challenge always;
{headers}    proxy_set_header Authorization \"\";
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_http_version 1.1;
    proxy_pass {upstream}/;
}}
{page}"
        )
    }

    /// What of a 401 nginx cannot hand on it asks for a second time: the way to the sign-in, or the challenge.
    fn nginx_sign_in(&self, id: &str) -> (String, String) {
        let page = format!(
            "location @valetkey_{id} {{
    rewrite ^ /forward-auth/caddy? break;
    proxy_pass {};
    proxy_method GET;
    proxy_pass_request_body off;
    proxy_set_header Content-Length \"\";
    proxy_set_header X-Forwarded-Method $request_method;
    proxy_set_header X-Forwarded-Uri $request_uri;
}}
# Valetkey's pages must have the same host: `location / {{ proxy_pass …; }}` to it, and that host as `issuer`.
",
            self.issuer
        );
        (format!("    error_page 401 = @valetkey_{id};\n"), page)
    }

    fn traefik(&self) -> String {
        let Self { id, prefix, upstream, issuer, .. } = self;
        let headers = each(|name| format!("          - {name}\n"));
        format!(
            "# A file of Traefik's file provider.
http:
  routers:
    {id}:
      rule: PathPrefix(`{prefix}/`)
      service: {id}
      middlewares: [{id}-valetkey, {id}-forget, {id}-strip]
  middlewares:
    {id}-valetkey:
      forwardAuth:
        address: {issuer}/forward-auth/traefik
        trustForwardHeader: false
        authResponseHeaders:
{headers}    {id}-forget:
      headers:
        customRequestHeaders:
          Authorization: \"\"
    {id}-strip:
      stripPrefix:
        prefixes: [{prefix}]
  services:
    {id}:
      loadBalancer:
        servers:
          - url: {upstream}
"
        )
    }

    fn caddy(&self) -> String {
        let Self { prefix, upstream, issuer, .. } = self;
        let remove: String = IDENTITY.map(|name| format!("    request_header -{name}\n")).concat();
        format!(
            "# Inside a site block of the Caddyfile.
# `route` keeps the order: forget what callers claim, ask, then cut the prefix off.
route {prefix}/* {{
{remove}    forward_auth {} {{
        uri /forward-auth/caddy
        copy_headers {}
    }}
    uri strip_prefix {prefix}
    request_header -Authorization
    reverse_proxy {}
}}
",
            issuer.strip_prefix("http://").unwrap_or(issuer),
            IDENTITY.into_iter().chain([COOKIE]).collect::<Vec<_>>().join(" "),
            Self::authority(upstream)
        )
    }

    fn envoy(&self) -> String {
        let Self { prefix, issuer, .. } = self;
        let headers = each(|name| format!("          - {{ exact: {} }}\n", name.to_ascii_lowercase()));
        format!(
            "# An HTTP filter before the router; the cluster `valetkey` is {}. In the route: `prefix: {prefix}/`,
# `prefix_rewrite: /`, and `request_headers_to_remove: [authorization]`.
- name: envoy.filters.http.ext_authz
  typed_config:
    \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
    failure_mode_allow: false
    http_service:
      server_uri: {{ uri: {issuer}, cluster: valetkey, timeout: 2s }}
      path_prefix: /forward-auth/envoy
      authorization_response:
        allowed_upstream_headers:
          patterns:
{headers}        allowed_client_headers:
          patterns:
          - {{ exact: www-authenticate }}
",
            Self::authority(issuer)
        )
    }
}
