//! RFC 9396 — authorization details on their way: read from a request, narrowed by another, for one API

use crate::applied::DetailsType;
use crate::catalog::Catalog;
use crate::client::Client;
use crate::context::Context;
use crate::error::{Code, Denial};
use crate::params::Params;
use crate::store::Grant;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The name of the parameter, of the claim and of the member in an answer.
pub const PARAMETER: &str = "authorization_details";
/// What a request may bring: people read each of them, and every token carries them.
const LONGEST: usize = 8 * 1024;
const MOST: usize = 20;

const BAD: Denial = Code::InvalidAuthorizationDetails.because(
    "authorization_details is a JSON array of objects, each with a type that is registered here and for this client, and with what its type allows",
);
const WIDER: Denial =
    Code::InvalidAuthorizationDetails.because("ask for no more authorization_details than were agreed");

/// RFC 9396 §2: the objects of the parameter.
fn read(text: &str) -> Result<Vec<Map<String, Value>>, Denial> {
    let objects: Vec<Map<String, Value>> = Some(text)
        .filter(|text| text.len() <= LONGEST)
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or(BAD)?;
    if objects.is_empty() || objects.len() > MOST {
        return Err(BAD);
    }
    Ok(objects)
}

fn type_of<'a>(types: &'a [DetailsType], object: &Map<String, Value>) -> Option<&'a DetailsType> {
    let name = object.get("type")?.as_str()?;
    types.iter().find(|own| own.name == name)
}

/// RFC 9396 §5: what a request asks for, each of a registered type and as that one allows.
pub fn asked(cx: &Context, client: &Client, text: &str) -> Result<Vec<Value>, Denial> {
    let (in_force, catalog) = (cx.in_force(), cx.catalog());
    let own = &client.profile.security.authorization_details_types;
    let objects = read(text)?;
    for object in &objects {
        let kind = type_of(&in_force.applied.authorization_details_types, object).ok_or(BAD)?;
        let open = own.is_empty() || own.contains(&kind.name);
        if !open || !kind.fits(object, resource(&catalog, kind)) {
            return Err(BAD);
        }
    }
    Ok(objects.into_iter().map(Value::Object).collect())
}

/// The address of the API that a type belongs to.
fn resource<'a>(catalog: &'a Catalog, kind: &DetailsType) -> Option<&'a str> {
    let api = kind.api.as_ref()?;
    catalog.apis().iter().find(|own| own.id == *api).map(|own| own.resource.as_str())
}

/// The APIs that details are meant for, by their resource (RFC 9396 §3).
pub fn resources(cx: &Context, details: &[Value]) -> Vec<String> {
    if details.is_empty() {
        return Vec::new();
    }
    let (in_force, catalog) = (cx.in_force(), cx.catalog());
    let kind = |value: &Value| type_of(&in_force.applied.authorization_details_types, value.as_object()?);
    let named = details.iter().filter_map(|value| resource(&catalog, kind(value)?));
    let mut all: Vec<String> = named.map(str::to_owned).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// RFC 9396 §9: what of them means something at these APIs; all, where the token names none.
pub fn for_audience(cx: &Context, details: &[Value], audience: &[&str]) -> Vec<Value> {
    if details.is_empty() {
        return Vec::new();
    }
    let (in_force, catalog) = (cx.in_force(), cx.catalog());
    let meant = |value: &&Value| {
        let kind = value
            .as_object()
            .and_then(|object| type_of(&in_force.applied.authorization_details_types, object));
        let at = kind.and_then(|kind| resource(&catalog, kind));
        audience.is_empty() || at.is_none_or(|at| audience.contains(&at))
    };
    details.iter().filter(meant).cloned().collect()
}

/// RFC 9396 §6: a token request may ask for less of what the grant holds. The grant keeps all.
pub fn narrowed<'a>(grant: &'a Grant, params: &Params<'_>) -> Result<Cow<'a, Grant>, Denial> {
    let Some(text) = params.one(PARAMETER) else { return Ok(Cow::Borrowed(grant)) };
    let objects = read(text)?;
    let agreed = &grant.details.authorization_details;
    let within = |object: &Map<String, Value>| {
        agreed.iter().filter_map(Value::as_object).any(|own| covers(own, object))
    };
    if !objects.iter().all(within) {
        return Err(WIDER);
    }
    let mut less = grant.clone();
    less.details.authorization_details = objects.into_iter().map(Value::Object).collect();
    Ok(Cow::Owned(less))
}

/// Whether one object is the other, or the other with fewer entries in its lists: what is left out would mean more.
fn covers(agreed: &Map<String, Value>, asked: &Map<String, Value>) -> bool {
    agreed.len() == asked.len()
        && agreed.iter().all(|(name, own)| match (own, asked.get(name)) {
            (Value::Array(own), Some(Value::Array(some))) if name != "type" => {
                own == some || (!some.is_empty() && some.iter().all(|one| own.contains(one)))
            }
            (own, Some(other)) => own == other,
            (_, None) => false,
        })
}

/// What a grant without a person cannot have.
pub fn none_here(params: &Params<'_>) -> Result<(), Denial> {
    if params.contains(PARAMETER) {
        return Err(Code::InvalidAuthorizationDetails
            .because("authorization_details are agreed by a person: ask at the authorization endpoint"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rfc9396_section_6_a_list_may_shrink_and_nothing_else_may_change() {
        let agreed = json!({"type": "files", "actions": ["read", "write"], "identifier": "f1"});
        for (asked, ok) in [
            (json!({"type": "files", "actions": ["read", "write"], "identifier": "f1"}), true),
            (json!({"type": "files", "actions": ["read"], "identifier": "f1"}), true),
            (json!({"type": "files", "actions": ["read", "delete"], "identifier": "f1"}), false),
            (json!({"type": "files", "actions": [], "identifier": "f1"}), false),
            (json!({"type": "files", "identifier": "f1"}), false),
            (json!({"type": "files", "actions": ["read"]}), false),
            (json!({"type": "files", "actions": ["read"], "identifier": "f2"}), false),
            (json!({"type": "other", "actions": ["read"], "identifier": "f1"}), false),
            (json!({"type": "files", "actions": ["read"], "identifier": "f1", "more": 1}), false),
        ] {
            let [own, other] = [&agreed, &asked].map(|value| value.as_object().expect("an object"));
            assert_eq!(covers(own, other), ok, "{asked}");
        }
    }

    #[test]
    fn rfc9396_section_2_only_a_list_of_some_objects_is_read() {
        for (text, ok) in [
            (r#"[{"type":"a"}]"#, true),
            ("[]", false),
            (r#"{"type":"a"}"#, false),
            ("[1]", false),
            ("[{", false),
            (&format!("[{}]", vec!["{}"; 21].join(",")), false),
            (&format!(r#"[{{"type":"{}"}}]"#, "a".repeat(9000)), false),
            (&format!("{}{}", "[".repeat(4000), "]".repeat(4000)), false),
        ] {
            assert_eq!(read(text).is_ok(), ok, "{}", &text[..text.len().min(40)]);
        }
    }
}
