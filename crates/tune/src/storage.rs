//! Where studies are kept, so that they outlive workers and are shared by them: the tables of Optuna, in SQLite or PostgreSQL.
//!
//! A worker claims a trial in one transaction: it takes one that waits, or chooses the next one from what all workers know.
//! While it runs the trial it says at times that it is alive. One that fell silent has failed its attempt, and the trial waits
//! for another worker, under its number and with its parameters; should the silent worker wake up, what it has to say is
//! refused. Optuna's own workers can join: they lock the same rows, and take up waiting trials as well.

mod database;
mod distribution;
#[cfg(feature = "postgres")]
mod postgres;
mod schema;
mod sqlite;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;

use serde_json::{Value as Json, json};

use crate::Error;
use crate::space::{Codes, Parameter, Space};
use crate::trial::{Direction, State, Trial};
use database::{Cell, Database, Session};

/// The system attribute with the token of the worker that has the trial.
const CLAIM: &str = "strix:claim";
/// The user attribute with how many workers died of the trial.
const DEATHS: &str = "dead_workers";
/// The system attribute with the parameters that a waiting trial is to have, as Optuna's.
const FIXED: &str = "fixed_params";
/// The user attribute with why a trial failed.
const FAILURE: &str = "failure";

/// A database of studies.
pub struct Storage {
    database: Box<dyn Database>,
    place: String,
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage").field("place", &self.place).finish_non_exhaustive()
    }
}

/// How long workers wait for one another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patience {
    /// Seconds of silence after which a worker counts as dead. It should say that it is alive several times as often.
    pub silence: f64,
    /// Dead workers after which a trial is not tried again.
    pub deaths: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self { silence: 60.0, deaths: 3 }
    }
}

/// A trial as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// What samplers and pruners look at. Parameters that are not in the space have no code.
    pub trial: Trial,
    /// All parameters with their values, by name.
    pub values: BTreeMap<String, Json>,
    /// When it began, such as `2026-11-26 09:55:48.123000`: in UTC; by its machine's clock where one of Optuna's workers ran it.
    pub started: Option<String>,
    /// When it ended.
    pub ended: Option<String>,
    /// The seconds between.
    pub seconds: Option<f64>,
    /// What workers noted of it.
    pub attributes: BTreeMap<String, Json>,
}

/// A trial that this worker has.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Its number in the study.
    pub number: u64,
    /// Its parameters.
    pub codes: Codes,
    id: i64,
    token: String,
}

/// What a worker does next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Run this.
    Run(Claim),
    /// All trials are given out, but some run still: should their workers die, they are to be run again.
    Wait,
    /// All trials have ended.
    Done,
}

