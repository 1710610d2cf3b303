//! Starts a marketplace in this process: opens what is kept, puts the parts together, listens, and stops cleanly.
//! Shared by `serve` and `demo`; knows no flags.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use app::clock::Clock;
use app::egress::Egress;
use app::registry::{TokenKeys, bring_pulls};
use app::secrets::SecretKeys;
use app::{App, Parts};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::{Config, scheme};
use crate::front::{self, Front, Tls, TlsError, open_many_files};

/// How long a stopping server tries to bring its last counts of pulls.
const LAST_COUNTS_MAX: Duration = Duration::from_secs(5);

/// Why the marketplace did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The data folder.
    #[error("the data folder {0} cannot be used: {1}. Give another one with --data")]
    Data(String, std::io::Error),
    /// Metadata or bytes.
    #[error(transparent)]
    Open(#[from] store::OpenError),
    /// The catalog.
    #[error("the catalog could not be read: {0}")]
    Catalog(#[from] app::catalog::BuildError),
    /// A key file.
    #[error("{0}")]
    Keys(String),
    /// Certificate or key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The listener.
    #[error(
        "cannot listen on {0}: {1}. Is another server there? Choose another address with --listen"
    )]
    Listen(SocketAddr, std::io::Error),
}

/// A marketplace that listens.
pub(crate) struct Running {
    pub(crate) app: App,
    pub(crate) address: SocketAddr,
    /// `http` or `https`.
    pub(crate) scheme: &'static str,
    stop_seconds_max: u64,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    background: Vec<JoinHandle<()>>,
}

/// Binds first, so that a taken port is told before anything is written.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|e| StartError::Listen(address, e))
}

/// Makes the data folder, for this user alone.
pub(crate) fn make_data_folder(data: &Path) -> Result<(), StartError> {
    let failed = |e| StartError::Data(data.display().to_string(), e);
    std::fs::create_dir_all(data).map_err(failed)
}

/// Opens everything and serves.
pub(crate) async fn start(config: Config, listener: TcpListener) -> Result<Running, StartError> {
    let scheme = scheme(config.tls.as_ref());
    let tls = config.tls.clone().map(Tls::open).transpose()?.map(Arc::new);
    make_data_folder(&config.data)?;
    let address = listener
        .local_addr()
        .map_err(|e| StartError::Listen(config.listen, e))?;
    let store = store::open(
        &config.database_url,
        &config.storage_url,
        storage_keys(&config.storage_url).as_ref(),
    )
    .await?;
    let trusted_proxies = config.trusted_proxies.clone();
    let stop_seconds_max = config.stop_seconds_max;
    let app = assemble(config, store).await?;
    open_many_files();
    let (stop, stopped) = watch::channel(false);
    let mut background = app.spawn_background(&stopped);
    if let Some(tls) = &tls {
        background.push(tokio::spawn(Arc::clone(tls).follow(stopped.clone())));
    }
    let options = web::Options { trusted_proxies };
    let router = web::router(app.clone(), options);
    let front = Front {
        listener,
        tls,
        transfers: app.settings.transfers,
    };
    let server = tokio::spawn(front::serve(front, router, stopped));
    Ok(Running {
        app,
        address,
        scheme,
        stop_seconds_max,
        stop,
        server,
        background,
    })
}

/// The use-cases on a store, without background work.
async fn assemble(config: Config, store: store::Store) -> Result<App, StartError> {
    let keys = |e: &dyn std::fmt::Display| StartError::Keys(e.to_string());
    let secrets = match environment_text("EDGEMART_SECRET_KEYS") {
        Some(text) => SecretKeys::from_text(&text),
        None => SecretKeys::open_or_create(&config.data.join("secrets.key")),
    };
    let token_keys = match environment_text("EDGEMART_TOKEN_KEYS") {
        Some(text) => TokenKeys::from_text(&text),
        None => TokenKeys::open_or_create(&config.data.join("tokens.key")),
    };
    Ok(App::start(Parts {
        store,
        clock: Clock::System,
        settings: config.settings,
        secrets: secrets.map_err(|e| keys(&e))?,
        token_keys: token_keys.map_err(|e| keys(&e))?,
        egress: Egress::new(config.egress).map_err(|e| keys(&e))?,
    })
    .await?)
}

/// Opens the installation of this machine beside its server, for the operator's verbs: nothing is made, upgraded or run.
pub(crate) async fn attach(config: Config) -> Result<App, StartError> {
    let store = store::attach(
        &config.database_url,
        &config.storage_url,
        storage_keys(&config.storage_url).as_ref(),
    )
    .await?;
    assemble(config, store).await
}

/// Replicas share their keys through the environment.
fn environment_text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// The key pair of the bucket or storage account, from the environment.
pub(crate) fn storage_keys(storage_url: &str) -> Option<store::StorageKeys> {
    let (id, secret) = if storage_url.starts_with("az:") {
        ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY")
    } else {
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    };
    Some(store::StorageKeys {
        access_key_id: environment_text(id)?,
        secret_access_key: environment_text(secret)?,
    })
}

impl Running {
    /// Serves until Ctrl-C or a termination signal, then lets requests under way finish.
    pub(crate) async fn until_stopped(mut self) {
        tokio::select! {
            () = signal() => {}
            _ = &mut self.server => return,
        }
        let seconds = self.stop_seconds_max;
        tracing::info!(
            seconds,
            "stopping; requests under way may finish, a second signal ends them"
        );
        // Receivers that are gone have stopped already.
        let _ = self.stop.send(true);
        let drain = async {
            for task in self.background {
                let _ = task.await;
            }
            let _ = self.server.await;
        };
        tokio::select! {
            () = drain => tracing::info!("stopped"),
            () = tokio::time::sleep(Duration::from_secs(seconds)) => {
                tracing::warn!(seconds, "some requests were cut off");
            }
            () = signal() => tracing::warn!("some requests were cut off by a second signal"),
        }
        // After the last answer, so that it counts too.
        let brought = tokio::time::timeout(LAST_COUNTS_MAX, bring_pulls(&self.app)).await;
        if !matches!(brought, Ok(Ok(()))) {
            tracing::warn!("the last counts of pulls could not be brought to the database");
        }
    }
}

async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(error) => {
            tracing::warn!(%error, "no termination signal; only Ctrl-C stops this server");
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
