//! Full-text search over one snapshot with tantivy, in memory. Exact words rank above prefixes, prefixes above words with
//! one letter wrong, and a hit in the title above one in the description. Filters and facets are counted on the hits.

use std::sync::Arc;

use tantivy::query::{
    BooleanQuery, BoostQuery, DisjunctionMaxQuery, FuzzyTermQuery, Occur, TermQuery,
};
use tantivy::schema::{FAST, Field, IndexRecordOption, Schema, TEXT};
use tantivy::{IndexReader, Score, TantivyDocument, TantivyError, Term};

use super::collect::{AllHits, Scored};
use super::facets::Filters;
use super::query::QUERY_CHARS_MAX;
use super::table::Table;
use super::{Facets, Module, Query, Snapshot, Sort};

/// Words of a query that are looked for; the rest is dropped.
const WORDS_MAX: usize = 8;
/// Memory of the writer while indexing.
const WRITER_BYTES: usize = 20 * 1024 * 1024;
/// Shorter words must be typed right: at three letters one wrong letter matches anything.
const FUZZY_CHARS_MIN: usize = 4;

/// In a hit's key: it does not fit the device.
const UNFIT: u64 = 1 << 63;
/// In a hit's key: its rank in the chosen order.
const RANK_MASK: u64 = u32::MAX as u64;
/// The bits of a score, of which the sign is never set.
const SCORE_BITS_MAX: u32 = u32::MAX >> 1;

/// One hit.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The module.
    pub module: Arc<Module>,
    /// False when a device was named and no public plan runs on it.
    pub fits: bool,
}

/// The answer to a query.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// One page.
    pub hits: Vec<Hit>,
    /// Hits in all.
    pub total: usize,
    /// Counts.
    pub facets: Facets,
}

/// The index of one snapshot.
pub(super) struct Index {
    reader: IndexReader,
    fields: [(Field, Score); 6],
    /// For each segment, the module of each document.
    modules: Vec<Vec<u32>>,
    table: Table,
}

impl Index {
    pub(super) fn build(modules: &[Arc<Module>]) -> Result<Self, TantivyError> {
        let mut schema = Schema::builder();
        let ordinal = schema.add_u64_field("ordinal", FAST);
        let names = [
            "id",
            "title",
            "keywords",
            "summary",
            "publisher",
            "description",
        ];
        let [id, title, keywords, summary, publisher, description] =
            names.map(|name| schema.add_text_field(name, TEXT));
        let index = tantivy::Index::create_in_ram(schema.build());
        let mut writer = index.writer_with_num_threads(1, WRITER_BYTES)?;
        for (at, module) in modules.iter().enumerate().filter(|(_, m)| m.listed) {
            let mut doc = TantivyDocument::default();
            doc.add_u64(ordinal, at as u64);
            doc.add_text(id, module.key.to_string());
            doc.add_text(title, &module.title);
            doc.add_text(keywords, module.keywords.join(" "));
            doc.add_text(
                summary,
                format!("{} {}", module.summary, module.short_description),
            );
            doc.add_text(publisher, &module.publisher_title);
            doc.add_text(description, &module.description_text);
            writer.add_document(doc)?;
        }
        writer.commit()?;
        let reader = index
            .reader_builder()
            .reload_policy(tantivy::ReloadPolicy::Manual)
            .try_into()?;
        let fields = [
            (title, 10.0),
            (id, 8.0),
            (keywords, 6.0),
            (summary, 4.0),
            (publisher, 3.0),
            (description, 1.0),
        ];
        let mut segments = Vec::new();
        for segment in reader.searcher().segment_readers() {
            let ordinals = segment.fast_fields().u64("ordinal")?;
            let module = |doc| u32::try_from(ordinals.first(doc)?).ok();
            let modules = (0..segment.max_doc()).map(|doc| module(doc).unwrap_or(u32::MAX));
            segments.push(modules.collect());
        }
        Ok(Self {
            reader,
            fields,
            modules: segments,
            table: Table::of(modules),
        })
    }

    /// Listed modules that match the words of a text, all of them in order.
    pub(super) fn matching(&self, snapshot: &Snapshot, text: &str, sort: Sort) -> Vec<Arc<Module>> {
        let (matched, sort) = self.matched(text, sort);
        let keys = matched.iter();
        let mut keys: Vec<u64> = keys
            .map(|(module, score)| self.key(*module, *score, true, sort))
            .collect();
        keys.sort_unstable();
        let modules = keys.iter().filter_map(|key| self.at(snapshot, *key, sort));
        modules.map(Arc::clone).collect()
    }

