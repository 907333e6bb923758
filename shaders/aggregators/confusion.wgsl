// Which cell of a confusion matrix counts a pair of label and prediction: row by row, then one counter of what is no
// class. Parameter: how many classes there are.
fn confusion_index(item: Item) -> u32 {
    let classes = parameters[CONFUSION_PARAMETERS];
    if item.key >= classes || item.second_key >= classes {
        return classes * classes;
    }
    return item.key * classes + item.second_key;
}
