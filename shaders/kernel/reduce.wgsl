// The one loop: each piece of an output's elements leaves one partial.
//
// Accuracy comes from the frame. Each piece first finds its mean, and sums offsets from it, so that an
// offset of 1e8 costs no digits. A piece of ordinary magnitudes is taken as it is; any other (huge,
// tiny, or with NaN or infinities in it) is scaled to at most 1 by a power of two, so that nothing
// overflows or is subnormal. Merging moves each partial into the frame of the weighted mean.
//
// Composed before this file: the constants, the bindings, numbers, spread, the loads, census, one_column or two_columns,
// the aggregators, State with `held`, identity, push, merge and rebase, together or alone, column, and the shape.

struct Params {
    // Elements of each output along the axis; of a segmented array, those in this chunk.
    count: u32,
    // Index of the first element, so that a chunk may begin inside a word.
    first: u32,
    // From one element of an output to its next.
    stride: u32,
    outputs: u32,
    // Pieces of each output, and elements of a piece.
    pieces: u32,
    piece: u32,
    // Added to an element's index, the index of the second element of its pair.
    second: u32,
    // The bit of the mask that belongs to the first element.
    mask: u32,
    // The other axes of the array, the last of them the fastest: lengths, and steps in elements.
    rank: u32,
    skip_nan: u32,
    // Of a segmented array, how many elements there are in all, and which of them is this chunk's first.
    total: u32,
    window: u32,
    shape: array<vec4<u32>, 2>,
    strides: array<vec4<u32>, 2>,
}

// Elements from `begin` up to `end` in steps: the i-th lies where place_of says.
struct Span {
    first: u32,
    stride: u32,
    begin: u32,
    end: u32,
    step: u32,
    // The output's own first.
    origin: u32,
}

struct Piece {
    span: Span,
    output: u32,
    // Where its partial goes: among the results where the piece is whole.
    partial: u32,
    exists: bool,
}

// Partials of an output, and where their merge goes.
struct Parts {
    begin: u32,
    end: u32,
    output: u32,
    exists: bool,
}

struct Partial {
    frames: Frames,
    state: State,
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn reduce_pieces(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    // A dimension has at most 65535 workgroups.
    let id = group.y * groups.x + group.x;
    let piece = piece_of(taker_of(id, lane));
    if !piece.exists {
        return;
    }
    var span = piece.span;
    if TOGETHER {
        span.begin += lane;
        span.step = WORKGROUP_SIZE;
    }
    let tile = frames_of(lane, span);
    begin_tallies(lane, piece.output);
    held = identity();
    if tile.ordinary {
        for (var i = span.begin; i < span.end; i += span.step) {
            let place = place_of(span, i);
            if is_valid(place) {
                push_ordinary(place, name_of(span, i), tile.frames);
            }
        }
    } else {
        for (var i = span.begin; i < span.end; i += span.step) {
            let place = place_of(span, i);
            if is_valid(place) {
                push_any(place, name_of(span, i), tile.frames);
            }
        }
    }
    end_tallies(lane, piece.output);
    let state = common_state(lane, held);
    if lane == 0u || !TOGETHER {
        let partial = Partial(tile.frames, rebase(state, still()));
        if is_whole(piece) {
            results[piece.partial] = partial;
        } else {
            partials[piece.partial] = partial;
        }
    }
}
