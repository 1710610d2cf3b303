//! Configuration: flags > environment > `edgemart.toml` > defaults. Unknown keys are refused with the nearest known one.
//! Here the four are put together; what each key means stands in `file.rs`.

mod file;
mod limits;
mod show;

pub(crate) use file::File;
pub(crate) use show::show;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use app::egress::EgressPolicy;
use app::settings::{Limits, Settings};
use url::Url;

use crate::front::TlsFiles;
use crate::logging::LogFormat;

/// Requests under way get this long after a stop, unless the operator says otherwise.
const STOP_SECONDS_MAX: u64 = 30;

/// Why the configuration cannot be used. One sentence that names the key and the fix.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ConfigError(pub(crate) String);

/// What flags may say; each wins over the environment and the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    pub(crate) config: Option<PathBuf>,
    pub(crate) data: Option<PathBuf>,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) tls_certificate: Option<PathBuf>,
    pub(crate) tls_key: Option<PathBuf>,
    pub(crate) insecure_http: bool,
    pub(crate) log_format: Option<LogFormat>,
}

/// Everything `serve` needs, complete and checked.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) stop_seconds_max: u64,
    pub(crate) log_format: LogFormat,
    pub(crate) log: Option<String>,
    pub(crate) data: PathBuf,
    pub(crate) database_url: String,
    pub(crate) storage_url: String,
    pub(crate) egress: EgressPolicy,
    pub(crate) trusted_proxies: Vec<std::net::IpAddr>,
    pub(crate) settings: Settings,
}

/// Reads an environment variable; an empty one counts as absent.
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Puts flags, environment, file and defaults together.
pub(crate) fn load(flags: &Flags) -> Result<Config, ConfigError> {
    let named = flags
        .config
        .clone()
        .or_else(|| environment("EDGEMART_CONFIG").map(PathBuf::from));
    let file = match named {
        Some(path) => File::read(&path)?,
        None if Path::new("edgemart.toml").exists() => File::read(Path::new("edgemart.toml"))?,
        None => File::default(),
    };
    complete(flags, file, environment)
}

/// Flags and defaults alone, for what must not meet an installation by accident: no environment, no file.
pub(crate) fn alone(flags: &Flags) -> Result<Config, ConfigError> {
    complete(flags, File::default(), |_| None)
}

/// `http` or `https`, as this configuration listens.
pub(crate) fn scheme(tls: Option<&TlsFiles>) -> &'static str {
    if tls.is_some() { "https" } else { "http" }
}

fn usable_path(key: &str, path: &Path) -> Result<PathBuf, ConfigError> {
    std::path::absolute(path)
        .map_err(|e| ConfigError(format!("{key} `{}` is no usable path: {e}", path.display())))
}

/// Certificate and key, which come together or not at all.
fn tls_files(
    flags: &Flags,
    file: &File,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Option<TlsFiles>, ConfigError> {
    let named = |flag: &Option<PathBuf>, name: &str, key: &Option<PathBuf>| {
        flag.clone()
            .or_else(|| environment(name).map(PathBuf::from))
            .or_else(|| key.clone())
    };
    let certificate = named(
        &flags.tls_certificate,
        "EDGEMART_TLS_CERTIFICATE",
        &file.tls_certificate,
    );
    let key = named(&flags.tls_key, "EDGEMART_TLS_KEY", &file.tls_key);
    match (certificate, key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles {
            certificate: usable_path("tls_certificate", &certificate)?,
            key: usable_path("tls_key", &key)?,
        })),
        (Some(_), None) => Err(ConfigError(
            "tls_certificate is given without tls_key; TLS needs both files".into(),
        )),
        (None, Some(_)) => Err(ConfigError(
            "tls_key is given without tls_certificate; TLS needs both files".into(),
        )),
    }
}

/// Where people reach us; by https if that is what we speak, or what the proxy in front of us does.
fn public_url(told: Option<String>, listen: SocketAddr, tls: bool) -> Result<Url, ConfigError> {
    let scheme = if tls { "https" } else { "http" };
    let text = told.unwrap_or_else(|| format!("{scheme}://{listen}"));
    let url: Url = text.parse().map_err(|e| {
        ConfigError(format!(
            "public_url `{text}` is no address: {e}; write it as https://market.example"
        ))
    })?;
    if tls && url.scheme() != "https" {
        return Err(ConfigError(format!(
            "public_url is {url}, but this server speaks TLS, so nobody reaches it there; write https://…, or take tls_certificate and tls_key out"
        )));
    }
    Ok(url)
}

