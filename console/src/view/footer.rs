//! The last line, or two: what just came of an edit, or else which keys there are; or the filter or command that is
//! being written.

use evenkeel_protocol::Drain;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Clear, Widget};

use super::{Look, Scene};
use crate::keymap::Action;
use crate::model::form::Text;
use crate::model::palette::Palette;
use crate::model::question::Standing;
use crate::model::{Popup, Toast, Tone};
use crate::theme::Role;
use crate::widget::text::{cut, head, width, wrap_within};

/// The least height of a screen on which a toast may take a line from what stands above it.
const AMPLE: u16 = 14;
/// The least height of a screen on which it may take two.
const TALL: u16 = 20;
/// And three.
const TALLER: u16 = 24;

/// How many lines the footer takes of a screen of this size: up to four for a toast that needs them.
pub(super) fn height(area: Rect, scene: Scene<'_>) -> u16 {
    match (&scene.model.popup, &scene.model.toast) {
        (Some(Popup::Palette(palette)), _) => 1 + above_palette(area, palette),
        (Some(Popup::Filter { .. }), _) | (_, None) => 1,
        (_, Some(toast)) => {
            let most = [AMPLE, TALL, TALLER].into_iter().filter(|least| area.height >= *least).count();
            let most = u16::try_from(1 + most).unwrap_or(1);
            let lines = toast_lines(scene, toast, Rect { height: most, ..area });
            u16::try_from(lines.len()).map_or(most, |lines| lines.clamp(1, most))
        }
    }
}

/// How many lines stand above the line for commands: the suggestions, or why it is not understood.
pub(super) fn above_palette(area: Rect, palette: &Palette) -> u16 {
    let ample = if area.height >= AMPLE { 3 } else { 1 };
    let lines = palette.complaint().map_or(1, |why| wrap_within(why, toast_room(area.width), ample).len());
    u16::try_from(lines).unwrap_or(1)
}

/// Between a toast and what can be done about it.
const GAP: &str = "   ";

/// The columns of a toast's text: beside it stand its mark and blanks.
fn toast_room(columns: u16) -> usize {
    usize::from(columns).saturating_sub(4)
}

/// The toast, or the keys.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let room = usize::from(area.width).saturating_sub(2);
    let lines = match &scene.model.toast {
        Some(toast) => toast_lines(scene, toast, area),
        None => vec![hints(scene, room)],
    };
    for (line, row) in lines.iter().zip(area.rows()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
}

/// A sentence behind the mark of its tone, wrapped into `area`.
pub(super) fn marked(look: &Look, tone: Tone, (text, area): (&str, Rect)) -> Vec<Line<'static>> {
    let (mark, role) = match tone {
        Tone::Good => ("●", Role::Good),
        Tone::Plain => ("·", Role::Text),
        Tone::Alarm => ("▲", Role::Alarm),
    };
    let text_role = if tone == Tone::Alarm { Role::Alarm } else { Role::Text };
    let texts = wrap_within(text, toast_room(area.width), usize::from(area.height));
    let marks = std::iter::once(format!(" {mark} ")).chain(std::iter::repeat("   ".to_owned()));
    let line = |(text, mark)| Line::from(vec![look.span(role, mark), look.span(text_role, text)]);
    texts.into_iter().zip(marks).map(line).collect()
}

