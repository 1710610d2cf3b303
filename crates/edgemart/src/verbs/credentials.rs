//! Access tokens of this user, one for each marketplace address: `edgemart/credentials.toml` below the user's
//! configuration folder, readable by the user alone. `EDGEMART_TOKEN` wins over it.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

use super::failure::{Exit, Failure, tell};

/// What `edgemart login` keeps about one marketplace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Login {
    /// The secret.
    pub(crate) token: String,
    /// The token's public id, with which it is revoked.
    #[serde(default)]
    pub(crate) id: String,
    /// Who signed in.
    #[serde(default)]
    pub(crate) email: String,
    /// When the token stops working, RFC 3339.
    #[serde(default)]
    pub(crate) expires_at: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    #[serde(default)]
    marketplaces: BTreeMap<String, Login>,
}

/// The credentials file of a user.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    path: PathBuf,
}

impl Credentials {
    /// The file's place by the XDG rules: `$XDG_CONFIG_HOME`, else `~/.config`.
    pub(crate) fn of_user() -> Result<Self, Failure> {
        let folder = |name: &str| {
            std::env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let base =
            folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")));
        let base = base.ok_or_else(|| {
            Failure::new(Exit::Failure, "there is no folder to keep sign-ins in")
                .why("neither XDG_CONFIG_HOME nor HOME names an absolute path")
                .fix("set HOME, or give the token in EDGEMART_TOKEN")
        })?;
        Ok(Self {
            path: base.join("edgemart").join("credentials.toml"),
        })
    }

    #[cfg(test)]
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, verb: &str, error: &std::io::Error) -> Failure {
        Failure::new(
            Exit::Failure,
            format!("{} cannot be {verb}", self.path.display()),
        )
        .why(error)
        .fix("check who owns the file and its folder")
    }

    fn read(&self) -> Result<Kept, Failure> {
        let text = match std::fs::read_to_string(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Kept::default()),
            read => read.map_err(|error| self.failed("read", &error))?,
        };
        let mode = std::fs::metadata(&self.path).map_or(0, |meta| meta.permissions().mode());
        if mode & 0o077 != 0 {
            tell(&format!(
                "warning: other users can read {}; run `chmod 600` on it",
                self.path.display()
            ));
        }
        toml::from_str(&text).map_err(|error| {
            Failure::new(Exit::Failure, format!("{} is damaged", self.path.display()))
                .why(error.message())
                .fix("remove the file and sign in again with `edgemart login`")
        })
    }

    /// The sign-in at a marketplace.
    pub(crate) fn get(&self, url: &Url) -> Result<Option<Login>, Failure> {
        Ok(self.read()?.marketplaces.remove(url.as_str()))
    }

    /// Keeps a sign-in, or forgets it; returns what was there before.
    pub(crate) fn set(&self, url: &Url, login: Option<Login>) -> Result<Option<Login>, Failure> {
        let mut kept = self.read()?;
        let before = match login {
            Some(login) => kept.marketplaces.insert(url.as_str().to_owned(), login),
            None => kept.marketplaces.remove(url.as_str()),
        };
        let text = toml::to_string(&kept).map_err(|e| {
            Failure::new(Exit::Failure, "the sign-in cannot be written down").why(e)
        })?;
        self.write(&text)
            .map_err(|error| self.failed("written", &error))?;
        Ok(before)
    }

    /// A temporary file is private from the start and replaces the old one at once, so no reader sees half of it.
    fn write(&self, text: &str) -> std::io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_ins_are_kept_apart_privately_and_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let credentials = Credentials::at(folder.path().join("edgemart/credentials.toml"));
        let (one, two): (Url, Url) = (
            "http://127.0.0.1:1/".parse().unwrap(),
            "https://b.example/".parse().unwrap(),
        );
        assert_eq!(credentials.get(&one).unwrap(), None);
        let login = Login {
            token: "emt_1".into(),
            ..Login::default()
        };
        credentials.set(&one, Some(login.clone())).unwrap();
        credentials
            .set(
                &two,
                Some(Login {
                    token: "emt_2".into(),
                    ..Login::default()
                }),
            )
            .unwrap();
        assert_eq!(credentials.get(&one).unwrap(), Some(login.clone()));
        let mode = std::fs::metadata(credentials.path())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(credentials.set(&one, None).unwrap(), Some(login));
        assert_eq!(credentials.get(&one).unwrap(), None);
        assert_eq!(credentials.get(&two).unwrap().unwrap().token, "emt_2");
    }
}
