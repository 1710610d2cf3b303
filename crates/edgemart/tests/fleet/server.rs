//! One `edgemart serve` process. Ends when dropped; can be killed the hard way.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long a start may take.
const START_MAX: Duration = Duration::from_secs(60);

pub struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
}

impl Server {
    /// Starts a process on a configuration file and waits until it is ready.
    pub async fn start(config: &Path, environment: &[(&str, String)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_edgemart"))
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(config)
            .envs(
                environment
                    .iter()
                    .map(|(name, value)| (*name, value.as_str())),
            )
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
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
        Self { child, url }
    }

    /// `kill -9`: no warning, no clean-up.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Host and port.
    pub fn host(&self) -> &str {
        self.url.trim_start_matches("http://")
    }
}
