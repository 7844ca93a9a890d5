//! Merging of long pieces with a heap: n log n where a scan for the lowest rank would be n².

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::bpe::{NONE, Vocabulary};

/// A token in a doubly linked list.
#[derive(Clone, Copy)]
struct Node {
    /// [`NONE`] where the node was merged into the one before it.
    id: u32,
    before: u32,
    after: u32,
}

/// The tokens of a piece that starts as `ids`, one a byte.
pub(super) fn count(vocabulary: &Vocabulary, ids: &[u32]) -> u64 {
    let mut nodes: Vec<Node> =
        (0_u32..).zip(ids).map(|(at, &id)| Node { id, before: at.wrapping_sub(1), after: at + 1 }).collect();
    let node = |nodes: &[Node], at: u32| nodes.get(at as usize).copied();
    // Rank first, then place: the leftmost of equal ranks merges first.
    let mut heap = BinaryHeap::new();
    for (at, two) in (0_u32..).zip(ids.windows(2)) {
        if let [left, right] = two {
            offer(&mut heap, vocabulary, (at, *left), (at + 1, *right));
        }
    }
    let mut tokens = ids.len() as u64;
    while let Some(Reverse((rank, at, after))) = heap.pop() {
        #[cfg(test)]
        super::work::add(u64::from(heap.len().max(1).ilog2()) + 1);
        let (Some(left), Some(right)) = (node(&nodes, at), node(&nodes, after)) else { continue };
        // An entry is stale where one of its tokens has merged since.
        let fresh = left.id != NONE && right.id != NONE && left.after == after;
        if !fresh || vocabulary.merge(left.id, right.id) != rank {
            continue;
        }
        tokens -= 1;
        if let Some(gone) = nodes.get_mut(after as usize) {
            gone.id = NONE;
        }
        if let Some(merged) = nodes.get_mut(at as usize) {
            (merged.id, merged.after) = (rank, right.after);
        }
        if let Some(next) = nodes.get_mut(right.after as usize) {
            next.before = at;
            offer(&mut heap, vocabulary, (at, rank), (right.after, next.id));
        }
        if let Some(previous) = node(&nodes, left.before) {
            offer(&mut heap, vocabulary, (left.before, previous.id), (at, rank));
        }
    }
    tokens
}

fn offer(
    heap: &mut BinaryHeap<Reverse<(u32, u32, u32)>>,
    vocabulary: &Vocabulary,
    (left_at, left): (u32, u32),
    (right_at, right): (u32, u32),
) {
    let rank = vocabulary.merge(left, right);
    if rank != NONE {
        heap.push(Reverse((rank, left_at, right_at)));
    }
}
