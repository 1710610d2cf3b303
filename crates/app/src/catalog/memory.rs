//! How much memory a module takes: what it used when it ran for certification, where that was measured, else the limit
//! that its publisher declared to the container engine. Left out: the paragraph on hardware, which is for people.

use domain::create_options::CreateOptions;
use domain::release::Release;
use oci::Platform;

use super::{Module, ModulePlan};

const MIB: u64 = 1024 * 1024;

/// Classes of memory for the filter, from the least: each up to so many bytes.
const BANDS: [(&str, u64); 4] = [
    ("32m", 32 * MIB),
    ("128m", 128 * MIB),
    ("512m", 512 * MIB),
    ("2g", 2048 * MIB),
];
/// The class above all [`BANDS`].
const MORE: &str = "more";
/// The class of what nobody measured and nobody limited.
const UNKNOWN: &str = "unknown";

/// Memory, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// The most that was measured, in bytes.
    Measured(u64),
    /// The declared limit, in bytes.
    Limit(u64),
}

impl ModulePlan {
    /// The most memory that the newest release used on each platform where it ran as it should.
    pub fn memory_measured(&self) -> impl Iterator<Item = (&Platform, u64)> {
        self.runs.iter().filter_map(|run| {
            let footprint = run.footprint.filter(|_| run.broken.is_empty())?;
            Some((&run.platform, footprint.memory_peak_bytes))
        })
    }
}

impl Module {
    /// Memory on a platform, or the most of all platforms and public plans; `None` where nobody said anything.
    pub fn memory(&self, platform: Option<&Platform>) -> Option<Memory> {
        let asked = |found: &Platform| platform.is_none_or(|asked| found.is_same(asked));
        let measured = self.public_plans().flat_map(ModulePlan::memory_measured);
        let measured = measured.filter(|(found, _)| asked(found));
        let measured = measured.map(|(_, bytes)| bytes).max();
        measured.map(Memory::Measured).or_else(|| {
            let newest = self.public_plans().filter_map(|plan| plan.releases.first());
            newest.filter_map(memory_limit).max().map(Memory::Limit)
        })
    }
}

/// The most memory that the engine lets a release take, in bytes.
pub fn memory_limit(release: &Release) -> Option<u64> {
    let options = CreateOptions::parse(release.defaults.create_options_text()).ok()?;
    options.memory_bytes_max()
}

/// The class that a module is filtered by.
pub(super) fn band(memory: Option<Memory>) -> &'static str {
    let (Memory::Measured(bytes) | Memory::Limit(bytes)) = match memory {
        Some(memory) => memory,
        None => return UNKNOWN,
    };
    let held = BANDS.iter().find(|(_, most)| bytes <= *most);
    held.map_or(MORE, |(name, _)| name)
}

/// Where a class stands among all: the least memory first.
pub(super) fn place(band: &str) -> usize {
    let known = BANDS.iter().map(|(name, _)| *name).chain([MORE]);
    known.take_while(|name| *name != band).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_meet_without_a_gap() {
        let of = |bytes| band(Some(Memory::Measured(bytes)));
        assert_eq!(
            (of(0), of(32 * MIB), of(32 * MIB + 1)),
            ("32m", "32m", "128m")
        );
        assert_eq!((of(2048 * MIB), of(2048 * MIB + 1)), ("2g", "more"));
        assert_eq!(band(None), "unknown");
        let places = ["32m", "128m", "512m", "2g", "more", "unknown"].map(place);
        assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
    }
}
