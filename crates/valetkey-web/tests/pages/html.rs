//! Just enough of an HTML reader for pages whose text is escaped: every `<` opens a tag.

/// A start or end tag, and the text that follows it.
#[derive(Debug, Clone)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) end: bool,
    attributes: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Tag {
    /// The value of an attribute, unescaped; empty for one without a value.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        !self.end && self.name == name
    }

    pub(crate) fn attribute_names(&self) -> impl Iterator<Item = &str> {
        self.attributes.iter().map(|(name, _)| name.as_str())
    }
}

/// All tags of a page in their order.
pub(crate) fn tags(html: &str) -> Vec<Tag> {
    html.split('<').skip(1).filter(|piece| !piece.starts_with('!')).map(tag).collect()
}

fn tag(piece: &str) -> Tag {
    let (inside, text) = split_tag(piece);
    let end = inside.starts_with('/');
    let inside = inside.trim_matches('/');
    let (name, mut rest) = inside.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((inside, ""));
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        let stop = rest.find(|c: char| c == '=' || c.is_ascii_whitespace()).unwrap_or(rest.len());
        if stop == 0 {
            break;
        }
        let name = rest[..stop].to_owned();
        rest = &rest[stop..];
        let mut value = "";
        if let Some(quoted) = rest.strip_prefix("=\"") {
            (value, rest) = quoted.split_once('"').expect("an attribute's value ends");
        }
        attributes.push((name, unescape(value)));
    }
    Tag { name: name.to_owned(), end, attributes, text: unescape(text) }
}

/// At the `>` that stands outside of quotes.
fn split_tag(piece: &str) -> (&str, &str) {
    let mut quoted = false;
    for (at, c) in piece.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '>' if !quoted => return (&piece[..at], &piece[at + 1..]),
            _ => (),
        }
    }
    panic!("a tag that does not end: {piece}")
}

fn unescape(text: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}
