//! Waiting that SIGTERM and SIGINT end at once. The only unsafe code of the program.
//!
//! The handler writes one byte into a socket pair (the classic self-pipe), so that a plain blocking read with a
//! time-out is both the timer of a module and its stop signal. As process 1 of a container the program would ignore
//! SIGTERM without a handler.

use std::io::{ErrorKind, Read};
use std::os::fd::IntoRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;
const NO_HANDLER_ERROR: usize = usize::MAX;

static WRITE_END: AtomicI32 = AtomicI32::new(-1);

extern "C" {
    fn signal(number: i32, handler: usize) -> usize;
    fn write(descriptor: i32, bytes: *const u8, count: usize) -> isize;
}

extern "C" fn on_signal(_number: i32) {
    let byte = 1_u8;
    // SAFETY: write(2) is async-signal-safe; the pointer is to one live byte; the descriptor is -1 (an ignored error)
    // or the write end that `Stop::install` leaked for the life of the process.
    unsafe { write(WRITE_END.load(Ordering::Relaxed), &byte, 1) };
}

/// The stop signal of the process.
pub struct Stop {
    read_end: UnixStream,
    stopped: bool,
}

impl Stop {
    /// Takes over SIGTERM and SIGINT. Called once, before any thread starts.
    pub fn install() -> Result<Stop, String> {
        let (read_end, write_end) =
            UnixStream::pair().map_err(|e| format!("cannot open a socket pair: {e}"))?;
        write_end
            .set_nonblocking(true)
            .map_err(|e| format!("cannot set up the stop signal: {e}"))?;
        WRITE_END.store(write_end.into_raw_fd(), Ordering::Relaxed);
        let handler = on_signal as extern "C" fn(i32) as usize;
        for number in [SIGTERM, SIGINT] {
            // SAFETY: the handler is a function of the right type that lives for ever and calls only write(2).
            if unsafe { signal(number, handler) } == NO_HANDLER_ERROR {
                return Err(format!("cannot handle signal {number}"));
            }
        }
        Ok(Stop {
            read_end,
            stopped: false,
        })
    }

    /// Waits for `pause` or the stop signal; true when the process is to stop.
    pub fn wait(&mut self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        while !self.stopped {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            if self.read_end.set_read_timeout(Some(left)).is_err() {
                self.stopped = true;
                break;
            }
            match self.read_end.read(&mut [0_u8; 1]) {
                Err(e)
                    if matches!(
                        e.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ) => {}
                Ok(_) | Err(_) => self.stopped = true,
            }
        }
        self.stopped
    }

    /// Waits for the stop signal alone.
    pub fn wait_for_ever(&mut self) {
        const LONG: Duration = Duration::from_secs(24 * 3600);
        while !self.wait(LONG) {}
    }
}
