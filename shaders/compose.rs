//! Puts a kernel together from the loop, the loads and the aggregators' snippets, and validates it.

use std::fmt::Write as _;

use crate::layout::{Layout, camel};
use crate::source::Source;
use crate::{
    ComposeError, DEFAULT_WORKGROUP_BYTES, EXACT_SQUARES_DIGITS, EXACT_SUM_DIGITS, ITEMS_PER_INVOCATION, Load, SHORT,
    Snippet,
};

/// Bytes of workgroup memory that the loop itself needs for each invocation: a Spread.
const LOOP_BYTES: u32 = 20;

/// Invocations a workgroup. Few with many items each: a tree costs barriers and copies of whole
/// states, which on a software renderer are most of the time (64 x 128 items beat 256 x 32 fourfold).
const LARGEST_WORKGROUP: u32 = 64;

/// What is tried last, when larger workgroups' states do not fit.
const SMALLEST_WORKGROUP: u32 = 32;

/// An aggregator's snippet, and what it brings along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Part {
    /// The WGSL.
    pub snippet: Snippet,
    /// Which of several parts with the same snippet: 0 for the first.
    pub instance: u32,
    /// Words of parameters.
    pub parameters: u32,
    /// Counters, of a snippet that counts.
    pub counters: u32,
}

impl From<Snippet> for Part {
    fn from(snippet: Snippet) -> Self {
        Self { snippet, instance: 0, parameters: 0, counters: 0 }
    }
}

impl Part {
    /// The name of its functions: the snippet's, with a number after it from the second instance on.
    pub fn name(&self) -> String {
        match self.instance {
            0 => self.snippet.name.into(),
            instance => format!("{}_{}", self.snippet.name, instance + 1),
        }
    }

    /// The snippet's text under the part's name.
    fn source(&self) -> String {
        let (name, own) = (self.snippet.name, self.name());
        if self.instance == 0 {
            return self.snippet.source.into();
        }
        let renamed = self.snippet.source.replace(&format!("{name}_"), &format!("{own}_"));
        let renamed = renamed.replace(&format!("{}State", camel(name)), &format!("{}State", camel(&own)));
        let upper = |name: &str| name.to_ascii_uppercase() + "_";
        renamed.replace(&upper(name), &upper(&own)).replace(&format!("held.{name}"), &format!("held.{own}"))
    }
}

/// How the elements of an output lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Along an axis of a strided array.
    Strided,
    /// Between offsets.
    Segments,
    /// Between offsets into an order by key.
    Groups,
}

/// What takes a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Taker {
    /// A workgroup.
    Workgroup,
    /// An invocation.
    Invocation,
}

/// What a kernel is composed of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Recipe {
    /// How the elements of each column lie: one, or two of pairs.
    pub columns: Vec<Load>,
    /// The aggregators, all in one pass.
    pub parts: Vec<Part>,
    /// Whether a mask says which elements are there.
    pub masked: bool,
    /// How the elements of an output lie.
    pub shape: Shape,
    /// What takes a piece.
    pub taker: Taker,
    /// Workgroup memory that the device offers.
    pub workgroup_bytes: u32,
}

/// What a kernel may bind, in group 0; the binding's number is the variant's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Binding {
    /// The first column, read.
    First,
    /// The second column, read.
    Second,
    /// The mask, read.
    Mask,
    /// Where segments begin, read.
    Offsets,
    /// The order by key, read.
    Order,
    /// Where segments' tiles begin, read.
    Tiles,
    /// Pieces' partials, written and read.
    Partials,
    /// Outputs' partials, written.
    Results,
    /// Counters of each output, added to.
    Counts,
    /// The parameters of all parts, read.
    Parameters,
    /// The `Params` of the loop, uniform.
    Params,
}

impl Binding {
    fn declaration(self) -> &'static str {
        match self {
            Self::First => "var<storage, read> input_first: array<u32>",
            Self::Second => "var<storage, read> input_second: array<u32>",
            Self::Mask => "var<storage, read> mask: array<u32>",
            Self::Offsets => "var<storage, read> offsets: array<u32>",
            Self::Order => "var<storage, read> order: array<u32>",
            Self::Tiles => "var<storage, read> tiles: array<u32>",
            Self::Partials => "var<storage, read_write> partials: array<Partial>",
            Self::Results => "var<storage, read_write> results: array<Partial>",
            Self::Counts => "var<storage, read_write> counts: array<atomic<u32>>",
            Self::Parameters => "var<storage, read> parameters: array<u32>",
            Self::Params => "var<uniform> params: Params",
        }
    }

    /// Whether the kernel writes it.
    pub fn is_written(self) -> bool {
        matches!(self, Self::Partials | Self::Results | Self::Counts)
    }
}

