// One pair, as an aggregator takes it in.
struct Item {
    // Order-preserving: key(a) < key(b) exactly when a < b (and -0 before +0).
    key: u32,
    // The bits of the first element as an f32.
    bits: u32,
    // The first element in the piece's frame; 0 where it is special, and where no aggregator needs a frame.
    offset: f32,
    // The pair's index along the axis, within its segment, or of a group among all pairs.
    place: u32,
    second_key: u32,
    // The bits of the second element as an f32.
    second_bits: u32,
    second_offset: f32,
    // The first element in the frame of those that weigh something, each by the second as its weight.
    weighed_offset: f32,
    // The second element times 2^-exponent of its frame, without its shift; 0 where it is special.
    second_scaled: f32,
}

// Of the first elements, of the second ones, and of the first ones by weight.
struct Frames {
    first: Frame,
    second: Frame,
    weighed: Frame,
}

struct Moves {
    first: Move,
    second: Move,
    weighed: Move,
}

struct Tile {
    frames: Frames,
    ordinary: bool,
}

fn place_first(place: u32) -> u32 {
    return place;
}

fn place_second(place: u32) -> u32 {
    return place + params.second;
}

fn place_weighed(place: u32) -> u32 {
    return place;
}

fn load_bits_weighed(place: u32) -> u32 {
    return load_bits_first(place);
}

// What a finite element counts for in its column's frame: nothing where the NaN beside it leaves out the pair.
fn weight_first(place: u32, weights: i32) -> f32 {
    if params.skip_nan == 1u && (special_second(load_key_second(place_second(place))) & 1u) == 1u {
        return 0.0;
    }
    return 1.0;
}

fn weight_second(place: u32, weights: i32) -> f32 {
    if params.skip_nan == 1u && (special_first(load_key_first(place)) & 1u) == 1u {
        return 0.0;
    }
    return 1.0;
}

// Its weight; nothing where that is negative, infinite or NaN, of which no product is summed.
fn weight_weighed(place: u32, weights: i32) -> f32 {
    let bits = load_bits_second(place_second(place));
    return select(scaled(bits, weights), 0.0, bits >= 0x7f800000u);
}

fn frames_of(lane: u32, span: Span) -> Tile {
    if !NEEDS_FRAME {
        return Tile(Frames(Frame(0, 0.0), Frame(0, 0.0), Frame(0, 0.0)), false);
    }
    let second = frame_second(lane, span, 0);
    // One that no aggregator reads costs no pass.
    var first = second;
    var weighed = second;
    if READS_FIRST {
        first = frame_first(lane, span, 0);
    }
    if READS_WEIGHED {
        weighed = frame_weighed(lane, span, second.frame.exponent);
    }
    let ordinary = first.ordinary && second.ordinary && weighed.ordinary;
    return Tile(Frames(first.frame, second.frame, weighed.frame), ordinary);
}

fn push_ordinary(place: u32, name: u32, frames: Frames) {
    let at = place_second(place);
    let bits = load_bits_second(at);
    push(census_one(), Item(
        load_key_first(place),
        load_bits_first(place),
        load_ordinary_first(place, frames.first),
        name,
        load_key_second(at),
        bits,
        load_ordinary_second(at, frames.second),
        load_ordinary_first(place, frames.weighed),
        bitcast<f32>(bits),
    ));
}

fn push_any(place: u32, name: u32, frames: Frames) {
    let at = place_second(place);
    let key = load_key_first(place);
    let second_key = load_key_second(at);
    let special = special_first(key);
    let second_special = special_second(second_key);
    let census = census_of(special | second_special, name);
    // A pair with a NaN counts for neither of its elements where NaN are skipped.
    if params.skip_nan == 1u && ((special | second_special) & 1u) == 1u {
        push_census(census);
        return;
    }
    var item = Item(key, load_bits_first(place), 0.0, name, second_key, load_bits_second(at), 0.0, 0.0, 0.0);
    if NEEDS_FRAME && special == 0u {
        item.offset = load_offset_first(place, frames.first);
        item.weighed_offset = load_offset_first(place, frames.weighed);
    }
    if NEEDS_FRAME && second_special == 0u {
        item.second_offset = load_offset_second(at, frames.second);
        item.second_scaled = scaled(item.second_bits, frames.second.exponent);
    }
    push(census, item);
}

// What a partial counts for in the frames of its output: how many pairs it was made of, each with an offset or two.
// Those that a NaN left out are none of them.
fn part_weight_first(part: Partial, weights: i32) -> f32 {
    let census = part.state.census;
    let nan = select(census.nan, 0u, params.skip_nan == 1u);
    return f32(census.finite + nan + census.positive_infinite + census.negative_infinite);
}

fn part_weight_second(part: Partial, weights: i32) -> f32 {
    return part_weight_first(part, weights);
}

// In the frame of weighed elements: the sum of its weights, read by the exponent `weights`.
fn part_weight_weighed(part: Partial, weights: i32) -> f32 {
    return weight_sum(part.state) * power_of_two(part.frames.second.exponent - weights);
}

// From a partial's frames into those of its output.
fn moves(part: Partial, moved: Frames) -> Moves {
    let any = part_weight_first(part, 0) > 0.0;
    let weighs = part_weight_weighed(part, moved.second.exponent) > 0.0;
    let old = part.frames;
    return Moves(
        move_of(old.first, moved.first, any),
        move_of(old.second, moved.second, any),
        move_of(old.weighed, moved.weighed, weighs),
    );
}

fn still() -> Moves {
    return Moves(Move(1.0, 0.0), Move(1.0, 0.0), Move(1.0, 0.0));
}