impl Storage {
    /// Opens `sqlite:///FILE` (relative; with four slashes absolute) or `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`, as
    /// SQLAlchemy and so Optuna write them, and makes the tables where there are none. `?timeout=SECONDS` behind a file is how
    /// long to wait for other writers, 60 s if not given.
    ///
    /// # Errors
    /// [`Error::Storage`] when the address says what is not known, the database cannot be reached, or its tables are of another
    /// version of Optuna's schema.
    pub fn open(url: &str) -> Result<Self, Error> {
        let place = without_password(url);
        let refused = |what: String| Error::Storage { place: place.clone(), what };
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(refused("a storage is sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE".into()));
        };
        let database: Box<dyn Database> = match kind(scheme) {
            "sqlite" => {
                let (path, patience) = sqlite::of_address(rest).map_err(refused)?;
                Box::new(sqlite::Sqlite::open(path, patience)?)
            }
            #[cfg(feature = "postgres")]
            "postgresql" | "postgres" => Box::new(postgres::Postgres::open(&format!("postgresql://{rest}"), &place)?),
            #[cfg(not(feature = "postgres"))]
            "postgresql" | "postgres" => {
                return Err(refused(
                    "this program was built without PostgreSQL; build it with --features postgres".into(),
                ));
            }
            kind => return Err(refused(format!("no storage is called {kind}; there are sqlite and postgresql"))),
        };
        Self::prepared(database, place)
    }

    /// Opens a SQLite file of any name, and makes the tables where there are none.
    ///
    /// # Errors
    /// [`Error::Storage`] when it cannot be opened, or its tables are of another version of Optuna's schema.
    pub fn file(path: &Path) -> Result<Self, Error> {
        Self::prepared(Box::new(sqlite::Sqlite::open(path, sqlite::PATIENCE)?), path.display().to_string())
    }

    fn prepared(mut database: Box<dyn Database>, place: String) -> Result<Self, Error> {
        database
            .within(|session| schema::prepare(session).map_err(|what| Error::Storage { place: place.clone(), what }))?;
        Ok(Self { database, place })
    }

    /// An address as it may be shown to others: without its password.
    pub fn shown(url: &str) -> String {
        without_password(url)
    }

    /// The names of the studies in it, in their order.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn studies(&mut self) -> Result<Vec<String>, Error> {
        self.database.within(|session| {
            let rows = session.run("SELECT study_name FROM studies ORDER BY study_id", &[])?;
            Ok(rows.iter().filter_map(|row| row[0].text().map(str::to_owned)).collect())
        })
    }

    /// What the study `name` keeps under `key` (see [`Study::agree_on`]): null where it keeps nothing there, none where there is
    /// no such study.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn attribute(&mut self, name: &str, key: &str) -> Result<Option<Json>, Error> {
        self.database.within(|session| {
            let sql = "SELECT a.value_json FROM studies s
                       LEFT JOIN study_user_attributes a ON a.study_id = s.study_id AND a.key = ?2
                       WHERE s.study_name = ?1";
            Ok(session.run(sql, &[name.into(), key.into()])?.first().map(|row| parsed(&row[0])))
        })
    }

    /// Opens the study `name`, and begins it where there is none. Codes of its trials will be those of `space`.
    ///
    /// # Errors
    /// [`Error::Storage`] when there is such a study of another direction, or of several objectives.
    pub fn study(
        mut self,
        name: &str,
        direction: Direction,
        space: &Space,
        patience: Patience,
    ) -> Result<Study, Error> {
        let word = match direction {
            Direction::Minimize => "MINIMIZE",
            Direction::Maximize => "MAXIMIZE",
        };
        let place = &self.place;
        let refused = |what: String| Error::Storage { place: place.clone(), what: format!("study {name:?} {what}") };
        if name.is_empty() || name.chars().count() > 512 {
            return Err(refused("has no name of 1 to 512 characters".into()));
        }
        if !(patience.silence > 0.0 && patience.silence.is_finite()) {
            return Err(Error::Config(format!(
                "a worker is dead after {} s; it takes a number above 0",
                patience.silence
            )));
        }
        let id = self.database.within(|session| {
            let sql =
                "INSERT INTO studies (study_name) VALUES (?1) ON CONFLICT (study_name) DO NOTHING RETURNING study_id";
            if let Some(row) = session.run(sql, &[name.into()])?.first() {
                let id = integer(&row[0])?;
                let sql =
                    format!("INSERT INTO study_directions (study_id, direction, objective) VALUES (?1, '{word}', 0)");
                session.run(&sql, &[id.into()])?;
                return Ok(id);
            }
            let sql = "SELECT s.study_id, CAST(d.direction AS VARCHAR(16)) FROM studies s
                       JOIN study_directions d ON d.study_id = s.study_id WHERE s.study_name = ?1 ORDER BY d.objective";
            match session.run(sql, &[name.into()])?.as_slice() {
                [row] if row[1].text() == Some(word) => integer(&row[0]),
                [row] => {
                    let other = row[1].text().unwrap_or("no direction").to_lowercase();
                    Err(refused(format!("is to {other}, but this is to {}; choose another name", word.to_lowercase())))
                }
                rows => Err(refused(format!("has {} objectives, but this takes one", rows.len()))),
            }
        })?;
        Ok(Study { storage: self, id, name: name.into(), direction, space: space.clone(), patience })
    }
}

/// The best of the complete trials, by value; of equals the first.
pub fn best(trials: &[Stored], direction: Direction) -> Option<&Stored> {
    let cost = |stored: &Stored| stored.trial.value.map_or(f64::INFINITY, |value| direction.cost(value));
    let complete = trials.iter().filter(|stored| stored.trial.state == State::Complete);
    complete.min_by(|a, b| cost(a).total_cmp(&cost(b)))
}

