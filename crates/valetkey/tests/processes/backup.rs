//! A backup of a running installation, and a restore after which nothing that was handed out before is good any more

use crate::support::{Node, World, until};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const OTHER_KEY: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
/// app:a-secret-of-24-characters
const APP: &str = "Basic YXBwOmEtc2VjcmV0LW9mLTI0LWNoYXJhY3RlcnM=";
/// service:a-secret-of-24-characters
const SERVICE: &str = "Basic c2VydmljZTphLXNlY3JldC1vZi0yNC1jaGFyYWN0ZXJz";
const LOGIN: &str =
    "grant_type=password&username=alice&password=seven+unrelated+garden+tools&scope=offline_access";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Server,
}

/// A store of either kind, and a directory for it and for what is made of it.
struct Store {
    world: World,
    kind: Kind,
    directory: TempDir,
}

impl Store {
    fn new(kind: Kind) -> Self {
        Self { world: World::new(), kind, directory: tempfile::tempdir().unwrap() }
    }

    fn url(&self) -> String {
        match self.kind {
            Kind::File => format!("sqlite:{}", self.database().display()),
            Kind::Server => self.world.url.clone(),
        }
    }

    fn database(&self) -> PathBuf {
        self.directory.path().join("valetkey.db")
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    fn cli_with(&self, arguments: &[&str], input: &str) -> Result<Value, String> {
        self.world.cli_with(arguments, input, &[("VALETKEY__DATABASE_URL", &self.url())])
    }

    fn cli(&self, arguments: &[&str]) -> Result<Value, String> {
        self.cli_with(arguments, "")
    }

    fn node(&self) -> Node {
        self.world.node_at(&self.url())
    }

    /// A person, an application of theirs and one that looks at tokens.
    fn furnish(&self) {
        let secret = "a-secret-of-24-characters";
        let person = ["user", "create", "--username", "alice", "--password-stdin"];
        self.cli_with(&person, "seven unrelated garden tools").unwrap();
        let app =
            ["client", "create", "--name", "App", "--id", "app", "--compat", "password", "--secret-stdin"];
        let grants = ["--grant", "password", "--grant", "refresh_token"];
        self.cli_with(&[&app[..], &grants].concat(), secret).unwrap();
        let service = ["client", "create", "--name", "Service", "--id", "service"];
        let more = ["--grant", "client_credentials", "--introspect", "--secret-stdin"];
        self.cli_with(&[&service[..], &more].concat(), secret).unwrap();
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}")).to_owned()
}

fn refreshed(node: &Node, token: &str) -> (u16, Value) {
    let reply = node.post("/oauth/token", APP, &format!("grant_type=refresh_token&refresh_token={token}"));
    (reply.status, reply.json())
}

fn through(from: Kind, into: Kind) {
    let (old, new) = (Store::new(from), Store::new(into));
    old.furnish();
    let node = old.node();
    let first = node.post("/oauth/token", APP, LOGIN).json();
    let (access, refresh) = (text(&first, "access_token"), text(&first, "refresh_token"));
    let own = node.token(SERVICE);
    let keys = node.get("/oauth/jwks").body;
    let file = old.path("one.backup");

    let report = old.cli(&["backup", &file]).unwrap();
    assert_eq!((&report["rows"]["clients"], &report["rows"]["users"]), (&2.into(), &1.into()), "{report}");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let bytes = std::fs::read(&file).unwrap();
    assert!(!contains(&bytes, b"vk_sk_"), "no key of ours is in it");

    // Used up and taken back after the moment that the backup shows.
    let (status, next) = refreshed(&node, &refresh);
    assert_eq!(status, 200, "{next}");
    let next = text(&next, "refresh_token");
    assert_eq!(node.post("/oauth/revoke", SERVICE, &format!("token={own}")).status, 200);
    old.cli_with(&["scope", "create", "later", "--description", "See what came later"], "").unwrap();
    node.stop();

    let report = new.cli(&["restore", &file]).unwrap();
    assert_eq!(report["rows"]["clients"], 2, "{report}");
    let node = new.node();
    for token in [&refresh, &next] {
        let (status, body) = refreshed(&node, token);
        assert_eq!((status, &body["error"]), (400, &"invalid_grant".into()), "{body}");
    }
    for token in [&access, &own] {
        assert!(!node.is_active(SERVICE, token));
    }
    assert_ne!(node.get("/oauth/jwks").body, keys, "the old keys sign for nobody any more");
    let again = node.post("/oauth/token", APP, LOGIN).json();
    assert!(node.is_active(SERVICE, &text(&again, "access_token")), "people and applications are known");
    assert_eq!(refreshed(&node, &text(&again, "refresh_token")).0, 200);
    assert!(node.is_active(SERVICE, &node.token(SERVICE)));
    let scopes = new.cli(&["scope", "list"]).unwrap();
    assert!(scopes.as_array().unwrap().iter().all(|scope| scope["id"] != "later"), "{scopes}");
    let trail = new.cli(&["audit", "tail"]).unwrap();
    let told = trail.as_array().unwrap().iter().find(|record| record["event"] == "store_restored");
    assert_eq!(told.unwrap_or_else(|| panic!("{trail}"))["object"], report["id"], "{trail}");
    assert_eq!(new.cli(&["doctor"]).unwrap()["well"], true);
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_file_is_restored_into_a_file_and_nothing_handed_out_before_lives() {
    through(Kind::File, Kind::File);
}

#[test]
fn a_server_is_restored_into_a_server_and_nothing_handed_out_before_lives() {
    through(Kind::Server, Kind::Server);
}

#[test]
fn a_file_is_restored_into_a_server_and_nothing_handed_out_before_lives() {
    through(Kind::File, Kind::Server);
}

#[test]
fn a_server_is_restored_into_a_file_and_nothing_handed_out_before_lives() {
    through(Kind::Server, Kind::File);
}

fn refuses_to_harm(kind: Kind) {
    let store = Store::new(kind);
    store.furnish();
    let node = store.node();
    let file = store.path("one.backup");
    store.cli(&["backup", &file]).unwrap();

    // A file that is there is not replaced, unless told so.
    let refusal = store.cli(&["backup", &file]).unwrap_err();
    assert!(refusal.contains("is there already") && refusal.lines().count() == 1, "{refusal}");
    store.cli(&["backup", "--force", &file]).unwrap();
    let nowhere = store.cli(&["backup", &store.path("no/such/place")]).unwrap_err();
    assert!(nowhere.contains("cannot use") && nowhere.lines().count() == 1, "{nowhere}");

    // A running server is in the way, even of --force; what is there, without it.
    for more in [&[][..], &["--force"]] {
        let refusal = store.cli(&[&["restore", &file][..], more].concat()).unwrap_err();
        assert!(refusal.contains("server"), "{refusal}");
    }
    assert_eq!(node.post("/oauth/token", APP, LOGIN).status, 200, "and is not harmed");
    node.stop();
    let refusal = store.cli(&["restore", &file]).unwrap_err();
    assert!(refusal.contains("is not empty") && refusal.contains("--force"), "{refusal}");
    store.cli(&["scope", "create", "later", "--description", "See what came later"]).unwrap();
    store.cli(&["restore", "--force", &file]).unwrap();
    let scopes = store.cli(&["scope", "list"]).unwrap();
    assert!(scopes.as_array().unwrap().iter().all(|scope| scope["id"] != "later"), "{scopes}");
    let node = store.node();
    assert_eq!(node.post("/oauth/token", APP, LOGIN).status, 200);
}

#[test]
fn a_restore_into_a_file_never_goes_over_a_server_or_over_data_unasked() {
    refuses_to_harm(Kind::File);
}

#[test]
fn a_restore_into_a_server_never_goes_over_a_node_or_over_data_unasked() {
    refuses_to_harm(Kind::Server);
}

#[test]
fn what_is_no_whole_backup_of_ours_is_refused_in_one_line_and_nothing_changes() {
    let (store, target) = (Store::new(Kind::File), Store::new(Kind::File));
    store.furnish();
    let file = store.path("one.backup");
    store.cli(&["backup", &file]).unwrap();
    let good = std::fs::read(&file).unwrap();
    let bad = target.path("bad.backup");
    let refusal = |bytes: &[u8]| {
        std::fs::write(&bad, bytes).unwrap();
        let refusal = target.cli(&["restore", &bad]).unwrap_err();
        assert_eq!(refusal.lines().count(), 1, "{refusal}");
        assert!(!target.database().exists());
        refusal
    };
    let (mid, end) = (good.len() / 2, good.len());
    for at in [20, 90, 120, 200, 330, 420, mid, end - 40, end - 1] {
        let mut bent = good.clone();
        bent[at] ^= 1;
        let why = refusal(&bent);
        assert!(why.contains("is damaged"), "byte {at}: {why}");
    }
    for cut in [0, 5, 30, 100, 300, 600, mid, end - 33, end - 32, end - 1] {
        let why = refusal(&good[..cut]);
        assert!(why.contains("is damaged") || why.contains("is no backup"), "cut at {cut}: {why}");
    }
    assert!(refusal(&[&good[..], b"x"].concat()).contains("is damaged"));
    assert!(refusal(&[&good[..], &good].concat()).contains("is damaged"));
    assert!(refusal(b"SQLite format 3\0").contains("is no backup"));
    assert!(refusal(&std::fs::read(store.database()).unwrap()).contains("is no backup"));
    assert!(refusal(&b"a".repeat(100_000)).contains("is no backup"));
    let newer = String::from_utf8_lossy(&good[..17]).replace("backup 1", "backup 2").into_bytes();
    assert!(refusal(&[&newer[..], &good[17..]].concat()).contains("made by a newer Valetkey"));
    let missing = target.cli(&["restore", &target.path("missing")]).unwrap_err();
    assert!(missing.contains("missing") && missing.lines().count() == 1, "{missing}");

    let other = [("VALETKEY__DATABASE_URL", target.url()), ("VALETKEY__MASTER_KEY", OTHER_KEY.to_owned())];
    let other: Vec<_> = other.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let why = target.world.cli_with(&["restore", &file], "", &other).unwrap_err();
    assert!(why.contains("another master key") && why.lines().count() == 1, "{why}");
    assert!(!target.database().exists());
    target.cli(&["restore", &file]).unwrap();
}

#[test]
fn a_lost_database_comes_back_by_a_restore_without_force() {
    let store = Store::new(Kind::File);
    store.furnish();
    let file = store.path("one.backup");
    store.cli(&["backup", &file]).unwrap();
    let database = store.database();
    for suffix in ["", "-wal", "-shm"] {
        std::fs::remove_file(format!("{}{suffix}", database.display())).ok();
    }
    // Left over: the log of a database that is gone, and what a killed restore had begun.
    std::fs::write(format!("{}-wal", database.display()), "rubbish").unwrap();
    std::fs::write(format!("{}.restoring", database.display()), "half").unwrap();
    assert!(store.cli(&["client", "list"]).is_err());
    store.cli(&["restore", &file]).unwrap();
    assert_eq!(store.cli(&["client", "list"]).unwrap().as_array().unwrap().len(), 2);
    let left = |name: &str| Path::new(&format!("{}{name}", database.display())).exists();
    assert!(!left(".restoring") && left(".before-restore-wal"));
    let mode = std::fs::metadata(&database).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_node_that_was_away_during_a_restore_reads_everything_anew() {
    let store = Store::new(Kind::Server);
    store.furnish();
    let file = store.path("one.backup");
    let node = store.node();
    store.cli(&["backup", &file]).unwrap();
    let own = node.token(SERVICE);
    assert!(node.is_active(SERVICE, &own));
    // It is there, but nobody has heard of it for long.
    store.world.execute("UPDATE nodes SET seen_at = 0");
    store.cli(&["restore", "--force", &file]).unwrap();
    until("the old token is dead there too", || !node.is_active(SERVICE, &own));
    until("it hands out tokens under the new keys", || node.is_active(SERVICE, &node.token(SERVICE)));
}
