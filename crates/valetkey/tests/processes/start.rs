//! What is refused at the start, and in which words

use crate::support::World;

#[test]
fn a_wrong_master_key_is_a_clear_error() {
    let world = World::new();
    let _node = world.node();
    let other = [("VALETKEY__MASTER_KEY", "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=")];
    let refusal = world.cli_with(&["client", "list"], "", &other).unwrap_err();
    assert!(refusal.contains("every server on one database needs the same one"), "{refusal}");
    world.cli(&["client", "list"]).unwrap();
}

#[test]
fn an_empty_database_is_furnished_by_a_server_and_by_nobody_who_only_looks() {
    let world = World::new();
    let refusal = world.cli(&["client", "list"]).unwrap_err();
    assert!(refusal.contains("is empty; start `valetkey serve`"), "{refusal}");
    let _node = world.node();
    assert_eq!(world.cli(&["client", "list"]).unwrap().as_array().unwrap().len(), 0);
}

#[test]
fn two_servers_that_start_at_once_on_an_empty_database_share_its_keys() {
    let world = World::new();
    std::thread::scope(|scope| {
        let nodes =
            [scope.spawn(|| world.node()), scope.spawn(|| world.node())].map(|node| node.join().unwrap());
        assert_eq!(nodes[0].get("/oauth/jwks").body, nodes[1].get("/oauth/jwks").body);
        assert!(nodes.iter().all(|node| node.setup_link.is_some()));
    });
}

#[test]
fn a_database_that_was_emptied_under_a_server_is_a_loss_and_not_a_first_start() {
    let world = World::new();
    // A command that creates is a first start; its data directory remembers it.
    world.cli(&["scope", "create", "read", "--description", "See things"]).unwrap();
    let empty = World::new();
    let refusal =
        world.cli_with(&["client", "list"], "", &[("VALETKEY__DATABASE_URL", &empty.url)]).unwrap_err();
    assert!(refusal.contains("is empty, but") && refusal.contains("restore it from a backup"), "{refusal}");
}

#[test]
fn the_doctor_looks_at_the_database_and_no_password_is_shown() {
    let world = World::new();
    let _node = world.node();
    let report = world.cli(&["doctor"]).unwrap();
    assert_eq!(report["well"], true, "{report}");
    let url = world.url.replacen("valetkey@", "valetkey:swordfish@", 1);
    for command in [&["doctor"][..], &["config", "dump"]] {
        let shown = world.cli_with(command, "", &[("VALETKEY__DATABASE_URL", &url)]).unwrap().to_string();
        assert!(!shown.contains("swordfish"), "{shown}");
    }
    let away = url.replace("%2Ftmp%2F", "%2Fnowhere%2F");
    let refusal = world.cli_with(&["client", "list"], "", &[("VALETKEY__DATABASE_URL", &away)]).unwrap_err();
    assert!(refusal.contains("cannot open the database") && !refusal.contains("swordfish"), "{refusal}");
}
