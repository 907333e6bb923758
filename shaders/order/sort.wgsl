// The order of elements by key, equal keys as they come: one pass of a radix sort by digits of 4 bits, least first.
// `count_digits` leaves how often each digit occurs in each tile, digit by digit; once that is scanned it says where
// each tile's digits go, and `scatter` takes them there.
const WORKGROUP_SIZE: u32 = 64u;
const ITEMS: u32 = 32u;
const DIGITS: u32 = 16u;

struct SortParams {
    count: u32,
    // Index of the first key.
    first: u32,
    // Keys from here on belong to no group, and go last.
    groups: u32,
    // The lowest bit of the digit.
    shift: u32,
    tiles: u32,
    // 1 in the first pass, in which the order is that of the elements.
    fresh: u32,
}

@group(0) @binding(0) var<storage, read> input_first: array<u32>;
@group(0) @binding(1) var<storage, read> order_before: array<u32>;
@group(0) @binding(2) var<storage, read_write> order_after: array<u32>;
@group(0) @binding(3) var<storage, read_write> digits: array<u32>;
@group(0) @binding(4) var<uniform> params: SortParams;

// How often each invocation met each digit; then how often those before it did.
var<workgroup> met: array<u32, WORKGROUP_SIZE * DIGITS>;
var<workgroup> all_met: array<u32, DIGITS>;

fn element(i: u32) -> u32 {
    if params.fresh == 1u {
        return i;
    }
    return order_before[i];
}

fn key_of(element: u32) -> u32 {
    return min(load_key_first(params.first + element), params.groups);
}

fn digit_of(element: u32) -> u32 {
    return (key_of(element) >> params.shift) & (DIGITS - 1u);
}

// Each invocation takes elements in a row, so that their order is kept.
fn meet(tile: u32, lane: u32) {
    for (var digit = 0u; digit < DIGITS; digit += 1u) {
        met[lane * DIGITS + digit] = 0u;
    }
    let begin = min((tile * WORKGROUP_SIZE + lane) * ITEMS, params.count);
    for (var i = begin; i < min(begin + ITEMS, params.count); i += 1u) {
        met[lane * DIGITS + digit_of(element(i))] += 1u;
    }
    workgroupBarrier();
    if lane < DIGITS {
        var before = 0u;
        for (var other = 0u; other < WORKGROUP_SIZE; other += 1u) {
            let own = met[other * DIGITS + lane];
            met[other * DIGITS + lane] = before;
            before += own;
        }
        all_met[lane] = before;
    }
    workgroupBarrier();
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn count_digits(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tile = group.y * groups.x + group.x;
    meet(tile, lane);
    if lane < DIGITS && tile < params.tiles {
        digits[lane * params.tiles + tile] = all_met[lane];
    }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn scatter(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tile = group.y * groups.x + group.x;
    meet(tile, lane);
    let begin = min((tile * WORKGROUP_SIZE + lane) * ITEMS, params.count);
    for (var i = begin; i < min(begin + ITEMS, params.count); i += 1u) {
        let element = element(i);
        let digit = digit_of(element);
        let before = met[lane * DIGITS + digit];
        met[lane * DIGITS + digit] = before + 1u;
        order_after[digits[digit * params.tiles + tile] + before] = element;
    }
}