/// A toast, and what can be done about it: behind its text if it fits there, else on a line of its own, for which the
/// text makes room.
fn toast_lines(scene: Scene<'_>, toast: &Toast, area: Rect) -> Vec<Line<'static>> {
    let sentence = |height| marked(scene.look, toast.tone, (&toast.text, Rect { height, ..area }));
    let mut lines = sentence(area.height);
    let Some(more) = &toast.more else { return lines };
    let room = usize::from(area.width).saturating_sub(1);
    match lines.last_mut() {
        Some(last) if last.width() + GAP.len() + width(more) <= room => {
            last.push_span(scene.span(Role::Faint, format!("{GAP}{more}")));
        }
        _ if area.height > 1 => {
            let spare = usize::from(area.height).saturating_sub(lines.len());
            let told = hint_lines(more, toast_room(area.width), spare.clamp(1, 2));
            lines = sentence(area.height.saturating_sub(u16::try_from(told.len()).unwrap_or(1)));
            lines.extend(told.iter().map(|it| Line::from(scene.span(Role::Faint, format!("   {it}")))));
        }
        _ => {}
    }
    lines
}

/// What can be done about a toast, in one line or in two: a command that names its proxy is longer than one.
fn hint_lines(more: &str, room: usize, rows: usize) -> Vec<String> {
    let front = head(more, room);
    match front.rfind(' ') {
        Some(at) if front.len() < more.len() && rows > 1 => {
            let (first, rest) = more.split_at(at);
            vec![first.trim_end().to_owned(), cut(rest.trim_start(), room)]
        }
        _ => vec![cut(more, room)],
    }
}

/// Key and word of the rows of the present context, as many as fit.
fn hints(scene: Scene<'_>, room: usize) -> Line<'static> {
    let open = match &scene.model.popup {
        Some(Popup::Confirm(question)) => scene.model.is_answerable(question),
        Some(Popup::Decide(decision)) => {
            scene.model.is_connected() && decision.standing(scene.model.roster.snapshot()) == Standing::Open
        }
        _ => true,
    };
    // While it is locked, the way to open it stands in the place of what cannot be done.
    let locked = !scene.model.lock.is_open();
    let shown = scene
        .model
        .keymap
        .hints(scene.model.context())
        .filter(|(_, _, action)| scene.model.lacks_for(*action).is_none())
        .filter(|(_, word, action)| {
            (open || !["yes", "do it"].contains(word)) && !(locked && action.changes())
        })
        .filter(|(_, _, action)| *action != Action::Fleet || scene.model.station.is_some())
        // Of a drain that has ended nothing can be asked.
        .filter(|(_, _, action)| !action.tends() || scene.model.drain().is_some_and(Drain::is_running));
    let mut all: Vec<(String, &str)> = Vec::new();
    for (key, word, action) in shown {
        match action {
            Action::Lock if locked => all.insert(0, (key.to_string(), "unlock")),
            _ => all.push((key.to_string(), word)),
        }
    }
    fitted(scene.look, &all, room)
}

/// Keys and words, as many as fit; the way to help and out are always there.
pub(super) fn fitted(look: &Look, all: &[(String, &str)], room: usize) -> Line<'static> {
    let taken = |(key, word): &(String, &str)| width(key) + 1 + width(word) + 2;
    let last = ["help", "quit"];
    let mut left = room.saturating_sub(all.iter().filter(|hint| last.contains(&hint.1)).map(taken).sum());
    let mut full = false;
    let mut line = Line::from(" ");
    for hint in all {
        if !last.contains(&hint.1) {
            full |= taken(hint) > left;
            if full {
                continue;
            }
            left -= taken(hint);
        }
        line.push_span(look.span(Role::Accent, hint.0.clone()));
        line.push_span(look.span(Role::Faint, format!(" {}  ", hint.1)));
    }
    line
}

/// The filter being written, and what is wrong with it; returns where the cursor stands.
pub(super) fn filter(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, text: &Text) -> Position {
    let help = match scene.model.cursor.filter.complaint() {
        Some(why) => scene.span(Role::Alarm, format!("{why} ")),
        None => scene.span(Role::Faint, "Enter keep  Esc take back "),
    };
    let line = Line::from(help);
    written(buffer, area, scene, ('/', text, line))
}

/// The command being written, and above it what the last word could become, or why the line is not understood.
pub(super) fn palette(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, palette: &Palette) -> Position {
    let [above, below] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    Clear.render(above, buffer);
    let lines = match palette.complaint() {
        Some(why) => marked(scene.look, Tone::Alarm, (why, above)),
        None => vec![suggested(scene, palette, above.width)],
    };
    for (line, row) in lines.iter().zip(above.rows()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
    let help = Line::from(scene.span(Role::Faint, "Tab complete  Enter go  Esc back "));
    written(buffer, below, scene, (':', &palette.text, help))
}

/// What the last word could become, as many as fit; the one that Tab takes first.
fn suggested(scene: Scene<'_>, palette: &Palette, columns: u16) -> Line<'static> {
    let mut line = Line::from(" ");
    for (at, word) in palette.suggestions().into_iter().enumerate() {
        let role = if at == 0 { Role::Accent } else { Role::Faint };
        if line.width() + width(word) + 2 > usize::from(columns) {
            break;
        }
        line.push_span(scene.span(role, format!("{word}  ")));
    }
    line
}

/// A line being written, and what it takes; returns where the cursor stands.
pub(super) fn line(
    buffer: &mut Buffer,
    area: Rect,
    scene: Scene<'_>,
    (sign, text, help): (char, &Text, &str),
) -> Position {
    written(buffer, area, scene, (sign, text, Line::from(scene.span(Role::Faint, help))))
}

/// A line with a text field; the end that is being written is in sight. Returns where the cursor stands.
fn written(
    buffer: &mut Buffer,
    area: Rect,
    scene: Scene<'_>,
    (sign, text, help): (char, &Text, Line<'static>),
) -> Position {
    let room = usize::from(area.width).saturating_sub(4).max(1);
    let from = text.column().saturating_sub(room);
    let shown: String = text.value().chars().skip(from).collect();
    let role = if text.is_offered() { Role::Selected } else { Role::Text };
    let line = Line::from(vec![scene.span(Role::Accent, format!(" {sign}")), scene.span(role, shown)]);
    buffer.set_line(area.x, area.y, &line, area.width);
    let width = u16::try_from(help.width()).unwrap_or(u16::MAX);
    if line.width() + help.width() + 2 <= usize::from(area.width) {
        buffer.set_line(area.right() - width, area.y, &help, width);
    }
    let column = u16::try_from(text.column() - from + 2).unwrap_or(u16::MAX);
    Position { x: area.x.saturating_add(column).min(area.right().saturating_sub(1)), y: area.y }
}
