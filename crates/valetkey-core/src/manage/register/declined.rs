//! RFC 7591 §3.2.2 — why a registration is not carried out: the rule that is broken, in words, and nothing of what was sent

use crate::error::{Code, Denial, Error, Fault, becomes};
use crate::manage::ManageError;
use crate::time::Seconds;
use serde_json::Value;

/// Why there is no such client now.
#[derive(Debug)]
pub enum Declined {
    Denied(Denial),
    /// `invalid_client_metadata`: which rule of every client's is broken.
    Rule(String),
    /// Too many registrations came from this address; when one may be tried again.
    Often(Seconds),
    Failed(Fault),
}

becomes!(Denial => Declined::Denied, Fault => Declined::Failed);

impl From<Error> for Declined {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(denial) => Self::Denied(denial),
            Error::Failed(fault) => Self::Failed(fault),
        }
    }
}

impl Declined {
    /// `asked`: what was sent, of which nothing goes back.
    pub(super) fn by_rule(error: ManageError, asked: &Value) -> Self {
        match error {
            ManageError::Failed(fault) => Self::Failed(fault),
            ManageError::Refused(words) => Self::Rule(without(&words, asked)),
            ManageError::Unknown(_) | ManageError::Exists(_) => Self::Denied(
                Code::InvalidClientMetadata.because("it is being changed by somebody else: try again"),
            ),
        }
    }
}

/// The rule's words without what was sent, in the characters that a description may have (RFC 6749 §5.2).
fn without(words: &str, asked: &Value) -> String {
    let mut words = words.to_owned();
    let mut sent = Vec::new();
    texts(asked, &mut sent);
    sent.sort_by_key(|text| std::cmp::Reverse(text.len()));
    for text in sent {
        words = words.replace(&format!("{text}: "), "").replace(text, "one of them");
    }
    let fits = |c: &char| matches!(c, ' ' | '!' | '#'..='[' | ']'..='~');
    words.replace(['"', '\u{2013}'], "'").chars().filter(fits).collect()
}

/// What was sent that no word of ours looks like: addresses, and whatever is long.
fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) if text.len() > 32 || text.contains([':', '/', '<', '"']) => found.push(text),
        Value::Array(all) => all.iter().for_each(|one| texts(one, found)),
        Value::Object(all) => all.values().for_each(|one| texts(one, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rfc7591_section_3_2_2_a_description_names_the_rule_and_holds_nothing_of_what_was_sent() {
        let asked = json!({"jwks_uri": "http://evil.example/<b>", "post_logout_redirect_uris": ["x:y#z"]});
        for (words, want) in [
            ("jwks_uri must be an https address", "jwks_uri must be an https address"),
            ("x:y#z: it has a fragment", "it has a fragment"),
            ("see http://evil.example/<b> there", "see one of them there"),
            ("a \"quoted\" word\n", "a 'quoted' word"),
        ] {
            assert_eq!(without(words, &asked), want);
        }
    }
}
