//! Scans of pages, for search engines and answer engines.

use std::fmt::Write;

use entity::db::Db;
use entity::ids::{CustomerId, ScanId};
use entity::pages;
use entity::scans::{self, Summary};
use marketing::scanner::{Finding, Group, Scan, Score, page_address, to_keep};
use rmcp::model::RequestMetaObject;
use rmcp::{Peer, RoleServer, tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{Arguments, given, page_size};
use crate::answer::{Answer, Refusal};
use crate::caller::Caller;
use crate::progress::Teller;
use crate::resources::scan_uri;
use crate::schema;
use crate::server::HeyCmo;
use crate::when::{in_list, timestamp};

const DEFAULT_PAGE: u64 = 20;
const MAX_PAGE: u64 = 50;
/// How many findings of a score the text names; all are in the data.
const NAMED: usize = 8;

/// What to scan.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ScanPageIn {
    /// Address of a public page, such as https://acme.example/pricing.
    #[schemars(length(min = 1, max = 2000))]
    url: String,
    /// Whether to give ready-made texts too: meta tags, JSON-LD, llms.txt. False when left out.
    fixes: Option<bool>,
    /// true: scan it every week from now on, and note in the log what got worse. false: no longer.
    watch: Option<bool>,
}

/// What a scan has found.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ScanOut {
    id: ScanId,
    /// Where the page is, after all redirects.
    url: String,
    title: Option<String>,
    /// For search engines.
    seo: ScoreOut,
    /// For answer engines.
    geo: ScoreOut,
    /// The second score by answer engine, each from 0 to 100.
    engines: EnginesOut,
    /// The scan of the same page before, to compare with.
    previous: Option<ScanSummaryOut>,
    /// Ready-made texts, where they were asked for.
    fixes: Vec<FixOut>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ScoreOut {
    /// From 0 to 100.
    score: i32,
    /// From A to F.
    grade: String,
    /// What there is to do, the most points to gain first.
    findings: Vec<FindingOut>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct FindingOut {
    id: String,
    dimension: String,
    /// urgent or recommended.
    group: String,
    /// What was seen.
    seen: String,
    /// What to do.
    advice: String,
    /// Points to gain.
    points: f64,
    /// The public page that says why.
    source: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct EnginesOut {
    chatgpt: i32,
    perplexity: i32,
    gemini: i32,
    google_ai: i32,
}

#[derive(Debug, Serialize, JsonSchema)]
struct FixOut {
    name: String,
    /// Where it belongs.
    place: String,
    text: String,
}

/// Which scans.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ListScansIn {
    /// Only those of this page.
    #[schemars(length(max = 2000))]
    url: Option<String>,
    /// How many.
    #[schemars(range(min = 1, max = 50))]
    limit: Option<i64>,
    /// From the page before.
    cursor: Option<String>,
}

/// Some scans.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ListScansOut {
    /// Newest first.
    scans: Vec<ScanSummaryOut>,
    /// Give this as `cursor` for the next page; null on the last one.
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ScanSummaryOut {
    id: ScanId,
    url: String,
    title: Option<String>,
    /// For search engines, from 0 to 100.
    seo: i32,
    /// For answer engines, from 0 to 100.
    geo: i32,
    scanned_at: String,
}

#[tool_router(router = scan_tools, vis = "pub(super)")]
impl HeyCmo {
    #[tool(
        title = "Scan page",
        description = "Scores a public page for search engines (SEO) and answer engines (GEO), says what to change first and why, and keeps the scan. Takes some seconds.",
        input_schema = schema::input::<ScanPageIn>(),
        output_schema = schema::output::<ScanOut>(),
        annotations(read_only_hint = false, destructive_hint = false, idempotent_hint = false, open_world_hint = true)
    )]
    async fn scan_page(
        &self,
        caller: Caller,
        meta: RequestMetaObject,
        peer: Peer<RoleServer>,
        Arguments(input): Arguments<ScanPageIn>,
    ) -> Result<Answer<ScanOut>, Refusal> {
        let app = self.app();
        let scan = scanned(app.scanner.clone(), &input.url, Teller::of(&meta, peer)).await?;
        let new = to_keep(&scan).map_err(|error| Refusal(format!("The scan cannot be kept: {error}")))?;
        let kept = scans::save(&app.db, &caller.customer_id, new).await?;
        let watched = watched(&app.db, &caller.customer_id, &kept.url, input.watch).await?;
        let previous = scans::before(&app.db, &kept).await?;
        let mut answer = answer(kept.id, scan, previous, input.fixes.unwrap_or(false));
        answer.text.push_str(watched);
        Ok(answer)
    }

    #[tool(
        title = "List scans",
        description = "Lists past scans, newest first; with url the trend of that page. Pages with cursor.",
        input_schema = schema::input::<ListScansIn>(),
        output_schema = schema::output::<ListScansOut>(),
        annotations(read_only_hint = true, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn list_scans(
        &self,
        caller: Caller,
        Arguments(input): Arguments<ListScansIn>,
    ) -> Result<Answer<ListScansOut>, Refusal> {
        let app = self.app();
        let limit = page_size(input.limit, DEFAULT_PAGE, MAX_PAGE)?;
        let url = given(input.url).map(|url| page_address(&url)).transpose().map_err(|error| refused(&error))?;
        let cursor = given(input.cursor).map(|text| text.parse::<ScanId>().map_err(|_| not_a_cursor())).transpose()?;
        let url = url.as_ref().map(url::Url::as_str);
        let page = scans::list(&app.db, &caller.customer_id, url, cursor.as_ref(), limit).await?;
        let zone = caller.time_zone;
        let line = |scan: &Summary| {
            let (at, Summary { id, url, seo, geo, .. }) = (in_list(scan.created_at, zone), scan);
            format!("- {at} · SEO {seo} · GEO {geo} · {url} · {id}")
        };
        let mut lines: Vec<String> = page.scans.iter().map(line).collect();
        match (page.scans.first(), page.scans.last()) {
            (None, _) | (_, None) => lines.push("No scan matches. scan_page makes one.".to_owned()),
            (Some(newest), Some(oldest)) if url.is_some() && newest.id != oldest.id => lines.push(format!(
                "From the oldest to the newest of these: SEO {:+}, GEO {:+}.",
                newest.seo - oldest.seo,
                newest.geo - oldest.geo
            )),
            _ => {}
        }
        if let Some(next) = &page.next {
            lines.push(format!("There is more: call again with cursor {next}."));
        }
        let data = ListScansOut {
            scans: page.scans.into_iter().map(ScanSummaryOut::from).collect(),
            next_cursor: page.next.map(|id| id.to_string()),
        };
        Ok(Answer { text: lines.join("\n"), data })
    }
}

