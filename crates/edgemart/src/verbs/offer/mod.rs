//! `edgemart offer …`: offers as code. A folder with `offer.yaml`, `description.html`, `certify.yaml` and `logos/` is checked, kept as
//! a draft, submitted, watched and signed off.

pub(crate) mod folder;
mod given;
mod go_live;
mod init;
mod judged_by;
mod lint;
mod looked_at;
mod preview;
mod push;
mod registry_login;
mod run;
mod selling;
mod skeleton;
mod status;
mod submit;
mod watch;

use super::context::Global;
use super::failure::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct OfferVerbs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Write the folder of a new offer, with comments on every field.
    Init(init::Init),
    /// Check an offer's folder by the marketplace's rules; works without a network.
    Lint(lint::Lint),
    /// Keep a folder as the offer's draft in the marketplace.
    Push(push::Push),
    /// Send an offer on its way to certification, and watch it.
    Submit(submit::Submit),
    /// Show where an offer stands.
    Status(status::Status),
    /// Try a preview: its manifest, with a pull token inside.
    Preview(preview::Preview),
    /// Sign a preview off: the module becomes public.
    GoLive(go_live::GoLive),
    /// Take a submission back.
    Cancel(go_live::Cancel),
    /// Take a live offer out of the storefront.
    Stop(selling::Stop),
    /// Put a stopped offer back.
    Resume(selling::Resume),
}

impl OfferVerbs {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        match self.verb {
            Verb::Init(asked) => asked.run(global),
            Verb::Lint(asked) => asked.run(global).await,
            Verb::Push(asked) => asked.run(global).await,
            Verb::Submit(asked) => asked.run(global).await,
            Verb::Status(asked) => asked.run(global).await,
            Verb::Preview(asked) => asked.run(global).await,
            Verb::GoLive(asked) => asked.run(global).await,
            Verb::Cancel(asked) => asked.run(global).await,
            Verb::Stop(asked) => asked.run(global).await,
            Verb::Resume(asked) => asked.run(global).await,
        }
    }
}
