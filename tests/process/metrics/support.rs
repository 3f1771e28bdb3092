//! What Prometheus gets, read as it reads it.

use std::collections::{BTreeMap, BTreeSet};

use harness::process::{Launch, Process};

/// One number, under its labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// One metric with its samples. Those of a histogram are only its counts.
#[derive(Clone, Debug, Default)]
pub struct Family {
    pub kind: String,
    pub help: String,
    pub samples: Vec<Sample>,
}

/// What was to be had at one moment, by the names that a query uses.
pub struct Scrape {
    pub text: String,
    pub families: BTreeMap<String, Family>,
}

impl Scrape {
    pub fn read(text: String) -> Self {
        assert!(text.ends_with("# EOF\n"), "{text}");
        let (mut kinds, mut helps) = (BTreeMap::new(), BTreeMap::new());
        for line in text.lines() {
            if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
                assert_eq!(kinds.insert(name, kind), None, "{name} comes twice");
            }
            if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
                helps.insert(name, help);
            }
        }
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        for (base, kind) in &kinds {
            let name = if *kind == "counter" { format!("{base}_total") } else { (*base).to_owned() };
            let family =
                Family { kind: (*kind).to_owned(), help: helps.get(base).unwrap_or(&"").to_string(), samples: vec![] };
            families.insert(name, family);
        }
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').map_or((series, ""), |(name, rest)| (name, rest));
            let parts = ["_bucket", "_sum"];
            if kinds
                .iter()
                .any(|(base, kind)| *kind == "histogram" && parts.iter().any(|it| name == format!("{base}{it}")))
            {
                continue;
            }
            let of_histogram = name.strip_suffix("_count").filter(|base| kinds.get(base) == Some(&"histogram"));
            let family = families.get_mut(of_histogram.unwrap_or(name));
            let family = family.unwrap_or_else(|| panic!("{name} has no type: {text}"));
            family.samples.push(Sample { labels: pairs(labels), value: value.parse().unwrap() });
        }
        Self { text, families }
    }

    /// The numbers of a metric whose labels have these values.
    pub fn values(&self, name: &str, labels: &[(&str, &str)]) -> Vec<f64> {
        let is_meant =
            |it: &&Sample| labels.iter().all(|(label, value)| it.labels.get(*label).is_some_and(|it| it == value));
        let samples = self.families.get(name).map(|family| family.samples.as_slice()).unwrap_or_default();
        samples.iter().filter(is_meant).map(|sample| sample.value).collect()
    }

    /// All of them together; 0 where there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.values(name, labels).into_iter().sum()
    }

    /// Every value that a label has anywhere.
    pub fn label_values(&self, label: &str) -> BTreeSet<&str> {
        let samples = self.families.values().flat_map(|family| &family.samples);
        samples.filter_map(|sample| sample.labels.get(label)).map(String::as_str).collect()
    }
}

/// `a="b",c="d"}`; none of our values has a comma or a quotation mark in it.
fn pairs(labels: &str) -> BTreeMap<String, String> {
    let pairs = labels.trim_end_matches('}').split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(label, value)| (label.to_owned(), value.trim_matches('"').to_owned())).collect()
}

/// With metrics on a port of its own.
pub fn measured(launch: Launch) -> Launch {
    launch.env("HEYCMO_METRICS_ADDR", "127.0.0.1:0")
}

/// What a process tells now.
pub async fn scrape(process: &mut Process) -> Scrape {
    let address = process
        .logged(|log| {
            let line = log.lines().find(|line| line.contains("metrics are to be had"))?;
            let port = line.split("127.0.0.1:").nth(1)?.split(|c: char| !c.is_ascii_digit()).next()?;
            Some(format!("http://127.0.0.1:{port}/metrics"))
        })
        .await;
    let http = web::http_client().no_proxy().build().unwrap();
    let response = http.get(address).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
    Scrape::read(response.text().await.unwrap())
}
