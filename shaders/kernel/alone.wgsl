// An invocation takes a piece: a short one, or one whose elements lie between those of its neighbours' pieces, so that
// neighbours read neighbours.
const TOGETHER: bool = false;

fn taker_of(group: u32, lane: u32) -> u32 {
    return group * WORKGROUP_SIZE + lane;
}

fn common_spread(lane: u32, own: Spread) -> Spread {
    return own;
}

fn common_state(lane: u32, own: State) -> State {
    return own;
}
