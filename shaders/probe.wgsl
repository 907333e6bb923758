// What a device does with numbers. Each test leaves a word; the host knows what it should be. The operands come from a
// buffer, so that no compiler knows them.
@group(0) @binding(0) var<storage, read> operands: array<u32>;
@group(0) @binding(1) var<storage, read_write> answers: array<u32>;

var<workgroup> shared_words: array<u32, 64>;
var<workgroup> shared_count: atomic<u32>;

fn number(i: u32) -> f32 {
    return bitcast<f32>(operands[i]);
}

fn answer(i: u32, value: f32) {
    answers[i] = bitcast<u32>(value);
}

@compute @workgroup_size(64)
fn probe(@builtin(local_invocation_index) lane: u32) {
    // Barriers and workgroup memory: words turned round, then summed by a tree.
    if lane == 0u {
        atomicStore(&shared_count, 0u);
    }
    shared_words[lane] = operands[0] + lane;
    workgroupBarrier();
    let turned = shared_words[63u - lane];
    workgroupBarrier();
    shared_words[lane] = turned * (lane + 1u);
    atomicAdd(&shared_count, lane);
    workgroupBarrier();
    for (var stride = 32u; stride > 0u; stride /= 2u) {
        if lane < stride {
            shared_words[lane] += shared_words[lane + stride];
        }
        workgroupBarrier();
    }
    if lane > 0u {
        return;
    }
    answers[0] = shared_words[0];
    answers[1] = atomicLoad(&shared_count);
    // Integers: wrapping, shifts, a wide product, the leading bit, and numbers as floats and back.
    answers[2] = operands[1] + operands[2];
    answers[3] = operands[1] * operands[2];
    answers[4] = bitcast<u32>(bitcast<i32>(operands[1]) >> 5u);
    answers[5] = firstLeadingBit(operands[3]);
    answers[6] = bitcast<u32>(f32(operands[4]));
    answers[7] = u32(number(5));
    // Bits pass through memory unchanged: a NaN with a payload, a subnormal.
    answers[8] = operands[6];
    answers[9] = operands[7];
    // Rounding to nearest, ties to even, of each operation.
    answer(10u, number(8) + number(9));
    answer(11u, number(8) + number(10));
    answer(12u, number(11) * number(11));
    answer(13u, number(8) / number(12));
    // Subnormals: as operands, and as results.
    answer(14u, number(7) * number(13));
    answer(15u, number(14) * number(15));
    // TwoSum (Knuth): the error of a sum, which a compiler that reassociates makes 0.
    let sum = number(8) + number(9);
    let part = sum - number(8);
    answer(16u, (number(8) - (sum - part)) + (number(9) - part));
    // A product and a sum, which may be fused.
    answer(17u, number(11) * number(11) + number(16));
    // Infinity and NaN in comparisons.
    answers[18] = u32(number(17) > number(8)) | (u32(number(6) != number(6)) << 1u);
}
