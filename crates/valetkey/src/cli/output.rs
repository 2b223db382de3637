//! What commands print: JSON for programs, columns and sentences for people, from the same values.

use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// An error and its causes in one line. Many an error repeats its cause: nothing is said twice.
pub(crate) fn said(error: &anyhow::Error) -> String {
    let mut line = String::new();
    let mut before = String::new();
    for cause in error.chain().map(ToString::to_string) {
        let repeats = line.ends_with(&cause) || (!before.is_empty() && cause.ends_with(&before));
        if !repeats {
            line.push_str(if line.is_empty() { "" } else { ": " });
            line.push_str(&cause);
        }
        before = cause;
    }
    line
}

/// A member of an object, with the words that stand for it.
pub(crate) type Column = (&'static str, &'static str);

/// The answer of a command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// One object; people see the `fields` that it has, then the sentences.
    One { json: Value, fields: &'static [Column], notes: Vec<String> },
    /// A list; `none` is said when it is empty.
    Many { json: Vec<Value>, columns: &'static [Column], none: &'static str },
    /// One object for programs, prepared text for people.
    Text { json: Value, text: String },
    /// Everything was printed on the way.
    Nothing,
}

impl Answer {
    pub(crate) fn one(json: Value, fields: &'static [Column]) -> Self {
        Self::One { json, fields, notes: Vec::new() }
    }

    /// Something was done to the thing of that id, and there is no more to show of it.
    pub(crate) fn done(id: &str, what: &str) -> Self {
        Self::Text {
            text: format!("{what}: {id}\n"),
            json: json!({ "id": id, "result": what.to_lowercase() }),
        }
    }

    #[must_use]
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        if let Self::One { notes, .. } = &mut self {
            notes.push(note.into());
        }
        self
    }

    /// Prints to standard output. A reader that stops reading (`| head`) is no failure.
    pub(crate) fn print(&self, as_json: bool) -> io::Result<()> {
        let text = if as_json { self.to_json() } else { self.to_text() };
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    pub(crate) fn to_json(&self) -> String {
        let value = match self {
            Self::One { json, .. } | Self::Text { json, .. } => json.clone(),
            Self::Many { json, .. } => Value::from(json.clone()),
            Self::Nothing => return String::new(),
        };
        format!("{value:#}\n")
    }

    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::One { json, fields, notes } => {
                let mut text = fields_of(json, fields);
                for note in notes {
                    let _ = write!(text, "\n{note}\n");
                }
                text
            }
            Self::Many { json, none, .. } if json.is_empty() => format!("{none}\n"),
            Self::Many { json, columns, .. } => table(json, columns),
            Self::Text { text, .. } => text.clone(),
            Self::Nothing => String::new(),
        }
    }
}

/// `Label  value`, one a line; members that are absent or empty are left out.
fn fields_of(object: &Value, fields: &[Column]) -> String {
    let shown: Vec<_> = fields
        .iter()
        .map(|(label, member)| (*label, words(member, object.get(member).unwrap_or(&Value::Null))))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let width = shown.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    let indent = format!("\n{}", " ".repeat(width + 2));
    let mut text = String::new();
    for (label, value) in shown {
        let _ = writeln!(text, "{label:width$}  {}", value.replace('\n', &indent));
    }
    text
}

fn table(rows: &[Value], columns: &[Column]) -> String {
    let cell = |row: &Value, member| {
        let text = words(member, row.get(member).unwrap_or(&Value::Null));
        text.replace('\n', " ")
    };
    let mut lines: Vec<Vec<String>> = vec![columns.iter().map(|(title, _)| title.to_uppercase()).collect()];
    lines.extend(rows.iter().map(|row| columns.iter().map(|(_, member)| cell(row, member)).collect()));
    let width = |n: usize| lines.iter().map(|line| line[n].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |cells: &Vec<String>| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    lines.iter().map(line).collect()
}

/// A value in words: lists a line each, times as dates, and control characters as what they are.
fn words(member: &str, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Value::Number(number) if is_time(member) => number.as_i64().map(time).unwrap_or_default(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => plain(text),
        Value::Array(items) => items.iter().map(|item| words("", item)).collect::<Vec<_>>().join("\n"),
        Value::Object(_) => value.to_string(),
    }
}

fn is_time(member: &str) -> bool {
    member.ends_with("_at")
        || matches!(member, "at" | "iat" | "exp" | "auth_time" | "idle_until" | "access_until")
}

/// `2026-11-21 06:45:00` in UTC.
pub(crate) fn time(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).ok();
    time.map_or_else(|| seconds.to_string(), |time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// What a terminal would act on is shown, not sent: names come from anybody.
fn plain(text: &str) -> String {
    let shown =
        |c: char| if c.is_control() && c != '\n' { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_an_array_for_programs_and_columns_for_people() {
        let json = vec![
            json!({"id": "app_1", "name": "Photo Printer", "disabled": false, "grant_types": ["a", "b"]}),
            json!({"id": "x", "name": "\u{1b}[31mred", "disabled": true}),
        ];
        let columns = &[("id", "id"), ("name", "name"), ("grants", "grant_types"), ("disabled", "disabled")];
        let answer = Answer::Many { json: json.clone(), columns, none: "None." };
        assert_eq!(serde_json::from_str::<Vec<Value>>(&answer.to_json()).expect("an array"), json);
        let text = answer.to_text();
        let want = "ID     NAME           GRANTS  DISABLED\n\
                    app_1  Photo Printer  a b     no\n\
                    x      \\u{1b}[31mred          yes\n";
        assert_eq!(text, want);
        let empty = Answer::Many { json: Vec::new(), columns, none: "No clients." };
        assert_eq!((empty.to_json().as_str(), empty.to_text().as_str()), ("[]\n", "No clients.\n"));
    }

    #[test]
    fn an_error_says_its_causes_and_nothing_twice() {
        use anyhow::{Error, anyhow};
        let cases = [
            (anyhow!("disk full").context("cannot write x"), "cannot write x: disk full"),
            (anyhow!("disk full").context("cannot write x: disk full"), "cannot write x: disk full"),
            (
                anyhow!("code 13: disk full").context("disk full").context("cannot open x: disk full"),
                "cannot open x: disk full",
            ),
            (Error::msg("alone"), "alone"),
        ];
        for (error, want) in cases {
            assert_eq!(said(&error), want);
        }
    }

    #[test]
    fn one_thing_is_an_object_with_an_id_and_aligned_fields() {
        let json = json!({"id": "app_1", "redirect_uris": ["a", "b"], "created_at": 0, "website": ""});
        let fields = &[
            ("Id", "id"),
            ("Redirects", "redirect_uris"),
            ("Website", "website"),
            ("Created", "created_at"),
        ];
        let answer = Answer::one(json.clone(), fields).note("Keep it safe.");
        assert_eq!(serde_json::from_str::<Value>(&answer.to_json()).expect("an object"), json);
        let want = "Id         app_1\nRedirects  a\n           b\nCreated    1970-01-01 00:00:00Z\n\nKeep it safe.\n";
        assert_eq!(answer.to_text(), want);
        assert_eq!(Answer::done("app_1", "Deleted").to_text(), "Deleted: app_1\n");
    }
}
