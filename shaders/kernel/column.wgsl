// The frame of one column of a piece. COLUMN is `first` or `second`; `common_spread` joins what the invocations of a
// workgroup found, where several take the piece.

fn own_spread_COLUMN(span: Span) -> Spread {
    var own = spread_identity();
    for (var i = span.begin; i < span.end; i += span.step) {
        let place = place_of(span, i);
        if !is_valid(place) {
            continue;
        }
        let bits = load_bits_COLUMN(place_COLUMN(place));
        let value = bitcast<f32>(bits);
        own.magnitude = max(own.magnitude, bits & 0x7fffffffu);
        own.total += value;
        own.weight += 1.0;
        own.least = min(own.least, value);
        own.greatest = max(own.greatest, value);
    }
    return own;
}

// The largest magnitude among the finite elements.
fn own_magnitude_COLUMN(span: Span) -> Spread {
    var own = spread_identity();
    for (var i = span.begin; i < span.end; i += span.step) {
        let place = place_of(span, i);
        let magnitude = load_bits_COLUMN(place_COLUMN(place)) & 0x7fffffffu;
        own.magnitude = max(own.magnitude, select(0u, magnitude, magnitude < 0x7f800000u && is_valid(place)));
    }
    return own;
}

fn own_scaled_spread_COLUMN(span: Span, exponent: i32) -> Spread {
    var own = spread_identity();
    for (var i = span.begin; i < span.end; i += span.step) {
        let place = place_of(span, i);
        let bits = load_bits_COLUMN(place_COLUMN(place));
        if (bits & 0x7fffffffu) < 0x7f800000u && is_valid(place) {
            own = spread_merge(own, spread_of(scaled(bits, exponent), 1.0));
        }
    }
    return own;
}

// One pass as if the piece were ordinary; if it is not, the finite elements' magnitude, then a scaled pass over them.
fn frame_COLUMN(lane: u32, span: Span) -> Found {
    let spread = common_spread(lane, own_spread_COLUMN(span));
    if is_ordinary(spread.magnitude) {
        // A piece of zeros takes the least exponent, so that it never sets the scale for tinier pieces.
        let exponent = select(0, exponent_of(0u), spread.magnitude == 0u);
        return Found(Frame(exponent, shift_of(spread)), true);
    }
    let exponent = exponent_of(common_spread(lane, own_magnitude_COLUMN(span)).magnitude);
    return Found(Frame(exponent, shift_of(common_spread(lane, own_scaled_spread_COLUMN(span, exponent)))), false);
}

// What NaN and infinities an element is, as bits: 1 NaN, 2 +infinity, 4 -infinity; 0 for all others.
fn special_COLUMN(key: u32) -> u32 {
    if !IS_FLOAT_COLUMN {
        return 0u;
    }
    return u32(is_nan(key)) | (u32(key == KEY_POSITIVE_INFINITY) << 1u) | (u32(key == KEY_NEGATIVE_INFINITY) << 2u);
}
