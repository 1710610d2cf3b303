//! A module as a plain process, started with the variables that edgeAgent would set, in a group of its own: what it started
//! ends with it.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use certify::behaviour::Stop;
use edge::Environment;
use edge::runner::{Board, Phase, Restart, Restarts, Sample};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::verbs::failure::{Exit, Failure, tell_as_is};

/// Seconds between SIGTERM and SIGKILL, as container engines do it.
const STOP_SECONDS_MAX: u64 = 10;
/// Between two samples of what it takes.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
/// Nanoseconds of a clock tick, as `/proc` counts processor time.
const TICK_NS: u64 = 10_000_000;

/// A program that is kept running.
pub(super) struct Program {
    command: Vec<String>,
    variables: Vec<(String, String)>,
    module: String,
    board: Board,
    end: CancellationToken,
}

/// How it went.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Exit code of its last life, if it ended by itself.
    pub(super) code: Option<i32>,
    /// How it stopped, if it was asked to.
    pub(super) stop: Option<Stop>,
}

impl Program {
    /// A program that is yet to be started; `own` are variables beside the agent's.
    pub(super) fn new(
        command: &[String],
        own: &[(String, String)],
        environment: &Environment,
        module: &str,
        board: &Board,
        end: &CancellationToken,
    ) -> Self {
        let socket = environment.socket_path(module);
        let agents = environment
            .variables(module, &socket)
            .unwrap_or_default()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        Self {
            command: command.to_vec(),
            variables: own.iter().cloned().chain(agents).collect(),
            module: module.to_owned(),
            board: board.clone(),
            end: end.clone(),
        }
    }

    /// Starts it, and keeps it until it is told to end, or the program stays ended.
    ///
    /// That it cannot be started at all is an error.
    pub(super) fn begin(self, restart: Restart) -> Result<impl Future<Output = Done>, Failure> {
        let first = Running::start(&self)?;
        Ok(self.keep(first, Restarts::new(restart)))
    }

    async fn keep(self, mut running: Running, mut restarts: Restarts) -> Done {
        loop {
            let began = Instant::now();
            let code = tokio::select! {
                code = running.ended() => code,
                () = self.end.cancelled() => {
                    let stop = running.stop().await;
                    return Done { code: None, stop: Some(stop) };
                }
            };
            running.rest().await;
            let next = restarts.after(code.into(), began.elapsed());
            self.board.phase(&self.module, next);
            let over = Done {
                code: Some(code),
                stop: None,
            };
            let Phase::BackOff { pause_seconds, .. } = next else {
                return over;
            };
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(pause_seconds)) => {}
                () = self.end.cancelled() => return over,
            }
            running = match Running::start(&self) {
                Ok(running) => running,
                Err(failure) => {
                    self.board.print(&self.module, &failure.to_string());
                    self.board
                        .phase(&self.module, Phase::Failed { code: code.into() });
                    return over;
                }
            };
        }
    }
}

/// One life of a program.
struct Running {
    child: Child,
    group: Option<Pid>,
    readers: Vec<JoinHandle<()>>,
    meter: JoinHandle<()>,
}

