//! The documents: every link leads somewhere, every test that is named exists, and what is to be pasted is what the
//! server itself prints.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use entity::events::EventType;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use web::config::PublicUrl;
use web::connect::{Connect, KEY_PLACEHOLDER};

const THREATS: &str = "docs/security/threats.md";
const ASVS: &str = "docs/security/asvs.md";
const LOG: &str = "docs/security/log.md";
/// Requirements of levels 1 and 2 in version 5.0.0.
const ASVS_REQUIREMENTS: usize = 253;

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rows of all tables of a page, without their heads.
pub fn rows(page: &str) -> Vec<Vec<&str>> {
    let mut rows = Vec::new();
    let mut is_head = true;
    for line in page.lines() {
        let is_row = line.starts_with("| ");
        let is_rule = line.starts_with("| ---");
        if is_row && !is_rule && !is_head {
            rows.push(line.trim_matches('|').split('|').map(str::trim).collect());
        }
        is_head = !is_row || (is_head && !is_rule);
    }
    rows
}

/// Holds that each of these tests, written `path#name`, exists.
#[track_caller]
pub fn assert_tests_exist(cell: &str) {
    for test in cell.split(", ").map(|test| test.trim_matches('`')) {
        let (path, name) = test.split_once('#').unwrap_or_else(|| panic!("{test} is no path#name"));
        assert!(is_test(&read(path), name), "{path} has no test {name}");
    }
}

/// Whether the file has a function of this name that is a test: annotated as one, or in a list of those that become one
/// on each database.
fn is_test(source: &str, name: &str) -> bool {
    let Some(at) = source.find(&format!("fn {name}(")) else { return false };
    let above = source[..at].trim_end_matches(' ').lines().rev().take_while(|line| !line.trim().is_empty());
    let is_annotated = above.take(8).any(|line| line.contains("#[tokio::test") || line.contains("#[test]"));
    let lists = ["on_each_database!(", "on_each_empty_database!("];
    let is_listed = lists.iter().flat_map(|list| source.split(list).skip(1)).any(|list| {
        let names = list.split(')').next().unwrap_or_default();
        names.split(',').any(|listed| listed.trim() == name)
    });
    is_annotated || is_listed
}

#[test]
fn every_threat_names_the_tests_that_try_it() {
    let page = read(THREATS);
    let rows = rows(&page);
    assert!(rows.len() > 30, "{} threats", rows.len());
    for row in rows {
        let [threat, stands, tests] = row.as_slice() else { panic!("{row:?} is no threat") };
        assert!(!threat.is_empty() && !stands.is_empty(), "{row:?}");
        assert_tests_exist(tests);
    }
}

#[test]
fn every_event_that_says_who_got_at_an_account_is_explained() {
    let page = read(LOG);
    let mut told: Vec<&str> = rows(&page).iter().flat_map(|row| row[0].split(", ")).collect();
    let mut expected: Vec<String> = EventType::ALL
        .iter()
        .map(|event| event.as_str())
        .filter(|name| ["customer.", "key.", "session.", "grant."].iter().any(|kind| name.starts_with(kind)))
        .map(|name| format!("`{name}`"))
        .collect();
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected);
}

#[test]
fn every_requirement_of_asvs_is_answered_once() {
    let page = read(ASVS);
    let mut seen = BTreeSet::new();
    for row in rows(&page) {
        for requirement in row[0].split(", ") {
            assert!(requirement.split('.').count() == 3, "{requirement} is no requirement");
            assert!(seen.insert(requirement.to_owned()), "{requirement} is there twice");
        }
        if let [_, _, _, tests] = row.as_slice() {
            assert_tests_exist(tests);
        }
        assert!(row.iter().all(|cell| !cell.is_empty()), "{row:?}");
    }
    assert_eq!(seen.len(), ASVS_REQUIREMENTS);
}

/// Every Markdown file that people read.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let is_ours = !name.starts_with('.') && !["target", "node_modules", "python", "templates"].contains(&name);
            if path.is_dir() && is_ours {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "md") {
                found.push(path);
            }
        }
    }
    found
}

