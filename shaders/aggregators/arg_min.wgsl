// The least element, as a key, and the place of its first occurrence.
struct ArgMinState {
    key: u32,
    place: u32,
}

fn arg_min_identity() -> ArgMinState {
    return ArgMinState(0xffffffffu, 0xffffffffu);
}

fn arg_min_lift(item: Item) -> ArgMinState {
    return ArgMinState(item.key, item.place);
}

fn arg_min_merge(a: ArgMinState, b: ArgMinState) -> ArgMinState {
    if b.key < a.key || (b.key == a.key && b.place < a.place) {
        return b;
    }
    return a;
}
