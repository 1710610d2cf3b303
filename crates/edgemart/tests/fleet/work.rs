//! What clients do at the registry, one request after another, and what the server told them before it went: that stands,
//! whatever happens next.

use std::collections::BTreeMap;

use app::App;
use oci::Digest;
use reqwest::{Client, Method, Response};
use serde_json::json;

use crate::place::{EMAIL, PASSWORD};

/// Where is pushed.
pub const HERE: &str = "incoming/contoso/steps";
/// Where is mounted.
pub const THERE: &str = "incoming/contoso/mounted";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Of a blob that comes in two chunks.
const CHUNKED_BYTES: usize = 300_000;
/// Of a blob that comes at once, and is more than one part in the storage.
const WHOLE_BYTES: usize = 1_300_000;

/// The server went away before it answered.
#[derive(Debug)]
pub struct Gone;

/// A client that remembers what it was told.
pub struct Work {
    client: Client,
    url: String,
    /// Different bytes, and so digests, for each.
    seed: u64,
    blobs: BTreeMap<(&'static str, Digest), bool>,
    manifests: BTreeMap<(&'static str, Digest), bool>,
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..length.div_ceil(8)).flat_map(|_| step()).collect()
}

impl Work {
    pub fn new(url: &str, seed: u64) -> Self {
        Self {
            client: Client::new(),
            url: url.to_owned(),
            seed,
            blobs: BTreeMap::new(),
            manifests: BTreeMap::new(),
        }
    }

    /// One request; the answer as it is.
    pub async fn ask(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Response, Gone> {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request = request.basic_auth(EMAIL, Some(PASSWORD));
        let request = request.header("Content-Type", MANIFEST).body(body);
        request.send().await.map_err(|_| Gone)
    }

    /// Puts a manifest of another kind than an image.
    pub async fn put_as(&self, kind: &str, path: &str, body: Vec<u8>) -> Result<Response, Gone> {
        let request = self.client.put(format!("{}{path}", self.url));
        let request = request.basic_auth(EMAIL, Some(PASSWORD));
        let request = request.header("Content-Type", kind).body(body);
        request.send().await.map_err(|_| Gone)
    }

    async fn expect(
        &self,
        status: u16,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Response, Gone> {
        let answer = self.ask(method, path, body).await?;
        let found = answer.status().as_u16();
        if found == status {
            return Ok(answer);
        }
        let text = answer.text().await.unwrap_or_default();
        panic!("{path} was answered {found}: {text}");
    }

    fn chunked(&self) -> Vec<u8> {
        noise(self.seed * 2, CHUNKED_BYTES)
    }

    fn whole(&self) -> Vec<u8> {
        noise(self.seed * 2 + 1, WHOLE_BYTES)
    }

    fn manifest(blobs: &[&[u8]]) -> (Digest, Vec<u8>) {
        let listed = blobs.iter().map(|bytes| {
            json!({"mediaType": "application/octet-stream", "digest": Digest::sha256_of(bytes), "size": bytes.len()})
        });
        let listed: Vec<_> = listed.collect();
        let text = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": listed[0], "layers": listed[1..],
        });
        let bytes = text.to_string().into_bytes();
        (Digest::sha256_of(&bytes), bytes)
    }

    fn tag(&self) -> String {
        format!("v{}", self.seed)
    }

    /// Two blobs in the two ways, and a manifest of both under a tag.
    pub async fn push(&mut self) -> Result<(), Gone> {
        let (chunked, whole) = (self.chunked(), self.whole());
        let digest = Digest::sha256_of(&chunked);
        let uploads = format!("/v2/{HERE}/blobs/uploads/");
        let (first, second) = chunked.split_at(CHUNKED_BYTES / 2);
        let opened = self.expect(202, Method::POST, &uploads, Vec::new()).await?;
        let at = opened.headers()["location"].to_str().unwrap().to_owned();
        self.expect(202, Method::PATCH, &at, first.to_vec()).await?;
        let close = format!("{at}?digest={digest}");
        self.expect(201, Method::PUT, &close, second.to_vec())
            .await?;
        self.blobs.insert((HERE, digest), true);
        let digest = Digest::sha256_of(&whole);
        let at_once = format!("{uploads}?digest={digest}");
        self.expect(201, Method::POST, &at_once, whole.clone())
            .await?;
        self.blobs.insert((HERE, digest), true);
        let (name, manifest) = Self::manifest(&[&chunked, &whole]);
        let tag = format!("/v2/{HERE}/manifests/{}", self.tag());
        self.expect(201, Method::PUT, &tag, manifest).await?;
        self.manifests.insert((HERE, name), true);
        Ok(())
    }

    /// The larger blob in another repository, and a manifest of it there.
    pub async fn mount(&mut self) -> Result<(), Gone> {
        let whole = self.whole();
        let digest = Digest::sha256_of(&whole);
        let mount = format!("/v2/{THERE}/blobs/uploads/?mount={digest}&from={HERE}");
        self.expect(201, Method::POST, &mount, Vec::new()).await?;
        self.blobs.insert((THERE, digest), true);
        let (name, manifest) = Self::manifest(&[&whole]);
        let tag = format!("/v2/{THERE}/manifests/{}", self.tag());
        self.expect(201, Method::PUT, &tag, manifest).await?;
        self.manifests.insert((THERE, name), true);
        Ok(())
    }

    /// Takes tag and manifest away; the blobs stay, and nobody lists them.
    pub async fn unlist(&mut self) -> Result<(), Gone> {
        let (name, _) = Self::manifest(&[&self.chunked(), &self.whole()]);
        // Until it is told, it may be either way.
        self.manifests.remove(&(HERE, name.clone()));
        self.blobs.clear();
        for reference in [self.tag(), name.to_string()] {
            let path = format!("/v2/{HERE}/manifests/{reference}");
            self.expect(202, Method::DELETE, &path, Vec::new()).await?;
        }
        self.manifests.insert((HERE, name), false);
        Ok(())
    }

    /// Everything that was pushed, from the tag down.
    pub async fn delete(&mut self) -> Result<(), Gone> {
        self.unlist().await?;
        for bytes in [self.chunked(), self.whole()] {
            let digest = Digest::sha256_of(&bytes);
            let path = format!("/v2/{HERE}/blobs/{digest}");
            self.expect(202, Method::DELETE, &path, Vec::new()).await?;
            self.blobs.insert((HERE, digest), false);
        }
        Ok(())
    }

    /// What was acknowledged is there, and what was deleted is not.
    pub async fn check(&self, app: &App) {
        use store::registry::{has_blob, has_manifest};
        for ((repo, digest), there) in &self.blobs {
            let found = has_blob(&app.reader, repo, digest).await.unwrap();
            assert_eq!(found.is_some(), *there, "{repo}: blob {digest}");
        }
        for ((repo, digest), there) in &self.manifests {
            let found = has_manifest(&app.reader, repo, digest).await.unwrap();
            assert_eq!(found.is_some(), *there, "{repo}: manifest {digest}");
        }
    }
}
