//! `heycmo doctor`: looks at everything that has to be right before the servers can be.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use entity::customers;
use entity::db::DatabaseUrl;
use entity::private;
use model::{Limits, Model};
use platforms::Platforms;
use platforms::check::Finding;
use tokio::net::TcpListener;
use web::config::{Config, Environment, GATEWAY_ADDR, MCP_ADDR, METRICS_ADDR, Mode, Secrets, auth_config_variable};
use web::process::open_database;

use crate::print::say;

/// Prints a line for each check.
///
/// # Errors
///
/// When something has to be put right first.
pub async fn check(environment: &Environment) -> Result<(), String> {
    let mut report = Report::default();
    let config = match Config::from_environment(environment) {
        Ok(config) => config,
        Err(error) => {
            report.bad("configuration", &error.to_string());
            return report.verdict();
        }
    };
    report.good(
        "configuration",
        match config.mode {
            Mode::Development => "development; HEYCMO_ENV=production for paying customers",
            Mode::Production => "production",
        },
    );
    report.note(
        "secrets",
        Secrets::load(environment, config.mode, &config.data_dir)
            .map(|_| "present".to_owned())
            .map_err(|error| error.to_string()),
    );
    if let DatabaseUrl::Sqlite(_) = config.database {
        report.note("data directory", writable(&config.data_dir));
    }
    report.note("database", database(&config).await);
    report.good(
        "durable work",
        match config.inngest {
            Some(_) => "by Inngest; let it register PUBLIC_URL/api/inngest",
            None => "by the gateway's own engine",
        },
    );
    report.good("apps", &apps(&config));
    report.note("model", model(config.model.clone()).await);
    connected_platforms(&mut report, &config, environment).await;
    report.note("gateway address", free(GATEWAY_ADDR, config.gateway_addr).await);
    report.note("MCP address", free(MCP_ADDR, config.mcp_addr).await);
    if let Some(address) = config.metrics_addr {
        report.note("metrics address", free(METRICS_ADDR, address).await);
    }
    report.verdict()
}

fn apps(config: &Config) -> String {
    let (gateway, mcp) = (config.gateway_addr.port(), config.mcp_addr.port());
    match config.oauth(gateway, mcp) {
        Some(oauth) => format!("let in by OAuth with nothing but the address {}, or with a key", oauth.resource()),
        None => "let in with a key; HEYCMO_OAUTH=on for those that take nothing but an address".to_owned(),
    }
}

#[derive(Default)]
struct Report {
    problems: usize,
}

impl Report {
    fn good(&mut self, what: &str, found: &str) {
        say!("ok   {what}: {found}");
    }

    fn bad(&mut self, what: &str, problem: &str) {
        self.problems += 1;
        say!("FIX  {what}: {problem}");
    }

    fn note(&mut self, what: &str, result: Result<String, String>) {
        match result {
            Ok(found) => self.good(what, &found),
            Err(problem) => self.bad(what, &problem),
        }
    }

    fn verdict(self) -> Result<(), String> {
        match self.problems {
            0 => Ok(()),
            1 => Err("1 thing has to be put right first".to_owned()),
            problems => Err(format!("{problems} things have to be put right first")),
        }
    }
}

/// Has the model say a word. Whether it says the right one does not matter.
async fn model(config: Option<model::Config>) -> Result<String, String> {
    const LIMITS: Limits = Limits { time: Duration::from_secs(30), tokens: 200, characters: 10_000 };
    let Some(config) = config else {
        return Ok("none, so briefs wait for an assistant; LLM_BASE_URL and LLM_MODEL for one that drafts".to_owned());
    };
    let host = config.base_url.host_str().unwrap_or_default().to_owned();
    let model = Model::new(web::http_client(), config)?;
    match model.write("You are asked whether you are there.", "Answer with: yes", LIMITS).await {
        // It was reached with this key and name, and it answered.
        Ok(_) | Err(model::Error::Refused | model::Error::Overlong) => {
            Ok(format!("{} at {host} answers; it drafts what content_plan plans", model.name()))
        }
        Err(error) => Err(format!("{error}. Check LLM_BASE_URL, LLM_API_KEY and LLM_MODEL")),
    }
}

