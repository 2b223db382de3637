//! Other issuers whose word counts here.

use super::Handle;
use super::fixtures::{NOW, any};
use valetkey_core::federation::{MatchBy, Trust, TrustedIssuer};
use valetkey_core::ids::TenantId;
use valetkey_core::store::{ChangeKind, Write};

fn issuer(id: &str, iss: &str) -> TrustedIssuer {
    TrustedIssuer {
        id: id.to_owned(),
        issuer: iss.to_owned(),
        jwks: None,
        jwks_uri: Some(format!("{iss}/keys")),
        audiences: vec!["https://id.example".to_owned()],
        algorithms: Vec::new(),
        trusted_for: vec![Trust::Users, Trust::IdJag],
        tenant: TenantId::default(),
        match_by: MatchBy::Username,
        sign_up: false,
        implies_consent: true,
        disabled: false,
        created_at: NOW,
        updated_at: NOW,
        version: 1,
    }
}

pub async fn an_issuer_is_trusted_once_changed_and_deleted(store: Handle) {
    let own = issuer("corp", "https://idp.example");
    assert_eq!(store.create_issuer(&own, &any()).await.unwrap(), Write::Done);
    let same_id = issuer("corp", "https://other.example");
    assert_eq!(store.create_issuer(&same_id, &any()).await.unwrap(), Write::Conflict);
    let same_issuer = issuer("other", "https://idp.example");
    assert_eq!(store.create_issuer(&same_issuer, &any()).await.unwrap(), Write::Conflict);
    assert_eq!(store.issuers().await.unwrap(), std::slice::from_ref(&own));
    let changed = TrustedIssuer { disabled: true, ..own };
    assert_eq!(store.update_issuer(&changed, &any()).await.unwrap(), Write::Done);
    assert_eq!(store.update_issuer(&changed, &any()).await.unwrap(), Write::Conflict, "an old version");
    assert_eq!(store.issuers().await.unwrap(), [TrustedIssuer { version: 2, ..changed.clone() }]);
    let other = TrustedIssuer { id: "other".to_owned(), ..changed };
    assert_eq!(store.update_issuer(&other, &any()).await.unwrap(), Write::Unknown);
    assert_eq!(store.delete_issuer("corp", &any()).await.unwrap(), Write::Done);
    assert_eq!(store.delete_issuer("corp", &any()).await.unwrap(), Write::Unknown);
    let told = store.changes_since(0).await.unwrap().unwrap();
    assert_eq!(told.iter().filter(|change| change.kind == ChangeKind::Upstream).count(), 3);
}
