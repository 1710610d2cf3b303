//! What every verb is told: which marketplace, as whom, and how to write the answer.

use serde_json::Value;
use url::Url;

use super::client::Client;
use super::credentials::Credentials;
use super::failure::{Exit, Failure};
use super::output::{self, Format};

/// Options that every verb takes.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Global {
    /// Address of the marketplace.
    #[arg(
        long,
        env = "EDGEMART_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080",
        value_parser = marketplace,
        global = true,
        help_heading = "Global options"
    )]
    pub(crate) url: Url,
    /// How data is written to stdout.
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "table",
        global = true,
        help_heading = "Global options"
    )]
    pub(crate) output: Format,
}

/// Reads the address of a marketplace. A path is kept, query, fragment and credentials are not for it.
pub(crate) fn marketplace(text: &str) -> Result<Url, String> {
    let mut url: Url = text
        .parse()
        .map_err(|e| format!("{e}; write it as https://market.example"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err("write it as https://market.example or http://127.0.0.1:8080".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("passwords do not belong in an address; use `edgemart login`".to_owned());
    }
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

impl Global {
    /// A client with this user's token, if there is one.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        Client::new(self.url.clone(), self.token()?)
    }

    /// A client for what needs an account; says how to sign in when nobody is.
    pub(crate) fn signed_in(&self) -> Result<Client, Failure> {
        match self.token()? {
            Some(token) => Client::new(self.url.clone(), Some(token)),
            None => Err(Failure::new(Exit::Authentication, "this needs an account")
                .why(format!("nobody is signed in at {}", self.url))
                .fix(format!(
                    "run `edgemart login --url {}`, or give a token in EDGEMART_TOKEN",
                    self.url
                ))),
        }
    }

    /// The marketplace serves images from its own address unless its operator decided otherwise.
    pub(crate) fn registry_host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// This user's token at the marketplace, if there is one.
    pub(crate) fn token(&self) -> Result<Option<String>, Failure> {
        if let Some(token) = std::env::var("EDGEMART_TOKEN")
            .ok()
            .filter(|token| !token.is_empty())
        {
            return Ok(Some(token));
        }
        // Whoever has no home folder is a visitor.
        let Ok(credentials) = Credentials::of_user() else {
            return Ok(None);
        };
        Ok(credentials.get(&self.url)?.map(|login| login.token))
    }

    /// Writes data in the format asked for.
    pub(crate) fn show(
        &self,
        value: &Value,
        table: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        output::show(self.output, value, table)
    }
}

#[cfg(test)]
mod tests {
    use super::marketplace;

    #[test]
    fn addresses_get_one_form() {
        assert_eq!(
            marketplace("http://127.0.0.1:8080").unwrap().as_str(),
            "http://127.0.0.1:8080/"
        );
        assert_eq!(
            marketplace("https://a.example/market?x=1#y")
                .unwrap()
                .as_str(),
            "https://a.example/market/"
        );
        for bad in [
            "",
            "a.example",
            "ftp://a.example",
            "http://me:secret@a.example",
        ] {
            assert!(marketplace(bad).is_err(), "{bad}");
        }
    }
}
