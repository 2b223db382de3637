//! The guide "Protect your API": its commands are run as they stand there, and their output has what it says.

use crate::support::World;
use std::process::Command;

const GUIDE: &str = include_str!("../../../../docs/guides/protect-your-api.md");

/// The fenced blocks of a language, each with what follows it.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let mut fences = GUIDE.split("```").skip(1).step_by(2);
    let mut all = Vec::new();
    let mut next = fences.next();
    while let Some(block) = next {
        next = fences.next();
        let Some(commands) = block.strip_prefix("sh\n") else { continue };
        let said = next.and_then(|block| block.strip_prefix("text\n")).unwrap_or("");
        all.push((commands, said));
    }
    all
}

#[test]
fn the_guides_commands_do_what_it_says() {
    let world = World::start(&[]);
    let here = |text: &str| {
        text.replace("http://127.0.0.1:3000", &world.upstream.url)
            .replace("http://localhost:8080", &world.issuer)
    };
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_valetkey"));
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", binary.parent().unwrap().display());
    let blocks = blocks();
    assert!(blocks.len() >= 6, "{}", blocks.len());
    for (n, (commands, said)) in blocks.into_iter().enumerate() {
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &here(commands)])
            .env("PATH", &path)
            .env("VALETKEY__DATA_DIR", world.data_dir())
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{commands}: {complaint}");
        for line in here(said).lines() {
            assert!(printed.contains(line), "{commands}\nlacks {line:?}:\n{printed}");
        }
        world.follow(&format!("guide-{n}"));
    }
}
