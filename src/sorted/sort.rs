//! A merge sort that is compiled once: it moves places, and asks how two things compare through a function pointer.

use std::cmp::Ordering;

/// The ranks of `count` things in order; equal ones stay as they are. A merge sort from the bottom up.
pub(super) fn ranks(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<u32> {
    let mut from: Vec<u32> = (0..count as u32).collect();
    let mut to = Vec::with_capacity(count);
    let mut width = 1;
    while width < count {
        to.clear();
        for pair in from.chunks(width.saturating_mul(2)) {
            let (mut left, mut right) = pair.split_at(width.min(pair.len()));
            while let (Some((a, more_left)), Some((b, more_right))) = (left.split_first(), right.split_first()) {
                if compare(*a as usize, *b as usize) == Ordering::Greater {
                    to.push(*b);
                    right = more_right;
                } else {
                    to.push(*a);
                    left = more_left;
                }
            }
            to.extend_from_slice(left);
            to.extend_from_slice(right);
        }
        std::mem::swap(&mut from, &mut to);
        width = width.saturating_mul(2);
    }
    from
}

/// Brings a list into the order that `places` tells: first the thing at the first place, and so on.
pub(super) fn arrange<T>(list: &mut [T], places: &mut [u32]) {
    for start in 0..list.len() {
        // Each cycle of the permutation is walked once; a place that is arranged tells itself.
        let mut at = start;
        while let Some(place) = places.get_mut(at) {
            let from = std::mem::replace(place, at as u32) as usize;
            if from == start || from == at || from >= list.len() {
                break;
            }
            list.swap(at, from);
            at = from;
        }
    }
}

/// Sorts a list of less than 2^32 things; equal ones stay in the order that they have.
pub fn sort_by<T>(list: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let mut places = ranks(list.len(), &|a, b| match (list.get(a), list.get(b)) {
        (Some(a), Some(b)) => compare(a, b),
        _ => Ordering::Equal,
    });
    arrange(list, &mut places);
}

/// Sorts a list by a key of its things, as [`sort_by`].
pub fn sort_by_key<T, K: Ord>(list: &mut [T], key: impl Fn(&T) -> K) {
    sort_by(list, |a, b| key(a).cmp(&key(b)));
}

/// Sorts a list by the order of its things, as [`sort_by`].
pub fn sort<T: Ord>(list: &mut [T]) {
    sort_by(list, Ord::cmp);
}

#[cfg(test)]
mod tests {
    use super::super::tests::Numbers;
    use super::*;

    #[test]
    fn a_sort_is_the_standard_librarys_and_keeps_the_order_of_equals() {
        for seed in 0..300 {
            let mut numbers = Numbers(seed);
            let count = numbers.next(70);
            let list: Vec<(u64, u64)> = (0..count).map(|index| (numbers.next(20), index)).collect();
            let (mut own, mut theirs) = (list.clone(), list);
            sort_by_key(&mut own, |(key, _)| *key);
            theirs.sort_by_key(|(key, _)| *key);
            assert_eq!(own, theirs, "seed {seed}");
            own.reverse();
            sort(&mut own);
            assert_eq!(own, theirs, "seed {seed}");
        }
    }
}
