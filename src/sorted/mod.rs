//! Maps and lists in order, whose code is written once and not once for each type.
//!
//! The standard library's `BTreeMap` and sorts are compiled anew for every type that they hold: without them the Worker is
//! 160 KB smaller, 45 KB after gzip (measured). The price is a search through a function pointer, and 4 bytes to move for
//! each entry behind one that is inserted: good for some hundred thousand entries.

mod set;
mod sort;

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;

pub use set::SortedSet;
use sort::{arrange, ranks};
pub use sort::{sort, sort_by, sort_by_key};

/// A map that is walked in the order of its keys.
#[derive(Clone)]
pub struct SortedMap<K, V> {
    /// The entries, in no order.
    entries: Vec<(K, V)>,
    /// The places of the entries, in the order of their keys.
    order: Vec<u32>,
}

/// Where an entry is among `count` others, or where it would be; `compare` tells how the one at a rank compares to it.
fn search(count: usize, compare: &dyn Fn(usize) -> Ordering) -> Result<usize, usize> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        match compare(middle) {
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
            Ordering::Equal => return Ok(middle),
        }
    }
    Err(low)
}

impl<K: Ord, V> SortedMap<K, V> {
    /// A map without entries.
    pub const fn new() -> Self {
        Self { entries: Vec::new(), order: Vec::new() }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The rank of a key, or where it would be.
    fn rank<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        search(self.order.len(), &|rank| match self.order.get(rank).and_then(|place| self.entries.get(*place as usize))
        {
            Some((own, _)) => own.borrow().cmp(key),
            None => Ordering::Greater,
        })
    }

    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        self.rank(key).ok().and_then(|rank| self.order.get(rank)).map(|place| *place as usize)
    }

    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get(self.place(key)?).map(|(_, value)| value)
    }

    /// The value of a key, to be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let place = self.place(key)?;
        self.entries.get_mut(place).map(|(_, value)| value)
    }

    /// Whether there is an entry for a key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.rank(key).is_ok()
    }

    /// Sets the value of a key, and answers the one that it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        if let Some(own) = self.get_mut(&key) {
            return Some(std::mem::replace(own, value));
        }
        self.value_or(key, || value);
        None
    }

    /// The value of a key, to be changed; `value` where it has none.
    #[expect(clippy::indexing_slicing, reason = "the place was found or made in the same breath")]
    pub fn value_or(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        let place = match self.rank(&key) {
            Ok(rank) => self.order[rank] as usize,
            Err(rank) => {
                let place = self.entries.len();
                self.order.insert(rank, place as u32);
                self.entries.push((key, value()));
                place
            }
        };
        &mut self.entries[place].1
    }

    /// The value of a key, to be changed; the type's default where it has none.
    pub fn or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        self.value_or(key, V::default)
    }

    /// Takes an entry out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let rank = self.rank(key).ok()?;
        let last = self.entries.last().and_then(|(last, _)| self.rank::<K>(last).ok())?;
        let place = *self.order.get(rank)?;
        // The last entry takes the place of the one that goes.
        if let Some(own) = self.order.get_mut(last) {
            *own = place;
        }
        self.order.remove(rank);
        Some(self.entries.swap_remove(place as usize).1)
    }

    /// Takes all entries out.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// Keeps the entries that `keep` says yes to; they are asked in no order.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.entries.retain_mut(|(key, value)| keep(key, value));
        self.order = ordered(&self.entries);
    }

    /// The entries in order.
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter { entries: &self.entries, order: self.order.iter() }
    }

    /// The keys in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + Clone {
        self.iter().map(|(key, _)| key)
    }

    /// The values in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + Clone {
        self.iter().map(|(_, value)| value)
    }

    /// The values in the order of their keys, taken out.
    pub fn into_values(self) -> impl DoubleEndedIterator<Item = V> {
        self.into_iter().map(|(_, value)| value)
    }

    /// The values, to be changed, in no order.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|(_, value)| value)
    }
}

