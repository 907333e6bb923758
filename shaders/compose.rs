//! Puts a kernel together from the loop, a load and the aggregators' snippets, and validates it.

use std::fmt::Write as _;

use crate::layout::{self, Layout};
use crate::{EXACT_SQUARES_DIGITS, EXACT_SUM_DIGITS, ITEMS_PER_INVOCATION, Load, Snippet};

/// Bytes of workgroup memory that the loop itself needs for each invocation: a Spread.
const LOOP_BYTES: u32 = 20;

/// Invocations a workgroup. Few with many items each: a tree costs barriers and copies of whole
/// states, which on a software renderer are most of the time (64 x 128 items beat 256 x 32 fourfold).
const LARGEST_WORKGROUP: u32 = 64;

/// What is tried last, when larger workgroups' states do not fit.
const SMALLEST_WORKGROUP: u32 = 32;

/// A composed and validated kernel with entry points `reduce_tiles` and `merge_partials`.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// The whole WGSL source.
    pub source: String,
    /// Where the states lie in a partial.
    pub layout: Layout,
    /// Invocations a workgroup.
    pub workgroup_size: u32,
    /// Elements that one workgroup of `reduce_tiles` takes in.
    pub tile: u32,
}

/// Why a kernel could not be composed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// The composed WGSL does not parse or validate.
    #[error("the kernel of [{snippets}] is not valid WGSL: {message}")]
    Invalid {
        /// Names of the snippets that were composed.
        snippets: String,
        /// What naga found, with an excerpt of the source.
        message: String,
    },
    /// Two different snippets have one name.
    #[error("two different snippets are named {name:?}; give one of them another name")]
    NameTaken {
        /// The name.
        name: &'static str,
    },
    /// The states of even the smallest workgroup do not fit the device's workgroup memory.
    #[error(
        "the states of [{snippets}] take {state_bytes} bytes an invocation, and a workgroup of {smallest} of them \
         does not fit the device's {available} bytes of workgroup memory; ask for fewer aggregators in one pass"
    )]
    TooLarge {
        /// Names of the snippets that were composed.
        snippets: String,
        /// Bytes of the composed State.
        state_bytes: u32,
        /// The smallest workgroup that was tried.
        smallest: u32,
        /// Bytes that the device offers.
        available: u32,
    },
}

/// Composes the kernel that reduces `load` elements by all of `snippets` in one pass.
///
/// A snippet that is given twice enters once. The workgroup has 64
/// invocations, or 32 where the states of 64 do not fit `workgroup_bytes` of workgroup memory.
///
/// # Errors
/// [`ComposeError::Invalid`] when a snippet breaks the contract or WGSL's rules;
/// [`ComposeError::NameTaken`]; [`ComposeError::TooLarge`] when the states do not fit.
pub fn compose(load: Load, snippets: &[Snippet], workgroup_bytes: u32) -> Result<Kernel, ComposeError> {
    let mut unique: Vec<Snippet> = Vec::with_capacity(snippets.len());
    for snippet in snippets {
        match unique.iter().find(|seen| seen.name == snippet.name) {
            None => unique.push(*snippet),
            Some(seen) if seen == snippet => {}
            Some(_) => return Err(ComposeError::NameTaken { name: snippet.name }),
        }
    }
    let names = || unique.iter().map(|s| s.name).collect::<Vec<_>>().join(", ");
    let mut workgroup_size = LARGEST_WORKGROUP;
    loop {
        let source = source(load, &unique, workgroup_size);
        let layout =
            layout::reflect(&source).map_err(|message| ComposeError::Invalid { snippets: names(), message })?;
        if workgroup_size * (layout.state_bytes + LOOP_BYTES) <= workgroup_bytes {
            return Ok(Kernel { source, layout, workgroup_size, tile: workgroup_size * ITEMS_PER_INVOCATION });
        }
        if workgroup_size == SMALLEST_WORKGROUP {
            return Err(ComposeError::TooLarge {
                snippets: names(),
                state_bytes: layout.state_bytes,
                smallest: SMALLEST_WORKGROUP,
                available: workgroup_bytes,
            });
        }
        workgroup_size /= 2;
    }
}

fn source(load: Load, snippets: &[Snippet], workgroup_size: u32) -> String {
    let needs_frame = load.is_float() && snippets.iter().any(|s| s.needs_frame);
    let mut out = format!(
        "const WORKGROUP_SIZE: u32 = {workgroup_size}u;\n\
         const TILE: u32 = {}u;\n\
         const NEEDS_FRAME: bool = {needs_frame};\n\
         const EXACT_SUM_DIGITS: u32 = {EXACT_SUM_DIGITS}u;\n\
         const EXACT_SQUARES_DIGITS: u32 = {EXACT_SQUARES_DIGITS}u;\n\n",
        workgroup_size * ITEMS_PER_INVOCATION
    );
    for text in [include_str!("numbers.wgsl"), load.source(), include_str!("census.wgsl")] {
        out.push_str(text);
        out.push('\n');
    }
    for snippet in snippets {
        out.push_str(snippet.source);
        out.push('\n');
    }
    out.push_str(&algebra(snippets));
    out.push_str(include_str!("tree_reduce.wgsl"));
    out
}

/// The State of all snippets together and its functions, each the snippets' own, field by field.
fn algebra(snippets: &[Snippet]) -> String {
    let fields = |of: &dyn Fn(&str) -> String| {
        snippets.iter().fold(String::new(), |mut all, s| {
            // Writing to a String cannot fail.
            let _ = write!(all, ", {}", of(s.name));
            all
        })
    };
    let members = snippets.iter().fold(String::new(), |mut all, s| {
        let _ = writeln!(all, "    {}: {}State,", s.name, camel(s.name));
        all
    });
    let identity = fields(&|name| format!("{name}_identity()"));
    let push = snippets.iter().fold(String::new(), |mut all, s| {
        let name = s.name;
        let _ = if s.source.contains(&format!("fn {name}_push(")) {
            writeln!(all, "    {name}_push(item);")
        } else {
            writeln!(all, "    held.{name} = {name}_merge(held.{name}, {name}_lift(item));")
        };
        all
    });
    let merge = fields(&|name| format!("{name}_merge(a.{name}, b.{name})"));
    let rebase = fields(&|name| format!("{name}_rebase(a.{name}, f32(a.census.finite), by)"));
    format!(
        "struct State {{\n    census: Census,\n{members}}}\n\n\
         // What this invocation holds so far.\nvar<private> held: State;\n\n\
         fn identity() -> State {{\n    return State(census_identity(){identity});\n}}\n\n\
         fn push_census(census: Census) {{\n    held.census = census_merge(held.census, census);\n}}\n\n\
         fn push(census: Census, item: Item) {{\n    push_census(census);\n{push}}}\n\n\
         fn merge(a: State, b: State) -> State {{\n    return State(census_merge(a.census, b.census){merge});\n}}\n\n\
         fn rebase(a: State, by: Move) -> State {{\n    return State(a.census{rebase});\n}}\n\n"
    )
}

fn camel(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or(String::new(), |first| first.to_ascii_uppercase().to_string() + letters.as_str())
        })
        .collect()
}
