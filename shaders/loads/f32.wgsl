// Elements are f32, one a word.
const IS_FLOAT_COLUMN: bool = true;

fn load_bits_COLUMN(place: u32) -> u32 {
    return input_COLUMN[place];
}

fn load_key_COLUMN(place: u32) -> u32 {
    return key_of_bits(load_bits_COLUMN(place));
}
