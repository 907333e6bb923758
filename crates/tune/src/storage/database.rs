//! What a store asks of a database: statements in transactions. SQLite and PostgreSQL speak one SQL here, but for the few
//! expressions of [`Dialect`].

use crate::Error;

/// A value in a row, or for a `?1` in a statement.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Int(i64),
    Float(f64),
    Text(String),
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<Option<f64>> for Cell {
    fn from(value: Option<f64>) -> Self {
        value.map_or(Self::Null, Self::Float)
    }
}

impl Cell {
    pub(super) fn int(&self) -> Option<i64> {
        if let Self::Int(value) = self { Some(*value) } else { None }
    }

    pub(super) fn float(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            Self::Int(value) => Some(*value as f64),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(value) = self { Some(value) } else { None }
    }
}

/// As a message has it.
impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => f.write_str("nothing"),
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Text(value) => write!(f, "{value:?}"),
        }
    }
}

/// Rows of cells.
pub(super) type Rows = Vec<Vec<Cell>>;

/// What the two databases say differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    #[cfg(feature = "postgres")]
    Postgres,
}

impl Dialect {
    /// The time now as the schema keeps it: without a zone, in UTC.
    pub(super) fn utc(self) -> &'static str {
        match self {
            Self::Sqlite => "strftime('%Y-%m-%d %H:%M:%f000', 'now')",
            #[cfg(feature = "postgres")]
            Self::Postgres => "(clock_timestamp() AT TIME ZONE 'UTC')",
        }
    }

    /// The time now as heartbeats keep it: the database's own.
    pub(super) fn pulse(self) -> &'static str {
        match self {
            Self::Sqlite => self.utc(),
            #[cfg(feature = "postgres")]
            Self::Postgres => "CAST(clock_timestamp() AS TIMESTAMP)",
        }
    }

    /// The seconds from one time to another.
    pub(super) fn seconds(self, from: &str, to: &str) -> String {
        match self {
            Self::Sqlite => format!("((julianday({to}) - julianday({from})) * 86400.0)"),
            #[cfg(feature = "postgres")]
            Self::Postgres => format!("CAST(EXTRACT(EPOCH FROM ({to} - {from})) AS DOUBLE PRECISION)"),
        }
    }

    /// The seconds since a heartbeat, also where its zone has changed its clocks since.
    pub(super) fn since(self, pulse: &str) -> String {
        match self {
            Self::Sqlite => self.seconds(pulse, self.pulse()),
            #[cfg(feature = "postgres")]
            Self::Postgres => self.seconds(&format!("CAST({pulse} AS TIMESTAMPTZ)"), "clock_timestamp()"),
        }
    }

    /// What keeps a selected row from others until the transaction ends. SQLite's writers are alone anyway.
    pub(super) fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            #[cfg(feature = "postgres")]
            Self::Postgres => " FOR UPDATE",
        }
    }
}

/// A transaction under way.
pub(super) trait Session {
    fn dialect(&self) -> Dialect;

    /// Runs one statement with these values for `?1`, `?2`, .. and gives its rows.
    fn run(&mut self, sql: &str, values: &[Cell]) -> Result<Rows, Error>;

    /// Runs statements that have neither values nor rows.
    fn batch(&mut self, sql: &str) -> Result<(), Error>;
}

/// What is done in a transaction.
pub(super) type Work<'a> = dyn FnMut(&mut dyn Session) -> Result<(), Error> + 'a;

/// A connection.
pub(super) trait Database: Send {
    /// Does all of the work or nothing of it. It may be tried again, from its beginning, when the database asks for that.
    fn transaction(&mut self, work: &mut Work<'_>) -> Result<(), Error>;
}

impl dyn Database {
    /// A transaction with a result.
    pub(super) fn within<T>(&mut self, mut work: impl FnMut(&mut dyn Session) -> Result<T, Error>) -> Result<T, Error> {
        let mut result = None;
        self.transaction(&mut |session| {
            result = Some(work(session)?);
            Ok(())
        })?;
        result.ok_or_else(|| Error::Value("a transaction that did nothing".into()))
    }
}
