//! A report in Markdown, under 10,000 characters.

use std::collections::BTreeSet;
use std::fmt::{Result, Write};

use super::{AdjustedWeights, ChannelMetric, Query, Report};
use crate::insights::Severity;
use crate::markdown::plain;
use crate::performance::metric_words;
use crate::text::written;

/// What one answer may take.
const MAX_CHARS: usize = 9_900;
/// Longer lists are in the data.
const MAX_LISTED: usize = 12;
/// A row for each part takes the place of more important ones.
const MAX_ACCOUNT_CHARS: usize = 80;

/// A report as people read it. What sources say is shown as text, never as Markdown of our own.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, report);
    if text.chars().count() <= MAX_CHARS {
        return text;
    }
    let kept: String = text.chars().take(MAX_CHARS - 200).collect();
    // A whole line, so that no number is cut in two.
    let kept = kept.rsplit_once('\n').map_or(kept.as_str(), |(lines, _)| lines);
    format!("{kept}\n\nThe rest is left out here; the calls named above show all numbers.\n")
}

fn write(text: &mut String, report: &Report) -> Result {
    writeln!(text, "# {} to {}\n", report.period.from, report.period.to)?;
    writeln!(text, "**{}**\n", plain(&report.headline))?;
    let (previous, zone) = (report.previous, &report.time_zone);
    writeln!(text, "Compared with {} to {}; days are those of {zone}.\n", previous.from, previous.to)?;
    match &report.narrative {
        Some(narrative) => narrative.split("\n\n").try_for_each(|part| writeln!(text, "{}\n", plain(part)))?,
        None => writeln!(text, "{}\n", by_template(report))?,
    }
    recommendations(text, report)?;
    weights(text, report)?;
    insights(text, report)?;
    anomalies(text, report)?;
    numbers(text, report)?;
    unknown(text, report)
}

/// The paragraph where nobody wrote one.
fn by_template(report: &Report) -> String {
    let count = |severity| report.insights.iter().filter(|insight| insight.severity == severity).count();
    let (good, bad) = (count(Severity::Positive), count(Severity::Negative));
    let unsure = count(Severity::Neutral);
    let changes = match (good, bad) {
        (0, 0) => "Nothing is certain to have changed".to_owned(),
        _ => format!("Of what changed, {good} for the better and {bad} for the worse is hardly chance"),
    };
    let unsure = if unsure > 0 { format!("; {unsure} more may be chance") } else { String::new() };
    format!("{changes}{unsure}. Every number below names the call that shows it again.")
}

fn recommendations(text: &mut String, report: &Report) -> Result {
    writeln!(text, "## What to do\n")?;
    if report.recommendations.is_empty() {
        return writeln!(text, "Nothing in these numbers asks for anything else than what is planned.\n");
    }
    for (number, advice) in (1..).zip(&report.recommendations) {
        let call = format!("{} {}", advice.tool, advice.arguments);
        writeln!(text, "{number}. {} {} `{}`", plain(&advice.recommendation), plain(&advice.because), code(&call))?;
    }
    writeln!(text)
}

fn weights(text: &mut String, report: &Report) -> Result {
    if report.adjusted_weights.is_empty() {
        return Ok(());
    }
    writeln!(text, "## Weights to change, if you agree\n")?;
    for weights in report.adjusted_weights.iter().take(MAX_LISTED) {
        let AdjustedWeights { proposal_id, proposal, current, proposed, evidence, expected_effect, .. } = weights;
        writeln!(
            text,
            "- {} Now {}; then {}. {} {} `review_proposal {{\"proposalId\":\"{proposal_id}\"}}`",
            plain(proposal),
            plain(current),
            plain(proposed),
            plain(&evidence.join(" ")),
            plain(expected_effect)
        )?;
    }
    writeln!(text)
}

