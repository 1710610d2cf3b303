//! What a searcher asks. Unknown facets and values are ignored, never an error: a link from last year still works.

use oci::Platform;

/// Hits on a page unless asked otherwise.
pub const PAGE_SIZE: usize = 20;
/// Most hits on a page.
pub const PAGE_SIZE_MAX: usize = 100;
/// Longest query that is read; the rest is dropped.
pub(super) const QUERY_CHARS_MAX: usize = 200;

/// How hits are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Best match first; without words, newest first.
    #[default]
    Relevance,
    /// Newest release first.
    Newest,
    /// By title.
    Title,
}

impl Sort {
    /// The word in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Relevance => "relevance",
            Self::Newest => "newest",
            Self::Title => "title",
        }
    }

    /// From an address; anything unknown is relevance.
    pub fn from_word(word: &str) -> Self {
        match word {
            "newest" => Self::Newest,
            "title" => Self::Title,
            _ => Self::Relevance,
        }
    }
}

/// A search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Words; may be empty.
    pub text: String,
    /// Any of these.
    pub platforms: Vec<Platform>,
    /// Any of these subcategory ids.
    pub categories: Vec<String>,
    /// Any of `free`, `byol`, `freemium`.
    pub prices: Vec<String>,
    /// Any of these classes of memory: `32m`, `128m`, `512m`, `2g`, `more`, `unknown`.
    pub memory: Vec<String>,
    /// Any of these publisher ids.
    pub publishers: Vec<String>,
    /// The device's platform: what does not fit comes last and says so.
    pub device: Option<Platform>,
    /// Order.
    pub sort: Sort,
    /// Hits to skip.
    pub offset: usize,
    /// Hits to return, at most [`PAGE_SIZE_MAX`]; 0 means [`PAGE_SIZE`].
    pub limit: usize,
}

impl Query {
    /// Hits on this page.
    pub fn page_size(&self) -> usize {
        match self.limit {
            0 => PAGE_SIZE,
            wanted => wanted.min(PAGE_SIZE_MAX),
        }
    }
}
