//! `kill -9` at every single call that changes a file or sends something, in push, mount, delete, garbage collection and
//! import: before it, and in the middle of what is written; on SQLite and files, and on PostgreSQL and S3. After each: what
//! was acknowledged stands, everything visible is complete, every digest verifies, the work goes through when it is tried
//! again, and a collection leaves nothing that nobody refers to.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Stdio;

use app::App;
use app::clock::MINUTE;
use app::offers::submit_offer;
use app::registry::collect_garbage;
use domain::lifecycle::State;
use futures_util::TryStreamExt as _;
use oci::Digest;
use testkit::image::ImageBuilder;
use testkit::steps::Steps;
use tokio::process::Command;
use tokio::sync::watch;

use crate::place::{EMAIL, PATIENCE, Place, check_complete, sign_in};
use crate::server::Server;
use crate::work::{Gone, Work};

/// Kills of each operation in an ordinary run, spread evenly over its steps. `make soak` asks for more, and where there
/// are fewer steps than that takes all of them.
const ROUNDS_ON_FILES: u64 = 4;
/// The same where metadata and bytes are on servers.
const ROUNDS_ON_SERVERS: u64 = 2;
/// Later than any removal or job of a dead process is waited for.
const LATER_MICROS: i64 = 30 * MINUTE;
/// Of a layer that an import takes in parts.
const LAYER_BYTES: usize = 9_000_000;
/// Collections without grace until nothing is left: one lets go and marks, one removes.
const COLLECTIONS: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Push,
    Mount,
    Delete,
    Collect,
    Import,
}

fn rounds(on: On) -> u64 {
    match (std::env::var("EDGEMART_KILL_ROUNDS"), on) {
        (Ok(text), _) => text.parse().expect("EDGEMART_KILL_ROUNDS is a number"),
        (Err(_), On::SqliteAndFiles) => ROUNDS_ON_FILES,
        (Err(_), On::PostgresAndS3) => ROUNDS_ON_SERVERS,
    }
}

/// So many of the steps `1..=total`: the middle of each of so many equal stretches.
fn chosen(total: u64, rounds: u64) -> BTreeSet<u64> {
    let rounds = rounds.clamp(1, total);
    (0..rounds)
        .map(|at| 1 + (2 * at + 1) * total / (2 * rounds))
        .map(|step| step.min(total))
        .collect()
}

/// One marketplace, and the counter of what its processes do.
struct Bench {
    place: Place,
    steps: Steps,
    operation: Operation,
    /// Runs as long as this.
    _s3: Option<testkit::s3::S3Server>,
}

/// What came of one round.
struct Round {
    work: Work,
    /// The server died before the operation was done.
    killed: bool,
    /// Of an import.
    submission: Option<String>,
}

/// Where metadata and bytes lie.
#[derive(Clone, Copy, Debug)]
enum On {
    SqliteAndFiles,
    PostgresAndS3,
}

impl Bench {
    async fn new(on: On, operation: Operation) -> Self {
        let (place, s3) = match on {
            On::SqliteAndFiles => (Place::new(None, None).await, None),
            On::PostgresAndS3 => {
                let s3 = testkit::s3::start().await;
                let bucket = s3.storage_url(&format!("{operation:?}").to_lowercase());
                let database = testkit::postgres::create_database();
                let place = Place::new(Some(database), Some((bucket, s3.keys()))).await;
                (place, Some(s3))
            }
        };
        place.configure("registry.sparse_manifests", "false");
        place.found(&place.app().await).await;
        let steps = Steps::new();
        Self {
            place,
            steps,
            operation,
            _s3: s3,
        }
    }

    async fn serve(&self) -> Server {
        let mut environment = self.place.environment();
        // There it is the collecting process that is counted and killed.
        if self.operation != Operation::Collect {
            environment.extend(self.steps.environment());
        }
        Server::start(&self.place.config, &environment).await
    }

    /// What has to be there for the operation.
    async fn prepare(&self, work: &mut Work) {
        let done = match self.operation {
            Operation::Push | Operation::Import => Ok(()),
            Operation::Mount | Operation::Delete => work.push().await,
            Operation::Collect => match work.push().await {
                Ok(()) => work.unlist().await,
                gone => gone,
            },
        };
        done.expect("nothing is killed yet");
    }

