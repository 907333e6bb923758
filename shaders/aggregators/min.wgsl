// The least element, as a key. The identity is above every key that an element can have.
struct MinState {
    key: u32,
}

fn min_identity() -> MinState {
    return MinState(0xffffffffu);
}

fn min_lift(item: Item) -> MinState {
    return MinState(item.key);
}

fn min_merge(a: MinState, b: MinState) -> MinState {
    return MinState(min(a.key, b.key));
}
