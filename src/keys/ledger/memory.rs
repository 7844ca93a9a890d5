//! The rows of a ledger that lives as long as its process: the last of its spend log, and nothing else.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::change::Change;
use super::entry::{Entry, State};
use super::home::{Loaded, Rows};

/// Most rows of the log: older ones are dropped, while the sums go on.
const MOST_ROWS: usize = 10_000;

/// The last of a spend log.
#[derive(Debug, Default)]
pub struct Memory(BTreeMap<u64, Entry>);

impl Rows for Memory {
    type Failure = Infallible;

    /// Nothing: nothing fails here, so a ledger is loaded once, when it is new.
    fn load(&mut self) -> Result<Loaded, Infallible> {
        Ok(Loaded::default())
    }

    fn write(&mut self, change: &Change) -> Result<(), Infallible> {
        match change {
            Change::Open(entry) => {
                self.0.insert(entry.seq, (**entry).clone());
                if self.0.len() > MOST_ROWS {
                    let oldest = self.0.iter().find(|(_, entry)| entry.state != State::Open).map(|(seq, _)| *seq);
                    oldest.and_then(|seq| self.0.remove(&seq));
                }
            }
            Change::Progress(progress) => {
                if let Some(entry) = self.0.get_mut(&progress.seq) {
                    entry.progress(progress);
                }
            }
            Change::Close(closing) => {
                if let Some(entry) = self.0.get_mut(&closing.seq) {
                    entry.close((**closing).clone());
                }
            }
            Change::Scope(_) | Change::Mark(_) => {}
            Change::Forget(before) => self.0.retain(|seq, _| seq >= before),
        }
        Ok(())
    }

    fn log(&mut self, from_ms: u64, until_ms: u64, limit: u64) -> Result<Vec<Entry>, Infallible> {
        let within = |entry: &&Entry| (from_ms..until_ms).contains(&entry.start_ms);
        Ok(self.0.values().filter(within).take(limit as usize).cloned().collect())
    }
}
