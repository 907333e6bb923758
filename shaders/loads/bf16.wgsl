// Elements are bf16, two a word, the lower half first: the upper halves of f32.
const IS_FLOAT_COLUMN: bool = true;

fn load_bits_COLUMN(place: u32) -> u32 {
    return (input_COLUMN[place >> 1u] >> ((place & 1u) * 16u)) << 16u;
}

fn load_key_COLUMN(place: u32) -> u32 {
    return key_of_bits(load_bits_COLUMN(place));
}
