//! What the command line understands.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;

use crate::config::{Flags, load, show};
use crate::demo::{EngineChoice, demo};
use crate::logging::{LogFormat, start_quiet};
use crate::serve::serve;
use crate::verbs::{self, Global, Verb, put};

/// A self-hosted marketplace for IoT Edge modules, and its client.
#[derive(Debug, Parser)]
#[command(
    name = "edgemart",
    version,
    about,
    max_term_width = 100,
    before_help = "Example:\n  edgemart demo\n  edgemart search temperature --platform linux/arm64",
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 sign in or not allowed, 5 a rule is broken, 6 conflict, 7 marketplace not reached."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a marketplace with a sample catalog in a scratch folder; nothing to set up.
    Demo(DemoArgs),
    /// Serve the marketplace of an installation.
    Serve(ServeArgs),
    /// Look at the configuration in force.
    Config(ConfigArgs),
    #[command(flatten)]
    Client(Verb),
    /// Print the completions for a shell.
    Completions(CompletionsArgs),
}

#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart completions bash > ~/.local/share/bash-completion/completions/edgemart"
)]
struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

#[derive(Debug, clap::Args)]
struct DemoArgs {
    /// Address and port to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Keep everything in this folder instead of a scratch one.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Allow an address that other machines reach, by plain HTTP.
    #[arg(long)]
    insecure_http: bool,
    /// Where samples are run for their certification: `auto` looks for Docker's or Podman's socket, `none` runs nothing.
    #[arg(long, value_name = "auto|none|unix:///PATH", default_value = "auto")]
    engine: EngineChoice,
    /// A folder with one more sample, such as samples/python/build.py makes; may be given several times.
    #[arg(long = "more-samples", value_name = "DIR")]
    more: Vec<PathBuf>,
}

#[derive(Clone, Debug, clap::Args)]
struct ServeArgs {
    /// Configuration file; `edgemart.toml` in this folder when it is there.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Folder of the database, blobs and keys.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Address and port to listen on.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// PEM file of the certificate and its issuers; with --tls-key the server speaks TLS.
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<PathBuf>,
    /// PEM file of the certificate's private key. Both files are read again when they change.
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Allow an address that other machines reach, by plain HTTP.
    #[arg(long)]
    insecure_http: bool,
    /// How the log is written on stderr.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

impl From<ServeArgs> for Flags {
    fn from(args: ServeArgs) -> Self {
        Self {
            config: args.config,
            data: args.data,
            listen: args.listen,
            tls_certificate: args.tls_certificate,
            tls_key: args.tls_key,
            insecure_http: args.insecure_http,
            log_format: args.log_format,
        }
    }
}

#[derive(Debug, clap::Args)]
struct ConfigArgs {
    #[command(subcommand)]
    what: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Say whether the configuration can be used.
    Check(ServeArgs),
    /// Print the configuration in force, secrets redacted.
    Show(ServeArgs),
}

/// Does what was asked; the exit code is the contract of `docs/reference/cli.md`.
pub(crate) async fn run(cli: Cli) -> ExitCode {
    // `serve` starts its log when it has read what the configuration says about it.
    if !matches!(cli.command, Command::Serve(_)) {
        start_quiet();
    }
    let done = match cli.command {
        Command::Client(verb) => return verbs::run(verb, &cli.global).await,
        Command::Completions(args) => {
            let mut text = Vec::new();
            clap_complete::generate(args.shell, &mut Cli::command(), "edgemart", &mut text);
            put(&String::from_utf8_lossy(&text)).map_err(Into::into)
        }
        Command::Demo(DemoArgs {
            listen,
            data,
            insecure_http,
            engine,
            more,
        }) => demo(listen, data, insecure_http, engine, &more).await,
        Command::Serve(args) => serve(&args.into()).await,
        Command::Config(args) => match args.what {
            ConfigCommand::Check(args) => load(&args.into())
                .map(|_| eprintln!("The configuration is in order."))
                .map_err(Into::into),
            ConfigCommand::Show(args) => load(&args.into())
                .map(|config| print!("{}", show(&config)))
                .map_err(Into::into),
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprintln!("  because: {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn no_two_options_clash() {
        super::Cli::command().debug_assert();
    }
}
