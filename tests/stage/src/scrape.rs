//! A page of metrics, fetched over HTTP and read as strictly as Prometheus's text format (0.0.4)
//! allows: whatever Prometheus would refuse or misread is an error here.

use anyhow::{Context, Result, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A page is made from memory; a busy machine is what takes time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Numbers by name and labels, the labels in the page's own order.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Metrics {
    values: BTreeMap<(String, Labels), f64>,
    kinds: BTreeMap<String, String>,
}

/// Names and values of labels.
type Labels = Vec<(String, String)>;

/// Fetches `/metrics`; the page's text.
pub fn fetch(from: SocketAddr) -> Result<String> {
    let mut stream = TcpStream::connect(from).context("nobody serves metrics")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, page) = answer.split_once("\r\n\r\n").context("no end of the head")?;
    ensure!(head.starts_with("HTTP/1.1 200 "), "{head}");
    ensure!(head.contains("Content-Type: text/plain; version=0.0.4"), "{head}");
    Ok(page.to_owned())
}

impl Metrics {
    /// Reads a page.
    pub fn read(page: &str) -> Result<Metrics> {
        ensure!(page.ends_with('\n'), "the last line is not ended");
        let mut metrics = Metrics::default();
        let mut family = String::new();
        let mut helped = BTreeSet::new();
        for line in page.lines() {
            metrics
                .line(line, &mut family, &mut helped)
                .with_context(|| format!("in the line {line:?}"))?;
        }
        metrics.check_histograms()?;
        Ok(metrics)
    }

    /// A number; `None` when it is not on the page.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        self.values.get(&(name.to_owned(), labels)).copied()
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The names of all families.
    pub fn families(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }

    fn line(
        &mut self,
        line: &str,
        family: &mut String,
        helped: &mut BTreeSet<String>,
    ) -> Result<()> {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').context("a help without words")?;
            ensure!(helped.insert(name.to_owned()), "a family twice");
            ensure!(is_name(name) && !words.is_empty(), "no name or no words");
            *family = name.to_owned();
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').context("no kind")?;
            ensure!(name == family, "a kind apart from its help");
            ensure!(["counter", "gauge", "histogram"].contains(&kind), "an unknown kind");
            ensure!(kind != "counter" || name.ends_with("_total"), "a counter ends in _total");
            ensure!(self.kinds.insert(name.into(), kind.into()).is_none(), "two kinds");
        } else {
            let (name, labels, value) = number(line)?;
            let kind = self.kinds.get(family.as_str()).context("a number before its kind")?;
            let ending = name.strip_prefix(family.as_str()).context("a number of no family")?;
            let fits = match kind.as_str() {
                "histogram" => ["_bucket", "_sum", "_count"].contains(&ending),
                _ => ending.is_empty(),
            };
            ensure!(fits, "not a number of a {kind}");
            ensure!(kind == "gauge" || value >= 0.0, "a count below zero");
            ensure!(self.values.insert((name, labels), value).is_none(), "a number twice");
        }
        Ok(())
    }

    /// Buckets grow, the last one is infinite and equals the count.
    fn check_histograms(&self) -> Result<()> {
        for family in self.kinds.iter().filter(|(_, kind)| *kind == "histogram").map(|(n, _)| n) {
            let bucket = format!("{family}_bucket");
            let mut series: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
            for ((_, labels), value) in self.values.iter().filter(|((name, _), _)| *name == bucket)
            {
                let mut labels = labels.clone();
                let (name, bound) = labels.pop().context("a bucket without a bound")?;
                ensure!(name == "le", "{bucket}: the last label is {name}");
                series.entry(labels).or_default().push((float(&bound)?, *value));
            }
            for (labels, mut buckets) in series {
                buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
                ensure!(buckets.windows(2).all(|w| w[0].1 <= w[1].1), "{bucket} shrinks");
                let last = buckets.last().copied().unwrap_or_default();
                let count = self.values.get(&(format!("{family}_count"), labels.clone()));
                ensure!(last.0.is_infinite(), "{bucket} has no infinite bound");
                ensure!(count == Some(&last.1), "{family}_count is not the last bucket");
                let sum = (format!("{family}_sum"), labels);
                ensure!(self.values.contains_key(&sum), "{family} has no sum");
            }
        }
        Ok(())
    }
}

/// `name{label="value",…} number`.
fn number(line: &str) -> Result<(String, Labels, f64)> {
    let end = line.find(['{', ' ']).context("no number")?;
    let (name, mut rest) = line.split_at(end);
    ensure!(is_name(name), "no name");
    let mut labels = Labels::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"").context("no label")?;
            ensure!(is_name(label) && !label.contains(':'), "no name of a label: {label}");
            let (value, after) = quoted(after)?;
            ensure!(labels.iter().all(|(l, _)| l != label), "a label twice");
            labels.push((label.to_owned(), value));
            match after.split_at_checked(1) {
                Some((",", after)) => rest = after,
                Some(("}", after)) => {
                    rest = after;
                    break;
                }
                _ => bail!("labels without end"),
            }
        }
    }
    let value = rest.strip_prefix(' ').context("no blank before the number")?;
    Ok((name.to_owned(), labels, float(value)?))
}

/// What stands before the closing quote, and what comes after it.
fn quoted(text: &str) -> Result<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match letters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, plain @ ('\\' | '"'))) => value.push(plain),
                _ => bail!("an unknown escape"),
            },
            plain => value.push(plain),
        }
    }
    bail!("a value without end")
}

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || c == ':')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

fn float(text: &str) -> Result<f64> {
    match text {
        "+Inf" => Ok(f64::INFINITY),
        "-Inf" => Ok(f64::NEG_INFINITY),
        "NaN" => Ok(f64::NAN),
        digits => {
            let plain = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
            ensure!(digits.chars().all(plain), "not a number: {digits}");
            digits.parse().with_context(|| format!("not a number: {digits}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# HELP a_total A.\n# TYPE a_total counter\na_total{w=\"x\\\"y\"} 3\n\
        # HELP h H.\n# TYPE h histogram\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 2\n\
        h_sum 7.5\nh_count 2\n";

    #[test]
    fn a_good_page_is_read() {
        let metrics = Metrics::read(GOOD).unwrap();
        assert_eq!(metrics.value("a_total", &[("w", "x\"y")]), Some(3.0));
        assert_eq!(metrics.value("h_sum", &[]), Some(7.5));
        assert_eq!(metrics.families().collect::<Vec<_>>(), ["a_total", "h"]);
    }

    #[test]
    fn what_prometheus_would_refuse_is_refused() {
        for (from, to) in [
            ("a_total{w=\"x\\\"y\"} 3\n", "a_total{w=\"x\\\"y\"} three\n"),
            ("a_total{w=\"x\\\"y\"} 3\n", "a_total{w=\"x} 3\n"),
            ("a_total{w=\"x\\\"y\"} 3\n", "a_total{1w=\"x\"} 3\n"),
            ("a_total{w=\"x\\\"y\"} 3\n", "a_total{w=\"x\"} 3\na_total{w=\"x\"} 4\n"),
            ("# TYPE a_total counter\n", ""),
            ("# TYPE a_total counter\n", "# TYPE a_total count\n"),
            ("le=\"0.5\"} 1", "le=\"0.5\"} 3"),
            ("h_count 2", "h_count 3"),
            ("h_bucket{le=\"+Inf\"} 2\n", ""),
            ("h_count 2\n", "h_count 2"),
        ] {
            let bad = GOOD.replace(from, to);
            assert_ne!(bad, GOOD, "{from}");
            assert!(Metrics::read(&bad).is_err(), "{bad}");
        }
    }
}
