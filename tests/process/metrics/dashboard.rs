//! The dashboard and the documentation, held against the list of metrics.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use web::metrics::{Kind, METRICS};

/// What says nothing on a dashboard about how things are.
const LEFT_OUT: [&str; 0] = [];

fn text(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operating").join(name)).unwrap()
}

/// Every text under this key, anywhere.
fn all<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(key).and_then(Value::as_str));
            fields.values().for_each(|value| all(value, key, found));
        }
        Value::Array(values) => values.iter().for_each(|value| all(value, key, found)),
        _ => {}
    }
}

/// The words of a query that are names of metrics: ours begin alike.
fn metrics_in(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("heycmo_") || word.starts_with("process_"))
}

/// The names under which a metric can be asked for.
fn names() -> BTreeSet<String> {
    let names = METRICS.iter().flat_map(|metric| match metric.kind {
        Kind::Histogram => ["_bucket", "_sum", "_count"].map(|part| format!("{}{part}", metric.name)).to_vec(),
        Kind::Counter | Kind::Gauge => vec![metric.name.to_owned()],
    });
    names.collect()
}

#[test]
fn the_dashboard_shows_what_there_is_and_nothing_else() {
    let dashboard: Value = serde_json::from_str(&text("grafana.json")).unwrap();
    let mut queries = Vec::new();
    all(&dashboard, "expr", &mut queries);
    let asked: BTreeSet<&str> = queries.iter().flat_map(|query| metrics_in(query)).collect();
    let known = names();
    let unknown: Vec<_> = asked.iter().filter(|name| !known.contains(**name)).collect();
    assert!(unknown.is_empty(), "the dashboard asks for what there is not: {unknown:?}");
    let is_shown = |name: &str| asked.iter().any(|asked| asked.starts_with(name));
    let missing: Vec<_> =
        METRICS.iter().map(|it| it.name).filter(|name| !is_shown(name) && !LEFT_OUT.contains(name)).collect();
    assert!(missing.is_empty(), "nothing shows {missing:?}");
}

#[test]
fn every_panel_has_a_title_a_unit_and_the_chosen_source() {
    let dashboard: Value = serde_json::from_str(&text("grafana.json")).unwrap();
    for panel in dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row") {
        assert!(!panel["title"].as_str().unwrap().is_empty(), "{panel}");
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{panel}");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel}");
    }
}

#[test]
fn the_documentation_lists_every_metric() {
    let documentation = text("metrics.md");
    let rows: Vec<&str> = documentation.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> = METRICS
        .iter()
        .map(|it| {
            let labels: Vec<String> = it.labels.iter().map(|label| format!("`{label}`")).collect();
            format!("| `{}` | {} | {} | {} | {} |", it.name, it.kind.name(), it.unit, labels.join(", "), it.help)
        })
        .collect();
    assert_eq!(rows, expected, "docs/operating/metrics.md should have these rows:\n{}", expected.join("\n"));
}
