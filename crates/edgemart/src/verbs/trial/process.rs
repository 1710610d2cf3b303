//! A module as a plain process, started with the variables that edgeAgent would set.

use std::os::fd::AsFd as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::time::Duration;

use certify::behaviour::Stop;
use edge::Environment;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::super::failure::{Exit, Failure, tell};

/// Seconds between SIGTERM and SIGKILL, as container engines do it.
const STOP_SECONDS_MAX: u64 = 10;

/// A running module.
pub(super) struct Process {
    child: Child,
}

impl Process {
    /// Starts it. What it prints goes to stderr, because stdout is for events.
    pub(super) fn start(
        program: &str,
        arguments: &[String],
        environment: &Environment,
        module: &str,
    ) -> Result<Self, Failure> {
        let failed = |e: std::io::Error| {
            Failure::new(Exit::NotFound, format!("{program} cannot be started"))
                .why(e)
                .fix("give a program and its arguments after `--`")
        };
        let stderr = std::io::stderr()
            .as_fd()
            .try_clone_to_owned()
            .map_err(failed)?;
        let socket = environment.socket_path(module);
        let child = Command::new(program)
            .args(arguments)
            .envs(environment.variables(module, &socket).unwrap_or_default())
            // What a debugger session left behind would win over the socket.
            .env_remove("EdgeHubConnectionString")
            .env_remove("IotHubConnectionString")
            .stdin(Stdio::null())
            .stdout(Stdio::from(stderr))
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        Ok(Self { child })
    }

    /// Waits for its end; gives its exit code, which is 128 and the signal's number when one ended it. Without a process
    /// it waits forever.
    pub(super) async fn ended(process: &mut Option<Self>) -> i32 {
        match process {
            None => std::future::pending().await,
            Some(process) => match process.child.wait().await {
                Ok(status) => status
                    .code()
                    .or_else(|| Some(128 + status.signal()?))
                    .unwrap_or(-1),
                Err(_) => -1,
            },
        }
    }

    /// Asks it to stop, waits, and ends it.
    pub(super) async fn stop(mut self) -> Stop {
        let began = std::time::Instant::now();
        let killed = !self.stops().await;
        Stop {
            took_ms: super::millis(began.elapsed()),
            killed,
            said_goodbye: None,
        }
    }

    /// False when it had to be killed.
    async fn stops(&mut self) -> bool {
        let id = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        let asked = id.is_some_and(|id| kill_process(id, Signal::TERM).is_ok());
        let patience = Duration::from_secs(STOP_SECONDS_MAX);
        if asked
            && tokio::time::timeout(patience, self.child.wait())
                .await
                .is_ok()
        {
            return true;
        }
        tell(&format!(
            "The module did not stop within {STOP_SECONDS_MAX} s of SIGTERM; it is killed."
        ));
        if let Err(problem) = self.child.kill().await {
            tell(&format!("It cannot be killed: {problem}."));
        }
        false
    }
}
