//! The goals of the issues, and whether a figure reaches them.

use serde::Serialize;

/// What a goal's ratio is taken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Of {
    /// Rate over the bare echo's rate.
    Bare,
    /// Figure over the row's own baseline: a bound, a probe, another row.
    Basis,
    /// The figure itself, in the unit it is printed in.
    Figure,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Goal {
    /// The first goals (`first`) or those of the issue on speed (`speed`).
    pub(crate) set: Set,
    pub(crate) of: Of,
    pub(crate) limit: Limit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Set {
    First,
    Speed,
}

pub(crate) const fn first(of: Of, limit: Limit) -> Goal {
    Goal { set: Set::First, of, limit }
}

pub(crate) const fn speed(of: Of, limit: Limit) -> Goal {
    Goal { set: Set::Speed, of, limit }
}

impl Goal {
    pub(crate) fn is_reached(&self, value: f64) -> bool {
        match self.limit {
            Limit::AtLeast(limit) => value >= limit,
            Limit::AtMost(limit) => value <= limit,
        }
    }

    /// `≥ 0.60 bare`: for the table.
    pub(crate) fn describe(&self) -> String {
        let (sign, limit) = match self.limit {
            Limit::AtLeast(limit) => ("≥", limit),
            Limit::AtMost(limit) => ("≤", limit),
        };
        match self.of {
            Of::Bare => format!("{sign} {limit:.2} of bare"),
            Of::Basis => format!("{sign} {limit:.2}"),
            Of::Figure => format!("{sign} {limit:.0}"),
        }
    }
}

/// A goal beside what was measured; `None` where the run gave nothing to compare.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Judged {
    #[serde(flatten)]
    pub(crate) goal: Goal,
    pub(crate) value: Option<f64>,
    pub(crate) reached: Option<bool>,
}

impl Judged {
    pub(crate) fn new(goal: Goal, value: Option<f64>) -> Self {
        Self { goal, value, reached: value.map(|value| goal.is_reached(value)) }
    }

    /// `≥ 0.60 of bare: reached`, for the table.
    pub(crate) fn describe(&self) -> String {
        let verdict = match self.reached {
            Some(true) => "reached",
            Some(false) => "**missed**",
            None => "not measured",
        };
        format!("{}: {verdict}", self.goal.describe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_reached_at_its_limit_and_on_the_right_side_of_it() {
        for (limit, value, reached) in [
            (Limit::AtLeast(0.6), 0.6, true),
            (Limit::AtLeast(0.6), 0.59, false),
            (Limit::AtMost(40.0), 40.0, true),
            (Limit::AtMost(40.0), 40.1, false),
        ] {
            assert_eq!(first(Of::Bare, limit).is_reached(value), reached, "{limit:?} at {value}");
        }
    }
}
