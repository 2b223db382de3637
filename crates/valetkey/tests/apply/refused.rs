//! What `apply` refuses: with the place of every mistake, and nothing left behind.

use crate::support::Place;

/// A text, and what is said of it.
const WRONG: [(&str, &[&str]); 18] = [
    (
        "[lifetime]\ncode = \"30s\"\n",
        &["standard input:1: unknown key `lifetime`; did you mean `lifetimes`?"],
    ),
    (
        "[lifetimes]\n\nacces_token = \"3m\"\n",
        &["standard input:3:", "did you mean `lifetimes.access_token`?"],
    ),
    (
        "[lifetimes]\ncode = \"3h\"\n",
        &["standard input:2: `lifetimes.code`: 3h is outside the range 1s to 10m"],
    ),
    ("[lifetimes]\ncode = \"soon\"\n", &["standard input:2:", "not a duration"]),
    ("[[scope]]\nname = \"x\"\n", &["standard input:1:", "did you mean `[[scopes]]`?"]),
    ("[[scopes]]\nnam = \"x\"\n", &["standard input:2: unknown key `nam` in `scopes`; did you mean `name`?"]),
    ("[[scopes]]\nname = \"a b\"\ndescription = \"d\"\n", &["standard input:1: scope `a b`:"]),
    ("[[scopes]]\nname = \"a\"\ndescription = 1\n", &["standard input:3: scope `a`, `description`:"]),
    ("[[apis]]\nid = \"p\"\nprefix = \"/oauth/p\"\n", &["standard input:1: API `p`:", "the server's own"]),
    (
        "[[apis]]\nid = \"p\"\nprefix = \"/p\"\n[[apis]]\nid = \"q\"\nprefix = \"/p/q\"\n",
        &["API `p`: the prefix /p meets /p/q of the API q", "standard input:4: API `q`:"],
    ),
    (
        "[[apis]]\nid = \"p\"\nprefix = \"/p\"\n[[apis.endpoints]]\nmethd = \"GET\"\npath = \"/\"\n",
        &["standard input:5:", "did you mean `method`?"],
    ),
    (
        "[[apis]]\nid = \"p\"\nprefix = \"/p\"\n[[apis.endpoints]]\nmethod = \"GET\"\npath = \"/a\"\nscopes = \"x\"\n[[apis.endpoints]]\nmethod = \"GET\"\npath = \"/{b}\"\n",
        &["API `p`:"],
    ),
    (
        "[[clients]]\nid = \"c\"\nname = \"C\"\nsecret = \"in-clear-and-not-welcome\"\n",
        &["standard input:4: a secret does not stand in a file"],
    ),
    (
        "[[clients]]\nid = \"c\"\nname = \"C\"\ngrant_types = [\"implicit\"]\nredirect_uris = \"https://c.example/cb\"\n",
        &["client `c`:", "needs the opt-in implicit"],
    ),
    (
        "[http.aliases]\ntoken = \"/login\"\n",
        &["standard input:2: `http.aliases.token`: /login is the server's own"],
    ),
    (
        "[[apis]]\nid = \"a\"\nprefix = \"/api/v1/accounts\"\n[services]\nmastodon = true\n",
        &[
            "API `a`: the prefix /api/v1/accounts meets /api/v1/accounts/verify_credentials, which services.mastodon answers",
        ],
    ),
    (
        "[services]\nmastodon = true\n[http.aliases]\ntoken = \"/api/v1/apps\"\n",
        &["standard input:4: `http.aliases.token`: /api/v1/apps is answered by services.mastodon already"],
    ),
    (
        "[registration]\ngrant_types = [\"password\"]\n",
        &["`registration.grant_types`: the grant password needs the opt-in password"],
    ),
];

