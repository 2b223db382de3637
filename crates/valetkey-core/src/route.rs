//! Endpoint rules of an API, compiled: which rule speaks for a request. Rules never overlap, so at most one does.

use crate::path::{Ambiguous, Path, segments};
use crate::store::{Api, EndpointRule};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A method of RFC 9110 §9 or RFC 5789 that the gateway passes on, or every one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    #[serde(rename = "*")]
    Any,
    #[serde(rename = "GET")]
    Get,
    #[serde(rename = "HEAD")]
    Head,
    #[serde(rename = "POST")]
    Post,
    #[serde(rename = "PUT")]
    Put,
    #[serde(rename = "PATCH")]
    Patch,
    #[serde(rename = "DELETE")]
    Delete,
    #[serde(rename = "OPTIONS")]
    Options,
}

impl Method {
    pub const ALL: [(&'static str, Self); 8] = [
        ("*", Self::Any),
        ("GET", Self::Get),
        ("HEAD", Self::Head),
        ("POST", Self::Post),
        ("PUT", Self::Put),
        ("PATCH", Self::Patch),
        ("DELETE", Self::Delete),
        ("OPTIONS", Self::Options),
    ];

    /// A rule's method. A request's is one of them, in capitals, and not `*`: see `of_request`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, method)| method)
    }

    /// RFC 9110 §9.1: the method of a request, case and all.
    pub fn of_request(text: &str) -> Option<Self> {
        Self::parse(text).filter(|method| *method != Self::Any)
    }

    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, own)| *own == self).map_or("", |(name, _)| name)
    }

    /// Whether a rule for this method speaks for a request with `asked`. A rule for GET speaks for HEAD too
    /// (RFC 9110 §9.3.2: the same, without content).
    fn covers(self, asked: Self) -> bool {
        self == Self::Any || self == asked || (self == Self::Get && asked == Self::Head)
    }

    fn overlaps(self, other: Self) -> bool {
        Self::ALL.iter().any(|(_, asked)| *asked != Self::Any && self.covers(*asked) && other.covers(*asked))
    }
}

/// A path template: `/things`, `/things/{id}`, `/files/{*rest}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    segments: Vec<Segment>,
    /// `{*rest}` at the end: any number of further segments, also none.
    rest: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Any,
}

/// How two words compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    None,
    /// But for upper and lower case. To some servers that is the same, so it is nobody's.
    Folded,
    Exact,
}

fn likeness(one: &str, other: &str) -> Likeness {
    if one == other {
        Likeness::Exact
    } else if one.eq_ignore_ascii_case(other)
        || (!(one.is_ascii() && other.is_ascii()) && one.to_lowercase() == other.to_lowercase())
    {
        Likeness::Folded
    } else {
        Likeness::None
    }
}

