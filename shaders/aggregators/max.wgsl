// The greatest element, as a key. The identity is below or at every key that an element can have.
struct MaxState {
    key: u32,
}

fn max_identity() -> MaxState {
    return MaxState(0u);
}

fn max_lift(item: Item) -> MaxState {
    return MaxState(item.key);
}

fn max_merge(a: MaxState, b: MaxState) -> MaxState {
    return MaxState(max(a.key, b.key));
}
