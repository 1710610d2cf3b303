//! Images: loaded from an archive and saved as one, pulled by reference, looked at, removed.

use std::io::Write as _;
use std::path::Path;

use http::Method;
use serde_json::Value;

use super::request::{self, Asked, Body, IMAGE_SECONDS_MAX};
use super::{Engine, EngineError};
use crate::runner::Archive;

/// Bytes of an archive, the first of which say what it is.
const MAGIC_BYTES: usize = 262;

/// What the engine is asked to do with an archive.
const LOAD: &str = "load the image";

/// An image that the engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its id.
    pub id: String,
    /// Such as `linux/arm/v7`.
    pub platform: String,
    /// Such as `arm`.
    pub architecture: String,
    /// Bytes unpacked.
    pub unpacked_bytes: u64,
    /// Folders that its configuration makes volumes.
    pub volumes: Vec<String>,
}

impl Engine {
    /// Loads an archive as `docker save`, `podman save` or `skopeo copy … docker-archive:` writes it; gives the name or
    /// id that the engine knows the image by.
    ///
    /// # Errors
    /// The file cannot be read, or the engine does not take it.
    pub async fn load_image(&self, archive: &Path) -> Result<String, EngineError> {
        let broken = |problem: std::io::Error| EngineError::Broken {
            what: LOAD.to_owned(),
            problem: format!("{}: {problem}", archive.display()),
        };
        let file = tokio::fs::File::open(archive).await.map_err(broken)?;
        self.load(request::bytes_of(file)).await
    }

    /// Loads an image while it is written: neither the disk nor the memory of this process holds the whole of it. The
    /// outer error is the writer's.
    ///
    /// # Errors
    /// What `write` says, or inside, what the engine says.
    pub async fn load_written<E, F>(
        &self,
        write: impl FnOnce(Archive) -> F,
    ) -> Result<Result<String, EngineError>, E>
    where
        F: Future<Output = Result<(), E>>,
    {
        let (archive, pipe) = Archive::pipe();
        let hung_up = archive.hung_up();
        let loading = self.load(request::bytes_of(pipe));
        let writing = write(archive);
        tokio::pin!(loading, writing);
        tokio::select! {
            loaded = &mut loading => Ok(loaded),
            written = &mut writing => match written {
                Ok(()) => Ok(loading.await),
                // The engine takes no more, and says why.
                Err(_) if hung_up.is_told() => Ok(loading.await),
                // Without its last entry no engine takes a part for the whole.
                Err(problem) => Err(problem),
            },
        }
    }

    async fn load(&self, body: Body) -> Result<String, EngineError> {
        let asked = Asked {
            seconds_max: IMAGE_SECONDS_MAX,
            ..Asked::new(Method::POST, "/images/load?quiet=1", LOAD)
        };
        let answer = self.ask(asked, body).await?;
        let said = lines(&answer, LOAD)?;
        let loaded = said.lines().rev().find_map(|line| {
            let rest = line.strip_prefix("Loaded image")?;
            let (_, name) = rest.split_once(": ")?;
            // Podman lists all the names of an archive in one line.
            name.split([',', ' ']).next().map(str::to_owned)
        });
        loaded.ok_or_else(|| EngineError::Shape {
            what: LOAD.to_owned(),
            problem: format!("it does not say which image it loaded: {said:?}"),
        })
    }

    /// Has the engine pull `host/repository@sha256:…` or `…:tag`, for a platform if one is named.
    ///
    /// # Errors
    /// The engine cannot pull it.
    pub async fn pull_image(
        &self,
        reference: &str,
        platform: Option<&str>,
    ) -> Result<(), EngineError> {
        let what = format!("pull {reference}");
        let mut path = format!("/images/create?fromImage={}", query(reference));
        if let Some(platform) = platform {
            path.push_str(&format!("&platform={}", query(platform)));
        }
        let asked = Asked {
            seconds_max: IMAGE_SECONDS_MAX,
            ..Asked::new(Method::POST, &path, &what)
        };
        let answer = self.ask(asked, request::nothing()).await?;
        lines(&answer, &what)?;
        Ok(())
    }

    /// Writes an image that the engine has into a file that is not there yet, as `docker save` does.
    ///
    /// # Errors
    /// The engine has no such image, or the disk does not take it.
    pub async fn save_image(&self, name: &str, archive: &Path) -> Result<(), EngineError> {
        let what = format!("save the image {name}");
        let broken = |problem: std::io::Error| EngineError::Broken {
            what: what.clone(),
            problem: format!("{}: {problem}", archive.display()),
        };
        let mut file = std::fs::File::create_new(archive).map_err(broken)?;
        let path = format!("/images/{}/get", query(name));
        let mut written = Ok(());
        let asked = Asked::new(Method::GET, &path, &what);
        self.stream(asked, |bytes| {
            if written.is_ok() {
                written = file.write_all(bytes);
            }
        })
        .await?;
        written.map_err(broken)
    }

