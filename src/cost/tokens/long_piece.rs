//! Merging of long pieces with a heap: n log n where a scan for the lowest rank would be n².

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::bpe::{NONE, Vocabulary};

/// A token in a doubly linked list.
#[derive(Clone, Copy)]
struct Node {
    id: u32,
    /// Of the merge with the token behind; [`NONE`] where they do not merge or this one was merged away.
    rank: u32,
    before: u32,
    after: u32,
}

/// The tokens of a piece that starts as `ids`, one a byte.
pub(super) fn count(vocabulary: &Vocabulary, ids: &[u32]) -> u64 {
    let ranks = ids.windows(2).map(|two| if let [left, right] = two { vocabulary.merge(*left, *right) } else { NONE });
    let mut nodes: Vec<Node> = (0_u32..)
        .zip(ids.iter().zip(ranks.chain([NONE])))
        .map(|(at, (&id, rank))| Node { id, rank, before: at.wrapping_sub(1), after: at + 1 })
        .collect();
    let entries = (0_u32..).zip(&nodes).filter(|(_, node)| node.rank != NONE).map(|(at, node)| entry(node.rank, at));
    let mut heap: BinaryHeap<Reverse<u64>> = entries.collect();
    let mut tokens = ids.len() as u64;
    while let Some(Reverse(next)) = heap.pop() {
        #[cfg(test)]
        super::work::add(u64::from(heap.len().max(1).ilog2()) + 1);
        let (rank, at) = ((next >> 32) as u32, next as u32);
        let get = |nodes: &[Node], at: u32| nodes.get(at as usize).copied();
        // An entry is stale where its token has merged since.
        let Some(left) = get(&nodes, at).filter(|left| left.rank == rank) else { continue };
        let Some(right) = get(&nodes, left.after) else { continue };
        tokens -= 1;
        let mut set_rank = |nodes: &mut Vec<Node>, at: u32, rank: u32| {
            if let Some(node) = nodes.get_mut(at as usize) {
                node.rank = rank;
                if rank != NONE {
                    heap.push(entry(rank, at));
                }
            }
        };
        set_rank(&mut nodes, left.after, NONE);
        if let Some(merged) = nodes.get_mut(at as usize) {
            (merged.id, merged.after) = (rank, right.after);
        }
        let behind = nodes.get_mut(right.after as usize).map(|behind| {
            behind.before = at;
            behind.id
        });
        set_rank(&mut nodes, at, behind.map_or(NONE, |id| vocabulary.merge(rank, id)));
        if let Some(before) = get(&nodes, left.before) {
            set_rank(&mut nodes, left.before, vocabulary.merge(before.id, rank));
        }
    }
    tokens
}

/// Rank first, then place: the leftmost of equal ranks merges first.
fn entry(rank: u32, at: u32) -> Reverse<u64> {
    Reverse(u64::from(rank) << 32 | u64::from(at))
}