    /// The operation; which submission it was about, if any.
    async fn act(
        &self,
        server: &mut Server,
        work: &mut Work,
        seed: u64,
    ) -> (Result<(), Gone>, Option<String>) {
        match self.operation {
            Operation::Push => (work.push().await, None),
            Operation::Mount => (work.mount().await, None),
            Operation::Delete => (work.delete().await, None),
            Operation::Collect => (self.collect().await, None),
            Operation::Import => {
                let (done, id) = self.import(server, seed).await;
                (done, Some(id))
            }
        }
    }

    /// Two runs of the verb.
    async fn collect(&self) -> Result<(), Gone> {
        for _ in 0..COLLECTIONS {
            let run = Command::new(env!("CARGO_BIN_EXE_edgemart"))
                .args(["admin", "gc", "--no-grace", "--config"])
                .arg(&self.place.config)
                .envs(self.place.environment())
                .envs(self.steps.environment())
                .stdout(Stdio::null())
                .kill_on_drop(true)
                .status()
                .await
                .unwrap();
            match run.code() {
                Some(0) => {}
                None => return Err(Gone),
                Some(code) => panic!("the collection ended with {code}"),
            }
        }
        Ok(())
    }

    /// An offer with a new image, submitted and brought in.
    async fn import(&self, server: &mut Server, seed: u64) -> (Result<(), Gone>, String) {
        let app = self.place.app().await;
        let owner = sign_in(&app, EMAIL).await;
        let image = ImageBuilder::new()
            .platform("linux/amd64")
            .annotation("seed", &seed.to_string())
            .file("seed", seed.to_le_bytes(), 0o644)
            .noise(LAYER_BYTES)
            .build();
        let name = format!("sensor-{seed}");
        let key = self.place.draft(&app, &owner, &name, &image).await;
        let id = submit_offer(&app, &owner, &key, "").await.unwrap();
        let brought = async {
            while matches!(state(&app, &id).await, State::Submitted | State::Importing) {
                if server.is_gone() {
                    return Err(Gone);
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            Ok(())
        };
        let brought = tokio::time::timeout(PATIENCE, brought).await;
        (brought.expect("neither imported nor killed"), id)
    }

    /// One round from a start to an end; `at`: kill there, nothing: only count. Answers the steps taken as well.
    async fn round(&self, seed: u64, at: Option<u64>) -> (Round, u64) {
        let mut server = self.serve().await;
        let mut work = Work::new(&server.url, seed);
        self.prepare(&mut work).await;
        match at {
            Some(step) => self.steps.kill_at(step),
            None => self.steps.count(),
        }
        let (done, submission) = self.act(&mut server, &mut work, seed).await;
        let taken = self.steps.stop();
        server.kill().await;
        let killed = done.is_err();
        let round = Round {
            work,
            killed,
            submission,
        };
        (round, taken)
    }

    /// The place as the next process finds it.
    async fn check(&self, round: &Round) {
        let app = self.place.app_after(LATER_MICROS).await;
        check_complete(&app).await;
        round.work.check(&app).await;
        if let Some(id) = &round.submission {
            carry_on(&app, id).await;
            check_complete(&app).await;
        }
        for _ in 0..COLLECTIONS {
            let report = collect_garbage(&app, 0, false).await.unwrap();
            assert_eq!(report.failed, 0);
        }
        let swept = app.blobs.sweep(app.clock.now(), &BTreeSet::new()).await;
        swept.unwrap();
        check_complete(&app).await;
        let (stored, held) = (stored(&self.place, &app).await, held(&app).await);
        assert_eq!(stored, held, "what is stored and what is held");
        let left = store::registry::condemned::unlinked_manifests(&app.reader, None, 10);
        assert_eq!(left.await.unwrap(), Vec::<Digest>::new());
    }

    /// What was killed goes through when it is done again.
    async fn again(&self, round: &Round, seed: u64) {
        if !round.killed || self.operation == Operation::Import {
            return;
        }
        let mut server = self.serve().await;
        let mut work = Work::new(&server.url, seed);
        self.prepare(&mut work).await;
        let (done, _) = self.act(&mut server, &mut work, seed).await;
        done.expect("nobody is killed this time");
        work.check(&self.place.app().await).await;
        server.kill().await;
    }
}

async fn state(app: &App, id: &str) -> State {
    let found = store::submissions::find(&app.reader, id).await.unwrap();
    found.unwrap().state
}

/// Another process takes the job over, and the submission gets past its import.
async fn carry_on(app: &App, id: &str) {
    let (stop, stopped) = watch::channel(false);
    let jobs = tokio::spawn(app::jobs::run(app.clone(), stopped));
    let settled = async {
        while !matches!(state(app, id).await, State::Preview | State::Rejected) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, settled)
        .await
        .expect("the import did not go on");
    stop.send(true).unwrap();
    jobs.await.unwrap();
    let found = store::submissions::find(&app.reader, id).await.unwrap();
    let found = found.unwrap();
    assert!(found.imported.is_object(), "{:?}", found.failure);
}

/// Names of every object there is but pictures, and of every file that is half one.
async fn stored(place: &Place, app: &App) -> BTreeSet<String> {
    let listed: Vec<_> = app.blobs.list().try_collect().await.unwrap();
    let mut found: BTreeSet<String> = listed
        .iter()
        .map(|blob| blob.digest.hex().to_owned())
        .collect();
    let root = place.folder.path().join("data/blobs");
    let mut folders: Vec<PathBuf> = ["blobs", "uploads", "quarantine"]
        .map(|name| root.join(name))
        .to_vec();
    while let Some(folder) = folders.pop() {
        // In a bucket there are none.
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.file_name().unwrap().to_str().unwrap();
                found.insert(name.to_owned());
            }
        }
    }
    found
}

