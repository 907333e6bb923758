// Elements are u8, four a word, the lowest byte first.
const IS_FLOAT_COLUMN: bool = false;

fn load_key_COLUMN(place: u32) -> u32 {
    return (input_COLUMN[place >> 2u] >> ((place & 3u) * 8u)) & 0xffu;
}

// The element as f32, which holds it exactly.
fn load_bits_COLUMN(place: u32) -> u32 {
    return bitcast<u32>(f32(load_key_COLUMN(place)));
}
