// The one loop. `reduce_tiles` gives each workgroup a tile of an output's elements and leaves one partial a
// tile; `merge_partials` is one workgroup an output, which leaves one partial for the whole chunk in `results`.
//
// Accuracy comes from the frame. Each tile first finds its mean, and sums offsets from it, so that an
// offset of 1e8 costs no digits. A tile of ordinary magnitudes is taken as it is; any other (huge,
// tiny, or with NaN or infinities in it) is scaled to at most 1 by a power of two, so that nothing
// overflows or is subnormal. Merging moves each partial into the frame of the weighted mean.
//
// Composed before this file: WORKGROUP_SIZE, TILE, NEEDS_FRAME, numbers.wgsl, a load_*.wgsl,
// census.wgsl, and from the aggregators asked for: State, `held`, identity, push, merge and
// rebase.

struct Params {
    // Elements of each output for reduce_tiles; partials of each for merge_partials.
    count: u32,
    // Index of the first element, so that a chunk may begin inside a word.
    first: u32,
    // Outputs whose elements are interleaved, as those along the first axis of a table are: the distance from one
    // element of an output to its next. 1 where an output's elements are neighbours.
    inner: u32,
    // The first output of this dispatch.
    output: u32,
}

struct Partial {
    frame: Frame,
    state: State,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read_write> partials: array<Partial>;
@group(0) @binding(2) var<storage, read_write> results: array<Partial>;
@group(0) @binding(3) var<uniform> params: Params;

// Where values lie: enough to choose a frame.
struct Spread {
    // The largest |x| as bits; above those of infinity if there is a NaN.
    magnitude: u32,
    total: f32,
    weight: f32,
    least: f32,
    greatest: f32,
}

struct Tile {
    frame: Frame,
    // Whether every element is finite and is seen as it is: at exponent 0, or all zeros.
    ordinary: bool,
}

var<workgroup> spreads: array<Spread, WORKGROUP_SIZE>;
var<workgroup> states: array<State, WORKGROUP_SIZE>;

fn spread_identity() -> Spread {
    return Spread(0u, 0.0, 0.0, 0x1p+127f, -0x1p+127f);
}

fn spread_of(value: f32, weight: f32) -> Spread {
    return Spread(0u, value * weight, weight, value, value);
}

fn spread_merge(a: Spread, b: Spread) -> Spread {
    return Spread(
        max(a.magnitude, b.magnitude),
        a.total + b.total,
        a.weight + b.weight,
        min(a.least, b.least),
        max(a.greatest, b.greatest),
    );
}

// Zeros, or a largest magnitude in [2^-30, 2^40): then no square or sum of 2^28 of them leaves the
// range of f32, and what flushes to zero is below 2^-96 of the largest.
fn is_ordinary(magnitude: u32) -> bool {
    return magnitude == 0u || (magnitude >= 0x30800000u && magnitude < 0x53800000u);
}

// The mean, held between the extremes: so equal values give exactly that value, and zero offsets.
fn shift_of(spread: Spread) -> f32 {
    let mean = spread.total / max(spread.weight, 1.0);
    return select(0.0, clamp(mean, spread.least, spread.greatest), spread.weight > 0.0);
}

fn common_spread(lane: u32, own: Spread) -> Spread {
    spreads[lane] = own;
    workgroupBarrier();
    for (var stride = WORKGROUP_SIZE / 2u; stride > 0u; stride /= 2u) {
        if lane < stride {
            spreads[lane] = spread_merge(spreads[lane], spreads[lane + stride]);
        }
        workgroupBarrier();
    }
    return workgroupUniformLoad(&spreads[0]);
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

// Where an output's elements are: the i-th at first + i * stride.
struct Run {
    first: u32,
    stride: u32,
}

fn run_of(output: u32) -> Run {
    let outer = output / params.inner;
    return Run(params.first + outer * params.count * params.inner + output % params.inner, params.inner);
}

fn place(run: Run, i: u32) -> u32 {
    return run.first + i * run.stride;
}

// Takes in one element, in a frame.
fn push_any(run: Run, i: u32, frame: Frame) {
    let key = load_key(place(run, i));
    let census = census_lift(key, i);
    if IS_FLOAT && is_nan(key) {
        push_census(census);
        return;
    }
    var offset = 0.0;
    if NEEDS_FRAME && !is_infinite(key) {
        offset = scaled(bits_of_key(key), frame.exponent) - frame.shift;
    }
    push(census, Item(key, offset));
}

// One pass as if the tile were ordinary; if it is not, the finite elements' magnitude, then a scaled
// pass over them.
fn tile_of(lane: u32, run: Run, begin: u32, end: u32) -> Tile {
    var own = spread_identity();
    for (var i = begin + lane; i < end; i += WORKGROUP_SIZE) {
        let bits = load_bits(place(run, i));
        let value = bitcast<f32>(bits);
        own.magnitude = max(own.magnitude, bits & 0x7fffffffu);
        own.total += value;
        own.weight += 1.0;
        own.least = min(own.least, value);
        own.greatest = max(own.greatest, value);
    }
    let spread = common_spread(lane, own);
    if is_ordinary(spread.magnitude) {
        // A tile of zeros takes the least exponent, so that it never sets the scale for tinier tiles.
        let exponent = select(0, exponent_of(0u), spread.magnitude == 0u);
        return Tile(Frame(exponent, shift_of(spread)), true);
    }
    return Tile(scaled_frame(lane, run, begin, end), false);
}

fn scaled_frame(lane: u32, run: Run, begin: u32, end: u32) -> Frame {
    var own = spread_identity();
    for (var i = begin + lane; i < end; i += WORKGROUP_SIZE) {
        let magnitude = load_bits(place(run, i)) & 0x7fffffffu;
        own.magnitude = max(own.magnitude, select(0u, magnitude, magnitude < 0x7f800000u));
    }
    let exponent = exponent_of(common_spread(lane, own).magnitude);
    own = spread_identity();
    for (var i = begin + lane; i < end; i += WORKGROUP_SIZE) {
        let bits = load_bits(place(run, i));
        if (bits & 0x7fffffffu) < 0x7f800000u {
            own = spread_merge(own, spread_of(scaled(bits, exponent), 1.0));
        }
    }
    return Frame(exponent, shift_of(common_spread(lane, own)));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn reduce_tiles(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let run = run_of(params.output + group.y);
    let begin = group.x * TILE;
    let end = min(begin + TILE, params.count);
    var tile = Tile(Frame(0, 0.0), false);
    if NEEDS_FRAME {
        tile = tile_of(lane, run, begin, end);
    }
    held = identity();
    if tile.ordinary {
        for (var i = begin + lane; i < end; i += WORKGROUP_SIZE) {
            let index = place(run, i);
            let offset = bitcast<f32>(load_bits(index)) - tile.frame.shift;
            push(census_one(), Item(load_key(index), offset));
        }
    } else {
        for (var i = begin + lane; i < end; i += WORKGROUP_SIZE) {
            push_any(run, i, tile.frame);
        }
    }
    merge_lanes(lane, held);
    if lane == 0u {
        partials[group.y * groups.x + group.x] = Partial(tile.frame, states[0]);
    }
}

fn partials_frame(lane: u32, begin: u32, end: u32) -> Frame {
    // The largest exponent, in the magnitude's place: biased, as exponents have a sign.
    var own = spread_identity();
    for (var i = begin + lane; i < end; i += WORKGROUP_SIZE) {
        let biased = u32(partials[i].frame.exponent + 256);
        own.magnitude = max(own.magnitude, select(0u, biased, partials[i].state.census.finite > 0u));
    }
    let exponent = i32(common_spread(lane, own).magnitude) - 256;
    own = spread_identity();
    for (var i = begin + lane; i < end; i += WORKGROUP_SIZE) {
        let finite = partials[i].state.census.finite;
        if finite > 0u {
            let frame = partials[i].frame;
            let shift = frame.shift * power_of_two(frame.exponent - exponent);
            own = spread_merge(own, spread_of(shift, f32(finite)));
        }
    }
    return Frame(exponent, shift_of(common_spread(lane, own)));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn merge_partials(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let begin = group.x * params.count;
    let end = begin + params.count;
    var frame = Frame(0, 0.0);
    if NEEDS_FRAME {
        frame = partials_frame(lane, begin, end);
    }
    held = identity();
    for (var i = begin + lane; i < end; i += WORKGROUP_SIZE) {
        let part = partials[i];
        // A tile without a finite element has no frame of its own, and nothing to move.
        let scale = select(0.0, power_of_two(part.frame.exponent - frame.exponent), part.state.census.finite > 0u);
        let by = Move(scale, part.frame.shift * scale - frame.shift);
        held = merge(held, rebase(part.state, by));
    }
    merge_lanes(lane, held);
    if lane == 0u {
        results[group.x] = Partial(frame, states[0]);
    }
}
