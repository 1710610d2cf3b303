//! Counts beside the filters: how many hits each value would leave. A facet is counted under all filters but its own,
//! so that a second value of the same facet shows what it would add.

use std::borrow::Cow;
use std::collections::BTreeMap;

use domain::taxonomy;

use super::{Module, Query};

/// One value of a facet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetValue {
    /// In addresses.
    pub value: String,
    /// For readers.
    pub title: String,
    /// Hits that have it.
    pub count: usize,
    /// Chosen in this query.
    pub selected: bool,
}

/// One facet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    /// Its name in addresses.
    pub name: &'static str,
    /// Most frequent first.
    pub values: Vec<FacetValue>,
}

/// All facets of a search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets(pub Vec<Facet>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Platform,
    Category,
    Price,
    Publisher,
}

type Value<'a> = (Cow<'a, str>, Cow<'a, str>);
/// Value → title and hits.
type Counts<'a> = BTreeMap<Cow<'a, str>, (Cow<'a, str>, usize)>;

impl By {
    const ALL: [Self; 4] = [Self::Platform, Self::Category, Self::Price, Self::Publisher];

    fn name(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Category => "category",
            Self::Price => "price",
            Self::Publisher => "publisher",
        }
    }

    /// Values of a module, each with its title.
    fn values(self, module: &Module) -> Vec<Value<'_>> {
        match self {
            Self::Platform => {
                let texts = module.platforms.iter().map(ToString::to_string);
                texts
                    .map(|text| (text.clone().into(), text.into()))
                    .collect()
            }
            Self::Category => {
                let known = module
                    .categories
                    .iter()
                    .filter_map(|id| taxonomy::subcategory(id));
                known.map(|s| (s.id.into(), s.title.into())).collect()
            }
            Self::Price => {
                let mut models: Vec<&str> =
                    module.public_plans().map(|p| p.price.model()).collect();
                models.sort_unstable();
                models.dedup();
                models.into_iter().map(|m| (m.into(), m.into())).collect()
            }
            Self::Publisher => vec![(
                module.key.publisher.as_str().into(),
                module.publisher_title.as_str().into(),
            )],
        }
    }

    fn chosen(self, query: &Query) -> Vec<String> {
        match self {
            Self::Platform => query.platforms.iter().map(ToString::to_string).collect(),
            Self::Category => query.categories.clone(),
            Self::Price => query.prices.clone(),
            Self::Publisher => query.publishers.clone(),
        }
    }

    fn passes(self, module: &Module, chosen: &[String]) -> bool {
        chosen.is_empty()
            || self
                .values(module)
                .iter()
                .any(|(value, _)| chosen.iter().any(|c| c == value))
    }
}

/// The filters of a query, read once.
pub(super) struct Filters([Vec<String>; 4]);

impl Filters {
    pub(super) fn of(query: &Query) -> Self {
        Self(By::ALL.map(|by| by.chosen(query)))
    }

    /// Does a module pass all of them?
    pub(super) fn pass(&self, module: &Module) -> bool {
        self.failing(module) == 0
    }

    /// One bit for each facet whose filter the module fails.
    fn failing(&self, module: &Module) -> u8 {
        let bits = By::ALL.iter().enumerate().map(|(at, by)| {
            let fails = !by.passes(module, &self.0[at]);
            u8::from(fails) << at
        });
        bits.sum()
    }
}

/// Counts facets over everything that the words alone matched.
pub(super) fn count<'a>(matched: impl Iterator<Item = &'a Module>, filters: &Filters) -> Facets {
    let mut counts: [Counts<'a>; 4] = Default::default();
    for module in matched {
        let failing = filters.failing(module);
        for (at, by) in By::ALL.into_iter().enumerate() {
            if failing & !(1 << at) == 0 {
                for (value, title) in by.values(module) {
                    counts[at].entry(value).or_insert((title, 0)).1 += 1;
                }
            }
        }
    }
    let facets = By::ALL.iter().zip(counts).zip(&filters.0);
    Facets(
        facets
            .map(|((by, counts), chosen)| facet(*by, counts, chosen))
            .collect(),
    )
}

fn facet(
    by: By,
    counts: BTreeMap<Cow<'_, str>, (Cow<'_, str>, usize)>,
    chosen: &[String],
) -> Facet {
    let mut values: Vec<FacetValue> = counts
        .into_iter()
        .map(|(value, (title, count))| FacetValue {
            selected: chosen.iter().any(|c| *c == value),
            value: value.into_owned(),
            title: title.into_owned(),
            count,
        })
        .collect();
    values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.title.cmp(&b.title)));
    Facet {
        name: by.name(),
        values,
    }
}
