//! PostgreSQL: a server, shared by any number of machines.

mod tls;

use std::error::Error as _;
use std::time::{Duration, Instant};

use postgres::config::SslMode;
use postgres::error::SqlState;
use postgres::types::private::BytesMut;
use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, NoTls, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::database::{Cell, Database, Dialect, Rows, Session, Work};
use crate::Error;

/// How long to try to reach a server that was there before, as one that restarts.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Postgres {
    config: Config,
    tls: MakeRustlsConnect,
    client: Client,
    place: String,
}

impl Postgres {
    /// Connects to `url`, which is known to others as `place`.
    pub(super) fn open(url: &str, place: &str) -> Result<Self, Error> {
        let refused = |what: String| Error::Storage { place: place.into(), what };
        let failed = |e: postgres::Error| refused(told(&e));
        let (url, ssl_mode, tls) = tls::of(url).map_err(refused)?;
        let mut config: Config = url.parse().map_err(failed)?;
        config.ssl_mode(ssl_mode);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        let client = connect(&config, &tls).map_err(failed)?;
        Ok(Self { config, tls, client, place: place.into() })
    }

    fn once(&mut self, work: &mut Work<'_>) -> Result<(), Failed> {
        let mut transaction = self.client.transaction().map_err(Failed::Database)?;
        let mut open = Open { transaction: &mut transaction, failed: None, place: &self.place };
        let done = work(&mut open);
        match (done, open.failed) {
            (Ok(()), _) => transaction.commit().map_err(Failed::Database),
            (Err(_), Some(error)) => Err(Failed::Database(error)),
            (Err(error), None) => Err(Failed::Work(error)),
        }
    }
}

/// Connects, encrypted as the address has it; where it only prefers that, what stands in its way does not stand in ours.
fn connect(config: &Config, tls: &MakeRustlsConnect) -> Result<Client, postgres::Error> {
    match config.connect(tls.clone()) {
        // One with a code is the server's own answer.
        Err(error) if config.get_ssl_mode() == SslMode::Prefer && error.code().is_none() => {
            config.clone().ssl_mode(SslMode::Disable).connect(NoTls)
        }
        connected => connected,
    }
}

/// Why a transaction did not come to its end.
enum Failed {
    Database(postgres::Error),
    Work(Error),
}

/// The message with its cause; the error alone says "db error".
fn told(error: &postgres::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

impl Database for Postgres {
    fn transaction(&mut self, work: &mut Work<'_>) -> Result<(), Error> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(20);
        loop {
            let error = match self.once(work) {
                Ok(()) => return Ok(()),
                Err(Failed::Work(error)) => return Err(error),
                Err(Failed::Database(error)) => error,
            };
            let in_the_way = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
            let again = self.client.is_closed() || error.code().is_some_and(|code| in_the_way.contains(code));
            if !again || started.elapsed() > PATIENCE {
                return Err(Error::Storage { place: self.place.clone(), what: told(&error) });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(5));
            // Where this fails, the next turn finds the connection closed still.
            if self.client.is_closed()
                && let Ok(client) = connect(&self.config, &self.tls)
            {
                self.client = client;
            }
        }
    }
}

struct Open<'a, 'b> {
    transaction: &'a mut Transaction<'b>,
    /// The database's own error, from which is seen whether another try can help.
    failed: Option<postgres::Error>,
    place: &'a str,
}

impl Open<'_, '_> {
    fn note<T>(&mut self, result: Result<T, postgres::Error>) -> Result<T, Error> {
        result.map_err(|error| {
            let what = told(&error);
            self.failed = Some(error);
            Error::Storage { place: self.place.into(), what }
        })
    }
}

impl Session for Open<'_, '_> {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn run(&mut self, sql: &str, values: &[Cell]) -> Result<Rows, Error> {
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let rows = self.transaction.query(&sql.replace('?', "$"), &values);
        let rows = self.note(rows)?;
        let cells = |row: &postgres::Row| (0..row.len()).map(|at| row.try_get(at)).collect::<Result<Vec<Cell>, _>>();
        let read = rows.iter().map(cells).collect();
        self.note(read)
    }

    fn batch(&mut self, sql: &str) -> Result<(), Error> {
        let done = self.transaction.batch_execute(sql);
        self.note(done)
    }
}

impl ToSql for Cell {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) if *kind == Type::INT4 => i32::try_from(*value)?.to_sql(kind, out),
            Self::Int(value) if *kind == Type::FLOAT8 => (*value as f64).to_sql(kind, out),
            Self::Int(value) => value.to_sql(kind, out),
            Self::Float(value) => value.to_sql(kind, out),
            Self::Text(value) => value.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT4, Type::INT8, Type::FLOAT8, Type::TEXT, Type::VARCHAR].contains(kind)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Cell {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *kind {
            Type::INT4 => Self::Int(i32::from_sql(kind, raw)?.into()),
            Type::INT8 => Self::Int(i64::from_sql(kind, raw)?),
            Type::FLOAT8 => Self::Float(f64::from_sql(kind, raw)?),
            _ => Self::Text(String::from_sql(kind, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        <Self as ToSql>::accepts(kind)
    }
}