/// What kind of database an address is of. A driver that SQLAlchemy would use, as in postgresql+psycopg2://, is none of our
/// matters.
fn kind(scheme: &str) -> &str {
    scheme.split('+').next().unwrap_or_default()
}

/// A database's address as it may be shown: neither before the host nor behind it with a password.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        // Another way to write one, perhaps, with a password in it.
        return if url.contains(['@', '=']) { "an address without ://".into() } else { url.into() };
    };
    if kind(scheme) == "sqlite" {
        // A file has no password, whatever it is called.
        return url.into();
    }
    // A password may have an @ of its own that nobody escaped.
    let shown = match rest.rsplit_once('@').map(|(user, host)| (user.split_once(':'), host)) {
        Some((Some((user, _)), host)) => format!("{scheme}://{user}:***@{host}"),
        _ => url.into(),
    };
    let Some((address, query)) = shown.split_once('?') else { return shown };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name @ ("password" | "sslpassword"), _)) => format!("{name}=***"),
        _ => pair.into(),
    });
    format!("{address}?{}", pairs.collect::<Vec<_>>().join("&"))
}

/// A text that no other call gives, on no machine: hashers have random keys.
pub fn token() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

fn integer(cell: &Cell) -> Result<i64, Error> {
    cell.int().ok_or_else(|| Error::Value(format!("the database gave {cell} for a whole number")))
}

/// A study, through a connection of its own: each worker opens one.
#[derive(Debug)]
pub struct Study {
    storage: Storage,
    id: i64,
    name: String,
    direction: Direction,
    space: Space,
    patience: Patience,
}

