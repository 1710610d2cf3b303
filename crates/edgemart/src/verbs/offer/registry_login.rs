//! Sign-ins at registries that this user's tools keep: the files of Podman, Skopeo and Docker, read and never written.
//! Left out: the helpers that keep passwords elsewhere, and the marketplace's own sign-in, which is a token.

use std::path::{Path, PathBuf};

use app::upstream::Credentials;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Longest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The sign-in for a repository of a registry, if one is kept.
pub(super) fn find(host: &str, repository: &str) -> Option<Credentials> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let home = |path: &str| variable("HOME").map(|home| home.join(path));
    let files = [
        variable("REGISTRY_AUTH_FILE"),
        variable("XDG_RUNTIME_DIR").map(|folder| folder.join("containers/auth.json")),
        home(".config/containers/auth.json"),
        variable("DOCKER_CONFIG").map(|folder| folder.join("config.json")),
        home(".docker/config.json"),
    ];
    let mut files = files.into_iter().flatten();
    files.find_map(|file| of_file(&read(&file)?, host, repository))
}

/// A file that cannot be read keeps nothing for us; the registry then says that it wants a sign-in.
fn read(file: &Path) -> Option<Value> {
    let short = std::fs::metadata(file).ok()?.len() <= FILE_BYTES_MAX;
    let text = short.then(|| std::fs::read(file).ok()).flatten()?;
    serde_json::from_slice(&text).ok()
}

fn of_file(file: &Value, host: &str, repository: &str) -> Option<Credentials> {
    let hub = matches!(
        host,
        "docker.io" | "index.docker.io" | "registry-1.docker.io"
    );
    let whole = format!("{host}/{repository}");
    // The narrowest entry counts: `host/team/sensor`, `host/team`, `host`.
    let ends = whole.match_indices('/').map(|(end, _)| end);
    let mut names: Vec<&str> = ends.map(|end| &whole[..end]).collect();
    names.push(&whole);
    names.reverse();
    if hub {
        names.extend(["https://index.docker.io/v1/", "docker.io"]);
    }
    let entry = names.iter().find_map(|name| file["auths"].get(name))?;
    let text = STANDARD.decode(entry["auth"].as_str()?.trim()).ok()?;
    let text = String::from_utf8(text).ok()?;
    let (user, password) = text.split_once(':')?;
    let mut found = Credentials::new(user, password.trim_end_matches('\0'));
    if hub {
        found.realm_host = Some("auth.docker.io".to_owned());
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_narrowest_sign_in_counts() {
        let entry = |user: &str| json!({"auth": STANDARD.encode(format!("{user}:secret:1"))});
        let file = json!({"auths": {
            "r.example:5000": entry("anybody"),
            "r.example:5000/team": entry("team"),
            "https://index.docker.io/v1/": entry("hub"),
            "empty.example": {},
        }});
        let user = |host: &str, repository: &str| {
            let found = of_file(&file, host, repository)?;
            assert_eq!(found.password, "secret:1");
            Some((found.username.clone(), found.realm_host.clone()))
        };
        let plain = |name: &str| Some((name.to_owned(), None));
        assert_eq!(user("r.example:5000", "team/sensor"), plain("team"));
        assert_eq!(user("r.example:5000", "teams/sensor"), plain("anybody"));
        assert_eq!(user("r.example", "team/sensor"), None);
        assert_eq!(user("empty.example", "a"), None);
        let hub = Some(("hub".to_owned(), Some("auth.docker.io".to_owned())));
        assert_eq!(user("docker.io", "contoso/sensor"), hub);
    }
}
