// Offsets of integers of 32 bits: the difference from the whole part of the shift is taken between integers, where
// nothing rounds.
fn load_offset_COLUMN(place: u32, frame: Frame) -> f32 {
    let key = load_key_COLUMN(place);
    let whole = whole_COLUMN(frame.shift * power_of_two(frame.exponent));
    let center = key_of_whole_COLUMN(whole);
    let above = key >= center;
    let distance = f32(select(center - key, key - center, above));
    let scale = power_of_two(-frame.exponent);
    return select(-distance, distance, above) * scale - (frame.shift - whole * scale);
}

fn load_ordinary_COLUMN(place: u32, frame: Frame) -> f32 {
    return load_offset_COLUMN(place, frame);
}
