// Pieces of segments: output o has the elements from offsets[o] up to offsets[o + 1]. An invocation takes a short one,
// workgroups take the tiles of a long one; tiles[o] is the first tile of segment o, tiles[outputs] how many there are.

// What of a segment lies within the window of this chunk: its begin and end there, and its own begin, which may be
// before the window's.
struct Segment {
    begin: u32,
    end: u32,
    origin: u32,
}

fn segment_of(output: u32) -> Segment {
    let begin = offsets[output];
    let end = offsets[output + 1u];
    // One that the plan reports as wrong is empty here.
    if begin > end || end > params.total {
        return Segment(0u, 0u, 0u);
    }
    let from_here = clamp(begin, params.window, params.window + params.count) - params.window;
    let up_to = clamp(end, params.window, params.window + params.count) - params.window;
    return Segment(from_here, up_to, begin - params.window);
}

// The segment of a tile: the last one whose first tile is not after it.
fn segment_of_tile(tile: u32) -> u32 {
    var low = 0u;
    var high = params.outputs;
    while high - low > 1u {
        let middle = (low + high) / 2u;
        if tiles[middle] <= tile {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

fn piece_of(id: u32) -> Piece {
    if TOGETHER {
        let output = segment_of_tile(id);
        let segment = segment_of(output);
        let begin = segment.begin + (id - tiles[output]) * TILE;
        let end = min(begin + TILE, segment.end);
        return Piece(Span(params.first, 1u, begin, end, 1u, segment.origin), output, id, id < tiles[params.outputs]);
    }
    let segment = segment_of(min(id, params.outputs - 1u));
    let is_short = id < params.outputs && segment.end - segment.begin <= SHORT;
    return Piece(Span(params.first, 1u, segment.begin, segment.end, 1u, segment.origin), id, id, is_short);
}

// Whether a piece's partial is the result.
fn is_whole(piece: Piece) -> bool {
    return !TOGETHER;
}

fn parts_of(id: u32) -> Parts {
    let output = segment_of_tile(id);
    let begin = tiles[output];
    return Parts(begin, tiles[output + 1u], output, id == begin && id < tiles[params.outputs]);
}
