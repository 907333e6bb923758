// One bit an element, the lowest first: 0 where it is missing.
fn is_valid(place: u32) -> bool {
    let bit = place - params.first + params.mask;
    return ((mask[bit >> 5u] >> (bit & 31u)) & 1u) == 1u;
}
