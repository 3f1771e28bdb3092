//! The files themselves.

use std::process::{Command, Output};

use crate::site::{CADDYFILE, caddy, root};

#[track_caller]
fn succeeds(output: &Output) {
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
}

#[test]
fn caddy_takes_the_caddyfile_and_would_write_it_alike() {
    succeeds(&caddy().args(["validate", "--adapter", "caddyfile", "--config", CADDYFILE]).output().unwrap());
    let written = caddy().args(["fmt", CADDYFILE]).output().unwrap();
    succeeds(&written);
    let ours = std::fs::read_to_string(root().join(CADDYFILE)).unwrap();
    assert_eq!(String::from_utf8_lossy(&written.stdout), ours);
}

/// Without that some answers are cut off: see the Caddyfile.
#[test]
fn caddy_reads_short_requests_before_it_passes_them_on() {
    let adapted = caddy().args(["adapt", "--adapter", "caddyfile", "--config", CADDYFILE]).output().unwrap();
    succeeds(&adapted);
    let adapted = String::from_utf8_lossy(&adapted.stdout).into_owned();
    let (proxies, buffering) = (r#""handler":"reverse_proxy""#, r#""buffer_requests":true"#);
    assert_eq!(adapted.matches(buffering).count(), adapted.matches(proxies).count(), "{adapted}");
    let ours = std::fs::read_to_string(root().join(CADDYFILE)).unwrap();
    assert!(ours.contains("{$HEYCMO_BUFFERS:request_buffers 64KiB}"), "what compose.yaml has by default");
}

#[test]
fn compose_yaml_is_what_the_compose_specification_asks_for() {
    let program = root().join("tests/clients/python/tools/bin/check-jsonschema");
    let mut check = Command::new(program);
    check.current_dir(root()).args(["--builtin-schema", "vendor.compose-spec", "compose.yaml"]);
    succeeds(&check.output().expect("check-jsonschema is not installed: run tests/setup"));
}

/// Whoever reaches the metrics needs no key.
#[test]
fn nobody_outside_reaches_the_metrics() {
    let compose = std::fs::read_to_string(root().join("compose.yaml")).unwrap();
    let port = compose.split("HEYCMO_METRICS_ADDR: 0.0.0.0:").nth(1).unwrap().lines().next().unwrap();
    let published: Vec<&str> = compose.lines().filter(|line| line.trim_start().starts_with("ports:")).collect();
    assert_eq!(published, [r#"    ports: ["80:80", "443:443"]"#], "only Caddy is to be reached");
    let caddyfile = std::fs::read_to_string(root().join(CADDYFILE)).unwrap();
    let caddy = compose.split("\n  caddy:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    assert!(!caddyfile.contains(port) && !caddy.contains(port), "Caddy knows {port}");
}

/// Replicas have the names that Compose gives them: project, service, number.
#[test]
fn caddy_knows_every_replica_of_compose_yaml() {
    let compose = std::fs::read_to_string(root().join("compose.yaml")).unwrap();
    assert!(compose.contains("\nname: heycmo\n"));
    for service in ["rest-gateway:8787", "mcp-server:8788"] {
        let (name, port) = service.split_once(':').unwrap();
        let definition = compose.split(&format!("\n  {name}:\n")).nth(1).unwrap();
        let replicas = definition.split("replicas: ").nth(1).unwrap().lines().next().unwrap();
        let expected: Vec<String> =
            (1..=replicas.parse().unwrap()).map(|number: u8| format!("heycmo-{name}-{number}:{port}")).collect();
        assert!(compose.contains(&format!("to {}\n", expected.join(" "))), "{expected:?}");
    }
}
