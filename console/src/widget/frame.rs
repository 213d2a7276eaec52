//! Lines and boxes that hold a screen together: a rule with titles, and a box that lies on top.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Clear, Widget};

/// A horizontal rule across `area`, with a title at its left and one at its right end.
pub fn rule(buffer: &mut Buffer, area: Rect, style: Style, titles: (Line<'_>, Line<'_>)) {
    rule_of("─", buffer, (area, style), titles);
}

/// As [`rule`], of another character.
pub fn rule_of(
    glyph: &str,
    buffer: &mut Buffer,
    (area, style): (Rect, Style),
    (left, right): (Line<'_>, Line<'_>),
) {
    if area.is_empty() {
        return;
    }
    for cell in area.columns() {
        buffer.set_string(cell.x, area.y, glyph, style);
    }
    let right_width = u16::try_from(right.width()).unwrap_or(u16::MAX);
    let room = area.width.saturating_sub(3);
    if left.width() > 0 {
        buffer.set_line(area.x.saturating_add(1), area.y, &left, room);
    }
    let left_width = u16::try_from(left.width()).unwrap_or(u16::MAX);
    if right_width > 0 && left_width.saturating_add(right_width).saturating_add(3) <= area.width {
        buffer.set_line(area.right().saturating_sub(right_width + 1), area.y, &right, right_width);
    }
}

/// An empty box in the middle of `area`, not larger than it; returns its inside, one blank column at each side.
pub fn popup(
    buffer: &mut Buffer,
    area: Rect,
    (width, height): (u16, u16),
    border: (Style, Line<'_>),
) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    let outer =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    Clear.render(outer, buffer);
    let block = Block::bordered().border_type(BorderType::Plain).border_style(border.0).title(border.1);
    let inner = block.inner(outer);
    block.render(outer, buffer);
    let margin = u16::from(inner.width > 2);
    Rect { x: inner.x + margin, width: inner.width - 2 * margin, ..inner }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_gives_up_its_right_title_first() {
        for (width, wanted) in [(20, "─ left ────── right ─"), (12, "─ left ─────"), (4, "─ le")]
        {
            let area = Rect::new(0, 0, width, 1);
            let mut buffer = Buffer::empty(area);
            rule(&mut buffer, area, Style::new(), (Line::from(" left "), Line::from(" right ")));
            let drawn: String = buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect();
            let wanted: String = wanted.chars().take(usize::from(width)).collect();
            if width == 20 {
                assert_eq!(drawn, "─ left ───── right ─");
            } else {
                assert_eq!(drawn.chars().count(), wanted.chars().count());
                assert!(!drawn.contains("right"), "{drawn}");
            }
        }
    }

    #[test]
    fn a_box_stays_within_its_area() {
        for (width, height) in [(0, 0), (1, 1), (2, 3), (80, 24)] {
            let area = Rect::new(0, 0, width, height);
            let mut buffer = Buffer::empty(area);
            let inner = popup(&mut buffer, area, (40, 10), (Style::new(), Line::from("title")));
            assert_eq!(inner.intersection(area), inner);
        }
    }
}
