// Elements are i32, one a word; the key is the element + 2^31.
const IS_FLOAT_COLUMN: bool = false;

fn load_key_COLUMN(place: u32) -> u32 {
    return input_COLUMN[place] ^ 0x80000000u;
}

// The element as the nearest f32: near enough to choose a frame.
fn load_bits_COLUMN(place: u32) -> u32 {
    return bitcast<u32>(f32(bitcast<i32>(input_COLUMN[place])));
}

// The whole part of a number, held within the elements' range, and its key.
fn whole_COLUMN(x: f32) -> f32 {
    return clamp(trunc(x), -2147483648.0, 2147483520.0);
}

fn key_of_whole_COLUMN(whole: f32) -> u32 {
    return bitcast<u32>(i32(whole)) ^ 0x80000000u;
}
