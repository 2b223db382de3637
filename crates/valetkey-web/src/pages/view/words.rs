//! Times, spans, devices and initials in words.

use jiff::Timestamp as Instant;
use serde::Serialize;
use valetkey_core::time::{Seconds, Timestamp};

/// A moment for a `<time>` element: for people and for machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct When {
    /// "5 minutes ago", "3 March 2026": without a zone, as the server does not know the reader's.
    pub words: String,
    /// RFC 3339, UTC.
    pub iso: String,
}

impl When {
    /// `now` decides between "ago" and a date; a moment in the future is told as a date.
    pub fn new(then: Timestamp, now: Timestamp) -> Self {
        let instant = Instant::from_second(then.0).unwrap_or(Instant::UNIX_EPOCH);
        let words = match (now - then).0 {
            0..=59 => "just now".to_owned(),
            age @ 60..=172_799 => format!("{} ago", span(Seconds(age))),
            _ => instant.strftime("%-d %B %Y").to_string(),
        };
        Self { words, iso: instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string() }
    }
}

/// A span in its largest fitting unit, rounded down: "45 seconds", "10 minutes", "30 days".
pub fn span(span: Seconds) -> String {
    const UNITS: [(i64, &str); 4] = [(31_536_000, "year"), (86_400, "day"), (3_600, "hour"), (60, "minute")];
    let total = span.0.max(0);
    let (count, unit) = UNITS
        .iter()
        .find(|(size, _)| total >= *size)
        .map_or((total, "second"), |(size, unit)| (total / size, unit));
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// The first letter or digit of a name, in upper case; a dot if there is none.
pub fn initial(name: &str) -> String {
    name.chars().find(|c| c.is_alphanumeric()).map_or_else(|| "·".to_owned(), |c| c.to_uppercase().collect())
}

/// "Firefox on Windows": what a `User-Agent` header tells a person. It is a claim of the browser, not a proof.
pub fn device(user_agent: Option<&str>) -> String {
    // The order matters: most browsers also name the ones whose pages they want.
    const BROWSERS: [(&str, &str); 9] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    const SYSTEMS: [(&str, &str); 8] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("CrOS", "ChromeOS"),
        ("Windows", "Windows"),
        ("Macintosh", "Mac"),
        ("Linux", "Linux"),
        ("FreeBSD", "FreeBSD"),
    ];
    let agent = user_agent.unwrap_or_default();
    let named =
        |table: &[(&str, &'static str)]| table.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, n)| *n);
    match (named(&BROWSERS), named(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) => "An unknown browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_its_largest_unit() {
        for (seconds, want) in [
            (-5, "0 seconds"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (600, "10 minutes"),
            (7_199, "1 hour"),
            (2_592_000, "30 days"),
            (31_536_000, "1 year"),
        ] {
            assert_eq!(span(Seconds(seconds)), want);
        }
    }

    #[test]
    fn a_moment_is_told_as_its_age_for_two_days_and_then_as_a_date() {
        let now = Timestamp(1_795_000_000);
        for (age, want) in [
            (0, "just now"),
            (90, "1 minute ago"),
            (90_000, "1 day ago"),
            (200_000, "16 November 2026"),
            (-60, "18 November 2026"),
        ] {
            assert_eq!(When::new(now - Seconds(age), now).words, want, "{age}");
        }
        assert_eq!(When::new(now, now).iso, "2026-11-18T11:06:40Z");
        assert_eq!(When::new(Timestamp(i64::MAX), now).iso, "1970-01-01T00:00:00Z");
    }

    #[test]
    fn a_device_is_named_by_browser_and_system() {
        for (agent, want) in [
            (
                Some("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"),
                "Firefox on Linux",
            ),
            (
                Some(
                    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0",
                ),
                "Edge on Windows",
            ),
            (
                Some(
                    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
                ),
                "Safari on iPhone",
            ),
            (Some("curl/8.14.1"), "curl"),
            (Some("<script>alert(1)</script>"), "An unknown browser"),
            (None, "An unknown browser"),
        ] {
            assert_eq!(device(agent), want);
        }
    }

    #[test]
    fn an_initial_is_the_first_letter_or_digit() {
        for (name, want) in [
            ("Photo Printer", "P"),
            (" «éclair»", "É"),
            ("طابعة الصور", "ط"),
            ("7up", "7"),
            ("🖨", "·"),
            ("", "·"),
        ] {
            assert_eq!(initial(name), want);
        }
    }
}
