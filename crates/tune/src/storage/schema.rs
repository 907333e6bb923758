//! The tables of Optuna's relational storage, schema version 12 (alembic revision v3.2.0.a), which Optuna 3.2 and later read.

use super::database::{Dialect, Session};
use crate::Error;

const VERSION: i64 = 12;
const REVISION: &str = "v3.2.0.a";

/// Each table with its columns, and which of them are unique together. `ID` is the primary key, counted by the database, and
/// the types in capitals that are none of SQL's are the enumerations below.
const TABLES: [(&str, &str); 11] = [
    ("studies", "study_id ID, study_name VARCHAR(512) NOT NULL"),
    (
        "study_directions",
        "study_direction_id ID, direction STUDYDIRECTION NOT NULL, study_id INTEGER NOT NULL REFERENCES studies (study_id),
         objective INTEGER NOT NULL, UNIQUE (study_id, objective)",
    ),
    (
        "study_user_attributes",
        "study_user_attribute_id ID, study_id INTEGER REFERENCES studies (study_id), key VARCHAR(512), value_json TEXT,
         UNIQUE (study_id, key)",
    ),
    (
        "study_system_attributes",
        "study_system_attribute_id ID, study_id INTEGER REFERENCES studies (study_id), key VARCHAR(512), value_json TEXT,
         UNIQUE (study_id, key)",
    ),
    (
        "trials",
        "trial_id ID, number INTEGER, study_id INTEGER REFERENCES studies (study_id), state TRIALSTATE NOT NULL,
         datetime_start TIME, datetime_complete TIME",
    ),
    (
        "trial_user_attributes",
        "trial_user_attribute_id ID, trial_id INTEGER REFERENCES trials (trial_id), key VARCHAR(512), value_json TEXT,
         UNIQUE (trial_id, key)",
    ),
    (
        "trial_system_attributes",
        "trial_system_attribute_id ID, trial_id INTEGER REFERENCES trials (trial_id), key VARCHAR(512), value_json TEXT,
         UNIQUE (trial_id, key)",
    ),
    (
        "trial_params",
        "param_id ID, trial_id INTEGER REFERENCES trials (trial_id), param_name VARCHAR(512), param_value FLOAT(53),
         distribution_json TEXT, UNIQUE (trial_id, param_name)",
    ),
    (
        "trial_values",
        "trial_value_id ID, trial_id INTEGER NOT NULL REFERENCES trials (trial_id), objective INTEGER NOT NULL,
         value FLOAT(53), value_type TRIALVALUETYPE NOT NULL, UNIQUE (trial_id, objective)",
    ),
    (
        "trial_intermediate_values",
        "trial_intermediate_value_id ID, trial_id INTEGER NOT NULL REFERENCES trials (trial_id), step INTEGER NOT NULL,
         intermediate_value FLOAT(53), intermediate_value_type TRIALINTERMEDIATEVALUETYPE NOT NULL, UNIQUE (trial_id, step)",
    ),
    (
        "trial_heartbeats",
        "trial_heartbeat_id ID, trial_id INTEGER NOT NULL REFERENCES trials (trial_id), heartbeat TIME NOT NULL,
         UNIQUE (trial_id)",
    ),
];

#[cfg(feature = "postgres")]
const ENUMERATIONS: &str = "
    CREATE TYPE studydirection AS ENUM ('NOT_SET', 'MINIMIZE', 'MAXIMIZE');
    CREATE TYPE trialstate AS ENUM ('RUNNING', 'COMPLETE', 'PRUNED', 'FAIL', 'WAITING');
    CREATE TYPE trialvaluetype AS ENUM ('FINITE', 'INF_POS', 'INF_NEG');
    CREATE TYPE trialintermediatevaluetype AS ENUM ('FINITE', 'INF_POS', 'INF_NEG', 'NAN');";

