//! What a run found: a Markdown table for people, JSON for programs.

mod figures;
mod machine;

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::goals::{Goal, Judged, Set};
use crate::stats::real;
pub(crate) use figures::{Bare, Figures};
pub(crate) use machine::Machine;

/// Everything one run measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) facts: Vec<Fact>,
    pub(crate) rows: Vec<Row>,
    #[serde(rename = "took_seconds", serialize_with = "seconds")]
    pub(crate) took: Duration,
}

/// One figure that is no rate: a start, a size.
#[derive(Debug, Serialize)]
pub(crate) struct Fact {
    name: String,
    unit: &'static str,
    value: f64,
    goals: Vec<Judged>,
}

impl Fact {
    pub(crate) fn new(name: &str, unit: &'static str, value: f64, goals: &[Goal]) -> Self {
        let goals = goals.iter().map(|goal| Judged::new(*goal, Some(value))).collect();
        Self { name: name.to_owned(), unit, value, goals }
    }
}

/// One row of the table. A void row proves nothing, whatever its figures.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) void: Option<String>,
    pub(crate) goals: Vec<Judged>,
    #[serde(flatten)]
    pub(crate) figures: Option<Figures>,
}

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

impl Report {
    pub(crate) fn is_void(&self) -> bool {
        self.rows.iter().any(|row| row.void.is_some())
    }

    /// Prints the table, and writes the JSON where it is wanted.
    pub(crate) fn print(&self, json: Option<&str>) -> Result<()> {
        let text = self.markdown().context("writing to a string")?;
        match json {
            Some("-") => {
                eprintln!("{text}");
                println!("{}", serde_json::to_string_pretty(self)?);
            }
            Some(path) => {
                println!("{text}");
                let json = serde_json::to_string_pretty(self)? + "\n";
                fs::write(path, json).with_context(|| format!("cannot write {path}"))?;
            }
            None => println!("{text}"),
        }
        Ok(())
    }

    fn markdown(&self) -> Result<String> {
        let mut text = format!("\n{}\n", self.machine.line());
        writeln!(text, "\n{}", aligned(&self.table()))?;
        let mut facts = vec![["figure", "value", "first goal", "goal on speed"].map(str::to_owned).to_vec()];
        for fact in &self.facts {
            let value = format!("{:.1} {}", fact.value, fact.unit);
            facts.push(vec![
                fact.name.clone(),
                value,
                goal(&fact.goals, Set::First),
                goal(&fact.goals, Set::Speed),
            ]);
        }
        writeln!(text, "{}", aligned(&facts))?;
        for row in &self.rows {
            for note in row.figures.iter().flat_map(Figures::remarks) {
                writeln!(text, "- {}: {note}", row.name)?;
            }
            if let Some(void) = &row.void {
                writeln!(text, "- {} is VOID: {void}", row.name)?;
            }
        }
        writeln!(text, "Took {:.0} s.", self.took.as_secs_f64())?;
        Ok(text)
    }

    fn table(&self) -> Vec<Vec<String>> {
        const HEAD: [&str; 12] = [
            "row",
            "conns",
            "per s",
            "p50 ms",
            "p99 ms",
            "errors",
            "of bare",
            "of baseline",
            "CPU µs",
            "RSS MB",
            "first goal",
            "goal on speed",
        ];
        let mut lines = vec![HEAD.map(str::to_owned).to_vec()];
        lines.extend(self.rows.iter().map(line));
        lines
    }
}

fn line(row: &Row) -> Vec<String> {
    let mut cells = vec![format!("{} ({})", row.what, row.name)];
    match &row.figures {
        Some(figures) => cells.extend(figures.cells()),
        None => cells.extend(std::iter::repeat_n("–".to_owned(), 9)),
    }
    if row.void.is_some() {
        cells.extend(["**void**".to_owned(), "**void**".to_owned()]);
    } else {
        cells.extend([goal(&row.goals, Set::First), goal(&row.goals, Set::Speed)]);
    }
    cells
}

fn goal(goals: &[Judged], set: Set) -> String {
    goals.iter().find(|judged| judged.goal.set == set).map(Judged::describe).unwrap_or_default()
}

/// A Markdown table with columns of even width.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(&widths) {
            text.push_str("| ");
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 1));
        }
        text.push_str("|\n");
        if number == 0 {
            text.extend(std::iter::repeat_n("| --- ", columns));
            text.push_str("|\n");
        }
    }
    text
}

/// `12,345` for a rate.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0}", real(bytes) / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_by_characters_and_not_by_bytes() {
        let lines = [["a", "µµµ"], ["bbbb", "–"]].map(|line| line.map(str::to_owned).to_vec());
        assert_eq!(aligned(&lines), "| a    | µµµ |\n| --- | --- |\n| bbbb | –   |\n");
    }

    #[test]
    fn rates_are_grouped_by_thousands() {
        assert_eq!(
            (thousands(999.4), thousands(1234.0), thousands(1_234_567.0)),
            ("999".into(), "1,234".into(), "1,234,567".into())
        );
    }
}
