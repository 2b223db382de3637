//! What `dev --preset` prints works as printed.

use crate::person::{End, open, parameter};
use crate::support::{Dev, Place};
use serde_json::Value;

/// Runs every printed line, and opens every printed address; what a line leaves to be put in comes from before.
fn works(preset: &str, wanted: &[&str]) {
    let dev = Dev::start(&[preset]);
    let service = &dev.greeting["presets"][0];
    assert_eq!(service["id"], preset);
    let (mut code, mut token, mut refresh) = (String::new(), String::new(), String::new());
    let mut all = String::new();
    for request in service["requests"].as_array().unwrap() {
        let line = request["line"].as_str().unwrap();
        if line.starts_with("http") {
            match open(&dev, line.replace("%2Fconsole", "%2Fdev%2Fcallback").as_str()) {
                End::Shown(shown) => code = shown,
                End::At(address) => code = parameter(&address, "code").unwrap_or(code),
            }
            continue;
        }
        let line = line.replace("CODE", &code).replace("TOKEN", &token).replace("REFRESH", &refresh);
        let said = dev.shell(&line, &[]);
        assert_eq!(said.code, 0, "{line}: {said:?}");
        assert!(!said.out.contains("\"error\""), "{line}: {}", said.out);
        if let Ok(Value::Object(answer)) = serde_json::from_str(&said.out) {
            let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
            token = text("access_token").unwrap_or(token);
            refresh = text("refresh_token").unwrap_or(refresh);
        }
        all.push_str(&said.out);
    }
    for part in wanted {
        assert!(all.contains(part), "{preset} lacks {part:?}: {all}");
    }
}

#[test]
fn touts_printed_requests_work() {
    works("tout", &["\"expires_in\":63072000,\"scope\":\"read\"", "\"path\": \"/hashtags/rust/touts\""]);
}

#[test]
fn mastodons_printed_requests_work() {
    works("mastodon", &["\"client_secret\"", "\"scope\":\"read write follow\"", "\"acct\":\"alice\""]);
}

#[test]
fn toons_printed_requests_work() {
    works(
        "toon",
        &[
            "/login?i=",
            "\"expires_in\":1800",
            "\"path\": \"/toon/v3/agreements\"",
            "\"remote-tenant\": \"eneco\"",
        ],
    );
}

#[test]
fn service_accounts_printed_requests_work() {
    works("service-account", &["Prints photos", "\"path\": \"/v1/account\""]);
}

#[test]
fn own_providers_printed_requests_work() {
    works("own-provider", &["\"path\": \"/me\"", "\"path\": \"/now\"", "\"refresh_token\":\"vk_rt_"]);
}

#[test]
fn presets_that_contradict_each_other_are_refused_with_both_values() {
    let place = Place::new();
    let said = place.run(&["dev", "--preset", "tout", "--preset", "toon", "--listen", "127.0.0.1:0"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("\"30m\"") && said.err.contains("\"730d\""), "{}", said.err);
    assert!(
        said.err.contains("presets/tout.toml:") && said.err.contains("presets/toon.toml:"),
        "{}",
        said.err
    );
    assert!(!place.data().exists(), "nothing began");
    let unknown = place.run(&["dev", "--preset", "twitter"]);
    assert!(unknown.code == 2 && unknown.err.contains("tout, mastodon, toon"), "{unknown:?}");
}

#[test]
fn a_preset_may_be_named_twice_and_two_that_agree_stand_together() {
    let dev = Dev::start(&["mastodon", "own-provider", "mastodon"]);
    let ids: Vec<_> = dev.greeting["presets"].as_array().unwrap().iter().map(|own| &own["id"]).collect();
    assert_eq!(ids, ["mastodon", "own-provider"]);
    let apis = dev.place.json(&["api", "list"]);
    let has = |id: &str| apis.as_array().unwrap().iter().any(|api| api["id"] == id);
    assert!(has("statuses") && has("profiles") && has("demo-api"), "{apis}");
}

#[test]
fn the_people_of_a_preset_are_printed_with_their_directories() {
    let dev = Dev::start(&["toon"]);
    let users = dev.greeting["users"].as_array().unwrap();
    let known =
        |tenant: &str, name: &str| users.iter().any(|own| own["tenant"] == tenant && own["username"] == name);
    for (tenant, name) in [("default", "alice"), ("eneco", "alice"), ("eneco", "emma"), ("viesgo", "victor")]
    {
        assert!(known(tenant, name), "{name} of {tenant}: {users:?}");
    }
    assert!(!known("viesgo", "emma"));
}
