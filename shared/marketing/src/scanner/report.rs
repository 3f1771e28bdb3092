//! A scan in Markdown.

use std::fmt::Write;

use super::rule::{Finding, Group, Score};
use super::scan::Scan;
use crate::markdown::plain;

/// A scan as people read it. What the page says is shown as text, never as Markdown or HTML of our own.
#[must_use]
pub fn markdown(scan: &Scan) -> String {
    let mut report = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut report, scan);
    report
}

fn write(report: &mut String, scan: &Scan) -> std::fmt::Result {
    writeln!(report, "# Scan of {}\n", plain(&scan.url))?;
    if let Some(title) = &scan.title {
        writeln!(report, "{}\n", plain(title))?;
    }
    let engines = &scan.engines;
    writeln!(report, "| score | of 100 | grade |\n| --- | ---: | --- |")?;
    writeln!(report, "| SEO: search engines | {} | {} |", scan.seo.score, scan.seo.grade)?;
    writeln!(report, "| GEO: answer engines | {} | {} |\n", scan.geo.score, scan.geo.grade)?;
    writeln!(
        report,
        "By answer engine: ChatGPT {}, Perplexity {}, Gemini {}, Google's AI answers {}. Looked at on {} UTC.",
        engines.chatgpt,
        engines.perplexity,
        engines.gemini,
        engines.google_ai,
        scan.scanned_at.format("%Y-%m-%d %H:%M")
    )?;
    for (name, score) in [("SEO", &scan.seo), ("GEO", &scan.geo)] {
        of_score(report, name, score)?;
    }
    if !scan.fixes.is_empty() {
        writeln!(report, "\n## Ready to copy")?;
    }
    for fix in &scan.fixes {
        let language = if fix.name == "llms.txt" { "markdown" } else { "html" };
        writeln!(
            report,
            "\n### {}\n\n{}:\n\n````{language}\n{}\n````",
            fix.name,
            fix.place,
            fix.text.replace("````", "")
        )?;
    }
    Ok(())
}

fn of_score(report: &mut String, name: &str, score: &Score) -> std::fmt::Result {
    writeln!(report, "\n## {name}: {} of 100 ({})\n", score.score, score.grade)?;
    writeln!(report, "| part | points | of |\n| --- | ---: | ---: |")?;
    for dimension in &score.dimensions {
        let seen = if dimension.of > 0.0 { format!("{:.1}", dimension.points) } else { "not looked at".to_owned() };
        writeln!(report, "| {} | {seen} | {:.0} |", dimension.name, dimension.of)?;
    }
    for (group, title) in [(Group::Urgent, "Urgent"), (Group::Recommended, "Recommended")] {
        let findings: Vec<&Finding> = score.findings.iter().filter(|it| it.group == group).collect();
        if findings.is_empty() {
            continue;
        }
        writeln!(report, "\n### {title}\n")?;
        for finding in findings {
            let advice = plain(finding.advice.as_deref().unwrap_or_default());
            writeln!(
                report,
                "- **+{:.1}** {} {advice} ([why]({}))",
                finding.points,
                plain(&finding.seen),
                finding.source
            )?;
        }
    }
    let done: Vec<String> =
        score.findings.iter().filter(|it| it.group == Group::Done).map(|it| plain(&it.seen)).collect();
    if !done.is_empty() {
        writeln!(
            report,
            "\n### Done\n\n{}",
            done.iter().map(|seen| format!("- {seen}")).collect::<Vec<_>>().join("\n")
        )?;
    }
    Ok(())
}
