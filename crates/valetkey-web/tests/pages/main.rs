//! What holds for every page: rendered from samples, escaped, accessible, light.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on must fail where it stands"
)]

mod html;
mod looks;
mod templates;

use html::{Tag, tags};
use std::collections::HashSet;
use valetkey_web::pages::assets::{self, ASSETS};
use valetkey_web::pages::render::{Policy, Renderer};
use valetkey_web::pages::samples::{self, Sample};

/// Every sample, rendered and read.
fn pages() -> Vec<(Sample, String, Vec<Tag>)> {
    let renderer = Renderer::new(None).expect("the embedded templates compile");
    let read = |sample: Sample| {
        let html = renderer
            .render_value(sample.template, &sample.site, sample.page.clone())
            .unwrap_or_else(|error| panic!("{}: {error}", sample.name));
        let tags = tags(&html);
        (sample, html, tags)
    };
    samples::all().into_iter().map(read).collect()
}

fn page(name: &str) -> Vec<Tag> {
    let found = pages().into_iter().find(|(sample, ..)| sample.name == name);
    found.unwrap_or_else(|| panic!("no sample {name}")).2
}

#[test]
fn samples_have_names_of_their_own() {
    let names: Vec<_> = samples::all().into_iter().map(|sample| sample.name).collect();
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
}

#[test]
fn no_page_has_inline_style_or_script() {
    for (sample, _, tags) in pages() {
        for tag in tags.iter().filter(|tag| !tag.end) {
            assert_ne!(tag.name, "style", "{}", sample.name);
            for attribute in tag.attribute_names() {
                assert!(attribute != "style" && !attribute.starts_with("on"), "{}: {attribute}", sample.name);
            }
            if tag.name == "script" {
                let ours = match sample.policy {
                    Policy::Script => vec![&ASSETS.submit],
                    Policy::Console => vec![&ASSETS.console.take, &ASSETS.console.main],
                    _ => panic!("{} has a script", sample.name),
                };
                let is_ours = |src: &str| ours.iter().any(|asset| asset.path == src);
                assert!(tag.get("src").is_some_and(is_ours), "{}: {tag:?}", sample.name);
                assert_eq!(tag.text.trim(), "", "{}", sample.name);
            }
        }
    }
}

#[test]
fn no_policy_allows_inline_code_or_frames() {
    for policy in [Policy::Stays, Policy::LeadsOut, Policy::Script, Policy::Console] {
        let header = policy.header().to_str().unwrap().to_owned();
        assert!(
            header.starts_with("default-src 'none';") && header.contains("frame-ancestors 'none'"),
            "{header}"
        );
        assert!(header.contains("base-uri 'none'") && !header.contains("unsafe"), "{header}");
        let scripted = policy == Policy::Script || policy == Policy::Console;
        assert_eq!(header.contains("script-src 'self';"), scripted);
        assert_eq!(header.contains("connect-src 'self';"), policy == Policy::Console);
        assert!(!header.contains("http") && !header.contains('*') && !header.contains("data:"), "{header}");
    }
}

#[test]
fn the_console_may_talk_with_this_server_alone_and_turn_no_text_into_markup() {
    let header = Policy::Console.header().to_str().unwrap().to_owned();
    for words in [
        "form-action 'none'",
        "connect-src 'self'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ] {
        assert!(header.contains(words), "{words}");
    }
    for asset in ASSETS.console.all() {
        let text = std::str::from_utf8(asset.bytes).unwrap();
        let sinks = [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "Function(",
            "localStorage",
        ];
        for word in sinks {
            assert!(!text.contains(word), "{}: {word}", asset.path);
        }
    }
}

#[test]
fn the_console_works_only_with_script_and_says_so_with_lines_to_paste() {
    let found = pages().into_iter().find(|(sample, ..)| sample.name == "console").unwrap();
    let html = found.1.replace("&#x2f;", "/");
    let inside = html.split("<noscript>").nth(1).and_then(|rest| rest.split("</noscript>").next()).unwrap();
    for words in
        ["needs JavaScript", "curl -u CLIENT:SECRET", "https://id.example.org/oauth/token", "code_challenge"]
    {
        assert!(inside.contains(words), "{words}");
    }
    assert!(!html.contains("<form"), "no form that a browser could send by itself");
}

#[test]
fn the_console_weighs_under_30_kb_compressed_with_all_it_loads() {
    let packed = |asset: &assets::Asset| asset.gzip.len();
    let files: usize = ASSETS.all().into_iter().take(2).chain(ASSETS.console.all()).map(packed).sum();
    for (sample, html, _) in pages().into_iter().filter(|(sample, ..)| sample.policy == Policy::Console) {
        assert!(html.len() + files < 30_000, "{}: {} + {files} bytes", sample.name, html.len());
    }
}