/// A composed and validated kernel with entry point `reduce_pieces`, and `merge_partials` where workgroups take pieces.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// The whole WGSL source.
    pub source: String,
    /// Where the states lie in a partial.
    pub layout: Layout,
    /// Invocations a workgroup.
    pub workgroup_size: u32,
    /// Elements that one workgroup takes in.
    pub tile: u32,
    /// What it binds.
    pub bindings: Vec<Binding>,
    /// Counters of each output.
    pub counters: u32,
}

impl Recipe {
    /// All elements of a strided array by workgroups, without a mask, on a device of the least workgroup memory.
    pub fn new(columns: &[Load], parts: &[Part]) -> Self {
        Self {
            columns: columns.into(),
            parts: parts.into(),
            masked: false,
            shape: Shape::Strided,
            taker: Taker::Workgroup,
            workgroup_bytes: DEFAULT_WORKGROUP_BYTES,
        }
    }

    /// Composes the kernel. A part that is given twice enters once. A workgroup has 64
    /// invocations, or 32 where the states of 64 do not fit the workgroup memory.
    ///
    /// # Errors
    /// [`ComposeError::Invalid`] when a snippet breaks the contract or WGSL's rules; [`ComposeError::Columns`];
    /// [`ComposeError::NameTaken`]; [`ComposeError::TooLarge`] when the states do not fit.
    pub fn compose(&self) -> Result<Kernel, ComposeError> {
        self.compose_edited(&|source| source)
    }

