//! RFC 9700 §4.14.2 — taking back while giving: whichever comes first, nothing is alive at the end

use crate::support::{refresh, text, user_id, world};
use std::sync::Arc;
use tokio::task::JoinSet;
use valetkey_core::audit::Actor;
use valetkey_core::ids::ClientId;
use valetkey_core::manage;
use valetkey_testkit::{CLIENT_SECRET, Reply, TestApp, redemption};

/// How something is taken back.
#[derive(Debug, Clone, Copy)]
enum Take {
    Revoke,
    Withdraw,
    DisableUser,
    DisableClient,
}

const TAKES: [Take; 4] = [Take::Revoke, Take::Withdraw, Take::DisableUser, Take::DisableClient];

async fn take(app: &TestApp, how: Take, token: &str) {
    let (cx, operator, client) = (app.cx(), Actor::Operator, ClientId::from("app"));
    match how {
        Take::Revoke => {
            let fields = [("token", token)];
            assert_eq!(app.post("/oauth/revoke", Some(("app", CLIENT_SECRET)), &fields).await.status, 200);
        }
        Take::Withdraw => {
            let alice = user_id(app, "alice").await;
            manage::consent::withdraw(&cx, operator, &alice, &client).await.unwrap();
        }
        Take::DisableUser => {
            let alice = user_id(app, "alice").await;
            manage::user::disable(&cx, &operator, &alice).await.unwrap();
        }
        Take::DisableClient => drop(manage::client::disable(&cx, &operator, &client).await.unwrap()),
    }
}

/// What was given in between opens nothing any more.
async fn assert_all_dead(app: &TestApp, given: &[Reply], case: &str) {
    for reply in given {
        if reply.status != 200 {
            assert!(matches!(reply.status.as_u16(), 400 | 401), "{case}: {}", reply.body);
            continue;
        }
        let tokens = reply.json();
        let reply = app.get_with_token("/oauth/userinfo", text(&tokens, "access_token")).await;
        assert_eq!(reply.status, 401, "{case}: an access token lives");
        let reply = refresh(app, "app", text(&tokens, "refresh_token")).await;
        assert!(matches!(reply.status.as_u16(), 400 | 401), "{case}: a refresh token lives: {}", reply.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refresh_at_the_moment_of_taking_back_leaves_nothing_alive() {
    for how in TAKES {
        for _ in 0..4 {
            let app = Arc::new(world().await);
            let tokens = app.browser().tokens("app", "openid read", "alice").await;
            let token = text(&tokens, "refresh_token").to_owned();
            let mut tasks = JoinSet::new();
            for n in 0..9 {
                let (app, token) = (Arc::clone(&app), token.clone());
                tasks.spawn(async move {
                    if n != 4 {
                        return Some(refresh(&app, "app", &token).await);
                    }
                    take(&app, how, &token).await;
                    None
                });
            }
            let given: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
            assert_eq!(given.len(), 8);
            assert_all_dead(&app, &given, &format!("{how:?}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_code_redeemed_at_the_moment_of_taking_back_leaves_nothing_alive() {
    for how in [Take::Withdraw, Take::DisableUser, Take::DisableClient] {
        for _ in 0..4 {
            let app = Arc::new(world().await);
            let mut browser = app.browser();
            let mut codes = Vec::new();
            for _ in 0..8 {
                codes.push(browser.code("app", "openid read", "alice").await);
            }
            let mut tasks = JoinSet::new();
            for (n, code) in codes.into_iter().enumerate() {
                let app = Arc::clone(&app);
                tasks.spawn(async move {
                    if n == 4 {
                        take(&app, how, "").await;
                    }
                    app.token("app", &redemption(&code)).await
                });
            }
            let given = tasks.join_all().await;
            assert_all_dead(&app, &given, &format!("{how:?}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_logins_at_once_in_one_browser_end_the_session_before() {
    let app = Arc::new(world().await);
    let mut browser = app.browser();
    browser.sign_in("alice").await;
    let page = browser
        .authorize(&crate::support::with(
            &valetkey_testkit::Browser::request("app", "read"),
            "prompt",
            Some("login"),
        ))
        .await;
    let (i, csrf) = (page.hidden("i").unwrap(), page.hidden("csrf").unwrap());
    let cookie: Vec<_> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let cookie = cookie.join("; ");
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let (app, i, csrf, cookie) = (Arc::clone(&app), i.clone(), csrf.clone(), cookie.clone());
        tasks.spawn(async move {
            let fields = [
                ("i", &*i),
                ("csrf", &*csrf),
                ("username", "alice"),
                ("password", valetkey_testkit::PASSWORD),
            ];
            app.call("POST", "/login").header("cookie", &cookie).form(&fields).send().await.status.as_u16()
        });
    }
    let answers = tasks.join_all().await;
    assert!(answers.iter().all(|status| matches!(status, 303 | 429)), "{answers:?}");
    let mut old = app.browser();
    old.cookies = browser.cookies.clone();
    assert_eq!(old.get("/account").await.status, 303, "the session from before is over in any case");
}
