//! What is to be searched, how, and where it is kept.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use strix_data::TrainTest;
use strix_train::config::TrainConfig;
use strix_train::model::Weights;
use strix_train::run::write_whole;
use strix_tune::{
    Asha, Codes, Direction, Domain, Grid, Hyperband, Median, Patience, Pruner, Random, Sampler, Space, Spread, Storage,
    Study, Tpe,
};

use crate::args::{self, Command, Dataset, Model, Preset, Tune};
use crate::commands::settings;
use crate::failure::Failure;

/// Of validation accuracies.
pub(super) const DIRECTION: Direction = Direction::Maximize;
/// The file with the options that a study was begun with.
const OPTIONS: &str = "tune.json";
/// The study's attribute that tells it from others of its name.
const IDENTITY: &str = "strix:study";
/// Options that are read once, for all trials.
const FOR_ALL: [&str; 4] = ["data", "dataset", "image-size", "weights"];
/// The study, where it is not kept elsewhere.
const STUDY: &str = "study.db";
/// The copy of the file with the space.
const SPACE: &str = "space.toml";

pub(super) struct Plan {
    pub(super) args: Tune,
    /// All options, as they were given.
    pub(super) options: Vec<OsString>,
    pub(super) out: PathBuf,
    pub(super) space: Space,
    pub(super) name: String,
    pub(super) weights: Option<Weights>,
    /// The text of the space's file.
    text: Option<String>,
    grid: Option<u64>,
    /// What tells the study of a folder from others of its name; folders of earlier versions have none.
    identity: Option<String>,
}

impl Plan {
    pub(super) fn of(args: Tune) -> Result<Self, Failure> {
        let (mut args, options, identity) = match &args.resume {
            None => (args, args::given(), None),
            Some(folder) => resumed(folder)?,
        };
        let settings = &mut args.settings;
        if let Some(preset) = args.preset {
            if args::has(&options, "model") {
                return Err(Failure::Usage("--preset names the network; leave --model out".into()));
            }
            settings.network.model = match preset {
                Preset::Fcnn => Model::Fcnn,
                Preset::Convstrix => Model::Convstrix,
                Preset::Vggstrix => Model::Vggstrix,
            };
        }
        let weights = settings.network.weights.as_deref().map(Weights::open).transpose()?;
        let network = settings::config(settings, weights.as_ref())?;
        network.device.open()?;
        let dataset = settings.dataset.as_ref().map_or_else(|| "images".into(), short);
        let name = args.study.clone().unwrap_or_else(|| format!("{}-{dataset}", network.network.name()));
        let out = match &args.out {
            Some(out) => out.clone(),
            None => next_free(&name),
        };
        let copy = out.join(SPACE);
        let (space, text, place) = match (args.preset, &args.space) {
            (Some(preset), _) => (of_preset(preset).space(), None, PathBuf::from("--preset")),
            (None, Some(file)) => {
                // Whatever becomes of the file.
                let file = if args.worker && copy.is_file() { copy } else { file.clone() };
                let text =
                    std::fs::read_to_string(&file).map_err(|e| Failure::Input(format!("{}: {e}", file.display())))?;
                let wrong = |e: strix_tune::Error| Failure::Usage(format!("{}: {e}", file.display()));
                (Space::from_toml(&text).map_err(wrong)?, Some(text), file)
            }
            (None, None) => return Err(Failure::Usage("--preset or --space says what to search".into())),
        };
        // What is given is not searched.
        let open = space.parameters().iter().filter(|parameter| !args::has(&options, &parameter.name));
        let space = Space::new(open.cloned().collect())
            .map_err(|e| Failure::Usage(format!("{e}, once the options that are given are left out of it")))?;
        let grid = match args.sampler {
            args::Sampler::Grid => Some(Grid::combinations(&space)?.len() as u64),
            _ => None,
        };
        let plan = Self { args, options, out, space, name, weights, text, grid, identity };
        plan.check(&place)?;
        Ok(plan)
    }

