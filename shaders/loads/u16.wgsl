// Elements are u16, two a word, the lower half first.
const IS_FLOAT_COLUMN: bool = false;

fn load_key_COLUMN(place: u32) -> u32 {
    return (input_COLUMN[place >> 1u] >> ((place & 1u) * 16u)) & 0xffffu;
}

// The element as f32, which holds it exactly.
fn load_bits_COLUMN(place: u32) -> u32 {
    return bitcast<u32>(f32(load_key_COLUMN(place)));
}
