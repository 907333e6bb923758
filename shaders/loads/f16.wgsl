// Elements are f16, two a word, the lower half first. They widen to f32 by their bits, on every device alike.
const IS_FLOAT_COLUMN: bool = true;

fn load_bits_COLUMN(place: u32) -> u32 {
    return bits_of_f16((input_COLUMN[place >> 1u] >> ((place & 1u) * 16u)) & 0xffffu);
}

fn load_key_COLUMN(place: u32) -> u32 {
    return key_of_bits(load_bits_COLUMN(place));
}
