//! The forms of a page, as far as our own plain pages need it.

/// One `<input>` or `<button>` with a name.
#[derive(Debug, Clone, Default)]
pub struct Field {
    pub name: String,
    pub value: String,
    pub kind: String,
}

/// One `<form>`.
#[derive(Debug, Clone, Default)]
pub struct Form {
    pub action: String,
    pub fields: Vec<Field>,
}

impl Form {
    /// Every form of the page, in order.
    pub fn all(html: &str) -> Vec<Self> {
        let mut forms: Vec<Self> = Vec::new();
        for (tag, attributes) in tags(html) {
            match (tag.as_str(), forms.last_mut()) {
                ("form", _) => forms.push(Self { action: value(&attributes, "action"), fields: Vec::new() }),
                ("input" | "button", Some(form))
                    if !attributes.iter().any(|(name, _)| name == "disabled") =>
                {
                    let kind = if tag == "button" { "submit".into() } else { value(&attributes, "type") };
                    form.fields.push(Field {
                        name: value(&attributes, "name"),
                        value: value(&attributes, "value"),
                        kind,
                    });
                }
                _ => {}
            }
        }
        forms
    }

    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    /// What a browser would send with every box ticked and the given fields filled in.
    pub fn filled<'a>(&'a self, typed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let kept = self.fields.iter().filter(|field| field.kind != "submit" && !field.name.is_empty());
        let kept = kept.filter(|field| !typed.iter().any(|(name, _)| *name == field.name));
        kept.map(|field| (field.name.as_str(), field.value.as_str())).chain(typed.iter().copied()).collect()
    }
}

type Attributes = Vec<(String, String)>;

fn value(attributes: &Attributes, name: &str) -> String {
    attributes.iter().find(|(each, _)| each == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

/// The opening tags of the page with their attributes.
fn tags(html: &str) -> Vec<(String, Attributes)> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let name: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
        if name.is_empty() {
            continue;
        }
        rest = &rest[name.len()..];
        let (attributes, tail) = attributes(rest);
        found.push((name.to_ascii_lowercase(), attributes));
        rest = tail;
    }
    found
}

fn attributes(mut rest: &str) -> (Attributes, &str) {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if rest.is_empty() || rest.starts_with('>') {
            return (found, rest.strip_prefix('>').unwrap_or(rest));
        }
        let end = rest.find(|c: char| c.is_whitespace() || "=>/".contains(c)).unwrap_or(rest.len()).max(1);
        let name = rest[..end].to_ascii_lowercase();
        rest = &rest[end..];
        let Some(tail) = rest.strip_prefix('=') else {
            found.push((name, String::new()));
            continue;
        };
        let quote = tail.chars().next().filter(|c| "\"'".contains(*c));
        let (value, after) = match quote {
            Some(quote) => tail[1..].split_once(quote).unwrap_or((&tail[1..], "")),
            None => tail.split_at(tail.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(tail.len())),
        };
        found.push((name, unescape(value)));
        rest = after;
    }
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        let entity = rest.find(';').filter(|end| *end <= 8).map(|end| &rest[1..end]);
        if let Some(c) = entity.and_then(character) {
            plain.push(c);
            rest = &rest[entity.map_or(1, str::len) + 2..];
        } else {
            plain.push('&');
            rest = &rest[1..];
        }
    }
    plain + rest
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = number
                .strip_prefix(['x', 'X'])
                .map_or_else(|| number.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok());
            char::from_u32(code?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn a_form_is_read_as_a_browser_would() {
        let html = r#"<form method="post" action="/login?i=a&amp;b&#x3D;c"><input type=hidden name="csrf" value='x"y'>
            <input name="username" autofocus><input type="checkbox" name="scope" value="read" checked>
            <input type="checkbox" name="scope" value="gone" disabled /><button name="decision" value="allow">Allow</button></form>"#;
        let forms = Form::all(html);
        assert_eq!(forms.len(), 1);
        assert_eq!(forms[0].action, "/login?i=a&b=c");
        assert!(forms[0].has("decision") && forms[0].has("username"));
        let sent = forms[0].filled(&[("username", "ada"), ("decision", "allow")]);
        assert_eq!(sent, [("csrf", "x\"y"), ("scope", "read"), ("username", "ada"), ("decision", "allow")]);
    }
}
