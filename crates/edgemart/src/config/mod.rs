//! Configuration: flags > environment > `edgemart.toml` > defaults. Unknown keys are refused with the nearest known one.
//! Here the four are put together; what each key means stands in `file.rs`.

mod file;
mod show;

pub(crate) use file::File;
pub(crate) use show::show;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use app::egress::EgressPolicy;
use app::settings::{Limits, Settings};
use url::Url;

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
    pub(crate) insecure_http: bool,
}

/// Everything `serve` needs, complete and checked.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
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

fn complete(
    flags: &Flags,
    file: File,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Config, ConfigError> {
    let listen = match (flags.listen, environment("EDGEMART_LISTEN")) {
        (Some(address), _) => address,
        (None, Some(text)) => text.parse().map_err(|_| {
            ConfigError(format!(
                "EDGEMART_LISTEN is `{text}`; give an address with a port, such as 127.0.0.1:8080"
            ))
        })?,
        (None, None) => file
            .listen
            .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080))),
    };
    let insecure = flags.insecure_http || file.insecure_http;
    if !listen.ip().is_loopback() && !insecure {
        return Err(ConfigError(format!(
            "listen is {listen}, which other machines reach, and this server speaks plain HTTP. Put a TLS proxy in front and listen on 127.0.0.1, or say --insecure-http (insecure_http = true) if the network is yours"
        )));
    }
    let data = flags
        .data
        .clone()
        .or_else(|| environment("EDGEMART_DATA").map(PathBuf::from))
        .or(file.data)
        .unwrap_or_else(|| PathBuf::from("data"));
    let data = std::path::absolute(&data)
        .map_err(|e| ConfigError(format!("data `{}` is no usable path: {e}", data.display())))?;
    let public_url = environment("EDGEMART_PUBLIC_URL").or(file.public_url);
    let public_url = public_url.unwrap_or_else(|| format!("http://{listen}"));
    let public_url: Url = public_url.parse().map_err(|e| {
        ConfigError(format!(
            "public_url `{public_url}` is no address: {e}; write it as https://market.example"
        ))
    })?;
    let registry_host = environment("EDGEMART_REGISTRY_HOST")
        .or(file.registry_host)
        .unwrap_or_else(|| host_of(&public_url));
    let registry = file.registry.apply();
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
            limits: file.limits.apply(Limits::default()),
            runtime: file.runtime.apply(),
            registry,
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
            ..flags
        };
        assert!(complete(&said, File::default(), none).is_ok());
    }
}
