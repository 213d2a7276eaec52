//! A question: whom it is about, what will happen, and how to answer. What must be read stands first, and the
//! answer line is always in sight.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::{Scene, words};
use crate::model::act::{Act, or_none};
use crate::model::consequence::{Tone, consequences};
use crate::model::question::{Question, Standing};
use crate::theme::Role;
use crate::widget::frame::popup;
use crate::widget::text::{Align, cut, pad, shorten, wrap};

/// The widest that a question gets, borders included.
const WIDEST: u16 = 72;

/// The box.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, question: &Question) {
    let width = area.width.saturating_sub(2).min(WIDEST);
    let room = usize::from(width).saturating_sub(4);
    let (said, risky) = body(scene, question, room);
    let last = answer(scene, question, room);
    let wanted = u16::try_from(said.len() + last.len() + 3).unwrap_or(u16::MAX);
    let role = if risky { Role::Alarm } else { Role::Accent };
    let title = format!(" {} {}? ", question.act.verb(), question.label);
    let title = scene.span(Role::Strong, cut(&title, room));
    let border = scene.style(role).remove_modifier(Modifier::UNDERLINED);
    let inner = popup(buffer, area, (width, wanted), (border, Line::from(title)));
    let kept = usize::from(inner.height).saturating_sub(last.len());
    for (line, row) in said.iter().take(kept).zip(inner.rows()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
    let first = inner.bottom().saturating_sub(u16::try_from(last.len()).unwrap_or(0));
    let answer_area = Rect { y: first.max(inner.y), height: inner.bottom() - first.max(inner.y), ..inner };
    for (line, row) in last.iter().zip(answer_area.rows()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
}

/// What the question says, and whether it holds a warning.
fn body(scene: Scene<'_>, question: &Question, room: usize) -> (Vec<Line<'static>>, bool) {
    let url = shorten(question.target.member.as_str(), room);
    let mut lines = vec![Line::from(scene.span(Role::Faint, url))];
    if let Act::Settings { changes, .. } = &question.act {
        for change in changes {
            lines.push(Line::from(vec![
                scene.span(Role::Faint, pad(&change.field, 10, Align::Left)),
                scene.span(Role::Text, format!("{} → ", or_none(&change.before))),
                scene.span(Role::Strong, or_none(&change.after).to_owned()),
            ]));
        }
    }
    lines.push(Line::default());
    let remarks = scene.model.fleet.snapshot().and_then(|snapshot| {
        let (balancer, member) = question.target.find(snapshot)?;
        Some(consequences(balancer, member, &question.act, snapshot.taken))
    });
    let remarks = remarks.unwrap_or_default();
    let risky = remarks.iter().any(|remark| remark.tone == Tone::Warning);
    for remark in remarks {
        let (mark, role) = match remark.tone {
            Tone::Warning => ("▲ ", Role::Alarm),
            Tone::Plain => ("· ", Role::Text),
        };
        for (at, text) in wrap(&remark.text, room.saturating_sub(2)).into_iter().enumerate() {
            let mark = if at == 0 { mark } else { "  " };
            lines.push(Line::from(vec![scene.span(role, mark), scene.span(role, text)]));
        }
    }
    (lines, risky)
}

/// The lines that say how to answer, or why the answer can only be no.
fn answer(scene: Scene<'_>, question: &Question, room: usize) -> Vec<Line<'static>> {
    let hindrance = match scene.model.standing(question) {
        Standing::Gone => Some("This member is no longer there; nothing can be done to it.".to_owned()),
        Standing::Changed => Some(changed(scene, question)),
        Standing::Open if !scene.model.is_connected() => {
            Some("The proxy does not answer now; nothing can be sent.".to_owned())
        }
        Standing::Open => None,
    };
    let key = |key: &str| scene.span(Role::Accent, key.to_owned());
    let word = |word: &str| scene.span(Role::Text, word.to_owned());
    let leave = Line::from(vec![key("Esc"), word(" back")]);
    match hindrance {
        Some(text) => {
            let mut lines: Vec<Line<'static>> = wrap(&text, room)
                .into_iter()
                .map(|text| Line::from(Span::styled(text, scene.style(Role::Alarm))))
                .collect();
            lines.push(leave);
            lines
        }
        None => vec![Line::from(vec![
            key("y"),
            word(" yes, do it     "),
            key("n"),
            word(" no, leave it as it is"),
        ])],
    }
}

/// Who changed the member meanwhile, if an event tells.
fn changed(scene: Scene<'_>, question: &Question) -> String {
    use evenkeel_protocol::EventKind;
    let by = match scene.model.log.last_edit(&question.target).map(|event| &event.kind) {
        Some(EventKind::MemberEdited { by, changes, revision, .. }) if *revision > question.revision => {
            format!(" by {} ({})", words::peer(by.as_ref()), crate::model::act::told(changes))
        }
        _ => String::new(),
    };
    format!("It was changed since you looked{by}. Go back and look again.")
}
