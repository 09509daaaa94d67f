//! Text of others, made harmless for a terminal.

/// `text` without what a terminal would obey or what changes how its neighbours are read. Line
/// breaks and tabs stay.
pub(crate) fn shown(text: &str) -> String {
    let visible = |c: char| match c {
        '\n' | '\t' => c,
        c if c.is_control() => '\u{fffd}',
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            '\u{fffd}'
        }
        c => c,
    };
    text.chars().map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_cannot_drive_the_terminal() {
        assert_eq!(shown("a\x1b[2Jb\r\x07c\u{9b}d"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}c\u{fffd}d");
        assert_eq!(shown("ana\u{202e}moc"), "ana\u{fffd}moc");
        assert_eq!(shown("línea\n\tdos · 李"), "línea\n\tdos · 李");
    }
}
