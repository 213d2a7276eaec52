//! A question that is not about members: what changes, what that does as far as it is known, the command that does the
//! same, and how to answer.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Scene;
use super::confirm::{COMMAND, change_lines, command_texts, remark_lines};
use crate::model::decision::{Decision, Matter};
use crate::model::forecast;
use crate::model::question::Standing;
use crate::theme::Role;
use crate::widget::frame::popup;
use crate::widget::text::{cut, wrap};

/// The widest that it gets, borders included.
const WIDEST: u16 = 76;

/// A proxy that was started again counts its revisions anew.
const RESTARTED: &str = "It may have been changed since you looked, for the proxy was started again. \
                         Go back and look again.";

/// The box.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, decision: &Decision) {
    let columns = area.width.saturating_sub(2).min(WIDEST);
    let room = usize::from(columns).saturating_sub(4);
    let mut lines = change_lines(scene, decision.changes(), true);
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    lines.extend(remark_lines(scene, &remarks(scene, decision), room));
    lines.push(Line::default());
    let answer = answer(scene, decision, room);
    let rows = usize::from(area.height).saturating_sub(lines.len() + answer.len() + 3).clamp(1, COMMAND);
    let command = command_texts(&scene.model.command_of(decision), room, rows);
    lines.extend(command.into_iter().map(|text| Line::from(scene.span(Role::Faint, text))));
    lines.push(Line::default());
    let wanted = u16::try_from(lines.len() + answer.len() + 2).unwrap_or(u16::MAX);
    let title = Line::from(scene.span(Role::Strong, cut(&format!(" {} ", decision.title()), room)));
    let inner = popup(buffer, area, (columns, wanted), (scene.style(Role::Alarm), title));
    // However little room there is, how to answer is in sight.
    let kept = usize::from(inner.height).saturating_sub(answer.len());
    for (line, row) in lines.iter().take(kept).chain(&answer).zip(inner.rows()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
}

/// What it does: what is known here, and what the proxy has foreseen.
pub(super) fn remarks(scene: Scene<'_>, decision: &Decision) -> Vec<crate::model::consequence::Remark> {
    use crate::model::consequence::{Remark, Tone};
    let snapshot = scene.model.roster.snapshot();
    let preview = scene.model.gathered.preview.as_ref().and_then(|preview| preview.as_ref().ok());
    let is_foreseen = preview.is_some_and(|preview| !preview.notes.is_empty());
    let mut remarks = decision.remarks(snapshot, is_foreseen);
    let (balancer, comes) = match &decision.matter {
        Matter::Settings { balancer, .. } => (balancer, false),
        Matter::Addition { balancer, .. } => (balancer, true),
        Matter::Reload => return remarks,
    };
    let plain = |text: String| Remark { tone: Tone::Plain, text };
    match &scene.model.gathered.preview {
        Some(Ok(preview)) => {
            let balancer = snapshot.and_then(|snapshot| snapshot.balancer(balancer));
            remarks.extend(forecast::remarks(preview, balancer));
        }
        Some(Err(why)) if comes || decision.undo().is_some() => {
            remarks.push(Remark {
                tone: Tone::Warning,
                text: format!("{} says: {why}", scene.model.who_first()),
            });
        }
        Some(Err(why)) => remarks.push(plain(format!("What it would do is not known: {why}"))),
        None => remarks.push(plain(format!("{} is asked what it would do.", scene.model.who_first()))),
    }
    remarks.sort_by_key(|remark| remark.tone == Tone::Plain);
    remarks
}

/// How to answer, or why the answer can only be no.
fn answer(scene: Scene<'_>, decision: &Decision, room: usize) -> Vec<Line<'static>> {
    let key = |key: &str| scene.span(Role::Accent, key.to_owned());
    let word = |word: &str| scene.span(Role::Text, word.to_owned());
    let silent = format!("{} does not answer now; nothing can be sent.", scene.model.who_first());
    let hindrance = match decision.standing(scene.model.roster.snapshot()) {
        Standing::Gone => Some("It is no longer there; nothing can be done to it."),
        Standing::Changed if decision.restarted => Some(RESTARTED),
        Standing::Changed => Some("It was changed since you looked. Go back and look again."),
        Standing::Open if !scene.model.is_connected() => Some(silent.as_str()),
        Standing::Open => None,
    };
    let Some(why) = hindrance else {
        let spans = [key("y"), word(" yes, do it     "), key("n"), word(" no (or "), key("Enter"), word(")")];
        return vec![Line::from(spans.to_vec())];
    };
    let mut lines: Vec<Line<'static>> =
        wrap(why, room).into_iter().map(|text| Line::from(scene.span(Role::Alarm, text))).collect();
    lines.push(Line::from(vec![key("Esc"), word(" back")]));
    lines
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::Hello;

    use super::super::tests::{RICH, painted, text};
    use crate::message::Message;
    use crate::model::sample;
    use crate::news::News;
    use crate::update::hands::press;
    use crate::update::update;

    #[test]
    fn that_httpd_forgets_a_member_stands_there_once() {
        const NOTE: &str =
            "httpd forgets it with its next restart, also a graceful one (BalancerPersist is off).";
        let mut model = sample::model(80, 24);
        let mut snapshot = sample::snapshot(62);
        snapshot.proxy.product = Hello::HTTPD.to_owned();
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
        press(&mut model, "ihttp://10.0.0.9:8080⏎");
        let told = |model: &_| text(&painted(model, RICH)).matches("httpd forgets it").count();
        assert_eq!(told(&model), 1);
        sample::answer(&mut model);
        let Some(Ok(preview)) = &mut model.gathered.preview else { panic!("{:?}", model.gathered.preview) };
        preview.notes.push(NOTE.to_owned());
        assert_eq!(told(&model), 1);
    }
}
