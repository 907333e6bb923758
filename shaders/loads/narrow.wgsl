// Offsets of elements that an f32 holds exactly.
fn load_offset_COLUMN(place: u32, frame: Frame) -> f32 {
    return scaled(load_bits_COLUMN(place), frame.exponent) - frame.shift;
}

// The same where the element is of an ordinary magnitude, and the exponent is 0.
fn load_ordinary_COLUMN(place: u32, frame: Frame) -> f32 {
    return bitcast<f32>(load_bits_COLUMN(place)) - frame.shift;
}
