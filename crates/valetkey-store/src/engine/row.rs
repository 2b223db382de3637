//! A row that a statement returned, with getters that refuse what the schema rules out.

use valetkey_core::error::Fault;
use valetkey_core::ids::Id;
use valetkey_core::time::Timestamp;

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

/// One row. Columns are counted from 0. A getter fails as `Corrupt` where the column is missing or of another type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row(Vec<Cell>);

impl Row {
    pub(crate) fn new(cells: Vec<Cell>) -> Self {
        Self(cells)
    }

    pub(crate) fn text(&self, column: usize) -> Result<&str, Fault> {
        self.opt_text(column)?.ok_or_else(|| mismatch(column, "text, not null"))
    }

    pub(crate) fn opt_text(&self, column: usize) -> Result<Option<&str>, Fault> {
        match self.0.get(column) {
            Some(Cell::Text(text)) => Ok(Some(text)),
            Some(Cell::Null) => Ok(None),
            _ => Err(mismatch(column, "text")),
        }
    }

    pub(crate) fn int(&self, column: usize) -> Result<i64, Fault> {
        self.opt_int(column)?.ok_or_else(|| mismatch(column, "an integer, not null"))
    }

    pub(crate) fn opt_int(&self, column: usize) -> Result<Option<i64>, Fault> {
        match self.0.get(column) {
            Some(Cell::Int(number)) => Ok(Some(*number)),
            Some(Cell::Null) => Ok(None),
            _ => Err(mismatch(column, "an integer")),
        }
    }

    pub(crate) fn blob(&self, column: usize) -> Result<&[u8], Fault> {
        self.opt_blob(column)?.ok_or_else(|| mismatch(column, "bytes, not null"))
    }

    pub(crate) fn opt_blob(&self, column: usize) -> Result<Option<&[u8]>, Fault> {
        match self.0.get(column) {
            Some(Cell::Blob(bytes)) => Ok(Some(bytes)),
            Some(Cell::Null) => Ok(None),
            _ => Err(mismatch(column, "bytes")),
        }
    }

    /// A flag: 0 or 1.
    pub(crate) fn flag(&self, column: usize) -> Result<bool, Fault> {
        match self.int(column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(mismatch(column, "0 or 1")),
        }
    }

    pub(crate) fn time(&self, column: usize) -> Result<Timestamp, Fault> {
        self.int(column).map(Timestamp)
    }

    pub(crate) fn opt_time(&self, column: usize) -> Result<Option<Timestamp>, Fault> {
        Ok(self.opt_int(column)?.map(Timestamp))
    }

    pub(crate) fn id(&self, column: usize) -> Result<Id, Fault> {
        Id::from_slice(self.blob(column)?).ok_or_else(|| mismatch(column, "16 bytes"))
    }

    pub(crate) fn opt_id(&self, column: usize) -> Result<Option<Id>, Fault> {
        self.opt_blob(column)?
            .map(|bytes| Id::from_slice(bytes).ok_or_else(|| mismatch(column, "16 bytes")))
            .transpose()
    }
}

fn mismatch(column: usize, want: &str) -> Fault {
    Fault::corrupt("a stored row is not of its table's shape", format!("column {column} should be {want}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use valetkey_core::error::FaultKind;

    #[test]
    fn a_getter_refuses_another_type_a_null_and_a_missing_column() {
        let row = Row::new(vec![Cell::Int(2), Cell::Text("a".into()), Cell::Null, Cell::Blob(vec![1])]);
        assert_eq!(
            (row.int(0).ok(), row.text(1).ok(), row.opt_text(2).ok()),
            (Some(2), Some("a"), Some(None))
        );
        let faults = [
            row.text(0).err(),
            row.flag(0).err(),
            row.int(1).err(),
            row.int(2).err(),
            row.id(3).err(),
            row.blob(4).err(),
        ];
        for (n, fault) in faults.into_iter().enumerate() {
            assert_eq!(fault.map(|f| f.kind), Some(FaultKind::Corrupt), "case {n}");
        }
    }
}
