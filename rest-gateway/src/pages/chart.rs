//! Pictures of numbers, made on the server. Every colour comes from the stylesheet, by class.

use svg::Document;
use svg::node::Text;
use svg::node::element::{Circle, Description, Group, Line, Polyline, Rectangle, Text as Label, Title};

/// Of the picture of a trend; browsers scale it.
const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 150.0;
/// Room for the labels of the lines, at the right, and of the axes, at the left and below.
const RIGHT: f64 = 44.0;
const LEFT: f64 = 26.0;
const BELOW: f64 = 18.0;
const ABOVE: f64 = 8.0;
/// Two labels closer than this would lie on each other.
const LINE_HEIGHT: f64 = 11.0;
const RING_RADIUS: f64 = 42.0;
/// Of a comparison: how high a row is, and how long a name may be.
const ROW: f64 = 24.0;
const NAME_CHARS: usize = 26;

/// A line of a trend: values from 0 to 100, the oldest first.
pub struct Series<'a> {
    /// Its name, which stands at its end, and its class.
    pub name: &'a str,
    /// From 0 to 100.
    pub values: Vec<f64>,
}

/// Scores over time. `first` and `last` are the days at the ends.
pub fn trend(title: &str, description: &str, series: &[Series<'_>], first: &str, last: &str) -> String {
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BELOW);
    let y = |value: f64| bottom - value / 100.0 * (bottom - ABOVE);
    let mut chart = described(Document::new().set("viewBox", (0, 0, WIDTH, HEIGHT)), title, description);
    for value in [0.0, 50.0, 100.0] {
        let line = Line::new().set("x1", LEFT).set("x2", right).set("y1", y(value)).set("y2", y(value));
        chart = chart.add(line.set("class", "grid"));
        chart = chart.add(label(LEFT - 4.0, y(value) + 3.0, "end", &format!("{value}")));
    }
    let ends = apart(series.iter().map(|it| it.values.last().map_or(bottom, |value| y(*value))).collect());
    for (series, end) in series.iter().zip(ends) {
        let points = points(&series.values, (LEFT, right), y);
        let line = Polyline::new().set("points", points).set("class", format!("line {}", series.name));
        let last = series.values.last().copied().unwrap_or_default();
        let dot = Circle::new().set("cx", right).set("cy", y(last)).set("r", 2.5);
        let name = label(right + 6.0, end + 3.0, "start", &format!("{} {last}", series.name.to_uppercase()));
        chart = chart.add(Group::new().add(line).add(dot.set("class", format!("dot {}", series.name))).add(name));
    }
    let below = HEIGHT - 4.0;
    chart.add(label(LEFT, below, "start", first)).add(label(right, below, "end", last)).to_string()
}

/// A number of something, beside what it was before.
pub struct Bar {
    /// Of what.
    pub name: String,
    /// Not negative.
    pub now: f64,
    /// Not negative.
    pub before: f64,
    /// How the number is written.
    pub label: String,
}

/// Numbers as bars from nothing on, each with the lighter one of before below it.
pub fn comparison(title: &str, description: &str, bars: &[Bar]) -> String {
    let (left, right) = (WIDTH * 0.38, WIDTH - RIGHT - 12.0);
    let most = bars.iter().flat_map(|bar| [bar.now, bar.before]).fold(f64::MIN_POSITIVE, f64::max);
    let rectangle = |value: f64, y: f64, height: f64, class: &str| {
        let width = format!("{:.1}", value / most * (right - left));
        Rectangle::new()
            .set("x", format!("{left:.1}"))
            .set("y", y)
            .set("width", width)
            .set("height", height)
            .set("class", class)
    };
    let height = ROW * f64::from(u32::try_from(bars.len()).unwrap_or(u32::MAX));
    let mut chart = described(Document::new().set("viewBox", (0, 0, WIDTH, height)), title, description);
    let mut top = 0.0;
    for bar in bars {
        let end = left + bar.now / most * (right - left);
        chart = chart
            .add(label(left - 6.0, top + 14.0, "end", &shortened(&bar.name)))
            .add(rectangle(bar.now, top + 5.0, 9.0, "bar"))
            .add(rectangle(bar.before, top + 15.0, 4.0, "bar before"))
            .add(label(end + 4.0, top + 13.0, "start", &bar.label));
        top += ROW;
    }
    chart.to_string()
}

/// As much of a name as there is room for.
fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME_CHARS {
        return name.to_owned();
    }
    format!("{}…", name.chars().take(NAME_CHARS - 1).collect::<String>().trim_end())
}

/// A number over time, as small as a word. It says nothing that the text beside it does not.
pub fn sparkline(values: &[f64]) -> String {
    let (width, height) = (120.0, 32.0);
    let most = values.iter().copied().fold(0.0_f64, f64::max);
    let y = |value: f64| if most > 0.0 { height - 4.0 - value / most * (height - 8.0) } else { height - 4.0 };
    let line = Polyline::new().set("points", points(values, (4.0, width - 4.0), y)).set("class", "line");
    let end = y(values.last().copied().unwrap_or_default());
    let dot = Circle::new().set("cx", width - 4.0).set("cy", end).set("r", 3).set("class", "dot");
    let chart = Document::new().set("viewBox", (0, 0, width, height)).set("aria-hidden", "true");
    chart.set("class", "sparkline").add(line).add(dot).to_string()
}

