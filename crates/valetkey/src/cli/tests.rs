//! What the commands print, from their words to their answer, on a store of their own.

use super::output::Answer;
use super::{Cli, Command, backup, manage};
use clap::Parser;
use clap::error::ErrorKind;
use serde_json::Value;
use std::path::Path;
use valetkey_core::manage::user::{self, NewUser};
use valetkey_core::secret::Secret;

/// The words are split at spaces; `+` is a space within one.
fn parse(dir: &Path, words: &str) -> Result<Cli, clap::Error> {
    let dir = dir.to_str().expect("text");
    let own = ["valetkey", "--json", "--data-dir", dir].map(str::to_owned);
    Cli::try_parse_from(own.into_iter().chain(words.split(' ').map(|word| word.replace('+', " "))))
}

async fn answer(dir: &Path, words: &str) -> anyhow::Result<Answer> {
    let cli = parse(dir, words).unwrap_or_else(|error| panic!("{words}: {error}"));
    match cli.command {
        Command::Manage(command) => manage(&cli.global, command).await,
        Command::Backup(arguments) => backup::backup(&cli.global, &arguments).await,
        Command::Restore(arguments) => backup::restore(&cli.global, &arguments).await,
        _ => panic!("{words} is no management command"),
    }
}

async fn json(dir: &Path, words: &str) -> Value {
    let answer = answer(dir, words).await.unwrap_or_else(|error| panic!("{words}: {error:#}"));
    serde_json::from_str(&answer.to_json()).unwrap_or_else(|error| panic!("{words}: {error}"))
}

#[tokio::test]
async fn lists_are_arrays_and_the_rest_one_object_and_every_object_has_an_id() {
    let dir = tempfile::tempdir().expect("a directory");
    for words in [
        "scope create read --description See+your+things",
        "scope list",
        "scope show read",
        "scope update read --description See+all+things --default",
        "client create --name Photo+Printer --id printer --redirect-uri https://printer.example/cb --scope read",
        "client list",
        "client show printer",
        "client update printer --description Prints --introspect",
        "client rotate-secret printer --overlap 1h",
        "client disable printer",
        "client enable printer",
        "api create --id photos --name Photos --prefix /photos --upstream http://127.0.0.1:1 --token-format jwt",
        "api list",
        "api show photos",
        "api update photos --signing-alg ES256",
        "key list",
        "user list",
        "grant list",
        "session list",
        "audit tail",
        "api delete photos",
        "client delete printer",
        "scope delete read",
    ] {
        let json = json(dir.path(), words).await;
        let list = words.ends_with(" list") || words == "audit tail";
        assert_eq!(json.is_array(), list, "{words}: {json}");
        let objects = json.as_array().cloned().unwrap_or_else(|| vec![json.clone()]);
        assert!(objects.iter().all(|object| object["id"].is_string()), "{words}: {json}");
    }
}

#[tokio::test]
async fn rfc7591_section_3_2_1_a_new_client_is_shown_with_its_metadata_and_its_secret_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let words = "client create --name Printer --description Prints --redirect-uri http://127.0.0.1/cb --grant authorization_code";
    let made = json(dir.path(), words).await;
    let id = made["client_id"].as_str().expect("an id");
    for (member, want) in [
        ("id", Value::from(id)),
        ("client_name", "Printer".into()),
        ("description", "Prints".into()),
        ("redirect_uris", vec!["http://127.0.0.1/cb"].into()),
        ("grant_types", vec!["authorization_code"].into()),
        ("token_endpoint_auth_method", "client_secret".into()),
        ("client_secret_expires_at", 0.into()),
    ] {
        assert_eq!(made[member], want, "{member}");
    }
    let secret = made["client_secret"].as_str().expect("a secret");
    assert!(
        secret.len() >= 43 && secret.bytes().all(|b| b.is_ascii_alphanumeric() || b"._~-".contains(&b)),
        "RFC 6749 §2.3.1"
    );
    let shown = json(dir.path(), &format!("client show {id}")).await;
    assert_eq!(shown["client_id"], made["client_id"]);
    assert!(shown.get("client_secret").is_none() && !shown.to_string().contains(secret));

    let public =
        json(dir.path(), "client create --name App --public --redirect-uri http://127.0.0.1/cb").await;
    assert!(public.get("client_secret").is_none());
    assert_eq!(public["token_endpoint_auth_method"], "none");
}

#[tokio::test]
async fn what_is_refused_is_said_in_one_line_that_helps() {
    let dir = tempfile::tempdir().expect("a directory");
    json(dir.path(), "scope create read --description See+your+things").await;
    for (words, want) in [
        ("client show nobody", "there is no such client"),
        ("client create --name X", "needs at least one redirect URI"),
        ("client create --name X --redirect-uri http://app.example/cb", "http://app.example/cb"),
        (
            "client create --name X --redirect-uri https://a.example/ --tenant acme",
            "there is no tenant `acme`",
        ),
        ("scope create read --description Again", "exists already"),
        ("scope show write", "there is no scope `write`"),
        ("api create --id x --name X", "give --resource or --prefix"),
        ("grant revoke nonsense", "is no grant's id"),
        ("session revoke nonsense", "is no session's id"),
        ("user show nobody", "there is no such user"),
        ("user create --username x --invite", "use --password-stdin"),
        ("restore /nowhere/at.all", "cannot use /nowhere/at.all: No such file or directory"),
        ("backup /nowhere/at.all", "cannot use /nowhere/at.all: No such file or directory"),
    ] {
        let refusal = format!("{:#}", answer(dir.path(), words).await.expect_err(words));
        assert!(refusal.contains(want) && refusal.lines().count() == 1, "{words}: {refusal}");
        assert!(refusal.matches("No such file").count() < 2, "said once: {refusal}");
    }
}

