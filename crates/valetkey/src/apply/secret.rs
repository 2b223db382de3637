//! The secrets of a file's clients: never in clear in the file itself.

use crate::config::{permissions, variable};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use serde_json::Value;
use std::path::Path;
use valetkey_core::client::metadata::check_secret;
use valetkey_core::manage::apply::Members;
use valetkey_core::secret::{Secret, SecretHash};

/// How a file may say where a secret is: its SHA-256 (one, or several that all work), a variable, a file, or the first
/// line of standard input.
pub(super) const KEYS: [&str; 5] =
    ["secret_hash", "secret_hashes", "secret_env", "secret_file", "secret_stdin"];

/// How a file may say where the secret is that an upstream gave us.
pub(super) const OURS: [&str; 3] = ["client_secret_env", "client_secret_file", "client_secret_stdin"];

/// What an upstream gave us; nothing: what is there stays.
pub(super) fn ours(given: &Members, directory: &Path) -> Result<Option<Secret>, (&'static str, String)> {
    let mut named = OURS.into_iter().filter_map(|key| Some((key, given.get(key)?)));
    let Some((key, value)) = named.next() else { return Ok(None) };
    if let Some((second, _)) = named.next() {
        return Err((second, format!("say in one way where the secret is: {}", OURS.join(", "))));
    }
    let own = key.strip_prefix("client_").unwrap_or(key);
    let found = clear(own, value, directory).map_err(|message| (key, message))?;
    Ok(found.filter(|secret| !secret.expose().is_empty()))
}

/// The hashes of what is named; nothing: the client keeps what it has, or is given one.
pub(super) fn read(given: &Members, directory: &Path) -> Result<Vec<SecretHash>, (&'static str, String)> {
    let mut found = Vec::new();
    for key in KEYS {
        let Some(value) = given.get(key) else { continue };
        if !found.is_empty() {
            return Err((key, format!("say in one way where the secret is: {}", KEYS.join(", "))));
        }
        found = one(key, value, directory).map_err(|message| (key, message))?;
    }
    Ok(found)
}

fn one(key: &str, value: &Value, directory: &Path) -> Result<Vec<SecretHash>, String> {
    match key {
        "secret_hash" => Ok(vec![hash(value.as_str().ok_or("expected text")?)?]),
        "secret_hashes" => {
            let texts = value.as_array().ok_or("expected a list of \"sha256:…\"")?;
            texts.iter().map(|text| hash(text.as_str().unwrap_or_default())).collect()
        }
        _ => clear(key, value, directory)?.iter().map(hashed).collect(),
    }
}

/// The secret that stands somewhere else.
fn clear(key: &str, value: &Value, directory: &Path) -> Result<Option<Secret>, String> {
    if key == "secret_stdin" {
        return match value.as_bool() {
            Some(true) => {
                let secret = crate::cli::input::secret("Client secret");
                secret.map(Some).map_err(|error| error.to_string())
            }
            Some(false) => Ok(None),
            None => Err("expected true or false".to_owned()),
        };
    }
    let text = value.as_str().ok_or("expected text")?;
    let found = if key == "secret_env" {
        variable(text).ok_or_else(|| format!("the variable {text} is not set"))?
    } else {
        let path = directory.join(text);
        permissions::check_private(&path)?;
        std::fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?
    };
    Ok(Some(Secret::new(found.trim_end_matches(['\r', '\n']))))
}

fn hashed(secret: &Secret) -> Result<SecretHash, String> {
    check_secret(secret.expose()).map_err(|bad| bad.to_string())?;
    Ok(secret.hash())
}

/// `sha256:` and the digest in hex or base64url.
fn hash(text: &str) -> Result<SecretHash, String> {
    let digest = text.strip_prefix("sha256:").and_then(|digest| {
        let hex = HEXLOWER_PERMISSIVE.decode(digest.as_bytes()).ok().filter(|bytes| bytes.len() == 32);
        let bytes = hex.or_else(|| BASE64URL_NOPAD.decode(digest.as_bytes()).ok())?;
        <[u8; 32]>::try_from(bytes).ok()
    });
    let expected = "expected \"sha256:\" and the secret's SHA-256 in hex or base64url";
    digest.map(SecretHash).ok_or_else(|| expected.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_one(key: &str, value: &Value) -> Result<Vec<SecretHash>, String> {
        let given = Members::from_iter([(key.to_owned(), value.clone())]);
        read(&given, Path::new("")).map_err(|(_, message)| message)
    }

    #[test]
    fn a_secret_is_named_by_its_hash_in_hex_or_base64url() {
        let own = SecretHash::of("sixteen-characters");
        let hex = data_encoding::HEXLOWER.encode(&own.0);
        let base64 = BASE64URL_NOPAD.encode(&own.0);
        for (text, want) in [
            (format!("sha256:{hex}"), true),
            (format!("sha256:{}", hex.to_uppercase()), true),
            (format!("sha256:{base64}"), true),
            (hex, false),
            ("sha256:".to_owned(), false),
            (format!("sha256:{base64}AA"), false),
        ] {
            assert_eq!(read_one("secret_hash", &json!(text)).is_ok_and(|got| got == [own]), want, "{text}");
        }
    }

    #[test]
    fn what_names_no_secret_says_why() {
        for (key, value, part) in [
            ("secret_env", json!("VALETKEY_TEST_NOT_SET"), "is not set"),
            ("secret_file", json!("/nowhere/at/all"), "/nowhere/at/all"),
            ("secret_stdin", json!("yes"), "true or false"),
            ("secret_hashes", json!("sha256:x"), "list"),
            ("secret_env", json!(1), "expected text"),
        ] {
            let message = read_one(key, &value).expect_err("refused");
            assert!(message.contains(part), "{key}: {message}");
        }
        let both = json!({"secret_env": "HOME", "secret_hash": "sha256:x"});
        assert!(read(both.as_object().expect("members"), Path::new("")).is_err());
    }
}