    /// Refuses a space with what are no options, before anything is begun.
    fn check(&self, place: &Path) -> Result<(), Failure> {
        let names: Vec<&str> = self.space.parameters().iter().map(|parameter| parameter.name.as_str()).collect();
        if let Some(name) = names.iter().find(|name| FOR_ALL.contains(name)) {
            let place = place.display();
            return Err(Failure::Usage(format!("{place}: --{name} is the same in all trials, and cannot be searched")));
        }
        for parameter in self.space.parameters() {
            let values = match &parameter.domain {
                Domain::Float { low, .. } => vec![strix_tune::Value::Float(*low)],
                Domain::Int { low, .. } => vec![strix_tune::Value::Int(*low)],
                Domain::Choice(values) => values.clone(),
            };
            for value in values {
                let option = args::options([(parameter.name.as_str(), value.to_string())]);
                let settings = self.args.settings.with(option, place)?;
                if !names.contains(&"model") {
                    settings::config(&settings, self.weights.as_ref())?;
                }
            }
        }
        Ok(())
    }

    /// When its time is over.
    pub(super) fn deadline(&self, started: Instant) -> Option<Instant> {
        self.args.timeout.map(|seconds| started + Duration::from_secs_f64(seconds))
    }

    pub(super) fn dataset(&self) -> Option<&Dataset> {
        self.args.settings.dataset.as_ref()
    }

    /// Trials of the study.
    pub(super) fn limit(&self) -> u64 {
        self.grid.map_or(self.args.trials, |combinations| combinations.min(self.args.trials))
    }

    /// The storage, as it may be shown.
    pub(super) fn place(&self) -> String {
        let own = || format!("sqlite:///{}", self.out.join(STUDY).display());
        self.args.storage.as_deref().map_or_else(own, Storage::shown)
    }

    pub(super) fn open(&self) -> Result<Study, Failure> {
        let patience = Patience { silence: self.args.silence, ..Patience::default() };
        let storage = match &self.args.storage {
            Some(url) => Storage::open(url)?,
            None => Storage::file(&self.out.join(STUDY))?,
        };
        Ok(storage.study(&self.name, DIRECTION, &self.space, patience)?)
    }

    /// Makes the folder and the study, or joins it if it is searched in the same way.
    pub(super) fn begin(&mut self, data: &TrainTest) -> Result<Study, Failure> {
        if self.args.resume.is_some() {
            self.refuse_another_study()?;
        } else {
            self.identity = Some(strix_tune::token());
        }
        // Where there is a study already, before anything is written.
        if self.args.storage.is_some() || self.args.resume.is_some() {
            let mut study = self.agree(data)?;
            if let Some(ours) = &self.identity {
                let known = study.agree_on(IDENTITY, &json!(ours))?;
                self.identity = known.as_str().map(str::to_owned);
            }
        }
        match self.args.resume {
            None => self.make_folder()?,
            Some(_) => self.copy_space()?,
        }
        let mut study = self.agree(data)?;
        if let Some(ours) = &self.identity {
            study.agree_on(IDENTITY, &json!(ours))?;
        }
        Ok(study)
    }

    /// Refuses a storage without the study of the folder: its trials would take the place of those that are there.
    fn refuse_another_study(&self) -> Result<(), Failure> {
        let Some(url) = &self.args.storage else { return Ok(()) };
        let mut storage = Storage::open(url)?;
        let found = storage.attribute(&self.name, IDENTITY)?;
        let what = match (found, &self.identity) {
            (None, _) => "has no such study",
            (Some(Json::String(found)), Some(ours)) if found != *ours => "has another study of this name",
            (Some(_), _) => return Ok(()),
        };
        Err(Failure::Usage(format!(
            "{} goes on with its study {:?}, but {} {what}; leave --storage out, or begin a search with another --out",
            self.out.display(),
            self.name,
            Storage::shown(url)
        )))
    }

    /// Keeps what is searched, should the file become another one.
    fn copy_space(&self) -> Result<(), Failure> {
        let Some(text) = &self.text else { return Ok(()) };
        Ok(write_whole(&self.out.join(SPACE), |file| std::io::Write::write_all(file, text.as_bytes()))?)
    }

