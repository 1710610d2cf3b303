//! A search as it stands in an address, and the addresses of its neighbours: without one filter, on another page, for
//! another device. Every state of the search page is in its address.

use app::catalog::{PAGE_SIZE, Query, Sort};
use oci::Platform;

use super::device::Device;
use crate::params::{Params, address};

/// Facets by the names of their fields.
pub(crate) const FACETS: [&str; 5] = ["platform", "category", "price", "memory", "publisher"];
/// Last page that is served; nobody reads further, and skipping costs.
const PAGE_MAX: usize = 1_000;

/// A search.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ask {
    /// The words.
    pub(crate) text: String,
    /// The device, if a known one was named.
    pub(crate) device: Option<Device>,
    /// Chosen values of [`FACETS`], in their order.
    pub(crate) chosen: [Vec<String>; 5],
    /// Order.
    pub(crate) sort: Sort,
    /// From 1.
    pub(crate) page: usize,
    /// Where it is: `/modules` or a category.
    pub(crate) path: String,
}

impl Ask {
    /// Reads a search; what is unknown is left out.
    pub(crate) fn read(path: &str, params: &Params) -> Self {
        let page = params.get("page").parse().unwrap_or(1);
        Self {
            text: params.get("q").chars().take(200).collect(),
            device: Device::find(params.get("device")),
            chosen: FACETS.map(|name| params.list(name)),
            sort: Sort::from_word(params.get("sort")),
            page: usize::clamp(page, 1, PAGE_MAX),
            path: path.to_owned(),
        }
    }

    /// The same for the catalog.
    pub(crate) fn query(&self) -> Query {
        let [platforms, categories, prices, memory, publishers] = self.chosen.clone();
        Query {
            text: self.text.clone(),
            platforms: read_platforms(&platforms),
            categories,
            prices,
            memory,
            publishers,
            device: self.device.as_ref().map(|device| device.platform.clone()),
            sort: self.sort,
            offset: (self.page - 1) * PAGE_SIZE,
            limit: PAGE_SIZE,
        }
    }

    /// How many filters are chosen.
    pub(crate) fn chosen_count(&self) -> usize {
        self.chosen.iter().map(Vec::len).sum()
    }

    /// Every filter with its value.
    pub(crate) fn filters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let by_name = FACETS.into_iter().zip(&self.chosen);
        by_name.flat_map(|(name, values)| values.iter().map(move |value| (name, value.as_str())))
    }

    /// The search without one filter.
    pub(crate) fn without(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        if let Some(at) = FACETS.iter().position(|facet| *facet == name) {
            other.chosen[at].retain(|known| known != value);
        }
        other.page = 1;
        other
    }

    /// The search without any filter.
    pub(crate) fn unfiltered(&self) -> Self {
        Self {
            chosen: Default::default(),
            page: 1,
            ..self.clone()
        }
    }

    /// Another page of it.
    pub(crate) fn at_page(&self, page: usize) -> Self {
        Self {
            page,
            ..self.clone()
        }
    }

    /// Its address.
    pub(crate) fn href(&self) -> String {
        let fields = self.fields();
        address(
            &self.path,
            fields.iter().map(|(name, value)| (*name, value.as_str())),
        )
    }

    /// Every field that says something.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("q", self.text.clone()),
            (
                "device",
                self.device
                    .as_ref()
                    .map(|d| d.id.clone())
                    .unwrap_or_default(),
            ),
        ];
        fields.extend(self.filters().map(|(name, value)| (name, value.to_owned())));
        if self.sort != Sort::Relevance {
            fields.push(("sort", self.sort.as_str().to_owned()));
        }
        if self.page > 1 {
            fields.push(("page", self.page.to_string()));
        }
        fields.retain(|(_, value)| !value.is_empty());
        fields
    }

    /// Fields that the device selector keeps.
    pub(crate) fn keep(&self) -> Vec<(String, String)> {
        let fields = self
            .fields()
            .into_iter()
            .filter(|(name, _)| !matches!(*name, "device" | "page"));
        fields
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

/// Platforms by name; what is none is one that no module has, so that a wrong filter never shows everything.
fn read_platforms(names: &[String]) -> Vec<Platform> {
    let unknown = || Platform {
        os: "unknown".to_owned(),
        architecture: "unknown".to_owned(),
        variant: None,
    };
    let read = |name: &String| {
        name.parse::<Platform>()
            .map_or_else(|_| unknown(), |p| p.normalized())
    };
    names.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::Ask;
    use crate::params::Params;

    fn ask(query: &str) -> Ask {
        let fields = crate::form::parse(query.as_bytes()).unwrap();
        Ask::read("/modules", &Params(fields))
    }

    #[test]
    fn an_address_survives_being_read() {
        let address = "/modules?q=opc+ua&device=rpi-64&platform=linux%2Farm64&price=free&price=byol&memory=32m&sort=title&page=2";
        assert_eq!(ask(address.split_once('?').unwrap().1).href(), address);
        assert_eq!(ask("").href(), "/modules");
        assert_eq!(ask("page=0&sort=x&device=toaster").href(), "/modules");
    }

    #[test]
    fn a_filter_is_taken_out_alone() {
        let ask = ask("q=a&price=free&price=byol&page=3");
        assert_eq!(
            ask.without("price", "free").href(),
            "/modules?q=a&price=byol"
        );
        assert_eq!(ask.unfiltered().href(), "/modules?q=a");
        assert_eq!(ask.chosen_count(), 2);
    }

    #[test]
    fn a_platform_that_is_none_matches_nothing() {
        assert!(ask("platform=x").query().platforms[0].is_unknown());
    }
}
