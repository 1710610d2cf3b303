//! What is asked of the Hub-shaped addresses: the place in the path and the parameters, parsed and bounded.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oci::Platform;
use url::form_urlencoded;

use super::Missing;

/// Entries of a page when the client names no number.
const PAGE_ENTRIES: usize = 10;
/// Most entries of a page.
const PAGE_ENTRIES_MAX: usize = 100;
/// Highest page number that is read.
const PAGE_NUMBER_MAX: usize = 1_000_000;
/// Characters of a name filter or a query that are read.
const TEXT_CHARS_MAX: usize = 200;

/// What an address stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// The repositories of a namespace.
    Repositories(&'a str),
    /// One of them: namespace, `{offer}/{plan}`.
    Repository(&'a str, &'a str),
    /// Its tags.
    Tags(&'a str, &'a str),
    /// One tag.
    Tag(&'a str, &'a str, &'a str),
    /// Search over all.
    Search,
}

impl<'a> Place<'a> {
    /// Reads a path; a slash at the end does not matter, as at Hub.
    pub(super) fn of(path: &'a str) -> Option<Self> {
        let rest = path.strip_prefix("/v2/")?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest == "search/repositories" {
            return Some(Self::Search);
        }
        let (namespace, rest) = if let Some(rest) = rest.strip_prefix("namespaces/") {
            let (namespace, rest) = rest.split_once('/')?;
            (namespace, rest.strip_prefix("repositories")?)
        } else {
            let rest = rest.strip_prefix("repositories/")?;
            rest.split_at(rest.find('/').unwrap_or(rest.len()))
        };
        let Some(rest) = rest.strip_prefix('/') else {
            return rest.is_empty().then_some(Self::Repositories(namespace));
        };
        let offer = rest.find('/')?;
        let plan = rest[offer + 1..]
            .find('/')
            .map_or(rest.len(), |at| offer + 1 + at);
        let (name, rest) = rest.split_at(plan);
        match rest.strip_prefix("/tags") {
            None => rest.is_empty().then_some(Self::Repository(namespace, name)),
            Some("") => Some(Self::Tags(namespace, name)),
            Some(rest) => {
                let tag = rest.strip_prefix('/')?;
                (!tag.contains('/')).then_some(Self::Tag(namespace, name, tag))
            }
        }
    }
}

/// The parameters; unknown ones are ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// Counted from 1.
    pub(super) page: usize,
    pub(super) page_size: usize,
    /// The entry after which to go on, when the client pages by cursor; empty for the first page.
    pub(super) cursor: Option<String>,
    /// Part of a name.
    pub(super) name: String,
    /// What to sort by; a minus turns the order round.
    pub(super) ordering: String,
    /// Words to search for.
    pub(super) query: String,
    /// Only what runs on all of these.
    pub(super) platforms: Vec<Platform>,
}

impl Asked {
    pub(super) fn read(query: &str) -> Result<Self, Missing> {
        let mut asked = Self {
            page: 1,
            page_size: PAGE_ENTRIES,
            cursor: None,
            name: String::new(),
            ordering: String::new(),
            query: String::new(),
            platforms: Vec::new(),
        };
        for (name, given) in form_urlencoded::parse(query.as_bytes()) {
            let short = || given.chars().take(TEXT_CHARS_MAX).collect::<String>();
            match name.as_ref() {
                "page" => asked.page = count("page", &given, PAGE_NUMBER_MAX)?,
                "page_size" => asked.page_size = count("page_size", &given, usize::MAX)?,
                "cursor" => asked.cursor = Some(open_cursor(&given)?),
                "name" => asked.name = short().to_lowercase(),
                "ordering" => asked.ordering = short(),
                "query" | "q" => asked.query = short(),
                "platform" => asked.platforms.push(given.parse().map_err(|_| {
                    let found: String = given.chars().take(40).collect();
                    Missing::Parameter(format!(
                        "platform `{found}` is none; write it as linux/arm64"
                    ))
                })?),
                _ => {}
            }
        }
        asked.page_size = asked.page_size.min(PAGE_ENTRIES_MAX);
        Ok(asked)
    }
}

fn count(name: &str, given: &str, max: usize) -> Result<usize, Missing> {
    match given.parse() {
        Ok(number) if (1..=max).contains(&number) => Ok(number),
        _ => {
            let found: String = given.chars().take(40).collect();
            Err(Missing::Parameter(format!(
                "{name} is `{found}`; it must be a whole number from 1 on"
            )))
        }
    }
}

/// A cursor is the name of the last entry, wrapped so that nobody builds on what it is.
pub(super) fn close_cursor(last: &str) -> String {
    URL_SAFE_NO_PAD.encode(last)
}

fn open_cursor(given: &str) -> Result<String, Missing> {
    let bytes = URL_SAFE_NO_PAD.decode(given).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| {
            Missing::Parameter("the cursor is none of ours; begin with an empty one".to_owned())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_families() {
        let repository = Place::Repository("contoso", "sensor/standard");
        for (path, place) in [
            (
                "/v2/namespaces/contoso/repositories",
                Some(Place::Repositories("contoso")),
            ),
            (
                "/v2/namespaces/contoso/repositories/",
                Some(Place::Repositories("contoso")),
            ),
            (
                "/v2/repositories/contoso",
                Some(Place::Repositories("contoso")),
            ),
            (
                "/v2/repositories/contoso/",
                Some(Place::Repositories("contoso")),
            ),
            (
                "/v2/namespaces/contoso/repositories/sensor/standard",
                Some(repository),
            ),
            (
                "/v2/repositories/contoso/sensor/standard/",
                Some(repository),
            ),
            (
                "/v2/repositories/contoso/sensor/standard/tags/",
                Some(Place::Tags("contoso", "sensor/standard")),
            ),
            (
                "/v2/namespaces/contoso/repositories/sensor/standard/tags/1.0.0",
                Some(Place::Tag("contoso", "sensor/standard", "1.0.0")),
            ),
            ("/v2/search/repositories/", Some(Place::Search)),
            ("/v2/repositories/contoso/sensor", None),
            ("/v2/repositories/contoso/sensor/standard/more", None),
            ("/v2/repositories/contoso/sensor/standard/tags/a/b", None),
            ("/v2/repositories/contoso/sensor/standard/tagsx", None),
            ("/v2/namespaces/contoso", None),
            ("/v2/namespaces/contoso/repositoriesx", None),
            ("/v2/search", None),
        ] {
            assert_eq!(Place::of(path), place, "{path}");
        }
    }

    #[test]
    fn parameters_are_bounded() {
        let Ok(asked) =
            Asked::read("page=3&page_size=9999&query=a+b&platform=linux%2Farm%2Fv7&x=y")
        else {
            panic!("all of it can be read")
        };
        assert_eq!((asked.page, asked.page_size), (3, PAGE_ENTRIES_MAX));
        assert_eq!((asked.query.as_str(), asked.platforms.len()), ("a b", 1));
        for wrong in [
            "page=0",
            "page=x",
            "page_size=0",
            "page_size=-1",
            "cursor=!",
            "platform=%00",
        ] {
            assert!(Asked::read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            open_cursor(&close_cursor("a/b")).ok().as_deref(),
            Some("a/b")
        );
    }
}
