//! Statistics of tables: batches of a program's own by group, one day at a time, and the two days' states as one.
#![allow(clippy::print_stdout, reason = "an example talks to a person")]

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use strix_table::{Question, Reduction, State, Statistic};

/// Some rows of a day, as a program may have them.
fn batch(day: u32, part: u32) -> Result<RecordBatch, arrow::error::ArrowError> {
    let rows = || (0..1000u32).map(move |row| day * 100_000 + part * 1000 + row);
    let region: ArrayRef =
        Arc::new(rows().map(|row| Some(["north", "south"][row as usize % 2])).collect::<StringArray>());
    let price: ArrayRef = Arc::new(rows().map(|row| f64::from(row % 1000)).map(Some).collect::<Float64Array>());
    RecordBatch::try_from_iter([("region", region), ("price", price)])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let statistics = [Statistic::rows(), Statistic::mean("price"), Statistic::quantile("price", 0.25)?];
    let question = Question::new(statistics)?.by(["region"])?;

    let mut saved = Vec::new();
    for day in 0..2 {
        let mut reduction = Reduction::new(&question, &batch(day, 0)?.schema())?;
        for part in 0..2 {
            reduction.push(&batch(day, part)?)?;
        }
        saved.push(reduction.state()?.to_bytes()?);
    }

    let both = State::from_bytes(&saved[0])?.merge(State::from_bytes(&saved[1])?)?;
    println!("{} rows", both.rows());
    let answer = both.answer()?;
    for group in 0..answer.len() {
        let cells: Vec<String> = answer.row(group).map(|value| value.text()).collect();
        println!("{}", cells.join("  "));
    }
    Ok(())
}
