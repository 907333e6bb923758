//! What is to be searched, how, and where it is kept.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use strix_data::TrainTest;
use strix_train::config::TrainConfig;
use strix_train::model::Weights;
use strix_train::run::write_whole;
use strix_tune::{
    Asha, Codes, Direction, Grid, Hyperband, Median, Patience, Pruner, Random, Sampler, Space, Spread, Storage, Study,
    Tpe,
};

use crate::args::{self, Command, Dataset, Model, Preset, Tune};
use crate::commands::settings;
use crate::failure::Failure;

/// The file with the options that a study was begun with.
const OPTIONS: &str = "tune.json";
/// The copy of the file with the space.
const SPACE: &str = "space.toml";

pub(super) struct Plan {
    pub(super) args: Tune,
    /// All options, as they were given.
    pub(super) options: Vec<OsString>,
    pub(super) out: PathBuf,
    pub(super) space: Space,
    pub(super) name: String,
    pub(super) url: String,
    pub(super) weights: Option<Weights>,
    /// The text of the space's file.
    text: Option<String>,
    grid: Option<u64>,
}

impl Plan {
    pub(super) fn of(args: Tune) -> Result<Self, Failure> {
        let (mut args, options) = match &args.resume {
            None => (args, args::given()),
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
            None => next_free(&Path::new("studies").join(&name)),
        };
        let copy = out.join(SPACE);
        let (space, text, place) = match (args.preset, &args.space) {
            (Some(preset), _) => (of_preset(preset).space(), None, PathBuf::from("--preset")),
            (None, Some(file)) => {
                let file = if copy.is_file() { copy } else { file.clone() };
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
        let url = args.storage.clone().unwrap_or_else(|| format!("sqlite:///{}", out.join("study.db").display()));
        let plan = Self { args, options, out, space, name, url, weights, text, grid };
        plan.check(&place)?;
        Ok(plan)
    }

    /// Refuses a space with what are no options, before anything is begun.
    fn check(&self, place: &Path) -> Result<(), Failure> {
        for parameter in self.space.parameters() {
            let code = match &parameter.domain {
                strix_tune::Domain::Float { low, .. } => *low,
                strix_tune::Domain::Int { low, .. } => *low as f64,
                strix_tune::Domain::Choice(_) => 0.0,
            };
            let value = parameter.domain.value(code)?.to_string();
            self.args.settings.with(args::options([(parameter.name.as_str(), value)]), place)?;
        }
        Ok(())
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
        Storage::shown(&self.url)
    }

    pub(super) fn open(&self) -> Result<Study, Failure> {
        let patience = Patience { silence: self.args.silence, ..Patience::default() };
        Ok(Storage::open(&self.url)?.study(&self.name, Direction::Maximize, &self.space, patience)?)
    }

    /// Makes the folder and the study, or joins it if it is searched in the same way.
    pub(super) fn begin(&self, data: &TrainTest) -> Result<Study, Failure> {
        let elsewhere = self.args.storage.is_some();
        if elsewhere {
            self.agree(data)?;
        }
        if self.args.resume.is_none() {
            self.make_folder()?;
        }
        self.agree(data)
    }

    /// The folder with what a study needs to go on: all of it, or nothing.
    fn make_folder(&self) -> Result<(), Failure> {
        let out = &self.out;
        let failed = |e: std::io::Error| Failure::Output(format!("{}: cannot create it: {e}", out.display()));
        if let Some(parent) = out.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        std::fs::create_dir(out).map_err(|e| match e.kind() {
            std::io::ErrorKind::AlreadyExists => Failure::Output(format!(
                "{} exists already; go on with it by --resume, or choose another --out",
                out.display()
            )),
            _ => failed(e),
        })?;
        let saved = args::without(&self.options, &["--out", "--storage", "--space"]);
        let mut saved: Vec<String> = saved.iter().map(|option| option.to_string_lossy().into_owned()).collect();
        if let Some(text) = &self.text {
            saved.push(format!("--space={SPACE}"));
            write_whole(&out.join(SPACE), |file| std::io::Write::write_all(file, text.as_bytes()))?;
        }
        let saved = json!({ "options": saved, "storage": self.args.storage.as_deref().map(Storage::shown) });
        write_whole(&out.join(OPTIONS), |file| {
            serde_json::to_writer_pretty(&mut *file, &saved)?;
            std::io::Write::write_all(file, b"\n")
        })?;
        Ok(())
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
        });
        let agreed = study.agree_on("strix", &ours)?;
        match difference("", &agreed, &ours) {
            None => Ok(study),
            Some(what) => Err(Failure::Usage(format!(
                "study {:?} is of other trainings: {what}; choose another --study, or the same options",
                self.name
            ))),
        }
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
        sampler.choose(space, trials, Direction::Maximize, number)
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

fn next_free(prefix: &Path) -> PathBuf {
    let mut name = |number: u32| PathBuf::from(format!("{}-{number}", prefix.display()));
    (1..).map(&mut name).find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| prefix.into())
}

/// The options that a study was begun with, and those given now behind them.
fn resumed(folder: &Path) -> Result<(Tune, Vec<OsString>), Failure> {
    let file = folder.join(OPTIONS);
    let wrong = |what: String| Failure::Input(format!("{}: {what}", file.display()));
    let text = std::fs::read_to_string(&file).map_err(|e| wrong(format!("{e}; it is no folder of strix tune")))?;
    let saved: Json = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
    let saved_options: Vec<String> =
        serde_json::from_value(saved["options"].clone()).map_err(|e| wrong(format!("its options: {e}")))?;
    let mut options: Vec<OsString> = saved_options.into_iter().map(OsString::from).collect();
    let given = args::without(&args::given(), &["--resume"]);
    if let Some(storage) = saved["storage"].as_str() {
        let told_now = args::has(&given, "storage") || std::env::var_os("STRIX_STORAGE").is_some();
        if storage.contains(":***@") && !told_now {
            return Err(Failure::Usage(format!(
                "the study is in {storage}; passwords are not kept: give --storage again"
            )));
        }
        if !told_now {
            options.push(format!("--storage={storage}").into());
        }
    }
    options.extend(given);
    let Command::Tune(mut args) = args::parsed("tune", options.clone(), &file)? else {
        return Err(Failure::Internal("strix tune is another command".into()));
    };
    args.out = Some(folder.into());
    args.resume = Some(folder.into());
    Ok((*args, options))
}

/// The first difference of two values, by its place.
fn difference(place: &str, agreed: &Json, ours: &Json) -> Option<String> {
    match (agreed, ours) {
        (Json::Object(agreed), Json::Object(ours)) => {
            let names: std::collections::BTreeSet<&String> = agreed.keys().chain(ours.keys()).collect();
            let none = Json::Null;
            names.into_iter().find_map(|name| {
                let [agreed, ours] = [agreed, ours].map(|values| values.get(name).unwrap_or(&none));
                difference(&format!("{place} {name}"), agreed, ours)
            })
        }
        (agreed, ours) if agreed == ours => None,
        _ => Some(format!("its{place} is {agreed}, here {ours}")),
    }
}
