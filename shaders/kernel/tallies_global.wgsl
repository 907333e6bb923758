// Where this output's counters begin.
var<private> tallies_at: u32;

fn begin_tallies(lane: u32, output: u32) {
    tallies_at = output * COUNTERS;
}

fn tally(index: u32) {
    atomicAdd(&counts[tallies_at + index], 1u);
}

fn end_tallies(lane: u32, output: u32) {
}
