//! Rows as bytes: each value a tag, then what it holds.

use crate::engine::Cell;

const NULL: u8 = 0;
const INT: u8 = 1;
const TEXT: u8 = 2;
const BLOB: u8 = 3;

pub(super) fn write(to: &mut Vec<u8>, row: &[Cell]) {
    for cell in row {
        match cell {
            Cell::Null => to.push(NULL),
            Cell::Int(number) => {
                to.push(INT);
                to.extend_from_slice(&number.to_be_bytes());
            }
            Cell::Text(text) => long(to, TEXT, text.as_bytes()),
            Cell::Blob(bytes) => long(to, BLOB, bytes),
        }
    }
}

fn long(to: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    to.push(tag);
    to.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    to.extend_from_slice(bytes);
}

/// Rows of `columns` values each, and nothing beside them.
pub(super) fn read(mut from: &[u8], columns: usize) -> Option<Vec<Vec<Cell>>> {
    let mut rows = Vec::new();
    while !from.is_empty() {
        let row: Option<Vec<Cell>> = (0..columns).map(|_| cell(&mut from)).collect();
        rows.push(row.filter(|row| !row.is_empty())?);
    }
    Some(rows)
}

fn cell(from: &mut &[u8]) -> Option<Cell> {
    let (tag, rest) = from.split_first()?;
    *from = rest;
    Some(match *tag {
        NULL => Cell::Null,
        INT => Cell::Int(i64::from_be_bytes(take(from, 8)?.try_into().ok()?)),
        TEXT => Cell::Text(String::from_utf8(held(from)?.to_vec()).ok()?),
        BLOB => Cell::Blob(held(from)?.to_vec()),
        _ => return None,
    })
}

fn held<'b>(from: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = u64::from_be_bytes(take(from, 8)?.try_into().ok()?);
    take(from, usize::try_from(length).ok()?)
}

fn take<'b>(from: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (taken, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_they_were_written_and_not_a_byte_less_or_more() {
        let row = |n: i64| {
            vec![
                Cell::Null,
                Cell::Int(-n),
                Cell::Text("ä".repeat(3)),
                Cell::Blob(vec![0, 255]),
                Cell::Text(String::new()),
            ]
        };
        let mut bytes = Vec::new();
        write(&mut bytes, &row(1));
        let one = bytes.len();
        write(&mut bytes, &row(i64::MAX));
        assert_eq!(read(&bytes, 5), Some(vec![row(1), row(i64::MAX)]));
        assert_eq!(read(&[], 5), Some(Vec::new()));
        for cut in (1..bytes.len()).filter(|cut| *cut != one) {
            assert_eq!(read(&bytes[..cut], 5), None, "{cut}");
        }
        assert_eq!(read(&bytes, 4), None);
        assert_eq!(read(&bytes, 0), None);
        // A length that nothing holds allocates nothing.
        assert_eq!(read(&[&[TEXT][..], &u64::MAX.to_be_bytes()].concat(), 1), None);
        assert_eq!(read(&[9], 1), None);
    }
}