fn insights(text: &mut String, report: &Report) -> Result {
    writeln!(text, "## What changed\n")?;
    if report.insights.is_empty() {
        return writeln!(text, "Nothing that could be compared.\n");
    }
    for insight in report.insights.iter().take(MAX_LISTED) {
        let sign = match insight.severity {
            Severity::Positive => "good",
            Severity::Negative => "bad",
            Severity::Neutral => "unsure",
        };
        writeln!(text, "- **{sign}** {}", plain(&insight.without_call()))?;
    }
    writeln!(text)
}

fn anomalies(text: &mut String, report: &Report) -> Result {
    if report.anomalies.is_empty() {
        return Ok(());
    }
    writeln!(text, "## Days that stand out\n\n| day | what | number | usual | shown by |\n|---|---|---:|---:|---|")?;
    for anomaly in report.anomalies.iter().take(MAX_LISTED) {
        let outlier = &anomaly.outlier;
        writeln!(
            text,
            "| {} | {} {} | {} | {} to {} | `{}` |",
            outlier.date,
            plain(&anomaly.name),
            plain(&metric_words(&anomaly.metric)),
            written(outlier.value, 0),
            written(outlier.low, 0),
            written(outlier.high, 0),
            code(&anomaly.query.call())
        )?;
    }
    if report.anomalies.len() > MAX_LISTED {
        writeln!(text, "\nAnd {} more.", report.anomalies.len() - MAX_LISTED)?;
    }
    writeln!(text)
}

fn numbers(text: &mut String, report: &Report) -> Result {
    let mut rest = report.channel_metrics.as_slice();
    while let Some(first) = rest.first() {
        let length = rest.iter().take_while(|metric| first.is_shown_with(metric)).count();
        let (these, others) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        table(text, first, these)?;
        rest = others;
    }
    Ok(())
}

fn table(text: &mut String, first: &ChannelMetric, these: &[ChannelMetric]) -> Result {
    let account: String = first.account.chars().take(MAX_ACCOUNT_CHARS).collect();
    let Query { fetched_at, .. } = first.number.query;
    writeln!(text, "## {}: {}\n", plain(&first.name), plain(&account))?;
    writeln!(text, "Read {} UTC: `{}`\n", fetched_at.format("%Y-%m-%d %H:%M"), code(&first.number.query.call()))?;
    writeln!(text, "| | number | before | change |\n|---|---:|---:|---:|")?;
    for metric in these {
        let number = &metric.number;
        let written = |value: Option<f64>| value.map_or("not known".to_owned(), |value| number.unit.written(value));
        let change = metric.change_in_words();
        let what = number.part.as_deref().map_or_else(|| metric_words(&number.metric), str::to_owned);
        writeln!(text, "| {} | {} | {} | {change} |", plain(&what), written(number.value), written(number.previous))?;
    }
    let before: BTreeSet<String> =
        these.iter().filter_map(|metric| Some(metric.number.previous_query.as_ref()?.call())).collect();
    for call in before {
        writeln!(text, "\nBefore: `{}`", code(&call))?;
    }
    writeln!(text)
}

fn unknown(text: &mut String, report: &Report) -> Result {
    let missing = report.missing.iter().map(|missing| missing.why.clone());
    let unknown: Vec<String> = missing.chain(report.gaps.iter().map(|gap| gap.why.clone())).collect();
    if !unknown.is_empty() {
        writeln!(text, "## What is not known\n")?;
    }
    for line in &unknown {
        writeln!(text, "- {}", plain(line))?;
    }
    if report.missing.iter().any(|missing| !missing.is_connected) {
        writeln!(text, "\n`connect_platform` connects a source.")?;
    }
    if !report.notes.is_empty() {
        writeln!(text, "\n## To know about the sources\n")?;
    }
    for note in &report.notes {
        writeln!(text, "- {}", plain(note))?;
    }
    Ok(())
}

/// What stands between backticks cannot hold any, and no bar of a table.
fn code(call: &str) -> String {
    call.replace('`', "'").replace('|', "/")
}
