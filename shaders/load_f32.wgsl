// Elements are f32, one a word.
const IS_FLOAT: bool = true;

fn load_bits(index: u32) -> u32 {
    return input[index];
}

fn load_key(index: u32) -> u32 {
    return key_of_bits(load_bits(index));
}
