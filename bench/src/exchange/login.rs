//! Password logins: a browser without cookies is sent to the login page, fills it, and is signed in.

use super::{Exchange, Step};
use crate::browser::{CodeRequest, Credentials, Form, Jar, path_on};
use crate::http::{self, Answer};

enum Stage {
    Authorize,
    Page { path: String },
    Password,
}

/// One connection that signs the same user in, again and again, each time as a new browser.
pub(crate) struct Login {
    host: String,
    code_request: CodeRequest,
    credentials: Credentials,
    cookies: Jar,
    stage: Stage,
    request: Vec<u8>,
}

impl Login {
    pub(crate) fn boxed(
        host: &str,
        code_request: CodeRequest,
        credentials: Credentials,
    ) -> Box<dyn Exchange> {
        let (cookies, request) = (Jar::default(), Vec::new());
        let host = host.to_owned();
        let mut login = Self { host, code_request, credentials, cookies, stage: Stage::Authorize, request };
        login.ask();
        Box::new(login)
    }

    fn ask(&mut self) {
        self.cookies = Jar::default();
        self.stage = Stage::Authorize;
        self.request = http::get(&self.host, &self.code_request.path(), "");
    }
}

impl Exchange for Login {
    fn request(&self) -> &[u8] {
        &self.request
    }

    fn answer(&mut self, answer: &Answer<'_>) -> Result<Step, String> {
        self.cookies.absorb(answer);
        let location = answer.header("location").filter(|_| (302..=303).contains(&answer.status));
        match &self.stage {
            Stage::Authorize => {
                let path = location.and_then(|location| path_on(location, &self.host));
                let path = path.ok_or_else(|| answer.describe())?.to_owned();
                self.request = http::get(&self.host, &path, &self.cookies.header());
                self.stage = Stage::Page { path };
                Ok(Step::Continue)
            }
            Stage::Page { path } => {
                let page = std::str::from_utf8(answer.body).map_err(|_| "a page that is not UTF-8")?;
                let form = Form::with_field(page, "password").ok_or_else(|| answer.describe())?;
                let filled = form.filled(&self.credentials.fields());
                let target = form.target(path);
                self.request = http::post(&self.host, target, &self.cookies.header(), &filled);
                self.stage = Stage::Password;
                Ok(Step::Continue)
            }
            Stage::Password if location.is_some() && answer.header("set-cookie").is_some() => {
                self.ask();
                Ok(Step::Done)
            }
            Stage::Password => Err(answer.describe()),
        }
    }
}
