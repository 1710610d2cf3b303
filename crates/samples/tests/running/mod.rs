//! A sample program as it runs in a test: taken out of its image, started, read line by line, stopped by SIGTERM.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longest wait for a line, generous for emulation on a busy machine.
const LINE_WAIT_MAX: Duration = Duration::from_secs(30);
/// Longest time from SIGTERM to the end.
const STOP_WAIT_MAX: Duration = Duration::from_secs(10);

/// A running module; killed when dropped.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    /// Starts a module with these settings and no other environment.
    pub(crate) fn start(platform: &str, module: &str, settings: &[(&str, &str)]) -> Self {
        let path = program(platform, module);
        let mut command = match emulator(platform) {
            Some(emulator) => {
                let mut command = Command::new(emulator);
                command.arg("-0").arg(&path).arg(&path);
                command
            }
            None => Command::new(&path),
        };
        let mut child = command
            .env_clear()
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| {
                panic!("cannot start {module} for {platform}: {e}; other platforms need Debian's qemu-user-static")
            });
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    /// The next line of output.
    pub(crate) fn line(&mut self) -> String {
        self.lines
            .recv_timeout(LINE_WAIT_MAX)
            .expect("the module printed no further line")
    }

    /// The next line that has `text` in it.
    pub(crate) fn line_with(&mut self, text: &str) -> String {
        loop {
            let line = self.line();
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The address the module says it listens on.
    pub(crate) fn address(&mut self) -> String {
        let line: serde_json::Value =
            serde_json::from_str(&self.line_with("listening on")).unwrap();
        line["message"]
            .as_str()
            .unwrap()
            .rsplit(' ')
            .next()
            .unwrap()
            .to_owned()
    }

    /// Sends SIGTERM.
    pub(crate) fn signal(&self) {
        let sent = Command::new("sh")
            .arg("-c")
            .arg(format!("kill -TERM {}", self.child.id()))
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Sends SIGTERM and sees the module end well and in time.
    pub(crate) fn stop(mut self) {
        let since = Instant::now();
        self.signal();
        self.line_with("\"stopped\"");
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(0));
        assert!(
            since.elapsed() < STOP_WAIT_MAX,
            "it took {:?} to stop",
            since.elapsed()
        );
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn emulator(platform: &str) -> Option<&'static str> {
    match platform {
        "linux/arm64" => Some("qemu-aarch64-static"),
        "linux/arm/v7" => Some("qemu-arm-static"),
        _ => None,
    }
}

/// A fresh directory of this test run.
pub(crate) fn temporary(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("samples-{name}"));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// The program of a module for a platform, as its image has it. All are unpacked before the first one starts, since
/// a file that is still open for writing anywhere cannot be executed.
pub(crate) fn program(platform: &str, module: &str) -> PathBuf {
    static UNPACKED: OnceLock<BTreeMap<&str, PathBuf>> = OnceLock::new();
    let unpacked = UNPACKED.get_or_init(|| {
        samples::PLATFORMS
            .into_iter()
            .map(|p| (p, unpack(p)))
            .collect()
    });
    unpacked[platform].join(module)
}

fn unpack(platform: &str) -> PathBuf {
    let directory = temporary(&format!("program-{}", platform.replace('/', "-")));
    let image = samples::image_for("heartbeat", "1.0.0", &[platform]).unwrap();
    let (_, layer) = &image.blobs[1];
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(layer.as_slice()));
    let mut bytes = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.path().unwrap() == Path::new("app/heartbeat") {
            entry.read_to_end(&mut bytes).unwrap();
        }
    }
    let file = directory.join("edge-samples");
    std::fs::write(&file, bytes).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    for module in samples::modules() {
        symlink("edge-samples", directory.join(module.name)).unwrap();
    }
    directory
}
