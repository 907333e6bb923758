//! The values of a JSON object as they are written, which its parser does not hand out.

/// Goes once through an object that is known to be well-formed as far as it is asked for.
pub(crate) struct Values<'a> {
    object: &'a [u8],
    at: usize,
    /// Colons of the object's own that were passed.
    entries: usize,
    depth: usize,
}

impl<'a> Values<'a> {
    pub(crate) fn of(object: &'a [u8]) -> Self {
        Self { object, at: 0, entries: 0, depth: 0 }
    }

    /// The value of an entry, counted from 0, each later than the one before: a number as it is written.
    pub(crate) fn get(&mut self, entry: usize) -> Option<&'a str> {
        let (mut quoted, mut escaped, mut start) = (false, false, None);
        while let Some(byte) = self.object.get(self.at) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b',' | b'}' if self.depth == 1 && start.is_some() => {
                    return std::str::from_utf8(self.object.get(start?..self.at)?.trim_ascii()).ok();
                }
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b':' if self.depth == 1 => {
                    start = (self.entries == entry).then_some(self.at + 1);
                    self.entries += 1;
                }
                _ => {}
            }
            self.at += 1;
        }
        None
    }
}
