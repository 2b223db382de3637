//! The guides about services and about `apply`: their commands are run as they stand there, their addresses opened, and
//! what they print has what the guide says.

use crate::person::{End, open, parameter};
use crate::support::Dev;

/// The fenced blocks, by language.
fn blocks(guide: &'static str) -> Vec<(&'static str, &'static str)> {
    guide.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect()
}

fn run(guide: &'static str, presets: &[&str]) {
    let dev = Dev::start(presets);
    let here = |text: &str| {
        let encoded = dev.issuer.replace(':', "%3A").replace('/', "%2F");
        text.replace("http://localhost:8080", &dev.issuer).replace("http%3A%2F%2Flocalhost%3A8080", &encoded)
    };
    let blocks = blocks(guide);
    let (mut code, mut token) = (String::new(), String::new());
    let mut told = 0;
    for (n, (language, text)) in blocks.iter().enumerate() {
        match *language {
            "sh" => {
                let said = dev.shell(&here(text), &[("CODE", &code), ("TOKEN", &token)]);
                assert_eq!(said.code, 0, "{text}: {said:?}");
                if let Some(("text", wanted)) = blocks.get(n + 1) {
                    for line in here(wanted).lines() {
                        assert!(
                            said.out.contains(line),
                            "{text}\nlacks {line:?}:\n{}\n{}",
                            said.out,
                            said.err
                        );
                        told += 1;
                    }
                }
                dev.follow(&format!("guide-{n}"));
            }
            "url" => match open(&dev, here(text).trim()) {
                End::Shown(shown) => code = shown,
                End::At(address) => {
                    code = parameter(&address, "code").unwrap_or(code);
                    token = parameter(&address, "access_token").unwrap_or(token);
                }
            },
            _ => {}
        }
    }
    assert!(told > 5, "the guide says what comes of it");
}

#[test]
fn the_guide_to_tout_does_what_it_says() {
    run(include_str!("../../../../docs/guides/services/tout.md"), &["tout"]);
}

#[test]
fn the_guide_to_mastodon_does_what_it_says() {
    run(include_str!("../../../../docs/guides/services/mastodon.md"), &["mastodon"]);
}

#[test]
fn the_guide_to_toon_does_what_it_says() {
    run(include_str!("../../../../docs/guides/services/toon.md"), &["toon"]);
}

#[test]
fn the_guide_to_service_accounts_does_what_it_says() {
    run(include_str!("../../../../docs/guides/services/service-account.md"), &["service-account"]);
}

#[test]
fn the_guide_to_a_provider_of_ones_own_does_what_it_says() {
    run(include_str!("../../../../docs/guides/services/own-provider.md"), &["own-provider"]);
}

#[test]
fn the_guide_to_apply_does_what_it_says() {
    run(include_str!("../../../../docs/guides/apply.md"), &[]);
}
