// Exclusive prefix sums in place, block by block: `scan_blocks` leaves each block's own and the blocks' totals, and
// once those are scanned in the same way, `add_totals` adds to each block what comes before it.
const WORKGROUP_SIZE: u32 = 64u;
const ITEMS: u32 = 16u;

struct ScanParams {
    // Where the values begin, and how many there are.
    begin: u32,
    count: u32,
    // Where the blocks' totals begin.
    totals: u32,
}

@group(0) @binding(0) var<storage, read_write> values: array<u32>;
@group(0) @binding(1) var<uniform> params: ScanParams;

var<workgroup> sums: array<u32, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn scan_blocks(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let block = group.y * groups.x + group.x;
    let begin = min((block * WORKGROUP_SIZE + lane) * ITEMS, params.count);
    let end = min(begin + ITEMS, params.count);
    var own = 0u;
    for (var i = begin; i < end; i += 1u) {
        own += values[params.begin + i];
    }
    sums[lane] = own;
    workgroupBarrier();
    for (var reach = 1u; reach < WORKGROUP_SIZE; reach *= 2u) {
        var before = 0u;
        if lane >= reach {
            before = sums[lane - reach];
        }
        workgroupBarrier();
        sums[lane] += before;
        workgroupBarrier();
    }
    var running = sums[lane] - own;
    for (var i = begin; i < end; i += 1u) {
        let value = values[params.begin + i];
        values[params.begin + i] = running;
        running += value;
    }
    if lane == WORKGROUP_SIZE - 1u && block * WORKGROUP_SIZE * ITEMS < params.count {
        values[params.totals + block] = running;
    }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn add_totals(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let block = group.y * groups.x + group.x;
    if block * WORKGROUP_SIZE * ITEMS >= params.count {
        return;
    }
    let before = values[params.totals + block];
    let begin = min((block * WORKGROUP_SIZE + lane) * ITEMS, params.count);
    for (var i = begin; i < min(begin + ITEMS, params.count); i += 1u) {
        values[params.begin + i] += before;
    }
}
