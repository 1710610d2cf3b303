//! Who is who in a run: the hub, the device, and its modules.

/// Bytes of a device or module id.
pub const ID_BYTES_MAX: usize = 128;

/// Names of the device and of the hub it belongs to. They are made up: nothing looks them up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Host name of the IoT hub.
    pub hub: String,
    /// Host name of the edge device: what modules connect to.
    pub gateway: String,
    /// Device id.
    pub device: String,
}

impl Default for Device {
    fn default() -> Self {
        Self {
            hub: "edgemart.azure-devices.net".into(),
            gateway: "edgehub".into(),
            device: "edgemart-device".into(),
        }
    }
}

/// Whether a text can be a module's or a device's id: what a topic and a path can hold, and no more.
pub fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= ID_BYTES_MAX
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Whether a text can be a host name of a certificate.
pub fn is_host(text: &str) -> bool {
    is_id(text)
        && !text.starts_with(['.', '-'])
        && !text.ends_with(['.', '-'])
        && !text.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stay_inside_a_topic_level() {
        for id in ["a", "Temp_Sensor-1", "a.b"] {
            assert!(is_id(id), "{id}");
        }
        for id in ["", "a/b", "a+", "#", "a b", "ü", &"x".repeat(129)] {
            assert!(!is_id(id), "{id}");
        }
        assert!(is_host("edgehub.local") && !is_host(".a") && !is_host("a..b"));
    }
}
