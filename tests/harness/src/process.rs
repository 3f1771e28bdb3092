//! The real binaries as processes of a test's own.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What stands before the address of the stand-ins.
const SANDBOX: &str = "(no money moves, nothing is posted)";
/// Longer than any start or stop takes on a busy machine; a test that waits so long has failed.
const DEADLINE: Duration = Duration::from_secs(60);

const LIMITS: [&str; 7] = ["CHECKOUT", "WEBHOOKS", "API", "PAGES", "PREAUTH", "MCP", "ADMIN"];

/// Where cargo puts the workspace's binary of this name.
///
/// # Panics
///
/// When it was not built.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test knows its own path");
    let directory = test.parent().and_then(Path::parent).expect("tests lie in target/<profile>/deps");
    let path = directory.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is not built: run `cargo build --workspace` first", path.display());
    path
}

/// What a process has written so far.
#[derive(Clone, Default)]
struct Output {
    text: Arc<Mutex<String>>,
    grown: Arc<Notify>,
}

impl Output {
    fn follow(&self, source: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<()> {
        let output = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(source).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                output.text.lock().unwrap().push_str(&format!("{line}\n"));
                output.grown.notify_waiters();
            }
        })
    }

    fn read(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    async fn until<T>(&self, found: impl Fn(&str) -> Option<T>) -> T {
        loop {
            let grown = self.grown.notified();
            tokio::pin!(grown);
            grown.as_mut().enable();
            if let Some(value) = found(&self.text.lock().unwrap()) {
                return value;
            }
            grown.await;
        }
    }
}

/// How to start a process: in a directory of its own, on ports of its own, with nothing else in its environment.
pub struct Launch {
    command: Command,
    data_dir: Arc<TempDir>,
}

impl Launch {
    /// A binary of the workspace.
    pub fn new(name: &str) -> Self {
        Self::on(name, Arc::new(tempfile::tempdir().expect("a directory for the test")))
    }

    /// The same on the data of an earlier process.
    pub fn on(name: &str, data_dir: Arc<TempDir>) -> Self {
        Self::of(Command::new(binary(name)), data_dir)
    }

    /// The same by a shell that first does something to itself, such as `ulimit -n 64`.
    pub fn after(preparation: &str, name: &str, data_dir: Arc<TempDir>) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{preparation} && exec \"$0\" \"$@\"")]).arg(binary(name));
        Self::of(shell, data_dir)
    }

    fn of(mut command: Command, data_dir: Arc<TempDir>) -> Self {
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .current_dir(data_dir.path())
            .env("HEYCMO_DATA_DIR", data_dir.path())
            .env("HEYCMO_GATEWAY_ADDR", "127.0.0.1:0")
            .env("HEYCMO_MCP_ADDR", "127.0.0.1:0")
            .env("HEYCMO_SANDBOX_ADDR", "127.0.0.1:0")
            // A test may be in a hurry.
            .envs(LIMITS.map(|limit| (format!("RATE_LIMIT_{limit}"), "0")))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Self { command, data_dir }
    }

    /// With this variable.
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Without a variable that is set for every test.
    pub fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// With this argument.
    pub fn arg(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// With these arguments.
    pub fn args<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        self.command.args(arguments);
        self
    }

    /// With nobody who reads what it prints.
    pub fn unread(mut self) -> Self {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        self.command.stdout(writer);
        self
    }

    /// Starts it.
    pub fn start(mut self) -> Process {
        let mut child = self.command.spawn().expect("the binary starts");
        let (out, log) = (Output::default(), Output::default());
        let mut readers = vec![log.follow(child.stderr.take().expect("stderr is piped"))];
        readers.extend(child.stdout.take().map(|stdout| out.follow(stdout)));
        Process { child, out, log, readers, data_dir: self.data_dir }
    }

    /// Starts it and waits for its end.
    pub async fn finish(self) -> Finished {
        self.start().wait().await
    }
}

/// A process that runs.
pub struct Process {
    child: Child,
    out: Output,
    log: Output,
    readers: Vec<JoinHandle<()>>,
    data_dir: Arc<TempDir>,
}

/// A process that has ended.
#[derive(Debug)]
pub struct Finished {
    /// How.
    pub status: ExitStatus,
    /// What it printed.
    pub out: String,
    /// What it logged.
    pub log: String,
}

