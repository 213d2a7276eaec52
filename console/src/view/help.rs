//! The keys, drawn from the rows of the keymap, and what the shapes mean. Pages go round.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Look, Scene, badge};
use crate::ability::Ability;
use crate::keymap::{Action, Group, Row};
use crate::model::health::Health;
use crate::theme::Role;
use crate::widget::frame::popup;
use crate::widget::pages::turn;
use crate::widget::text::{Align, cut, pad, width, wrap};

/// The columns of the keys.
const KEYS: usize = 11;

/// What stands between two columns.
const RULE: &str = " │ ";

/// Keys, and what the proxy there can do.
pub(super) struct Keys<'a> {
    pub(super) look: &'a Look,
    pub(super) rows: Vec<&'a Row>,
    /// Why that proxy cannot do something; none: it can.
    pub(super) lacks: &'a dyn Fn(Ability) -> Option<&'static str>,
}

/// The box with the keys of one target. Where it is the only one, there is no key to the others.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, page: usize) {
    let alone = scene.model.station.is_none();
    let rows = scene.model.keymap.rows().iter().filter(|row| !row.is_of_fleet());
    let rows: Vec<&Row> = rows.filter(|row| !(alone && row.action == Action::Fleet)).collect();
    let lacks = |ability| scene.model.lacks(ability);
    draw_rows(buffer, area, &Keys { look: scene.look, rows, lacks: &lacks }, page);
}

/// The box with these keys.
pub(super) fn draw_rows(buffer: &mut Buffer, area: Rect, keys: &Keys<'_>, page: usize) {
    let look = keys.look;
    let outer = area.width.saturating_sub(2).min(100);
    let columns = if outer >= 74 { 2 } else { 1 };
    let room = usize::from(outer.saturating_sub(4));
    let column_width = room.saturating_sub(width(RULE) * (columns - 1)) / columns;
    let body = usize::from(area.height.saturating_sub(3)).max(1);
    let filled = evenly(&blocks(keys, column_width), body, columns);
    let pages = filled.len().div_ceil(columns).max(1);
    let page = page % pages;
    let shown: Vec<_> = filled.iter().skip(page * columns).take(columns).collect();
    let used =
        if pages == 1 { shown.iter().map(|column| column.len()).max().unwrap_or_default() } else { body };
    let wanted = u16::try_from(used + 3).unwrap_or(u16::MAX).min(area.height);
    let title = Line::from(look.span(Role::Strong, " Keys "));
    let inner = popup(buffer, area, (outer, wanted), (look.theme.style(Role::Accent), title));
    for (row, place) in inner.rows().take(used).enumerate() {
        let mut line = Line::default();
        for at in 0..columns {
            if at > 0 {
                line.push_span(look.span(Role::Faint, RULE));
            }
            let told = shown.get(at).and_then(|column| column.get(row)).cloned().unwrap_or_default();
            let rest = column_width.saturating_sub(told.width());
            line.spans.extend(told.spans);
            line.push_span(look.span(Role::Text, " ".repeat(rest)));
        }
        buffer.set_line(place.x, place.y, &line, place.width);
    }
    if let Some(last) = inner.rows().next_back() {
        let text = if pages > 1 {
            format!("{}     Esc back", turn("Down", page, pages))
        } else {
            "Esc back".to_owned()
        };
        buffer.set_stringn(last.x, last.y, text, usize::from(last.width), look.theme.style(Role::Faint));
    }
}

/// Lines that are read together.
type Block = Vec<Line<'static>>;

/// The blocks in columns of at most so many rows; of fewer where all of them stand side by side then.
fn evenly(blocks: &[Block], most: usize, columns: usize) -> Vec<Block> {
    let least = blocks.iter().map(Vec::len).sum::<usize>() / columns;
    let mut heights = least.max(1)..most;
    let lower = heights.find_map(|rows| Some(flow(blocks, rows)).filter(|filled| filled.len() <= columns));
    lower.unwrap_or_else(|| flow(blocks, most))
}

/// The same in columns of so many rows: none of them begins with a gap, and a block is divided only if it is longer.
fn flow(blocks: &[Block], rows: usize) -> Vec<Block> {
    let mut filled = Vec::new();
    let mut column = Block::new();
    let parts =
        blocks.iter().flat_map(|block| block.chunks(if block.len() > rows { 1 } else { block.len().max(1) }));
    for part in parts {
        if column.len() + part.len() > rows {
            filled.push(std::mem::take(&mut column));
        }
        let gap = part.iter().take_while(|line| column.is_empty() && line.width() == 0).count();
        column.extend(part.iter().skip(gap).cloned());
    }
    filled.push(column);
    filled
}

