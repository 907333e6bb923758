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

fn key_of_bits(bits: u32) -> u32 {
    return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}

fn bits_of_key(key: u32) -> u32 {
    return select(~key, key & 0x7fffffffu, key >= 0x80000000u);
}

fn is_nan(key: u32) -> bool {
    return key < KEY_NEGATIVE_INFINITY || key > KEY_POSITIVE_INFINITY;
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

// a * b as u64, in halves of 16 bits.
fn multiply_u64(a: u32, b: u32) -> vec2<u32> {
    let low = (a & 0xffffu) * (b & 0xffffu);
    let left = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
    let right = (a & 0xffffu) * (b >> 16u) + (left & 0xffffu);
    return vec2<u32>(a * b, (a >> 16u) * (b >> 16u) + (left >> 16u) + (right >> 16u));
}

// The bits of an f16 as those of the f32 of the same value.
fn bits_of_f16(half: u32) -> u32 {
    let sign = (half & 0x8000u) << 16u;
    let exponent = (half >> 10u) & 31u;
    let fraction = half & 0x3ffu;
    if exponent == 31u {
        return sign | 0x7f800000u | (fraction << 13u);
    }
    if exponent > 0u {
        return sign | ((exponent + 112u) << 23u) | (fraction << 13u);
    }
    if fraction == 0u {
        return sign;
    }
    // A subnormal, fraction * 2^-24, has a leading bit of its own in f32.
    let leading = firstLeadingBit(fraction);
    return sign | ((leading + 103u) << 23u) | ((fraction << (23u - leading)) & 0x7fffffu);
}

// From one frame into another; nothing moves where there is nothing.
fn move_of(old: Frame, moved: Frame, any: bool) -> Move {
    let scale = select(0.0, power_of_two(old.exponent - moved.exponent), any);
    return Move(scale, old.shift * scale - moved.shift);
}
