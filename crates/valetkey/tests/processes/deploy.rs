//! What `deploy/` and the operators' guides set: the binary takes it, and the programs that read the files do too

use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const PREFIX: &str = "VALETKEY__";
const URL: &str = "postgres://valetkey@localhost/valetkey";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// The variables that a file sets, however it writes that down.
fn variables(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (at, _) in text.match_indices(PREFIX) {
        let line = text[at..].lines().next().unwrap_or_default();
        let end = line.find(|c: char| !(c.is_ascii_uppercase() || c == '_')).unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        let value = rest.trim_start_matches([':', '=', ',', ' ']).trim_start_matches("value: ");
        let value = value.trim_end_matches(['}', ' ']).trim_matches('"');
        found.insert(name.to_owned(), value.to_owned());
    }
    found
}

/// `valetkey config COMMAND` under these variables; what a `__FILE` names is there, and private.
fn config(command: &str, variables: &BTreeMap<String, String>, file: Option<&str>) -> Output {
    let home = TempDir::new().unwrap();
    let mut valetkey = Command::new(env!("CARGO_BIN_EXE_valetkey"));
    valetkey.args(["--json", "config", command]).arg("--data-dir").arg(home.path());
    for (name, value) in variables {
        let Some(secret) = name.strip_suffix("__FILE") else {
            valetkey.env(name, value);
            continue;
        };
        let path = home.path().join(secret);
        std::fs::write(&path, if secret.ends_with("URL") { URL } else { crate::support::MASTER_KEY })
            .unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o440)).unwrap();
        valetkey.env(name, path);
    }
    if let Some(text) = file {
        let path = home.path().join("valetkey.toml");
        std::fs::write(&path, text).unwrap();
        valetkey.arg("--config").arg(path);
    }
    valetkey.output().unwrap()
}

#[test]
fn every_variable_of_the_files_for_operators_is_a_setting_and_its_value_is_taken() {
    for path in ["deploy/compose.yaml", "deploy/kubernetes.yaml", "deploy/valetkey.service"] {
        let mut set = variables(&read(path));
        assert!(set.len() > 1, "{path}: {set:?}");
        // The unit leaves the rest to a file.
        set.entry("VALETKEY__ISSUER".to_owned()).or_insert("https://id.example.com".to_owned());
        let said = config("check", &set, None);
        assert!(said.status.success(), "{path}: {set:?}: {}", String::from_utf8_lossy(&said.stderr));
    }
    let wrong = BTreeMap::from([("VALETKEY__HTTP__LISTENS".to_owned(), "0.0.0.0:8080".to_owned())]);
    assert!(!config("check", &wrong, None).status.success(), "a name that is no setting");
}

#[test]
fn every_configuration_in_the_guides_for_operators_is_taken() {
    let mut told = 0;
    for path in ["docs/guides/operations.md", "docs/guides/several-nodes.md"] {
        let text = read(path).replace("\n  ", "\n");
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            let issuer =
                if block.contains("issuer =") { "" } else { "issuer = \"https://id.example.com\"\n" };
            let keyed = BTreeMap::from([("VALETKEY__MASTER_KEY__FILE".to_owned(), String::new())]);
            let said = config("check", &keyed, Some(&format!("{issuer}{block}")));
            assert!(said.status.success(), "{path}:\n{block}\n{}", String::from_utf8_lossy(&said.stderr));
            told += 1;
        }
    }
    assert!(told > 1, "{told} configurations");
}

#[test]
fn nginx_takes_its_file_and_lets_a_connection_go_before_valetkey_does() {
    let (home, own) = (TempDir::new().unwrap(), read("deploy/nginx.conf"));
    let here = home.path().display();
    let site = own.replace("node", "127.0.0.").replace("/var/log/nginx", &here.to_string());
    let whole = format!("pid {here}/pid;\nerror_log {here}/error;\nevents {{}}\nhttp {{\n{site}\n}}\n");
    let file = home.path().join("nginx.conf");
    std::fs::write(&file, whole).unwrap();
    let said = Command::new("nginx").arg("-t").arg("-c").arg(&file).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    // A request on a connection that is just being closed is lost, and a POST is not sent again.
    let dump = config("dump", &BTreeMap::new(), None);
    let dump: Value = serde_json::from_slice(&dump.stdout).unwrap();
    assert_eq!(dump["http"]["limits"]["idle_timeout"], "1m");
    for path in ["deploy/nginx.conf", "docs/guides/operations.md"] {
        let text = read(path);
        let idle = text.split("keepalive_timeout ").nth(1).and_then(|rest| rest.split("s;").next());
        assert!(idle.is_some_and(|idle| idle.parse::<u32>().is_ok_and(|idle| idle < 60)), "{path}: {idle:?}");
    }
}

#[test]
fn systemd_takes_its_unit() {
    let home = TempDir::new().unwrap();
    let guide = read("docs/guides/operations.md");
    let printed = guide.split("```ini\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    for (name, unit) in
        [("of-deploy.service", read("deploy/valetkey.service").as_str()), ("of-guide.service", printed)]
    {
        let file = home.path().join(name);
        let here = unit
            .replace("/usr/local/bin/valetkey", env!("CARGO_BIN_EXE_valetkey"))
            .replace("User=valetkey", "User=root");
        std::fs::write(&file, here).unwrap();
        let Ok(said) = Command::new("systemd-analyze").arg("verify").arg(&file).output() else {
            // Not every machine that runs tests has it; those that run units do.
            return;
        };
        let complaint = String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success() && !complaint.contains(name), "{name}: {complaint}");
    }
}