    /// Looks at an image; `None` when the engine has none of that name.
    ///
    /// # Errors
    /// The engine fails.
    pub async fn image(&self, name: &str) -> Result<Option<Image>, EngineError> {
        let what = format!("look at the image {name}");
        let path = format!("/images/{}/json", query(name));
        let found = match self.get(&path, &what).await {
            Err(EngineError::Refused { status: 404, .. }) => return Ok(None),
            other => other?,
        };
        let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
        let architecture = text("Architecture");
        let variant = match text("Variant") {
            variant if variant.is_empty() || architecture == "arm64" => String::new(),
            variant => format!("/{variant}"),
        };
        Ok(Some(Image {
            id: text("Id"),
            platform: format!("{}/{architecture}{variant}", text("Os")),
            architecture,
            unpacked_bytes: found["Size"].as_u64().unwrap_or_default(),
            volumes: found
                .pointer("/Config/Volumes")
                .and_then(Value::as_object)
                .map(|volumes| volumes.keys().cloned().collect())
                .unwrap_or_default(),
        }))
    }

    /// Removes an image's name, and the image with its last one. Never by force: that would take the containers of
    /// whoever else runs the same bytes along.
    ///
    /// # Errors
    /// The engine fails, or a container still needs the image.
    pub async fn remove_image(&self, name: &str) -> Result<(), EngineError> {
        let path = format!("/images/{}", query(name));
        self.delete(&path, &format!("remove the image {name}"))
            .await
    }
}

/// Does a file begin as a tar archive does, as it is or compressed?
pub fn is_archive(beginning: &[u8]) -> bool {
    beginning.starts_with(&[0x1f, 0x8b])
        || beginning.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
        || beginning.get(257..MAGIC_BYTES) == Some(b"ustar")
}

/// The words of a stream of JSON objects; an `error` among them is the engine's refusal.
fn lines(answer: &[u8], what: &str) -> Result<String, EngineError> {
    let mut said = String::new();
    for value in serde_json::Deserializer::from_slice(answer).into_iter::<Value>() {
        let value = value.map_err(|problem| EngineError::Shape {
            what: what.to_owned(),
            problem: problem.to_string(),
        })?;
        if let Some(message) = value["error"].as_str() {
            return Err(EngineError::Refused {
                what: what.to_owned(),
                status: 200,
                message: crate::log::excerpt(message),
            });
        }
        said.push_str(value["stream"].as_str().unwrap_or_default());
    }
    Ok(said)
}

/// A text inside a path or a query.
pub(super) fn query(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[test]
    fn what_the_engine_says_is_joined_and_an_error_is_one() {
        let said = lines(
            b"{\"stream\":\"Loaded \"}\n{\"stream\":\"image: a\"}",
            "load",
        );
        assert_eq!(said.expect("no error"), "Loaded image: a");
        let refused = lines(b"{\"status\":\"x\"}{\"error\":\"no space\"}", "load");
        assert!(
            refused
                .expect_err("an error")
                .to_string()
                .contains("no space")
        );
        assert!(lines(b"<html>", "load").is_err());
    }

    #[test]
    fn archives_are_known_by_their_first_bytes() {
        let mut tar = vec![0; 300];
        tar[257..262].copy_from_slice(b"ustar");
        assert!(is_archive(&tar) && is_archive(&[0x1f, 0x8b, 8]));
        assert!(!is_archive(b"FROM scratch") && !is_archive(&[]));
    }

    /// An engine that says this to whoever asks it, and then reads on, or hangs up.
    fn engine(answer: &'static str, reads_on: bool) -> (Engine, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("engine.sock");
        let listener = tokio::net::UnixListener::bind(&socket).expect("a socket");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("somebody asks");
            let mut some = vec![0; 4096];
            let asked = stream.read(&mut some).await.expect("a request");
            assert!(asked > 0, "a request");
            let said = stream.write_all(answer.as_bytes()).await;
            said.expect("somebody listens");
            while reads_on && stream.read(&mut some).await.is_ok_and(|length| length > 0) {}
        });
        let engine = Engine {
            socket,
            name: "a test's".into(),
            architecture: "amd64".into(),
        };
        (engine, folder)
    }

    /// A layer without an end.
    async fn endless(mut archive: Archive) -> std::io::Result<()> {
        archive.begin("c0", u64::from(u32::MAX)).await?;
        loop {
            archive.write(&[0; 4096]).await?;
        }
    }

    #[tokio::test]
    async fn an_engine_that_takes_no_more_has_the_word() {
        let no = "HTTP/1.1 507 No\r\nContent-Length: 23\r\n\r\n{\"message\":\"disk full\"}";
        let (full, _folder) = engine(no, true);
        let loaded = full.load_written(endless).await;
        let refused = loaded.expect("the engine's word").unwrap_err().to_string();
        assert!(refused.contains("disk full"), "{refused}");
        let (gone, _folder) = engine("", false);
        let loaded = gone.load_written(endless).await;
        let broken = loaded.expect("not the writer's fault");
        assert!(matches!(broken, Err(EngineError::Broken { .. })));
    }

    #[tokio::test]
    async fn a_writer_that_gives_up_has_the_word() {
        let (engine, _folder) = engine("", true);
        let loaded = engine.load_written(|archive| async move {
            drop(archive);
            Err::<(), &str>("a blob is gone")
        });
        assert_eq!(loaded.await.map(drop), Err("a blob is gone"));
    }
}
