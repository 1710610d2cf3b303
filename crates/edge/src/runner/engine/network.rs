//! Networks: internal ones, so that a container reaches its own gateway and nothing else.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::{Engine, EngineError};
use crate::runner::label::{FOLDER, Label};

/// The part of 10.0.0.0/8 from which Podman itself takes networks begins here.
const SECOND_MIN: u8 = 89;
/// Addresses tried for a network before the engine is believed that there are none.
const TRIES_MAX: u32 = 16;

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
        folder: &Path,
    ) -> Result<Network, EngineError> {
        let mut labels = label.members();
        labels.insert(FOLDER.to_owned(), json!(folder));
        let what = "make a network";
        if self.is_podman() {
            return self.create_podman_network(name, &labels).await;
        }
        let body = json!({
            "Name": name, "Driver": "bridge", "Internal": true, "Attachable": false, "EnableIPv6": false,
            "CheckDuplicate": true, "Labels": labels,
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

    /// By Podman's own API, because only there can its resolver be kept from the port where names are watched. Such a
    /// network gets an address on this machine only if one is named.
    async fn create_podman_network(
        &self,
        name: &str,
        labels: &Map<String, Value>,
    ) -> Result<Network, EngineError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let [.., second, third] = RandomState::new().build_hasher().finish().to_be_bytes();
            let second = SECOND_MIN + second % (u8::MAX - SECOND_MIN);
            let gateway = Ipv4Addr::new(10, second, third, 1);
            let body = json!({
                "name": name, "driver": "bridge", "internal": true, "ipv6_enabled": false,
                "dns_enabled": false, "labels": labels,
                "subnets": [{"subnet": format!("10.{second}.{third}.0/24"), "gateway": gateway}],
            });
            let made = self.post("/libpod/networks/create", Some(&body), "make a network");
            match made.await {
                Ok(_) => {
                    return Ok(Network {
                        name: name.to_owned(),
                        gateway: gateway.into(),
                    });
                }
                // Somebody has these addresses.
                Err(EngineError::Refused { message, .. })
                    if message.contains("already used") && tries < TRIES_MAX => {}
                Err(problem) => return Err(problem),
            }
        }
    }

    pub(crate) async fn remove_network(&self, name: &str) -> Result<(), EngineError> {
        let path = format!("/networks/{name}");
        self.delete(&path, "remove a network").await
    }
}
