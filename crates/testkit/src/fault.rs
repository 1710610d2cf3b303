//! A bad line: a TCP proxy on loopback that delays, slows, cuts, stalls and corrupts what passes, one plan for each
//! connection. The kernels that run our tests have no `netem`, so faults are made here.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Bytes moved at a time; small, so that faults hit where they were asked for.
const PIECE_BYTES: usize = 4 * 1024;

/// What happens to the bytes of one direction of one connection. The default is nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Line {
    /// Every piece comes so much later.
    pub latency: Option<Duration>,
    /// No more than this a second.
    pub bytes_per_second_max: Option<u32>,
    /// Both sides are reset after so many bytes.
    pub reset_after_bytes: Option<u64>,
    /// Nothing moves any more after so many bytes, and nobody is told.
    pub stall_after_bytes: Option<u64>,
    /// One bit of this byte is turned round.
    pub corrupt_byte: Option<u64>,
}

/// Both directions of one connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    /// From the client to the server.
    pub up: Line,
    /// From the server to the client.
    pub down: Line,
}

impl Plan {
    /// A fault on what the client sends.
    pub fn up(line: Line) -> Self {
        Self {
            up: line,
            ..Self::default()
        }
    }

    /// A fault on what the server sends.
    pub fn down(line: Line) -> Self {
        Self {
            down: line,
            ..Self::default()
        }
    }
}

/// The proxy; ends with its connections when dropped.
pub struct BadLine {
    /// Where clients connect.
    pub address: SocketAddr,
    plans: Arc<Mutex<VecDeque<Plan>>>,
    listener: JoinHandle<()>,
}

impl Drop for BadLine {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl BadLine {
    /// A line to `server` without any fault yet.
    pub async fn to(server: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let plans: Arc<Mutex<VecDeque<Plan>>> = Arc::default();
        let waiting = Arc::clone(&plans);
        let listener = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let plan = waiting
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .pop_front()
                    .unwrap_or_default();
                connections.spawn(connect(client, server, plan));
            }
        });
        Ok(Self {
            address,
            plans,
            listener,
        })
    }

    /// The next connections get these plans, in order; those after them none.
    pub fn plan(&self, plans: impl IntoIterator<Item = Plan>) {
        self.plans
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(plans);
    }
}

async fn connect(client: TcpStream, server: SocketAddr, plan: Plan) {
    let Ok(upstream) = TcpStream::connect(server).await else {
        return;
    };
    // With no time to linger, dropping a socket resets it. Orderly ends shut the direction down first.
    for socket in [&client, &upstream] {
        if socket.set_zero_linger().is_err() {
            return;
        }
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = upstream.into_split();
    let cut = Notify::new();
    tokio::select! {
        _ = async {
            tokio::join!(
                pass(from_client, to_server, plan.up, &cut),
                pass(from_server, to_client, plan.down, &cut),
            )
        } => {}
        () = cut.notified() => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, line: Line, cut: &Notify) {
    let mut passed: u64 = 0;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let Ok(count) = from.read(&mut piece).await else {
            cut.notify_one();
            return;
        };
        if count == 0 {
            // The other direction may still have something to say.
            if to.shutdown().await.is_err() {
                cut.notify_one();
            }
            return;
        }
        let bytes = &mut piece[..count];
        let end = passed + count as u64;
        if let Some(at) = line.corrupt_byte.filter(|at| (passed..end).contains(at)) {
            bytes[usize::try_from(at - passed).unwrap_or_default()] ^= 1;
        }
        let limit = [line.reset_after_bytes, line.stall_after_bytes]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(u64::MAX);
        let whole = usize::try_from(limit.saturating_sub(passed)).unwrap_or(usize::MAX);
        let bytes = &bytes[..count.min(whole)];
        delay(line, bytes.len()).await;
        if to.write_all(bytes).await.is_err() {
            cut.notify_one();
            return;
        }
        passed = end;
        if passed < limit {
            continue;
        }
        if line.stall_after_bytes == Some(limit) {
            std::future::pending::<()>().await;
        }
        cut.notify_one();
        return;
    }
}

/// A real line takes its time; this is the one place where waiting is the point.
async fn delay(line: Line, bytes: usize) {
    let mut time = line.latency.unwrap_or_default();
    if let Some(rate) = line.bytes_per_second_max {
        time += Duration::from_secs_f64(bytes as f64 / f64::from(rate.max(1)));
    }
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}
