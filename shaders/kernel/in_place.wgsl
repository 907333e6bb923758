// The elements of a segment are neighbours; each is called by its index within the segment.
fn place_of(span: Span, i: u32) -> u32 {
    return span.first + i;
}

fn name_of(span: Span, i: u32) -> u32 {
    return i - span.origin;
}
