//! What the tests of this suite share.

use std::path::Path;
use std::sync::Arc;

use harness::TestDb;
use harness::mcp::Caller;
use harness::process::{Finished, HeyCmo, Launch};
use reqwest::{Method, StatusCode};

/// An operator's terminal: `heycmo` is run with the same settings each time.
#[derive(Clone, Default)]
pub struct Terminal {
    settings: Vec<(String, String)>,
    data: Option<Arc<tempfile::TempDir>>,
}

impl Terminal {
    /// Beside these servers, on their data.
    pub fn beside(server: &harness::process::Process) -> Self {
        Self { data: Some(server.data_dir()), ..Self::default() }
    }

    /// On a directory of its own, which each command shares.
    pub fn new() -> Self {
        Self { data: Some(Arc::new(tempfile::tempdir().unwrap())), ..Self::default() }
    }

    /// On this database.
    pub fn on(test: &TestDb) -> Self {
        Self::new().set("DATABASE_URL", &test.url_text())
    }

    /// With this variable.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The directory that every command finds its data in.
    pub fn data_dir(&self) -> &Path {
        self.data.as_ref().unwrap().path()
    }

    /// Any binary of ours, not started yet.
    pub fn launch(&self, binary: &str) -> Launch {
        let launch = Launch::on(binary, self.data.clone().unwrap());
        self.settings.iter().fold(launch, |launch, (name, value)| launch.env(name, value))
    }

    /// What a command that goes well prints.
    pub async fn heycmo(&self, command: &str) -> String {
        let finished = self.launch("heycmo").args(command.split(' ')).finish().await;
        assert!(finished.status.success(), "heycmo {command}: {finished:?}");
        assert_eq!(finished.log, "", "heycmo {command}");
        finished.out
    }

    /// The sentence with which a command refuses.
    pub async fn refusal(&self, binary: &str, command: &str) -> String {
        let launch = self.launch(binary).args(command.split_whitespace());
        sentence(binary, &launch.finish().await)
    }
}

/// The one sentence on standard error of a process that could not do what it was told.
#[track_caller]
pub fn sentence(binary: &str, finished: &Finished) -> String {
    assert_eq!(finished.status.code(), Some(1), "{finished:?}");
    assert!(!finished.log.contains("panicked") && !finished.log.contains("backtrace"), "{finished:?}");
    let mut lines = finished.log.lines();
    let line = lines.next().unwrap_or_else(|| panic!("it says nothing: {finished:?}"));
    assert_eq!(lines.next(), None, "one sentence: {finished:?}");
    let sentence = line.strip_prefix(&format!("{binary}: "));
    sentence.unwrap_or_else(|| panic!("it does not say who speaks: {finished:?}")).to_owned()
}

/// The word that follows `label` in a text.
#[track_caller]
pub fn word_after(text: &str, label: &str) -> String {
    let rest = text.split(label).nth(1).unwrap_or_else(|| panic!("no {label:?} in:\n{text}"));
    rest.split_whitespace().next().unwrap_or_default().to_owned()
}

/// The key that a command printed.
#[track_caller]
pub fn key_in(text: &str) -> String {
    word_after(text, "API key, shown this once:")
}

/// The demo customer's caller of the MCP server.
pub fn mcp(server: &HeyCmo) -> Caller {
    Caller::new(&server.mcp, &server.key)
}

/// The same process on the ports it had, so that its clients find it again.
pub fn again(server: &HeyCmo) -> Launch {
    Launch::on("heycmo", server.process.data_dir())
        .env("HEYCMO_GATEWAY_ADDR", address(&server.gateway))
        .env("HEYCMO_MCP_ADDR", address(&server.mcp))
}

/// Where a server listens that has this origin.
pub fn address(origin: &str) -> String {
    origin.replace("http://localhost", "127.0.0.1").replace("http://", "")
}

pub async fn status(caller: &Caller, path: &str) -> StatusCode {
    caller.request(Method::GET, path).send().await.unwrap().status()
}

/// Pseudo-random numbers, the same in every run.
pub struct Dice(pub u64);

impl Dice {
    /// Less than `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    /// Puts things in any order.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).unwrap();
            things.swap(last, other);
        }
    }
}

/// What answers every question of the brand interview.
pub fn full_brand() -> serde_json::Value {
    serde_json::json!({
        "name": "Quick Pages", "website": "quickpages.example",
        "offering": "We find the slow pages of an online shop and say which of them to change first, and how.",
        "audience": "Owners of small online shops who run their marketing themselves, in the evening.",
        "voice": {"adjectives": ["plain", "warm", "dry"], "do": ["say you", "name numbers", "be short"],
            "dont": ["hype", "jargon", "fear"]},
        "pillars": [{"name": "Speed", "weight": 50}, {"name": "Shops", "weight": 30}, {"name": "Craft", "weight": 20}],
        "competitors": [{"name": "SlowCheck"}, {"name": "PageDoctor"}], "goals": ["20 trials a week by June"],
        "forbiddenClaims": ["guaranteed results"], "cadence": [{"channel": "linkedin", "perWeek": 2}],
    })
}
