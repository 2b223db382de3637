//! Bad configurations and the words each gets.

use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use valetkey_core::time::Seconds;

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
        path
    }
}

fn read(files: &[PathBuf], variables: &[(&str, &str)]) -> Result<Loaded, String> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let sources = Sources { files: files.to_vec(), variables, flags: Vec::new() };
    Loaded::read(&sources).map_err(|problems| problems.to_string())
}

/// A file, and what is said of it.
const MISTAKES: &[(&str, &str)] = &[
    ("isuer = \"x\"", ":1: unknown key `isuer`; did you mean `issuer`?"),
    ("\n[http]\nlisen = \"x\"", ":3: unknown key `http.lisen`; did you mean `http.listen`?"),
    ("[htpp]\nlisten = \"x\"", ":1: unknown key `htpp`; did you mean `http`?"),
    ("listen = \"127.0.0.1:1\"", ":1: unknown key `listen`; did you mean `http.listen`?"),
    ("colour = 1", ":1: unknown key `colour`; `valetkey config schema` lists them all"),
    ("http = 1", ":1: `http` is a section: write [http] and its keys below"),
    ("[http]\nlisten = \"8080\"", ":2: `http.listen`: \"8080\" is not one; expected an address with a port"),
    ("[http]\nlisten = 8080", ":2: `http.listen`: expected an address with a port"),
    ("[http]\nlisten = []", ":2: `http.listen`: needs at least one address"),
    (
        "[http]\ntrusted_proxies = [\"10.0.0.0/40\"]",
        ":2: `http.trusted_proxies`: \"10.0.0.0/40\" is not one; expected",
    ),
    (
        "[accounts]\neditable_claims = [\"email_verified\"]",
        ":2: `accounts.editable_claims`: \"email_verified\" is not one; expected a claim that people say of themselves",
    ),
    ("[http.aliases]\ntoken = \"token\"", ":2: `http.aliases.token`: \"token\" is not one; expected a path"),
    ("[http.aliases]\ntoken = \"/t\"\nrevoke = [\"/t\"]", "`http.aliases`: /t stands for two endpoints"),
    (
        "[lifetimes]\ncode = \"soon\"",
        ":2: `lifetimes.code`: \"soon\" is not one; expected a duration such as",
    ),
    ("[lifetimes]\ncode = \"1h\"", ":2: `lifetimes.code`: 1h is outside the range 1s to 10m"),
    ("[lifetimes]\ncode = -1", ":2: `lifetimes.code`: `-1` is not one; expected a duration"),
    ("[lifetimes]\nsession = \"1h\"", "must not be longer than lifetimes.session"),
    ("[log]\nformat = \"xml\"", ":2: `log.format`: `xml` is not one; expected one of `auto`, `text`, `json`"),
    ("[log]\nlevel = \"loud\"", ":2: `log.level`:"),
    (
        "[accounts]\nsign_ups_per_hour = 0",
        ":2: `accounts.sign_ups_per_hour`: 0 is outside the range 1 to 1000000",
    ),
    ("[registration]\ndynamic = \"all\"", ":2: `registration.dynamic`: `all` is not one"),
    (
        "[registration]\nper_hour = -1",
        ":2: `registration.per_hour`: `-1` is not one; expected a whole number from 0",
    ),
    ("database_url = \"postgres:///d\"", ":1: `database_url`: it names no host"),
    ("issuer = \"http://id.example.com\"", ":1: `issuer`: an http issuer must be this machine"),
    (
        "[http.limits]\nmax_connections = \"many\"",
        ":2: `http.limits.max_connections`: \"many\" is not one; expected a whole number, 0 or more",
    ),
    (
        "[http.limits]\nmax_header_bytes = 1",
        ":2: `http.limits.max_header_bytes`: 1 is outside the range 8192 to",
    ),
    ("issuer = \"x\ny", ":1: "),
    ("a = 1\na = 2", ":2: duplicate key"),
];

#[test]
fn every_mistake_in_a_file_is_named_with_its_line_and_what_is_allowed() {
    let files = Files::new();
    for &(text, want) in MISTAKES {
        let path = files.write("bad.toml", text);
        let got = read(std::slice::from_ref(&path), &[]).expect_err(text);
        let wanted =
            if want.starts_with(':') { format!("{}{want}", path.display()) } else { want.to_owned() };
        assert!(got.contains(&wanted), "{text:?}\n  wanted {wanted}\n  got    {got}");
    }
}

