// Elements are u32, one a word: their own keys.
const IS_FLOAT_COLUMN: bool = false;

fn load_key_COLUMN(place: u32) -> u32 {
    return input_COLUMN[place];
}

// The element as the nearest f32: near enough to choose a frame.
fn load_bits_COLUMN(place: u32) -> u32 {
    return bitcast<u32>(f32(load_key_COLUMN(place)));
}

// The whole part of a number, held within the elements' range, and its key.
fn whole_COLUMN(x: f32) -> f32 {
    return clamp(trunc(x), 0.0, 4294967040.0);
}

fn key_of_whole_COLUMN(whole: f32) -> u32 {
    return u32(whole);
}
