//! What the homes need of a SQLite: one statement at a time, synchronously, each in the step that its caller has begun.

/// A database, or the part of one that belongs to one home.
pub trait Sql {
    /// Why a statement failed.
    type Failure: From<serde_json::Error>;

    /// Runs one statement, or several without values, and answers its rows.
    ///
    /// # Errors
    ///
    /// The database refuses it, or cannot write.
    fn run(&self, query: &str, values: &[Cell]) -> Result<Vec<Row>, Self::Failure>;

    /// What stands before the names of tables: empty where the database belongs to one home, and else plain for SQL's
    /// double quotes.
    fn tables(&self) -> &str;
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// A text.
    Text(String),
    /// A number from 0 to 2^52: what a JavaScript number holds exactly, with room to spare.
    Number(u64),
    /// Nothing.
    Null,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Cell {
    /// Beyond 2^52 a number means no bound.
    fn from(number: u64) -> Self {
        Self::Number(number.min(1 << 52))
    }
}

/// A row of an answer, read from left to right.
#[derive(Debug, Default)]
pub struct Row(std::vec::IntoIter<Cell>);

impl Row {
    /// The next value as a text; `None` for nothing.
    pub fn text(&mut self) -> Option<String> {
        match self.0.next() {
            Some(Cell::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The next value as a number; 0 for nothing.
    pub fn number(&mut self) -> u64 {
        match self.0.next() {
            Some(Cell::Number(number)) => number,
            _ => 0,
        }
    }
}

impl FromIterator<Cell> for Row {
    fn from_iter<I: IntoIterator<Item = Cell>>(cells: I) -> Self {
        Self(cells.into_iter().collect::<Vec<_>>().into_iter())
    }
}
