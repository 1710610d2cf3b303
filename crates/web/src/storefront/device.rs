//! The device that a reader has: a few that are common on the shop floor, or a platform by name. It decides which size is
//! shown and what "fits" means. Left out: memory and storage of a device, which nobody measures yet.

use oci::Platform;

use crate::layout::{DeviceChoice, DeviceOption};
use crate::messages::{t, t1};

/// A device chosen by `device=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    /// Value of the query field.
    pub(crate) id: String,
    /// For readers.
    pub(crate) label: String,
    /// What it runs.
    pub(crate) platform: Platform,
}

fn linux(architecture: &str, variant: Option<&str>) -> Platform {
    Platform {
        os: "linux".to_owned(),
        architecture: architecture.to_owned(),
        variant: variant.map(ToOwned::to_owned),
    }
}

/// The devices one can choose without knowing a platform's name.
fn known() -> [Device; 3] {
    let device = |id: &str, label: &str, platform| Device {
        id: id.to_owned(),
        label: label.to_owned(),
        platform,
    };
    [
        device("rpi-64", t("device.rpi_64"), linux("arm64", None)),
        device("rpi-32", t("device.rpi_32"), linux("arm", Some("v7"))),
        device("pc", t("device.pc"), linux("amd64", None)),
    ]
}

impl Device {
    /// The device of a query field: the id of a known one, or a platform such as `linux/arm64`. `None` for neither.
    pub(crate) fn find(text: &str) -> Option<Self> {
        if let Some(device) = known().into_iter().find(|device| device.id == text) {
            return Some(device);
        }
        let platform: Platform = text.parse().ok()?;
        let platform = platform.normalized();
        Some(Self {
            id: platform.to_string(),
            label: t1("device.platform", &platform),
            platform,
        })
    }
}

/// The selector in the header. `keep` are the other fields of the page it is on.
pub(crate) fn choice(
    chosen: Option<&Device>,
    action: &str,
    keep: Vec<(String, String)>,
) -> DeviceChoice {
    let mut options: Vec<DeviceOption> = known().iter().map(option).collect();
    if let Some(device) =
        chosen.filter(|device| options.iter().all(|option| option.id != device.id))
    {
        options.push(option(device));
    }
    DeviceChoice {
        label: chosen
            .map(|device| device.label.clone())
            .unwrap_or_default(),
        id: chosen.map(|device| device.id.clone()).unwrap_or_default(),
        options,
        action: action.to_owned(),
        keep,
    }
}

fn option(device: &Device) -> DeviceOption {
    DeviceOption {
        id: device.id.clone(),
        label: device.label.clone(),
        detail: device.platform.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::Device;

    #[test]
    fn a_device_is_known_by_id_or_by_platform() {
        assert_eq!(
            Device::find("rpi-32").unwrap().platform.to_string(),
            "linux/arm/v7"
        );
        assert_eq!(Device::find("linux/aarch64").unwrap().id, "linux/arm64");
        assert!(Device::find("toaster").is_none());
        assert!(Device::find("").is_none());
    }
}
