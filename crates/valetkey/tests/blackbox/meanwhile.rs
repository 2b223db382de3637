//! What is handed out while something is switched off or deleted: it dies with the rest, on every server

use crate::support::{assert_refused, introspected, service_token, text, world};
use crate::tenants::{OPERATOR, bound, towns};
use valetkey_core::client::authenticate;
use valetkey_core::manage::{client, tenant, user};
use valetkey_core::params::Params;
use valetkey_core::token::access;
use valetkey_testkit::{CLIENT_SECRET, redemption};

#[tokio::test]
async fn a_token_issued_while_its_client_is_switched_off_or_deleted_is_dead() {
    for delete in [false, true] {
        let app = world().await;
        let order = app.cx();
        app.clock.advance(1);
        let token = service_token(&app, &[]).await.json();
        let meanwhile = text(&token, "access_token");
        assert_eq!(introspected(&app, meanwhile).await["active"], true);
        if delete {
            client::delete(&order, OPERATOR, &"service".into()).await.unwrap();
        } else {
            client::disable(&order, &OPERATOR, &"service".into()).await.unwrap();
        }
        let verified = access::verify(&app.server, meanwhile, app.server.now());
        assert!(verified.is_none(), "deleted: {delete}");
    }
}

#[tokio::test]
async fn a_token_issued_while_its_user_or_tenant_is_switched_off_is_dead() {
    for whole in [false, true] {
        let app = towns().await;
        let order = app.cx();
        app.clock.advance(1);
        let tokens = crate::tenants::tokens(&app, &mut app.browser(), "eneco", "openid read").await;
        let meanwhile = text(&tokens, "access_token");
        let verified = access::verify(&app.server, meanwhile, app.server.now()).unwrap();
        let id = verified.token().unwrap().user.unwrap().to_owned();
        if whole {
            tenant::disable(&order, &OPERATOR, &"eneco".into()).await.unwrap();
        } else {
            user::disable(&order, &OPERATOR, &id.as_str().into()).await.unwrap();
        }
        assert!(access::verify(&app.server, meanwhile, app.server.now()).is_none(), "tenant: {whole}");
    }
}

#[tokio::test]
async fn a_token_of_a_server_that_had_not_heard_yet_is_dead_everywhere_once_it_has() {
    let first = world().await;
    let second = first.node().await;
    assert_eq!(service_token(&second, &[]).await.status, 200, "it knows the client by heart");
    let order = first.cx();
    client::disable(&order, &OPERATOR, &"service".into()).await.unwrap();
    first.clock.advance(1);
    let late = service_token(&second, &[]).await.json();
    let late = text(&late, "access_token");
    for node in [&second, &first] {
        node.server.follow_changes().await.unwrap();
        let verified = access::verify(&node.server, late, node.server.now());
        assert!(verified.is_none());
    }
    let feed = first.server.store.latest_change().await.unwrap();
    for node in [&first, &second, &first, &second] {
        first.clock.advance(1);
        node.server.follow_changes().await.unwrap();
    }
    assert_eq!(first.server.store.latest_change().await.unwrap(), feed, "nobody answers the answer");
}

#[tokio::test]
async fn who_was_let_in_again_meanwhile_keeps_what_was_given_since() {
    let first = world().await;
    let second = first.node().await;
    client::disable(&first.cx(), &OPERATOR, &"service".into()).await.unwrap();
    first.clock.advance(1);
    client::enable(&first.cx(), &OPERATOR, &"service".into()).await.unwrap();
    let fresh = service_token(&first, &[]).await.json();
    first.clock.advance(1);
    second.server.follow_changes().await.unwrap();
    first.server.follow_changes().await.unwrap();
    for node in [&first, &second] {
        assert_eq!(introspected(node, text(&fresh, "access_token")).await["active"], true);
    }
}

#[tokio::test]
async fn a_client_of_a_tenant_switched_off_gets_no_answer_anywhere() {
    let app = towns().await;
    bound(&app).await;
    let own = Some(("enecos", CLIENT_SECRET));
    let asked = |path: &'static str| app.post(path, own, &[("token", "x"), ("response_type", "code")]);
    for path in ["/oauth/introspect", "/oauth/par", "/oauth/revoke"] {
        assert_ne!(asked(path).await.status, 401, "{path}: before");
    }
    tenant::disable(&app.cx(), &OPERATOR, &"eneco".into()).await.unwrap();
    for path in ["/oauth/introspect", "/oauth/par", "/oauth/revoke"] {
        assert_refused(&asked(path).await, 401, "invalid_client", path);
    }
    tenant::enable(&app.cx(), &OPERATOR, &"eneco".into()).await.unwrap();
    let form = format!("client_id=enecos&client_secret={CLIENT_SECRET}");
    let params = Params::parse(form.as_bytes()).unwrap();
    assert!(authenticate::authenticate(&app.cx(), None, &params).await.is_ok());
}

#[tokio::test]
async fn applying_a_switched_off_default_tenant_takes_back_what_it_gave() {
    let app = world().await;
    let mut browser = app.browser();
    let code = browser.code("app", "openid read", "alice").await;
    let tokens = app.token("app", &redemption(&code)).await.json();
    app.clock.advance(1);
    crate::support::apply_tenant(&app, "default", true).await;
    let refused = crate::support::refresh(&app, "app", text(&tokens, "refresh_token")).await;
    assert_refused(&refused, 400, "invalid_grant", "refresh");
    app.clock.advance(1);
    crate::support::apply_tenant(&app, "default", false).await;
    assert!(!crate::support::opens_userinfo(&app, text(&tokens, "access_token")).await, "it stays dead");
    assert_eq!(browser.get("/account").await.status, 303, "and its sessions are over");
}
