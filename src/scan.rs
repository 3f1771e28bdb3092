//! `heycmo scan`: a page, looked at from here.

use ipnet::IpNet;
use marketing::scanner::{Reach, Scanner, markdown};

use crate::cli::Scan;
use crate::print::say;

/// Every address: whoever has this command line has this machine.
const EVERYWHERE: [&str; 2] = ["0.0.0.0/0", "::/0"];

/// Prints what a scan has found.
///
/// # Errors
///
/// When the page cannot be scanned.
pub async fn scan(arguments: Scan) -> Result<(), String> {
    let reach = if arguments.local {
        let networks: Vec<IpNet> = EVERYWHERE.iter().filter_map(|network| network.parse().ok()).collect();
        Reach::also(&networks)
    } else {
        Reach::default()
    };
    let scanner = Scanner::new(reach).map_err(|error| format!("cannot make a client: {error}"))?;
    let scan = scanner.scan(&arguments.url, |_| {}).await.map_err(|error| match error {
        marketing::scanner::FetchError::NotPublic(_) => format!("{error} Add --local for a page of your own machine."),
        error => error.to_string(),
    })?;
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&scan).map_err(|error| error.to_string())?);
    } else {
        say!("{}", markdown(&scan).trim_end());
    }
    Ok(())
}
