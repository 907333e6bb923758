// Elements are i16, two a word, the lower half first; the key is the element + 2^15.
const IS_FLOAT: bool = false;

fn load_key(index: u32) -> u32 {
    return ((input[index >> 1u] >> ((index & 1u) * 16u)) & 0xffffu) ^ 0x8000u;
}

// Integers are their keys; only floats have other bits.
fn load_bits(index: u32) -> u32 {
    return load_key(index);
}