/// Makes the tables where there are none, and refuses those of another version.
pub(super) fn prepare(session: &mut dyn Session) -> Result<(), String> {
    let told = |e: Error| match e {
        Error::Storage { what, .. } => what,
        other => other.to_string(),
    };
    #[cfg(feature = "postgres")]
    if session.dialect() == Dialect::Postgres {
        // Of workers that begin at once, one makes the tables. The number is this program's own.
        session.batch("SELECT pg_advisory_xact_lock(8247313950)").map_err(told)?;
    }
    let [has_version, has_studies, has_revision] =
        ["version_info", "studies", "alembic_version"].map(|table| exists(session, table));
    let (has_version, has_studies, has_revision) =
        (has_version.map_err(told)?, has_studies.map_err(told)?, has_revision.map_err(told)?);
    if !has_version && !has_studies && !has_revision {
        return create(session).map_err(told);
    }
    let first = |session: &mut dyn Session, exists: bool, sql: &str| match exists {
        true => Ok(session.run(sql, &[]).map_err(told)?.into_iter().next().and_then(|row| row.into_iter().next())),
        false => Ok::<_, String>(None),
    };
    let version = first(session, has_version, "SELECT schema_version FROM version_info")?;
    let revision = first(session, has_revision, "SELECT version_num FROM alembic_version")?;
    let (version, revision) = (version.and_then(|cell| cell.int()), revision);
    let revision = revision.as_ref().and_then(|cell| cell.text());
    if version == Some(VERSION) && revision == Some(REVISION) && has_studies {
        return Ok(());
    }
    let version = version.map_or_else(|| "none".into(), |version| version.to_string());
    Err(format!(
        "its tables are of schema version {version}, revision {}, but this program knows version {VERSION}, revision \
         {REVISION}, of Optuna 3.2 and later; older ones are brought there by `optuna storage upgrade --storage URL`",
        revision.unwrap_or("none")
    ))
}

fn exists(session: &mut dyn Session, table: &str) -> Result<bool, Error> {
    let sql = match session.dialect() {
        Dialect::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?1",
        #[cfg(feature = "postgres")]
        Dialect::Postgres => {
            "SELECT CAST(to_regclass(CAST(?1 AS TEXT)) AS TEXT) WHERE to_regclass(CAST(?1 AS TEXT)) IS NOT NULL"
        }
    };
    Ok(!session.run(sql, &[table.into()])?.is_empty())
}

fn create(session: &mut dyn Session) -> Result<(), Error> {
    let dialect = session.dialect();
    let types: &[(&str, &str)] = match dialect {
        Dialect::Sqlite => &[
            (" ID,", " INTEGER NOT NULL PRIMARY KEY,"),
            (" TIME", " DATETIME"),
            (" STUDYDIRECTION", " VARCHAR(8)"),
            (" TRIALSTATE", " VARCHAR(8)"),
            (" TRIALVALUETYPE", " VARCHAR(7)"),
            (" TRIALINTERMEDIATEVALUETYPE", " VARCHAR(7)"),
        ],
        #[cfg(feature = "postgres")]
        Dialect::Postgres => {
            session.batch(ENUMERATIONS)?;
            &[(" ID,", " SERIAL NOT NULL PRIMARY KEY,"), (" TIME", " TIMESTAMP WITHOUT TIME ZONE")]
        }
    };
    for (table, columns) in TABLES {
        let columns = types.iter().fold(columns.to_owned(), |columns, (from, to)| columns.replace(from, to));
        session.batch(&format!("CREATE TABLE {table} ({columns})"))?;
    }
    session.batch(
        "CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
         CREATE INDEX ix_trials_study_id ON trials (study_id);
         CREATE TABLE version_info (version_info_id INTEGER NOT NULL PRIMARY KEY CHECK (version_info_id = 1),
             schema_version INTEGER, library_version VARCHAR(256));
         CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY)",
    )?;
    let by = concat!("strix ", env!("CARGO_PKG_VERSION"));
    session.run("INSERT INTO version_info VALUES (1, ?1, ?2)", &[VERSION.into(), by.into()])?;
    session.run("INSERT INTO alembic_version VALUES (?1)", &[REVISION.into()])?;
    Ok(())
}