impl Study {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which values are good ones.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Its space.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// All trials, in the order of their numbers.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn trials(&mut self) -> Result<Vec<Stored>, Error> {
        let (study, space) = (self.id, &self.space);
        self.storage.database.within(|session| read(session, study, space))
    }

    /// The [`best`] of all trials.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn best(&mut self) -> Result<Option<Stored>, Error> {
        Ok(best(&self.trials()?, self.direction).cloned())
    }

    /// Keeps `value` under `key` for the study, unless there is one: returns the one that is kept.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn agree_on(&mut self, key: &str, value: &Json) -> Result<Json, Error> {
        let study = self.id;
        self.storage.database.within(|session| {
            let sql = "INSERT INTO study_user_attributes (study_id, key, value_json) VALUES (?1, ?2, ?3)
                       ON CONFLICT (study_id, key) DO NOTHING";
            session.run(sql, &[study.into(), key.into(), value.to_string().as_str().into()])?;
            let sql = "SELECT value_json FROM study_user_attributes WHERE study_id = ?1 AND key = ?2";
            let rows = session.run(sql, &[study.into(), key.into()])?;
            Ok(rows.first().map_or(Json::Null, |row| parsed(&row[0])))
        })
    }

    /// What this worker does next: a trial that waits, or a new one while there are fewer than `limit`, with what `choose` says
    /// for its number, knowing the others.
    ///
    /// Parameters that a waiting trial has already, as from Optuna's `enqueue_trial`, are kept, and decide under which choices
    /// the trial is: `choose` gets a space in which each of them has this one value. A waiting trial with parameters or values
    /// that the study's space does not have fails, and says why under its attribute `failure`.
    ///
    /// # Errors
    /// [`Error::Storage`], what `choose` fails with, and [`Error::Value`] where it leaves a parameter out.
    pub fn next(
        &mut self,
        limit: u64,
        mut choose: impl FnMut(&Space, &[Trial], u64) -> Result<Codes, Error>,
    ) -> Result<Next, Error> {
        let (study, space, patience) = (self.id, &self.space, self.patience);
        let token = token();
        self.storage.database.within(|session| {
            let dialect = session.dialect();
            // As Optuna does: whoever counts the trials holds the study's row.
            let sql = format!("SELECT study_id FROM studies WHERE study_id = ?1{}", dialect.for_update());
            session.run(&sql, &[study.into()])?;
            bury(session, study, patience)?;
            let waiting =
                "SELECT trial_id, number FROM trials WHERE study_id = ?1 AND state = 'WAITING' AND number IS NOT NULL
                           ORDER BY number LIMIT 1";
            let (id, number, codes) = loop {
                let taken = match session.run(waiting, &[study.into()])?.first() {
                    Some(row) => Some((integer(&row[0])?, integer(&row[1])?)),
                    None => None,
                };
                let (id, number) = match taken {
                    Some((id, number)) => {
                        let sql = format!(
                            "UPDATE trials SET state = 'RUNNING', datetime_start = {}, datetime_complete = NULL
                         WHERE trial_id = ?1 AND state = 'WAITING' RETURNING trial_id",
                            dialect.utc()
                        );
                        if session.run(&sql, &[id.into()])?.is_empty() {
                            // One of Optuna's workers, which do not lock the study for this, was faster.
                            return Ok(Next::Wait);
                        }
                        (id, number)
                    }
                    None => {
                        let sql = "SELECT count(*) FROM trials WHERE study_id = ?1";
                        if integer(&session.run(sql, &[study.into()])?[0][0])? as u64 >= limit {
                            let running = format!("{} LIMIT 1", ours());
                            let under_way = !session.run(&running, &[study.into()])?.is_empty();
                            return Ok(if under_way { Next::Wait } else { Next::Done });
                        }
                        insert(session, study)?
                    }
                };
                let number = number as u64;
                let fixed = fixed(session, id)?;
                let known = read(session, study, space)?;
                let trials: Vec<Trial> = known.into_iter().map(|stored| stored.trial).collect();
                let choose = |space: &Space| choose(space, &trials, number);
                let why = match misfit(space, &fixed) {
                    Some(why) => why,
                    None => {
                        let codes = complete(space, &fixed, number, choose)?;
                        match fixed.keys().find(|name| !codes.contains_key(*name)) {
                            Some(name) => format!("{name:?} does not exist beside its other values"),
                            None => break (id, number, codes),
                        }
                    }
                };
                let why = json!(format!("it waited with values that it cannot have: {why}"));
                set(session, "trial_user_attributes", id, FAILURE, &why)?;
                end(session, id, "FAIL")?;
            };
            session.run("DELETE FROM trial_params WHERE trial_id = ?1", &[id.into()])?;
            for parameter in space.parameters() {
                let Some(code) = codes.get(&parameter.name) else { continue };
                let json = distribution::write(&parameter.domain).to_string();
                session.run(
                    "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)
                     VALUES (?1, ?2, ?3, ?4)",
                    &[id.into(), parameter.name.as_str().into(), (*code).into(), json.as_str().into()],
                )?;
            }
            set(session, "trial_system_attributes", id, CLAIM, &json!(token))?;
            pulse(session, id)?;
            Ok(Next::Run(Claim { number, codes, id, token: token.clone() }))
        })
    }

    /// Says that the worker of a trial is alive.
    ///
    /// # Errors
    /// [`Error::Lost`] when the trial was given to another, [`Error::Storage`].
    pub fn alive(&mut self, claim: &Claim) -> Result<(), Error> {
        self.of(claim, |session| pulse(session, claim.id))
    }

    /// Notes what a trial came to at a step, such as an epoch, from 1 on.
    ///
    /// # Errors
    /// [`Error::Lost`] when the trial was given to another, [`Error::Storage`].
    pub fn report(&mut self, claim: &Claim, step: u64, value: f64) -> Result<(), Error> {
        let (kind, value) = stored(value);
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        self.of(claim, |session| {
            let sql = format!(
                "INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type)
                 VALUES (?1, ?2, ?3, '{kind}') ON CONFLICT (trial_id, step) DO UPDATE SET
                 intermediate_value = excluded.intermediate_value, intermediate_value_type = excluded.intermediate_value_type"
            );
            session.run(&sql, &[claim.id.into(), step.into(), value.into()])?;
            pulse(session, claim.id)
        })
    }

    /// Ends a trial with its value. One that is no number is a failed trial.
    ///
    /// # Errors
    /// [`Error::Lost`] when the trial was given to another, [`Error::Storage`].
    pub fn complete(&mut self, claim: &Claim, value: f64) -> Result<(), Error> {
        if value.is_nan() {
            return self.fail(claim, "its value is not a number");
        }
        self.of(claim, |session| {
            value_of(session, claim.id, value)?;
            end(session, claim.id, "COMPLETE")
        })
    }

    /// Ends a trial early; its value is its last report.
    ///
    /// # Errors
    /// [`Error::Lost`] when the trial was given to another, [`Error::Storage`].
    pub fn prune(&mut self, claim: &Claim) -> Result<(), Error> {
        self.of(claim, |session| {
            let sql =
                "SELECT intermediate_value, CAST(intermediate_value_type AS VARCHAR(16)) FROM trial_intermediate_values
                       WHERE trial_id = ?1 ORDER BY step DESC LIMIT 1";
            let last = session.run(sql, &[claim.id.into()])?;
            if let Some(value) = last.first().and_then(|row| number(&row[0], &row[1])).filter(|value| !value.is_nan()) {
                value_of(session, claim.id, value)?;
            }
            end(session, claim.id, "PRUNED")
        })
    }

    /// Ends a trial that came to nothing, and says why.
    ///
    /// # Errors
    /// [`Error::Lost`] when the trial was given to another, [`Error::Storage`].
    pub fn fail(&mut self, claim: &Claim, why: &str) -> Result<(), Error> {
        self.of(claim, |session| {
            set(session, "trial_user_attributes", claim.id, FAILURE, &json!(why))?;
            end(session, claim.id, "FAIL")
        })
    }

    /// Lets a trial go that was not finished: it waits for the next worker, as if it had not begun.
    ///
    /// # Errors
    /// [`Error::Lost`] when the trial was given to another, [`Error::Storage`].
    pub fn release(&mut self, claim: &Claim) -> Result<(), Error> {
        self.of(claim, |session| wait_again(session, claim.id))
    }

    /// Notes something of a trial that anybody may read.
    ///
    /// # Errors
    /// [`Error::Lost`] when the trial was given to another, [`Error::Storage`].
    pub fn note(&mut self, claim: &Claim, key: &str, value: &Json) -> Result<(), Error> {
        self.of(claim, |session| set(session, "trial_user_attributes", claim.id, key, value))
    }

    /// Does something to a trial if it is this worker's still.
    fn of(&mut self, claim: &Claim, mut work: impl FnMut(&mut dyn Session) -> Result<(), Error>) -> Result<(), Error> {
        self.storage.database.within(|session| {
            // First the row is held, and then looked at: the token is read after whoever held the row before is done.
            let sql = format!(
                "SELECT CAST(state AS VARCHAR(16)) FROM trials WHERE trial_id = ?1{}",
                session.dialect().for_update()
            );
            let rows = session.run(&sql, &[claim.id.into()])?;
            let running = rows.first().is_some_and(|row| row[0].text() == Some("RUNNING"));
            let sql = "SELECT value_json FROM trial_system_attributes WHERE trial_id = ?1 AND key = ?2";
            let rows = session.run(sql, &[claim.id.into(), CLAIM.into()])?;
            if !running || rows.first().is_none_or(|row| parsed(&row[0]) != json!(claim.token)) {
                return Err(Error::Lost(claim.number));
            }
            work(session)
        })
    }
}

