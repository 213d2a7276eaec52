//! A line of values as a filled graph over several rows, in eighths of a cell.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// The eighths of a cell, from one to full.
const EIGHTHS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws one value a column, the newest at the right edge, as high as its share of the top of the scale. Nothing
/// is a line at the bottom in a style of its own; what is not known is left blank.
pub fn draw(
    buffer: &mut Buffer,
    area: Rect,
    (values, top): (&[Option<u64>], u64),
    (style, nothing): (Style, Style),
) {
    let steps = u128::from(area.height) * 8;
    let columns = area.columns().collect::<Vec<Rect>>();
    for (column, value) in columns.iter().rev().zip(values.iter().rev()) {
        let Some(value) = *value else { continue };
        let wanted = (u128::from(value) * steps).div_ceil(u128::from(top.max(1)));
        let style = if value == 0 { nothing } else { style };
        let eighths = wanted.min(steps).max(1);
        for (row, cell) in column.rows().collect::<Vec<Rect>>().iter().rev().enumerate() {
            let left = eighths.saturating_sub(row as u128 * 8).min(8);
            let Some(glyph) = usize::try_from(left).ok().and_then(|left| left.checked_sub(1)) else { break };
            let symbol = EIGHTHS.get(glyph).copied().unwrap_or(' ');
            if let Some(cell) = buffer.cell_mut((cell.x, cell.y)) {
                cell.set_char(symbol).set_style(style);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fill_from_below_and_from_the_right() {
        let area = Rect::new(0, 0, 5, 2);
        let mut buffer = Buffer::empty(area);
        draw(&mut buffer, area, (&[Some(0), None, Some(8), Some(16)], 16), (Style::new(), Style::new()));
        assert_eq!(buffer, Buffer::with_lines(["    █", " ▁ ██"]));
        draw(&mut buffer, Rect::ZERO, (&[Some(1)], 1), (Style::new(), Style::new()));
    }
}
