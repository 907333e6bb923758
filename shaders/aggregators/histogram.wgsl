// Which bin counts an element: the keys of the bins' lower edges decide. After the bins come a counter of what is
// below the first edge, and one of what is above the last.
//
// Parameters: how many lower edges any element reaches, whether any element is at or below the last edge, the greatest
// key that is, and then the lower edges' least keys, which rise.
fn histogram_index(item: Item) -> u32 {
    let bins = HISTOGRAM_COUNTERS - 2u;
    let reached = parameters[HISTOGRAM_PARAMETERS];
    if parameters[HISTOGRAM_PARAMETERS + 1u] == 0u || item.key > parameters[HISTOGRAM_PARAMETERS + 2u] {
        return bins + 1u;
    }
    // How many edges are at or below the element.
    var low = 0u;
    var high = reached;
    while low < high {
        let middle = (low + high) / 2u;
        if parameters[HISTOGRAM_PARAMETERS + 3u + middle] <= item.key {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return select(low - 1u, bins, low == 0u);
}
