//! Large digits for a time that counts down: three rows, readable from across a room.

use crate::widget::text::width;

/// How many rows they take.
pub const ROWS: usize = 3;

/// A digit in half blocks: `7` is a bar on top of a post.
fn glyph(c: char) -> [&'static str; ROWS] {
    match c {
        '0' => ["█▀█", "█ █", "▀▀▀"],
        '1' => ["▀█ ", " █ ", "▀▀▀"],
        '2' => ["▀▀█", "█▀▀", "▀▀▀"],
        '3' => ["▀▀█", " ▀█", "▀▀▀"],
        '4' => ["█ █", "▀▀█", "  ▀"],
        '5' => ["█▀▀", "▀▀█", "▀▀▀"],
        '6' => ["█▀▀", "█▀█", "▀▀▀"],
        '7' => ["▀▀█", "  █", "  ▀"],
        '8' => ["█▀█", "█▀█", "▀▀▀"],
        '9' => ["█▀█", "▀▀█", "▀▀▀"],
        ':' => ["▄", "▄", " "],
        '-' => ["   ", "▀▀▀", "   "],
        _ => [" ", " ", " "],
    }
}

/// `text` in large digits, a blank column between two; colons are narrow.
pub fn large(text: &str) -> [String; ROWS] {
    let mut rows = [const { String::new() }; ROWS];
    for c in text.chars() {
        for (row, piece) in rows.iter_mut().zip(glyph(c)) {
            if width(row) > 0 {
                row.push(' ');
            }
            row.push_str(piece);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_side_by_side() {
        assert_eq!(large("1:7"), ["▀█  ▄ ▀▀█", " █  ▄   █", "▀▀▀     ▀"]);
        for c in '0'..='9' {
            assert!(glyph(c).iter().all(|row| width(row) == 3), "{c}");
            assert!(('0'..c).all(|other| glyph(other) != glyph(c)), "{c}");
        }
    }
}
