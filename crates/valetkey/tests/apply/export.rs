//! What is exported can be applied, and then nothing changes: on the same server, and on an empty one.

use crate::support::Place;
use std::fmt::Write as _;

/// Draws numbers; the same ones each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    /// A line of a file, or none.
    fn maybe(&mut self, lines: &[&str]) -> String {
        let drawn = self.below(lines.len() + 1);
        lines.get(drawn).map_or(String::new(), |line| format!("{line}\n"))
    }
}

/// A file that is right.
fn configuration(dice: &mut Dice) -> String {
    let mut text = dice.maybe(&["default_tenant = \"acme\"", "default_tenant = \"globex\""]);
    text += "[lifetimes]\n";
    text += &dice.maybe(&["access_token = \"30m\"", "access_token = 90", "access_token = \"1h\""]);
    text += &dice.maybe(&["refresh_absolute = \"never\"\nrefresh_idle = \"never\"", "refresh_idle = \"1d\""]);
    text += &dice.maybe(&["session = \"2w\"", "retry_window = \"0\""]);
    text += "[registration]\n";
    text += &dice.maybe(&[
        "grant_types = [\"client_credentials\", \"authorization_code\"]",
        "grant_types = \"refresh_token\"",
    ]);
    text += &dice.maybe(&["scope = \"a b\"", "scope = [\"a\"]"]);
    text += &dice.maybe(&["application_scope = \"a\""]);
    text += &dice.maybe(&["auth_method = \"client_secret_post\"", "auth_method = \"none\""]);
    text += &dice.maybe(&[
        "compat = [\"oob\", \"no_pkce\"]",
        "compat = [\"long_lived_access_token\"]\naccess_token_lifetime = \"700d\"",
    ]);
    text += &dice.maybe(&["dynamic = \"open\"", "dynamic = \"off\""]);
    text += "[http.aliases]\n";
    text += &dice.maybe(&["token = \"/token\"", "token = [\"/t\", \"/oauth/access_token\"]"]);
    text += &dice.maybe(&["authorize = \"/authorize\""]);
    text += &dice.maybe(&["[services]\nmastodon = true", "[services]\nmastodon = false"]);
    for id in ["acme", "globex"] {
        let disabled = dice.maybe(&["disabled = true"]);
        write!(
            text,
            "[[tenants]]\nid = \"{id}\"\nname = \"{} \\\"{id}\\\"\"\n{disabled}",
            dice.one(&["The", "Ünïcode", "'n"])
        )
        .unwrap();
    }
    text + &things(dice) + &clients(dice)
}

fn things(dice: &mut Dice) -> String {
    let mut text = String::new();
    for name in ["a", "b:c/d", "openid"] {
        let (detail, default) = (
            dice.maybe(&["detail = \"\"\"\nTwo\nlines\"\"\""]),
            dice.maybe(&["default = true", "default = false"]),
        );
        write!(
            text,
            "[[scopes]]\nname = \"{name}\"\ndescription = \"See \\\\ your {name}\"\n{detail}{default}"
        )
        .unwrap();
    }
    for n in 0..dice.below(3) {
        write!(
            text,
            "[[apis]]\nid = \"api{n}\"\nprefix = \"/api{n}\"\nupstream = \"http://127.0.0.1:1\"\nscopes = \"a b:c/d\"\n"
        ).unwrap();
        text += &dice
            .maybe(&["name = \"Named\"", "resource = \"https://api.example/x\""])
            .replace("/x", &format!("/{n}"));
        text += &dice.maybe(&[
            "token_format = \"jwt\"\nsigning_alg = \"ES256\"",
            "access_token_lifetime = \"5m\"",
            "compat = [\"query_access_token\"]",
        ]);
        for rule in 0..dice.below(3) {
            let (scopes, user) = (
                dice.maybe(&["scopes = \"a\"", "scopes = [\"a\", \"b:c/d\"]"]),
                dice.maybe(&["user = true"]),
            );
            write!(
                text,
                "[[apis.endpoints]]\nmethod = \"{}\"\npath = \"/r{rule}/{{id}}\"\n{scopes}{user}",
                dice.one(&["GET", "*", "POST"])
            )
            .unwrap();
        }
    }
    text
}

fn clients(dice: &mut Dice) -> String {
    let mut text = String::new();
    for n in 0..dice.below(4) {
        write!(
            text,
            "[[clients]]\nid = \"client{n}\"\nname = \"Client {n}\"\nredirect_uris = [\"https://c{n}.example/cb\"]\n"
        ).unwrap();
        text += &dice.maybe(&["description = \"What it does\"", "website = \"https://c.example\""]);
        text += &dice.maybe(&[
            "grant_types = [\"authorization_code\"]",
            "grant_types = [\"authorization_code\", \"refresh_token\"]",
        ]);
        text += &dice.maybe(&["scope = \"a\"", "tenant = \"acme\""]);
        text += &dice.maybe(&["auth_method = \"none\"", "auth_method = \"client_secret_basic\""]);
        text += &dice.maybe(&[
            "compat = []",
            "introspect = true",
            "access_token_lifetime = \"5m\"",
            "strict = true",
            "disabled = true",
        ]);
    }
    text
}

#[test]
fn what_is_exported_and_applied_changes_nothing_here_and_makes_the_same_elsewhere() {
    for seed in 0..12 {
        let text = configuration(&mut Dice(seed));
        let (here, there) = (Place::new(), Place::new());
        let made = here.apply(&text);
        assert_eq!(made.code, 0, "seed {seed}: {text}\n{made:?}");
        assert_eq!(here.apply(&text).out, "Nothing to change.\n", "seed {seed}: {text}");
        let exported = here.run(&["export"]).out;
        let again = here.run_with(&["apply", "-f", "-", "--prune"], &exported);
        assert_eq!(
            (again.code, again.out.as_str()),
            (0, "Nothing to change.\n"),
            "seed {seed}: {exported}\n{again:?}"
        );
        let moved = there.apply(&exported);
        assert_eq!(moved.code, 0, "seed {seed}: {exported}\n{moved:?}");
        assert_eq!(there.run(&["export"]).out, exported, "seed {seed}");
    }
}

#[test]
fn every_preset_is_right_by_itself_and_comes_back_as_it_was() {
    for preset in ["tout", "mastodon", "toon", "service-account", "own-provider"] {
        let place = Place::new();
        let made = place.run(&["apply", "--preset", preset]);
        assert_eq!(made.code, 0, "{preset}: {made:?}");
        assert_eq!(
            place.run(&["apply", "--preset", preset, "--prune"]).out,
            "Nothing to change.\n",
            "{preset}"
        );
        let exported = place.run(&["export"]).out;
        let again = place.run_with(&["apply", "-f", "-", "--prune"], &exported);
        assert_eq!(again.out, "Nothing to change.\n", "{preset}: {exported}");
        let json = place.json(&["export"]);
        assert!(
            json["scopes"][0]["id"].is_string() && json["registration"]["grant_types"].is_array(),
            "{json}"
        );
    }
}