#[test]
fn every_mistake_is_named_with_its_place_and_nothing_is_left() {
    let place = Place::new();
    assert_eq!(place.apply("[lifetimes]\ncode = \"20s\"\n").code, 0);
    let (before, records) = (place.run(&["export"]).out, place.records());
    for (text, wanted) in WRONG {
        // What is right beside it must not be written either.
        let text = format!("{text}\n[[tenants]]\nid = \"acme\"\nname = \"Acme\"\n");
        let said = place.apply(&text);
        assert_eq!(said.code, 1, "{text}: {said:?}");
        for part in wanted {
            assert!(said.err.contains(part), "{text}\nlacks {part:?}: {}", said.err);
        }
        assert!(!said.err.contains("in-clear-and-not-welcome"), "{}", said.err);
        assert_eq!(place.run(&["export"]).out, before, "{text}");
    }
    assert_eq!(place.records(), records);
}

#[test]
fn every_mistake_is_reported_and_not_just_the_first() {
    let place = Place::new();
    let said = place.apply("[[scopes]]\nname = \"a b\"\ndescription = \"d\"\n[lifetimes]\ncode = \"x\"\n[[clients]]\nid = \"c\"\n");
    assert_eq!(said.err.lines().count(), 3, "{}", said.err);
    let lines: Vec<_> = said.err.lines().map(|line| line.split(':').nth(2).unwrap_or("")).collect();
    assert_eq!(lines, ["1", "5", "6"], "in the order of the file: {}", said.err);
}

#[test]
fn a_wrong_file_makes_no_store() {
    let place = Place::new();
    assert_eq!(place.apply("[[scopes]]\nnam = 1\n").code, 1);
    assert_eq!(place.run(&["apply", "-f", "nowhere.toml"]).code, 1);
    assert_eq!(place.run(&["apply"]).code, 2, "nothing to apply is wrong usage");
    assert!(!place.data().exists());
}

#[test]
fn files_that_say_different_things_are_refused_and_those_that_agree_add_up() {
    let place = Place::new();
    place.file("one.toml", "[lifetimes]\naccess_token = \"30m\"\n[registration]\ncompat = [\"implicit\"]\n");
    place.file("two.toml", "[lifetimes]\naccess_token = \"20m\"\n");
    place.file("three.toml", "[registration]\ncompat = [\"oob\"]\n[lifetimes]\naccess_token = \"30m\"\n");
    let said = place.run(&["apply", "-f", "one.toml", "-f", "two.toml"]);
    let want = "two.toml:2: `lifetimes.access_token` is \"20m\" here and \"30m\" at one.toml:2";
    assert!(said.code == 1 && said.err.contains(want), "{said:?}");
    assert_eq!(place.run(&["apply", "-f", "one.toml", "-f", "three.toml"]).code, 0);
    let all = place.run(&["export"]).out;
    assert!(all.contains("compat = [\"implicit\", \"oob\"]"), "{all}");
}

#[test]
fn a_tenant_that_somebody_belongs_to_is_not_pruned() {
    let place = Place::new();
    place.apply("[[tenants]]\nid = \"acme\"\nname = \"Acme\"\n");
    let bob = ["user", "create", "--username", "bob", "--tenant", "acme", "--password-stdin"];
    assert_eq!(place.run_with(&bob, "nine-other-kitchen-spoons\n").code, 0);
    let said = place.run_with(&["apply", "-f", "-", "--prune"], "tenants = []\n");
    assert!(said.code == 1 && said.err.contains("tenant `acme`: users belong to it"), "{said:?}");
    assert!(place.run(&["export"]).out.contains("id = \"acme\""));
    place.apply("[[tenants]]\nid = \"globex\"\nname = \"Globex\"\n[[clients]]\nid = \"c\"\nname = \"C\"\ntenant = \"globex\"\ngrant_types = \"client_credentials\"\n");
    let acme = "[[tenants]]\nid = \"acme\"\nname = \"Acme\"\n";
    let left = place.run_with(&["apply", "-f", "-", "--prune"], acme);
    assert!(left.code == 1 && left.err.contains("tenant `globex`: applications belong to it"), "{left:?}");
    let both = place.run_with(&["apply", "-f", "-", "--prune"], &format!("clients = []\n{acme}"));
    assert!(both.code == 0 && both.out.contains("- tenant globex"), "{both:?}");
    let default = place.apply("default_tenant = \"nobodys\"\n");
    assert!(default.code == 1 && default.err.contains("there is no tenant `nobodys`"), "{default:?}");
}
