//! The SQLite of a Durable Object: the platform commits what an operation writes as one, unless the operation fails.

use worker::{Error, Result, SqlStorage, SqlStorageValue};

use crate::keys::sql::{Cell, Row, Sql};

/// The database of one object.
pub(super) struct Object(pub(super) SqlStorage);

impl Sql for Object {
    type Failure = Error;

    fn run(&self, query: &str, values: &[Cell]) -> Result<Vec<Row>> {
        let values = values.iter().map(|cell| match cell {
            Cell::Text(text) => SqlStorageValue::String(text.clone()),
            Cell::Number(number) => SqlStorageValue::Float(*number as f64),
            Cell::Null => SqlStorageValue::Null,
        });
        let cursor = self.0.exec(query, Some(values.collect()))?;
        cursor.raw().map(|row| Ok(row?.into_iter().map(cell).collect())).collect()
    }

    fn tables(&self) -> &'static str {
        ""
    }
}

fn cell(value: SqlStorageValue) -> Cell {
    match value {
        SqlStorageValue::String(text) => Cell::Text(text),
        SqlStorageValue::Integer(number) => Cell::Number(number.unsigned_abs()),
        SqlStorageValue::Float(number) => Cell::Number(number as u64),
        _ => Cell::Null,
    }
}
