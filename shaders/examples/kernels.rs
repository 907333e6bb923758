//! Writes every kernel that can be composed to a folder, each as a file named by what it is of, for other compilers of WGSL to
//! read: `cargo run -p strix-shaders --example kernels -- FOLDER`.

use std::collections::HashSet;
use std::error::Error;
use std::path::{Path, PathBuf};

use strix_shaders::{
    ARG_MAX, ARG_MIN, CONFUSION, COVARIANCE, EXACT_SQUARES, EXACT_SUM, HISTOGRAM, INTEGER_SUM, INTEGER_VARIANCE, Load,
    MAX, MIN, PROBE, Part, Recipe, SHAPE, SUM, Shape, Snippet, Taker, VARIANCE, WEIGHTED, WIDE_INTEGER_VARIANCE, order,
};

/// Counters that a workgroup holds, and more than it can.
const SMALL_HISTOGRAM: Part = Part { snippet: HISTOGRAM, instance: 0, parameters: 11, counters: 10 };
const LARGE_HISTOGRAM: Part = Part { snippet: HISTOGRAM, instance: 1, parameters: 10_003, counters: 10_002 };
const SMALL_CONFUSION: Part = Part { snippet: CONFUSION, instance: 0, parameters: 1, counters: 101 };
const LARGE_CONFUSION: Part = Part { snippet: CONFUSION, instance: 0, parameters: 1, counters: 10_001 };

/// What is aggregated together, under a name: each snippet alone, and those that share the most.
fn of_one_column() -> Vec<(String, Vec<Part>)> {
    let alone = [
        SUM,
        VARIANCE,
        SHAPE,
        MIN,
        MAX,
        ARG_MIN,
        ARG_MAX,
        INTEGER_SUM,
        INTEGER_VARIANCE,
        WIDE_INTEGER_VARIANCE,
        EXACT_SUM,
        EXACT_SQUARES,
    ];
    let parts = |snippets: &[Snippet]| snippets.iter().copied().map(Part::from).collect::<Vec<_>>();
    let mut all: Vec<_> = alone.iter().map(|snippet| (snippet.name.to_owned(), parts(&[*snippet]))).collect();
    let ends = [MIN, MAX, ARG_MIN, ARG_MAX, SHAPE];
    let floats = [&[SUM, VARIANCE, EXACT_SUM], &ends[..]].concat();
    let integers = [&[INTEGER_SUM, INTEGER_VARIANCE, WIDE_INTEGER_VARIANCE], &ends[..]].concat();
    let together = [
        ("count", Vec::new()),
        ("five", parts(&[SUM, VARIANCE, MIN, MAX])),
        ("exact", parts(&[EXACT_SUM, EXACT_SQUARES])),
        ("floats", parts(&floats)),
        ("integers", parts(&integers)),
        ("small_histogram", vec![SMALL_HISTOGRAM]),
        ("large_histogram", vec![Part { instance: 0, ..LARGE_HISTOGRAM }]),
        ("histograms", vec![SMALL_HISTOGRAM, LARGE_HISTOGRAM, MIN.into()]),
        ("exact_histogram", vec![SUM.into(), EXACT_SUM.into(), SMALL_HISTOGRAM]),
    ];
    all.extend(together.map(|(name, parts)| (name.to_owned(), parts)));
    all
}

fn of_two_columns() -> [(&'static str, Vec<Part>); 5] {
    [
        ("covariance", vec![COVARIANCE.into()]),
        ("weighted", vec![WEIGHTED.into()]),
        ("small_confusion", vec![SMALL_CONFUSION]),
        ("large_confusion", vec![LARGE_CONFUSION]),
        ("pairs", vec![COVARIANCE.into(), WEIGHTED.into(), SMALL_CONFUSION]),
    ]
}

/// The folder, and what was written already: many recipes give the same kernel.
struct Folder {
    path: PathBuf,
    seen: HashSet<String>,
}

impl Folder {
    fn write(&mut self, name: &str, source: String) -> Result<(), Box<dyn Error>> {
        if self.seen.contains(&source) {
            return Ok(());
        }
        std::fs::write(self.path.join(name).with_extension("wgsl"), &source)?;
        self.seen.insert(source);
        Ok(())
    }

    /// A kernel in every form: how the elements lie, what takes a piece, with a mask and without.
    fn write_forms(&mut self, columns: &[Load], name: &str, parts: &[Part]) -> Result<(), Box<dyn Error>> {
        for shape in [Shape::Strided, Shape::Segments, Shape::Groups] {
            for taker in [Taker::Workgroup, Taker::Invocation] {
                for masked in [false, true] {
                    let kernel = Recipe { masked, shape, taker, ..Recipe::new(columns, parts) }.compose()?;
                    let loads: Vec<String> = columns.iter().map(|load| format!("{load:?}").to_lowercase()).collect();
                    let masked = if masked { "-masked" } else { "" };
                    let form = format!("{}-{name}-{shape:?}-{taker:?}{masked}", loads.join("-"));
                    self.write(&form, kernel.source)?;
                }
            }
        }
        Ok(())
    }
}

#[allow(clippy::print_stdout, reason = "a program's answer")]
fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("kernels FOLDER: the folder to write to is missing")?;
    std::fs::create_dir_all(&path)?;
    let mut folder = Folder { path: Path::new(&path).to_owned(), seen: HashSet::new() };
    for first in Load::ALL {
        for (name, parts) in of_one_column() {
            folder.write_forms(&[first], &name, &parts)?;
        }
        for second in Load::ALL {
            for (name, parts) in of_two_columns() {
                folder.write_forms(&[first, second], name, &parts)?;
            }
        }
        folder.write(&format!("order-sort-{first:?}").to_lowercase(), order::sort(first)?)?;
        folder.write(&format!("order-bounds-{first:?}").to_lowercase(), order::bounds(first)?)?;
    }
    folder.write("order-scan", order::scan()?)?;
    for tile in [4096, 8192] {
        folder.write(&format!("order-plan-{tile}"), order::plan(tile)?)?;
    }
    folder.write("probe", PROBE.to_owned())?;
    println!("{} kernels are in {path}", folder.seen.len());
    Ok(())
}