    /// The folder with what a study needs to go on: all of it, or nothing.
    fn make_folder(&mut self) -> Result<(), Failure> {
        let failed =
            |out: &Path, e: std::io::Error| Failure::Output(format!("{}: cannot create it: {e}", out.display()));
        if let Some(parent) = self.out.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent).map_err(|e| failed(&self.out, e))?;
        }
        while let Err(e) = std::fs::create_dir(&self.out) {
            if e.kind() != std::io::ErrorKind::AlreadyExists {
                return Err(failed(&self.out, e));
            }
            if self.args.out.is_some() {
                return Err(Failure::Output(format!(
                    "{} exists already; go on with it by --resume, or choose another --out",
                    self.out.display()
                )));
            }
            // Another search may have begun under this name just now.
            self.out = next_free(&self.name);
        }
        self.copy_space()?;
        let mut saved = args::without(&self.options, &["--out", "--storage", "--space", "--study"]);
        for (option, path) in self.paths() {
            saved = args::without(&saved, &[&format!("--{option}")]);
            let path = std::path::absolute(path).map_err(|e| failed(path, e))?;
            saved.push(format!("--{option}={}", path.display()).into());
        }
        let mut saved: Vec<String> = saved.iter().map(|option| option.to_string_lossy().into_owned()).collect();
        if self.text.is_some() {
            saved.push(format!("--space={SPACE}"));
        }
        let storage = self.args.storage.as_deref().map(|url| Storage::shown(&anywhere(url)));
        let saved = json!({ "options": saved, "storage": storage, "study": self.name, "identity": self.identity });
        write_whole(&self.out.join(OPTIONS), |file| {
            serde_json::to_writer_pretty(&mut *file, &saved)?;
            std::io::Write::write_all(file, b"\n")
        })?;
        Ok(())
    }

    /// The options that name files, which a search that is resumed may be in another folder than.
    fn paths(&self) -> Vec<(&'static str, &Path)> {
        let settings = &self.args.settings;
        let folder = match &settings.dataset {
            Some(Dataset::Folder(folder)) => Some(folder.as_path()),
            _ => None,
        };
        let all = [
            ("dataset", folder),
            ("data", settings.place.data.as_deref()),
            ("weights", settings.network.weights.as_deref()),
        ];
        // What the environment names is not the study's.
        all.into_iter()
            .filter_map(|(name, path)| Some((name, path.filter(|_| args::has(&self.options, name))?)))
            .collect()
    }

    /// Opens the study, and refuses one of trials that cannot be compared with these.
    fn agree(&self, data: &TrainTest) -> Result<Study, Failure> {
        let mut study = self.open()?;
        let mut config = serde_json::to_value(settings::config(&self.args.settings, self.weights.as_ref())?)?;
        if let Some(config) = config.as_object_mut() {
            // Which of a team's machines have a GPU changes nothing of the question.
            config.remove("device");
        }
        let ours = json!({
            "dataset": data.checksums, "classes": data.train.classes, "images": data.train.len(), "config": config,
            "weights": self.weights.as_ref().map(|weights| &weights.record.sha256),
            // Who expects to hear more often than others speak would take living workers for dead.
            "silence": self.args.silence,
        });
        let agreed = study.agree_on("strix", &ours)?;
        let Some((part, what)) = first_difference(&agreed, &ours) else { return Ok(study) };
        let of_data = ["classes", "images", "dataset"].contains(&part);
        let other = match (&self.args.resume, of_data) {
            (Some(_), true) => "go on with the images that it was begun with, or begin another search without --resume",
            (Some(_), false) => "leave that option out to go on, or begin another search without --resume",
            (None, true) => "choose another --study, or the same images",
            (None, false) => "choose another --study, or the same options",
        };
        Err(Failure::Usage(format!("study {:?} is of other trainings: {what}; {other}", self.name)))
    }

    pub(super) fn choose(
        &self,
        space: &Space,
        trials: &[strix_tune::Trial],
        number: u64,
    ) -> Result<Codes, strix_tune::Error> {
        let seed = self.args.settings.recipe.seed.unwrap_or(0);
        let sampler: &dyn Sampler = match self.args.sampler {
            args::Sampler::Tpe => &Tpe::new(seed),
            args::Sampler::Random => &Random { seed },
            args::Sampler::Grid => &Grid { seed },
        };
        sampler.choose(space, trials, DIRECTION, number)
    }

    pub(super) fn pruner(&self, epochs: usize) -> Option<Box<dyn Pruner>> {
        match self.args.pruner {
            args::Pruner::None => None,
            args::Pruner::Asha => Some(Box::new(Asha::default())),
            args::Pruner::Hyperband => Some(Box::new(Hyperband { first: 1, last: epochs as u64, factor: 3 })),
            args::Pruner::Median => Some(Box::new(Median::default())),
            args::Pruner::Spread => Some(Box::new(Spread::default())),
        }
    }

    /// The configuration of a trial.
    pub(super) fn config(&self, codes: &Codes) -> Result<TrainConfig, Failure> {
        let values = self.space.values(codes)?;
        let options = args::options(values.iter().map(|(name, value)| (name.as_str(), value.to_string())));
        let settings = self.args.settings.with(options, Path::new("the space"))?;
        settings::config(&settings, self.weights.as_ref())
    }
}

