//! `edgemart manifest`: a deployment manifest on stdout.

use super::context::Global;
use super::failure::Failure;
use super::module::Choice;

#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart manifest contoso.temperature-sensor > deployment.json\n  edgemart manifest contoso.threshold-filter --set FROM_MODULE_NAME=TemperatureSensor"
)]
pub(crate) struct Manifest {
    #[command(flatten)]
    choice: Choice,
    /// A layer on top of a base deployment, instead of a complete manifest.
    #[arg(long)]
    layered: bool,
}

impl Manifest {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        let form = if self.layered { "layered" } else { "full" };
        let client = global.client()?;
        let choice = &self.choice;
        let chosen = choice.find(&client).await?;
        let key = &choice.module;
        let way = [
            "modules",
            key.publisher.as_str(),
            key.offer.as_str(),
            "plans",
            &chosen.plan,
            "manifest",
        ];
        let manifest = client.get(&way, &choice.query(form)).await?.body;
        // A manifest has no table: for people, too, it is JSON.
        global.show(&manifest, || format!("{manifest:#}\n"))
    }
}
