//! The binary: configuration, wiring, `serve`, `demo`, `admin`, and the client verbs. No logic of its own.

mod cli;
mod config;
mod demo;
mod front;
mod logging;
mod run;
mod serve;
mod verbs;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let command = cli::Cli::parse();
    // Two providers linked into one binary would panic at the first connection; naming one rules that out.
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        eprintln!("error: another TLS provider was installed first; this build is broken");
        return ExitCode::FAILURE;
    }
    match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(cli::run(command)),
        Err(error) => {
            eprintln!("error: the asynchronous runtime could not start: {error}");
            ExitCode::FAILURE
        }
    }
}
