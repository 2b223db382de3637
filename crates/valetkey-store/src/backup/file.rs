//! The file of a backup: three lines for people and for the key, then frames, then a sum over all of it.
//!
//! ```text
//! valetkey-backup 1 <SHA-256 of the next two lines>
//! {"id":…,"made_at":…,"valetkey":…,"schema":…}
//! vk_bk_…                                      the file's key, sealed under the master key
//! [kind: 1 byte] [length: 4 bytes] [content]   tables, rows, and the end
//! [HMAC-SHA-256 of everything before]
//! ```

use super::{Head, Portion, Table, cells};
use crate::engine::Cell;
use crate::error::BackupError;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use valetkey_core::backup::{About, BackupKey, Seal};
use valetkey_core::seal::SealingKey;
use valetkey_core::secret::digest_of;

const NAME: &str = "valetkey-backup";
/// Rises when an older version could no longer read what a newer one writes.
const FORMAT: u32 = 1;
/// Rows gather until their frame has so many bytes.
const FRAME: usize = 256 << 10;
/// No frame is longer: the longest value is a picture.
const LONGEST_FRAME: u32 = 64 << 20;
/// Nor is a line of the head.
const LONGEST_LINE: u64 = 64 << 10;

const TABLE: u8 = 1;
const ROWS: u8 = 2;
const END: u8 = 3;

#[derive(Serialize, Deserialize)]
struct Begins {
    table: String,
    columns: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Ends {
    rows: u64,
}

/// A file on its way: it has its name when it is whole.
pub(crate) struct Writer {
    to: PathBuf,
    partial: PathBuf,
    out: BufWriter<File>,
    seal: Option<Seal>,
    rows: Vec<u8>,
    counts: Vec<(String, u64)>,
}

impl Writer {
    pub(crate) fn create(to: &Path, force: bool) -> Result<Self, BackupError> {
        if !force && to.symlink_metadata().is_ok() {
            return Err(BackupError::Exists { path: to.to_owned() });
        }
        let failed = |source| BackupError::File { path: to.to_owned(), error: source };
        let name = to.file_name().ok_or_else(|| failed(io::Error::other("it names no file")))?;
        let mut partial = std::ffi::OsString::from(".");
        partial.push(name);
        partial.push(format!(".partial-{}", std::process::id()));
        let partial = to.with_file_name(partial);
        // Of a process that was killed over it, and had our number.
        std::fs::remove_file(&partial).ok();
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&partial).map_err(failed)?;
        let out = BufWriter::with_capacity(1 << 20, file);
        Ok(Self { to: to.to_owned(), partial, out, seal: None, rows: Vec::new(), counts: Vec::new() })
    }

    fn failed(&self, source: io::Error) -> BackupError {
        BackupError::File { path: self.to.clone(), error: source }
    }

    /// The three lines.
    pub(crate) fn begin(&mut self, head: &Head<'_>) -> Result<(), BackupError> {
        let about = serde_json::to_string(&head.about).map_err(|error| self.failed(error.into()))?;
        let lock = head.key.lock(head.master, &about, head.nonce);
        let lock = lock.map_err(|fault| self.failed(io::Error::other(fault.to_string())))?;
        let sum = sum_of(&about, &lock);
        self.seal = Some(Seal::new(&head.key));
        self.put(format!("{NAME} {FORMAT} {sum}\n{about}\n{lock}\n").as_bytes())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        if let Some(seal) = &mut self.seal {
            seal.update(bytes);
        }
        self.out.write_all(bytes).map_err(|source| self.failed(source))
    }

    fn frame(&mut self, kind: u8, content: &[u8]) -> Result<(), BackupError> {
        let length = u32::try_from(content.len()).ok().filter(|length| *length <= LONGEST_FRAME);
        let length = length.ok_or_else(|| self.failed(io::Error::other("a row is too long for a backup")))?;
        self.put(&[kind])?;
        self.put(&length.to_be_bytes())?;
        self.put(content)
    }

    pub(crate) fn table(&mut self, table: &Table) -> Result<(), BackupError> {
        self.flush()?;
        let begins = Begins { table: table.name.clone(), columns: table.columns.clone() };
        let content = serde_json::to_vec(&begins).map_err(|error| self.failed(error.into()))?;
        self.counts.push((table.name.clone(), 0));
        self.frame(TABLE, &content)
    }

    pub(crate) fn row(&mut self, row: &[Cell]) -> Result<(), BackupError> {
        cells::write(&mut self.rows, row);
        if let Some((_, count)) = self.counts.last_mut() {
            *count += 1;
        }
        if self.rows.len() >= FRAME { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), BackupError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows);
        self.frame(ROWS, &rows)
    }

    /// Ends the file, and gives it its name once it is on the disk. Answers how many rows each table has.
    pub(crate) fn finish(mut self) -> Result<Vec<(String, u64)>, BackupError> {
        self.flush()?;
        let rows = self.counts.iter().map(|(_, count)| count).sum();
        let content = serde_json::to_vec(&Ends { rows }).map_err(|error| self.failed(error.into()))?;
        self.frame(END, &content)?;
        let sum = self.seal.take().map(Seal::finish).unwrap_or_default();
        self.put(&sum)?;
        let kept = self.keep();
        kept.map_err(|source| self.failed(source))?;
        Ok(std::mem::take(&mut self.counts))
    }

    fn keep(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.out.get_ref().sync_all()?;
        std::fs::rename(&self.partial, &self.to)?;
        let directory = self.to.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Gone already where it got its name.
        std::fs::remove_file(&self.partial).ok();
    }
}

