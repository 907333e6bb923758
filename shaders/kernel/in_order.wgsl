// The elements of a group are where the order by key says; each is called by its index among all.
fn place_of(span: Span, i: u32) -> u32 {
    return span.first + order[i];
}

fn name_of(span: Span, i: u32) -> u32 {
    return order[i];
}