/// The targets of a page's links, and the anchors of its headings as code hosts make them.
fn links_and_anchors(text: &str) -> (Vec<String>, BTreeSet<String>) {
    let (mut links, mut anchors) = (Vec::new(), BTreeSet::new());
    let mut counted: HashMap<String, usize> = HashMap::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => links.push(dest_url.to_string()),
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let anchor = anchor(&heading.take().unwrap_or_default());
                let before = counted.entry(anchor.clone()).or_default();
                anchors.insert(if *before == 0 { anchor } else { format!("{anchor}-{before}") });
                *before += 1;
            }
            _ => {}
        }
    }
    (links, anchors)
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn every_link_leads_somewhere() {
    let documents = documents();
    assert!(documents.len() > 25, "{documents:?}");
    let mut checked = 0;
    for document in &documents {
        let name = document.strip_prefix(root()).unwrap().display();
        let (links, _) = links_and_anchors(&std::fs::read_to_string(document).unwrap());
        // Some READMEs are the documentation of a crate too, and name its items.
        let is_ours = |link: &&String| !link.contains("://") && !link.contains("::");
        for link in links.iter().filter(is_ours) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { document.clone() } else { document.parent().unwrap().join(path) };
            assert!(target.exists(), "{name}: {link} leads nowhere");
            if !anchor.is_empty() {
                let (_, anchors) = links_and_anchors(&std::fs::read_to_string(&target).unwrap());
                assert!(anchors.contains(anchor), "{name}: {link} is none of {anchors:?}");
            }
            checked += 1;
        }
    }
    assert!(checked > 80, "only {checked} links");
}

/// Every document can be found from the first one.
#[test]
fn no_document_is_out_of_reach() {
    let mut reached = BTreeSet::new();
    let mut open = vec![root().join("README.md")];
    while let Some(document) = open.pop() {
        let document = document.canonicalize().unwrap();
        if !reached.insert(document.clone()) {
            continue;
        }
        let (links, _) = links_and_anchors(&std::fs::read_to_string(&document).unwrap());
        let targets = links.iter().map(|link| document.parent().unwrap().join(link.split('#').next().unwrap()));
        open.extend(targets.filter(|target| target.extension().is_some_and(|it| it == "md") && target.exists()));
    }
    for document in documents() {
        assert!(reached.contains(&document.canonicalize().unwrap()), "{} is linked from nowhere", document.display());
    }
}

#[test]
fn the_guides_give_each_client_what_the_server_prints() {
    let mcp = PublicUrl::localhost(8788);
    let connect = Connect::new(&mcp, KEY_PLACEHOLDER);
    let guide = |client: &str| read(&format!("docs/clients/{client}.md"));
    for (client, printed) in [
        ("claude-desktop", connect.claude_desktop()),
        ("claude-code", connect.claude_code()),
        ("cursor", connect.cursor()),
        ("other", connect.sse_url()),
        ("other", connect.url()),
    ] {
        // As a step of a list, whose lines are set in.
        let lines: Vec<String> =
            guide(client).lines().map(|line| line.strip_prefix("   ").unwrap_or(line).to_owned()).collect();
        assert!(lines.join("\n").contains(&printed), "docs/clients/{client}.md does not have:\n{printed}");
    }
}

/// A setting that is spelled wrong would be ignored without a word.
#[test]
fn every_setting_that_is_named_exists() {
    let example = read(".env.example");
    let caddy = read("Caddyfile");
    let mut named = 0;
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
        let prefixes = [
            "HEYCMO_",
            "STRIPE_",
            "COMPOSIO_",
            "INNGEST_",
            "LLM_",
            "RATE_LIMIT_",
            "SECRET_SCANNING_",
            "ENCRYPTION_SECRET",
        ];
        for word in words.filter(|word| prefixes.iter().any(|prefix| word.starts_with(prefix) && !word.ends_with('_')))
        {
            let name = word.strip_suffix("_FILE").unwrap_or(word);
            let is_for_tests = ["HEYCMO_SEED", "HEYCMO_SOAK"].contains(&name);
            let exists = example.contains(&format!("#{name}=")) || caddy.contains(name) || is_for_tests;
            assert!(exists, "{}: there is no setting {word}", document.display());
            named += 1;
        }
    }
    assert!(named > 50, "only {named} settings");
}

/// Docker is not there to try it, but compose.yaml is.
#[test]
fn every_service_that_is_named_is_one_of_compose_yaml() {
    let compose = read("compose.yaml");
    let mut named = 0;
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for command in text.split("docker compose ").skip(1).filter_map(|rest| rest.lines().next()) {
            let command = command.split('`').next().unwrap();
            let one = ["exec -T ", "run --rm ", "logs ", "ps "].iter().find_map(|verb| command.strip_prefix(verb));
            let several = ["stop ", "up -d --force-recreate "].iter().find_map(|verb| command.strip_prefix(verb));
            let services: Vec<&str> = several.map_or_else(
                || one.into_iter().filter_map(|rest| rest.split(' ').next()).collect(),
                |rest| rest.split(' ').collect(),
            );
            for service in services {
                assert!(compose.contains(&format!("\n  {service}:\n")), "{}: {service}", document.display());
                named += 1;
            }
        }
    }
    assert!(named > 10, "only {named} services");
}
