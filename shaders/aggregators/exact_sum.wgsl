// The exact sum of f32 elements: digits of 16 bits that carry late, in units of 2^-149, the least bit of any f32. Only
// integers are computed with, so nothing that WGSL leaves to an implementation can change a bit.
//
// An element adds less than 2^16 to each of three digits, so the 2^13 elements of a tile stay below 2^29 in every one of
// them. `rebase` carries before partials are merged: 2^16 of them are then below 2^32.

struct ExactSumState {
    digits: array<u32, EXACT_SUM_DIGITS>,
    // Elements that are not -0: the sum is -0 only where there are none of them.
    others: u32,
}

fn exact_sum_identity() -> ExactSumState {
    return ExactSumState(array<u32, EXACT_SUM_DIGITS>(), 0u);
}

fn exact_sum_push(item: Item) {
    let bits = bits_of_key(item.key);
    held.exact_sum.others += u32(bits != 0x80000000u);
    let magnitude = bits & 0x7fffffffu;
    // Nothing is added by a zero; infinities are the census's.
    if magnitude == 0u || magnitude >= 0x7f800000u {
        return;
    }
    let position = mantissa_position(bits);
    let shifted = shift_left(vec2<u32>(mantissa_of(bits), 0u), position & 15u);
    let sign = select(1u, 0xffffffffu, bits >= 0x80000000u);
    let digit = position >> 4u;
    held.exact_sum.digits[digit] += (shifted.x & 0xffffu) * sign;
    held.exact_sum.digits[digit + 1u] += (shifted.x >> 16u) * sign;
    held.exact_sum.digits[digit + 2u] += shifted.y * sign;
}

fn exact_sum_merge(a: ExactSumState, b: ExactSumState) -> ExactSumState {
    var merged = a;
    for (var i = 0u; i < EXACT_SUM_DIGITS; i += 1u) {
        merged.digits[i] += b.digits[i];
    }
    merged.others += b.others;
    return merged;
}

// Carries, so that every digit but the last is 0 to 2^16 - 1; the last has the sign.
fn exact_sum_rebase(a: ExactSumState, count: f32, by: Move) -> ExactSumState {
    var carried = a;
    var carry = 0i;
    for (var i = 0u; i < EXACT_SUM_DIGITS - 1u; i += 1u) {
        let digit = bitcast<i32>(carried.digits[i]) + carry;
        carried.digits[i] = bitcast<u32>(digit & 0xffff);
        carry = digit >> 16u;
    }
    carried.digits[EXACT_SUM_DIGITS - 1u] += bitcast<u32>(carry);
    return carried;
}