/// Begins or ends watching a page, as was asked; what to tell of it.
async fn watched(db: &Db, customer_id: &CustomerId, url: &str, watch: Option<bool>) -> entity::Result<&'static str> {
    Ok(match watch {
        Some(true) => {
            pages::watch(db, customer_id, url).await?;
            " It is scanned every week from now on; list_events tells what got worse."
        }
        Some(false) if pages::unwatch(db, customer_id, url).await? => " It is not scanned every week any more.",
        Some(false) => " It was not watched.",
        None => "",
    })
}

/// Scans, and tells how far it is.
async fn scanned(scanner: marketing::scanner::Scanner, url: &str, mut teller: Option<Teller>) -> Result<Scan, Refusal> {
    let (told, mut stages) = mpsc::unbounded_channel();
    let scan = scanner.scan(url, move |stage| {
        // Nobody listens any more only where the call is over.
        let _ = told.send(stage);
    });
    let tell = async {
        while let Some(stage) = stages.recv().await {
            if let Some(teller) = &mut teller {
                teller.tell(stage.label().to_owned()).await;
            }
        }
    };
    let (scan, ()) = tokio::join!(scan, tell);
    scan.map_err(|error| refused(&error))
}

fn refused(error: &marketing::scanner::FetchError) -> Refusal {
    Refusal(format!("`url`: {error}"))
}

