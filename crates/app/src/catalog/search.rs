//! Full-text search over one snapshot with tantivy, in memory. Exact words rank above prefixes, prefixes above words with
//! one letter wrong, and a hit in the title above one in the description. Filters and facets are counted on the hits.

use std::sync::Arc;

use tantivy::collector::TopDocs;
use tantivy::query::{
    BooleanQuery, BoostQuery, DisjunctionMaxQuery, FuzzyTermQuery, Occur, TermQuery,
};
use tantivy::schema::{FAST, Field, IndexRecordOption, STORED, Schema, TEXT};
use tantivy::{DocId, IndexReader, Score, SegmentReader, TantivyDocument, TantivyError, Term};

use super::facets::{self, Filters};
use super::query::QUERY_CHARS_MAX;
use super::{Facets, Module, Query, Snapshot, Sort};

/// Words of a query that are looked for; the rest is dropped.
const WORDS_MAX: usize = 8;
/// Memory of the writer while indexing.
const WRITER_BYTES: usize = 20 * 1024 * 1024;
/// Shorter words must be typed right: at three letters one wrong letter matches anything.
const FUZZY_CHARS_MIN: usize = 4;

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
}

impl Index {
    pub(super) fn build(modules: &[Arc<Module>]) -> Result<Self, TantivyError> {
        let mut schema = Schema::builder();
        let ordinal = schema.add_u64_field("ordinal", FAST | STORED);
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
        Ok(Self { reader, fields })
    }

    /// Listed modules that match the words of a text.
    pub(super) fn matching(&self, snapshot: &Snapshot, text: &str, sort: Sort) -> Vec<Arc<Module>> {
        let words = words(text);
        if words.is_empty() {
            browse(snapshot, sort)
        } else {
            self.ranked(snapshot, &words, sort)
        }
    }

    pub(super) fn search(&self, snapshot: &Snapshot, query: &Query) -> Results {
        let matched = self.matching(snapshot, &query.text, query.sort);
        let filters = Filters::of(query);
        let facets = facets::count(matched.iter().map(AsRef::as_ref), &filters);
        let fits = |module: &Module| {
            query
                .device
                .as_ref()
                .is_none_or(|device| module.platforms.iter().any(|platform| platform == device))
        };
        let passing: Vec<&Arc<Module>> = matched.iter().filter(|m| filters.pass(m)).collect();
        // What does not fit the device is never hidden: it comes last and says why.
        let (fitting, others): (Vec<_>, Vec<_>) = passing.iter().partition(|module| fits(module));
        let hits = fitting
            .into_iter()
            .map(|module| (module, true))
            .chain(others.into_iter().map(|module| (module, false)))
            .skip(query.offset)
            .take(query.page_size())
            .map(|(module, fits)| Hit {
                module: Arc::clone(module),
                fits,
            })
            .collect();
        Results {
            hits,
            total: passing.len(),
            facets,
        }
    }

    /// Every word must match somewhere; when nothing has them all, any word will do.
    fn ranked(&self, snapshot: &Snapshot, words: &[String], sort: Sort) -> Vec<Arc<Module>> {
        let mut found = self.run(snapshot, words, Occur::Must);
        if found.is_empty() && words.len() > 1 {
            found = self.run(snapshot, words, Occur::Should);
        }
        order(&mut found, sort);
        found
    }

    fn run(&self, snapshot: &Snapshot, words: &[String], occur: Occur) -> Vec<Arc<Module>> {
        let clauses = words.iter().map(|word| (occur, self.word(word))).collect();
        let query = BooleanQuery::new(clauses);
        let limit = snapshot.modules.len().max(1);
        let by_score = TopDocs::with_limit(limit).tweak_score(move |segment: &SegmentReader| {
            let ordinals = segment.fast_fields().u64("ordinal").ok();
            move |doc: DocId, score: Score| {
                let ordinal = ordinals
                    .as_ref()
                    .and_then(|o| o.first(doc))
                    .unwrap_or(u64::MAX);
                // Equal scores keep the order of ids, so that pages do not overlap.
                (score, std::cmp::Reverse(ordinal))
            }
        });
        match self.reader.searcher().search(&query, &by_score) {
            Ok(docs) => docs
                .into_iter()
                .filter_map(|((_, ordinal), _)| {
                    let at = usize::try_from(ordinal.0).ok()?;
                    snapshot.modules.get(at).map(Arc::clone)
                })
                .collect(),
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

fn browse(snapshot: &Snapshot, sort: Sort) -> Vec<Arc<Module>> {
    let mut all: Vec<Arc<Module>> = snapshot.listed().map(Arc::clone).collect();
    let sort = if sort == Sort::Relevance {
        Sort::Newest
    } else {
        sort
    };
    order(&mut all, sort);
    all
}

fn order(modules: &mut [Arc<Module>], sort: Sort) {
    match sort {
        Sort::Relevance => {}
        Sort::Newest => modules.sort_by_key(|module| std::cmp::Reverse(module.released_at)),
        Sort::Title => modules.sort_by_cached_key(|module| module.title.to_lowercase()),
    }
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