impl Running {
    /// Starts it. What it prints goes to stderr, because stdout is for events, and to the board.
    fn start(program: &Program) -> Result<Self, Failure> {
        program.board.phase(&program.module, Phase::Starting);
        let (name, arguments) = program.command.split_first().ok_or_else(|| {
            Failure::new(Exit::Usage, "there is no program")
                .fix("give a program and its arguments after `--`")
        })?;
        let mut child = Command::new(name)
            .args(arguments)
            .envs(program.variables.iter().map(|(name, value)| (name, value)))
            // What a debugger session left behind would win over the socket.
            .env_remove("EdgeHubConnectionString")
            .env_remove("IotHubConnectionString")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| {
                Failure::new(Exit::NotFound, format!("{name} cannot be started"))
                    .why(e)
                    .fix("give a program and its arguments after `--`")
            })?;
        let group = child.id().and_then(|id| i32::try_from(id).ok());
        let group = group.and_then(Pid::from_raw);
        let (board, module) = (&program.board, &program.module);
        let mut readers = Vec::new();
        if let Some(out) = child.stdout.take() {
            readers.push(tokio::spawn(read(out, board.clone(), module.clone())));
        }
        if let Some(out) = child.stderr.take() {
            readers.push(tokio::spawn(read(out, board.clone(), module.clone())));
        }
        board.phase(module, Phase::Running);
        Ok(Self {
            child,
            group,
            readers,
            meter: tokio::spawn(measure(group, board.clone(), module.clone())),
        })
    }

    /// Waits for its end; gives its exit code, which is 128 and the signal's number when one ended it.
    async fn ended(&mut self) -> i32 {
        match self.child.wait().await {
            Ok(status) => status
                .code()
                .or_else(|| Some(128 + status.signal()?))
                .unwrap_or(-1),
            Err(_) => -1,
        }
    }

    /// Asks it to stop, waits, and ends it.
    async fn stop(mut self) -> Stop {
        let began = Instant::now();
        let asked = self.signal(Signal::TERM);
        let patience = Duration::from_secs(STOP_SECONDS_MAX);
        let ended = asked
            && tokio::time::timeout(patience, self.child.wait())
                .await
                .is_ok();
        let took_ms = super::millis(began.elapsed());
        self.rest().await;
        Stop {
            took_ms,
            killed: !ended,
            said_goodbye: None,
        }
    }

    /// Ends what is left of the group, and waits until everything it printed was read.
    async fn rest(&mut self) {
        self.signal(Signal::KILL);
        for reader in self.readers.drain(..) {
            // It only reads; what could go wrong is told by it.
            let _ = reader.await;
        }
    }

    fn signal(&self, signal: Signal) -> bool {
        self.group
            .is_some_and(|group| kill_process_group(group, signal).is_ok())
    }
}

/// Also when the run is given up halfway.
impl Drop for Running {
    fn drop(&mut self) {
        self.meter.abort();
        self.signal(Signal::KILL);
    }
}

/// Looks at a group every so often, until nobody wants to know any more.
async fn measure(group: Option<Pid>, board: Board, module: String) {
    loop {
        if let Some(sample) = group.and_then(sample) {
            board.sample(&module, sample);
        }
        tokio::time::sleep(SAMPLE_EVERY).await;
    }
}

async fn read(out: impl AsyncRead + Unpin, board: Board, module: String) {
    let mut lines = BufReader::new(out).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line);
        tell_as_is(&format!("{line}\n"));
        board.print(&module, line.trim_end_matches('\r'));
    }
}

/// What all processes of a group take together.
fn sample(group: Pid) -> Option<Sample> {
    let mut sum = Sample::default();
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let path = entry.path();
        let Some(fields) = std::fs::read_to_string(path.join("stat"))
            .ok()
            .and_then(|stat| of_group(&stat, group.as_raw_nonzero().get()))
        else {
            continue;
        };
        sum.cpu_ns += fields * TICK_NS;
        let status = std::fs::read_to_string(path.join("status")).unwrap_or_default();
        sum.memory_bytes += resident_bytes(&status).unwrap_or_default();
    }
    (sum.memory_bytes > 0).then_some(sum)
}

/// Ticks of a process, if it is of the group; the name before the fields may hold anything, also brackets.
fn of_group(stat: &str, group: i32) -> Option<u64> {
    let (_, after) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    (fields.get(2)?.parse() == Ok(group)).then_some(number(11)? + number(12)?)
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_measured_by_its_group() {
        let stat = "7 (a) b) S 1 42 42 0 -1 4194304 1 2 3 4 150 50 0 0 20 0 1 0 5 6 7";
        assert_eq!(of_group(stat, 42), Some(200));
        assert_eq!(of_group(stat, 43), None);
        assert_eq!(of_group("7", 42), None);
        assert_eq!(resident_bytes("Name:\ta\nVmRSS:\t  12 kB\n"), Some(12_288));
        assert_eq!(resident_bytes("Name:\ta\n"), None);
    }
}
