//! What `valetkey dev` prints: where it is, who can sign in, and lines to paste.

mod services;

use super::{API, EVERYTHING, PASSWORD, PREFIX, Person, SERVICE, SPA, Seeded, USERNAME, WEB};
use crate::serve::Ready;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write;
use valetkey_core::endpoint::discovery::path;
use valetkey_core::ids::TenantId;
use valetkey_web::app::Demo;

/// Prints to standard output; nobody need be reading.
pub(crate) fn greet(ready: &Ready, seeded: &Seeded, as_json: bool) {
    let management = ready.listeners.management_addresses.first().map(|address| format!("http://{address}"));
    let management = management.unwrap_or_default();
    let text = if as_json {
        let mut json = to_json(&ready.issuer, &management, seeded);
        json["certificates"] = json!(ready.certificates);
        format!("{json}\n")
    } else {
        to_text(&ready.issuer, &management, seeded, &ready.config.data_dir.display().to_string())
    };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
}

/// The link that begins the code flow for the demo application.
fn authorize_link(issuer: &str, demo: &Demo) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, demo.code_verifier.as_bytes());
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", &demo.client_id)
        .append_pair("redirect_uri", &demo.redirect_uri)
        .append_pair("scope", EVERYTHING)
        .append_pair("state", "dev")
        .append_pair("code_challenge", &BASE64URL_NOPAD.encode(digest.as_ref()))
        .append_pair("code_challenge_method", "S256")
        .finish();
    format!("{issuer}{}?{query}", path::AUTHORIZE)
}

fn to_json(issuer: &str, management: &str, seeded: &Seeded) -> Value {
    let demo = &seeded.demo;
    let requests = |preset: &String| {
        let lines = services::of(preset, issuer, demo);
        let lines = lines.iter().map(|own| json!({"about": own.about, "line": own.line}));
        json!({"id": preset, "requests": lines.collect::<Vec<_>>()})
    };
    let person =
        |own: &Person| json!({"tenant": own.tenant, "username": own.username, "password": own.password});
    json!({
        "id": "dev",
        "issuer": issuer,
        "management": management,
        "user": {"username": USERNAME, "password": PASSWORD},
        "users": seeded.people.iter().map(person).collect::<Vec<_>>(),
        "presets": seeded.presets.iter().map(requests).collect::<Vec<_>>(),
        "clients": [
            {"id": WEB.0, "client_id": WEB.0, "client_secret": WEB.1, "redirect_uri": demo.redirect_uri},
            {"id": SPA, "client_id": SPA, "redirect_uri": demo.redirect_uri},
            {"id": SERVICE.0, "client_id": SERVICE.0, "client_secret": SERVICE.1},
        ],
        "console": format!("{issuer}{}", path::CONSOLE),
        "api": {"id": API, "url": format!("{issuer}{PREFIX}")},
        "scope": EVERYTHING,
        "authorize_link": authorize_link(issuer, demo),
        "code_verifier": demo.code_verifier,
    })
}

