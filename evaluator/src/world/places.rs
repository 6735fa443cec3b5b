//! Where does an entry of a long list stand?

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::sync::OnceLock;

use rustc_hash::FxBuildHasher;

/// How many entries are looked through rather than looked up.
const FEW: usize = 16;

/// Where the entries of the lists of a [`World`](super::World) stand, noted when one is first looked for. A place is believed
/// only if the entry looked for stands there, so that a list may change without it.
#[derive(Debug, Default)]
pub struct Places {
    pub(super) roles: Noted,
    pub(super) users: Noted,
    pub(super) keys: Noted,
}

/// The first place of each hash.
#[derive(Debug, Default)]
pub(super) struct Noted(OnceLock<HashMap<u64, usize, FxBuildHasher>>);

impl Clone for Places {
    /// Nothing is noted of a copy.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Noted {
    /// The first entry that `is` the one of `name`, in a list whose entries have names of their own.
    pub(super) fn find<'l, T, N: Hash>(
        &self,
        list: &'l [T],
        name: N,
        name_of: impl Fn(&'l T) -> N,
        is: impl Fn(&T) -> bool,
    ) -> Option<&'l T> {
        let looked_through = || list.iter().find(|entry| is(entry));
        if list.len() <= FEW {
            return looked_through();
        }
        let hash = |name: N| FxBuildHasher.hash_one(name);
        let places = self.0.get_or_init(|| {
            let mut places = HashMap::with_capacity_and_hasher(list.len(), FxBuildHasher);
            for (place, entry) in list.iter().enumerate() {
                places.entry(hash(name_of(entry))).or_insert(place);
            }
            places
        });
        let noted = places.get(&hash(name)).and_then(|place| list.get(*place)).filter(|entry| is(entry));
        noted.or_else(looked_through)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_wherever_it_stands() {
        let mut list: Vec<String> = (0..100).map(|number| format!("entry-{number}")).collect();
        let noted = Noted::default();
        let find = |list: &[String], name: &str| {
            noted.find(list, name, |entry| entry.as_str(), |entry| entry == name).map(|found| found.as_ptr())
        };
        for entry in &list {
            assert_eq!(find(&list, entry), Some(entry.as_ptr()));
        }
        assert_eq!(find(&list, "entry-100"), None);
        list.reverse();
        list.push("entry-100".into());
        for entry in &list {
            assert_eq!(find(&list, entry), Some(entry.as_ptr()), "{entry}");
        }
        list.truncate(50);
        assert_eq!(find(&list, "entry-3"), None);
    }
}
