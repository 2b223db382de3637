//! RFC 8628 — the device flow, as a device without a browser does it

use super::super::http;
use super::super::output::Answer;
use super::{Party, Who, object};
use anyhow::{Result, bail};
use clap::Args;
use form_urlencoded::Serializer;
use serde_json::Value;
use std::time::Duration;
use tokio::time::sleep;

/// RFC 8628 §3.2, where the server says nothing; §3.5, how much longer after `slow_down`.
const INTERVAL: u64 = 5;
const STEP: u64 = 5;
/// How often in a row the server may not answer.
const TRIES: u32 = 5;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    client: Who,
}

pub(super) async fn run(arguments: Arguments) -> Result<Answer> {
    let party = Party::find(&arguments.client).await?;
    let mut form = Serializer::new(String::new());
    party.ask_for(&mut form);
    let begun = object(&party.post("device_authorization_endpoint", form).await?)?;
    let member = |name: &str| begun[name].as_str().unwrap_or_default();
    // Not on standard output: that is for the tokens.
    eprintln!(
        "Open this in a browser, on any device:\n\n{}\n\nand enter the code\n\n{}\n",
        member("verification_uri"),
        member("user_code")
    );
    let mut interval = begun["interval"].as_u64().unwrap_or(INTERVAL);
    let mut tries = 0;
    loop {
        sleep(Duration::from_secs(interval)).await;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:device_code")
            .append_pair("device_code", member("device_code"));
        let reply = match party.post("token_endpoint", form).await {
            Ok(reply) if !reply.status.is_server_error() => reply,
            // RFC 8628 §3.5: a connection that failed says nothing of the answer.
            Ok(_) | Err(_) if tries < TRIES => {
                (tries, interval) = (tries + 1, interval.saturating_mul(2));
                continue;
            }
            Ok(reply) => reply,
            Err(error) => return Err(error),
        };
        match error(&reply).as_deref() {
            Some("authorization_pending") => {}
            Some("slow_down") => interval += STEP,
            Some("access_denied") => bail!("somebody said no"),
            Some("expired_token") => bail!("nobody entered the code in time: run it again"),
            _ => return Ok(party.answer(object(&reply)?)),
        }
    }
}

fn error(reply: &http::Reply) -> Option<String> {
    let json: Value = serde_json::from_slice(&reply.body).ok()?;
    Some(json["error"].as_str()?.to_owned())
}
