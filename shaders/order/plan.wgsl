// How many tiles each segment of more than SHORT elements has, and whether the offsets are in order.
struct PlanParams {
    // Elements in this chunk, and segments.
    count: u32,
    outputs: u32,
    // Elements in all, and which of them is this chunk's first.
    total: u32,
    window: u32,
}

@group(0) @binding(0) var<storage, read> offsets: array<u32>;
@group(0) @binding(1) var<storage, read_write> tiles: array<u32>;
// 2^32 - 1 less the first segment whose end is before its begin or past all elements; 0 where there is none.
@group(0) @binding(2) var<storage, read_write> status: array<atomic<u32>>;
@group(0) @binding(3) var<uniform> params: PlanParams;

@compute @workgroup_size(64)
fn plan_tiles(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let segment = (group.y * groups.x + group.x) * 64u + lane;
    if segment > params.outputs {
        return;
    }
    // One more, for the sum of all.
    if segment == params.outputs {
        tiles[segment] = 0u;
        return;
    }
    let begin = offsets[segment];
    let end = offsets[segment + 1u];
    if begin > end || end > params.total {
        atomicMax(&status[0], 0xffffffffu - segment);
        tiles[segment] = 0u;
        return;
    }
    // What of it lies in this chunk.
    let last = params.window + params.count;
    let length = clamp(end, params.window, last) - clamp(begin, params.window, last);
    tiles[segment] = select(0u, (length - 1u) / TILE + 1u, length > SHORT);
}