/// The kind of a value in the schema's words, and the value if it is a finite number.
fn stored(value: f64) -> (&'static str, Option<f64>) {
    match value {
        f64::INFINITY => ("INF_POS", None),
        f64::NEG_INFINITY => ("INF_NEG", None),
        value if value.is_nan() => ("NAN", None),
        value => ("FINITE", Some(value)),
    }
}

/// The value from what is stored.
fn number(value: &Cell, kind: &Cell) -> Option<f64> {
    match kind.text()? {
        "INF_POS" => Some(f64::INFINITY),
        "INF_NEG" => Some(f64::NEG_INFINITY),
        "NAN" => Some(f64::NAN),
        _ => value.float(),
    }
}

fn parsed(cell: &Cell) -> Json {
    cell.text().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Json::Null)
}

/// A new trial's identity and number: how many were there before it.
fn insert(session: &mut dyn Session, study: i64) -> Result<(i64, i64), Error> {
    let sql = format!(
        "INSERT INTO trials (study_id, state, datetime_start) VALUES (?1, 'RUNNING', {}) RETURNING trial_id",
        session.dialect().utc()
    );
    let id = integer(&session.run(&sql, &[study.into()])?[0][0])?;
    let sql = "UPDATE trials SET number = (SELECT count(*) FROM trials WHERE study_id = ?1 AND trial_id < ?2)
               WHERE trial_id = ?2 RETURNING number";
    let number = integer(&session.run(sql, &[study.into(), id.into()])?[0][0])?;
    Ok((id, number))
}

