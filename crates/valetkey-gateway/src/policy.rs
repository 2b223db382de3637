//! Whether a good token suffices for an endpoint. Pure: the rule and the token decide.

use crate::challenge::Refusal;
use valetkey_core::route::Ruling;
use valetkey_core::token::access::AccessToken;

/// An API without rules lets every token for it through; with rules, only what a rule allows.
pub(crate) fn decide<'a>(ruling: Ruling<'a>, token: &AccessToken<'_>) -> Result<(), Refusal<'a>> {
    let rule = match ruling {
        Ruling::Unruled => return Ok(()),
        Ruling::Unmatched => return Err(Refusal::Endpoint),
        Ruling::Rule(rule) => rule,
    };
    if rule.user && token.user.is_none() {
        return Err(Refusal::Scope(
            &rule.scopes,
            "only a user's token is good here, not an application's own",
        ));
    }
    let has = |name: &str| token.scope.split(' ').any(|own| own == name);
    if rule.scopes.iter().all(has) {
        Ok(())
    } else {
        Err(Refusal::Scope(&rule.scopes, "the access token lacks a scope that is needed here"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use valetkey_core::ids::{Id, TokenId};
    use valetkey_core::route::Method;
    use valetkey_core::scope::Scope;
    use valetkey_core::store::EndpointRule;
    use valetkey_core::time::Timestamp;

    #[test]
    fn all_scopes_are_needed_and_a_user_where_the_rule_says_so() {
        for (needed, user_only, scope, user, want) in [
            ("", false, "", None, true),
            ("read", false, "read write", None, true),
            ("read write", false, "read", None, false),
            ("read", false, "readers", None, false),
            ("read", true, "read", None, false),
            ("read", true, "read", Some("usr_1"), true),
            ("", true, "", None, false),
        ] {
            let rule = EndpointRule {
                id: "ep_1".into(),
                method: Method::Get,
                path: "/".to_owned(),
                scopes: Scope::parse(needed).expect("scope"),
                user: user_only,
            };
            let token = AccessToken {
                details: "",
                id: TokenId(Id::new(1, [0; 10])),
                client: "app",
                user,
                tenant: "default",
                grant: None,
                scope,
                audience: Vec::new(),
                issued_at: Timestamp(0),
                expires_at: Timestamp(10),
                auth_time: None,
                confirmation: None,
            };
            assert_eq!(decide(Ruling::Rule(&rule), &token).is_ok(), want, "{needed:?} {scope:?} {user:?}");
            assert!(decide(Ruling::Unruled, &token).is_ok());
            assert!(decide(Ruling::Unmatched, &token).is_err());
        }
    }
}