    /// The same of a source that `edit` changed, for tests that break a kernel on purpose.
    ///
    /// # Errors
    /// As [`Recipe::compose`].
    #[doc(hidden)]
    pub fn compose_edited(&self, edit: &dyn Fn(String) -> String) -> Result<Kernel, ComposeError> {
        let mut parts: Vec<Part> = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let (name, wanted, columns) = (part.snippet.name, part.snippet.columns, self.columns.len());
            if wanted != columns {
                return Err(ComposeError::Columns { name, wanted, columns });
            }
            match parts.iter().find(|seen| seen.name() == part.name()) {
                None => parts.push(*part),
                Some(seen) if seen == part => {}
                Some(_) => return Err(ComposeError::NameTaken { name }),
            }
        }
        let snippets = || parts.iter().map(Part::name).collect::<Vec<_>>().join(", ");
        let counters: u32 = parts.iter().map(|part| part.counters).sum();
        let mut workgroup_size = LARGEST_WORKGROUP;
        // What the states leave, once they are known.
        let mut room = 0;
        loop {
            let shared = counters > 0 && self.taker == Taker::Workgroup && 4 * counters <= room;
            let (mut source, bindings) = self.source(&parts, workgroup_size, counters, shared);
            source.text = edit(source.text);
            let invalid = |message| ComposeError::Invalid { snippets: snippets(), message };
            let module = source.validate().map_err(invalid)?;
            let layout = Layout::of(&module).map_err(invalid)?;
            let needed = workgroup_size * (layout.state_bytes + LOOP_BYTES);
            if self.taker == Taker::Invocation || needed <= self.workgroup_bytes {
                room = self.workgroup_bytes.saturating_sub(needed);
                if counters > 0 && self.taker == Taker::Workgroup && !shared && 4 * counters <= room {
                    continue;
                }
                let tile = workgroup_size * ITEMS_PER_INVOCATION;
                return Ok(Kernel { source: source.text, layout, workgroup_size, tile, bindings, counters });
            }
            if workgroup_size == SMALLEST_WORKGROUP {
                return Err(ComposeError::TooLarge {
                    snippets: snippets(),
                    state_bytes: layout.state_bytes,
                    smallest: SMALLEST_WORKGROUP,
                    available: self.workgroup_bytes,
                });
            }
            workgroup_size /= 2;
        }
    }

    fn bindings(&self, parts: &[Part]) -> Vec<Binding> {
        use Binding as B;
        let segmented = self.shape != Shape::Strided;
        let wanted = [
            (B::First, true),
            (B::Second, self.columns.len() == 2),
            (B::Mask, self.masked),
            (B::Offsets, segmented),
            (B::Order, self.shape == Shape::Groups),
            (B::Tiles, segmented),
            (B::Partials, true),
            (B::Results, true),
            (B::Counts, parts.iter().any(|part| part.snippet.counts)),
            (B::Parameters, parts.iter().any(|part| part.parameters > 0)),
            (B::Params, true),
        ];
        wanted.into_iter().filter(|(_, wanted)| *wanted).map(|(binding, _)| binding).collect()
    }

    fn source(&self, parts: &[Part], workgroup_size: u32, counters: u32, shared: bool) -> (Source, Vec<Binding>) {
        let bindings = self.bindings(parts);
        let powers = parts.iter().map(|part| part.snippet.powers).max().unwrap_or_default();
        let mut out = Source::default();
        let reads = Reads::of(parts);
        out.push("constants", &constants(parts, workgroup_size, powers, reads, counters));
        let declared = bindings.iter().fold(String::new(), |mut all, binding| {
            // Writing to a String cannot fail.
            let _ = writeln!(all, "@group(0) @binding({}) {};", *binding as u32, binding.declaration());
            all
        });
        out.push("bindings", &declared);
        macro_rules! file {
            ($path:literal) => {
                out.push($path, include_str!($path))
            };
        }
        file!("kernel/numbers.wgsl");
        file!("kernel/spread.wgsl");
        file!("kernel/census.wgsl");
        let columns = || ["first", "second"].into_iter().zip(&self.columns);
        for (column, load) in columns() {
            for text in load.source() {
                out.push("the load", &text.replace("COLUMN", column));
            }
            out.push("kernel/special.wgsl", &include_str!("kernel/special.wgsl").replace("COLUMN", column));
        }
        match self.columns.len() {
            1 => file!("kernel/one_column.wgsl"),
            _ => file!("kernel/two_columns.wgsl"),
        }
        for part in parts {
            out.push(&format!("snippet `{}`", part.snippet.name), &part.source());
        }
        out.push("the algebra of all snippets", &algebra(parts, self.columns.len()));
        match self.taker {
            Taker::Workgroup => file!("kernel/together.wgsl"),
            Taker::Invocation => file!("kernel/alone.wgsl"),
        }
        let frames: &[&str] = if self.columns.len() == 1 { &["first"] } else { &["first", "second", "weighed"] };
        for frame in frames {
            out.push("kernel/column.wgsl", &include_str!("kernel/column.wgsl").replace("COLUMN", frame));
        }
        if self.masked {
            file!("kernel/masked.wgsl");
        } else {
            file!("kernel/unmasked.wgsl");
        }
        match (counters > 0, shared) {
            (false, _) => file!("kernel/tallies_none.wgsl"),
            (true, true) => file!("kernel/tallies_shared.wgsl"),
            (true, false) => file!("kernel/tallies_global.wgsl"),
        }
        match self.shape {
            Shape::Strided => file!("kernel/strided.wgsl"),
            Shape::Segments | Shape::Groups => file!("kernel/segments.wgsl"),
        }
        match self.shape {
            Shape::Strided => {}
            Shape::Segments => file!("kernel/in_place.wgsl"),
            Shape::Groups => file!("kernel/in_order.wgsl"),
        }
        file!("kernel/reduce.wgsl");
        if self.taker == Taker::Workgroup {
            for frame in frames {
                let merged = include_str!("kernel/merged_frame.wgsl").replace("COLUMN", frame);
                out.push("kernel/merged_frame.wgsl", &merged);
            }
            out.push("merged frames", &merged_frames(self.columns.len(), reads));
            file!("kernel/merge.wgsl");
        }
        (out, bindings)
    }
}

/// Which frames of the first column aggregators read: that of all its elements, and that of those that weigh something.
#[derive(Clone, Copy)]
struct Reads {
    first: bool,
    weighed: bool,
}

impl Reads {
    fn of(parts: &[Part]) -> Self {
        let any = |weighs: bool| parts.iter().any(|part| part.snippet.powers > 0 && part.snippet.weighs == weighs);
        Self { first: any(false), weighed: any(true) }
    }
}

fn constants(parts: &[Part], workgroup_size: u32, powers: u32, reads: Reads, counters: u32) -> String {
    // The least and the first too large magnitude of an ordinary piece: of these, no sum of 2^29 powers leaves the range of
    // f32, and what flushes to zero is too little to count. 2^-30 and 2^40 up to squares, 2^-6 and 2^24 beyond.
    let (least, past) = if powers > 2 { (0x3c80_0000u32, 0x4b80_0000u32) } else { (0x3080_0000, 0x5380_0000) };
    let mut out = format!(
        "const WORKGROUP_SIZE: u32 = {workgroup_size}u;\n\
         const TILE: u32 = {}u;\n\
         const SHORT: u32 = {SHORT}u;\n\
         const NEEDS_FRAME: bool = {};\n\
         const READS_FIRST: bool = {};\n\
         const READS_WEIGHED: bool = {};\n\
         const LEAST_ORDINARY: u32 = {least:#x}u;\n\
         const PAST_ORDINARY: u32 = {past:#x}u;\n\
         const EXACT_SUM_DIGITS: u32 = {EXACT_SUM_DIGITS}u;\n\
         const EXACT_SQUARES_DIGITS: u32 = {EXACT_SQUARES_DIGITS}u;\n\
         const COUNTERS: u32 = {counters}u;\n",
        workgroup_size * ITEMS_PER_INVOCATION,
        powers > 0,
        reads.first,
        reads.weighed,
    );
    let (mut parameters, mut counted) = (0, 0);
    for part in parts {
        let name = part.name().to_ascii_uppercase();
        if part.parameters > 0 {
            let _ = writeln!(out, "const {name}_PARAMETERS: u32 = {parameters}u;");
        }
        if part.snippet.counts {
            let _ = writeln!(out, "const {name}_COUNTERS: u32 = {}u;", part.counters);
            let _ = writeln!(out, "const {name}_COUNTERS_AT: u32 = {counted}u;");
        }
        parameters += part.parameters;
        counted += part.counters;
    }
    out
}

