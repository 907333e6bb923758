// The one loop. `reduce_tiles` gives each workgroup a tile of the input and leaves one partial a
// tile; `merge_partials` is one workgroup that leaves one partial for the whole chunk in `result`.
//
// Accuracy comes from the frame. Each tile first finds its largest magnitude and its mean, and sums
// offsets from that mean, scaled to at most 1: nothing overflows, nothing is subnormal, and an
// offset of 1e8 costs no digits. Merging moves each partial into the frame of the weighted mean.
//
// Composed before this file: WORKGROUP_SIZE, TILE, NEEDS_FRAME, numbers.wgsl, a load_*.wgsl,
// census.wgsl, and from the aggregators asked for: State, identity, lift, merge and rebase.

struct Params {
    // Elements in `input` for reduce_tiles; partials for merge_partials.
    count: u32,
    // Index of the first element, so that a chunk may begin inside a word.
    first: u32,
}

struct Partial {
    frame: Frame,
    state: State,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read_write> partials: array<Partial>;
@group(0) @binding(2) var<storage, read_write> result: Partial;
@group(0) @binding(3) var<uniform> params: Params;

// Where scaled values lie: enough to choose a frame's shift.
struct Spread {
    total: f32,
    weight: f32,
    least: f32,
    greatest: f32,
}

var<workgroup> exponents: array<i32, WORKGROUP_SIZE>;
var<workgroup> spreads: array<Spread, WORKGROUP_SIZE>;
var<workgroup> states: array<State, WORKGROUP_SIZE>;

fn spread_identity() -> Spread {
    return Spread(0.0, 0.0, 1.0, -1.0);
}

fn spread_of(value: f32, weight: f32) -> Spread {
    return Spread(value * weight, weight, value, value);
}

fn spread_merge(a: Spread, b: Spread) -> Spread {
    return Spread(
        a.total + b.total,
        a.weight + b.weight,
        min(a.least, b.least),
        max(a.greatest, b.greatest),
    );
}

// The mean, held between the extremes: so equal values give exactly that value, and zero offsets.
fn shift_of(spread: Spread) -> f32 {
    let mean = spread.total / max(spread.weight, 1.0);
    return select(0.0, clamp(mean, spread.least, spread.greatest), spread.weight > 0.0);
}

fn largest_exponent(lane: u32, own: i32) -> i32 {
    exponents[lane] = own;
    workgroupBarrier();
    for (var stride = WORKGROUP_SIZE / 2u; stride > 0u; stride /= 2u) {
        if lane < stride {
            exponents[lane] = max(exponents[lane], exponents[lane + stride]);
        }
        workgroupBarrier();
    }
    return workgroupUniformLoad(&exponents[0]);
}

fn common_shift(lane: u32, own: Spread) -> f32 {
    spreads[lane] = own;
    workgroupBarrier();
    for (var stride = WORKGROUP_SIZE / 2u; stride > 0u; stride /= 2u) {
        if lane < stride {
            spreads[lane] = spread_merge(spreads[lane], spreads[lane + stride]);
        }
        workgroupBarrier();
    }
    return shift_of(workgroupUniformLoad(&spreads[0]));
}

// Leaves the merge of all lanes' states in states[0].
fn merge_lanes(lane: u32, own: State) {
    states[lane] = own;
    workgroupBarrier();
    for (var stride = WORKGROUP_SIZE / 2u; stride > 0u; stride /= 2u) {
        if lane < stride {
            states[lane] = merge(states[lane], states[lane + stride]);
        }
        workgroupBarrier();
    }
}

// The state of one element, in a frame.
fn state_of(index: u32, frame: Frame) -> State {
    let key = load_key(index);
    let census = census_lift(key, index - params.first);
    if IS_FLOAT && is_nan(key) {
        return census_only(census);
    }
    var offset = 0.0;
    if NEEDS_FRAME && !is_infinite(key) {
        offset = scaled(bits_of_key(key), frame.exponent) - frame.shift;
    }
    return lift(census, Item(key, offset));
}

fn tile_frame(lane: u32, begin: u32, end: u32) -> Frame {
    var magnitude = 0u;
    for (var i = begin + lane; i < end; i += WORKGROUP_SIZE) {
        let bits = bits_of_key(load_key(i)) & 0x7fffffffu;
        magnitude = max(magnitude, select(0u, bits, bits < 0x7f800000u));
    }
    let exponent = largest_exponent(lane, exponent_of(magnitude));
    var spread = spread_identity();
    for (var i = begin + lane; i < end; i += WORKGROUP_SIZE) {
        let bits = bits_of_key(load_key(i));
        if (bits & 0x7fffffffu) < 0x7f800000u {
            spread = spread_merge(spread, spread_of(scaled(bits, exponent), 1.0));
        }
    }
    return Frame(exponent, common_shift(lane, spread));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn reduce_tiles(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let begin = params.first + group.x * TILE;
    let end = min(begin + TILE, params.first + params.count);
    var frame = Frame(0, 0.0);
    if NEEDS_FRAME {
        frame = tile_frame(lane, begin, end);
    }
    var own = identity();
    for (var i = begin + lane; i < end; i += WORKGROUP_SIZE) {
        own = merge(own, state_of(i, frame));
    }
    merge_lanes(lane, own);
    if lane == 0u {
        partials[group.x] = Partial(frame, states[0]);
    }
}

fn partials_frame(lane: u32, count: u32) -> Frame {
    var largest = -200;
    for (var i = lane; i < count; i += WORKGROUP_SIZE) {
        if partials[i].state.census.finite > 0u {
            largest = max(largest, partials[i].frame.exponent);
        }
    }
    let exponent = largest_exponent(lane, largest);
    var spread = spread_identity();
    for (var i = lane; i < count; i += WORKGROUP_SIZE) {
        let finite = partials[i].state.census.finite;
        if finite > 0u {
            let frame = partials[i].frame;
            let shift = frame.shift * power_of_two(frame.exponent - exponent);
            spread = spread_merge(spread, spread_of(shift, f32(finite)));
        }
    }
    return Frame(exponent, common_shift(lane, spread));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn merge_partials(@builtin(local_invocation_index) lane: u32) {
    let count = params.count;
    var frame = Frame(0, 0.0);
    if NEEDS_FRAME {
        frame = partials_frame(lane, count);
    }
    var own = identity();
    for (var i = lane; i < count; i += WORKGROUP_SIZE) {
        let part = partials[i];
        // A tile without a finite element has no frame of its own, and nothing to move.
        let scale = select(0.0, power_of_two(part.frame.exponent - frame.exponent), part.state.census.finite > 0u);
        let by = Move(scale, part.frame.shift * scale - frame.shift);
        own = merge(own, rebase(part.state, by));
    }
    merge_lanes(lane, own);
    if lane == 0u {
        result = Partial(frame, states[0]);
    }
}
