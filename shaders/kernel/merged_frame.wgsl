// The frame that an output's partials move into: the largest exponent, and the mean of their shifts by weight. `weights`
// is the exponent that weights are read by.
fn merged_frame_COLUMN(lane: u32, parts: Parts, weights: i32) -> Frame {
    // The exponent in the magnitude's place: biased, as exponents have a sign.
    var own = spread_identity();
    for (var i = parts.begin + lane; i < parts.end; i += WORKGROUP_SIZE) {
        let biased = u32(partials[i].frames.COLUMN.exponent + 256);
        own.magnitude = max(own.magnitude, select(0u, biased, part_weight_COLUMN(partials[i], weights) > 0.0));
    }
    let exponent = i32(common_spread(lane, own).magnitude) - 256;
    own = spread_identity();
    for (var i = parts.begin + lane; i < parts.end; i += WORKGROUP_SIZE) {
        let weight = part_weight_COLUMN(partials[i], weights);
        if weight > 0.0 {
            let frame = partials[i].frames.COLUMN;
            let shift = frame.shift * power_of_two(frame.exponent - exponent);
            own = spread_merge(own, spread_of(shift, weight));
        }
    }
    return Frame(exponent, shift_of(common_spread(lane, own)));
}
