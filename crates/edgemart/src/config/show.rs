//! Prints the configuration in force, secrets redacted.

use app::settings::{Challenge, OnStop, Transfers};
use url::Url;

use super::Config;
use super::file::NANO_CPUS_PER_PERMILLE;

/// The configuration as TOML.
pub(crate) fn show(config: &Config) -> String {
    let s = &config.settings;
    let rows = [
        ("listen", config.listen.to_string()),
        ("log_format", config.log_format.as_str().to_owned()),
        ("data", config.data.display().to_string()),
        ("public_url", s.public_url.to_string()),
        ("registry_host", s.registry_host.clone()),
        ("database_url", redacted(&config.database_url)),
        ("storage_url", redacted(&config.storage_url)),
        ("name", s.name.clone()),
        ("onboarding_contact", s.onboarding_contact.clone()),
        ("terms_version", s.terms_version.clone()),
    ];
    let tls = config.tls.iter().flat_map(|files| {
        [
            ("tls_certificate", files.certificate.display().to_string()),
            ("tls_key", files.key.display().to_string()),
        ]
    });
    let log = config.log.iter().map(|filter| ("log", filter.clone()));
    let mut text: String = rows
        .into_iter()
        .chain(tls)
        .chain(log)
        .map(|(key, value)| format!("{key} = {}\n", toml::Value::String(value)))
        .collect();
    text.push_str(&format!(
        "stop_seconds_max = {}\nopen_sign_up = {}\ncheck_links = {}\n",
        config.stop_seconds_max, s.open_sign_up, s.check_links,
    ));
    text.push_str(&super::limits::show(&s.limits));
    text.push_str(&format!(
        "\n[runtime]\nagent_image = {:?}\nhub_image = {:?}\n",
        s.runtime.agent_image, s.runtime.hub_image
    ));
    let challenge = match s.registry.challenge {
        Challenge::Bearer => "bearer",
        Challenge::Basic => "basic",
    };
    text.push_str(&format!(
        "\n[registry]\nchallenge = {challenge:?}\nsparse_manifests = {}\ngc_grace_hours = {}\nstop_selling = {:?}\nsecurity_stop = {:?}\nredirect_seconds = {}\n",
        s.registry.sparse_manifests,
        s.registry.gc_grace_hours.unwrap_or(0),
        on_stop(s.registry.on_stop),
        on_stop(s.registry.on_security_stop),
        s.registry.redirect_seconds.unwrap_or(0),
    ));
    if let Some(email) = &s.registry.lab_account {
        let email = toml::Value::String(email.clone());
        text.push_str(&format!("lab_account = {email}\n"));
    }
    text.push_str(&certification(config));
    text.push_str(&pace(s.transfers));
    text
}

fn certification(config: &Config) -> String {
    let settings = &config.settings;
    let (runs, given) = (&settings.runs, &settings.runs.limits);
    let mut text = format!(
        "\n[certification]\nparallel_max = {}\nemulated = {}\nlong_run_minutes = {}\nmemory_bytes_max = {}\ncpu_permille_max = {}\nprocesses_max = {}\nimage_unpacked_bytes_max = {}\n",
        runs.parallel_max,
        runs.emulated,
        runs.pace.renewal_max.as_secs() / 60,
        given.memory_bytes_max,
        given.nano_cpus_max / NANO_CPUS_PER_PERMILLE,
        given.processes_max,
        runs.image_unpacked_bytes_max,
    );
    if let Some(night) = settings.runs.nightly {
        let time = |minute: u32| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
        let (from, to) = (night.from_minute, night.from_minute + night.minutes);
        text.push_str(&format!(
            "nightly = \"{}-{}\"\nnightly_modules_max = {}\n",
            time(from),
            time(to),
            night.modules_max
        ));
    }
    if let Some(engine) = &settings.engine {
        let engine = toml::Value::String(engine.clone());
        text.push_str(&format!("engine = {engine}\n"));
    }
    text
}

fn pace(transfers: Transfers) -> String {
    format!(
        "\n[transfers]\nsilence_seconds_max = {}\nwindow_seconds = {}\nwindow_bytes_min = {}\n",
        transfers.silence_max.as_secs(),
        transfers.window.as_secs(),
        transfers.window_bytes_min,
    )
}

fn on_stop(decided: OnStop) -> &'static str {
    match decided {
        OnStop::Warn => "warn",
        OnStop::Deny => "deny",
    }
}

/// An address without its password and without secrets in its query.
fn redacted(address: &str) -> String {
    let Ok(mut url) = address.parse::<Url>() else {
        return "(not an address)".into();
    };
    if url.password().is_some() && url.set_password(Some("redacted")).is_err() {
        return "(not shown)".into();
    }
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    if pairs.is_empty() {
        return url.to_string();
    }
    let mut query = url.query_pairs_mut();
    query.clear();
    for (key, value) in pairs {
        let secret = ["secret", "password", "key", "token", "sig"]
            .iter()
            .any(|word| key.to_lowercase().contains(word));
        query.append_pair(&key, if secret { "redacted" } else { &value });
    }
    drop(query);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn passwords_and_keys_are_not_shown() {
        let shown =
            redacted("postgres://edge:hunter2@db/edgemart?sslpassword=x&application_name=y");
        assert!(
            !shown.contains("hunter2") && !shown.contains("=x"),
            "{shown}"
        );
        assert!(shown.contains("application_name=y"));
        assert!(!redacted("s3://b/p?secret_access_key=abc").contains("abc"));
    }
}
