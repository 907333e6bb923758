//! WGSL put together from parts, each of which is found again when a line of the whole is in error.

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{Module, SourceLocation};

/// The whole text, and where each part of it begins.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    pub(crate) text: String,
    /// Name of the part, and the line of the whole at which it begins, from 1.
    parts: Vec<(String, u32)>,
}

impl Source {
    pub(crate) fn push(&mut self, name: &str, text: &str) {
        let line = self.text.lines().count() as u32 + 1;
        self.parts.push((name.into(), line));
        self.text.push_str(text);
        if !text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// The validated module; the error is naga's, at the place in the part that it is about.
    pub(crate) fn validate(&self) -> Result<Module, String> {
        let text = self.text.as_str();
        let module = naga::front::wgsl::parse_str(text)
            .map_err(|error| self.place(error.message(), error.location(text), &error.emit_to_string(text)))?;
        Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module).map_err(|error| {
            let cause = chain(error.as_inner());
            self.place(&cause, error.location(text), &error.emit_to_string(text))
        })?;
        Ok(module)
    }

    /// The message with the part's own line and column; naga's own report where it names no place.
    fn place(&self, message: &str, location: Option<SourceLocation>, report: &str) -> String {
        let Some(SourceLocation { line_number, line_position, .. }) = location else { return report.into() };
        let Some((name, begin)) = self.parts.iter().rev().find(|(_, begin)| *begin <= line_number) else {
            return report.into();
        };
        let line = self.text.lines().nth(line_number as usize - 1).unwrap_or_default();
        format!("{name}, line {}, column {line_position}: {message}\n  {}", line_number - begin + 1, line.trim())
    }
}

/// An error and all its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |all, cause| format!("{all}: {cause}"))
}
