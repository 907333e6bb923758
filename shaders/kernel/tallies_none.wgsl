fn begin_tallies(lane: u32, output: u32) {
}

fn end_tallies(lane: u32, output: u32) {
}
