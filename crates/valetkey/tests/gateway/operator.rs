//! What an operator hears of a mistake: in the log at the start, from the doctor, and from the command that was wrong

use crate::support::World;
use serde_json::Value;
use std::process::Command;

fn doctor(world: &World, sign_up: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_valetkey"))
        .args(["--json", "--data-dir"])
        .arg(world.data_dir())
        .arg("doctor")
        .env("VALETKEY__ACCOUNTS__SIGN_UP", sign_up)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["well"].as_bool(), Some(output.status.success()), "{report}");
    report
}

#[test]
fn a_user_directory_in_sign_up_that_is_not_there_is_named_by_the_doctor_and_at_the_start() {
    let world = World::start_with(&[], &[("VALETKEY__ACCOUNTS__SIGN_UP", "[\"default\", \"huose\"]")], &[]);
    let line = world.logged("accounts.sign_up");
    assert!(line.contains("WARN") && line.contains("huose") && !line.contains("default"), "{line}");
    let report = doctor(&world, "[\"default\", \"huose\"]");
    let finding = report["checks"].as_array().unwrap().iter().find(|own| own["id"] == "sign-up");
    let finding = finding.unwrap_or_else(|| panic!("{report}"));
    assert_eq!(finding["verdict"], "wrong");
    assert!(finding["message"].as_str().unwrap().contains("`huose`, and"), "{finding}");
    world.cli(&["tenant", "create", "--id", "huose", "--name", "House"]).unwrap();
    for well in ["[\"default\", \"huose\"]", "true", "false"] {
        let report = doctor(&world, well);
        assert_eq!(report["well"], true, "{well}: {report}");
    }
}

#[test]
fn an_acr_that_nobody_knows_is_refused_with_those_that_are_known() {
    let world = World::start(&[]);
    let create = [
        "client",
        "create",
        "--id",
        "tv",
        "--name",
        "TV",
        "--public",
        "--grant",
        "urn:ietf:params:oauth:grant-type:device_code",
    ];
    world.cli(&create).unwrap();
    world.follow("tv");
    let form = "client_id=tv&scope=openid";
    let raw = format!(
        "POST /oauth/device_authorization HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{form}",
        form.len()
    );
    let asked = world.send(raw.as_bytes()).json();
    let code = asked["user_code"].as_str().unwrap_or_else(|| panic!("{asked}"));
    let approve = |acr: &str| world.cli(&["approval", "approve", code, "--user", "alice", "--acr", acr]);
    let refusal = approve("nope").unwrap_err();
    assert!(refusal.contains("acr must be one of urn:valetkey:acr:signed-in, "), "{refusal}");
    approve("urn:valetkey:acr:password").unwrap();
}