fn not_a_cursor() -> entity::Error {
    entity::Error::invalid("cursor", "is not a cursor that list_scans gave you")
}

fn answer(id: ScanId, scan: Scan, previous: Option<Summary>, with_fixes: bool) -> Answer<ScanOut> {
    let mut text = format!(
        "{}: SEO {} ({}), GEO {} ({}).",
        scan.url, scan.seo.score, scan.seo.grade, scan.geo.score, scan.geo.grade
    );
    if let Some(before) = &previous {
        let (seo, geo) = (i32::from(scan.seo.score) - before.seo, i32::from(scan.geo.score) - before.geo);
        text.push_str(&format!(" Since the scan before: SEO {seo:+}, GEO {geo:+}."));
    }
    let engines = scan.engines;
    text.push_str(&format!(
        "\nBy answer engine: ChatGPT {}, Perplexity {}, Gemini {}, Google\u{2019}s AI answers {}.",
        engines.chatgpt, engines.perplexity, engines.gemini, engines.google_ai
    ));
    for (name, score) in [("search engines", &scan.seo), ("answer engines", &scan.geo)] {
        name_findings(&mut text, name, score);
    }
    if with_fixes {
        for fix in &scan.fixes {
            text.push_str(&format!("\n\n{} \u{2013} {}:\n{}", fix.name, fix.place, fix.text));
        }
    }
    let more =
        if with_fixes || scan.fixes.is_empty() { "" } else { " Ready-made texts: call again with fixes, or read it." };
    text.push_str(&format!("\n\nThe whole report is {}.{more}", scan_uri(id.as_str())));
    let fixes = if with_fixes { scan.fixes } else { Vec::new() };
    let data = ScanOut {
        id,
        url: scan.url,
        title: scan.title,
        seo: scan.seo.into(),
        geo: scan.geo.into(),
        engines: EnginesOut {
            chatgpt: engines.chatgpt.into(),
            perplexity: engines.perplexity.into(),
            gemini: engines.gemini.into(),
            google_ai: engines.google_ai.into(),
        },
        previous: previous.map(ScanSummaryOut::from),
        fixes: fixes.into_iter().map(|fix| FixOut { name: fix.name, place: fix.place, text: fix.text }).collect(),
    };
    Answer { text, data }
}

fn name_findings(text: &mut String, name: &str, score: &Score) {
    let open: Vec<&Finding> = score.findings.iter().filter(|it| it.group != Group::Done).collect();
    if open.is_empty() {
        let _ = write!(text, "\n\nFor {name} there is nothing to do.");
        return;
    }
    let _ = write!(text, "\n\nFor {name}:");
    for finding in open.iter().take(NAMED) {
        let advice = finding.advice.as_deref().unwrap_or_default();
        let _ = write!(text, "\n- +{:.1} {} {advice} ({})", finding.points, finding.seen, finding.source);
    }
    if open.len() > NAMED {
        let _ = write!(text, "\n- and {} more.", open.len() - NAMED);
    }
}

impl From<Score> for ScoreOut {
    fn from(score: Score) -> Self {
        let findings = score.findings.into_iter().filter(|it| it.group != Group::Done).map(FindingOut::from).collect();
        Self { score: score.score.into(), grade: score.grade.to_string(), findings }
    }
}

impl From<Finding> for FindingOut {
    fn from(finding: Finding) -> Self {
        let group = if finding.group == Group::Urgent { "urgent" } else { "recommended" };
        Self {
            id: finding.id,
            dimension: finding.dimension,
            group: group.to_owned(),
            seen: finding.seen,
            advice: finding.advice.unwrap_or_default(),
            points: finding.points,
            source: finding.source,
        }
    }
}

impl From<Summary> for ScanSummaryOut {
    fn from(scan: Summary) -> Self {
        let scanned_at = timestamp(scan.created_at);
        Self { id: scan.id, url: scan.url, title: scan.title, seo: scan.seo, geo: scan.geo, scanned_at }
    }
}
