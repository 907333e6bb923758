// Counters of this workgroup, added to the output's once at the end.
var<workgroup> tallies: array<atomic<u32>, COUNTERS>;

fn begin_tallies(lane: u32, output: u32) {
    for (var i = lane; i < COUNTERS; i += WORKGROUP_SIZE) {
        atomicStore(&tallies[i], 0u);
    }
    workgroupBarrier();
}

fn tally(index: u32) {
    atomicAdd(&tallies[index], 1u);
}

fn end_tallies(lane: u32, output: u32) {
    workgroupBarrier();
    for (var i = lane; i < COUNTERS; i += WORKGROUP_SIZE) {
        let tallied = atomicLoad(&tallies[i]);
        if tallied > 0u {
            atomicAdd(&counts[output * COUNTERS + i], tallied);
        }
    }
}
