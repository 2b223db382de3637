//! What `apply` does: once, whole, and what it says of it.

use crate::support::{Dev, Place};
use serde_json::{Value, json};

const PHOTOS: &str = r#"
[[scopes]]
name = "photos"
description = "See your photos"

[[apis]]
id = "photos"
prefix = "/photos"
upstream = "http://127.0.0.1:1"
scopes = "photos"

[[apis.endpoints]]
method = "GET"
path = "/{id}"
scopes = "photos"

[[clients]]
id = "printer"
name = "Printer"
redirect_uris = ["https://printer.example/cb"]
secret_env = "PATH_OF_NOBODY"

[lifetimes]
access_token = "30m"
"#;

fn photos() -> String {
    PHOTOS.replace("secret_env = \"PATH_OF_NOBODY\"\n", "")
}

#[test]
fn a_second_time_nothing_changes_and_nothing_is_written() {
    let place = Place::new();
    let first = place.apply(&photos());
    assert_eq!(first.code, 0, "{first:?}");
    assert!(
        first.out.contains("client_secret") && first.out.contains("3 created, 1 changed"),
        "{}",
        first.out
    );
    let records = place.records();
    let (before, rule) = (place.run(&["export"]).out, place.json(&["endpoint", "list"]));
    let again = place.apply(&photos());
    assert_eq!((again.code, again.out.as_str()), (0, "Nothing to change.\n"), "{again:?}");
    assert_eq!((place.records(), place.run(&["export"]).out), (records, before));
    assert_eq!(place.json(&["endpoint", "list"]), rule, "rules keep their ids");
    for event in ["scope_created", "api_created", "client_created", "settings_applied"] {
        let told = place.json(&["audit", "tail", "--lines", "500"]);
        let count = told.as_array().unwrap().iter().filter(|own| own["event"] == event).count();
        assert_eq!(count, 1, "{event}");
    }
}

#[test]
fn a_dry_run_shows_all_and_writes_nothing_not_even_a_store() {
    let place = Place::new();
    place.file("photos.toml", &photos());
    let dry = place.run(&["apply", "-f", "photos.toml", "--dry-run"]);
    assert_eq!(dry.code, 0, "{dry:?}");
    for line in
        ["+ scope photos", "+ API photos", "+ client printer", "lifetimes.access_token: \"30m\"", "Dry run"]
    {
        assert!(dry.out.contains(line), "{line}: {}", dry.out);
    }
    assert!(!dry.out.contains("client_secret"), "a secret that nobody will have: {}", dry.out);
    assert!(!place.data().exists());
    let json = place.json(&["apply", "-f", "photos.toml", "--dry-run"]);
    assert_eq!(
        (&json["dry_run"], &json["changed"], &json["clients"]),
        (&json!(true), &json!(true), &json!([]))
    );
    place.apply(&photos());
    let renamed = photos().replace("See your photos", "Look at your photos").replace("30m", "20m");
    let before = place.records();
    let diff = place.run_with(&["apply", "-f", "-", "--dry-run"], &renamed);
    assert!(diff.out.contains("description: \"See your photos\" → \"Look at your photos\""), "{}", diff.out);
    assert!(diff.out.contains("lifetimes.access_token: \"30m\" → \"20m\""), "{}", diff.out);
    assert_eq!(place.records(), before);
    let json = place.run_with(&["--json", "apply", "-f", "-", "--dry-run"], &renamed).json();
    let change = &json["changes"][0];
    assert_eq!(
        (&change["action"], &change["kind"], &change["id"]),
        (&json!("update"), &json!("scope"), &json!("photos"))
    );
    assert_eq!(
        change["members"][0],
        json!({"name": "description", "old": "See your photos", "new": "Look at your photos"})
    );
}

