//! What the edge agent tells a module: the IOTEDGE_* variables.
//!
//! Left out: `EdgeHubConnectionString`, which development tools set instead; without the variables a sample runs on its
//! own.

use std::path::PathBuf;

/// Where the module is, and who it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    pub workload: Workload,
    pub api_version: String,
    pub hub: String,
    pub gateway: String,
    pub device: String,
    pub module: String,
    pub generation: String,
}

/// Where the workload API listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Workload {
    Unix(PathBuf),
    /// Host and port.
    Tcp(String),
}

/// Version asked for when the agent names none.
const API_VERSION: &str = "2020-07-07";

impl Environment {
    /// Reads the variables; None where there is no IoT Edge, an error where there is half of one.
    pub fn read() -> Result<Option<Environment>, String> {
        Environment::from(&|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Environment>, String> {
        let Some(workload) = variable("IOTEDGE_WORKLOADURI") else {
            return Ok(None);
        };
        let wanted = |name: &str| {
            variable(name).ok_or_else(|| {
                format!("IOTEDGE_WORKLOADURI is set and {name} is not: the edge agent sets both")
            })
        };
        match variable("IOTEDGE_AUTHSCHEME") {
            Some(scheme) if !scheme.eq_ignore_ascii_case("sasToken") => {
                return Err(format!(
                    "IOTEDGE_AUTHSCHEME is {scheme:?}; only sasToken is known"
                ));
            }
            _ => {}
        }
        Ok(Some(Environment {
            workload: address(&workload)?,
            api_version: variable("IOTEDGE_APIVERSION").unwrap_or_else(|| API_VERSION.to_owned()),
            hub: wanted("IOTEDGE_IOTHUBHOSTNAME")?,
            gateway: wanted("IOTEDGE_GATEWAYHOSTNAME")?,
            device: wanted("IOTEDGE_DEVICEID")?,
            module: wanted("IOTEDGE_MODULEID")?,
            generation: wanted("IOTEDGE_MODULEGENERATIONID")?,
        }))
    }

    /// What a token is good for, not encoded.
    pub fn audience(&self) -> String {
        format!(
            "{}/devices/{}/modules/{}",
            self.hub, self.device, self.module
        )
    }
}

fn address(uri: &str) -> Result<Workload, String> {
    match (uri.strip_prefix("unix://"), uri.strip_prefix("http://")) {
        (Some(path), _) if path.starts_with('/') => Ok(Workload::Unix(PathBuf::from(path))),
        (_, Some(place)) if !place.trim_end_matches('/').is_empty() => {
            Ok(Workload::Tcp(place.trim_end_matches('/').to_owned()))
        }
        _ => Err(format!(
            "IOTEDGE_WORKLOADURI is {uri:?}; it is unix:///path or http://host:port"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{Environment, Workload};

    fn read(changed: &[(&str, &str)]) -> Result<Option<Environment>, String> {
        let usual = [
            (
                "IOTEDGE_WORKLOADURI",
                "unix:///var/run/iotedge/workload.sock",
            ),
            ("IOTEDGE_AUTHSCHEME", "sasToken"),
            ("IOTEDGE_IOTHUBHOSTNAME", "h.azure-devices.net"),
            ("IOTEDGE_GATEWAYHOSTNAME", "gw"),
            ("IOTEDGE_DEVICEID", "d"),
            ("IOTEDGE_MODULEID", "m"),
            ("IOTEDGE_MODULEGENERATIONID", "1"),
        ];
        Environment::from(&|name| {
            let all = changed.iter().chain(&usual);
            let found = all.clone().find(|(known, _)| *known == name)?;
            Some(found.1.to_owned()).filter(|value| !value.is_empty())
        })
    }

    #[test]
    fn the_agents_variables_are_read() {
        let environment = read(&[]).unwrap().unwrap();
        assert_eq!(
            environment.audience(),
            "h.azure-devices.net/devices/d/modules/m"
        );
        assert_eq!(
            environment.workload,
            Workload::Unix("/var/run/iotedge/workload.sock".into())
        );
        let other = read(&[("IOTEDGE_WORKLOADURI", "http://127.0.0.1:15581/")]);
        assert_eq!(
            other.unwrap().unwrap().workload,
            Workload::Tcp("127.0.0.1:15581".to_owned())
        );
        assert_eq!(read(&[("IOTEDGE_WORKLOADURI", "")]), Ok(None));
    }

    #[test]
    fn half_an_environment_is_told() {
        for (name, value) in [
            ("IOTEDGE_DEVICEID", ""),
            ("IOTEDGE_AUTHSCHEME", "x509"),
            ("IOTEDGE_WORKLOADURI", "unix://relative"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert!(error.contains(name), "{error}");
        }
    }
}
