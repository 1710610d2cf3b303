//! Counts beside the filters: how many hits each value would leave. A facet is counted under all filters but its own,
//! so that a second value of the same facet shows what it would add.

use super::table::{By, Table, Values};
use super::{Query, memory};

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
    /// Most frequent first; of memory, the least first.
    pub values: Vec<FacetValue>,
}

/// All facets of a search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets(pub Vec<Facet>);

/// The filters of a query on one table, worked out once for each kind and each publisher.
pub(super) struct Filters<'a> {
    table: &'a Table,
    /// Chosen values, in the order of [`By::ALL`].
    marks: [Vec<bool>; 5],
    /// One bit for each facet (in that order) whose filter a kind fails.
    kind_fails: Vec<u8>,
    publisher_fails: Vec<bool>,
    /// Kinds that do not run on the query's device.
    kind_unfit: Vec<bool>,
}

impl<'a> Filters<'a> {
    pub(super) fn of(query: &Query, table: &'a Table) -> Self {
        let chosen = By::ALL.map(|by| by.chosen(query));
        let marks = By::ALL.map(|by| table.facets[by as usize].marks(&chosen[by as usize]));
        let fails = |by: usize, values: &[u32]| {
            let marks: &[bool] = &marks[by];
            !chosen[by].is_empty() && !values.iter().any(|value| marks[*value as usize])
        };
        let kind_fails = table.kinds.iter().map(|kind| {
            let bits = kind.values.iter().enumerate();
            bits.map(|(by, values)| u8::from(fails(by, values)) << by)
                .sum()
        });
        let publishers = 0..table.facets[By::Publisher as usize].all.len();
        let publisher_fails = publishers.map(|publisher| {
            !chosen[By::Publisher as usize].is_empty() && !marks[By::Publisher as usize][publisher]
        });
        let unfit = |platforms: &[oci::Platform]| match &query.device {
            Some(device) => !platforms.contains(device),
            None => false,
        };
        let kinds = table.kinds.iter();
        Self {
            kind_fails: kind_fails.collect(),
            publisher_fails: publisher_fails.collect(),
            kind_unfit: kinds.map(|kind| unfit(&kind.platforms)).collect(),
            table,
            marks,
        }
    }

    /// Does a module pass every filter?
    pub(super) fn pass(&self, module: u32) -> bool {
        let kind = self.table.kind_of[module as usize];
        let publisher = self.table.publisher_of[module as usize];
        self.kind_fails[kind as usize] == 0 && !self.publisher_fails[publisher as usize]
    }

    /// Does a module run on the device asked for, if one was?
    pub(super) fn fits(&self, module: u32) -> bool {
        let kind = self.table.kind_of[module as usize];
        !self.kind_unfit[kind as usize]
    }

    /// Counts facets over everything that the words alone matched.
    pub(super) fn count(&self, matched: impl Iterator<Item = u32>) -> Facets {
        let table = self.table;
        let mut by_kind = vec![0_usize; table.kinds.len()];
        let mut by_publisher = vec![0_usize; self.publisher_fails.len()];
        for module in matched {
            let kind = table.kind_of[module as usize] as usize;
            let publisher = table.publisher_of[module as usize] as usize;
            if !self.publisher_fails[publisher] {
                by_kind[kind] += 1;
            }
            if self.kind_fails[kind] == 0 {
                by_publisher[publisher] += 1;
            }
        }
        let facets = By::ALL.map(|by| {
            let values = &table.facets[by as usize];
            let counts = match by {
                By::Publisher => std::mem::take(&mut by_publisher),
                _ => self.spread(by, &by_kind, values.all.len()),
            };
            facet(by, values, &counts, &self.marks[by as usize])
        });
        Facets(facets.into())
    }

    /// What the kinds add to each value of one facet, if they pass the filters of the others.
    fn spread(&self, by: By, by_kind: &[usize], values: usize) -> Vec<usize> {
        let mut counts = vec![0; values];
        let own = 1_u8 << by as usize;
        for (kind, count) in by_kind.iter().enumerate() {
            if *count > 0 && self.kind_fails[kind] & !own == 0 {
                for value in &self.table.kinds[kind].values[by as usize] {
                    counts[*value as usize] += count;
                }
            }
        }
        counts
    }
}

fn facet(by: By, values: &Values, counts: &[usize], marks: &[bool]) -> Facet {
    let counted = values.all.iter().zip(counts).zip(marks);
    let mut values: Vec<FacetValue> = counted
        .filter(|((_, count), _)| **count > 0)
        .map(|(((value, title), count), selected)| FacetValue {
            value: value.clone(),
            title: title.clone(),
            count: *count,
            selected: *selected,
        })
        .collect();
    values.sort_by(|a, b| {
        if by == By::Memory {
            return memory::place(&a.value).cmp(&memory::place(&b.value));
        }
        let by_title = || a.title.cmp(&b.title).then_with(|| a.value.cmp(&b.value));
        b.count.cmp(&a.count).then_with(by_title)
    });
    Facet {
        name: by.name(),
        values,
    }
}