#[test]
fn every_form_posts_to_an_address_of_its_own() {
    let ours = [
        "/login",
        "/consent",
        "/device",
        "/setup",
        "/oauth/logout",
        "/oauth/logout/confirm",
        "/logout",
        "/account/sign-out",
        "/account/apps/revoke",
        "/account/sessions/end",
        "/login/password",
        "/login/unconfirmed",
        "/sign-up",
        "/account/profile",
        "/account/details",
        "/account/password",
        "/account/delete",
        "/account/methods/link",
        "/account/methods/unlink",
        "/login/upstream/corp",
        "/login/upstream/github",
    ];
    for (sample, _, tags) in pages() {
        // A search changes nothing: it is a link with a word in it.
        for form in tags.iter().filter(|tag| tag.is("form") && tag.get("role") != Some("search")) {
            let action =
                form.get("action").unwrap_or_else(|| panic!("{}: a form without action", sample.name));
            assert_eq!(form.get("method"), Some("post"), "{}", sample.name);
            let known = ours.contains(&action)
                || action.starts_with("/developer/")
                || sample.policy == Policy::Script && action.starts_with("https://");
            assert!(known, "{}: {action}", sample.name);
        }
    }
}

#[test]
fn every_form_of_ours_carries_its_proof_of_origin() {
    for (sample, _, tags) in pages().into_iter().filter(|(sample, ..)| sample.policy != Policy::Script) {
        let mut form: Option<Vec<&str>> = None;
        for tag in &tags {
            match (tag.name.as_str(), tag.end) {
                ("form", false) => form = (tag.get("role") != Some("search")).then(Vec::new),
                ("form", true) => {
                    let Some(names) = form.take() else { continue };
                    assert!(names.contains(&"i") || names.contains(&"csrf"), "{}: {names:?}", sample.name);
                }
                ("input", false) => form.iter_mut().for_each(|names| names.extend(tag.get("name"))),
                _ => (),
            }
        }
    }
}

#[test]
fn every_field_has_a_visible_label() {
    for (sample, _, tags) in pages() {
        let labelled: HashSet<_> =
            tags.iter().filter(|tag| tag.is("label")).filter_map(|tag| tag.get("for")).collect();
        let mut inside_label = false;
        for tag in &tags {
            match tag.name.as_str() {
                "label" => inside_label = !tag.end,
                "input" if tag.get("type") != Some("hidden") => {
                    let by_id = tag.get("id").is_some_and(|id| labelled.contains(id));
                    assert!(by_id || inside_label, "{}: {tag:?}", sample.name);
                }
                _ => (),
            }
        }
    }
}

#[test]
fn ids_are_unique_and_references_lead_to_one() {
    for (sample, _, tags) in pages() {
        let ids: Vec<_> = tags.iter().filter_map(|tag| tag.get("id")).collect();
        let set: HashSet<_> = ids.iter().copied().collect();
        assert_eq!(ids.len(), set.len(), "{}: {ids:?}", sample.name);
        for tag in &tags {
            let described =
                ["aria-describedby", "aria-labelledby", "for"].into_iter().filter_map(|name| tag.get(name));
            let linked = tag.get("href").and_then(|href| href.strip_prefix('#'));
            for id in described.flat_map(str::split_whitespace).chain(linked) {
                assert!(set.contains(id), "{}: nothing has the id {id}", sample.name);
            }
        }
    }
}

#[test]
fn every_error_is_announced_and_tied_to_its_field() {
    for (sample, _, tags) in pages() {
        let invalid: Vec<_> = tags.iter().filter(|tag| tag.get("aria-invalid").is_some()).collect();
        if invalid.is_empty() {
            continue;
        }
        assert!(tags.iter().any(|tag| tag.get("role") == Some("alert")), "{}", sample.name);
        assert!(tags.iter().any(|tag| tag.is("title") && tag.text.starts_with("Error: ")), "{}", sample.name);
        for field in invalid {
            let errors: Vec<_> = tags
                .iter()
                .filter(|tag| tag.get("class") == Some("err"))
                .filter_map(|tag| tag.get("id"))
                .collect();
            let described = field.get("aria-describedby").unwrap_or_default();
            assert!(described.split(' ').any(|id| errors.contains(&id)), "{}: {field:?}", sample.name);
        }
    }
}

