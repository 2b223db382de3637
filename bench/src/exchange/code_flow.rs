//! RFC 6749 §4.1 — whole code flows of a browser whose session lives and whose consent is remembered.

use super::{Exchange, Step};
use crate::browser::{CodeRequest, Jar};
use crate::http::{self, Answer};

/// One connection that asks for a code and redeems it, again and again.
pub(crate) struct CodeFlow {
    host: String,
    code_request: CodeRequest,
    cookies: Jar,
    redeeming: bool,
    request: Vec<u8>,
}

impl CodeFlow {
    /// `cookies` hold a live session whose user has consented to what `code_request` asks.
    pub(crate) fn boxed(host: &str, code_request: CodeRequest, cookies: Jar) -> Box<dyn Exchange> {
        let mut flow =
            Self { host: host.to_owned(), code_request, cookies, redeeming: false, request: Vec::new() };
        flow.ask();
        Box::new(flow)
    }

    fn ask(&mut self) {
        self.redeeming = false;
        self.request = http::get(&self.host, &self.code_request.path(), &self.cookies.header());
    }

    fn redeem(&mut self, code: &str) {
        self.redeeming = true;
        let form = self.code_request.redemption(code);
        http::post_into(&mut self.request, &[&self.host, "/oauth/token", ""], &[&form]);
    }
}

impl Exchange for CodeFlow {
    fn request(&self) -> &[u8] {
        &self.request
    }

    fn answer(&mut self, answer: &Answer<'_>) -> Result<Step, String> {
        if self.redeeming {
            if answer.status != 200 || answer.json_text("access_token").is_none() {
                return Err(answer.describe());
            }
            self.ask();
            return Ok(Step::Done);
        }
        let code = answer.header("location").and_then(|location| self.code_request.code_in(location));
        let code = code.ok_or_else(|| answer.describe())?;
        self.cookies.absorb(answer);
        self.redeem(code);
        Ok(Step::Continue)
    }
}
