//! Networks: internal ones, so that a container reaches its own gateway and nothing else.

use std::net::IpAddr;

use serde_json::json;

use super::{Engine, EngineError};
use crate::runner::label::Label;

/// A network of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// Address of this machine in it.
    pub gateway: IpAddr,
}

impl Engine {
    pub(crate) async fn create_network(
        &self,
        name: &str,
        label: &Label,
    ) -> Result<Network, EngineError> {
        let what = "make a network";
        let body = json!({
            "Name": name, "Driver": "bridge", "Internal": true, "Attachable": false, "EnableIPv6": false,
            "CheckDuplicate": true, "Labels": label.members(),
        });
        self.post("/networks/create", Some(&body), what).await?;
        let found = self.get(&format!("/networks/{name}"), what).await?;
        let gateway = found
            .pointer("/IPAM/Config/0/Gateway")
            .and_then(|gateway| gateway.as_str())
            .and_then(|gateway| gateway.split('/').next()?.parse().ok());
        let gateway = gateway.ok_or_else(|| EngineError::Shape {
            what: what.to_owned(),
            problem: "it does not say the network's gateway".to_owned(),
        })?;
        Ok(Network {
            name: name.to_owned(),
            gateway,
        })
    }

    pub(crate) async fn remove_network(&self, name: &str) -> Result<(), EngineError> {
        let path = format!("/networks/{name}");
        self.delete(&path, "remove a network").await
    }
}