#[test]
fn pruning_deletes_what_is_not_named_of_the_kinds_spoken_of_and_never_what_is_built_in() {
    let place = Place::new();
    place.apply(&photos());
    place.run(&["scope", "create", "old", "--description", "Old"]);
    place.run(&["scope", "update", "openid", "--description", "Know you"]);
    let kept = place.apply("[[scopes]]\nname = \"photos\"\ndescription = \"See your photos\"\n");
    assert_eq!(kept.out, "Nothing to change.\n", "without --prune nothing goes");
    let only = "[[scopes]]\nname = \"photos\"\ndescription = \"See your photos\"\n";
    let pruned = place.run_with(&["apply", "-f", "-", "--prune"], only);
    assert!(pruned.out.contains("- scope old") && pruned.out.contains("1 deleted"), "{}", pruned.out);
    let scopes = place.json(&["scope", "list"]);
    let has =
        |name: &str| scopes.as_array().unwrap().iter().any(|own| own["name"] == name || own["id"] == name);
    assert!(has("photos") && has("openid") && !has("old"), "{scopes}");
    assert_eq!(place.json(&["client", "list"]).as_array().unwrap().len(), 1, "clients were not spoken of");
    let none =
        place.run_with(&["apply", "-f", "-", "--prune"], "clients = []\n[lifetimes]\ncode = \"30s\"\n");
    assert!(none.out.contains("- client printer"), "{}", none.out);
    assert!(
        none.out.contains("- lifetimes.access_token: \"30m\""),
        "the section is what the file says: {}",
        none.out
    );
    assert_eq!(place.json(&["client", "list"]), json!([]));
}

#[test]
fn a_client_keeps_its_secret_and_what_registering_gave_unless_the_file_says_them() {
    let place = Place::new();
    let text = "[[clients]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\n";
    let made = place.run_with(&["--json", "apply", "-f", "-"], text).json();
    let secret = made["clients"][0]["client_secret"].as_str().unwrap().to_owned();
    assert!(secret.len() > 40);
    let preset = place.run(&["apply", "--preset", "tout"]);
    assert_eq!(preset.code, 0, "{preset:?}");
    let again = place.apply(text);
    assert_eq!(again.out, "Nothing to change.\n", "a client is not given opt-ins afterwards");
    let shown = place.json(&["client", "show", "c"]);
    assert_eq!((&shown["compat"], shown.get("scope")), (&json!([]), None));
    let fresh = place.apply(&text.replace("\"c\"", "\"d\""));
    assert!(fresh.out.contains("implicit"), "registered now: {}", fresh.out);
    assert_eq!(place.json(&["client", "show", "d"])["scope"], "read write share update_auth");
    let strict = place.apply(&format!("{}strict = true\n", text.replace("\"c\"", "\"e\"")));
    assert_eq!(strict.code, 0, "{strict:?}");
    assert_eq!(place.json(&["client", "show", "e"])["compat"], json!([]));
}

#[test]
fn a_secret_is_given_by_reference_and_stands_nowhere_in_clear() {
    let place = Place::new();
    place.file("secret", "a-secret-that-stands-in-a-file\n");
    let path = place.directory.path().join("secret");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let text = "[[clients]]\nid = \"c\"\nname = \"C\"\ngrant_types = \"client_credentials\"\nsecret_file = \"secret\"\n";
    place.file("c.toml", text);
    let made = place.run(&["apply", "-f", "c.toml"]);
    assert!(made.code == 0 && !made.out.contains("a-secret-that"), "{made:?}");
    assert_eq!(place.run(&["apply", "-f", "c.toml"]).out, "Nothing to change.\n");
    let exported = place.run(&["export"]).out;
    assert!(!exported.contains("sha256") && !exported.contains("a-secret"), "{exported}");
    let hashed = place.run(&["export", "--secret-hashes"]).out;
    assert!(hashed.contains("secret_hashes = [\"sha256:"), "{hashed}");
    let elsewhere = Place::new();
    let there = elsewhere.apply(&hashed);
    assert!(there.code == 0 && !there.out.contains("client_secret"), "it works there too: {there:?}");
    assert_eq!(elsewhere.run(&["export", "--secret-hashes"]).out, hashed);
}

