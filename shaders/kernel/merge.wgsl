// A workgroup leaves one result of an output's partials, or, where they are many, of a part of them: those it leaves are
// merged once more.
@compute @workgroup_size(WORKGROUP_SIZE)
fn merge_partials(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let parts = parts_of(group.y * groups.x + group.x);
    if !parts.exists {
        return;
    }
    let frames = merged_frames(lane, parts);
    held = identity();
    for (var i = parts.begin + lane; i < parts.end; i += WORKGROUP_SIZE) {
        let part = partials[i];
        held = merge(held, rebase(part.state, moves(part, frames)));
    }
    let state = common_state(lane, held);
    if lane == 0u {
        results[parts.output] = Partial(frames, state);
    }
}
