//! Figures with their baselines and targets, as a table for people and as JSON for programs.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct as _};

use crate::machine::Machine;

/// One measured figure.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Figure {
    /// Of which workload.
    workload: String,
    /// What was measured.
    figure: String,
    /// The value.
    value: f64,
    /// Its unit.
    unit: String,
    /// The same of the bare thing, measured in the same run.
    baseline: Option<f64>,
    /// What is to be reached.
    target: Option<Target>,
}

/// What a figure is to reach.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) enum Target {
    /// At most so many times the baseline.
    RatioAtMost(f64),
    /// At most so much more than the baseline.
    ExcessAtMost(f64),
    /// At most that value on any machine.
    AtMost(f64),
    /// At least that value on any machine.
    AtLeast(f64),
    /// At most that value on a machine like the one where others were measured; decides nothing.
    BesideAtMost(f64),
    /// At least that value on a machine like the one where others were measured; decides nothing.
    BesideAtLeast(f64),
}

impl Figure {
    /// A figure without baseline and target.
    pub(crate) fn new(workload: &str, figure: impl Into<String>, value: f64, unit: &str) -> Self {
        let (workload, unit) = (workload.to_owned(), unit.to_owned());
        Self { workload, figure: figure.into(), value, unit, baseline: None, target: None }
    }

    /// With what the bare thing gave.
    pub(crate) fn against(self, baseline: f64) -> Self {
        Self { baseline: Some(baseline), ..self }
    }

    /// With what is to be reached.
    pub(crate) fn target(self, target: Target) -> Self {
        Self { target: Some(target), ..self }
    }

    fn ratio(&self) -> Option<f64> {
        self.baseline.filter(|baseline| *baseline > 0.0).map(|baseline| self.value / baseline)
    }

    /// Whether the target is reached; nothing where none decides.
    fn ok(&self) -> Option<bool> {
        match self.target? {
            Target::RatioAtMost(most) => Some(self.ratio()? <= most),
            Target::ExcessAtMost(most) => Some(self.value - self.baseline? <= most),
            Target::AtMost(most) => Some(self.value <= most),
            Target::AtLeast(least) => Some(self.value >= least),
            Target::BesideAtMost(_) | Target::BesideAtLeast(_) => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RatioAtMost(most) => write!(f, "ratio <= {most}"),
            Self::ExcessAtMost(most) => write!(f, "baseline + {most}"),
            Self::AtMost(most) => write!(f, "<= {most}"),
            Self::AtLeast(least) => write!(f, ">= {least}"),
            Self::BesideAtMost(most) => write!(f, "peers: <= {most}"),
            Self::BesideAtLeast(least) => write!(f, "peers: >= {least}"),
        }
    }
}

/// All figures of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    results: Vec<Row>,
}

/// A figure as the report shows it.
#[derive(Debug)]
struct Row(Figure);

impl Report {
    /// No figures yet.
    pub(crate) fn new(machine: Machine) -> Self {
        Self { machine, results: Vec::new() }
    }

    /// Adds the figures of a workload.
    pub(crate) fn extend(&mut self, figures: Vec<Figure>) {
        self.results.extend(figures.into_iter().map(Row));
    }

