//! SQLite: a file, shared by the processes of one machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql, TransactionBehavior};

use super::database::{Cell, Database, Dialect, Rows, Session, Work};
use crate::Error;

/// How long to wait for other writers, each of which takes milliseconds, where the address does not say.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Sqlite {
    connection: Connection,
    path: PathBuf,
}

/// The file of an address, which is `rest` behind `sqlite://`, and how long to wait for other writers.
pub(super) fn of_address(rest: &str) -> Result<(&Path, Duration), String> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = match path.strip_prefix('/') {
        None | Some("") => return Err("a SQLite file is written sqlite:///FILE, or sqlite:////FOLDER/FILE".into()),
        Some(":memory:") => {
            let what = "what is in memory is seen by one connection alone, but a study has several, of other processes too; \
                        name a file: sqlite:///FILE";
            return Err(what.into());
        }
        Some(path) => Path::new(path),
    };
    let mut patience = PATIENCE;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some(text) = pair.strip_prefix("timeout=") else {
            return Err(format!(
                "{pair:?} behind its ? is not known; the address of a SQLite file takes timeout=SECONDS alone"
            ));
        };
        let seconds = text.parse::<f64>().ok().filter(|seconds| (0.0..=1e6).contains(seconds));
        let seconds = seconds.ok_or_else(|| format!("its timeout is {text:?}, but must be 0 to 1000000 seconds"))?;
        patience = Duration::from_secs_f64(seconds);
    }
    Ok((path, patience))
}

impl Sqlite {
    /// Opens a file, or makes it.
    pub(super) fn open(path: &Path, patience: Duration) -> Result<Self, Error> {
        let failed = |e: rusqlite::Error| wrong(path, &e);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        // Behind a folder, so that no name means something else to SQLite, as :memory: and file:NAME do.
        let connection = Connection::open_with_flags(Path::new(".").join(path), flags).map_err(failed)?;
        connection.busy_timeout(patience).map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Self { connection, path: path.into() })
    }
}

fn wrong(path: &Path, error: &rusqlite::Error) -> Error {
    Error::Storage { place: path.display().to_string(), what: error.to_string() }
}

impl Database for Sqlite {
    fn transaction(&mut self, work: &mut Work<'_>) -> Result<(), Error> {
        let path = &self.path;
        let failed = |e: rusqlite::Error| wrong(path, &e);
        // Immediate: of two writers the second waits here, and never finds in the midst that it cannot go on.
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        work(&mut Open { transaction: &transaction, path })?;
        transaction.commit().map_err(failed)
    }
}

struct Open<'a> {
    transaction: &'a Connection,
    path: &'a Path,
}

impl Session for Open<'_> {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn run(&mut self, sql: &str, values: &[Cell]) -> Result<Rows, Error> {
        let read = || {
            let mut statement = self.transaction.prepare_cached(sql)?;
            let columns = statement.column_count();
            let mut found = statement.query(rusqlite::params_from_iter(values))?;
            let mut rows = Vec::new();
            while let Some(row) = found.next()? {
                rows.push((0..columns).map(|at| row.get_ref(at).map(cell)).collect::<Result<_, _>>()?);
            }
            Ok(rows)
        };
        read().map_err(|e| wrong(self.path, &e))
    }

    fn batch(&mut self, sql: &str) -> Result<(), Error> {
        self.transaction.execute_batch(sql).map_err(|e| wrong(self.path, &e))
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Float(value) => ValueRef::Real(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
        }))
    }
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(value) => Cell::Int(value),
        ValueRef::Real(value) => Cell::Float(value),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Cell::Text(String::from_utf8_lossy(bytes).into_owned()),
    }
}