/// Selects the running trials of the study ?1 that workers of ours have. Optuna's look after their own.
fn ours() -> String {
    format!(
        "SELECT t.trial_id FROM trials t JOIN trial_heartbeats h ON h.trial_id = t.trial_id
         JOIN trial_system_attributes c ON c.trial_id = t.trial_id AND c.key = '{CLAIM}'
         WHERE t.study_id = ?1 AND t.state = 'RUNNING'"
    )
}

/// Lets the trials wait again whose workers fell silent; those that were tried too often have failed.
fn bury(session: &mut dyn Session, study: i64, patience: Patience) -> Result<(), Error> {
    let dialect = session.dialect();
    let silent = format!("{} AND {} > {:?}", ours(), dialect.since("h.heartbeat"), patience.silence);
    for row in session.run(&silent, &[study.into()])? {
        let id = integer(&row[0])?;
        // The row is held, and looked at again: the worker may just have finished, or said that it is alive.
        let sql =
            format!("SELECT trial_id FROM trials WHERE trial_id = ?1 AND state = 'RUNNING'{}", dialect.for_update());
        let held = !session.run(&sql, &[id.into()])?.is_empty();
        if !held || session.run(&format!("{silent} AND t.trial_id = ?2"), &[study.into(), id.into()])?.is_empty() {
            continue;
        }
        let sql = "SELECT value_json FROM trial_user_attributes WHERE trial_id = ?1 AND key = ?2";
        let before = session.run(sql, &[id.into(), DEATHS.into()])?;
        let deaths = 1 + before.first().and_then(|row| parsed(&row[0]).as_u64()).unwrap_or(0);
        set(session, "trial_user_attributes", id, DEATHS, &json!(deaths))?;
        if deaths < patience.deaths {
            wait_again(session, id)?;
        } else {
            set(session, "trial_user_attributes", id, FAILURE, &json!(format!("{deaths} workers died of it")))?;
            end(session, id, "FAIL")?;
        }
    }
    Ok(())
}

/// Makes a running trial wait, with its parameters and without what its last attempt left: nor is it that worker's any more,
/// whoever takes it up.
fn wait_again(session: &mut dyn Session, id: i64) -> Result<(), Error> {
    let sql =
        "SELECT param_name, param_value, distribution_json FROM trial_params WHERE trial_id = ?1 ORDER BY param_id";
    let mut fixed = serde_json::Map::new();
    for row in session.run(sql, &[id.into()])? {
        if let (Some(name), Some(code)) = (row[0].text(), row[1].float()) {
            fixed.insert(name.into(), distribution::outside(&parsed(&row[2]), code));
        }
    }
    set(session, "trial_system_attributes", id, FIXED, &Json::Object(fixed))?;
    for table in ["trial_params", "trial_intermediate_values", "trial_heartbeats"] {
        session.run(&format!("DELETE FROM {table} WHERE trial_id = ?1"), &[id.into()])?;
    }
    let sql = "DELETE FROM trial_system_attributes WHERE trial_id = ?1 AND key = ?2";
    session.run(sql, &[id.into(), CLAIM.into()])?;
    session.run("UPDATE trials SET state = 'WAITING', datetime_start = NULL WHERE trial_id = ?1", &[id.into()])?;
    Ok(())
}

/// The parameters that a trial is to have, by their values.
fn fixed(session: &mut dyn Session, id: i64) -> Result<serde_json::Map<String, Json>, Error> {
    let sql = "SELECT value_json FROM trial_system_attributes WHERE trial_id = ?1 AND key = ?2";
    let rows = session.run(sql, &[id.into(), FIXED.into()])?;
    Ok(match rows.first().map(|row| parsed(&row[0])) {
        Some(Json::Object(fixed)) => fixed,
        _ => serde_json::Map::new(),
    })
}

