//! A long list in pages, with a search: what its address asks for, and the links to the pages beside.

use super::view::Href;
use super::view::account::Paging;
use crate::extract::Call;
use valetkey_core::params::Params;

const PER_PAGE: usize = 20;

/// What is looked for (`q`) and which page of what is found (`page`).
pub(super) struct Asked {
    pub(super) query: String,
    page: usize,
}

impl Asked {
    pub(super) fn of(call: &Call) -> Self {
        let params = Params::parse(call.query()).ok();
        let one = |name| params.as_ref().and_then(|params| params.one(name)).unwrap_or_default();
        Self { query: one("q").trim().chars().take(200).collect(), page: one("page").parse().unwrap_or(1) }
    }

    /// Whether a name is one of those that are looked for.
    pub(super) fn finds(&self, name: &str) -> bool {
        name.to_lowercase().contains(&self.query.to_lowercase())
    }

    /// What stands on this page of all that was found, and the way to the others, below `path`.
    pub(super) fn page<T>(&self, path: &str, found: Vec<T>) -> (Vec<T>, Paging) {
        let all = found.len();
        let number = self.page.clamp(1, all.div_ceil(PER_PAGE).max(1));
        let from = (number - 1) * PER_PAGE;
        let shown: Vec<T> = found.into_iter().skip(from).take(PER_PAGE).collect();
        if all <= PER_PAGE {
            return (shown, Paging::default());
        }
        let link = |page: usize| {
            let mut words = form_urlencoded::Serializer::new(String::new());
            if !self.query.is_empty() {
                words.append_pair("q", &self.query);
            }
            Href::local(&format!("{path}?{}", words.append_pair("page", &page.to_string()).finish()))
        };
        let to = from + shown.len();
        let paging = Paging {
            here: format!("{}–{to} of {all}", from + 1),
            back: (number > 1).then(|| link(number - 1)).flatten(),
            on: (to < all).then(|| link(number + 1)).flatten(),
        };
        (shown, paging)
    }
}