#[test]
fn what_is_applied_beside_a_running_server_acts_without_a_restart() {
    let dev = Dev::start(&[]);
    let token = format!("{}/token", dev.issuer);
    let form =
        ["-d", "client_id=demo-service", "-d", "client_secret=demo-service-secret-for-development-only"];
    let asked = [&form[..], &["-d", "grant_type=client_credentials", token.as_str()]].concat();
    dev.until(&asked, "404");
    let text = "[http.aliases]\ntoken = \"/token\"\n[lifetimes]\naccess_token = \"7m\"\n";
    let said = dev.place.apply(text);
    assert_eq!(said.code, 0, "{said:?}");
    dev.until(&asked, "200");
    dev.follow("applied");
    let answer = dev.shell(&format!("curl -s {}", asked.join(" ")), &[]).json();
    assert_eq!(answer["expires_in"], 420);
    let apps = format!("{}/api/v1/instance", dev.issuer);
    dev.until(&[&apps], "404");
    dev.place.apply("[services]\nmastodon = true\n");
    dev.until(&[&apps], "200");
    dev.place.apply("[services]\nmastodon = false\n[http.aliases]\ntoken = []\n");
    dev.until(&[&apps], "404");
    dev.until(&asked, "404");
}

#[test]
fn every_way_of_registering_gives_the_same() {
    let dev = Dev::start(&["mastodon"]);
    let here = &dev.issuer;
    let by_command =
        dev.place.json(&["client", "create", "--name", "A", "--redirect-uri", "urn:ietf:wg:oauth:2.0:oob"]);
    let by_file =
        "[[clients]]\nid = \"by-file\"\nname = \"B\"\nredirect_uris = \"urn:ietf:wg:oauth:2.0:oob\"\n";
    assert_eq!(dev.place.apply(by_file).code, 0);
    let mastodon = format!(
        "curl -s {here}/api/v1/apps -d client_name=C -d redirect_uris=urn:ietf:wg:oauth:2.0:oob -d 'scopes=read write follow'"
    );
    let by_service = dev.shell(&mastodon, &[]).json();
    let itself = format!(
        "curl -s {here}/oauth/register -H 'Content-Type: application/json' -d '{{\"redirect_uris\":[\"https://d.example/cb\"]}}'"
    );
    let by_itself = dev.shell(&itself, &[]).json();
    let ids = [&by_command, &json!({"client_id": "by-file"}), &by_service, &by_itself]
        .map(|own| own["client_id"].as_str().unwrap().to_owned());
    let sorted = |value: &Value| {
        let mut all: Vec<String> =
            value.as_array().unwrap().iter().map(|own| own.as_str().unwrap().to_owned()).collect();
        all.sort();
        all
    };
    for id in ids {
        let client = dev.place.json(&["client", "show", &id]);
        assert_eq!(
            sorted(&client["grant_types"]),
            ["authorization_code", "client_credentials", "refresh_token"],
            "{id}"
        );
        let opt_ins = ["code_as_refresh_token", "no_pkce", "oob", "reusable_refresh_token"];
        assert_eq!(sorted(&client["compat"]), opt_ins, "{id}");
        // What Mastodon's own request names, and it alone, it gets; else what the preset gives.
        let scope = client["scope"].as_str().unwrap();
        assert!(scope.starts_with("read write follow"), "{id}: {scope}");
    }
    let strict = dev.place.json(&[
        "client",
        "create",
        "--name",
        "E",
        "--redirect-uri",
        "https://e.example/cb",
        "--strict",
    ]);
    assert_eq!((&strict["compat"], strict.get("scope")), (&json!([]), None));
}

