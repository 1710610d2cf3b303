//! One `edgemart serve` process. Ends when dropped; can be killed the hard way.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

/// How long a start may take.
const START_MAX: Duration = Duration::from_secs(60);

pub struct Server {
    child: Child,
    log: Option<Lines<BufReader<ChildStderr>>>,
    /// `http://127.0.0.1:PORT`, or `https`.
    pub url: String,
}

impl Server {
    /// Starts a process on a configuration file and waits until it is ready.
    pub async fn start(config: &Path, environment: &[(&str, String)]) -> Self {
        Self::spawn(config, environment, Stdio::inherit()).await
    }

    /// As `start`, with a log that [`Server::logged`] reads.
    pub async fn start_with_log(config: &Path, environment: &[(&str, String)]) -> Self {
        Self::spawn(config, environment, Stdio::piped()).await
    }

    async fn spawn(config: &Path, environment: &[(&str, String)], log: Stdio) -> Self {
        let program = Command::new(env!("CARGO_BIN_EXE_edgemart"));
        Self::run(program, config, environment, log).await
    }

    /// A process that can make no file longer than this: for it, the disk is full there.
    pub async fn start_on_full_disk(config: &Path, file_bytes_max: u64) -> Self {
        // In blocks of 512 bytes. Told by an error rather than by a signal, as a full disk is.
        let blocks = file_bytes_max / 512;
        Self::start_under(config, &format!("trap '' XFSZ; ulimit -f {blocks}")).await
    }

    /// A process that can have only so many files and connections open.
    pub async fn start_with_few_files(config: &Path, files_max: u64) -> Self {
        Self::start_under(config, &format!("ulimit -n {files_max}")).await
    }

    async fn start_under(config: &Path, limits: &str) -> Self {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("{limits}; exec \"$@\""), "sh"])
            .arg(env!("CARGO_BIN_EXE_edgemart"));
        Self::run(shell, config, &[], Stdio::inherit()).await
    }

    async fn run(
        mut program: Command,
        config: &Path,
        environment: &[(&str, String)],
        log: Stdio,
    ) -> Self {
        // For the clients of the tests; another test may have named it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut child = program
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(config)
            .envs(
                environment
                    .iter()
                    .map(|(name, value)| (*name, value.as_str())),
            )
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some(url) = line.strip_prefix("ready ") {
                    return url.to_owned();
                }
            }
            panic!("the server ended before it was ready");
        };
        let url = tokio::time::timeout(START_MAX, ready)
            .await
            .expect("the server did not get ready");
        let log = child.stderr.take().map(|log| BufReader::new(log).lines());
        Self { child, log, url }
    }

    /// `kill -9`: no warning, no clean-up.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Whether it has ended by itself, or was killed by another hand.
    pub fn is_gone(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Reads the log until a line has `text`, and answers that line.
    pub async fn logged(&mut self, text: &str) -> String {
        let log = self.log.as_mut().expect("started with its log");
        let found = async {
            while let Some(line) = log.next_line().await.unwrap() {
                if line.contains(text) {
                    return line;
                }
            }
            panic!("the server ended without logging `{text}`");
        };
        tokio::time::timeout(START_MAX, found)
            .await
            .unwrap_or_else(|_| panic!("`{text}` was not logged"))
    }

    /// Asks it to stop, as a service manager does.
    pub async fn terminate(&self) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(sent.unwrap().success());
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> std::process::ExitStatus {
        let ended = tokio::time::timeout(START_MAX, self.child.wait()).await;
        ended.expect("the server did not end").unwrap()
    }

    /// Host and port.
    pub fn host(&self) -> &str {
        let (_, host) = self.url.split_once("://").unwrap();
        host
    }
}