    /// What matches the words of a text, and the order that then counts: without words the newest come first.
    fn matched(&self, text: &str, sort: Sort) -> (Vec<Scored>, Sort) {
        let words = words(text);
        if !words.is_empty() {
            return (self.with_words(&words), sort);
        }
        let listed = self.table.listed.iter().map(|module| (*module, 0.0));
        let newest_first = sort == Sort::Relevance;
        (
            listed.collect(),
            if newest_first { Sort::Newest } else { sort },
        )
    }

    pub(super) fn search(&self, snapshot: &Snapshot, query: &Query) -> Results {
        let (matched, sort) = self.matched(&query.text, query.sort);
        let filters = Filters::of(query, &self.table);
        let mut keys = Vec::with_capacity(matched.len());
        for (module, score) in &matched {
            if filters.pass(*module) {
                keys.push(self.key(*module, *score, filters.fits(*module), sort));
            }
        }
        let total = keys.len();
        let end = query.offset.saturating_add(query.page_size()).min(total);
        if end < total {
            // Only the best so many have to be in order.
            keys.select_nth_unstable(end);
            keys.truncate(end);
        }
        keys.sort_unstable();
        let hits = keys.iter().skip(query.offset).filter_map(|key| {
            Some(Hit {
                module: Arc::clone(self.at(snapshot, *key, sort)?),
                fits: key & UNFIT == 0,
            })
        });
        Results {
            hits: hits.collect(),
            total,
            facets: filters.count(matched.iter().map(|(module, _)| *module)),
        }
    }

    /// Orders hits when sorted as a number: what fits the device, then the better score, then the chosen order. What does
    /// not fit the device is never hidden: it comes last and says why.
    fn key(&self, module: u32, score: Score, fits: bool, sort: Sort) -> u64 {
        let rank = u64::from(self.table.order(sort).rank[module as usize]);
        let unfit = if fits { 0 } else { UNFIT };
        if sort != Sort::Relevance {
            return unfit | rank;
        }
        // The bits of a number that is not negative grow with it.
        let score = score.max(0.0).to_bits().min(SCORE_BITS_MAX);
        unfit | u64::from(SCORE_BITS_MAX - score) << 32 | rank
    }

    /// The module of a hit's key.
    fn at<'s>(&self, snapshot: &'s Snapshot, key: u64, sort: Sort) -> Option<&'s Arc<Module>> {
        let rank = usize::try_from(key & RANK_MASK).ok()?;
        let place = *self.table.order(sort).at.get(rank)?;
        snapshot.modules.get(place as usize)
    }

    /// Every word must match somewhere; when nothing has them all, any word will do.
    fn with_words(&self, words: &[String]) -> Vec<Scored> {
        let found = self.run(words, Occur::Must);
        if found.is_empty() && words.len() > 1 {
            return self.run(words, Occur::Should);
        }
        found
    }

    fn run(&self, words: &[String], occur: Occur) -> Vec<Scored> {
        let clauses = words.iter().map(|word| (occur, self.word(word))).collect();
        let query = BooleanQuery::new(clauses);
        match self
            .reader
            .searcher()
            .search(&query, &AllHits(&self.modules))
        {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(%error, "search failed");
                Vec::new()
            }
        }
    }

    /// One word in any field: exact above prefix above one letter wrong.
    fn word(&self, word: &str) -> Box<dyn tantivy::query::Query> {
        let mut ways: Vec<Box<dyn tantivy::query::Query>> = Vec::new();
        for (field, weight) in self.fields {
            let term = Term::from_field_text(field, word);
            let exact = TermQuery::new(term.clone(), IndexRecordOption::WithFreqs);
            ways.push(Box::new(BoostQuery::new(Box::new(exact), weight)));
            if word.chars().count() >= 2 {
                let prefix = FuzzyTermQuery::new_prefix(term.clone(), 0, true);
                ways.push(Box::new(BoostQuery::new(Box::new(prefix), weight * 0.3)));
            }
            if word.chars().count() >= FUZZY_CHARS_MIN {
                let near = FuzzyTermQuery::new(term, 1, true);
                ways.push(Box::new(BoostQuery::new(Box::new(near), weight * 0.1)));
            }
        }
        Box::new(DisjunctionMaxQuery::with_tie_breaker(ways, 0.1))
    }
}

/// The words of a query as the index splits them: letters and digits, lower case.
fn words(text: &str) -> Vec<String> {
    let read: String = text.chars().take(QUERY_CHARS_MAX).collect();
    read.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && word.len() <= 40)
        .take(WORDS_MAX)
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn hostile_queries_are_just_words() {
        assert_eq!(
            words("Temp* AND (x:y) \"z\" \0 +-!"),
            ["temp", "and", "x", "y", "z"]
        );
        assert!(words("!!! ??? ***").is_empty());
        assert_eq!(words(&"a ".repeat(10_000)).len(), super::WORDS_MAX);
    }
}
