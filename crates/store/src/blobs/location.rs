//! Reading a storage address: `file:///folder`, `s3://bucket/prefix?endpoint=http://host:port&region=name&allow_http=true`
//! or `az://container/prefix?endpoint=http://host:port/account&allow_http=true`. `client_endpoint=` names the same storage
//! as clients reach it, for addresses that are given out.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use url::Url;

use super::Blobs;
use crate::connect::without_secrets;
use crate::open::{OpenError, StorageKeys};

/// How long the object store may take to accept a connection, in seconds.
const CONNECT_SECONDS_MAX: u64 = 5;
/// How long it may stay silent, in seconds. There is no limit on a whole transfer: a large layer takes its time.
const SILENCE_SECONDS_MAX: u64 = 30;
/// Largest object that S3 copies in one request.
const S3_COPY_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;
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
            "az" => Self::container(&url, keys).map_err(|what| wrong(&what)),
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
            signer: None,
            // A second name for the same file.
            copy_bytes_max: u64::MAX,
        })
    }

    fn bucket(url: &Url, keys: Option<&StorageKeys>) -> Result<Self, String> {
        choose_crypto();
        let keys = keys.ok_or("needs an access key id and a secret access key")?;
        let bucket = url
            .host_str()
            .ok_or("names no bucket; write s3://bucket/prefix")?;
        let asked = Asked::read(url)?;
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_access_key_id(&keys.access_key_id)
            .with_secret_access_key(&keys.secret_access_key)
            .with_virtual_hosted_style_request(false)
            .with_retry(retry())
            .with_client_options(asked.client_options());
        if let Some(region) = &asked.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &asked.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let built = |builder: AmazonS3Builder| builder.build().map_err(|error| error.to_string());
        let store = Arc::new(built(builder.clone())?);
        let elsewhere = match &asked.client_endpoint {
            Some(endpoint) => Some(Arc::new(built(builder.with_endpoint(endpoint))?)),
            None => None,
        };
        Ok(Self::remote(
            store,
            elsewhere,
            prefix(url)?,
            S3_COPY_BYTES_MAX,
        ))
    }

    fn container(url: &Url, keys: Option<&StorageKeys>) -> Result<Self, String> {
        choose_crypto();
        let keys = keys.ok_or("needs a storage account and its key")?;
        let container = url
            .host_str()
            .ok_or("names no container; write az://container/prefix")?;
        let asked = Asked::read(url)?;
        if asked.region.is_some() {
            return Err("takes no region".to_owned());
        }
        let mut builder = MicrosoftAzureBuilder::new()
            .with_container_name(container)
            .with_account(&keys.access_key_id)
            .with_access_key(&keys.secret_access_key)
            .with_retry(retry())
            .with_client_options(asked.client_options());
        if let Some(endpoint) = &asked.endpoint {
            builder = builder.with_endpoint(endpoint.clone());
        }
        let built =
            |builder: MicrosoftAzureBuilder| builder.build().map_err(|error| error.to_string());
        let store = Arc::new(built(builder.clone())?);
        let elsewhere = match asked.client_endpoint.clone() {
            Some(endpoint) => Some(Arc::new(built(builder.with_endpoint(endpoint))?)),
            None => None,
        };
        // Azure answers before a copy is done, and an answer does not tell whether it will be.
        Ok(Self::remote(store, elsewhere, prefix(url)?, 0))
    }

    /// An object store, and the same as clients reach it where that differs.
    fn remote<S: ObjectStore + Signer>(
        store: Arc<S>,
        elsewhere: Option<Arc<S>>,
        prefix: Path,
        copy_bytes_max: u64,
    ) -> Self {
        Self {
            signer: Some(elsewhere.unwrap_or_else(|| Arc::clone(&store))),
            store,
            prefix,
            local: None,
            copy_bytes_max,
        }
    }
}

/// The query of a storage address.
#[derive(Default)]
struct Asked {
    endpoint: Option<String>,
    client_endpoint: Option<String>,
    region: Option<String>,
    allow_http: bool,
}

impl Asked {
    fn read(url: &Url) -> Result<Self, String> {
        let mut asked = Self::default();
        for (key, value) in url.query_pairs() {
            match key.as_ref() {
                "endpoint" => asked.endpoint = Some(value.into_owned()),
                "client_endpoint" => asked.client_endpoint = Some(value.into_owned()),
                "region" => asked.region = Some(value.into_owned()),
                "allow_http" => {
                    asked.allow_http = value.parse().map_err(|_| "allow_http is true or false")?;
                }
                other => {
                    return Err(format!(
                        "does not know `{other}`; known are endpoint, client_endpoint, region and allow_http"
                    ));
                }
            }
        }
        Ok(asked)
    }

    fn client_options(&self) -> ClientOptions {
        ClientOptions::new()
            .with_connect_timeout(Duration::from_secs(CONNECT_SECONDS_MAX))
            .with_read_timeout(Duration::from_secs(SILENCE_SECONDS_MAX))
            .with_timeout_disabled()
            .with_allow_http(self.allow_http)
    }
}

fn retry() -> RetryConfig {
    RetryConfig {
        retry_timeout: Duration::from_secs(RETRY_SECONDS_MAX),
        ..RetryConfig::default()
    }
}

fn prefix(url: &Url) -> Result<Path, String> {
    Path::from_url_path(url.path()).map_err(|error| error.to_string())
}

/// Whoever wires the program may have chosen a provider already; `object_store` would panic without one.
fn choose_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Lost a race: then there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
