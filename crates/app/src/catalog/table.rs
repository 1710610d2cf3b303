//! Modules as numbers, made once for each snapshot, so that a search filters, counts and orders by integers. Modules
//! with the same platforms, categories, price models and class of memory share one *kind*: there are a few hundred, however
//! many modules.
//! The words are `search`'s; the values that readers see are `facets`'.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use domain::taxonomy;
use oci::Platform;

use super::query::Sort;
use super::{Module, Query};

/// One value of a facet, as addresses and as readers name it.
pub(super) type Value = (String, String);

/// A facet by which modules are told apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Platform,
    Category,
    Price,
    Memory,
    Publisher,
}

impl By {
    pub(super) const ALL: [Self; 5] = [
        Self::Platform,
        Self::Category,
        Self::Price,
        Self::Memory,
        Self::Publisher,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Category => "category",
            Self::Price => "price",
            Self::Memory => "memory",
            Self::Publisher => "publisher",
        }
    }

    /// Values of a module, each once.
    fn values(self, module: &Module) -> Vec<Value> {
        let mut values: Vec<Value> = match self {
            Self::Platform => {
                let texts = module.platforms.iter().map(ToString::to_string);
                texts.map(|text| (text.clone(), text)).collect()
            }
            Self::Category => {
                let known = module.categories.iter();
                known
                    .filter_map(|id| taxonomy::subcategory(id))
                    .map(|category| (category.id.to_owned(), category.title.to_owned()))
                    .collect()
            }
            Self::Price => {
                let models = module.public_plans().map(|plan| plan.price.model());
                models
                    .map(|model| (model.to_owned(), model.to_owned()))
                    .collect()
            }
            Self::Memory => {
                let band = super::memory::band(module.memory(None));
                vec![(band.to_owned(), band.to_owned())]
            }
            Self::Publisher => {
                let title = module.publisher_title.clone();
                vec![(module.key.publisher.to_string(), title)]
            }
        };
        values.sort();
        values.dedup();
        values
    }

    /// What a query asks of this facet.
    pub(super) fn chosen(self, query: &Query) -> Vec<String> {
        match self {
            Self::Platform => query.platforms.iter().map(ToString::to_string).collect(),
            Self::Category => query.categories.clone(),
            Self::Price => query.prices.clone(),
            Self::Memory => query.memory.clone(),
            Self::Publisher => query.publishers.clone(),
        }
    }
}

/// The values that modules have of one facet; a value's place is its number.
#[derive(Default)]
pub(super) struct Values {
    pub(super) all: Vec<Value>,
    numbers: HashMap<String, u32>,
}

impl Values {
    fn number(&mut self, value: Value) -> u32 {
        if let Some(known) = self.numbers.get(&value.0) {
            return *known;
        }
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.numbers.insert(value.0.clone(), number);
        self.all.push(value);
        number
    }

    /// For each value: is it among `chosen`?
    pub(super) fn marks(&self, chosen: &[String]) -> Vec<bool> {
        let mut marks = vec![false; self.all.len()];
        for value in chosen {
            if let Some(number) = self.numbers.get(value) {
                marks[*number as usize] = true;
            }
        }
        marks
    }
}

/// What modules of one kind have in common: the numbers of their values, in the order of [`By::ALL`] without publishers.
pub(super) struct Kind {
    pub(super) values: [Vec<u32>; 4],
    pub(super) platforms: Vec<Platform>,
}

/// An order of all modules: each one's rank, and back.
pub(super) struct Order {
    pub(super) rank: Vec<u32>,
    pub(super) at: Vec<u32>,
}

impl Order {
    /// Equal keys keep the order of ids, so that pages do not overlap.
    fn by_key<K: Ord>(modules: &[Arc<Module>], key: impl Fn(&Module) -> K) -> Self {
        let count = u32::try_from(modules.len()).unwrap_or(u32::MAX);
        let mut at: Vec<u32> = (0..count).collect();
        at.sort_by_cached_key(|place| key(&modules[*place as usize]));
        let mut rank = vec![0; modules.len()];
        for (place, module) in (0..count).zip(&at) {
            rank[*module as usize] = place;
        }
        Self { rank, at }
    }
}

/// See the module's own words.
pub(super) struct Table {
    /// In the order of [`By::ALL`].
    pub(super) facets: [Values; 5],
    pub(super) kinds: Vec<Kind>,
    /// By module.
    pub(super) kind_of: Vec<u32>,
    /// By module.
    pub(super) publisher_of: Vec<u32>,
    /// Modules that search may show.
    pub(super) listed: Vec<u32>,
    newest: Order,
    title: Order,
    /// Of two hits as good as each other, the one with the shorter title is closer to what was typed.
    relevance: Order,
}

impl Table {
    pub(super) fn of(modules: &[Arc<Module>]) -> Self {
        let mut facets: [Values; 5] = Default::default();
        let mut known: BTreeMap<[Vec<u32>; 4], u32> = BTreeMap::new();
        let mut kinds = Vec::new();
        let mut kind_of = Vec::with_capacity(modules.len());
        let mut publisher_of = Vec::with_capacity(modules.len());
        for module in modules {
            let numbers = By::ALL.map(|by| {
                let values = by.values(module).into_iter();
                let facet = &mut facets[by as usize];
                values
                    .map(|value| facet.number(value))
                    .collect::<Vec<u32>>()
            });
            let [platforms, categories, prices, memory, publisher] = numbers;
            let values = [platforms, categories, prices, memory];
            let next = u32::try_from(kinds.len()).unwrap_or(u32::MAX);
            let kind = *known.entry(values.clone()).or_insert(next);
            if kind == next {
                kinds.push(Kind {
                    values,
                    platforms: module.platforms.clone(),
                });
            }
            kind_of.push(kind);
            publisher_of.push(publisher.first().copied().unwrap_or_default());
        }
        let places = (0_u32..).zip(modules);
        Self {
            listed: places
                .filter(|(_, module)| module.listed)
                .map(|(place, _)| place)
                .collect(),
            newest: Order::by_key(modules, |module| std::cmp::Reverse(module.released_at)),
            title: Order::by_key(modules, |module| module.title.to_lowercase()),
            relevance: Order::by_key(modules, |module| module.title.chars().count()),
            facets,
            kinds,
            kind_of,
            publisher_of,
        }
    }

    /// The order of equally good hits.
    pub(super) fn order(&self, sort: Sort) -> &Order {
        match sort {
            Sort::Relevance => &self.relevance,
            Sort::Newest => &self.newest,
            Sort::Title => &self.title,
        }
    }
}