impl Template {
    /// Parses a rule's path, which is relative to its API's prefix.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let Some(inner) = text.strip_prefix('/') else { return Err("the path must begin with a slash") };
        let mut template = Self { segments: Vec::new(), rest: false };
        if inner.is_empty() {
            return Ok(template);
        }
        for segment in inner.split('/') {
            if template.rest {
                return Err("{*rest} stands at the end of the path");
            }
            let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            match name.map(|name| (name.strip_prefix('*').is_some(), name.trim_start_matches('*'))) {
                Some((_, name)) if name.is_empty() || !name.bytes().all(is_name) => {
                    return Err("a placeholder is {name} or {*name}, of letters, digits and _");
                }
                Some((true, _)) => template.rest = true,
                Some((false, _)) => template.segments.push(Segment::Any),
                None => template.segments.push(Segment::Literal(literal(segment)?)),
            }
        }
        Ok(template)
    }

    /// Whether some request is matched by both; upper and lower case do not tell two rules apart.
    pub fn overlaps(&self, other: &Self) -> bool {
        let shared = self.segments.len().min(other.segments.len());
        let apart = |pair: (&Segment, &Segment)| match pair {
            (Segment::Literal(one), Segment::Literal(two)) => likeness(one, two) == Likeness::None,
            _ => false,
        };
        let (longer, shorter) = if self.segments.len() > shared { (self, other) } else { (other, self) };
        !self.segments.iter().zip(&other.segments).any(apart)
            && (longer.segments.len() == shared || shorter.rest)
    }

    fn matches(&self, words: &[Cow<'_, str>]) -> Likeness {
        let enough =
            if self.rest { words.len() >= self.segments.len() } else { words.len() == self.segments.len() };
        if !enough {
            return Likeness::None;
        }
        let pairs = self.segments.iter().zip(words).map(|(segment, word)| match segment {
            Segment::Literal(own) => likeness(own, word),
            Segment::Any => Likeness::Exact,
        });
        pairs.min().unwrap_or(Likeness::Exact)
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn literal(segment: &str) -> Result<String, &'static str> {
    let path = format!("/{segment}");
    let normal = Path::normalise(&path).map_err(|Ambiguous(why)| why)?;
    if segment.is_empty() {
        return Err("the path has no empty segments and no slash at the end");
    }
    segments(normal.as_str()).next().map(Cow::into_owned).ok_or("the path has no empty segments")
}

/// Which rule speaks for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling<'a> {
    /// The API has no rules: any token for it will do.
    Unruled,
    Rule(&'a EndpointRule),
    /// The API has rules, and none of them speaks for this request: nobody may.
    Unmatched,
}

/// The rules of one API, compiled once for each snapshot of the catalog.
#[derive(Debug, Default)]
pub struct Rules {
    /// Beside the API's endpoints; a stored rule that cannot be read matches nothing.
    templates: Vec<Option<Template>>,
}

impl Rules {
    pub fn compile(api: &Api) -> Self {
        Self { templates: api.endpoints.iter().map(|rule| Template::parse(&rule.path).ok()).collect() }
    }

    /// The rule for a request; `rest` is its normal path below the prefix.
    pub fn find<'a>(&self, api: &'a Api, method: Method, rest: &str) -> Ruling<'a> {
        if api.endpoints.is_empty() {
            return Ruling::Unruled;
        }
        let words: Vec<Cow<'_, str>> = segments(rest).collect();
        let mut ruling = Ruling::Unmatched;
        for (rule, template) in api.endpoints.iter().zip(&self.templates) {
            let Some(template) = template.as_ref().filter(|_| rule.method.covers(method)) else { continue };
            match (template.matches(&words), ruling) {
                (Likeness::None, _) => {}
                (Likeness::Exact, Ruling::Unmatched) => ruling = Ruling::Rule(rule),
                // A rule that is meant but for its case, or two that claim the same: fail closed.
                _ => return Ruling::Unmatched,
            }
        }
        ruling
    }
}

/// The first two rules that some request would match both, or the first that cannot be read.
pub fn conflict(api: &Api) -> Option<String> {
    let mut read: Vec<(&EndpointRule, Template)> = Vec::with_capacity(api.endpoints.len());
    for rule in &api.endpoints {
        let template = match Template::parse(&rule.path) {
            Ok(template) => template,
            Err(why) => return Some(format!("{}: {why}", name(rule))),
        };
        let clash = |(other, own): &&(&EndpointRule, Template)| {
            other.method.overlaps(rule.method) && own.overlaps(&template)
        };
        if let Some((other, _)) = read.iter().find(clash) {
            return Some(format!(
                "{} and {} would both speak for some requests: make one of them narrower",
                name(other),
                name(rule)
            ));
        }
        read.push((rule, template));
    }
    None
}

fn name(rule: &EndpointRule) -> String {
    format!("`{} {}`", rule.method.name(), rule.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_overlap_where_one_request_matches_both() {
        for (one, two, want) in [
            ("/things", "/things", true),
            ("/things", "/Things", true),
            ("/things", "/other", false),
            ("/things/{id}", "/things/new", true),
            ("/things/{id}", "/things/{name}", true),
            ("/things/{id}", "/things", false),
            ("/things/{id}/a", "/things/{id}/b", false),
            ("/things/{id}/a", "/things/b/{x}", true),
            ("/files/{*rest}", "/files", true),
            ("/files/{*rest}", "/files/a/b", true),
            ("/files/{*rest}", "/file/a", false),
            ("/{*rest}", "/", true),
            ("/a/{*rest}", "/{x}/b/{*rest}", true),
            ("/@me", "/%40me", true),
        ] {
            let parse = |text| Template::parse(text).expect(text);
            assert_eq!(parse(one).overlaps(&parse(two)), want, "{one} {two}");
            assert_eq!(parse(two).overlaps(&parse(one)), want, "{two} {one}");
        }
    }

    #[test]
    fn a_template_that_is_not_clear_is_refused() {
        for bad in [
            "", "things", "/a//b", "/a/", "/{}", "/{a b}", "/{*r}/x", "/a{b}", "/a/../b", "/a;b", "/{*}",
            "/a?b",
        ] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn get_speaks_for_head_and_methods_have_one_spelling() {
        assert!(Method::Get.covers(Method::Head) && !Method::Head.covers(Method::Get));
        assert!(Method::Get.overlaps(Method::Head) && Method::Any.overlaps(Method::Delete));
        assert!(!Method::Get.overlaps(Method::Post));
        for odd in ["get", "*", "TRACE", "CONNECT", "", "GETX", "Get"] {
            assert_eq!(Method::of_request(odd), None, "{odd}");
        }
    }
}