#[test]
fn every_mistake_in_a_variable_is_named_with_the_variable() {
    for (name, value, want) in [
        (
            "VALETKEY__HTTP__LISEN",
            "x",
            "VALETKEY__HTTP__LISEN: unknown variable; did you mean VALETKEY__HTTP__LISTEN?",
        ),
        ("VALETKEY__HTTP", "x", "VALETKEY__HTTP: `http` is a section"),
        (
            "VALETKEY_HTTP_LISTEN",
            "x",
            "VALETKEY_HTTP_LISTEN: write VALETKEY__HTTP__LISTEN (double underscores throughout)",
        ),
        ("VALETKEY__ISSUER__FILE", "x", "VALETKEY__ISSUER__FILE: unknown variable"),
        ("VALETKEY__HTTP__LISTEN", "[8080]", "VALETKEY__HTTP__LISTEN: `http.listen`: expected an address"),
        (
            "VALETKEY__MASTER_KEY__FILE",
            "/nonexistent/key",
            "VALETKEY__MASTER_KEY__FILE: cannot read /nonexistent/key",
        ),
    ] {
        let got = read(&[], &[(name, value)]).expect_err(name);
        assert!(got.starts_with(want), "{name}={value}\n  wanted {want}\n  got    {got}");
    }
    assert!(
        read(&[], &[("VALETKEY_BIN", "x"), ("VALETKEY", "x")]).is_ok(),
        "other programs' variables are theirs"
    );
}

#[test]
fn flags_win_over_environment_over_later_files_over_earlier_ones() {
    let files = Files::new();
    let first = files.write(
        "1.toml",
        "data_dir = \"one\"\n[http]\nlisten = \"127.0.0.1:1\"\n[lifetimes]\ncode = 30\naccess_token = \"5m\"",
    );
    let second =
        files.write("2.toml", "[lifetimes]\ncode = \"40s\"\n[http]\nlisten = [\"127.0.0.1:2\", \"[::1]:2\"]");
    let sources = Sources {
        files: vec![first, second],
        variables: vec![
            ("VALETKEY__HTTP__LISTEN".to_owned(), "[\"127.0.0.1:3\"]".to_owned()),
            ("VALETKEY__DATA_DIR".to_owned(), "3".to_owned()),
            ("VALETKEY__HTTP__LIMITS__MAX_CONNECTIONS".to_owned(), "300".to_owned()),
            ("VALETKEY__LIFETIMES__SESSION_IDLE".to_owned(), "3600".to_owned()),
        ],
        flags: vec![("data_dir", "--data-dir", "flag".to_owned())],
    };
    let loaded = Loaded::read(&sources).expect("good");
    let config = &loaded.config;
    assert_eq!(config.data_dir, PathBuf::from("flag"));
    assert_eq!(config.http.listen.0, ["127.0.0.1:3".parse().expect("address")]);
    assert_eq!(config.http.limits.max_connections, 300);
    assert_eq!(config.lifetimes.code.0, Seconds(40));
    assert_eq!(config.lifetimes.access_token.0, Seconds(300));
    assert_eq!(config.lifetimes.session_idle.0, Seconds(3600));
    assert_eq!(loaded.origin("data_dir"), Some(&Origin::Flag("--data-dir")));
    assert_eq!(loaded.origin("issuer"), None);
}

#[test]
fn a_secret_is_read_from_a_private_file_and_never_shown() {
    let files = Files::new();
    let path = files.write("key", "s3cret-master-key\n");
    let name = path.to_str().expect("text");
    let loaded = read(&[], &[("VALETKEY__MASTER_KEY__FILE", name)]).expect("good");
    assert_eq!(loaded.config.master_key.as_ref().map(|key| key.0.expose()), Some("s3cret-master-key"));
    let shown = format!("{loaded:?} {}", serde_json::to_string(&loaded.config).expect("json"));
    assert!(!shown.contains("s3cret"), "{shown}");

    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("mode");
    let got = read(&[], &[("VALETKEY__MASTER_KEY__FILE", name)]).expect_err("world-readable");
    assert!(got.contains("is open to everyone: run `chmod 600"), "{got}");
    let both = read(&[], &[("VALETKEY__MASTER_KEY", "x"), ("VALETKEY__MASTER_KEY__FILE", "/dev/null")]);
    assert!(both.expect_err("two").contains("given by two variables"));
}

#[test]
fn a_file_with_a_secret_must_be_private_and_one_without_need_not() {
    let files = Files::new();
    for (text, good) in [("master_key = \"abc\"", false), ("issuer = \"https://id.example.com\"", true)] {
        let path = files.write("c.toml", text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("mode");
        assert_eq!(read(&[path], &[]).is_ok(), good, "{text}");
    }
    let path = files.write("c.toml", "master_key = 12345678");
    let got = read(&[path], &[]).expect_err("a number");
    assert!(!got.contains("1234"), "{got}");
}

#[test]
fn serve_needs_an_issuer_and_nothing_else() {
    let files = Files::new();
    let loaded = read(&[], &[]).expect("good");
    assert!(loaded.check_serve().expect_err("none").to_string().contains("`issuer` is missing"));
    let path = files.write("c.toml", "issuer = \"https://id.example.com\"");
    assert_eq!(read(&[path], &[]).expect("good").check_serve(), Ok(()));
}

#[test]
fn the_defaults_are_without_mistake_and_the_sample_file_too() {
    let files = Files::new();
    let path = files.write("c.toml", &crate::cli::config::sample("https://id.example.com"));
    let loaded = read(&[path], &[]).expect("good");
    let plain = Config { issuer: Some("https://id.example.com".to_owned()), ..Config::default() };
    assert_eq!(loaded.config, plain, "what the sample shows in comments are the defaults");
}
