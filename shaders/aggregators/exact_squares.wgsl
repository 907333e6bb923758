// The exact sum of the squares of f32 elements, in units of 2^-298, as exact_sum.wgsl holds that of the elements.
//
// A square adds less than 2^16 to each of four digits.

struct ExactSquaresState {
    digits: array<u32, EXACT_SQUARES_DIGITS>,
}

fn exact_squares_identity() -> ExactSquaresState {
    return ExactSquaresState(array<u32, EXACT_SQUARES_DIGITS>());
}

fn exact_squares_push(item: Item) {
    let bits = bits_of_key(item.key);
    let magnitude = bits & 0x7fffffffu;
    if magnitude == 0u || magnitude >= 0x7f800000u {
        return;
    }
    // (2^12 a + b)^2 = 2^24 a^2 + 2^13 a b + b^2, of 48 bits.
    let a = mantissa_of(bits) >> 12u;
    let b = mantissa_of(bits) & 0xfffu;
    let high = shift_left(vec2<u32>(a * a, 0u), 24u);
    let middle = shift_left(vec2<u32>(a * b, 0u), 13u);
    let square = add_u64(add_u64(high, middle), vec2<u32>(b * b, 0u));
    let position = 2u * mantissa_position(bits);
    let shifted = shift_left(square, position & 15u);
    let digit = position >> 4u;
    held.exact_squares.digits[digit] += shifted.x & 0xffffu;
    held.exact_squares.digits[digit + 1u] += shifted.x >> 16u;
    held.exact_squares.digits[digit + 2u] += shifted.y & 0xffffu;
    held.exact_squares.digits[digit + 3u] += shifted.y >> 16u;
}

fn exact_squares_merge(a: ExactSquaresState, b: ExactSquaresState) -> ExactSquaresState {
    var merged = a;
    for (var i = 0u; i < EXACT_SQUARES_DIGITS; i += 1u) {
        merged.digits[i] += b.digits[i];
    }
    return merged;
}

// Carries, so that every digit is 0 to 2^16 - 1.
fn exact_squares_rebase(a: ExactSquaresState, count: f32, by: Move) -> ExactSquaresState {
    var carried = a;
    var carry = 0u;
    for (var i = 0u; i < EXACT_SQUARES_DIGITS; i += 1u) {
        let digit = carried.digits[i] + carry;
        carried.digits[i] = digit & 0xffffu;
        carry = digit >> 16u;
    }
    return carried;
}