/// A file as it is read: nothing of it may be believed before `next` has answered `None`.
pub(crate) struct Reader {
    path: PathBuf,
    from: BufReader<File>,
    seal: Option<Seal>,
    pub(crate) about: About,
    table: Option<Table>,
    rows: u64,
}

impl Reader {
    /// Reads the three lines.
    pub(crate) fn open(path: &Path, master: &SealingKey) -> Result<Self, BackupError> {
        let failed = |source| BackupError::File { path: path.to_owned(), error: source };
        let damaged = |detail| BackupError::Damaged { path: path.to_owned(), detail };
        let mut from = BufReader::with_capacity(1 << 20, File::open(path).map_err(failed)?);
        let mut line = || -> Result<Option<String>, BackupError> {
            let mut bytes = Vec::new();
            from.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes).map_err(failed)?;
            Ok(bytes.pop_if(|last| *last == b'\n').and_then(|_| String::from_utf8(bytes).ok()))
        };
        let first = line()?.unwrap_or_default();
        let mut words = first.split(' ');
        let format = words.next().filter(|name| *name == NAME).and(words.next());
        let Some(found) = format.and_then(|text| text.parse::<u32>().ok()) else {
            return Err(BackupError::NoBackup { path: path.to_owned() });
        };
        if found != FORMAT {
            return Err(BackupError::NewerFormat { path: path.to_owned(), found });
        }
        let (Some(about), Some(lock)) = (line()?, line()?) else {
            return Err(damaged("its head is cut off"));
        };
        if words.next() != Some(&sum_of(&about, &lock)) {
            return Err(damaged("its head was changed"));
        }
        let key = BackupKey::unlock(master, &about, &lock)
            .ok_or_else(|| BackupError::OtherKey { path: path.to_owned() })?;
        let mut seal = Seal::new(&key);
        seal.update(format!("{first}\n{about}\n{lock}\n").as_bytes());
        let about = serde_json::from_str(&about).map_err(|_| damaged("its head cannot be read"))?;
        Ok(Self { path: path.to_owned(), from, seal: Some(seal), about, table: None, rows: 0 })
    }

    pub(crate) fn damaged(&self, detail: &'static str) -> BackupError {
        BackupError::Damaged { path: self.path.clone(), detail }
    }

    fn bytes(&mut self, length: u32) -> Result<Vec<u8>, BackupError> {
        let mut bytes = Vec::new();
        // What a length claims is not allocated before it is there.
        let read = self.from.by_ref().take(length.into()).read_to_end(&mut bytes);
        let read = read.map_err(|source| BackupError::File { path: self.path.clone(), error: source })?;
        if read as u64 != u64::from(length) {
            return Err(self.damaged("its end is missing"));
        }
        Ok(bytes)
    }

    /// The next frame, without believing it.
    fn frame(&mut self) -> Result<(u8, Vec<u8>), BackupError> {
        let head = self.bytes(5)?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        if length > LONGEST_FRAME {
            return Err(self.damaged("a part of it is longer than can be"));
        }
        let content = self.bytes(length)?;
        if let Some(seal) = &mut self.seal {
            seal.update(&head);
            seal.update(&content);
        }
        Ok((head[0], content))
    }

    /// Reads to the end and says whether the file is what was written.
    pub(crate) fn check(mut self) -> Result<(), BackupError> {
        loop {
            let (kind, content) = self.frame()?;
            if kind == END {
                return self.end(&content, None);
            }
        }
    }

    fn end(&mut self, content: &[u8], rows: Option<u64>) -> Result<(), BackupError> {
        let sum = self.bytes(32)?;
        let own = self.seal.take().map(Seal::finish).unwrap_or_default();
        let more = self.from.fill_buf().map(<[u8]>::is_empty);
        let is_all = more.map_err(|source| BackupError::File { path: self.path.clone(), error: source })?;
        if sum != own || !is_all {
            return Err(self.damaged("it was changed after it was made"));
        }
        let ends: Ends =
            serde_json::from_slice(content).map_err(|_| self.damaged("its end cannot be read"))?;
        if rows.is_some_and(|rows| rows != ends.rows) {
            return Err(self.damaged("rows of it are missing"));
        }
        Ok(())
    }

    /// The next rows; `None` at the end of a file that holds.
    pub(crate) fn next(&mut self) -> Result<Option<Portion>, BackupError> {
        loop {
            let (kind, content) = self.frame()?;
            match (kind, &self.table) {
                (TABLE, _) => {
                    let begins: Begins = serde_json::from_slice(&content)
                        .map_err(|_| self.damaged("a table cannot be read"))?;
                    self.table = Some(Table { name: begins.table, columns: begins.columns });
                }
                (ROWS, Some(table)) => {
                    let table = table.clone();
                    let rows = cells::read(&content, table.columns.len())
                        .ok_or_else(|| self.damaged("a row cannot be read"))?;
                    self.rows += rows.len() as u64;
                    return Ok(Some((table, rows)));
                }
                (END, _) => return self.end(&content, Some(self.rows)).map(|()| None),
                _ => return Err(self.damaged("a part of it is of no known kind")),
            }
        }
    }
}

fn sum_of(about: &str, lock: &str) -> String {
    let digest = digest_of(&[about.as_bytes(), lock.as_bytes()]);
    digest.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
