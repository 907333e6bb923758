// Pieces of a strided array, reduced along one axis: output o has params.count elements, params.stride apart.

// The index of an output's first element, from its coordinates along the other axes.
fn first_of(output: u32) -> u32 {
    var rest = output;
    var place = params.first;
    for (var axis = params.rank; axis > 0u; axis -= 1u) {
        let at = axis - 1u;
        let length = params.shape[at >> 2u][at & 3u];
        place += (rest % length) * params.strides[at >> 2u][at & 3u];
        rest /= length;
    }
    return place;
}

fn piece_of(id: u32) -> Piece {
    // Workgroups in a row take pieces of one output; invocations in a row take outputs in a row.
    let output = select(id % params.outputs, id / params.pieces, TOGETHER);
    let part = select(id / params.outputs, id % params.pieces, TOGETHER);
    let begin = part * params.piece;
    let end = min(begin + params.piece, params.count);
    // One piece is all there is: its partial is the result.
    let partial = select(output * params.pieces + part, output, params.pieces == 1u);
    let first = first_of(output);
    return Piece(Span(first, params.stride, begin, end, 1u, 0u), output, partial, id < params.outputs * params.pieces);
}

// Whether a piece's partial is the result.
fn is_whole(piece: Piece) -> bool {
    return params.pieces == 1u;
}

fn place_of(span: Span, i: u32) -> u32 {
    return span.first + i * span.stride;
}

// What the element's place is called: its index along the axis.
fn name_of(span: Span, i: u32) -> u32 {
    return i;
}

// Where partials are merged, params.count is how many an output has, and params.piece how many of them a workgroup takes.
fn parts_of(id: u32) -> Parts {
    let output = id / params.pieces;
    let begin = output * params.count + (id % params.pieces) * params.piece;
    let end = min(begin + params.piece, (output + 1u) * params.count);
    return Parts(begin, end, id, id < params.outputs * params.pieces);
}