/// A score as the part of a circle.
pub fn ring(score: u8, title: &str) -> String {
    let round = 2.0 * std::f64::consts::PI * RING_RADIUS;
    let circle = || Circle::new().set("cx", 50).set("cy", 50).set("r", RING_RADIUS);
    let part = f64::from(score) / 100.0 * round;
    let earned = circle().set("class", "earned").set("stroke-dasharray", format!("{part:.1} {round:.1}"));
    let number = Label::new("").add(Text::new(score.to_string()));
    let number = number.set("x", 50).set("y", 59).set("text-anchor", "middle").set("class", "value");
    let chart = Document::new().set("viewBox", (0, 0, 100, 100)).set("class", "ring");
    let chart = described(chart, title, "").add(circle().set("class", "whole"));
    chart.add(earned.set("transform", "rotate(-90 50 50)")).add(number).to_string()
}

fn described(chart: Document, title: &str, description: &str) -> Document {
    let chart = chart.set("role", "img").set("aria-label", title.replace('"', "'")).add(Title::new(title));
    if description.is_empty() { chart } else { chart.add(Description::new().add(Text::new(description))) }
}

fn label(x: f64, y: f64, anchor: &str, text: &str) -> Label {
    Label::new(text).set("x", x).set("y", format!("{y:.1}")).set("text-anchor", anchor)
}

/// Evenly from left to right; a single value is a line as wide.
fn points(values: &[f64], (left, right): (f64, f64), y: impl Fn(f64) -> f64) -> String {
    let values = if let [only] = values { vec![*only, *only] } else { values.to_vec() };
    let steps = f64::from(u32::try_from(values.len().saturating_sub(1)).unwrap_or(u32::MAX)).max(1.0);
    let mut points = Vec::new();
    let mut step = 0.0;
    for value in values {
        points.push(format!("{:.1},{:.1}", left + step / steps * (right - left), y(value)));
        step += 1.0;
    }
    points.join(" ")
}

/// The heights of labels, moved as far apart as they need to be read.
fn apart(mut ends: Vec<f64>) -> Vec<f64> {
    if let [first, second] = ends.as_mut_slice()
        && (*first - *second).abs() < LINE_HEIGHT
    {
        let middle = f64::midpoint(*first, *second);
        let (upper, lower) = (middle - LINE_HEIGHT / 2.0, middle + LINE_HEIGHT / 2.0);
        (*first, *second) = if *first <= *second { (upper, lower) } else { (lower, upper) };
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_goes_from_the_oldest_to_the_newest() {
        let chart = trend(
            "SEO <rose>",
            "from 50 to 100",
            &[Series { name: "seo", values: vec![50.0, 100.0] }, Series { name: "geo", values: vec![97.0] }],
            "Mon 1 Jan",
            "Mon 8 Jan",
        );
        for part in [
            "<title>SEO &lt;rose&gt;</title>",
            "role=\"img\"",
            "points=\"26.0,70.0 316.0,8.0\"",
            // One value is a line too.
            "points=\"26.0,11.7 316.0,11.7\"",
            "SEO 100",
            "GEO 97",
            "Mon 1 Jan",
        ] {
            assert!(chart.contains(part), "{part} is not in {chart}");
        }
        assert!(!chart.contains("style"), "{chart}");
    }

    #[test]
    fn bars_begin_at_nothing_and_stand_beside_what_was() {
        let bar = |name: &str, now, before| Bar { name: name.to_owned(), now, before, label: format!("{now}") };
        let chart =
            comparison("More <visits>", "from", &[bar("sessions", 200.0, 100.0), bar(&"x".repeat(40), 0.0, 50.0)]);
        for part in ["<title>More &lt;visits&gt;</title>", "width=\"167.2\"", "width=\"83.6\"", "width=\"0.0\"", "xxx…"]
        {
            assert!(chart.contains(part), "{part} is not in {chart}");
        }
    }

    #[test]
    fn labels_do_not_lie_on_each_other() {
        assert_eq!(apart(vec![50.0, 50.0]), [44.5, 55.5]);
        assert_eq!(apart(vec![52.0, 50.0]), [56.5, 45.5]);
        assert_eq!(apart(vec![10.0, 50.0]), [10.0, 50.0]);
    }

    #[test]
    fn a_sparkline_of_nothing_is_flat() {
        assert!(sparkline(&[0.0, 0.0]).contains("points=\"4.0,28.0 116.0,28.0\""));
        assert!(sparkline(&[0.0, 4.0]).contains("points=\"4.0,28.0 116.0,4.0\""));
    }

    #[test]
    fn a_ring_shows_its_score() {
        let chart = ring(50, "SEO 50 of 100");
        assert!(chart.contains("stroke-dasharray=\"131.9 263.9\""), "{chart}");
    }
}