fn of_preset(preset: Preset) -> strix_tune::Preset {
    match preset {
        Preset::Fcnn => strix_tune::Preset::Fcnn,
        Preset::Convstrix => strix_tune::Preset::ConvStrix,
        Preset::Vggstrix => strix_tune::Preset::VggStrix,
    }
}

/// A dataset's name for a study: of a folder the last part.
fn short(dataset: &Dataset) -> String {
    match dataset {
        Dataset::FashionMnist => "fashion-mnist".into(),
        Dataset::Garments => "garments".into(),
        Dataset::Folder(folder) => {
            folder.file_name().map_or_else(|| "images".into(), |name| name.to_string_lossy().into_owned())
        }
    }
}

fn next_free(study: &str) -> PathBuf {
    // One folder, whatever the study is called.
    let study = study.replace(['/', '\\'], "-");
    let folder = |number: u32| Path::new("studies").join(format!("{study}-{number}"));
    (1..).map(folder).find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| folder(0))
}

/// A storage's address that means the same in every folder.
fn anywhere(url: &str) -> String {
    let file = url.split_once(":///").filter(|(scheme, _)| scheme.split('+').next() == Some("sqlite"));
    let file = file.and_then(|(scheme, path)| Some((scheme, std::path::absolute(path).ok()?)));
    file.map_or_else(|| url.into(), |(scheme, path)| format!("{scheme}:///{}", path.display()))
}

/// The options that a study was begun with, with those given now behind them, and its identity.
fn resumed(folder: &Path) -> Result<(Tune, Vec<OsString>, Option<String>), Failure> {
    let file = folder.join(OPTIONS);
    let wrong = |what: String| Failure::Input(format!("{}: {what}", file.display()));
    let text = std::fs::read_to_string(&file).map_err(|e| wrong(format!("{e}; it is no folder of strix tune")))?;
    let saved: Json = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
    let saved_options: Vec<String> =
        serde_json::from_value(saved["options"].clone()).map_err(|e| wrong(format!("its options: {e}")))?;
    let mut options: Vec<OsString> = saved_options.into_iter().map(OsString::from).collect();
    if args::has(&options, "space") {
        options = args::without(&options, &["--space"]);
        options.push(format!("--space={}", folder.join(SPACE).display()).into());
    }
    let given = args::without(&args::given(), &["--resume"]);
    // What is given anew need not be there any more.
    for name in FOR_ALL.iter().filter(|name| args::has(&given, name)) {
        options = args::without(&options, &[&format!("--{name}")]);
    }
    let name = saved["study"].as_str().ok_or_else(|| wrong("it does not name its study".into()))?;
    options.push(format!("--study={name}").into());
    // It is the study of before, whatever the environment says; but that may know the password.
    let mut in_folder = false;
    match saved["storage"].as_str() {
        _ if args::has(&given, "storage") => {}
        None if !folder.join(STUDY).is_file() => return Err(wrong(format!("its {STUDY} is not beside it"))),
        None => in_folder = true,
        Some(storage) if !storage.contains("***") => options.push(format!("--storage={storage}").into()),
        Some(storage) if std::env::var("STRIX_STORAGE").is_ok_and(|url| Storage::shown(&url) == storage) => {}
        Some(storage) => {
            return Err(Failure::Usage(format!(
                "the study is in {storage}; passwords are not kept: give --storage again"
            )));
        }
    }
    options.extend(given);
    let Command::Tune(mut args) = args::parsed("tune", options.clone(), &file)? else {
        return Err(Failure::Internal("strix tune is another command".into()));
    };
    if in_folder {
        args.storage = None;
    }
    args.out = Some(folder.into());
    args.resume = Some(folder.into());
    Ok((*args, options, saved["identity"].as_str().map(str::to_owned)))
}

