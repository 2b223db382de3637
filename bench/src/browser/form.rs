//! Reading our own pages' forms: where they go and which fields they carry.

use crate::http;

/// A form of a page: its action, and the fields that a person leaves as they are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Form {
    action: Option<String>,
    /// Hidden fields, and check boxes as they stand ticked.
    fields: Vec<(String, String)>,
}

impl Form {
    /// The first form of the page that has a control of this name.
    pub(crate) fn with_field(page: &str, name: &str) -> Option<Self> {
        let forms = page.split("<form").skip(1).map(|rest| rest.split("</form").next().unwrap_or_default());
        forms
            .filter(|form| controls(form).any(|tag| attribute(tag, "name").as_deref() == Some(name)))
            .map(read)
            .next()
    }

    /// The path the form is sent to; without an action, the page's own.
    pub(crate) fn target<'a>(&'a self, page: &'a str) -> &'a str {
        match self.action.as_deref() {
            None | Some("") => page,
            Some(action) => action,
        }
    }

    /// The body that sends the form with these fields filled in.
    pub(crate) fn filled(&self, typed: &[(&str, &str)]) -> String {
        let left = self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let pairs: Vec<_> = left.chain(typed.iter().copied()).collect();
        http::form(&pairs)
    }
}

fn read(form: &str) -> Form {
    let start = form.split('>').next().unwrap_or_default();
    let kept = |tag: &&str| match attribute(tag, "type").as_deref() {
        Some("hidden") => true,
        Some("checkbox") => has_attribute(tag, "checked"),
        _ => false,
    };
    let pair = |tag| Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_else(|| "on".into())));
    Form {
        action: attribute(start, "action"),
        fields: controls(form).filter(kept).filter_map(pair).collect(),
    }
}

/// The inner text of every input and button tag.
fn controls(form: &str) -> impl Iterator<Item = &str> {
    form.split('<').skip(1).filter_map(|rest| {
        let tag = rest.split('>').next()?;
        (tag.starts_with("input") || tag.starts_with("button")).then_some(tag)
    })
}

fn has_attribute(tag: &str, name: &str) -> bool {
    tag.split_ascii_whitespace().any(|word| word.trim_end_matches('/').split('=').next() == Some(name))
}

/// The value of a quoted attribute, unescaped.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag;
    loop {
        let at = rest.find(name)?;
        let before = rest[..at].chars().next_back();
        rest = &rest[at + name.len()..];
        if before.is_none_or(|c| c.is_ascii_whitespace())
            && let Some(value) = rest.strip_prefix("=\"")
        {
            return Some(unescaped(value.split('"').next()?));
        }
    }
}

fn unescaped(text: &str) -> String {
    const ENTITIES: [(&str, &str); 8] = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&#x2f;", "/"),
        ("&amp;", "&"),
    ];
    ENTITIES.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<form action="/out" method=post><input type="hidden" name="csrf" value="x"></form>
        <form method="post" action="&#x2f;consent?a=1&amp;b=2">
          <input type="hidden" name="i" value="s-1_2">
          <input type="checkbox" name="scope" value="read" checked>
          <input type="checkbox" name="scope" value="write">
          <input name="username" autocomplete="username"><input type=password name="password">
          <button name="decision" value="allow">Allow</button><button name="decision" value="deny">No</button>
        </form>"#;

    #[test]
    fn the_form_with_the_asked_field_is_sent_as_it_stands_and_with_what_is_typed() {
        let form = Form::with_field(PAGE, "decision").expect("the second form");
        assert_eq!(form.target("/page"), "/consent?a=1&b=2");
        assert_eq!(form.filled(&[("decision", "allow")]), "i=s-1_2&scope=read&decision=allow");
        assert_eq!(Form::with_field(PAGE, "password"), Some(form));
        assert_eq!(Form::with_field(PAGE, "absent"), None);
    }
}
