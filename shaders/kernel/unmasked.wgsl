fn is_valid(place: u32) -> bool {
    return true;
}
