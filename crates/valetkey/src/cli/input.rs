//! What commands read: secrets from standard input, never from arguments that other users of the machine can see.

use anyhow::{Result, bail};
use std::io::{IsTerminal, Read};
use valetkey_core::secret::Secret;

/// Nothing we read is longer.
const LONGEST: u64 = 64 * 1024;

/// One line from standard input; from a terminal it is asked for and not shown.
pub(crate) fn secret(prompt: &str) -> Result<Secret> {
    let text = if std::io::stdin().is_terminal() {
        Secret::new(rpassword::prompt_password(format!("{prompt}: "))?)
    } else {
        read()?
    };
    if text.expose().is_empty() {
        bail!(
            "nothing came on standard input: pipe the {} in, as in `printf %s … | valetkey …`",
            prompt.to_lowercase()
        );
    }
    Ok(text)
}

/// A token: the argument, or standard input where that is missing or `-`.
pub(crate) fn token(argument: Option<&str>) -> Result<Secret> {
    match argument {
        Some(text) if text != "-" => Ok(Secret::new(text)),
        _ => secret("Token"),
    }
}

/// All of standard input without the line's end.
fn read() -> Result<Secret> {
    let mut text = String::new();
    std::io::stdin().take(LONGEST).read_to_string(&mut text)?;
    let whole = Secret::new(text);
    Ok(Secret::new(whole.expose().trim_end_matches(['\r', '\n'])))
}