/// Where to listen; on this machine alone unless somebody says otherwise.
fn address(
    flags: &Flags,
    file: &File,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<SocketAddr, ConfigError> {
    match (flags.listen, environment("EDGEMART_LISTEN")) {
        (Some(address), _) => Ok(address),
        (None, Some(text)) => text.parse().map_err(|_| {
            ConfigError(format!(
                "EDGEMART_LISTEN is `{text}`; give an address with a port, such as 127.0.0.1:8080"
            ))
        }),
        (None, None) => Ok(file
            .listen
            .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)))),
    }
}

fn log_format(
    flags: &Flags,
    file: &File,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<LogFormat, ConfigError> {
    match (flags.log_format, environment("EDGEMART_LOG_FORMAT")) {
        (Some(format), _) => Ok(format),
        (None, Some(text)) => {
            <LogFormat as clap::ValueEnum>::from_str(&text, false).map_err(|_| {
                ConfigError(format!(
                    "EDGEMART_LOG_FORMAT is `{text}`; give text or json"
                ))
            })
        }
        (None, None) => Ok(file.log_format.unwrap_or_default()),
    }
}

fn complete(
    flags: &Flags,
    file: File,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Config, ConfigError> {
    let listen = address(flags, &file, &environment)?;
    let tls = tls_files(flags, &file, &environment)?;
    let insecure = flags.insecure_http || file.insecure_http;
    if tls.is_none() && !listen.ip().is_loopback() && !insecure {
        return Err(ConfigError(format!(
            "listen is {listen}, which other machines reach, and this server would speak plain HTTP. Give it tls_certificate and tls_key, or put a TLS proxy in front and listen on 127.0.0.1, or say --insecure-http (insecure_http = true) if the network is yours"
        )));
    }
    let log_format = log_format(flags, &file, &environment)?;
    let data = flags
        .data
        .clone()
        .or_else(|| environment("EDGEMART_DATA").map(PathBuf::from))
        .or(file.data)
        .unwrap_or_else(|| PathBuf::from("data"));
    let data = usable_path("data", &data)?;
    let told = environment("EDGEMART_PUBLIC_URL").or(file.public_url);
    let public_url = public_url(told, listen, tls.is_some())?;
    let registry_host = environment("EDGEMART_REGISTRY_HOST")
        .or(file.registry_host)
        .unwrap_or_else(|| host_of(&public_url));
    let registry = file.registry.apply()?;
    let reached = !listen.ip().is_loopback() || !is_loopback(&public_url);
    if registry.lab_account.is_some() && (reached || !file.trusted_proxies.is_empty()) {
        return Err(ConfigError(format!(
            "registry.lab_account lets anyone push, so it is for a closed lab on this machine alone; listen is {listen}, public_url {public_url}. Remove it, or listen on 127.0.0.1 with a public_url on 127.0.0.1 and no trusted_proxies"
        )));
    }
    let database_url = environment("EDGEMART_DATABASE_URL")
        .or(file.database_url)
        .unwrap_or_else(|| format!("sqlite://{}", data.join("edgemart.db").display()));
    let storage_url = environment("EDGEMART_STORAGE_URL")
        .or(file.storage_url)
        .unwrap_or_else(|| format!("file://{}", data.join("blobs").display()));
    Ok(Config {
        listen,
        tls,
        stop_seconds_max: file.stop_seconds_max.unwrap_or(STOP_SECONDS_MAX),
        log_format,
        log: file.log,
        data,
        database_url,
        storage_url,
        egress: file.egress,
        trusted_proxies: file.trusted_proxies,
        settings: Settings {
            public_url,
            registry_host,
            name: file.name.unwrap_or_else(|| "Edgemart".into()),
            onboarding_contact: file
                .onboarding_contact
                .unwrap_or_else(|| "the operator of this marketplace".into()),
            terms_version: file.terms_version.unwrap_or_else(|| "2026-11".into()),
            open_sign_up: file.open_sign_up.unwrap_or(true),
            check_links: file.check_links,
            limits: file.limits.apply(Limits::default())?,
            runtime: file.runtime.apply(),
            registry,
            runs: file.certification.runs(),
            engine: environment("EDGEMART_ENGINE")
                .or(file.certification.engine)
                .filter(|address| !address.is_empty()),
            transfers: file.transfers.apply(),
        },
    })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or("localhost");
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn defaults_are_a_loopback_marketplace_on_files() {
        let config = complete(&Flags::default(), File::default(), none).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.settings.registry_host, "127.0.0.1:8080");
        assert!(config.database_url.starts_with("sqlite:///"));
        assert!(config.storage_url.starts_with("file:///"));
    }

    #[test]
    fn flags_win_over_environment_over_file() {
        let file = File::parse("listen = \"127.0.0.1:1\"\ndata = \"/a\"").unwrap();
        let environment =
            |name: &str| (name == "EDGEMART_LISTEN").then(|| "127.0.0.1:2".to_owned());
        let config = complete(&Flags::default(), file.clone(), environment).unwrap();
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.data, PathBuf::from("/a"));
        let flags = Flags {
            listen: Some("127.0.0.1:3".parse().unwrap()),
            ..Flags::default()
        };
        assert_eq!(
            complete(&flags, file, environment).unwrap().listen.port(),
            3
        );
    }

    #[test]
    fn a_lab_account_stays_on_loopback() {
        let lab = "[registry]\nlab_account = \"lab@lab.example\"\n";
        let here = complete(&Flags::default(), File::parse(lab).unwrap(), none).unwrap();
        assert_eq!(
            here.settings.registry.lab_account.as_deref(),
            Some("lab@lab.example")
        );
        for elsewhere in [
            "listen = \"0.0.0.0:80\"\ninsecure_http = true",
            "public_url = \"https://market.example\"",
            "trusted_proxies = [\"127.0.0.1\"]",
        ] {
            let file = File::parse(&format!("{elsewhere}\n{lab}")).unwrap();
            let error = complete(&Flags::default(), file, none).unwrap_err();
            assert!(error.to_string().contains("lab_account"), "{error}");
        }
    }

    #[test]
    fn plain_http_beyond_loopback_needs_a_word() {
        let flags = Flags {
            listen: Some("0.0.0.0:80".parse().unwrap()),
            ..Flags::default()
        };
        let error = complete(&flags, File::default(), none).unwrap_err();
        assert!(error.to_string().contains("--insecure-http"), "{error}");
        let said = Flags {
            insecure_http: true,
            ..flags.clone()
        };
        assert!(complete(&said, File::default(), none).is_ok());
        let tls = Flags {
            tls_certificate: Some("/etc/tls/fullchain.pem".into()),
            tls_key: Some("/etc/tls/privkey.pem".into()),
            ..flags
        };
        let config = complete(&tls, File::default(), none).unwrap();
        assert_eq!(config.settings.public_url.as_str(), "https://0.0.0.0:80/");
    }

    #[test]
    fn tls_takes_both_files_and_https() {
        let file = File::parse("tls_certificate = \"/a.pem\"").unwrap();
        let error = complete(&Flags::default(), file.clone(), none).unwrap_err();
        assert!(error.to_string().contains("without tls_key"), "{error}");
        let environment =
            |name: &str| (name == "EDGEMART_TLS_KEY").then(|| "relative.key".to_owned());
        let config = complete(&Flags::default(), file, environment).unwrap();
        let files = config.tls.unwrap();
        assert_eq!(files.certificate, PathBuf::from("/a.pem"));
        assert!(files.key.is_absolute());
        let file = File::parse(
            "tls_certificate = \"/a.pem\"\ntls_key = \"/a.key\"\npublic_url = \"http://a.example\"",
        )
        .unwrap();
        let error = complete(&Flags::default(), file, none).unwrap_err();
        assert!(error.to_string().contains("speaks TLS"), "{error}");
    }

    #[test]
    fn the_log_format_is_a_word() {
        let environment = |name: &str| (name == "EDGEMART_LOG_FORMAT").then(|| "json".to_owned());
        let config = complete(&Flags::default(), File::default(), environment).unwrap();
        assert_eq!(config.log_format, LogFormat::Json);
        let environment = |name: &str| (name == "EDGEMART_LOG_FORMAT").then(|| "xml".to_owned());
        let error = complete(&Flags::default(), File::default(), environment).unwrap_err();
        assert!(error.to_string().contains("text or json"), "{error}");
    }
}
