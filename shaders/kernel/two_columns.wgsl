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
    // The second element times 2^-exponent of its frame, without its shift; 0 where it is special.
    second_scaled: f32,
}

struct Frames {
    first: Frame,
    second: Frame,
}

struct Moves {
    first: Move,
    second: Move,
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

fn frames_of(lane: u32, span: Span) -> Tile {
    if !NEEDS_FRAME {
        return Tile(Frames(Frame(0, 0.0), Frame(0, 0.0)), false);
    }
    let first = frame_first(lane, span);
    let second = frame_second(lane, span);
    return Tile(Frames(first.frame, second.frame), first.ordinary && second.ordinary);
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
    var item = Item(key, load_bits_first(place), 0.0, name, second_key, load_bits_second(at), 0.0, 0.0);
    if NEEDS_FRAME && special == 0u {
        item.offset = load_offset_first(place, frames.first);
    }
    if NEEDS_FRAME && second_special == 0u {
        item.second_offset = load_offset_second(at, frames.second);
        item.second_scaled = scaled(item.second_bits, frames.second.exponent);
    }
    push(census, item);
}

// How many pairs a state was made of, each with an offset or two.
fn weight_of(census: Census) -> u32 {
    return census.finite + census.nan + census.positive_infinite + census.negative_infinite;
}

fn moves(old: Frames, moved: Frames, any: bool) -> Moves {
    return Moves(move_of(old.first, moved.first, any), move_of(old.second, moved.second, any));
}

fn still() -> Moves {
    return Moves(Move(1.0, 0.0), Move(1.0, 0.0));
}