/// The keys, and behind them the shapes. A heading is of one block with what stands first below it.
fn blocks(keys: &Keys<'_>, room: usize) -> Vec<Block> {
    let look = keys.look;
    let mut blocks: Vec<Block> = Vec::new();
    for (group, heading) in Group::ALL {
        let rows = || keys.rows.iter().copied().filter(|row| row.group == group);
        let mut begun = if blocks.is_empty() { Block::new() } else { vec![Line::default()] };
        begun.extend(wrap(heading, room).into_iter().map(|text| Line::from(look.span(Role::Strong, text))));
        let mut told: Vec<&str> = Vec::new();
        for row in rows() {
            if !told.contains(&row.help) {
                told.push(row.help);
                let same: Vec<&Row> = rows().filter(|other| other.help == row.help).collect();
                begun.extend(key_lines(keys, &same, room));
                blocks.push(std::mem::take(&mut begun));
            }
        }
    }
    let mut begun = vec![Line::default(), Line::from(look.span(Role::Strong, "Status"))];
    for (health, text) in [
        (Health::Ok, "serves"),
        (Health::Standby, "Stby, Spar: in reserve"),
        (Health::Draining, "Drn: own sessions only"),
        (Health::Disabled, "Dis: serves nobody"),
        (Health::Stopped, "Stop: as Dis, no retry"),
        (Health::Error, "Err, HcFl: cannot serve"),
    ] {
        let (shape, role) = badge::shape(health);
        begun.push(Line::from(vec![
            look.span(role, pad(&format!(" {shape}"), KEYS, Align::Left)),
            look.span(Role::Text, cut(text, room.saturating_sub(KEYS))),
        ]));
        blocks.push(std::mem::take(&mut begun));
    }
    blocks
}

/// The keys of one row, or the first keys of several with the same words, which go on below.
fn key_lines(all: &Keys<'_>, rows: &[&Row], room: usize) -> Vec<Line<'static>> {
    let (look, mut keys): (_, Vec<String>) = (all.look, Vec::new());
    let each = if rows.len() == 1 { 2 } else { 1 };
    for key in rows.iter().flat_map(|row| row.keys.iter().take(each)).map(ToString::to_string) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let keys = wrap(&keys.join(" "), KEYS - 2).into_iter().map(|keys| format!(" {keys}")).collect::<Vec<_>>();
    let words = rows.first().map_or("", |row| row.help);
    let ability = rows.first().and_then(|row| row.action.needs());
    let (key, role, words) = match ability.and_then(|ability| (all.lacks)(ability)) {
        // What else there is to know of that is said when the key is pressed.
        Some(why) => (Role::Faint, Role::Faint, why.split(". ").next().unwrap_or_default()),
        None => (Role::Accent, Role::Text, words),
    };
    let texts = wrap(words, room.saturating_sub(KEYS));
    let at = |texts: &[String], row: usize| texts.get(row).cloned().unwrap_or_default();
    let line = |row: usize| {
        let keys = pad(&at(&keys, row), KEYS, Align::Left);
        Line::from(vec![look.span(key, keys), look.span(role, at(&texts, row))])
    };
    (0..keys.len().max(texts.len())).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::drawn;
    use crate::keymap::Group;
    use crate::message::Key;
    use crate::model::sample;
    use crate::update::hands::press;

    #[test]
    fn columns_stand_apart_and_no_heading_is_left_behind() {
        let headings: Vec<&str> = Group::ALL.iter().map(|(_, heading)| *heading).chain(["Status"]).collect();
        for (columns, rows) in [(80, 24), (120, 36), (80, 13)] {
            let mut model = sample::model(columns, rows);
            press(&mut model, "?");
            for _ in 0..6 {
                let page = drawn(&model);
                let lines: Vec<Vec<char>> = page.lines().map(|line| line.chars().collect()).collect();
                let top = lines.iter().position(|line| line.contains(&'┌')).unwrap();
                let side = lines[top].iter().position(|c| *c == '┌').unwrap();
                let end = lines.iter().position(|line| line.get(side) == Some(&'└')).unwrap() - 1;
                let middle = (side + 1..columns.into()).find(|at| lines[top + 1][*at] == '│').unwrap();
                let right = lines[top].iter().position(|c| *c == '┐').unwrap();
                let mut below = [true; 2];
                for line in lines[top + 1..end].iter().rev() {
                    assert_eq!(line[middle - 1..=middle + 1], [' ', '│', ' '], "{page}");
                    for (at, (from, to)) in [(side + 1, middle), (middle + 1, right)].into_iter().enumerate()
                    {
                        let told: String = line[from..to].iter().collect();
                        let is_heading = headings.contains(&told.trim());
                        assert!(!(is_heading && below[at]), "{page}");
                        below[at] = told.trim().is_empty();
                    }
                }
                press(&mut model, &[Key::Down]);
            }
        }
    }

    #[test]
    fn the_last_page_leads_to_the_first_and_no_key_is_cut() {
        let mut model = sample::model(80, 24);
        press(&mut model, "?");
        let mut pages = String::new();
        for (at, next) in [(1, "next"), (2, "next"), (3, "first")] {
            let page = drawn(&model);
            assert!(page.contains(&format!("Down {next} page ({at} of 3)")), "{page}");
            pages += &page;
            press(&mut model, &[Key::Down]);
        }
        assert!(pages.contains("Shift-Tab") && pages.contains("0 1 2 3 4"), "{pages}");
        assert!(!pages.contains('…'), "{pages}");
    }
}
