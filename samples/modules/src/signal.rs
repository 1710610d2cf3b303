//! Waiting that SIGTERM and SIGINT end at once, and that another thread can interrupt. The only unsafe code of the
//! program.
//!
//! The handler writes one byte into a socket pair (the classic self-pipe), so that a plain blocking read with a
//! time-out is both the timer of a module and its stop signal. As process 1 of a container the program would ignore
//! SIGTERM without a handler.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::IntoRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;
const NO_HANDLER_ERROR: usize = usize::MAX;
/// What the bytes in the pair mean.
const STOP: u8 = 1;
const WAKE: u8 = 2;

static WRITE_END: AtomicI32 = AtomicI32::new(-1);

extern "C" {
    fn signal(number: i32, handler: usize) -> usize;
    fn write(descriptor: i32, bytes: *const u8, count: usize) -> isize;
}

extern "C" fn on_signal(_number: i32) {
    let byte = STOP;
    // SAFETY: write(2) is async-signal-safe; the pointer is to one live byte; the descriptor is -1 (an ignored error)
    // or the write end that `Stop::install` leaked for the life of the process.
    unsafe { write(WRITE_END.load(Ordering::Relaxed), &byte, 1) };
}

/// The stop signal of the process.
pub struct Stop {
    read_end: UnixStream,
    waker: Waker,
    stopped: bool,
}

/// Interrupts a wait.
#[derive(Clone)]
pub struct Waker(Arc<UnixStream>);

impl Waker {
    pub fn wake(&self) {
        // A pair that is full of bytes wakes its reader anyway.
        let _ = (&*self.0).write(&[WAKE]);
    }
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    InTime,
    /// Somebody wants the loop to look around.
    Early,
    Stop,
}

impl Stop {
    /// Takes over SIGTERM and SIGINT. Called once, before any thread starts.
    pub fn install() -> Result<Stop, String> {
        let (read_end, write_end) =
            UnixStream::pair().map_err(|e| format!("cannot open a socket pair: {e}"))?;
        let wrong = |e| format!("cannot set up the stop signal: {e}");
        write_end.set_nonblocking(true).map_err(wrong)?;
        let waker = Waker(Arc::new(write_end.try_clone().map_err(wrong)?));
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
            waker,
            stopped: false,
        })
    }

    /// Something to interrupt a wait with.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Waits for `pause`, the stop signal or a waker.
    pub fn wait(&mut self, pause: Duration) -> Woken {
        let until = Instant::now() + pause;
        while !self.stopped {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Woken::InTime;
            }
            if self.read_end.set_read_timeout(Some(left)).is_err() {
                self.stopped = true;
                break;
            }
            let mut byte = [0_u8; 1];
            match self.read_end.read(&mut byte) {
                Err(e)
                    if matches!(
                        e.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ) => {}
                Ok(1) if byte[0] == WAKE => return Woken::Early,
                Ok(_) | Err(_) => self.stopped = true,
            }
        }
        Woken::Stop
    }
}
