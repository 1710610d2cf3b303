//! Every hit of a query with its score, unordered: a page needs the best few, the facets need all, and ordering all of
//! them only to count them is what a search would spend most of its time on.

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader, TantivyError};

/// A hit: a module's place in the snapshot, and how well it matches.
pub(super) type Scored = (u32, Score);

/// Collects hits; the field holds, for each segment, the module of each document.
pub(super) struct AllHits<'a>(pub(super) &'a [Vec<u32>]);

pub(super) struct SegmentHits {
    modules: Vec<u32>,
    hits: Vec<Scored>,
}

impl Collector for AllHits<'_> {
    type Fruit = Vec<Scored>;
    type Child = SegmentHits;

    fn for_segment(
        &self,
        segment: SegmentOrdinal,
        _: &SegmentReader,
    ) -> Result<SegmentHits, TantivyError> {
        let modules = self.0.get(segment as usize).cloned().unwrap_or_default();
        Ok(SegmentHits {
            modules,
            hits: Vec::new(),
        })
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn merge_fruits(&self, segments: Vec<Vec<Scored>>) -> Result<Vec<Scored>, TantivyError> {
        Ok(segments.into_iter().flatten().collect())
    }
}

impl SegmentCollector for SegmentHits {
    type Fruit = Vec<Scored>;

    fn collect(&mut self, doc: DocId, score: Score) {
        if let Some(module) = self.modules.get(doc as usize) {
            self.hits.push((*module, score));
        }
    }

    fn harvest(self) -> Vec<Scored> {
        self.hits
    }
}
