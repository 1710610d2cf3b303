//! A PostgreSQL server of one's own, from Debian's package: one a test process, one fresh database a test.
//!
//! It sorts text by the rules of English, so a query that relies on the order of bytes without saying so fails here.
//! It is reached through a socket in its own folder, so it needs no port. It ends when the test process does, however
//! that ends: a shell waits for the end of its standard input, or for a signal, stops the server by pid and removes the folder.
//! Panics when PostgreSQL is missing or does not start: a test that needs it must not pass without it.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where Debian puts its versions.
const VERSIONS: &str = "/usr/lib/postgresql";

/// `$1`: the folder of the programs. Prints the data folder, then `ready`.
const SCRIPT: &str = r#"
set -eu
bin=$1
pid=
dir=$(mktemp -d -t edgemart-postgres-XXXXXX)
end() {
    if [ -n "$pid" ]; then
        kill -INT "$pid" 2>/dev/null || true
        wait "$pid" || true
    fi
    cd /
    rm -rf "$dir"
}
trap end EXIT
trap 'exit 1' HUP INT PIPE TERM
echo "$dir"
cd "$dir"
"$bin/initdb" -D data -U postgres -A trust -E UTF8 --locale=C.UTF-8 \
    --locale-provider=icu --icu-locale=en-US --no-sync >log 2>&1 || { cat log; exit 1; }
"$bin/postgres" -D data -k "$dir" -h '' -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
    -c max_connections=300 -c shared_buffers=64MB >>log 2>&1 &
pid=$!
while ! "$bin/pg_isready" -q -h "$dir"; do
    kill -0 "$pid" || { cat log; exit 1; }
    sleep 0.05
done
echo ready
read -r _ || true
"#;

static SERVER: OnceLock<Postgres> = OnceLock::new();

/// The server of this test process.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    folder: String,
    databases: AtomicU32,
    /// Its standard input is closed by the end of this process, which ends the server.
    _shell: Child,
}

/// The server of this test process; the first call starts it.
pub fn start() -> &'static Postgres {
    SERVER.get_or_init(Postgres::start)
}

/// A fresh, empty database; its address.
pub fn create_database() -> String {
    start().create_database()
}

fn newest_programs() -> PathBuf {
    let versions = std::fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let newest = versions
        .map(|version| version.path().join("bin"))
        .filter(|bin| bin.join("postgres").exists())
        .max();
    newest.unwrap_or_else(|| {
        panic!("these tests need PostgreSQL below {VERSIONS}: apt-get install postgresql")
    })
}

/// PostgreSQL refuses to run as root, so root asks `runuser` to become `postgres`.
fn as_postgres(program: &str) -> Command {
    let root = std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0);
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--", program]);
    command
}

impl Postgres {
    fn start() -> Self {
        let programs = newest_programs();
        let mut shell = as_postgres("sh")
            .args(["-c", SCRIPT, "sh"])
            .arg(&programs)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("could not start a shell for PostgreSQL: {error}"));
        let Some(output) = shell.stdout.take() else {
            panic!("the shell for PostgreSQL has no standard output");
        };
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let folder = lines.next().unwrap_or_default();
        let answer = lines.next().unwrap_or_default();
        if answer != "ready" {
            let rest: Vec<String> = lines.collect();
            panic!(
                "PostgreSQL did not start in {folder}: {answer}\n{}",
                rest.join("\n")
            );
        }
        Self {
            programs,
            folder,
            databases: AtomicU32::new(0),
            _shell: shell,
        }
    }

    /// A fresh, empty database; its address.
    pub fn create_database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        self.run(&format!("create database {name}"), "postgres");
        format!("postgres://postgres@localhost/{name}?host={}", self.folder)
    }

    /// Runs one statement through `psql`; panics when it is refused.
    pub fn run(&self, statement: &str, database: &str) -> String {
        let output = Command::new(self.programs.join("psql"))
            .args(["-h", &self.folder, "-U", "postgres", "-d", database])
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-c",
                statement,
            ])
            .output()
            .unwrap_or_else(|error| panic!("could not run psql: {error}"));
        if !output.status.success() {
            panic!(
                "psql refused `{statement}`: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Where the server lives.
    pub fn folder(&self) -> &Path {
        Path::new(&self.folder)
    }
}
