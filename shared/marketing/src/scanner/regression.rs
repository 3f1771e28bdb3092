//! What got worse from one scan of a page to the next.

use entity::scans::NewScan;
use serde::{Deserialize, Serialize};

use super::{Finding, Group, Scan, Score};

/// Points that a score may fall without anybody being told: speed and broken links come and go.
const TOLERANCE: i16 = 3;

/// What got worse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Regression {
    /// For search engines.
    pub seo: Fall,
    /// For answer engines.
    pub geo: Fall,
    /// What was well before and is to be done now.
    pub findings: Vec<String>,
}

/// A score before and now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fall {
    /// Before.
    pub before: u8,
    /// Now.
    pub now: u8,
}

impl Regression {
    /// What got worse between two scans of a page; none when nothing did that matters.
    #[must_use]
    pub fn between(before: &Scan, now: &Scan) -> Option<Self> {
        let (seo, geo) = (Fall::of(&before.seo, &now.seo), Fall::of(&before.geo, &now.geo));
        let newly_open: Vec<&Finding> = [(&before.seo, &now.seo), (&before.geo, &now.geo)]
            .into_iter()
            .flat_map(|(before, now)| now.findings.iter().filter(move |finding| is_newly_open(finding, before)))
            .collect();
        let is_urgent = newly_open.iter().any(|finding| finding.group == Group::Urgent);
        let findings = newly_open.into_iter().map(|finding| format!("{}: {}", finding.id, finding.seen)).collect();
        (seo.matters() || geo.matters() || is_urgent).then_some(Self { seo, geo, findings })
    }
}

impl Fall {
    const fn of(before: &Score, now: &Score) -> Self {
        Self { before: before.score, now: now.score }
    }

    fn matters(self) -> bool {
        i16::from(self.before) - i16::from(self.now) >= TOLERANCE
    }
}

fn is_newly_open(finding: &Finding, before: &Score) -> bool {
    let was_done = || before.findings.iter().any(|other| other.id == finding.id && other.group == Group::Done);
    finding.group != Group::Done && was_done()
}

/// A scan as it is kept.
///
/// # Errors
///
/// When it cannot be written as JSON.
pub fn to_keep(scan: &Scan) -> Result<NewScan, serde_json::Error> {
    Ok(NewScan {
        url: scan.url.clone(),
        title: scan.title.clone(),
        seo: scan.seo.score,
        geo: scan.geo.score,
        report: serde_json::to_value(scan)?,
    })
}
