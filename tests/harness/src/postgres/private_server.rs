//! A Postgres server for this test process alone, from the binaries installed on the machine.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use url::Url;

const SCRIPT: &str = include_str!("private_server.sh");
const NOT_FOUND: &str =
    "Postgres server binaries not found: run `apt-get install -y postgresql` or set TEST_DATABASE_URL";
/// What the server says when it is up. The script has it speak English.
const READY: &str = "database system is ready to accept connections";
const PORT_TAKEN: &str = "Address already in use";
const ATTEMPTS: u32 = 5;

/// Lives as long as the process: the script that runs it waits for its standard input to close, which the operating
/// system does however the process ends.
pub struct PrivateServer {
    url: Url,
    _script: Child,
}

/// Who runs the server.
#[derive(Clone, Copy)]
struct User {
    uid: u32,
    gid: u32,
}

impl PrivateServer {
    pub fn start() -> Result<Self, String> {
        let binaries = find_binaries().ok_or(NOT_FOUND)?;
        let mut log = String::new();
        for _ in 0..ATTEMPTS {
            match Self::attempt(&binaries).map_err(|error| format!("starting a Postgres server: {error}"))? {
                Ok(server) => return Ok(server),
                Err(failed) => log = failed,
            }
            // Somebody was quicker to take the port that was free a moment ago.
            if !log.contains(PORT_TAKEN) {
                break;
            }
        }
        Err(format!("the Postgres server in {} did not start:\n{log}", binaries.display()))
    }

    /// The inner error is what the server said before it ended.
    fn attempt(binaries: &Path) -> std::io::Result<Result<Self, String>> {
        let directory = tempfile::Builder::new().prefix("heycmo-postgres-").tempdir()?;
        let password = random_password()?;
        let password_file = directory.path().join("password");
        fs::write(&password_file, &password)?;
        fs::set_permissions(&password_file, Permissions::from_mode(0o600))?;
        let port = free_port()?;

        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "sh"]).arg(directory.path()).arg(binaries).arg(port.to_string());
        // Postgres refuses to run as root.
        if fs::metadata(directory.path())?.uid() == 0 {
            let user = unprivileged_user()?;
            chown(&password_file, Some(user.uid), Some(user.gid))?;
            chown(directory.path(), Some(user.uid), Some(user.gid))?;
            command.uid(user.uid).gid(user.gid);
        }
        let mut script = command
            .current_dir(directory.path())
            .env("LC_ALL", "C")
            // Ctrl-C at the tests is not for the server: it ends when they have.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        // From here on the script removes it.
        let _ = directory.keep();

        let output = script.stderr.take().map(BufReader::new);
        let mut lines = output.into_iter().flat_map(BufRead::lines).map_while(Result::ok);
        let mut log = Vec::new();
        for line in lines.by_ref() {
            if line.contains(READY) {
                // What it says later has to be read too, or it would stop and wait for a reader.
                std::thread::spawn(move || lines.for_each(drop));
                let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
                let url = Url::parse(&url).expect("a URL made of letters and digits");
                return Ok(Ok(Self { url, _script: script }));
            }
            log.push(line);
        }
        Ok(Err(log.join("\n")))
    }

    pub fn url(&self) -> Url {
        self.url.clone()
    }
}

/// Debian keeps each major version in a folder of its own and only some of their programs in the PATH.
fn find_binaries() -> Option<PathBuf> {
    let is_complete = |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    let version = |folder: &PathBuf| {
        let name = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        name.and_then(|name| name.parse::<u32>().ok())
    };
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = debian.map(|entry| entry.path().join("bin")).filter(is_complete).max_by_key(version);
    newest.or_else(|| std::env::split_paths(&std::env::var_os("PATH")?).find(is_complete))
}

/// A port that nobody listens on just now.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Other users of the machine can reach the port too.
fn random_password() -> std::io::Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(hex::encode(bytes))
}

fn unprivileged_user() -> std::io::Result<User> {
    let users = fs::read_to_string("/etc/passwd")?;
    let named = |wanted: &str| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let is_wanted = fields.next()? == wanted;
            let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            is_wanted.then_some(User { uid, gid })
        })
    };
    let nobody = || std::io::Error::other("running as root, and there is neither a user `postgres` nor `nobody`");
    named("postgres").or_else(|| named("nobody")).ok_or_else(nobody)
}
