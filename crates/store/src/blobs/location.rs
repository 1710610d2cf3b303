//! Reading a storage address: `file:///folder` or
//! `s3://bucket/prefix?endpoint=http://host:port&region=name&allow_http=true`.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ClientOptions, RetryConfig};
use url::Url;

use super::Blobs;
use crate::connect::without_secrets;
use crate::open::{OpenError, StorageKeys};

/// How long S3 may take to accept a connection, in seconds.
const CONNECT_SECONDS_MAX: u64 = 5;
/// How long S3 may stay silent, in seconds. There is no limit on a whole transfer: a large layer takes its time.
const SILENCE_SECONDS_MAX: u64 = 30;
/// How long a failing request is tried again, in seconds.
const RETRY_SECONDS_MAX: u64 = 60;

impl Blobs {
    /// Opens the storage that an address names; a folder is made when missing.
    pub fn at(storage_url: &str, keys: Option<&StorageKeys>) -> Result<Self, OpenError> {
        let wrong = |what: &dyn std::fmt::Display| OpenError::Storage {
            url: without_secrets(storage_url),
            what: what.to_string(),
        };
        let url = Url::parse(storage_url).map_err(|error| wrong(&error))?;
        match url.scheme() {
            "file" => {
                let folder = url
                    .to_file_path()
                    .map_err(|()| wrong(&"is no path on this machine"))?;
                Self::folder(&folder)
            }
            "s3" => Self::bucket(&url, keys).map_err(|what| wrong(&what)),
            other => Err(OpenError::StorageScheme(other.to_owned())),
        }
    }

    fn folder(folder: &std::path::Path) -> Result<Self, OpenError> {
        let made = std::fs::create_dir_all(folder);
        made.map_err(|source| OpenError::Folder {
            path: folder.to_owned(),
            source,
        })?;
        let files =
            LocalFileSystem::new_with_prefix(folder).map_err(|error| OpenError::Storage {
                url: format!("file://{}", folder.display()),
                what: error.to_string(),
            })?;
        let files = Arc::new(files.with_fsync(true));
        let local = Arc::clone(&files);
        Ok(Self {
            store: files,
            prefix: Path::default(),
            local: Some(local),
        })
    }

    fn bucket(url: &Url, keys: Option<&StorageKeys>) -> Result<Self, String> {
        // Whoever wires the program may have chosen a provider already; object_store would panic without one.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Lost a race: then there is one.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let keys = keys.ok_or("needs an access key id and a secret access key")?;
        let bucket = url
            .host_str()
            .ok_or("names no bucket; write s3://bucket/prefix")?;
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_access_key_id(&keys.access_key_id)
            .with_secret_access_key(&keys.secret_access_key)
            .with_virtual_hosted_style_request(false)
            .with_retry(RetryConfig {
                retry_timeout: Duration::from_secs(RETRY_SECONDS_MAX),
                ..RetryConfig::default()
            });
        let mut options = ClientOptions::new()
            .with_connect_timeout(Duration::from_secs(CONNECT_SECONDS_MAX))
            .with_read_timeout(Duration::from_secs(SILENCE_SECONDS_MAX))
            .with_timeout_disabled();
        for (key, value) in url.query_pairs() {
            match key.as_ref() {
                "endpoint" => builder = builder.with_endpoint(value),
                "region" => builder = builder.with_region(value),
                "allow_http" => {
                    let allow = value.parse().map_err(|_| "allow_http is true or false")?;
                    options = options.with_allow_http(allow);
                }
                other => {
                    return Err(format!(
                        "does not know `{other}`; known are endpoint, region and allow_http"
                    ));
                }
            }
        }
        let store = builder.with_client_options(options).build();
        let prefix = Path::from_url_path(url.path()).map_err(|error| error.to_string())?;
        Ok(Self {
            store: Arc::new(store.map_err(|error| error.to_string())?),
            prefix,
            local: None,
        })
    }
}
