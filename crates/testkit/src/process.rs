//! A program that runs beside the tests and ends when the test process does, however that ends: a shell waits for the
//! end of its standard input and then stops the program by its pid. For programs that a whole test process shares.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// `$@`: the program with its arguments. In the background of a shell it has no standard input of its own.
const SCRIPT: &str = r#"
"$@" &
pid=$!
read -r _ || true
kill -TERM $pid 2>/dev/null || true
wait $pid || true
"#;

/// How long a dropped program is waited for.
const END_SECONDS_MAX: u64 = 30;

/// A program under watch.
#[derive(Debug)]
pub struct Process {
    name: String,
    /// Its standard input is closed by the end of this process, or by the drop of this, which ends the program.
    shell: Child,
    lines: Mutex<Receiver<String>>,
}

impl Process {
    /// Starts a program. What it writes, to either output, is read line by line.
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "sh", program])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{program} did not start: {e}"));
        let (sender, lines) = channel();
        let outputs: [Option<Box<dyn std::io::Read + Send>>; 2] = [
            shell.stdout.take().map(|out| Box::new(out) as _),
            shell.stderr.take().map(|out| Box::new(out) as _),
        ];
        for output in outputs.into_iter().flatten() {
            let sender = sender.clone();
            std::thread::spawn(move || {
                // Reads to the end even when nobody listens any more: a full pipe would stop the program.
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
        Self {
            name: program.to_owned(),
            shell,
            lines: Mutex::new(lines),
        }
    }

    /// Every line up to the first that `is_last` knows, that one included. Panics when it does not come in time.
    pub fn read_until(&self, is_last: impl Fn(&str) -> bool, within: Duration) -> Vec<String> {
        let end = Instant::now() + within;
        let mut read = Vec::new();
        let lines = self
            .lines
            .lock()
            .unwrap_or_else(|e| panic!("{}: {e}", self.name));
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(line) = lines.recv_timeout(left) else {
                panic!(
                    "{} did not get ready within {within:?}; it said:\n{}",
                    self.name,
                    read.join("\n")
                );
            };
            let last = is_last(&line);
            read.push(line);
            if last {
                return read;
            }
        }
    }
}

impl Drop for Process {
    /// Waits for the end, so that nobody clears away a folder that is still written to.
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let end = Instant::now() + Duration::from_secs(END_SECONDS_MAX);
        while Instant::now() < end && matches!(self.shell.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
