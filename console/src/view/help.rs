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
use crate::widget::text::{Align, cut, pad, wrap};

/// The columns of the keys.
const KEYS: usize = 13;

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
    let width = area.width.saturating_sub(2).min(100);
    let columns: u16 = if width >= 74 { 2 } else { 1 };
    let column_width = usize::from((width.saturating_sub(4)) / columns);
    let lines = lines(keys, column_width.saturating_sub(1));
    let height = area.height;
    let body = usize::from(height.saturating_sub(3)).max(1);
    let per_page = body * usize::from(columns);
    let pages = lines.len().div_ceil(per_page).max(1);
    let page = page % pages;
    let used = if pages == 1 { lines.len().div_ceil(usize::from(columns)) } else { body };
    let wanted = u16::try_from(used + 3).unwrap_or(u16::MAX).min(height);
    let title = Line::from(look.span(Role::Strong, " Keys "));
    let inner = popup(buffer, area, (width, wanted), (look.theme.style(Role::Accent), title));
    for (at, line) in lines.iter().skip(page * per_page).take(used * usize::from(columns)).enumerate() {
        let (column, row) = (at / used.max(1), at % used.max(1));
        let x = inner.x + u16::try_from(column * column_width).unwrap_or(0);
        let y = inner.y + u16::try_from(row).unwrap_or(0);
        if y < inner.bottom() && x < inner.right() {
            buffer.set_line(x, y, line, inner.right() - x);
        }
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

fn lines(keys: &Keys<'_>, room: usize) -> Vec<Line<'static>> {
    let look = keys.look;
    let mut lines = Vec::new();
    for (group, heading) in Group::ALL {
        let rows = || keys.rows.iter().copied().filter(|row| row.group == group);
        if rows().next().is_none() {
            continue;
        }
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        let heading = wrap(heading, room).into_iter();
        lines.extend(heading.map(|text| Line::from(look.span(Role::Strong, text))));
        let mut told: Vec<&str> = Vec::new();
        for row in rows() {
            if !told.contains(&row.help) {
                told.push(row.help);
                let same: Vec<&Row> = rows().filter(|other| other.help == row.help).collect();
                lines.extend(key_lines(keys, &same, room));
            }
        }
    }
    lines.push(Line::default());
    lines.push(Line::from(look.span(Role::Strong, "Status")));
    for (health, text) in [
        (Health::Ok, "serves"),
        (Health::Standby, "Stby, Spar: in reserve"),
        (Health::Draining, "Drn: own sessions only"),
        (Health::Disabled, "Dis: serves nobody"),
        (Health::Stopped, "Stop: as Dis, no retry"),
        (Health::Error, "Err, HcFl: cannot serve"),
    ] {
        let (shape, role) = badge::shape(health);
        lines.push(Line::from(vec![
            look.span(role, pad(&format!("  {shape}"), KEYS, Align::Left)),
            look.span(Role::Text, cut(text, room.saturating_sub(KEYS))),
        ]));
    }
    lines
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
    let keys =
        wrap(&keys.join(" "), KEYS - 3).into_iter().map(|keys| format!("  {keys}")).collect::<Vec<_>>();
    let words = rows.first().map_or("", |row| row.help);
    let ability = rows.first().and_then(|row| row.action.needs());
    let (key, role, words) = match ability.and_then(|ability| (all.lacks)(ability)) {
        Some(why) => (Role::Faint, Role::Faint, why),
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
    use crate::message::Key;
    use crate::model::sample;
    use crate::update::hands::press;

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