fn to_text(issuer: &str, management: &str, seeded: &Seeded, data_dir: &str) -> String {
    let demo = &seeded.demo;
    let (token, introspect) = (format!("{issuer}{}", path::TOKEN), format!("{issuer}{}", path::INTROSPECT));
    let service = format!("{}:{}", SERVICE.0, SERVICE.1);
    let ask = format!("curl -s -u {service} {token} -d grant_type=client_credentials -d scope=read");
    // Each line works by itself, in whatever order and shell it is pasted.
    let fresh = format!(r#"$({ask} | sed 's/.*"access_token":"\([^"]*\)".*/\1/')"#);
    let link = authorize_link(issuer, demo);
    let mut text = String::new();
    let _ = write!(
        text,
        "Valetkey is ready, for trying: everything here is known to everybody, and only this machine can reach it.

  Issuer      {issuer}
  User        {USERNAME} / {PASSWORD}
{}  Account     {issuer}/account
  Console     {issuer}{} (go through every grant, and call the API, in the browser)
  Developer   {issuer}/developer (register applications of your own)
  Health      {management}/health/ready, {management}/metrics
  Data        {data_dir} (delete it to begin anew)

  demo-web      {} (a web application)
  demo-spa      no secret (an application in a browser or on a phone)
  demo-service  {} (acts for itself)

1. A token for a service:

{ask}; echo

2. What such a token says, to an API that asks:

curl -s -u {service} {introspect} -d token=\"{fresh}\"; echo

3. A token for {USERNAME}: open this, sign in, and paste the line that you are shown.

{link}

4. All that a client needs to know, and the keys that sign:

curl -s {issuer}{}; echo
curl -s {issuer}{}; echo

5. An API that knows nothing of OAuth, behind the gateway: it answers with what it received.

curl -s -H \"Authorization: Bearer {fresh}\" {issuer}{PREFIX}/hello; echo

{}End it with Ctrl-C.
",
        people(seeded),
        path::CONSOLE,
        WEB.1,
        SERVICE.1,
        path::METADATA,
        path::JWKS,
        of_presets(issuer, seeded),
    );
    text
}

/// Everybody of a tenant that somebody made.
fn people(seeded: &Seeded) -> String {
    let others = seeded.people.iter().filter(|own| own.tenant != TenantId::DEFAULT);
    let line =
        |own: &Person| format!("              {} / {} (of {})\n", own.username, own.password, own.tenant);
    others.map(line).collect()
}

/// The requests of the presets' services, as their own documentation prints them.
fn of_presets(issuer: &str, seeded: &Seeded) -> String {
    let mut text = String::new();
    for preset in &seeded.presets {
        let _ = writeln!(text, "As {preset} has it:\n");
        for own in services::of(preset, issuer, &seeded.demo) {
            let _ = writeln!(text, "{}:\n\n{}\n", own.about, own.line);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeded(presets: &[&str]) -> Seeded {
        let demo = Demo {
            client_id: WEB.0.to_owned(),
            client_secret: WEB.1.to_owned(),
            redirect_uri: "http://localhost:8080/dev/callback".to_owned(),
            secrets: Vec::new(),
            code_verifier: super::super::CODE_VERIFIER.to_owned(),
        };
        let alice =
            |tenant: &str| Person { tenant: tenant.to_owned(), username: USERNAME, password: PASSWORD };
        Seeded {
            demo,
            people: vec![alice("default"), alice("eneco")],
            presets: presets.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn the_greeting_for_programs_is_one_object_with_what_is_needed() {
        let json = to_json("http://localhost:8080", "http://127.0.0.1:9000", &seeded(&[]));
        assert_eq!(json["issuer"], "http://localhost:8080");
        assert_eq!(json["user"]["username"], "alice");
        assert_eq!(json["console"], "http://localhost:8080/console");
        assert_eq!(json["clients"].as_array().map(Vec::len), Some(3));
        let link = json["authorize_link"].as_str().expect("a link");
        assert!(
            link.starts_with("http://localhost:8080/oauth/authorize?response_type=code&client_id=demo-web"),
            "{link}"
        );
        assert!((43..=128).contains(&super::super::CODE_VERIFIER.len()), "RFC 7636 §4.1");
    }

    #[test]
    fn the_greeting_for_people_has_lines_to_paste() {
        let text = to_text("http://localhost:8080", "http://127.0.0.1:9000", &seeded(&[]), "./valetkey-dev");
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("curl ")).collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert!(lines.iter().all(|line| line.starts_with("curl ")), "each whole in itself: {text}");
        assert!(lines.iter().all(|line| !line.starts_with(' ')), "pasted whole");
    }

    #[test]
    fn a_presets_requests_are_lines_to_paste_or_addresses_to_open() {
        for (name, _) in crate::apply::preset::ALL {
            let text = to_text("http://localhost:8080", "http://127.0.0.1:9000", &seeded(&[*name]), "./d");
            let own = text.split_once(&format!("As {name} has it:")).expect("a section").1;
            let lines: Vec<&str> = own.lines().filter(|line| line.contains("http://localhost")).collect();
            assert!(lines.len() >= 4, "{name}: {own}");
            let good = |line: &&str| line.starts_with("curl ") || line.starts_with("http://localhost:8080/");
            assert!(lines.iter().all(good), "{name}: {own}");
            let json = to_json("http://localhost:8080", "http://127.0.0.1:9000", &seeded(&[*name]));
            assert_eq!(json["presets"][0]["id"], *name);
        }
    }
}