/// Digests of every blob that a repository holds.
async fn held(app: &App) -> BTreeSet<String> {
    let names = store::registry::repositories(&app.reader, None, 1_000);
    let mut found = BTreeSet::new();
    for repo in names.await.unwrap() {
        let blobs = store::registry::blobs_of(&app.reader, &repo).await.unwrap();
        found.extend(blobs.iter().map(|(digest, _)| digest.hex().to_owned()));
    }
    found
}

async fn kill_at_every_step(on: On, operation: Operation) {
    let bench = Bench::new(on, operation).await;
    let (untouched, total) = bench.round(0, None).await;
    assert!(!untouched.killed && total > 0, "{total} steps");
    bench.check(&untouched).await;
    let mut kills = 0;
    for (seed, step) in (1..).zip(chosen(total, rounds(on))) {
        let (round, _) = bench.round(seed, Some(step)).await;
        kills += u64::from(round.killed);
        let at = match round.killed {
            true => bench.steps.killed_in(),
            false => "done before".to_owned(),
        };
        eprintln!("{on:?}, {operation:?}: step {step} of {total}: {at}");
        bench.check(&round).await;
        bench.again(&round, seed).await;
    }
    assert!(kills > 0, "{operation:?} was never killed");
}

#[tokio::test(flavor = "multi_thread")]
async fn push() {
    kill_at_every_step(On::SqliteAndFiles, Operation::Push).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn push_on_servers() {
    kill_at_every_step(On::PostgresAndS3, Operation::Push).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mount() {
    kill_at_every_step(On::SqliteAndFiles, Operation::Mount).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mount_on_servers() {
    kill_at_every_step(On::PostgresAndS3, Operation::Mount).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delete() {
    kill_at_every_step(On::SqliteAndFiles, Operation::Delete).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delete_on_servers() {
    kill_at_every_step(On::PostgresAndS3, Operation::Delete).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn collect() {
    kill_at_every_step(On::SqliteAndFiles, Operation::Collect).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn collect_on_servers() {
    kill_at_every_step(On::PostgresAndS3, Operation::Collect).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn import() {
    kill_at_every_step(On::SqliteAndFiles, Operation::Import).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn import_on_servers() {
    kill_at_every_step(On::PostgresAndS3, Operation::Import).await;
}
