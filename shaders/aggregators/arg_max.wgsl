// The greatest element, as a key, and the place of its first occurrence.
struct ArgMaxState {
    key: u32,
    place: u32,
}

fn arg_max_identity() -> ArgMaxState {
    return ArgMaxState(0u, 0xffffffffu);
}

fn arg_max_lift(item: Item) -> ArgMaxState {
    return ArgMaxState(item.key, item.place);
}

fn arg_max_merge(a: ArgMaxState, b: ArgMaxState) -> ArgMaxState {
    if b.key > a.key || (b.key == a.key && b.place < a.place) {
        return b;
    }
    return a;
}
