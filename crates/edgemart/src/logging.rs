//! The log on stderr: for people as text, for collectors as one JSON object a line with the fields of its spans.

use serde::Deserialize;
use tracing_subscriber::EnvFilter;

/// What `serve` logs when nobody says otherwise.
const SERVE: &str = "info,access=warn,tantivy=warn,sqlx=warn,sea_orm=warn";
/// What every other verb logs.
const ELSE: &str = "error";

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

impl LogFormat {
    /// The word of flags and files.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// What is logged by verbs that are not a server.
pub(crate) fn start_quiet() {
    start(LogFormat::Text, None, ELSE);
}

/// The log of a server; `filter` is in the language of `tracing` (`info,access=info`).
pub(crate) fn start_serving(format: LogFormat, filter: Option<&str>) {
    start(format, filter, SERVE);
}

fn start(format: LogFormat, filter: Option<&str>, default: &str) {
    let said = std::env::var("EDGEMART_LOG").ok();
    let said = said.as_deref().filter(|text| !text.is_empty()).or(filter);
    let filter = match said.map(EnvFilter::try_new) {
        Some(Ok(filter)) => filter,
        Some(Err(error)) => {
            eprintln!("warning: the log filter is not understood ({error}); `{default}` is used");
            EnvFilter::new(default)
        }
        None => EnvFilter::new(default),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // Only a second call could find one set, and there is none.
    let _ = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}
