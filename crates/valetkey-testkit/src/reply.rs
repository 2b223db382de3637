//! An answer, read whole.

use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use std::collections::BTreeMap;
use url::Url;

/// Status, headers and body of one answer.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|_| panic!("{}: not JSON: {}", self.status, self.body))
    }

    /// A header's value, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// Where it redirects to.
    pub fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    /// The parameters in the redirect's query.
    pub fn redirected(&self) -> BTreeMap<String, String> {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        let url = Url::parse(self.location()).expect("an absolute redirect");
        url.query_pairs().into_owned().collect()
    }

    /// `error` of a JSON refusal, with the status.
    pub fn refusal(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["error"].as_str().unwrap_or_default().to_owned())
    }

    /// The value of a hidden field of the page's form.
    pub fn hidden(&self, name: &str) -> Option<String> {
        self.inputs()
            .into_iter()
            .find(|(own, kind, _)| own == name && kind == "hidden")
            .map(|(.., value)| value)
    }

    /// Names and values of the hidden fields, in order.
    pub fn hidden_fields(&self) -> Vec<(String, String)> {
        let hidden = self.inputs().into_iter().filter(|(_, kind, _)| kind == "hidden");
        hidden.map(|(name, _, value)| (name, value)).collect()
    }

    /// The names of the hidden fields, in order.
    pub fn hidden_names(&self) -> Vec<String> {
        let hidden = self.inputs().into_iter().filter(|(_, kind, _)| kind == "hidden");
        hidden.map(|(name, ..)| name).collect()
    }

    /// What stands in a field of the page's form.
    pub fn field(&self, name: &str) -> Option<String> {
        self.inputs().into_iter().find(|(own, ..)| own == name).map(|(.., value)| value)
    }

    /// The values of the checkboxes of a name.
    pub fn checkboxes(&self, name: &str) -> Vec<String> {
        let boxes = self.inputs().into_iter().filter(|(own, kind, _)| own == name && kind == "checkbox");
        boxes.map(|(.., value)| value).collect()
    }

    /// The first form that goes to `action` and holds these words, as a page of its own; an empty one if there is none.
    #[must_use]
    pub fn form(&self, action: &str, words: &str) -> Self {
        let forms = self.body.split("<form").skip(1).filter_map(|rest| rest.split("</form>").next());
        let start = format!("method=\"post\" action=\"{action}\"");
        let mut wanted = forms.filter(|form| form.contains(&start) && unescape(form).contains(words));
        let body = wanted.next().map(|form| format!("<form{form}</form>")).unwrap_or_default();
        Self { body, ..self.clone() }
    }

    /// Whether the checkbox of this value is there and ticked.
    pub fn is_ticked(&self, value: &str) -> bool {
        let boxes =
            self.body.split("<input type=\"checkbox\"").skip(1).filter_map(|rest| rest.split('>').next());
        boxes
            .into_iter()
            .any(|text| text.contains(&format!("value=\"{value}\"")) && text.contains(" checked"))
    }

    /// Name, type and value of each input element.
    fn inputs(&self) -> Vec<(String, String, String)> {
        let elements = self.body.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
        elements
            .map(|text| {
                let attribute = |name: &str| {
                    let found = text.split_once(&format!(" {name}=\"")).map(|(_, rest)| rest);
                    let value = found.and_then(|rest| rest.split('"').next()).unwrap_or_default();
                    unescape(value)
                };
                (attribute("name"), attribute("type"), attribute("value"))
            })
            .collect()
    }

    /// The page's words, without its elements.
    pub fn words(&self) -> String {
        let mut words = String::new();
        for piece in self.body.split('<') {
            let text = piece.split_once('>').map_or(piece, |(_, text)| text);
            for word in text.split_whitespace() {
                words.push_str(word);
                words.push(' ');
            }
        }
        unescape(&words)
    }

    /// The whole line that sets a cookie, or nothing.
    pub fn cookie_line(&self, name: &str) -> &str {
        let lines = self.headers.get_all(SET_COOKIE).iter().map(|line| line.to_str().expect("ASCII"));
        lines.into_iter().find(|line| line.split('=').next() == Some(name)).unwrap_or_default()
    }

    /// Name and value of each cookie set; a cleared one has no value.
    pub fn cookies(&self) -> Vec<(String, String)> {
        let lines = self.headers.get_all(SET_COOKIE).iter().map(|line| line.to_str().expect("ASCII"));
        let pairs = lines.filter_map(|line| line.split(';').next()?.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

fn unescape(text: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/")];
    let text = entities.iter().fold(text.to_owned(), |text, (entity, c)| text.replace(entity, c));
    text.replace("&amp;", "&")
}
