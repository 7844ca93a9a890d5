//! The bytes of a stream that are not given yet.

/// Bytes that have come, and how far they were given and looked at.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    pub(super) bytes: Vec<u8>,
    /// Where the first event that is not given yet starts.
    pub(super) start: usize,
    /// How far the search for its end has come: a long event in small pieces is searched once.
    pub(super) searched: usize,
}

impl Buffer {
    /// Takes the next bytes, and forgets what was given.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// How many bytes are not given yet.
    pub(super) fn left(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Gives what ends at `end`: answers where it starts.
    pub(super) fn give(&mut self, end: usize) -> usize {
        self.searched = end;
        std::mem::replace(&mut self.start, end)
    }

    /// Gives all that is left: where it starts and ends, or `None` where nothing is.
    pub(super) fn give_rest(&mut self) -> Option<(usize, usize)> {
        let end = self.bytes.len();
        let from = self.give(end);
        (from < end).then_some((from, end))
    }
}
