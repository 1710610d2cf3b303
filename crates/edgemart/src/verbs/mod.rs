//! The client verbs: they talk to a marketplace through its JSON API, or work offline with the same domain code.
//!
//! Data goes to stdout, everything else to stderr; how a verb ends is an exit code of [`failure::Exit`].

mod add;
mod admin;
mod client;
mod context;
mod credentials;
mod deployment;
mod failure;
mod file;
mod login;
mod manifest;
mod module;
mod offer;
mod output;
mod search;
mod secret;
mod show;
mod token;
mod trial;

use std::process::ExitCode;

pub(crate) use context::Global;
pub(crate) use output::put;

/// One of the client verbs.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// Find modules.
    Search(search::Search),
    /// Show a module with its plans and versions.
    Show(show::Show),
    /// Print a deployment manifest for a module.
    Manifest(manifest::Manifest),
    /// Add a module to a deployment file, changing nothing else in it.
    Add(add::Add),
    /// Check deployments.
    Deployment(deployment::Deployment),
    /// Run a module on this machine against an IoT Edge environment.
    Try(Box<trial::Try>),
    /// Publish: offers as code.
    Offer(offer::OfferVerbs),
    /// Sign in: an access token for this marketplace is kept for you.
    Login(login::LogIn),
    /// Sign out: the token is revoked and forgotten.
    Logout(login::LogOut),
    /// Your access tokens.
    Token(token::Token),
    /// Reviewers' and operators' work.
    Admin(admin::Admin),
}

/// Does what was asked.
pub(crate) async fn run(verb: Verb, global: &Global) -> ExitCode {
    let done = match verb {
        Verb::Search(asked) => asked.run(global).await,
        Verb::Show(asked) => asked.run(global).await,
        Verb::Manifest(asked) => asked.run(global).await,
        Verb::Add(asked) => asked.run(global).await,
        Verb::Deployment(asked) => asked.run(global),
        Verb::Try(asked) => asked.run(global).await,
        Verb::Offer(asked) => asked.run(global).await,
        Verb::Login(asked) => asked.run(global).await,
        Verb::Logout(asked) => asked.run(global).await,
        Verb::Token(asked) => asked.run(global).await,
        Verb::Admin(asked) => asked.run(global).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(global.output),
    }
}
