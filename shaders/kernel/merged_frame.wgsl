// The frame that an output's partials move into: the largest exponent, and the mean of their shifts by weight.
fn merged_frame_COLUMN(lane: u32, parts: Parts) -> Frame {
    // The exponent in the magnitude's place: biased, as exponents have a sign.
    var own = spread_identity();
    for (var i = parts.begin + lane; i < parts.end; i += WORKGROUP_SIZE) {
        let biased = u32(partials[i].frames.COLUMN.exponent + 256);
        own.magnitude = max(own.magnitude, select(0u, biased, weight_of(partials[i].state.census) > 0u));
    }
    let exponent = i32(common_spread(lane, own).magnitude) - 256;
    own = spread_identity();
    for (var i = parts.begin + lane; i < parts.end; i += WORKGROUP_SIZE) {
        let weight = weight_of(partials[i].state.census);
        if weight > 0u {
            let frame = partials[i].frames.COLUMN;
            let shift = frame.shift * power_of_two(frame.exponent - exponent);
            own = spread_merge(own, spread_of(shift, f32(weight)));
        }
    }
    return Frame(exponent, shift_of(common_spread(lane, own)));
}
