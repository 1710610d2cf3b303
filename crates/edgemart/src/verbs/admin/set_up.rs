//! `edgemart admin set-up`: a fresh link for the first operator, when the one that the server printed was lost.

use app::accounts::set_up_link;
use serde_json::json;

use super::installation::{Installation, refused};
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};

/// Prints a fresh link that makes the first operator.
///
/// Opens the database of this machine's installation; a server may run meanwhile. Refused when there is an operator:
/// further ones are made on the page /admin/accounts.
#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart admin set-up --data /var/lib/edgemart")]
pub(super) struct SetUp {
    #[command(flatten)]
    installation: Installation,
}

impl SetUp {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let app = self.installation.open().await?;
        let what = "no set-up link could be made";
        let secret = set_up_link(&app)
            .await
            .map_err(|error| refused(what, &error))?;
        let Some(secret) = secret else {
            return Err(Failure::new(Exit::Conflict, "there is an operator already")
                .why("a set-up link makes the first operator and nobody else")
                .fix("ask an operator to make you one on the page /admin/accounts"));
        };
        let mut url = app
            .settings
            .public_url
            .join("/set-up")
            .map_err(|error| Failure::new(Exit::Failure, what).why(error))?;
        // Behind `#` it never reaches a server log.
        url.set_fragment(Some(&secret));
        global.show(&json!({"link": url.as_str()}), || format!("{url}\n"))?;
        tell("Open it once to become the first operator. Whoever has it can.");
        Ok(())
    }
}
