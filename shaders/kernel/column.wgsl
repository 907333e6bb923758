// The frame of one column of a piece. COLUMN is `first` or `second`, or `weighed`, which is the first by the weights of
// the second. It is made of those elements alone that count, each by weight_COLUMN: another would move it to where no
// summed offset is. `weights` is the exponent that weights are read by. `common_spread` joins what the invocations of a
// workgroup found, where several take the piece.

fn own_spread_COLUMN(span: Span, weights: i32) -> Spread {
    var own = spread_identity();
    for (var i = span.begin; i < span.end; i += span.step) {
        let place = place_of(span, i);
        if !is_valid(place) {
            continue;
        }
        let bits = load_bits_COLUMN(place_COLUMN(place));
        // Of all of them: whether a piece is ordinary is asked of every element that is read.
        own.magnitude = max(own.magnitude, bits & 0x7fffffffu);
        let weight = weight_COLUMN(place, weights);
        if weight == 0.0 {
            continue;
        }
        let value = bitcast<f32>(bits);
        own.total += value * weight;
        own.weight += weight;
        own.least = min(own.least, value);
        own.greatest = max(own.greatest, value);
    }
    return own;
}

// The largest magnitude among the finite elements that count.
fn own_magnitude_COLUMN(span: Span, weights: i32) -> Spread {
    var own = spread_identity();
    for (var i = span.begin; i < span.end; i += span.step) {
        let place = place_of(span, i);
        let magnitude = load_bits_COLUMN(place_COLUMN(place)) & 0x7fffffffu;
        let counts = magnitude < 0x7f800000u && is_valid(place) && weight_COLUMN(place, weights) > 0.0;
        own.magnitude = max(own.magnitude, select(0u, magnitude, counts));
    }
    return own;
}

fn own_scaled_spread_COLUMN(span: Span, exponent: i32, weights: i32) -> Spread {
    var own = spread_identity();
    for (var i = span.begin; i < span.end; i += span.step) {
        let place = place_of(span, i);
        let bits = load_bits_COLUMN(place_COLUMN(place));
        let weight = weight_COLUMN(place, weights);
        if (bits & 0x7fffffffu) < 0x7f800000u && is_valid(place) && weight > 0.0 {
            own = spread_merge(own, spread_of(scaled(bits, exponent), weight));
        }
    }
    return own;
}

// One pass as if the piece were ordinary; if it is not, the finite elements' magnitude, then a scaled pass over them.
fn frame_COLUMN(lane: u32, span: Span, weights: i32) -> Found {
    let spread = common_spread(lane, own_spread_COLUMN(span, weights));
    if is_ordinary(spread.magnitude) {
        // A piece of zeros takes the least exponent, so that it never sets the scale for tinier pieces.
        let exponent = select(0, exponent_of(0u), spread.magnitude == 0u);
        return Found(Frame(exponent, shift_of(spread)), true);
    }
    let exponent = exponent_of(common_spread(lane, own_magnitude_COLUMN(span, weights)).magnitude);
    let scaled_spread = common_spread(lane, own_scaled_spread_COLUMN(span, exponent, weights));
    return Found(Frame(exponent, shift_of(scaled_spread)), false);
}
