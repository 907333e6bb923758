// Where each group begins in the order by key: offsets[g] is the first element whose key is g or more.
struct BoundsParams {
    count: u32,
    first: u32,
    groups: u32,
}

@group(0) @binding(0) var<storage, read> input_first: array<u32>;
@group(0) @binding(1) var<storage, read> order: array<u32>;
@group(0) @binding(2) var<storage, read_write> offsets: array<u32>;
// 2^32 - 1 less the first element whose key is no group; 0 where there is none.
@group(0) @binding(3) var<storage, read_write> status: array<atomic<u32>>;
@group(0) @binding(4) var<uniform> params: BoundsParams;

@compute @workgroup_size(64)
fn group_bounds(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let key = (group.y * groups.x + group.x) * 64u + lane;
    if key > params.groups {
        return;
    }
    var low = 0u;
    var high = params.count;
    while low < high {
        let middle = (low + high) / 2u;
        if load_key_first(params.first + order[middle]) < key {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    offsets[key] = low;
    if key == params.groups && low < params.count {
        atomicMax(&status[0], 0xffffffffu - order[low]);
    }
}
