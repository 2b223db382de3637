//! RFC 8693 §1.1, §4.1, §4.4, §5 — what an operator lets a client make of a token, and never more than the token had

use super::subject::{Actor, Party, Subject};
use super::wrong;
use crate::client::Client;
use crate::client::profile::Exchanging;
use crate::context::Context;
use crate::error::{Code, Denial};
use crate::params::Params;
use crate::scope::Scope;
use serde_json::{Map, Value, json};

/// How deep `act` may be nested.
const DEEPEST: usize = 8;

/// Whether this client may exchange a token of that client for those audiences: its own, one for an API that it stands for
/// (it bears the API's id), and those of clients that the operator names.
pub(super) fn may_present(cx: &Context, client: &Client, of: &str, audience: &[&str]) -> bool {
    let stands_for = || {
        cx.catalog()
            .apis()
            .iter()
            .any(|api| api.id.as_str() == client.id.as_str() && audience.contains(&api.resource.as_str()))
    };
    of == client.id.as_str()
        || client.profile.federation.token_exchange_clients.iter().any(|own| own == of)
        || stands_for()
}

/// Where the new token may be used.
#[derive(Debug)]
pub(super) struct Targets {
    pub(super) resources: Vec<String>,
    /// Whether the old one could not be used there.
    widened: bool,
}

/// §2.1: `resource` and `audience`, which may both come several times. Without them: where the old one could be used.
pub(super) fn targets(
    cx: &Context,
    client: &Client,
    subject: &Subject,
    params: &Params<'_>,
) -> Result<Targets, Denial> {
    let catalog = cx.catalog();
    let asked: Vec<&str> = params.all("resource").chain(params.all("audience")).collect();
    if asked.is_empty() {
        let there = |uri: &&String| catalog.api_by_resource(uri).is_some();
        let resources = subject.audience.iter().filter(there).cloned().collect();
        return Ok(Targets { resources, widened: false });
    }
    let (mut resources, mut widened) = (Vec::new(), false);
    for name in asked {
        // A resource by its URI, an audience also by the API's id.
        let api = catalog.apis().iter().find(|api| api.resource == name || api.id.as_str() == name);
        let api = api.ok_or(
            Code::InvalidTarget
                .because("ask for a resource or audience that is registered here, by its exact name"),
        )?;
        let listed = |own: &String| *own == api.resource || own == api.id.as_str();
        if !subject.audience.contains(&api.resource) {
            if !client.profile.federation.token_exchange_audiences.iter().any(listed) {
                return Err(Code::InvalidTarget.because(
                    "this application may not exchange this token for one of that resource or audience",
                ));
            }
            widened = true;
        }
        if !resources.contains(&api.resource) {
            resources.push(api.resource.clone());
        }
    }
    Ok(Targets { resources, widened })
}

/// §4.1: who acts, as the new token says it; the actors before stand inside.
pub(super) fn acting(
    client: &Client,
    subject: &Subject,
    actor: Option<&Actor>,
    targets: &Targets,
) -> Result<Option<Value>, Denial> {
    let may = |mode: Exchanging| client.profile.federation.token_exchange.contains(&mode);
    let own =
        subject.client.as_deref() == Some(client.id.as_str()) || matches!(subject.party, Party::Application);
    if own && actor.is_none() && !targets.widened {
        return Ok(subject.act.clone());
    }
    let itself = || {
        let mut claims = Map::new();
        claims.insert("sub".to_owned(), json!(client.id));
        claims.insert("client_id".to_owned(), json!(client.id));
        claims
    };
    let claims = actor.map_or_else(itself, |actor| actor.claims.clone());
    // §4.4: where the token says who may act, nobody else may. It takes nobody's leave for them: that is the operator's.
    let named = subject.may_act.as_ref().map(|own| is_named(own, &claims, client));
    if named == Some(false) {
        return Err(wrong("the subject_token says who may act with it (may_act), and this is somebody else"));
    }
    if actor.is_none() && may(Exchanging::Impersonation) {
        return Ok(subject.act.clone());
    }
    if !may(Exchanging::Delegation) {
        return Err(wrong("this application may not exchange this token: its operator did not allow it"));
    }
    chained(claims, subject.act.clone()).map(Some)
}

fn is_named(may_act: &Value, claims: &Map<String, Value>, client: &Client) -> bool {
    let Some(wanted) = may_act.as_object().filter(|own| !own.is_empty()) else { return false };
    wanted.iter().all(|(name, value)| match name.as_str() {
        "client_id" => *value == json!(client.id),
        "sub" | "iss" => claims.get(name) == Some(value),
        // What is not understood names nobody.
        _ => false,
    })
}

fn chained(mut claims: Map<String, Value>, before: Option<Value>) -> Result<Value, Denial> {
    let (mut depth, mut inner) = (0, before.as_ref());
    while let Some(act) = inner {
        depth += 1;
        inner = act.get("act");
    }
    if depth >= DEEPEST {
        return Err(wrong("too many actors stand behind one another"));
    }
    if let Some(before) = before {
        claims.insert("act".to_owned(), before);
    }
    Ok(Value::Object(claims))
}

/// Never more than the old token had, than this client may ask for, and than its operator lets it exchange.
pub(super) fn scope(
    cx: &Context,
    client: &Client,
    subject: &Subject,
    asked: Option<&str>,
) -> Result<Scope, Denial> {
    let most = client.profile.federation.token_exchange_scope.as_ref();
    let open = |name: &str| {
        client.may_ask_for(name)
            && most.is_none_or(|most| most.contains(name))
            && subject.scope.as_ref().is_none_or(|own| own.contains(name))
    };
    let Some(text) = asked else {
        let all = match &subject.scope {
            Some(own) => own.clone(),
            None => cx.catalog().asked_scope(client, None)?,
        };
        let left = all.filter(open);
        return if left.is_empty() && !all.is_empty() { Err(NOTHING_LEFT) } else { Ok(left) };
    };
    let scope = cx.catalog().asked_scope(client, Some(text))?;
    if !scope.iter().all(open) {
        return Err(Code::InvalidScope
            .because("ask for no more than the subject_token and this application may have"));
    }
    Ok(scope)
}

const NOTHING_LEFT: Denial =
    Code::InvalidScope.because("nothing that the subject_token may do is open to this application");