/// The places of entries in the order of their keys; the last of equal keys comes last.
fn ordered<K: Ord, V>(entries: &[(K, V)]) -> Vec<u32> {
    ranks(entries.len(), &|a, b| match (entries.get(a), entries.get(b)) {
        (Some((a, _)), Some((b, _))) => a.cmp(b),
        _ => Ordering::Equal,
    })
}

/// The entries of a map in order.
pub struct Iter<'a, K, V> {
    entries: &'a [(K, V)],
    order: std::slice::Iter<'a, u32>,
}

impl<K, V> Clone for Iter<'_, K, V> {
    fn clone(&self) -> Self {
        Self { entries: self.entries, order: self.order.clone() }
    }
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        self.entries.get(*self.order.next()? as usize).map(|(key, value)| (key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.order.size_hint()
    }
}

impl<K, V> DoubleEndedIterator for Iter<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.entries.get(*self.order.next_back()? as usize).map(|(key, value)| (key, value))
    }
}

impl<'a, K: Ord, V> IntoIterator for &'a SortedMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<K: Ord, V> IntoIterator for SortedMap<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(mut self) -> Self::IntoIter {
        arrange(&mut self.entries, &mut self.order);
        self.entries.into_iter()
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for SortedMap<K, V> {
    /// Of equal keys, the last one's value counts.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self { entries: entries.into_iter().collect(), order: Vec::new() };
        let mut places = ordered(&map.entries);
        arrange(&mut map.entries, &mut places);
        // `dedup_by` keeps the first of equal neighbours: it gets the last one's value.
        map.entries.dedup_by(|later, first| {
            let equal = later.0 == first.0;
            if equal {
                std::mem::swap(&mut later.1, &mut first.1);
            }
            equal
        });
        map.order = (0..map.entries.len() as u32).collect();
        map
    }
}

impl<K: Ord, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord, V: PartialEq> PartialEq for SortedMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<K: Ord + Eq, V: Eq> Eq for SortedMap<K, V> {}

impl<K: Ord + fmt::Debug, V: fmt::Debug> fmt::Debug for SortedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Numbers that look random, the same in every run (splitmix64).
    pub(super) struct Numbers(pub(super) u64);

    impl Numbers {
        pub(super) fn next(&mut self, below: u64) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) % below
        }
    }

    #[test]
    fn a_map_does_what_the_standard_librarys_does() {
        for seed in 0..200 {
            let mut numbers = Numbers(seed);
            let (mut own, mut theirs) = (SortedMap::new(), BTreeMap::new());
            for step in 0..300 {
                let key = numbers.next(60).to_string();
                match numbers.next(8) {
                    0..4 => assert_eq!(own.insert(key.clone(), step), theirs.insert(key, step)),
                    4 | 5 => assert_eq!(own.remove(&key), theirs.remove(&key)),
                    6 => {
                        *own.or_default(key.clone()) += 1;
                        *theirs.entry(key).or_default() += 1;
                    }
                    _ if step % 10 == 0 => {
                        own.retain(|key, value| key.len() + *value % 3 > 2);
                        theirs.retain(|key, value| key.len() + *value % 3 > 2);
                    }
                    _ => assert_eq!(own.get(key.as_str()), theirs.get(&key)),
                }
                assert!(own.iter().eq(theirs.iter()), "seed {seed}, step {step}");
                assert!(own.keys().rev().eq(theirs.keys().rev()));
                assert_eq!(own.len(), theirs.len());
            }
            assert!(own.clone().into_iter().eq(theirs.clone()), "seed {seed}");
            assert_eq!(theirs.into_iter().collect::<SortedMap<_, _>>(), own, "seed {seed}");
        }
    }

    #[test]
    fn the_last_of_equal_keys_counts() {
        let map: SortedMap<&str, u8> = [("b", 1), ("a", 2), ("b", 3), ("b", 4)].into_iter().collect();
        assert!(map.iter().eq([(&"a", &2), (&"b", &4)]));
        let set: SortedSet<u8> = [3, 1, 3].into_iter().collect();
        assert!(set.iter().eq([&1, &3]) && set.contains(&3) && !set.contains(&2));
    }
}