/// Asks Composio about each platform. Without a key there is nobody to ask.
async fn connected_platforms(report: &mut Report, config: &Config, environment: &Environment) {
    const WHAT: &str = "platforms";
    let Some(composio) = config.composio.clone() else {
        return report.good(
            WHAT,
            match config.mode {
                Mode::Development => "by a stand-in for Composio; COMPOSIO_API_KEY for real ones",
                Mode::Production => "none can be connected until COMPOSIO_API_KEY is set",
            },
        );
    };
    let has_secret = !composio.webhook_secrets.is_empty();
    let found = async {
        let secrets = Secrets::load(environment, config.mode, &config.data_dir).map_err(|error| error.to_string())?;
        let db = open_database(&config.database).await?;
        let public_url = config.origins.gateway(config.gateway_addr.port());
        let platforms = Platforms::new(db, Some(composio), public_url, &secrets)?;
        let found = platforms.check().await.map_err(|error| error.to_string())?;
        Ok::<_, String>((found, platforms.is_told_of_losses().await.unwrap_or(false)))
    };
    let (found, is_told) = match found.await {
        Ok(found) => found,
        Err(problem) => return report.bad(WHAT, &problem),
    };
    // One sentence is enough when the same is wrong with all of them.
    if let Some((_, Finding::Failed(problem))) = found.iter().find(|(_, finding)| matches!(finding, Finding::Failed(_)))
    {
        return report.bad(WHAT, &format!("{problem}. Check COMPOSIO_API_KEY and COMPOSIO_BASE_URL"));
    }
    match (has_secret, is_told) {
        (true, true) => report.good("lost connections", "told by Composio's webhook"),
        (false, _) => report.good("lost connections", "noticed late: COMPOSIO_WEBHOOK_SECRET is not set"),
        (true, false) => report.good(
            "lost connections",
            "noticed late: Composio has no webhook to PUBLIC_URL/api/webhooks/composio for composio.connected_account.expired",
        ),
    }
    for (platform, finding) in found {
        let what = format!("platform {platform}");
        let variable = auth_config_variable(platform);
        match finding {
            Finding::NeedsAuthConfig => {
                report.good(
                    &what,
                    &format!(
                        "Composio has no app of its own for it: make an auth config there and name it in {variable}"
                    ),
                );
            }
            Finding::Unknown => report.good(&what, "Composio does not know it any more"),
            Finding::Fine | Finding::Failed(_) => report.good(&what, "can be connected"),
        }
    }
}

fn writable(dir: &Path) -> Result<String, String> {
    let probe = dir.join(".doctor");
    let tried = private::make_directory(dir)
        .and_then(|()| std::fs::write(&probe, b""))
        .and_then(|()| std::fs::remove_file(&probe));
    match tried {
        Ok(()) => Ok(format!("{} can be written", dir.display())),
        Err(error) => {
            Err(format!("{} cannot be written: {error}. Set HEYCMO_DATA_DIR to a directory that can", dir.display()))
        }
    }
}

async fn database(config: &Config) -> Result<String, String> {
    let db = open_database(&config.database).await?;
    let pending = migrations::pending(&db).await.map_err(|error| error.to_string())?;
    let described = config.database.describe();
    if !pending.is_empty() {
        return Ok(format!(
            "{described} answers; the servers will apply {} schema step(s) when they start",
            pending.len()
        ));
    }
    let customers = if customers::exist(&db).await.map_err(|error| error.to_string())? {
        "has customers"
    } else {
        "has no customer yet"
    };
    Ok(format!("{described} answers, its schema is up to date, it {customers}"))
}

/// A taken port is normal while HeyCMO runs, so it is asked who is there.
async fn free(variable: &str, address: SocketAddr) -> Result<String, String> {
    match TcpListener::bind(address).await {
        Ok(_) => Ok(format!("{address} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Ok(format!("{address} is in use: fine if HeyCMO runs there, otherwise set {variable} to a free address"))
        }
        Err(error) => Err(format!("{address}: {error}. Set {variable} to an address of this machine")),
    }
}