impl Process {
    /// Where it keeps its data; outlives it while somebody holds this.
    pub fn data_dir(&self) -> Arc<TempDir> {
        self.data_dir.clone()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("the process runs")
    }

    /// What it printed so far.
    pub fn out(&self) -> String {
        self.out.read()
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        self.log.read()
    }

    /// What `found` finds in what it printed, once it does.
    pub async fn printed<T>(&mut self, found: impl Fn(&str) -> Option<T>) -> T {
        let out = self.out.clone();
        self.unless_it_ends(async move { out.until(found).await }).await
    }

    /// What `found` finds in its log, once it does.
    pub async fn logged<T>(&mut self, found: impl Fn(&str) -> Option<T>) -> T {
        let log = self.log.clone();
        self.unless_it_ends(async move { log.until(found).await }).await
    }

    async fn unless_it_ends<T>(&mut self, wanted: impl Future<Output = T>) -> T {
        let outcome = tokio::time::timeout(DEADLINE, async {
            tokio::select! {
                value = wanted => Some(value),
                _ = self.child.wait() => None,
            }
        });
        match outcome.await {
            Ok(Some(value)) => value,
            Ok(None) | Err(_) => panic!("it ended or fell silent.\nprinted:\n{}\nlogged:\n{}", self.out(), self.log()),
        }
    }

    /// Ends it as SIGKILL does: without a goodbye.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("the process is ours to kill");
    }

    /// Asks it to stop, by SIGTERM.
    pub fn terminate(&self) {
        let status = std::process::Command::new("kill").args(["-TERM", &self.pid().to_string()]).status();
        assert!(status.expect("kill runs").success(), "the process could not be signalled");
    }

    /// Asks it to stop and waits for its end.
    pub async fn stop(self) -> Finished {
        self.terminate();
        self.wait().await
    }

    /// Waits for its end.
    pub async fn wait(mut self) -> Finished {
        let status = tokio::time::timeout(DEADLINE, self.child.wait()).await;
        let Ok(status) = status else { panic!("it did not end.\nlogged:\n{}", self.log()) };
        for reader in std::mem::take(&mut self.readers) {
            reader.await.expect("its output can be read");
        }
        Finished { status: status.expect("the process can be waited for"), out: self.out(), log: self.log() }
    }
}

/// The origin at which a server of one process says in its log that it listens.
pub async fn listens(process: &mut Process) -> String {
    let port = process.logged(|log| {
        let line = log.lines().find(|line| line.contains(" listens"))?;
        let port = line.split("127.0.0.1:").nth(1)?.split(|c: char| !c.is_ascii_digit()).next()?;
        Some(port.to_owned())
    });
    format!("http://127.0.0.1:{}", port.await)
}

/// `heycmo` serving, with the customer of its first start.
pub struct HeyCmo {
    /// The process.
    pub process: Process,
    /// Origin of the gateway.
    pub gateway: String,
    /// Origin of the MCP server.
    pub mcp: String,
    /// Origin of the stand-in for Stripe; empty when there is none.
    pub sandbox: String,
    /// The demo customer's key; empty on later starts.
    pub key: String,
}

impl HeyCmo {
    /// Starts `heycmo` on a fresh directory and reads what it prints.
    pub async fn start() -> Self {
        Self::launch(Launch::new("heycmo")).await
    }

    /// Starts `heycmo` as prepared.
    pub async fn launch(launch: Launch) -> Self {
        let mut process = launch.start();
        // The line that ends either greeting.
        let out = process
            .printed(|out| (out.contains("cursor://") || out.contains("To connect another")).then(|| out.to_owned()))
            .await;
        let word_after = |label: &str| {
            let rest = out.split(label).nth(1).unwrap_or_else(|| panic!("no {label:?} in:\n{out}"));
            rest.split_whitespace().next().unwrap_or_default().to_owned()
        };
        let key = if out.contains("API key, shown this once:") {
            word_after("API key, shown this once:")
        } else {
            String::new()
        };
        let mcp = word_after("MCP server").trim_end_matches("/mcp").to_owned();
        let sandbox =
            if out.contains(SANDBOX) { word_after(SANDBOX).trim_end_matches('/').to_owned() } else { String::new() };
        Self { gateway: word_after("REST gateway").trim_end_matches('/').to_owned(), mcp, sandbox, key, process }
    }
}
