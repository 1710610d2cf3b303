//! What this process may begin beside what it does already. Work that waits for others, for hours if need be, leaves a place
//! free: two slow registries must not keep everybody's go-live, and the operator's takedowns, waiting. Pure.

use std::collections::HashMap;
use std::hash::Hash;

use store::jobs::Choice;

/// Fewest places: one for work that waits for others, and one for the rest.
const PLACES_MIN: usize = 2;

/// The places of this process, and which tasks have them.
pub(super) struct Slots<Task> {
    places: usize,
    taken: HashMap<Task, Taken>,
}

/// Who has a place.
pub(super) struct Taken {
    /// The name under which the job was claimed.
    pub worker: String,
    /// Whether the work waits for others.
    pub long: bool,
}

/// What there is a place for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Nothing,
    /// Only what waits for nobody.
    Short,
    Anything,
}

impl Room {
    /// What to take of all jobs, when these kinds of work wait for others. There publishers take turns: otherwise one with
    /// many submissions and a slow registry would have every place for hours.
    pub(super) fn choice<'a>(self, long: &'a [&'a str]) -> Choice<'a> {
        Choice {
            without: if self == Self::Anything { &[] } else { long },
            in_turn: long,
        }
    }
}

impl<Task: Eq + Hash> Slots<Task> {
    pub(super) fn new(places: usize) -> Self {
        Self {
            places: places.max(PLACES_MIN),
            taken: HashMap::new(),
        }
    }

    pub(super) fn room(&self) -> Room {
        let long = self.taken.values().filter(|one| one.long).count();
        match self.taken.len() {
            taken if taken >= self.places => Room::Nothing,
            _ if long + 1 >= self.places => Room::Short,
            _ => Room::Anything,
        }
    }

    pub(super) fn take(&mut self, task: Task, taken: Taken) {
        self.taken.insert(task, taken);
    }

    pub(super) fn free(&mut self, task: &Task) {
        self.taken.remove(task);
    }

    /// Everybody who has a place.
    pub(super) fn workers(&self) -> impl Iterator<Item = &str> {
        self.taken.values().map(|taken| taken.worker.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{Room, Slots, Taken};

    fn taken(long: bool) -> Taken {
        Taken {
            worker: "w".into(),
            long,
        }
    }

    #[test]
    fn what_waits_for_others_never_has_the_last_place() {
        for (places, longs) in [(0, 1), (1, 1), (2, 1), (3, 2), (8, 7)] {
            let mut slots = Slots::new(places);
            for number in 0..longs {
                assert_eq!(slots.room(), Room::Anything, "{places}: {number}");
                slots.take(number, taken(true));
            }
            assert_eq!(slots.room(), Room::Short, "{places}");
            slots.take(longs, taken(false));
            assert_eq!(slots.room(), Room::Nothing, "{places}");
            slots.free(&0);
            assert_eq!(slots.room(), Room::Anything, "{places}");
        }
    }

    #[test]
    fn short_work_takes_any_place() {
        let mut slots = Slots::new(3);
        for worker in ["a", "b"] {
            slots.take(worker, taken(false));
            assert_eq!(slots.room(), Room::Anything);
        }
        slots.take("c", taken(false));
        assert_eq!(slots.room(), Room::Nothing);
    }

    #[test]
    fn only_what_there_is_no_room_for_is_kept_out() {
        let long = ["import"];
        assert_eq!(Room::Short.choice(&long).without, long);
        assert!(Room::Anything.choice(&long).without.is_empty());
        assert_eq!(Room::Anything.choice(&long).in_turn, long);
    }
}
