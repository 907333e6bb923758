// A workgroup takes a piece, and leaves one partial.
const TOGETHER: bool = true;

// Which taker this is: of all in a workgroup the same one. WGSL allows a barrier only where all invocations surely get, which its
// compilers tell without looking at constants: `lane` must not be named here.
fn taker_of(group: u32, lane: u32) -> u32 {
    return group;
}

var<workgroup> spreads: array<Spread, WORKGROUP_SIZE>;
var<workgroup> states: array<State, WORKGROUP_SIZE>;

fn common_spread(lane: u32, own: Spread) -> Spread {
    spreads[lane] = own;
    workgroupBarrier();
    for (var stride = WORKGROUP_SIZE / 2u; stride > 0u; stride /= 2u) {
        if lane < stride {
            spreads[lane] = spread_merge(spreads[lane], spreads[lane + stride]);
        }
        workgroupBarrier();
    }
    return workgroupUniformLoad(&spreads[0]);
}

// The merge of all invocations' states, for the first of them.
fn common_state(lane: u32, own: State) -> State {
    states[lane] = own;
    workgroupBarrier();
    for (var stride = WORKGROUP_SIZE / 2u; stride > 0u; stride /= 2u) {
        if lane < stride {
            states[lane] = merge(states[lane], states[lane + stride]);
        }
        workgroupBarrier();
    }
    return states[0];
}
