//! The guides "Protect your API" and "Tenants": their commands are run as they stand there, and the output has what they say.

use crate::support::World;
use std::process::Command;

const PROTECT: &str = include_str!("../../../../docs/guides/protect-your-api.md");
const TENANTS: &str = include_str!("../../../../docs/guides/tenants.md");

/// The fenced blocks of a language, each with what follows it.
fn blocks(guide: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut fences = guide.split("```").skip(1).step_by(2);
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
    run(PROTECT, 6);
}

#[test]
fn the_commands_of_the_guide_to_tenants_do_what_it_says() {
    run(TENANTS, 4);
}

fn run(guide: &'static str, least: usize) {
    let world = World::start(&[]);
    let here = |text: &str| {
        text.replace("http://127.0.0.1:3000", &world.upstream.url)
            .replace("http://localhost:8080", &world.issuer)
    };
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_valetkey"));
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", binary.parent().unwrap().display());
    let blocks = blocks(guide);
    assert!(blocks.len() >= least, "{}", blocks.len());
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
