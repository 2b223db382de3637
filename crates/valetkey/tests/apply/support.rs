//! A data directory with or without a `valetkey dev` on it, commands, and a shell.

use serde_json::Value;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);
const BINARY: &str = env!("CARGO_BIN_EXE_valetkey");

/// A data directory, and files beside it.
pub(crate) struct Place {
    pub(crate) directory: TempDir,
}

/// What a command printed.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.directory.path().join("data")
    }

    pub(crate) fn file(&self, name: &str, text: &str) {
        std::fs::write(self.directory.path().join(name), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.current_dir(self.directory.path()).arg("--data-dir").arg(self.data()).args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().unwrap().into()
    }

    /// With that on standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Said {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap().into()
    }

    /// What `--json` printed.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[&["--json"], arguments].concat()).json()
    }

    /// Applies a text.
    pub(crate) fn apply(&self, text: &str) -> Said {
        self.run_with(&["apply", "-f", "-"], text)
    }

    /// How many records the audit trail has.
    pub(crate) fn records(&self) -> usize {
        self.json(&["audit", "tail", "--lines", "500"]).as_array().unwrap().len()
    }
}

/// A running `valetkey dev`.
pub(crate) struct Dev {
    child: Child,
    pub(crate) place: Place,
    pub(crate) issuer: String,
    pub(crate) greeting: Value,
}

impl Dev {
    pub(crate) fn start(presets: &[&str]) -> Self {
        let place = Place::new();
        let mut command = place.command(&["--json", "dev", "--listen", "127.0.0.1:0"]);
        for preset in presets {
            command.args(["--preset", preset]);
        }
        command.env("VALETKEY__MANAGEMENT__LISTEN", "127.0.0.1:0");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let greeting: Value = serde_json::from_str(&line).unwrap();
        let issuer = greeting["issuer"].as_str().unwrap().to_owned();
        Self { child, place, issuer, greeting }
    }

    /// A script, with the binary in its path and this server's data as the default.
    pub(crate) fn shell(&self, script: &str, variables: &[(&str, &str)]) -> Said {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", Path::new(BINARY).parent().unwrap().display());
        Command::new("bash")
            .args(["-euo", "pipefail", "-c", script])
            .current_dir(self.place.directory.path())
            .env("PATH", path)
            .env("VALETKEY__DATA_DIR", self.place.data())
            .envs(variables.iter().copied())
            .output()
            .unwrap()
            .into()
    }

    /// Waits until a path answers with that status: a change made beside the server is heard of within a second.
    #[expect(clippy::unused_self, reason = "it is the server that is waited for")]
    pub(crate) fn until(&self, arguments: &[&str], want: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut command = Command::new("curl");
            let got = command.args(["-s", "-o", "/dev/null", "-w", "%{http_code}"]).args(arguments).output();
            let got = String::from_utf8(got.unwrap().stdout).unwrap();
            if got == want {
                return;
            }
            assert!(Instant::now() < deadline, "{arguments:?}: {got}, not {want}");
        }
    }

    /// Waits until the server acts on every change so far: they are followed in their order, so a scope of that name is
    /// made after them and looked for.
    pub(crate) fn follow(&self, marker: &str) {
        let deadline = Instant::now() + PATIENCE;
        assert_eq!(self.place.run(&["scope", "create", marker, "--description", "A marker"]).code, 0);
        let metadata = format!("curl -s {}/.well-known/oauth-authorization-server", self.issuer);
        while !self.shell(&metadata, &[]).out.contains(&format!("\"{marker}\"")) {
            assert!(Instant::now() < deadline, "the server did not hear of the changes");
        }
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
