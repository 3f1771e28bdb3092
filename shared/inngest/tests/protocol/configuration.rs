//! The variables and what goes before what.

use inngest::Mode;
use secrecy::ExposeSecret;

use crate::support::{FALLBACK, KEY, config, read};

fn origins(variables: &[(&str, &str)]) -> (Mode, String, String) {
    let config = config(variables);
    (config.mode, config.api_origin.to_string(), config.event_origin.to_string())
}

#[test]
fn the_mode_comes_from_inngest_dev_and_is_cloud_otherwise() {
    let cloud = (Mode::Cloud, "https://api.inngest.com/".to_owned(), "https://inn.gs/".to_owned());
    for dev in ["", "0", "false", " "] {
        assert_eq!(origins(&[("INNGEST_DEV", dev)]), cloud, "{dev}");
    }
    assert_eq!(origins(&[]), cloud);
    let here = "http://localhost:8288/".to_owned();
    for dev in ["1", "true"] {
        assert_eq!(origins(&[("INNGEST_DEV", dev)]), (Mode::Dev, here.clone(), here.clone()), "{dev}");
    }
    let there = "http://dev:9999/".to_owned();
    assert_eq!(origins(&[("INNGEST_DEV", "http://dev:9999")]), (Mode::Dev, there.clone(), there));
}

#[test]
fn each_origin_goes_before_the_common_one_and_that_before_the_default() {
    let base = ("INNGEST_BASE_URL", "http://own:8288");
    let own = "http://own:8288/".to_owned();
    assert_eq!(origins(&[base, ("INNGEST_DEV", "0")]), (Mode::Cloud, own.clone(), own.clone()));
    assert_eq!(origins(&[base, ("INNGEST_DEV", "http://dev:9999")]), (Mode::Dev, own.clone(), own.clone()));
    let api = ("INNGEST_API_BASE_URL", "http://api");
    assert_eq!(origins(&[base, api]), (Mode::Cloud, "http://api/".to_owned(), own.clone()));
    let events = ("INNGEST_EVENT_API_BASE_URL", "http://events");
    assert_eq!(origins(&[base, events]), (Mode::Cloud, own, "http://events/".to_owned()));
}

#[test]
fn what_else_is_read() {
    let config = config(&[
        ("INNGEST_SIGNING_KEY", KEY),
        ("INNGEST_SIGNING_KEY_FALLBACK", FALLBACK),
        ("INNGEST_EVENT_KEY", " key "),
        ("INNGEST_ENV", "branch"),
        ("INNGEST_SERVE_ORIGIN", "https://app.test"),
        ("INNGEST_SERVE_PATH", "/in"),
        ("INNGEST_ENABLE_UNAUTHED_SYNC", "false"),
    ]);
    assert!(config.signing_key.is_some() && config.signing_key_fallback.is_some());
    assert_eq!(config.event_key.unwrap().expose_secret(), "key");
    assert_eq!(config.env.as_deref(), Some("branch"));
    assert_eq!(config.serve_origin.unwrap().as_str(), "https://app.test/");
    assert_eq!(config.serve_path.as_deref(), Some("/in"));
    assert_eq!(config.unauthenticated_sync, Some(false));
}

#[test]
fn the_old_name_of_the_serve_origin_still_counts() {
    let old = ("INNGEST_SERVE_HOST", "https://old.test");
    assert_eq!(config(&[old]).serve_origin.unwrap().as_str(), "https://old.test/");
    let new = ("INNGEST_SERVE_ORIGIN", "https://new.test");
    assert_eq!(config(&[old, new]).serve_origin.unwrap().as_str(), "https://new.test/");
}

#[test]
fn errors_name_the_variable_and_not_the_secret() {
    let wrong = [
        ("INNGEST_DEV", "yes"),
        ("INNGEST_BASE_URL", "own:8288"),
        ("INNGEST_API_BASE_URL", "/api"),
        ("INNGEST_SERVE_ORIGIN", "ftp://app.test"),
        ("INNGEST_SIGNING_KEY", "secret"),
        ("INNGEST_SIGNING_KEY_FALLBACK", "secret"),
        ("INNGEST_ENABLE_UNAUTHED_SYNC", "maybe"),
    ];
    for (name, value) in wrong {
        let error = read(&[(name, value)]).unwrap_err().to_string();
        assert!(error.starts_with(name) && !error.contains("secret"), "{error}");
    }
}

#[test]
fn secrets_do_not_show_themselves() {
    let shown = format!("{:?}", config(&[("INNGEST_SIGNING_KEY", KEY), ("INNGEST_EVENT_KEY", "the-event-key")]));
    assert!(!shown.contains("the-event-key") && !shown.contains(&KEY[13..]), "{shown}");
}
