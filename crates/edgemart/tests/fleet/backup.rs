//! Backup and restore by the real binary: taken while a server takes in, brought back elsewhere, complete to the last
//! digest, and without the keys.

use std::path::Path;
use std::process::Output;

use testkit::folder::Folder;
use testkit::postgres;

use crate::place::{PATIENCE, Place, check_complete, image};
use crate::server::Server;

fn edgemart(home: &Path, arguments: &[&str]) -> Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_edgemart"))
        .args(arguments)
        .current_dir(home)
        .env_clear()
        .output()
        .unwrap()
}

fn ends(home: &Path, arguments: &[&str], exit: i32) -> String {
    let output = edgemart(home, arguments);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn only_what_is_there_is_backed_up_and_nothing_is_overwritten() {
    let home = Folder::new("backup").unwrap();
    let home = home.path();
    ends(home, &["admin", "backup", "copy", "--data", "nowhere"], 3);
    assert!(!home.join("nowhere").exists() && !home.join("copy").exists());
    ends(home, &["admin", "restore", "copy", "--data", "nowhere"], 3);
    std::fs::create_dir(home.join("copy")).unwrap();
    ends(home, &["admin", "restore", "copy", "--data", "nowhere"], 3);
    std::fs::write(home.join("copy/edgemart-1.db"), "no database").unwrap();
    ends(home, &["admin", "restore", "copy", "--data", "nowhere"], 5);
    assert!(!home.join("nowhere/edgemart.db").exists());
    std::fs::create_dir(home.join("data")).unwrap();
    std::fs::write(home.join("data/edgemart.db"), "mine").unwrap();
    ends(home, &["admin", "restore", "copy", "--data", "data"], 6);
    assert_eq!(
        std::fs::read_to_string(home.join("data/edgemart.db")).unwrap(),
        "mine"
    );
    for left in ["-wal", "-shm", "-journal"] {
        let data = home.join(format!("data{left}"));
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join(format!("edgemart.db{left}")), "old").unwrap();
        let name = data.to_str().unwrap();
        ends(home, &["admin", "restore", "copy", "--data", name], 6);
        assert!(!data.join("edgemart.db").exists());
    }
}

#[test]
fn fresh_keys_are_printed_and_nothing_else() {
    let home = Folder::new("new-key").unwrap();
    let line = ends(home.path(), &["admin", "keys", "new"], 0);
    assert!(line.starts_with("edgemart-key-v1 "), "{line}");
    assert_eq!(line.lines().count(), 1);
    ends(home.path(), &["admin", "keys", "list"], 3);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

/// A place with submissions on their way, and a server that works on them.
async fn busy() -> (Place, Server) {
    let place = Place::new(None, None).await;
    let app = place.app().await;
    let owner = place.found(&app).await;
    for at in 0..3 {
        let key = place
            .draft(&app, &owner, &format!("sensor-{at}"), &image(at))
            .await;
        app::offers::submit_offer(&app, &owner, &key, "")
            .await
            .unwrap();
    }
    let server = Server::start(&place.config, &[]).await;
    (place, server)
}

/// Where the copies of `place` are restored to; its database and storage are its own.
async fn restored(place: &Place, folder: &str) -> Place {
    let goal = Place::new(None, None).await;
    let (code, _, told) = goal.verb(&["admin", "restore", folder]).await;
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("Put secrets.key"), "{told}");
    for name in ["secrets.key", "tokens.key"] {
        let from = place.folder.path().join("data").join(name);
        std::fs::copy(from, goal.folder.path().join("data").join(name)).unwrap();
    }
    goal
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_backed_up_while_it_served_is_restored_whole() {
    let (place, server) = busy().await;
    let folder = place.folder.path().join("copies");
    let folder = folder.to_str().unwrap();
    let mut hashed = 0;
    // The first ones fall into the import; then it goes on until something was imported.
    let several = async {
        while hashed == 0 {
            let (code, _, told) = place.verb(&["admin", "backup", folder]).await;
            assert_eq!(code, 0, "{told}");
            let goal = restored(&place, folder).await;
            hashed = check_complete(&goal.app().await).await;
        }
    };
    tokio::time::timeout(PATIENCE, several).await.unwrap();
    // A restored marketplace goes on where the copy was taken.
    let goal = restored(&place, folder).await;
    drop(server);
    let server = Server::start(&goal.config, &[]).await;
    let page = reqwest::get(format!("{}/readyz", server.url))
        .await
        .unwrap();
    assert_eq!(page.status(), 200);
    for entry in walk(Path::new(folder)) {
        let name = entry.display().to_string();
        assert!(!name.ends_with(".key"), "{name}");
    }
    // Bytes that are gone are named, and the backup says so with its exit code.
    let blob = walk(&place.folder.path().join("data/blobs/blobs"));
    std::fs::remove_file(&blob[0]).unwrap();
    let fresh = place.folder.path().join("fresh");
    let (code, _, told) = place
        .verb(&["admin", "backup", fresh.to_str().unwrap()])
        .await;
    assert_eq!(code, 5, "{told}");
    assert!(told.contains("is not there"), "{told}");
    // What cannot be read is named as well: the loopback device has no cable.
    std::os::unix::fs::symlink("/sys/class/net/lo/duplex", &blob[0]).unwrap();
    let (code, _, told) = place
        .verb(&["admin", "backup", fresh.to_str().unwrap()])
        .await;
    assert_eq!(code, 5, "{told}");
    assert!(told.contains("cannot be read"), "{told}");
    // Everything else comes back from it, and what is missing is named again.
    let goal = Place::new(None, None).await;
    let restore = ["admin", "restore", fresh.to_str().unwrap()];
    let (code, _, told) = goal.verb(&restore).await;
    assert_eq!(code, 5, "{told}");
    assert!(told.contains("is not there"), "{told}");
    goal.app().await;
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_is_dumped_by_its_own_tool_and_images_by_ours() {
    let place = Place::new(Some(postgres::create_database()), None).await;
    let app = place.app().await;
    let owner = place.found(&app).await;
    // Its logos are bytes that a backup has to bring.
    place.draft(&app, &owner, "sensor", &image(0)).await;
    let folder = place.folder.path().join("copies");
    let folder = folder.to_str().unwrap();
    let (code, _, told) = place.verb(&["admin", "backup", folder]).await;
    assert_eq!(code, 1);
    assert!(
        told.contains("pg_dump --format=custom") && told.contains("--bytes-only"),
        "{told}"
    );
    assert!(!Path::new(folder).exists());
    let bytes = ["admin", "backup", folder, "--bytes-only", "-o", "json"];
    let (code, out, told) = place.verb(&bytes).await;
    assert_eq!(code, 0, "{told}");
    let out: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(out["bytes"]["copied"].as_u64().unwrap() > 0, "{out}");
    let (_, out, _) = place.verb(&bytes).await;
    let out: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(out["bytes"]["copied"], 0, "the second time all are there");
    std::fs::remove_dir_all(place.folder.path().join("data/blobs")).unwrap();
    let back = ["admin", "restore", folder, "--bytes-only", "-o", "json"];
    let (code, out, told) = place.verb(&back).await;
    assert_eq!(code, 0, "{told}");
    let out: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(out["bytes"]["copied"].as_u64().unwrap() > 0, "{out}");
}
