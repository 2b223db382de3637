//! Whether a good token suffices for an endpoint (RFC 9470 §3 too). Pure: the rule and the token decide.

use crate::challenge::Refusal;
use valetkey_core::login::acr;
use valetkey_core::route::Ruling;
use valetkey_core::settings::AcrValues;
use valetkey_core::store::EndpointRule;
use valetkey_core::time::Timestamp;
use valetkey_core::token::access::AccessToken;
use valetkey_core::token::details::Details;

/// How a token says that its person was authenticated, as far as that holds still.
pub(crate) fn by_token(
    values: &AcrValues,
    token: &AccessToken<'_>,
    now: Timestamp,
    wanted: &[String],
) -> bool {
    let said = Details::read(token.details).acr;
    said.is_some_and(|name| wanted.contains(&name) && acr::holds(values, &name, token.auth_time, now))
}

/// RFC 9470 §3: the person must have proven who they are lately enough, and in one of the ways wanted.
fn is_authenticated(
    rule: &EndpointRule,
    token: &AccessToken<'_>,
    now: Timestamp,
    is_so: impl Fn(&[String]) -> bool,
) -> bool {
    let proven = token.auth_time.filter(|_| token.user.is_some());
    let late = |at: Timestamp| rule.max_age.is_none_or(|age| now - at <= age);
    let asked = rule.max_age.is_some() || !rule.acr.is_empty();
    !asked || proven.is_some_and(late) && (rule.acr.is_empty() || is_so(&rule.acr))
}

/// An API without rules lets every token for it through; with rules, only what a rule allows.
///
/// `is_so`: whether the person was authenticated in one of these ways.
pub(crate) fn decide<'a>(
    ruling: Ruling<'a>,
    token: &AccessToken<'_>,
    now: Timestamp,
    is_so: impl Fn(&[String]) -> bool,
) -> Result<(), Refusal<'a>> {
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
    if !rule.scopes.iter().all(has) {
        return Err(Refusal::Scope(&rule.scopes, "the access token lacks a scope that is needed here"));
    }
    if is_authenticated(rule, token, now, is_so) { Ok(()) } else { Err(Refusal::Authentication(rule)) }
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
                max_age: None,
                acr: Vec::new(),
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
            let decided = |ruling| decide(ruling, &token, Timestamp(5), |_| false).is_ok();
            assert_eq!(decided(Ruling::Rule(&rule)), want, "{needed:?} {scope:?} {user:?}");
            assert!(decided(Ruling::Unruled) && !decided(Ruling::Unmatched));
        }
    }

    #[test]
    fn rfc9470_section_3_the_person_was_authenticated_lately_and_in_a_way_that_suffices() {
        let wanted = || vec!["b".to_owned(), "c".to_owned()];
        let fresh_for = valetkey_core::time::Seconds(60);
        let values = AcrValues { fresh: vec!["now".to_owned()], fresh_for, ..AcrValues::default() };
        for (max_age, acr, user, auth_time, details, want) in [
            (None, vec![], None, None, "", true),
            (Some(60), vec![], Some("usr_1"), Some(40), "", true),
            (Some(60), vec![], Some("usr_1"), Some(39), "", false),
            (Some(60), vec![], Some("usr_1"), None, "", false),
            (Some(60), vec![], None, Some(99), "", false),
            (None, wanted(), Some("usr_1"), Some(0), "{\"acr\":\"c\"}", true),
            (None, wanted(), Some("usr_1"), Some(0), "{\"acr\":\"a\"}", false),
            (None, wanted(), Some("usr_1"), Some(0), "", false),
            (None, vec!["now".to_owned()], Some("usr_1"), Some(40), "{\"acr\":\"now\"}", true),
            (None, vec!["now".to_owned()], Some("usr_1"), Some(39), "{\"acr\":\"now\"}", false),
            (Some(60), wanted(), Some("usr_1"), Some(39), "{\"acr\":\"c\"}", false),
        ] {
            let rule = EndpointRule {
                id: "ep_1".into(),
                method: Method::Get,
                path: "/".to_owned(),
                scopes: Scope::default(),
                user: false,
                max_age: max_age.map(valetkey_core::time::Seconds),
                acr,
            };
            let token = AccessToken {
                details,
                id: TokenId(Id::new(1, [0; 10])),
                client: "app",
                user,
                tenant: "default",
                grant: None,
                scope: "",
                audience: Vec::new(),
                issued_at: Timestamp(0),
                expires_at: Timestamp(1000),
                auth_time: auth_time.map(Timestamp),
                confirmation: None,
            };
            let held = |wanted: &[String]| by_token(&values, &token, Timestamp(100), wanted);
            let got = decide(Ruling::Rule(&rule), &token, Timestamp(100), held);
            assert_eq!(got.is_ok(), want, "{max_age:?} {auth_time:?} {details}");
        }
    }
}
