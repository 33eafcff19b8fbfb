//! Prometheus's text format, version 0.0.4: two comment lines per family, one line per number.

use std::fmt::Write;

/// What a family's numbers mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only grows, and begins at zero with the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts of values by size.
    Histogram,
}

/// Counts values by size. The bounds are fixed, so it takes the same memory for ever.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// The upper bound of each bucket but the last, in rising order.
    bounds: &'static [f64],
    /// One more than bounds.
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// An empty one with these upper bounds, in rising order.
    pub fn new(bounds: &'static [f64]) -> Histogram {
        Histogram { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    /// For times from a tenth of a millisecond to ten seconds.
    pub fn of_seconds() -> Histogram {
        const BOUNDS: &[f64] = &[
            0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
            1.0, 2.5, 10.0,
        ];
        Histogram::new(BOUNDS)
    }

    /// One that was counted elsewhere: bounds, one count more than those, and the values' sum.
    pub fn counted(bounds: &'static [f64], counts: Vec<u64>, sum: f64) -> Histogram {
        debug_assert_eq!(bounds.len() + 1, counts.len());
        Histogram { bounds, counts, sum }
    }

    /// Counts a value.
    pub fn observe(&mut self, value: f64) {
        let at = self.bounds.iter().position(|bound| value <= *bound);
        let at = at.unwrap_or(self.bounds.len());
        if let Some(count) = self.counts.get_mut(at) {
            *count += 1;
        }
        self.sum += value;
    }

    /// How many values there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// A page that grows family by family.
#[derive(Debug, Default)]
pub(crate) struct Page(String);

/// One family, whose lines are being written.
#[derive(Debug)]
pub(crate) struct Family<'a> {
    page: &'a mut String,
    name: &'static str,
}

impl Page {
    /// Begins a family. Names and helps are ours: letters that would need escaping do not occur.
    pub(crate) fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family { page: &mut self.0, name }
    }

    /// A family of one number that goes up and down.
    pub(crate) fn gauge(&mut self, name: &'static str, help: &str, value: f64) {
        self.family(name, Kind::Gauge, help).line(&[], value);
    }

    /// A family of one number that only grows.
    pub(crate) fn counter(&mut self, name: &'static str, help: &str, value: f64) {
        self.family(name, Kind::Counter, help).line(&[], value);
    }

    /// A family of one histogram.
    pub(crate) fn histogram(&mut self, name: &'static str, help: &str, histogram: &Histogram) {
        self.family(name, Kind::Histogram, help).histogram(&[], histogram);
    }

    /// A family of counters that differ in one label.
    pub(crate) fn words(
        &mut self,
        name: &'static str,
        help: &str,
        label: &str,
        counts: impl Iterator<Item = (&'static str, u64)>,
    ) {
        let mut family = self.family(name, Kind::Counter, help);
        for (word, count) in counts {
            family.line(&[(label, word)], count as f64);
        }
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

impl Family<'_> {
    /// One number.
    pub(crate) fn line(&mut self, labels: &[(&str, &str)], value: f64) {
        self.write("", labels, None, value);
    }

    /// A histogram: its buckets, each with all that is smaller, then sum and count.
    pub(crate) fn histogram(&mut self, labels: &[(&str, &str)], histogram: &Histogram) {
        let mut below = 0;
        for (at, count) in histogram.counts.iter().enumerate() {
            below += count;
            let bound = histogram.bounds.get(at).map_or("+Inf".to_owned(), f64::to_string);
            self.write("_bucket", labels, Some(&bound), below as f64);
        }
        self.write("_sum", labels, None, histogram.sum);
        self.write("_count", labels, None, below as f64);
    }

    fn write(&mut self, ending: &str, labels: &[(&str, &str)], bound: Option<&str>, value: f64) {
        let _ = write!(self.page, "{}{ending}", self.name);
        let mut between = '{';
        for (label, word) in labels.iter().copied().chain(bound.map(|bound| ("le", bound))) {
            let _ = write!(self.page, "{between}{label}=\"{}\"", escaped(word));
            between = ',';
        }
        if between == ',' {
            self.page.push('}');
        }
        let _ = writeln!(self.page, " {value}");
    }
}

fn escaped(word: &str) -> String {
    word.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_written_as_prometheus_reads_it() {
        let mut page = Page::default();
        page.words("hellos_total", "Hellos.", "outcome", [("busy", 2), ("welcome", 0)].into_iter());
        let mut histogram = Histogram::new(&[0.5, 1.0]);
        for value in [0.25, 0.5, 0.75, 7.0] {
            histogram.observe(value);
        }
        page.histogram("wait_seconds", "Waiting.", &histogram);
        assert_eq!(
            page.into_text(),
            "# HELP hellos_total Hellos.\n# TYPE hellos_total counter\n\
             hellos_total{outcome=\"busy\"} 2\nhellos_total{outcome=\"welcome\"} 0\n\
             # HELP wait_seconds Waiting.\n# TYPE wait_seconds histogram\n\
             wait_seconds_bucket{le=\"0.5\"} 2\nwait_seconds_bucket{le=\"1\"} 3\n\
             wait_seconds_bucket{le=\"+Inf\"} 4\nwait_seconds_sum 8.5\nwait_seconds_count 4\n"
        );
    }

    #[test]
    fn what_a_label_says_cannot_end_its_line() {
        let mut page = Page::default();
        page.family("x", Kind::Gauge, "X.").line(&[("a", "q\"\\\n")], 1.0);
        assert!(page.into_text().ends_with("x{a=\"q\\\"\\\\\\n\"} 1\n"));
    }
}
