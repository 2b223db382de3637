//! RFC 6749 §6 — a chain of refreshes: every answer brings the token of the next request.

use super::{Exchange, Step};
use crate::http::{Answer, post_into};

/// One grant, refreshed without end by one connection.
pub(crate) struct Refresh {
    host: String,
    client: String,
    token: String,
    request: Vec<u8>,
}

impl Refresh {
    /// `client` is the client's authentication as form parameters.
    pub(crate) fn boxed(host: &str, client: &str, token: String) -> Box<dyn Exchange> {
        let client = format!("grant_type=refresh_token&{client}&refresh_token=");
        let mut refresh = Self { host: host.to_owned(), client, token, request: Vec::new() };
        refresh.prepare();
        Box::new(refresh)
    }

    fn prepare(&mut self) {
        // A sealed token holds base64url and `_` only, so it needs no encoding.
        post_into(&mut self.request, &[&self.host, "/oauth/token", ""], &[&self.client, &self.token]);
    }
}

impl Exchange for Refresh {
    fn request(&self) -> &[u8] {
        &self.request
    }

    fn answer(&mut self, answer: &Answer<'_>) -> Result<Step, String> {
        let token = answer.json_text("refresh_token").filter(|_| answer.status == 200);
        let token = token.ok_or_else(|| answer.describe())?;
        if token == self.token {
            return Err("the refresh token did not rotate".into());
        }
        token.clone_into(&mut self.token);
        self.prepare();
        Ok(Step::Done)
    }
}