#[test]
fn a_provider_is_applied_and_its_secret_is_never_shown() {
    let place = Place::new();
    let text = "[[upstreams]]\nid = \"hub\"\nname = \"Hub\"\nauthorize_url = \"https://hub.example/a\"\ntoken_url = \"https://hub.example/t\"\nuserinfo_url = \"https://hub.example/u\"\nclient_id = \"us\"\nclient_secret_file = \"hub\"\nsign_up = false\n[upstreams.claims]\nsubject = \"id\"\n";
    place.file("hub.toml", text);
    place.file("hub", "what-the-hub-gave-us");
    let path = place.directory.path().join("hub");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let made = place.run(&["apply", "-f", "hub.toml"]);
    assert!(
        made.code == 0 && made.out.contains("+ upstream hub") && !made.out.contains("gave-us"),
        "{made:?}"
    );
    assert_eq!(place.run(&["apply", "-f", "hub.toml"]).out, "Nothing to change.\n");
    let exported = place.run(&["export"]).out;
    assert!(exported.contains("sign_up = false") && !exported.contains("gave-us"), "{exported}");
    let again = place.run_with(&["apply", "-f", "-", "--prune"], &exported);
    assert_eq!(again.out, "Nothing to change.\n", "{exported}: {again:?}");
    place.file("hub", "what-the-hub-gave-us-later");
    let rotated = place.run(&["apply", "-f", "hub.toml"]).out;
    assert!(rotated.contains("~ client_secret:") && !rotated.contains("gave-us"), "{rotated}");
    let gone = place.run_with(&["apply", "-f", "-", "--prune"], "upstreams = []\n");
    assert!(gone.out.contains("- upstream hub"), "{gone:?}");
    let wrong = place.apply(
        "[[upstreams]]\nid = \"x\"\nname = \"X\"\nclient_id = \"us\"\n[upstreams.claims]\nsub = \"id\"\n",
    );
    assert!(wrong.err.contains("unknown key `sub` in `upstreams.claims`"), "{}", wrong.err);
}

#[test]
fn what_applications_get_is_one_decision_of_which_nothing_earlier_is_left() {
    let place = Place::new();
    assert_eq!(place.run(&["apply", "--preset", "tout"]).code, 0);
    let said = place.apply("[registration]\ncompat = [\"oob\"]\n[lifetimes]\ncode = \"30s\"\n");
    assert_eq!(said.code, 0, "{said:?}");
    let json = place.json(&["export"]);
    assert_eq!(json["registration"], json!({"compat": ["oob"]}));
    place.apply("[lifetimes]\nsession = \"20d\"\n");
    let json = place.json(&["export"]);
    assert_eq!(json["lifetimes"], json!({"code": "30s", "session": "20d"}), "elsewhere a key is a key");
    let told = place.json(&["audit", "tail", "--lines", "500"]);
    let objects: Vec<_> = told
        .as_array()
        .unwrap()
        .iter()
        .filter(|own| own["event"] == "settings_applied")
        .map(|own| own["object"].as_str().unwrap())
        .collect();
    let first = "settings +implicit +query_credentials +long_lived_access_token";
    let second = "settings +oob -implicit -query_credentials -long_lived_access_token";
    assert_eq!(objects, [first, second, "settings"]);
}

#[test]
fn a_preset_over_another_says_which_settings_stay() {
    let place = Place::new();
    let stays = |preset: &str| {
        let said = place.run(&["apply", "--preset", preset]);
        assert_eq!(said.code, 0, "{said:?}");
        said.out.lines().find(|line| line.contains(" stay: ")).map(str::to_owned)
    };
    assert_eq!(stays("mastodon"), None);
    assert!(stays("service-account").is_some_and(|line| line.contains("services.mastodon")));
    let off = place.apply("[services]\nmastodon = false\n");
    assert!(off.code == 0 && !off.out.contains(" stay: "), "no preset: {off:?}");
    assert!(stays("service-account").is_none_or(|line| !line.contains("services.mastodon")));
}