#[tokio::test]
async fn a_user_is_named_by_id_or_by_user_name_and_never_shown_with_the_password() {
    let dir = tempfile::tempdir().expect("a directory");
    json(dir.path(), "scope create read --description See+your+things").await;
    let global = parse(dir.path(), "user list").expect("good").global;
    let managed = super::manage::Managed::open(&global).await.expect("open");
    let password = Some(Secret::new("correct horse battery staple"));
    let ada = NewUser {
        username: "Ada".to_owned(),
        name: None,
        email: Some("ada@example.com".to_owned()),
        tenant: "default".into(),
        password,
        admin: false,
    };
    let made = user::create(&managed.cx, super::manage::Managed::actor(), ada).await.expect("made");
    managed.close().await;
    let id = made.id.as_str();
    for words in ["user show ada".to_owned(), format!("user disable {id}"), "user enable ADA".to_owned()] {
        let shown = json(dir.path(), &words).await;
        assert_eq!(shown["id"], made.id.as_str(), "{words}");
        assert_eq!(shown["disabled"], words.contains("disable"), "{words}");
        assert!(!shown.to_string().contains("argon2"), "{shown}");
    }
    assert_eq!(json(dir.path(), "user delete ada").await["id"], made.id.as_str());
    assert_eq!(json(dir.path(), "user list").await, Value::Array(Vec::new()));
}

#[test]
fn wrong_usage_is_told_from_what_is_refused() {
    let dir = Path::new("/nowhere");
    for (words, want) in [
        ("client create", ErrorKind::MissingRequiredArgument),
        ("client create --name X --public --secret-stdin", ErrorKind::ArgumentConflict),
        ("client create --name X --grant magic", ErrorKind::ValueValidation),
        ("user create --username x", ErrorKind::MissingRequiredArgument),
        ("user create --username x --invite --password-stdin", ErrorKind::ArgumentConflict),
        ("grant revoke --user x", ErrorKind::MissingRequiredArgument),
        ("key rotate HS256", ErrorKind::ValueValidation),
        ("dev --listen nonsense", ErrorKind::ValueValidation),
        ("nonsense", ErrorKind::InvalidSubcommand),
    ] {
        assert_eq!(parse(dir, words).map(|_| ()).map_err(|error| error.kind()), Err(want), "{words}");
    }
}

#[tokio::test]
async fn a_tenant_is_made_named_and_switched_and_its_logo_is_looked_at() {
    let dir = tempfile::tempdir().expect("a directory");
    let made = json(dir.path(), "tenant create --id eneco --name Eneco").await;
    assert_eq!(
        (&made["id"], &made["name"], &made["disabled"]),
        (&"eneco".into(), &"Eneco".into(), &false.into())
    );
    let (svg, png) = (dir.path().join("logo.svg"), dir.path().join("logo.svg.html"));
    std::fs::write(&svg, "<svg xmlns='http://www.w3.org/2000/svg'/>").expect("written");
    std::fs::write(&png, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x06\0\0\0")
        .expect("written");
    let with_logo = json(dir.path(), &format!("tenant update eneco --logo {}", png.display())).await;
    assert_eq!(with_logo["logo"], "image/png", "known by its content, not by its name");
    assert_eq!(json(dir.path(), "tenant update eneco --name Energy").await["logo"], "image/png", "and kept");
    assert_eq!(json(dir.path(), "tenant update eneco --no-logo").await["logo"], Value::Null);
    assert_eq!(json(dir.path(), "tenant disable eneco").await["disabled"], true);
    assert_eq!(json(dir.path(), "tenant enable eneco").await["disabled"], false);
    let ids: Vec<_> = json(dir.path(), "tenant list")
        .await
        .as_array()
        .expect("a list")
        .iter()
        .map(|t| t["id"].clone())
        .collect();
    assert_eq!(ids, ["default", "eneco"]);
    for (words, want) in [
        ("tenant create --id eneco --name Again", "a tenant of that name exists already"),
        ("tenant create --id Eneco --name X", "lower-case letters"),
        ("tenant create --id default --name X", "is there already"),
        ("tenant show nobody", "there is no tenant `nobody`"),
        ("tenant update nobody --name X", "there is no such tenant"),
        ("tenant update eneco", "say what to change"),
        ("tenant delete default", "stays"),
        ("user list --tenant nobody", "there is no tenant `nobody`"),
        ("user show alice --tenant nobody", "there is no tenant `nobody`"),
        ("tenant update eneco --logo /nowhere.png", "cannot open /nowhere.png"),
        (&*format!("tenant update eneco --logo {}", svg.display()), "an SVG can carry scripts"),
        (
            "tenant update eneco --logo http://127.0.0.1:9/logo.png",
            "cannot fetch http://127.0.0.1:9/logo.png",
        ),
    ] {
        let refusal = format!("{:#}", answer(dir.path(), words).await.expect_err(words));
        assert!(refusal.contains(want) && refusal.lines().count() == 1, "{words}: {refusal}");
    }
    assert_eq!(json(dir.path(), "tenant delete eneco").await["result"], "deleted");
}
