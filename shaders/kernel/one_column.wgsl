// One element, as an aggregator takes it in.
struct Item {
    // Order-preserving: key(a) < key(b) exactly when a < b (and -0 before +0).
    key: u32,
    // The element in the piece's frame; 0 for an infinity, and where no aggregator needs a frame.
    offset: f32,
    // Its index along the axis, within its segment, or of a group among all elements.
    place: u32,
}

struct Frames {
    first: Frame,
}

struct Moves {
    first: Move,
}

struct Tile {
    frames: Frames,
    ordinary: bool,
}

fn place_first(place: u32) -> u32 {
    return place;
}

// What a finite element counts for in the frame.
fn weight_first(place: u32, weights: i32) -> f32 {
    return 1.0;
}

fn frames_of(lane: u32, span: Span) -> Tile {
    if !NEEDS_FRAME {
        return Tile(Frames(Frame(0, 0.0)), false);
    }
    let first = frame_first(lane, span, 0);
    return Tile(Frames(first.frame), first.ordinary);
}

fn push_ordinary(place: u32, name: u32, frames: Frames) {
    push(census_one(), Item(load_key_first(place), load_ordinary_first(place, frames.first), name));
}

fn push_any(place: u32, name: u32, frames: Frames) {
    let key = load_key_first(place);
    let special = special_first(key);
    let census = census_of(special, name);
    // A NaN is counted and never computed with: what it does to an answer, the host knows.
    if (special & 1u) == 1u {
        push_census(census);
        return;
    }
    var offset = 0.0;
    if NEEDS_FRAME && special == 0u {
        offset = load_offset_first(place, frames.first);
    }
    push(census, Item(key, offset, name));
}

// What a partial counts for in the frame of its output: how many offsets it was made of.
fn part_weight_first(part: Partial, weights: i32) -> f32 {
    return f32(part.state.census.finite);
}

// From a partial's frames into those of its output.
fn moves(part: Partial, moved: Frames) -> Moves {
    return Moves(move_of(part.frames.first, moved.first, part_weight_first(part, 0) > 0.0));
}

fn still() -> Moves {
    return Moves(Move(1.0, 0.0));
}