    /// Whether a target that decides is missed.
    pub(crate) fn misses(&self) -> bool {
        self.results.iter().any(|row| row.0.ok() == Some(false))
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Figure { workload, figure, value, unit, baseline, target } = &self.0;
        let mut row = serializer.serialize_struct("Row", 8)?;
        row.serialize_field("workload", workload)?;
        row.serialize_field("figure", figure)?;
        row.serialize_field("value", value)?;
        row.serialize_field("unit", unit)?;
        row.serialize_field("baseline", baseline)?;
        row.serialize_field("ratio", &self.0.ratio())?;
        row.serialize_field("target", &target.map(|target| target.to_string()))?;
        row.serialize_field("ok", &self.0.ok())?;
        row.end()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.machine)?;
        let wide = self.results.iter().map(|row| row.0.figure.len()).max().unwrap_or(0);
        writeln!(
            f,
            "{:<4} {:<wide$} {:>12} {:<8} {:>12} {:>7}  {:<18} ok",
            "", "figure", "value", "unit", "baseline", "ratio", "target"
        )?;
        for Row(figure) in &self.results {
            let baseline = figure.baseline.map(readable).unwrap_or_default();
            let ratio = figure.ratio().map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
            let target = figure.target.map(|target| target.to_string()).unwrap_or_default();
            let ok = match figure.ok() {
                Some(true) => "yes",
                Some(false) => "NO",
                None => "",
            };
            let line = format!(
                "{:<4} {:<wide$} {:>12} {:<8} {:>12} {:>7}  {:<18} {ok}",
                figure.workload,
                figure.figure,
                readable(figure.value),
                figure.unit,
                baseline,
                ratio,
                target
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Three digits that count, more where the number is large.
fn readable(value: f64) -> String {
    match value.abs() {
        small if small < 1.0 => format!("{value:.3}"),
        small if small < 10.0 => format!("{value:.2}"),
        middle if middle < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(value: f64, baseline: Option<f64>, target: Target) -> Figure {
        let figure = Figure::new("W1", "cost", value, "µs").target(target);
        Figure { baseline, ..figure }
    }

    #[test]
    fn a_target_is_judged_by_what_it_names() {
        for (value, baseline, target, ok) in [
            (2.9, Some(1.0), Target::RatioAtMost(3.0), Some(true)),
            (3.1, Some(1.0), Target::RatioAtMost(3.0), Some(false)),
            (3.1, None, Target::RatioAtMost(3.0), None),
            (3.1, Some(0.0), Target::RatioAtMost(3.0), None),
            (2.4, Some(0.5), Target::ExcessAtMost(2.0), Some(true)),
            (2.6, Some(0.5), Target::ExcessAtMost(2.0), Some(false)),
            (45.0, Some(1.0), Target::AtMost(45.0), Some(true)),
            (46.0, Some(90.0), Target::AtMost(45.0), Some(false)),
            (49.0, None, Target::AtLeast(50.0), Some(false)),
            (50.0, None, Target::AtLeast(50.0), Some(true)),
            (99.0, None, Target::BesideAtMost(1.0), None),
            (0.0, None, Target::BesideAtLeast(1.0), None),
        ] {
            assert_eq!(figure(value, baseline, target).ok(), ok, "{value} {baseline:?} {target}");
        }
    }

    #[test]
    fn only_a_target_that_decides_can_be_missed() {
        let mut report = Report::new(Machine::here());
        report.extend(vec![figure(9.0, None, Target::BesideAtMost(1.0))]);
        assert!(!report.misses());
        report.extend(vec![figure(9.0, Some(1.0), Target::RatioAtMost(3.0))]);
        assert!(report.misses());
    }

    #[test]
    fn json_holds_each_figure_with_its_ratio_and_verdict() {
        let mut report = Report::new(Machine::here());
        report.extend(vec![
            figure(4.0, Some(2.0), Target::RatioAtMost(3.0)),
            Figure::new("W3", "time", 0.5, "s"),
        ]);
        let json = serde_json::to_value(&report).unwrap();
        assert!(json["machine"]["cores"].as_u64().unwrap() > 0);
        let first = serde_json::json!({
            "workload": "W1", "figure": "cost", "value": 4.0, "unit": "µs", "baseline": 2.0,
            "ratio": 2.0, "target": "ratio <= 3", "ok": true,
        });
        assert_eq!(json["results"][0], first);
        assert!(json["results"][1]["ok"].is_null());
        assert!(json["results"][1]["baseline"].is_null());
    }

    #[test]
    fn the_table_shows_every_figure_in_a_line() {
        let mut report = Report::new(Machine::here());
        report.extend(vec![figure(12.345, Some(2.0), Target::RatioAtMost(3.0))]);
        let table = report.to_string();
        let line = table.lines().last().unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words, ["W1", "cost", "12.3", "µs", "2.00", "6.17", "ratio", "<=", "3", "NO"]);
    }
}
