// Numbers as Strix kernels see them: every element is an order-preserving u32 *key*.
//
// WGSL lets an implementation flush subnormals and assume that NaN and infinities do not
// exist, so classification, comparison and scaling happen on integers. The only floats whose
// arithmetic counts are finite, and far from overflow and from the subnormals.

// The keys of -infinity and +infinity; a float key outside them is a NaN.
const KEY_NEGATIVE_INFINITY: u32 = 0x007fffffu;
const KEY_POSITIVE_INFINITY: u32 = 0xff800000u;

// A frame of reference: an element x is seen as x * 2^-exponent - shift.
struct Frame {
    exponent: i32,
    shift: f32,
}

// What changes when a state moves from one frame to another: offset' = offset * scale + shift.
struct Move {
    scale: f32,
    shift: f32,
}

// One element, as an aggregator's `lift` receives it.
struct Item {
    // Order-preserving: key(a) < key(b) exactly when a < b (and -0 before +0).
    key: u32,
    // The element in the tile's frame; 0 for an infinity, and for integer elements.
    offset: f32,
}

fn key_of_bits(bits: u32) -> u32 {
    return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}

fn bits_of_key(key: u32) -> u32 {
    return select(~key, key & 0x7fffffffu, key >= 0x80000000u);
}

fn is_nan(key: u32) -> bool {
    return key < KEY_NEGATIVE_INFINITY || key > KEY_POSITIVE_INFINITY;
}

fn is_infinite(key: u32) -> bool {
    return key == KEY_NEGATIVE_INFINITY || key == KEY_POSITIVE_INFINITY;
}

// 2^n for n up to 127, made from bits; 0 below the normal range.
fn power_of_two(n: i32) -> f32 {
    return bitcast<f32>(select(0u, u32(n + 127) << 23u, n >= -126));
}

// The smallest e with |x| < 2^e for every finite x whose magnitude bits are at most `magnitude`.
fn exponent_of(magnitude: u32) -> i32 {
    return i32(max(magnitude >> 23u, 1u)) - 126;
}

// x * 2^-exponent, exact for subnormals too, as the mantissa enters as an integer.
fn scaled(bits: u32, exponent: i32) -> f32 {
    let biased = (bits >> 23u) & 0xffu;
    let fraction = bits & 0x7fffffu;
    let mantissa = f32(select(fraction, fraction | 0x800000u, biased > 0u));
    let magnitude = mantissa * power_of_two(i32(max(biased, 1u)) - 150 - exponent);
    return select(magnitude, -magnitude, bits >= 0x80000000u);
}

// The mantissa of a finite float with its hidden bit, so that |x| is it times 2^(mantissa_position - 149).
fn mantissa_of(bits: u32) -> u32 {
    let fraction = bits & 0x7fffffu;
    return select(fraction, fraction | 0x800000u, (bits & 0x7f800000u) > 0u);
}

fn mantissa_position(bits: u32) -> u32 {
    return max((bits >> 23u) & 0xffu, 1u) - 1u;
}

// a * 2^n for u64 held as (low, high), for n below 32; shifts by 32, which WGSL takes modulo 32, do not occur.
fn shift_left(a: vec2<u32>, n: u32) -> vec2<u32> {
    return vec2<u32>(a.x << n, (a.y << n) | ((a.x >> 1u) >> (31u - n)));
}

// a + b for u64 held as (low, high); the carry is seen in the wrapped low word.
fn add_u64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = a.x + b.x;
    return vec2<u32>(low, a.y + b.y + select(0u, 1u, low < a.x));
}
