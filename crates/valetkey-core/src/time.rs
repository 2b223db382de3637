//! Time as the protocol counts it. The present comes from `Context`, never from here.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

/// Seconds since 1970-01-01T00:00:00Z (RFC 7519 §2, `NumericDate`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The end of the year 9999: for what does not expire by itself.
    pub const NEVER: Self = Self(253_402_300_799);
}

/// A span in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Seconds(pub i64);

impl Seconds {
    pub const fn minutes(n: i64) -> Self {
        Self(n * 60)
    }
    pub const fn hours(n: i64) -> Self {
        Self(n * 3600)
    }
    pub const fn days(n: i64) -> Self {
        Self(n * 86_400)
    }
}

/// The units of a span in words, largest first.
pub const UNITS: [(&str, i64); 5] = [("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];

/// The text is no span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadSpan;

impl FromStr for Seconds {
    type Err = BadSpan;

    /// `90s`, `10m`, `12h`, `30d`, `2w`, or a number of seconds.
    fn from_str(text: &str) -> Result<Self, BadSpan> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit = match unit.trim() {
            "" => Some(1),
            unit => UNITS.iter().find(|(name, _)| *name == unit).map(|(_, seconds)| *seconds),
        };
        let number: Option<i64> = number.parse().ok();
        let seconds = number.zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
        seconds.map(Self).ok_or(BadSpan)
    }
}

impl fmt::Display for Seconds {
    /// In the largest unit that gives a whole number, but never weeks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, unit): &&(&str, i64)| self.0 != 0 && self.0 % unit == 0;
        let (name, unit) = UNITS[1..].iter().find(fits).unwrap_or(&("s", 1));
        write!(f, "{}{name}", self.0 / unit)
    }
}

impl Add<Seconds> for Timestamp {
    type Output = Self;
    fn add(self, span: Seconds) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Seconds> for Timestamp {
    type Output = Self;
    fn sub(self, span: Seconds) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Sub for Timestamp {
    type Output = Seconds;
    fn sub(self, earlier: Self) -> Seconds {
        Seconds(self.0.saturating_sub(earlier.0))
    }
}

impl Add for Seconds {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
