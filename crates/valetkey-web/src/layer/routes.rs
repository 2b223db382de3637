//! The route templates: they name a request in metrics and logs, where its raw path never appears.

use std::collections::HashMap;
use std::fmt;
use std::ops::Index;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::header::ACCEPT;
use http::{HeaderMap, StatusCode};
use metrics::{Counter, Histogram};

use super::express::Express;

/// The form that errors take at a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// RFC 6749 §5.2: JSON with `error` and `error_description`.
    Protocol,
    /// RFC 9457: `application/problem+json`.
    Rest,
    /// A page in words.
    Page,
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// A route's name and its metrics, whose handles are made once, at the first request that needs them.
pub(super) struct Route {
    template: Arc<str>,
    form: Option<Form>,
    classes: [OnceLock<(Counter, Histogram)>; 5],
    express: Option<Express>,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.template, self.form)
    }
}

impl Route {
    fn new(template: Arc<str>, form: Option<Form>) -> Self {
        Self { template, form, classes: Default::default(), express: None }
    }

    pub(super) fn express(&self) -> Option<&Express> {
        self.express.as_ref()
    }

    pub(super) fn template(&self) -> &str {
        &self.template
    }

    /// The route's form; where there is no route, what the client asks for.
    pub(super) fn form(&self, headers: &HeaderMap) -> Form {
        self.form.unwrap_or_else(|| {
            let asks_for_page = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
            if asks_for_page.is_some_and(|accept| accept.contains("text/html")) {
                Form::Page
            } else {
                Form::Rest
            }
        })
    }

    pub(super) fn count(&self, status: StatusCode, duration: Duration) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        let (requests, seconds) = self.classes[class].get_or_init(|| {
            let labels = [("route", self.template.to_string()), ("status", CLASSES[class].to_owned())];
            (
                metrics::counter!("valetkey_http_requests_total", &labels),
                metrics::histogram!("valetkey_http_request_duration_seconds", &labels),
            )
        });
        requests.increment(1);
        seconds.record(duration.as_secs_f64());
    }
}

/// Names a route of one [`RouteTable`].
#[derive(Debug, Clone, Copy)]
pub(super) struct RouteNumber(usize);

/// Finds the template of a path. It names requests only: the router decides what is served.
#[derive(Debug)]
pub(super) struct RouteTable {
    exact: HashMap<Arc<str>, usize>,
    /// The first is for paths that have none, the second for those of them that belong to an API.
    routes: Vec<Route>,
    patterns: Vec<usize>,
}

impl RouteTable {
    pub(super) fn new<T: Into<Arc<str>>>(templates: impl IntoIterator<Item = (T, Form)>) -> Self {
        let unnamed = ["other", "gateway"].map(|name| Route::new(name.into(), None));
        let mut table = Self { exact: HashMap::new(), patterns: Vec::new(), routes: unnamed.into() };
        for (template, form) in templates {
            let template = template.into();
            let number = table.routes.len();
            table.routes.push(Route::new(Arc::clone(&template), Some(form)));
            if template.contains('{') {
                table.patterns.push(number);
            } else {
                table.exact.insert(template, number);
            }
        }
        table
    }

    /// The same with what is answered past the router, as far as it has these paths.
    pub(super) fn with(mut self, express: Vec<Express>) -> Self {
        for one in express {
            if let Some(&number) = self.exact.get(one.path) {
                self.routes[number].express = Some(one);
            }
        }
        self
    }

    pub(super) fn find(&self, path: &str) -> RouteNumber {
        let fits = |number: usize| {
            let template = self.routes[number].template();
            // Most differ before the first name, and are told apart by that.
            let literal = template.split('{').next().unwrap_or_default();
            path.starts_with(literal) && matches(template, path)
        };
        let pattern = || self.patterns.iter().find(|&&number| fits(number));
        RouteNumber(self.exact.get(path).or_else(pattern).copied().unwrap_or(0))
    }
}

impl RouteNumber {
    pub(super) fn is_other(self) -> bool {
        self.0 == 0
    }
}

impl RouteTable {
    /// The one name of all APIs' paths: which API it was, its upstream knows.
    pub(super) fn gateway(&self) -> &Route {
        &self.routes[1]
    }
}

impl Index<RouteNumber> for RouteTable {
    type Output = Route;

    fn index(&self, number: RouteNumber) -> &Route {
        &self.routes[number.0]
    }
}

/// axum's templates: `{name}` is one segment that is not empty, `{*rest}` is what remains.
fn matches(template: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    for wanted in template.split('/') {
        if wanted.starts_with("{*") {
            return segments.any(|segment| !segment.is_empty());
        }
        let same = match segments.next() {
            Some(segment) if wanted.starts_with('{') => !segment.is_empty(),
            Some(segment) => segment == wanted,
            None => false,
        };
        if !same {
            return false;
        }
    }
    segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_request_is_named_by_its_template_and_never_by_its_path() {
        let routes =
            ["/oauth/token", "/", "/oauth/register/{client_id}", "/assets/{*path}", "/{tenant}/login"];
        let table = RouteTable::new(routes.map(|route| (route, Form::Protocol)));
        for (path, want) in [
            ("/oauth/token", "/oauth/token"),
            ("/", "/"),
            ("/oauth/register/app_1", "/oauth/register/{client_id}"),
            ("/oauth/register/", "other"),
            ("/oauth/register/a/b", "other"),
            ("/assets/a/b.css", "/assets/{*path}"),
            ("/assets/", "other"),
            ("/acme/login", "/{tenant}/login"),
            ("/oauth/token/", "other"),
            ("/secret-in-a-path", "other"),
        ] {
            assert_eq!(table[table.find(path)].template(), want, "{path}");
        }
    }

    #[test]
    fn an_unknown_path_answers_in_the_form_the_client_asks_for() {
        let table = RouteTable::new([("/oauth/token", Form::Protocol)]);
        let browser = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/html,*/*;q=0.8"))]);
        assert_eq!(table[table.find("/x")].form(&browser), Form::Page);
        assert_eq!(table[table.find("/x")].form(&HeaderMap::new()), Form::Rest);
        assert_eq!(table[table.find("/oauth/token")].form(&browser), Form::Protocol);
    }
}