/// Why a trial with these values cannot be run: which of them the space does not have.
fn misfit(space: &Space, fixed: &serde_json::Map<String, Json>) -> Option<String> {
    fixed.iter().find_map(|(name, value)| {
        let Some(parameter) = space.parameters().iter().find(|parameter| parameter.name == *name) else {
            return Some(format!("the space has no parameter {name:?}"));
        };
        let outside = distribution::code(&parameter.domain, value).is_none();
        outside.then(|| format!("{name:?} is {value}, which is not in {}", parameter.domain))
    })
}

/// The codes of a trial: as they are fixed, the rest as it is chosen in a space where those have one value.
fn complete(
    space: &Space,
    fixed: &serde_json::Map<String, Json>,
    number: u64,
    choose: impl FnOnce(&Space) -> Result<Codes, Error>,
) -> Result<Codes, Error> {
    let decided = decided(space, fixed, number);
    let (mut codes, mut chosen, mut choose) = (Codes::new(), Codes::new(), Some(choose));
    for parameter in space.parameters() {
        let name = &parameter.name;
        if !space.exists(parameter, &codes) {
            continue;
        }
        if !decided.contains_key(name)
            && let Some(choose) = choose.take()
        {
            chosen = choose(&space.with_fixed(&decided))?;
        }
        let code = decided.get(name).or_else(|| chosen.get(name));
        codes.insert(name.clone(), *code.ok_or_else(|| Error::Value(format!("{name:?} has no value")))?);
    }
    Ok(codes)
}

/// The codes that a trial's fixed values decide: their own, and those of the parameters under whose choices alone they exist,
/// where these are not fixed themselves; of several such choices by the trial's number.
fn decided(space: &Space, fixed: &serde_json::Map<String, Json>, number: u64) -> Codes {
    let own = space.parameters().iter().filter_map(|Parameter { name, domain, .. }| {
        let code = distribution::code(domain, fixed.get(name)?)?;
        Some((name.clone(), code))
    });
    let mut codes: Codes = own.collect();
    // From the last on: what a condition is on stands before whom it is for.
    for Parameter { name, domain, .. } in space.parameters().iter().rev() {
        if codes.contains_key(name) {
            continue;
        }
        let decided = space.parameters().iter().filter(|other| codes.contains_key(&other.name));
        let conditions = decided.filter_map(|other| other.when.as_ref()).filter(|when| when.parameter == *name);
        let mut choices: Vec<f64> = Vec::new();
        for when in conditions {
            let these: Vec<f64> = when.one_of.iter().filter_map(|value| domain.code(value).ok()).collect();
            let both: Vec<f64> = choices.iter().copied().filter(|code| these.contains(code)).collect();
            match (choices.is_empty(), both.is_empty()) {
                (true, _) => choices = these,
                (false, false) => choices = both,
                // They cannot both exist: the first does.
                (false, true) => {}
            }
        }
        if !choices.is_empty() {
            codes.insert(name.clone(), choices[(number % choices.len() as u64) as usize]);
        }
    }
    codes
}

fn set(session: &mut dyn Session, table: &str, trial: i64, key: &str, value: &Json) -> Result<(), Error> {
    let sql = format!(
        "INSERT INTO {table} (trial_id, key, value_json) VALUES (?1, ?2, ?3)
         ON CONFLICT (trial_id, key) DO UPDATE SET value_json = excluded.value_json"
    );
    session.run(&sql, &[trial.into(), key.into(), value.to_string().as_str().into()])?;
    Ok(())
}

fn pulse(session: &mut dyn Session, trial: i64) -> Result<(), Error> {
    let sql = format!(
        "INSERT INTO trial_heartbeats (trial_id, heartbeat) VALUES (?1, {})
         ON CONFLICT (trial_id) DO UPDATE SET heartbeat = excluded.heartbeat",
        session.dialect().pulse()
    );
    session.run(&sql, &[trial.into()])?;
    Ok(())
}

fn value_of(session: &mut dyn Session, trial: i64, value: f64) -> Result<(), Error> {
    let (kind, value) = stored(value);
    let sql = format!("INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?1, 0, ?2, '{kind}')");
    session.run(&sql, &[trial.into(), value.into()])?;
    Ok(())
}