#[test]
fn a_page_begins_with_its_one_heading_and_skips_no_level() {
    for (sample, _, tags) in pages() {
        let levels: Vec<_> = ["h1", "h2", "h3", "h4", "h5", "h6"]
            .iter()
            .enumerate()
            .flat_map(|(level, name)| {
                tags.iter().enumerate().filter(move |(_, tag)| tag.is(name)).map(move |(at, _)| (at, level))
            })
            .collect::<std::collections::BTreeMap<_, _>>()
            .into_values()
            .collect();
        assert_eq!(levels.first(), Some(&0), "{}", sample.name);
        assert_eq!(levels.iter().filter(|level| **level == 0).count(), 1, "{}", sample.name);
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{}: {levels:?}", sample.name);
        for (name, count) in [("main", 1), ("header", 1), ("title", 1)] {
            assert_eq!(tags.iter().filter(|tag| tag.is(name)).count(), count, "{}: {name}", sample.name);
        }
        assert!(tags.iter().any(|tag| tag.is("html") && tag.get("lang") == Some("en")), "{}", sample.name);
    }
}

#[test]
fn titles_and_addresses_hold_no_secret() {
    for (sample, _, tags) in pages() {
        let title = tags.iter().find(|tag| tag.is("title")).map(|tag| tag.text.as_str()).unwrap_or_default();
        assert!(
            title.len() > " – Valetkey".len() && !title.contains("vk_") && !title.contains("sample"),
            "{title}"
        );
        for href in tags.iter().filter_map(|tag| tag.get("href").or(tag.get("action"))) {
            assert!(!href.contains("vk_ac_") && !href.contains("c3Jm"), "{}: {href}", sample.name);
        }
    }
}

#[test]
fn nothing_comes_from_elsewhere() {
    for (sample, _, tags) in pages() {
        for tag in tags.iter().filter(|tag| ["link", "script", "img"].contains(&tag.name.as_str())) {
            if let Some(path) = tag.get("href").or(tag.get("src")) {
                if path.starts_with("/assets/logos/") {
                    continue;
                }
                let (_, cache) = assets::find(path).unwrap_or_else(|| panic!("{}: {path}", sample.name));
                assert_eq!(cache, assets::IMMUTABLE);
            }
        }
    }
}

#[test]
fn a_page_with_all_its_assets_weighs_under_30_kb_uncompressed() {
    let files: usize = ASSETS.all().iter().map(|asset| asset.bytes.len()).sum();
    for (sample, html, _) in pages().into_iter().filter(|(sample, ..)| sample.policy != Policy::Console) {
        assert!(html.len() + files < 30_000, "{}: {} + {files} bytes", sample.name, html.len());
    }
}

#[test]
fn what_was_typed_is_kept_and_a_password_is_not() {
    let wrong = page("login-wrong");
    let field = |tags: &[Tag], name: &str| {
        let found = tags.iter().find(|tag| tag.is("input") && tag.get("name") == Some(name));
        found.and_then(|tag| tag.get("value")).map(str::to_owned)
    };
    assert_eq!(field(&wrong, "username").as_deref(), Some("alice"));
    assert_eq!(field(&wrong, "password"), None);
    assert_eq!(field(&page("setup-errors"), "username").as_deref(), Some("alice"));
    assert_eq!(field(&page("setup-errors"), "password"), None);
}

#[test]
fn password_managers_and_keyboards_know_the_fields() {
    let fields = |name: &str| -> Vec<(String, String)> {
        let named = |tag: &Tag| Some((tag.get("name")?.to_owned(), tag.get("autocomplete")?.to_owned()));
        page(name).iter().filter_map(named).collect()
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(fields("login"), [pair("username", "username"), pair("password", "current-password")]);
    let setup =
        [("username", "username"), ("name", "name"), ("email", "email"), ("password", "new-password")];
    assert_eq!(fields("setup"), setup.map(|(name, value)| pair(name, value)));
}

#[test]
fn consent_offers_to_deny_first_and_ticks_only_what_the_view_ticks() {
    let tags = page("consent");
    let decisions: Vec<_> = tags
        .iter()
        .filter(|tag| tag.get("name") == Some("decision"))
        .filter_map(|tag| tag.get("value"))
        .collect();
    assert_eq!(decisions, ["deny", "allow"]);
    let scopes: Vec<_> = tags
        .iter()
        .filter(|tag| tag.get("name") == Some("scope"))
        .map(|tag| (tag.get("value").unwrap_or_default(), tag.get("checked").is_some()))
        .collect();
    assert_eq!(scopes, [("photos.read", true), ("albums.write", true), ("offline_access", false)]);
}

#[test]
fn there_are_no_links_to_pages_that_the_view_does_not_name() {
    let hrefs = |name: &str| -> Vec<String> {
        page(name)
            .iter()
            .filter(|tag| tag.is("a"))
            .filter_map(|tag| tag.get("href"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(hrefs("login"), ["/forgotten", "/sign-up"]);
    assert_eq!(hrefs("login-bare"), Vec::<String>::new());
    assert_eq!(hrefs("home"), ["/account", "/.well-known/oauth-authorization-server"]);
}