/// What two searches are of: the part in which they differ first, of those that say most first, and how.
fn first_difference(agreed: &Json, ours: &Json) -> Option<(&'static str, String)> {
    ["classes", "images", "config", "weights", "silence", "dataset"].into_iter().find_map(|part| {
        let what = match part {
            // Of images and files, who reads it has no use for the checksums.
            "dataset" if agreed[part] != ours[part] => "it has as many images of the same classes, but others".into(),
            "config" => difference("", &agreed[part], &ours[part])?,
            _ => difference(&format!(" {part}"), &agreed[part], &ours[part])?,
        };
        Some((part, what))
    })
}

/// The first difference of two values, by its place, as a sentence.
fn difference(place: &str, agreed: &Json, ours: &Json) -> Option<String> {
    match (agreed, ours) {
        (agreed, ours) if agreed == ours => None,
        (Json::Object(agreed), Json::Object(ours)) => {
            let names: std::collections::BTreeSet<&String> = agreed.keys().chain(ours.keys()).collect();
            let none = Json::Null;
            names.into_iter().find_map(|name| {
                let [agreed, ours] = [agreed, ours].map(|values| values.get(name).unwrap_or(&none));
                // Options are called by their names.
                difference(&format!("{place} {}", name.replace('_', "-")), agreed, ours)
            })
        }
        // Of many files or classes, the ones that differ.
        (Json::Array(agreed), Json::Array(ours)) => {
            let without = |these: &[Json], others: &[Json]| -> Json {
                these.iter().filter(|one| !others.contains(one)).cloned().collect()
            };
            let [less, more] = [without(agreed, ours), without(ours, agreed)].map(|entries| told(&entries));
            Some(match (less.as_str(), more.as_str()) {
                ("none", "none") => format!("its{place} had another order"),
                (less, "none") => format!("its{place} had {less} too"),
                ("none", more) => format!("its{place} had no {more}"),
                (less, more) => format!("its{place} had {less}, where there is {more} here"),
            })
        }
        _ => Some(format!("its{place} is {}, here {}", told(agreed), told(ours))),
    }
}

/// A value in words.
fn told(value: &Json) -> String {
    const MOST: usize = 3;
    let inner = |value: &Json| match value {
        Json::Array(_) | Json::Object(_) => format!("({})", told(value)),
        _ => told(value),
    };
    let list = |entries: Vec<String>| match entries.len() {
        0 => "none".into(),
        len if len > MOST => format!("{} and {} more", entries[..MOST].join(", "), len - MOST),
        _ => entries.join(", "),
    };
    match value {
        Json::Null => "not set".into(),
        Json::String(text) => text.clone(),
        Json::Array(entries) => list(entries.iter().map(inner).collect()),
        Json::Object(entries) => {
            list(entries.iter().map(|(name, value)| format!("{} {}", name.replace('_', "-"), inner(value))).collect())
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_in_words() {
        let agreed = json!({
            "classes": ["left", "right", "up"], "config": {"limit": null, "schedule": {"kind": "one-cycle", "warm": 0.2}},
            "dataset": [["a.gz", "0f"], ["b.gz", "1f"]], "weights": null,
        });
        let told = |place: &str, value: Json| {
            let mut ours = agreed.clone();
            if let Some(held) = ours.pointer_mut(place) {
                *held = value;
            }
            first_difference(&agreed, &ours).map(|(_, what)| what).unwrap_or_default()
        };
        for (place, value, words) in [
            ("/classes", json!(["left", "right", "up"]), ""),
            ("/classes", json!(["left", "rechts", "up"]), "its classes had right, where there is rechts here"),
            ("/classes", json!(["left", "up"]), "its classes had right too"),
            ("/classes", json!(["left", "right", "up", "down"]), "its classes had no down"),
            (
                "/classes",
                json!(["a", "b", "c", "d", "e"]),
                "its classes had left, right, up, where there is a, b, c and 2 more here",
            ),
            ("/classes", json!(["right", "left", "up"]), "its classes had another order"),
            ("/config/limit", json!(9), "its limit is not set, here 9"),
            ("/config/schedule/warm", json!(0.5), "its schedule warm is 0.2, here 0.5"),
            ("/config/schedule", json!(null), "its schedule is kind one-cycle, warm 0.2, here not set"),
            (
                "/dataset",
                json!([["a.gz", "0f"], ["b.gz", "2f"]]),
                "it has as many images of the same classes, but others",
            ),
            ("/weights", json!("c0ffee"), "its weights is not set, here c0ffee"),
        ] {
            assert_eq!(told(place, value), words);
        }
    }
}
