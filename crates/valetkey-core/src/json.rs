//! One flat JSON object, written straight into bytes: for the claims and answers that are made most often.

use serde_json::Value;

/// An object that is being written. Its names are ours, and nothing in them has to be escaped.
#[derive(Debug)]
pub struct Object(Vec<u8>);

impl Object {
    /// Begins one that will not grow beyond `bytes`, as a rule.
    pub fn with_capacity(bytes: usize) -> Self {
        let mut json = Vec::with_capacity(bytes);
        json.push(b'{');
        Self(json)
    }

    /// Any text.
    pub fn text(&mut self, name: &'static str, value: &str) {
        self.name(name);
        push_text(&mut self.0, value);
    }

    /// A text of ours in which nothing has to be escaped (base64url, an id): it is not looked through.
    pub fn token(&mut self, name: &'static str, value: &[u8]) {
        self.name(name);
        self.0.push(b'"');
        self.0.extend_from_slice(value);
        self.0.push(b'"');
    }

    pub fn number(&mut self, name: &'static str, value: i64) {
        self.name(name);
        let mut digits = [0; 20];
        let mut from = digits.len();
        let mut rest = value.unsigned_abs();
        loop {
            from -= 1;
            digits[from] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if value < 0 {
            self.0.push(b'-');
        }
        self.0.extend_from_slice(&digits[from..]);
    }

    pub fn truth(&mut self, name: &'static str, value: bool) {
        self.name(name);
        self.0.extend_from_slice(if value { b"true" } else { b"false" });
    }

    pub fn texts<'a>(&mut self, name: &'static str, values: impl IntoIterator<Item = &'a str>) {
        self.name(name);
        self.0.push(b'[');
        for (at, value) in values.into_iter().enumerate() {
            if at > 0 {
                self.0.push(b',');
            }
            push_text(&mut self.0, value);
        }
        self.0.push(b']');
    }

    pub fn value(&mut self, name: &str, value: &Value) {
        self.separate();
        push_text(&mut self.0, name);
        self.0.push(b':');
        self.0.extend_from_slice(value.to_string().as_bytes());
    }

    pub fn end(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }

    fn separate(&mut self) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
    }

    fn name(&mut self, name: &'static str) {
        self.separate();
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }
}

/// As a JSON string.
fn push_text(json: &mut Vec<u8>, text: &str) {
    json.push(b'"');
    if is_plain(text) {
        json.extend_from_slice(text.as_bytes());
    } else {
        text.bytes().for_each(|byte| push_escaped(json, byte));
    }
    json.push(b'"');
}

fn push_escaped(json: &mut Vec<u8>, byte: u8) {
    const HEX: [u8; 16] = *b"0123456789abcdef";
    match byte {
        b'"' | b'\\' => json.extend_from_slice(&[b'\\', byte]),
        0..b' ' => {
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
            json.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        }
        _ => json.push(byte),
    }
}

#[expect(
    clippy::needless_bitwise_bool,
    reason = "a branch a byte would keep it from being done many at a time"
)]
fn is_plain(text: &str) -> bool {
    text.bytes().fold(true, |plain, byte| plain & (byte >= b' ') & (byte != b'"') & (byte != b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_read_again() {
        let odd = "a\"b\\c\n\t\r\0\u{1f}\u{7f}\u{e4}\u{2028}\u{1f511}/";
        let mut object = Object::with_capacity(8);
        object.text("plain", "a b");
        object.text("odd", odd);
        object.text("empty", "");
        object.token("token", b"a-Z_0");
        object.truth("yes", true);
        object.truth("no", false);
        object.texts("none", []);
        object.texts("some", ["a", odd]);
        object.value("value", &json!({"a": [1, null]}));
        for (name, number) in
            [("zero", 0), ("ten", 10), ("less", -7), ("least", i64::MIN), ("most", i64::MAX)]
        {
            object.number(name, number);
        }
        let json: Value = serde_json::from_slice(&object.end()).expect("JSON");
        let want = json!({
            "plain": "a b", "odd": odd, "empty": "", "token": "a-Z_0", "yes": true, "no": false, "none": [],
            "some": ["a", odd], "value": {"a": [1, null]}, "zero": 0, "ten": 10, "less": -7,
            "least": i64::MIN, "most": i64::MAX,
        });
        assert_eq!(json, want);
        assert_eq!(Object::with_capacity(2).end(), b"{}");
    }
}