fn end(session: &mut dyn Session, trial: i64, state: &str) -> Result<(), Error> {
    let now = session.dialect().utc();
    let sql = format!("UPDATE trials SET state = '{state}', datetime_complete = {now} WHERE trial_id = ?1");
    session.run(&sql, &[trial.into()])?;
    Ok(())
}

/// All trials of a study.
fn read(session: &mut dyn Session, study: i64, space: &Space) -> Result<Vec<Stored>, Error> {
    let sql = format!(
        "SELECT t.trial_id, t.number, CAST(t.state AS VARCHAR(16)), CAST(t.datetime_start AS VARCHAR(32)),
                CAST(t.datetime_complete AS VARCHAR(32)), {}, v.value, CAST(v.value_type AS VARCHAR(16))
         FROM trials t LEFT JOIN trial_values v ON v.trial_id = t.trial_id AND v.objective = 0
         WHERE t.study_id = ?1 AND t.number IS NOT NULL ORDER BY t.number",
        session.dialect().seconds("t.datetime_start", "t.datetime_complete")
    );
    let mut trials = Vec::new();
    let mut places = BTreeMap::new();
    for row in session.run(&sql, &[study.into()])? {
        let state = match row[2].text() {
            Some("WAITING") => State::Waiting,
            Some("RUNNING") => State::Running,
            Some("COMPLETE") => State::Complete,
            Some("PRUNED") => State::Pruned,
            Some("FAIL") => State::Failed,
            _ => return Err(Error::Value(format!("the database has a trial in the state {}", row[2]))),
        };
        places.insert(integer(&row[0])?, trials.len());
        let time = |cell: &Cell| cell.text().map(str::to_owned);
        trials.push(Stored {
            trial: Trial {
                number: integer(&row[1])? as u64,
                state,
                codes: Codes::new(),
                value: number(&row[6], &row[7]),
                reports: BTreeMap::new(),
            },
            values: BTreeMap::new(),
            started: time(&row[3]),
            ended: time(&row[4]),
            // SQLite's days have no more digits than that.
            seconds: row[5].float().map(|seconds| (seconds * 1000.0).round() / 1000.0),
            attributes: BTreeMap::new(),
        });
    }
    let mut each = |sql: &str, put: &mut dyn FnMut(&mut Stored, &[Cell])| -> Result<(), Error> {
        for row in session.run(sql, &[study.into()])? {
            if let Some(at) = places.get(&integer(&row[0])?) {
                put(&mut trials[*at], &row[1..]);
            }
        }
        Ok(())
    };
    each(
        "SELECT p.trial_id, p.param_name, p.param_value, p.distribution_json FROM trial_params p
         JOIN trials t ON t.trial_id = p.trial_id WHERE t.study_id = ?1",
        &mut |stored, row| {
            let (Some(name), Some(code)) = (row[0].text(), row[1].float()) else { return };
            let value = distribution::outside(&parsed(&row[2]), code);
            let ours = space.parameters().iter().find(|parameter| parameter.name == name);
            if let Some(code) = ours.and_then(|parameter| distribution::code(&parameter.domain, &value)) {
                stored.trial.codes.insert(name.into(), code);
            }
            stored.values.insert(name.into(), value);
        },
    )?;
    each(
        "SELECT i.trial_id, i.step, i.intermediate_value, CAST(i.intermediate_value_type AS VARCHAR(16))
         FROM trial_intermediate_values i JOIN trials t ON t.trial_id = i.trial_id WHERE t.study_id = ?1",
        &mut |stored, row| {
            if let (Some(step), Some(value)) =
                (row[0].int().and_then(|step| u64::try_from(step).ok()), number(&row[1], &row[2]))
            {
                stored.trial.reports.insert(step, value);
            }
        },
    )?;
    each(
        "SELECT a.trial_id, a.key, a.value_json FROM trial_user_attributes a
         JOIN trials t ON t.trial_id = a.trial_id WHERE t.study_id = ?1",
        &mut |stored, row| {
            if let Some(key) = row[0].text() {
                stored.attributes.insert(key.into(), parsed(&row[1]));
            }
        },
    )?;
    Ok(trials)
}
