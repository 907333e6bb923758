// Elements are i8, four a word, the lowest byte first; the key is the element + 2^7.
const IS_FLOAT: bool = false;

fn load_key(index: u32) -> u32 {
    return ((input[index >> 2u] >> ((index & 3u) * 8u)) & 0xffu) ^ 0x80u;
}

// Integers are their keys; only floats have other bits.
fn load_bits(index: u32) -> u32 {
    return load_key(index);
}
