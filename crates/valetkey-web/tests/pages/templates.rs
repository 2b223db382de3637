//! Templates: strict, escaping, and open to the operator's own.

use super::html::tags;
use serde_json::Value as Json;
use std::fs;
use std::path::{Path, PathBuf};
use valetkey_web::pages::render::{Renderer, TEMPLATES, TemplateError};
use valetkey_web::pages::samples;
use valetkey_web::pages::view::{App, Destination, Href};
use valetkey_web::pages::view::{ErrorKind, ErrorPage, Field, FormPost, Site};

const HOSTILE: &str = "\"'><script>alert(1)</script><b onclick=x style=y>{{ page }}&lt;";

/// Every text of a page but the words that choose a variant.
fn poison(json: &mut Json, key: &str) {
    match json {
        Json::String(text)
            if !text.is_empty() && !["kind", "access", "checked", "error", "errors"].contains(&key) =>
        {
            HOSTILE.clone_into(text);
        }
        Json::Array(items) => items.iter_mut().for_each(|item| poison(item, key)),
        Json::Object(members) => members.iter_mut().for_each(|(key, item)| poison(item, key)),
        _ => (),
    }
}

#[test]
fn no_text_of_a_view_can_change_the_page_around_it() {
    let renderer = Renderer::new(None).unwrap();
    let shape = |html: &str| -> Vec<String> {
        let line = |tag: &super::html::Tag| {
            format!(
                "{}{} {:?}",
                if tag.end { "/" } else { "" },
                tag.name,
                tag.attribute_names().collect::<Vec<_>>()
            )
        };
        tags(html).iter().map(line).collect()
    };
    for sample in samples::all() {
        let clean = renderer.render_value(sample.template, &sample.site, sample.page.clone()).unwrap();
        let mut page = serde_json::to_value(&sample.page).unwrap();
        poison(&mut page, "");
        let page = minijinja::Value::from(minijinja::value::Serde(page));
        let site = Site { name: HOSTILE.to_owned(), host: HOSTILE.to_owned(), lang: HOSTILE.to_owned() };
        let html = renderer.render_value(sample.template, &site, page).unwrap();
        assert_eq!(shape(&html), shape(&clean), "{}", sample.name);
        assert!(!html.contains("<script>") && !html.contains("<b onclick"), "{}", sample.name);
    }
}

#[test]
fn a_name_cannot_turn_its_letters_around_but_a_returned_value_is_exact() {
    let spoof = "\u{202e}moc.elgoog\u{2066}\u{200b}";
    let page = FormPost {
        app: App::new(spoof, None),
        destination: Destination::Loopback,
        action: Href::web("http://127.0.0.1:4711/callback").unwrap(),
        fields: vec![Field::new("state", "\u{202e}<x>")],
    };
    let html = Renderer::new(None).unwrap().render(&Site::new("Valetkey", "id.example.org"), &page).unwrap();
    assert!(html.contains("<bdi>moc.elgoog</bdi>"), "{html}");
    assert!(html.contains("value=\"\u{202e}&lt;x&gt;\""), "{html}");
}

#[test]
fn every_template_is_tried_by_a_sample() {
    for (name, _) in TEMPLATES {
        let shared = [
            "base.html",
            "stage.html",
            "parts.html",
            "account_stage.html",
            "account_parts.html",
            "developer_stage.html",
            "developer_parts.html",
            "new_account_parts.html",
        ]
        .contains(&name);
        assert!(shared || samples::all().iter().any(|sample| sample.template == name), "{name}");
    }
}

/// A directory of this test's own, with these templates.
fn directory(test: &str, files: &[(&str, &str)]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("templates-{test}"));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    for (name, text) in files {
        fs::write(path.join(name), text).unwrap();
    }
    path
}

#[test]
fn an_operators_template_replaces_ours_and_is_escaped_too() {
    let own = "{% extends \"stage.html\" %}{% block title %}Oh{% endblock %}{% block main %}<h1>{% include \"_sorry.html\" %}</h1><p>{{ page.request_id }}</p>{% endblock %}";
    let files = [("error.html", own), ("_sorry.html", "Sorry"), ("notes.txt", "not a template")];
    let renderer = Renderer::new(Some(directory("replace", &files))).unwrap();
    let page = ErrorPage::new(ErrorKind::NotFound, "<id>");
    let html = renderer.render(&Site::new("Valetkey", "id.example.org"), &page).unwrap();
    assert!(html.contains("<h1>Sorry</h1><p>&lt;id&gt;</p>"), "{html}");
}

#[test]
fn a_broken_template_stops_the_start_and_is_named() {
    for (test, name, text) in [
        ("syntax", "login.html", "{% if %}"),
        ("undefined", "login.html", "{{ page.pasword }}"),
        ("no-such", "error.html", "{% extends \"nowhere.html\" %}"),
    ] {
        match Renderer::new(Some(directory(test, &[(name, text)]))) {
            Err(TemplateError::Broken { template, .. }) => assert_eq!(template, name, "{test}"),
            other => panic!("{test}: {other:?}"),
        }
    }
}

#[test]
fn a_misspelt_template_and_a_missing_directory_are_refused() {
    let misspelt = Renderer::new(Some(directory("misspelt", &[("logn.html", "x")])));
    assert!(matches!(misspelt, Err(TemplateError::Unknown { .. })), "{misspelt:?}");
    let missing = Renderer::new(Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-such-directory")));
    assert!(matches!(missing, Err(TemplateError::Unread { .. })), "{missing:?}");
}

#[test]
fn an_error_of_a_template_shows_no_value_of_the_page() {
    let renderer = Renderer::new(None).unwrap();
    let page = serde_json::json!({"i": "vk_in_secret", "came": "vk_ac_secret"});
    let page = minijinja::Value::from(minijinja::value::Serde(page));
    let error =
        renderer.render_value("consent.html", &Site::new("Valetkey", "id.example.org"), page).unwrap_err();
    assert!(!format!("{error} {error:?} {error:#?}").contains("secret"), "{error:?}");
}
