//! The user name of a CONNECT: `{hub}/{device}/{module}/?api-version=…&DeviceClientType=…`, with or without the `?`
//! (edge-runtime fact sheet §1.4).

use percent_encoding::percent_decode_str;

/// A user name, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Username<'a> {
    pub(super) hub: &'a str,
    pub(super) device: &'a str,
    pub(super) module: &'a str,
    pub(super) api_version: &'a str,
    /// What the SDK says of itself, with the ProductInfo that the module set.
    pub(super) client_type: Option<String>,
}

/// Reads a user name; the error says what is missing.
pub(super) fn parse(text: &str) -> Result<Username<'_>, String> {
    let mut parts = text.splitn(4, '/');
    let (hub, device, module) = (parts.next(), parts.next(), parts.next());
    let (Some(hub), Some(device), Some(module)) = (hub, device, module) else {
        return Err(format!(
            "user name {:?} does not name hub, device and module",
            shown(text)
        ));
    };
    let query = parts.next().unwrap_or_default();
    let query = query.strip_prefix('?').unwrap_or(query);
    let field = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value)
            .next()
    };
    let api_version = field("api-version")
        .filter(|version| !version.is_empty())
        .ok_or_else(|| format!("user name {:?} names no api-version", shown(text)))?;
    let client_type = field("DeviceClientType").map(|encoded| {
        let decoded = percent_decode_str(encoded).decode_utf8_lossy();
        decoded.chars().take(512).collect()
    });
    Ok(Username {
        hub,
        device,
        module,
        api_version,
        client_type,
    })
}

fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_every_sdk_writes_it() {
        let text = "hub.net/dev/mod/?api-version=2019-10-01&DeviceClientType=py%20%3B1";
        let read = parse(text).expect("a user name");
        assert_eq!(
            (read.hub, read.device, read.module),
            ("hub.net", "dev", "mod")
        );
        assert_eq!(read.api_version, "2019-10-01");
        assert_eq!(read.client_type.as_deref(), Some("py ;1"));
        let bare = parse("hub/dev/mod/api-version=1&model-id=x").expect("a user name");
        assert_eq!((bare.api_version, bare.client_type), ("1", None));
    }

    #[test]
    fn what_is_missing_is_said() {
        for (text, part) in [
            ("", "does not name"),
            ("hub/dev", "does not name"),
            ("hub/dev/mod", "api-version"),
            ("hub/dev/mod/?api-version=", "api-version"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(part), "{error}");
        }
    }
}
