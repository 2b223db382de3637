//! Scopes and APIs.

use super::Handle;
use super::fixtures::{NOW, any, record, told};
use valetkey_core::audit::Event;
use valetkey_core::jose::SigningAlgorithm;
use valetkey_core::route::Method;
use valetkey_core::scope::Scope;
use valetkey_core::store::{Api, ChangeKind, EndpointRule, ScopeWords, TokenFormat, Write};
use valetkey_core::time::Seconds;

fn scope(name: &str) -> ScopeWords {
    ScopeWords {
        name: name.to_owned(),
        description: "See your things".to_owned(),
        detail: "All of them".to_owned(),
        default: true,
        standard: false,
    }
}

/// The API of an id; its resource is told from the id's first letter.
fn api(id: &str) -> Api {
    Api {
        id: id.into(),
        name: "Things".to_owned(),
        prefix: "/things".to_owned(),
        upstream: "http://127.0.0.1:1".to_owned(),
        resource: format!("https://{}.example/", &id[..1]),
        scopes: Scope::from_iter(["read"]),
        token_format: TokenFormat::Jwt,
        signing_alg: SigningAlgorithm::Es256,
        access_token_lifetime: Some(Seconds(60)),
        endpoints: vec![EndpointRule {
            id: "ep_1".into(),
            method: Method::Get,
            path: "/{id}".to_owned(),
            scopes: Scope::from_iter(["read"]),
            user: true,
            max_age: Some(Seconds(60)),
            acr: vec!["urn:a".to_owned()],
        }],
        query_access_token: true,
        pass_token: false,
        browser: false,
        browser_scope: None,
        cors_origins: Vec::new(),
        created_at: NOW,
        updated_at: NOW,
        version: 1,
    }
}

pub async fn a_scope_is_created_once_changed_and_deleted(store: Handle) {
    assert_eq!(store.create_scope(&scope("write"), &any()).await.unwrap(), Write::Done);
    assert_eq!(store.create_scope(&scope("read"), &any()).await.unwrap(), Write::Done);
    assert_eq!(store.create_scope(&scope("read"), &any()).await.unwrap(), Write::Conflict);
    let changed = ScopeWords { description: "Look".to_owned(), default: false, ..scope("read") };
    assert_eq!(store.update_scope(&changed, &any()).await.unwrap(), Write::Done);
    assert_eq!(store.update_scope(&scope("none"), &any()).await.unwrap(), Write::Unknown);
    assert_eq!(store.scopes().await.unwrap(), [changed, scope("write")]);
    assert_eq!(store.delete_scope("read", &any()).await.unwrap(), Write::Done);
    assert_eq!(store.delete_scope("read", &any()).await.unwrap(), Write::Unknown);
    assert_eq!(store.scopes().await.unwrap(), [scope("write")]);
}

pub async fn a_standard_scope_cannot_be_deleted(store: Handle) {
    let standard = ScopeWords { standard: true, ..scope("openid") };
    store.create_scope(&standard, &any()).await.unwrap();
    assert_eq!(store.delete_scope("openid", &any()).await.unwrap(), Write::Conflict);
    assert_eq!(store.scopes().await.unwrap(), [standard]);
}

pub async fn an_api_reads_back_and_its_id_and_resource_are_taken_once(store: Handle) {
    assert_eq!(store.create_api(&api("b"), &any()).await.unwrap(), Write::Done);
    assert_eq!(store.create_api(&api("a"), &any()).await.unwrap(), Write::Done);
    let same_id = Api { resource: "https://other.example/".to_owned(), ..api("a") };
    assert_eq!(store.create_api(&same_id, &any()).await.unwrap(), Write::Conflict);
    assert_eq!(store.create_api(&api("a-too"), &any()).await.unwrap(), Write::Conflict, "its resource");
    assert_eq!(store.apis().await.unwrap(), [api("a"), api("b")]);
}

pub async fn an_api_update_is_guarded_by_version_and_resource(store: Handle) {
    store.create_api(&api("a"), &any()).await.unwrap();
    store.create_api(&api("b"), &any()).await.unwrap();
    let renamed = Api { name: "Stuff".to_owned(), ..api("a") };
    assert_eq!(store.update_api(&renamed, &any()).await.unwrap(), Write::Done);
    assert_eq!(store.update_api(&renamed, &any()).await.unwrap(), Write::Conflict, "an old version");
    let stolen = Api { version: 2, resource: api("b").resource, ..api("a") };
    assert_eq!(store.update_api(&stolen, &any()).await.unwrap(), Write::Conflict, "a taken resource");
    assert_eq!(store.update_api(&api("c"), &any()).await.unwrap(), Write::Unknown);
    assert_eq!(store.apis().await.unwrap(), [Api { version: 2, ..renamed }, api("b")]);
    assert_eq!(store.delete_api(&"a".into(), &any()).await.unwrap(), Write::Done);
    assert_eq!(store.delete_api(&"a".into(), &any()).await.unwrap(), Write::Unknown);
    assert_eq!(store.apis().await.unwrap(), [api("b")]);
}

pub async fn changes_of_the_catalog_are_announced_and_audited(store: Handle) {
    store.create_scope(&scope("read"), &record(Event::ScopeCreated)).await.unwrap();
    store.update_scope(&scope("read"), &record(Event::ScopeUpdated)).await.unwrap();
    store.delete_scope("read", &record(Event::ScopeDeleted)).await.unwrap();
    store.create_api(&api("a"), &record(Event::ApiCreated)).await.unwrap();
    store.update_api(&api("a"), &record(Event::ApiUpdated)).await.unwrap();
    store.delete_api(&"a".into(), &record(Event::ApiDeleted)).await.unwrap();
    let changes = store.changes_since(0).await.unwrap().unwrap();
    let told_of: Vec<_> = changes.iter().map(|change| (change.kind, change.key.as_slice())).collect();
    let (scope, api) = ((ChangeKind::Scope, &b"read"[..]), (ChangeKind::Api, &b"a"[..]));
    assert_eq!(told_of, [scope, scope, scope, api, api, api]);
    for event in [Event::ScopeCreated, Event::ScopeUpdated, Event::ScopeDeleted, Event::ApiCreated] {
        assert_eq!(told(&store, event).await, 1, "{event:?}");
    }
    assert_eq!((told(&store, Event::ApiUpdated).await, told(&store, Event::ApiDeleted).await), (1, 1));
}
