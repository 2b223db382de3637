//! What a connection says: each exchange produces its next request from the answers it was given.

mod code_flow;
mod login;
mod refresh;

use std::cell::RefCell;
use std::rc::Rc;

use crate::http::{Answer, find};

pub(crate) use code_flow::CodeFlow;
pub(crate) use login::Login;
pub(crate) use refresh::Refresh;

/// One side of a conversation with the server.
pub(crate) trait Exchange {
    /// The request to send now; the same bytes until `answer` is called.
    fn request(&self) -> &[u8];

    /// Judges the answer and prepares the next request. An error voids the run.
    fn answer(&mut self, answer: &Answer<'_>) -> Result<Step, String>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The unit of work goes on with a further request.
    Continue,
    /// A unit of work (a request, or a whole flow) is done.
    Done,
}

/// The same request again and again.
pub(crate) struct Fixed {
    request: Rc<[u8]>,
    expected: &'static str,
}

impl Fixed {
    /// `expected` has to stand in the body of every answer, whose status has to be 200.
    pub(crate) fn boxed(request: &[u8], expected: &'static str) -> Box<dyn Exchange> {
        Box::new(Self { request: request.into(), expected })
    }
}

impl Exchange for Fixed {
    fn request(&self) -> &[u8] {
        &self.request
    }

    fn answer(&mut self, answer: &Answer<'_>) -> Result<Step, String> {
        expect(answer, self.expected)
    }
}

/// Prepared requests, one after the other and around again; the connections share them, each from its own start.
pub(crate) struct Cycle {
    requests: Rc<[Vec<u8>]>,
    at: usize,
    expected: &'static str,
}

impl Cycle {
    pub(crate) fn over(
        requests: &Rc<[Vec<u8>]>,
        connections: usize,
        expected: &'static str,
    ) -> Vec<Box<dyn Exchange>> {
        let part = |index: usize| index * requests.len() / connections.max(1);
        let cycle = |index| Self { requests: Rc::clone(requests), at: part(index), expected };
        (0..connections).map(|index| Box::new(cycle(index)) as Box<dyn Exchange>).collect()
    }
}

impl Exchange for Cycle {
    fn request(&self) -> &[u8] {
        &self.requests[self.at]
    }

    fn answer(&mut self, answer: &Answer<'_>) -> Result<Step, String> {
        self.at = (self.at + 1) % self.requests.len();
        expect(answer, self.expected)
    }
}

/// Tokens gathered from the answers of several connections.
pub(crate) type Gathered = Rc<RefCell<Vec<String>>>;

/// The same token request again and again, keeping the access tokens it is given.
pub(crate) struct Gather {
    pub(crate) request: Rc<[u8]>,
    pub(crate) tokens: Gathered,
}

impl Exchange for Gather {
    fn request(&self) -> &[u8] {
        &self.request
    }

    fn answer(&mut self, answer: &Answer<'_>) -> Result<Step, String> {
        let token = answer.json_text("access_token").ok_or_else(|| answer.describe())?;
        self.tokens.borrow_mut().push(token.to_owned());
        Ok(Step::Done)
    }
}

fn expect(answer: &Answer<'_>, expected: &str) -> Result<Step, String> {
    if answer.status == 200 && find(answer.body, expected.as_bytes()).is_some() {
        Ok(Step::Done)
    } else {
        Err(answer.describe())
    }
}
