//! Options that do not come from the command line alone: from a file, from an earlier call, from a search.

use std::ffi::OsString;
use std::path::Path;

use clap::{Args, CommandFactory, FromArgMatches};
use serde_json::Value as Json;

use super::train::{Network, Recipe};
use super::{Cli, Command, Settings};
use crate::failure::Failure;

/// What was given on the command line behind the command's name.
pub(crate) fn given() -> Vec<OsString> {
    std::env::args_os().skip(2).collect()
}

/// The options without these, which each have a value.
pub(crate) fn without(options: &[OsString], names: &[&str]) -> Vec<OsString> {
    let mut left = Vec::new();
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let text = option.to_string_lossy();
        if names.contains(&text.as_ref()) {
            options.next();
        } else if !names.iter().any(|name| text.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))) {
            left.push(option.clone());
        }
    }
    left
}

/// Whether an option is among these.
pub(crate) fn has(options: &[OsString], name: &str) -> bool {
    without(options, &[&format!("--{name}")]).len() < options.len()
}

/// The last value that an option is given among these.
pub(crate) fn value_of(options: &[OsString], name: &str) -> Option<String> {
    let option = format!("--{name}");
    let at = |at: usize| {
        let text = options[at].to_str()?;
        if text == option {
            // Without one, it is as good as true.
            let next = options.get(at + 1).and_then(|next| next.to_str()).filter(|next| !next.starts_with("--"));
            return Some(next.unwrap_or("true").to_owned());
        }
        text.strip_prefix(&option)?.strip_prefix('=').map(str::to_owned)
    };
    (0..options.len()).rev().find_map(at)
}

/// The names of the options that a network and its training have.
pub(crate) fn of_network_and_recipe() -> Vec<String> {
    let command = Recipe::augment_args(Network::augment_args(clap::Command::new("options")));
    let named = command.get_arguments().filter(|argument| argument.get_action().takes_values());
    named.filter_map(|argument| argument.get_long().map(str::to_owned)).collect()
}

/// A command of options, of which a later one counts more than an earlier one.
pub(crate) fn parsed(command: &str, options: Vec<OsString>, place: &Path) -> Result<Command, Failure> {
    let line = [OsString::from("strix"), command.into()].into_iter().chain(options);
    let parser = Cli::command().mut_subcommand(command, |command| command.args_override_self(true));
    let found = parser.try_get_matches_from(line).and_then(|found| Cli::from_arg_matches(&found));
    found.map(|cli| cli.command).map_err(|error| refused(place, &error))
}

fn refused(place: &Path, error: &clap::Error) -> Failure {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    Failure::Usage(format!("{}: {}", place.display(), first.strip_prefix("error: ").unwrap_or(first)))
}

/// Values by their options' names, as options.
pub(crate) fn options<'a>(values: impl IntoIterator<Item = (&'a str, String)>) -> Vec<OsString> {
    values.into_iter().map(|(name, value)| format!("--{name}={value}").into()).collect()
}

/// The options that a file of `strix tune` holds, without those that are given beside it.
pub(crate) fn of_file(path: &Path, given: &[OsString]) -> Result<Vec<OsString>, Failure> {
    let wrong = |what: String| Failure::Input(format!("{}: {what}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
    let json: Json = serde_json::from_str(&text).map_err(|e| wrong(format!("is not JSON: {e}")))?;
    let Some(found) = json["options"].as_object() else {
        return Err(wrong("has no \"options\", as best-params.json of strix tune does".into()));
    };
    let value = |(name, value): (&String, &Json)| match value {
        Json::String(text) => Ok(format!("--{name}={text}").into()),
        Json::Bool(_) | Json::Number(_) => Ok(format!("--{name}={value}").into()),
        _ => Err(wrong(format!("option {name:?} is {value}, but must be a text, a number, or true or false"))),
    };
    // Where the files of one dataset are says nothing of another.
    let counts_less = |name: &str| has(given, name) || (name == "data" && has(given, "dataset"));
    found.iter().filter(|(name, _)| !counts_less(name)).map(value).collect()
}

impl Settings {
    /// These settings with some options put over them.
    pub(crate) fn with(&self, options: Vec<OsString>, place: &Path) -> Result<Self, Failure> {
        let parser = clap::Command::new("options").no_binary_name(true).args_override_self(true);
        let parser = Self::augment_args_for_update(parser);
        let mut settings = self.clone();
        // What has a default would fall back to it.
        let model = clap::ValueEnum::to_possible_value(&self.network.model);
        let kept = model.map(|model| OsString::from(format!("--model={}", model.get_name())));
        let found = parser
            .try_get_matches_from(kept.into_iter().chain(options))
            .and_then(|found| settings.update_from_arg_matches(&found));
        found.map_err(|error| refused(place, &error))?;
        Ok(settings)
    }
}