fn merged_frames(columns: usize, reads: Reads) -> String {
    let frame = |name: &str, read: bool, weights: &str| match read {
        true => format!("merged_frame_{name}(lane, parts, {weights})"),
        false => "Frame(0, 0.0)".into(),
    };
    let first = frame("first", reads.first, "0");
    let (before, frames) = if columns == 1 {
        (String::new(), first)
    } else {
        // Weights are read by the exponent of their own frame.
        let second = frame("second", reads.first || reads.weighed, "0");
        let weighed = frame("weighed", reads.weighed, "second.exponent");
        (format!("    let second = {second};\n"), format!("{first}, second, {weighed}"))
    };
    format!("fn merged_frames(lane: u32, parts: Parts) -> Frames {{\n{before}    return Frames({frames});\n}}\n")
}

/// The State of all snippets together and its functions, each the snippets' own, field by field.
fn algebra(parts: &[Part], columns: usize) -> String {
    let states: Vec<&Part> = parts.iter().filter(|part| !part.snippet.counts).collect();
    let fields = |of: &dyn Fn(&Part, &str) -> String| {
        states.iter().fold(String::new(), |mut all, part| {
            // Writing to a String cannot fail.
            let _ = write!(all, ", {}", of(part, &part.name()));
            all
        })
    };
    let members = states.iter().fold(String::new(), |mut all, part| {
        let _ = writeln!(all, "    {}: {}State,", part.name(), camel(&part.name()));
        all
    });
    let identity = fields(&|_, name| format!("{name}_identity()"));
    let push = parts.iter().fold(String::new(), |mut all, part| {
        let name = part.name();
        let _ = if part.snippet.counts {
            writeln!(all, "    tally({}_COUNTERS_AT + {name}_index(item));", name.to_ascii_uppercase())
        } else if part.snippet.source.contains(&format!("fn {}_push(", part.snippet.name)) {
            writeln!(all, "    {name}_push(item);")
        } else {
            writeln!(all, "    held.{name} = {name}_merge(held.{name}, {name}_lift(item));")
        };
        all
    });
    let merge = fields(&|_, name| format!("{name}_merge(a.{name}, b.{name})"));
    let rebase = fields(&|part, name| {
        if part.snippet.source.contains(&format!("fn {}_rebase(", part.snippet.name)) {
            let moves = match (columns, part.snippet.weighs) {
                (1, _) => "by.first",
                (_, false) => "by.first, by.second",
                (_, true) => "by.weighed, by.second",
            };
            format!("{name}_rebase(a.{name}, f32(a.census.finite), {moves})")
        } else {
            format!("a.{name}")
        }
    });
    // What a state of pairs weighs, in its own frame.
    let weights = states.iter().find(|part| part.snippet.weighs);
    let weights = weights.map_or_else(|| "0.0".into(), |part| format!("state.{}.weight", part.name()));
    format!(
        "struct State {{\n    census: Census,\n{members}}}\n\n\
         // What this invocation holds so far.\nvar<private> held: State;\n\n\
         fn identity() -> State {{\n    return State(census_identity(){identity});\n}}\n\n\
         fn push_census(census: Census) {{\n    held.census = census_merge(held.census, census);\n}}\n\n\
         fn push(census: Census, item: Item) {{\n    push_census(census);\n{push}}}\n\n\
         fn merge(a: State, b: State) -> State {{\n    return State(census_merge(a.census, b.census){merge});\n}}\n\n\
         fn rebase(a: State, by: Moves) -> State {{\n    return State(a.census{rebase});\n}}\n\n\
         fn weight_sum(state: State) -> f32 {{\n    return {weights};\n}}\n\n"
    )
}
