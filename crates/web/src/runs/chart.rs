//! The chart of a run: memory, processor and messages over the same time, drawn as paths, with the outage of the hub as a
//! band. Text stands beside the drawing in HTML, where it keeps its size on any screen; a table tells the same.

use std::fmt::Write as _;

use domain::behaviour::{Moment, Timeline};

use super::figures::percent;
use crate::format::{count, duration, memory};
use crate::messages::{t, t2, t3};

/// Width and height of a drawing in its own units; the page stretches it.
const WIDTH: u64 = 1_000;
const HEIGHT: u64 = 100;
/// Kept free above the highest value.
const HEADROOM: u64 = 8;
/// Rows of the table.
const ROWS_MAX: usize = 12;

/// A chart of at least two moments.
pub(crate) struct Chart {
    /// Makes the ids of this chart unique on its page.
    pub(crate) id: String,
    pub(crate) panels: Vec<Panel>,
    /// Left edge and width of the outage.
    pub(crate) outage: Option<(u64, u64)>,
    /// The same in words, such as `14 s to 26 s`.
    pub(crate) outage_words: String,
    /// Marks below the drawings: begin, middle, end.
    pub(crate) ticks: Vec<String>,
    pub(crate) rows: Vec<[String; 4]>,
}

/// One quantity.
pub(crate) struct Panel {
    pub(crate) name: &'static str,
    pub(crate) most: String,
    /// The whole in one sentence.
    pub(crate) told: String,
    /// Area or bars.
    pub(crate) fill: String,
    /// Line on top; empty for bars.
    pub(crate) line: String,
    pub(crate) class: &'static str,
}

impl Chart {
    /// `None` when there is nothing to draw.
    pub(super) fn of(timeline: &Timeline, id: &str) -> Option<Self> {
        let moments = &timeline.moments;
        let end = moments.last().filter(|_| moments.len() > 1)?.at_ms.max(1);
        let outage = timeline.outage_ms.map(|(from, to)| {
            let left = x(from.min(end), end);
            (left, x(to.min(end), end).saturating_sub(left).max(1))
        });
        Some(Self {
            id: id.to_owned(),
            panels: vec![
                curve(moments, end, "run-memory", |one| one.memory_bytes, memory),
                curve(moments, end, "run-cpu", |one| one.cpu_permille, percent),
                bars(moments, end),
            ],
            outage,
            outage_words: timeline.outage_ms.map_or_else(String::new, |(from, to)| {
                t2("run.outage", duration(from), duration(to))
            }),
            ticks: [0, end / 2, end].map(duration).to_vec(),
            rows: rows(moments),
        })
    }
}

fn x(at: u64, end: u64) -> u64 {
    at.saturating_mul(WIDTH) / end
}

/// From the top; the most of all stays below the upper edge.
fn y(value: u64, most: u64) -> u64 {
    HEIGHT - value.saturating_mul(HEIGHT - HEADROOM) / most.max(1)
}

fn curve(
    moments: &[Moment],
    end: u64,
    class: &'static str,
    of: fn(&Moment) -> u64,
    written: fn(u64) -> String,
) -> Panel {
    let most = moments.iter().map(of).max().unwrap_or_default();
    let last = moments.last().map(of).unwrap_or_default();
    let mut line = String::new();
    for moment in moments {
        let joint = if line.is_empty() { 'M' } else { 'L' };
        let point = (x(moment.at_ms, end), y(of(moment), most));
        // Writing to a string does not fail.
        let _ = write!(line, "{joint}{} {}", point.0, point.1);
    }
    let first = moments.first().map_or(0, |one| x(one.at_ms, end));
    let name = if class == "run-memory" {
        t("run.chart_memory")
    } else {
        t("run.chart_cpu")
    };
    Panel {
        name,
        most: written(most),
        told: t3("run.told", name, written(most), written(last)),
        fill: format!("{line}L{WIDTH} {HEIGHT}L{first} {HEIGHT}Z"),
        line,
        class,
    }
}

fn bars(moments: &[Moment], end: u64) -> Panel {
    let most = moments.iter().map(|one| one.messages).max();
    let most = most.unwrap_or_default();
    let sent: u64 = moments.iter().map(|one| one.messages).sum();
    let mut fill = String::new();
    let mut left = 0;
    for moment in moments {
        let right = x(moment.at_ms, end);
        if moment.messages > 0 {
            // A gap between two bars, as far as there is room for one.
            let width = right.saturating_sub(left + 2).max(1);
            let top = y(moment.messages, most);
            let _ = write!(fill, "M{left} {HEIGHT}V{top}h{width}V{HEIGHT}Z");
        }
        left = right;
    }
    Panel {
        name: t("run.chart_messages"),
        most: count(most),
        told: t2("run.told_messages", count(sent), count(most)),
        fill,
        line: String::new(),
        class: "run-messages",
    }
}

/// A dozen moments at most, each with the messages since the one before.
fn rows(moments: &[Moment]) -> Vec<[String; 4]> {
    let together = moments.len().div_ceil(ROWS_MAX).max(1);
    let told = moments.chunks(together).filter_map(|stretch| {
        let last = stretch.last()?;
        let most = stretch.iter().map(|one| one.memory_bytes).max()?;
        let busiest = stretch.iter().map(|one| one.cpu_permille).max()?;
        let sent: u64 = stretch.iter().map(|one| one.messages).sum();
        Some([
            duration(last.at_ms),
            memory(most),
            percent(busiest),
            count(sent),
        ])
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(at_ms: u64, messages: u64) -> Moment {
        Moment {
            at_ms,
            memory_bytes: at_ms * 1_000,
            cpu_permille: 15,
            messages,
        }
    }

    #[test]
    fn a_chart_stays_inside_its_edges() {
        let moments: Vec<Moment> = (1..=40).map(|at| moment(at * 1_000, at % 3)).collect();
        let timeline = Timeline::of(moments, Some((14_000, 90_000)));
        let chart = Chart::of(&timeline, "r").expect("moments");
        assert_eq!(chart.outage, Some((350, 650)), "cut at the end");
        assert_eq!(chart.rows.len(), 10);
        assert_eq!(chart.panels[0].most, "38.1 MiB");
        assert_eq!(chart.panels[1].most, "1.5 %");
        assert!(chart.panels[0].line.starts_with("M25 98L50 96"));
        assert!(chart.panels[0].line.ends_with("L1000 8"));
        assert!(
            chart.panels[2].told.contains("40"),
            "{}",
            chart.panels[2].told
        );
        let sent: u64 = (1..=40_u64).map(|at| at % 3).sum();
        assert_eq!(sent, 40);
    }

    #[test]
    fn nothing_is_drawn_of_one_moment() {
        let one = Timeline::of(vec![moment(5, 1)], None);
        assert!(Chart::of(&one, "r").is_none());
        assert!(Chart::of(&Timeline::default(), "r").is_none());
        let still = Timeline::of(vec![Moment::default(), Moment::default()], None);
        assert!(Chart::of(&still, "r").is_some(), "zeros are drawn");
    }
}
