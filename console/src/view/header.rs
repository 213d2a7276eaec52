//! The first line: which proxy, can it be believed, how are its members. Also the few lines that are left on a tiny
//! terminal.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::{Scene, badge, words};
use crate::model::Freshness;
use crate::model::health::Grade;
use crate::pace::Pace;
use crate::theme::Role;
use crate::widget::text::{cut, width};

/// The state of the connection, in at most `room` columns.
fn state(scene: Scene<'_>, room: usize) -> Span<'static> {
    match scene.model.freshness() {
        Freshness::Live if scene.model.roster.is_alternating() => {
            scene.span(Role::Alarm, "▲ several servers, no edits")
        }
        Freshness::Live if scene.model.roster.is_cached() => {
            scene.span(Role::Alarm, "▲ from a cache, no edits")
        }
        Freshness::Live if scene.model.pace == Pace::default() => scene.span(Role::Good, "● live"),
        Freshness::Live => scene.span(Role::Good, format!("● live, each {}", scene.model.pace)),
        Freshness::Frozen(seconds) => {
            let style = scene.style(Role::Warning).add_modifier(Modifier::REVERSED);
            Span::styled(format!(" FROZEN {seconds} s "), style)
        }
        Freshness::Waiting => scene.span(Role::Warning, format!("◌ waiting for {}", scene.model.who())),
        Freshness::Stale(seconds) => scene.span(Role::Warning, format!("◌ stale {seconds} s")),
        Freshness::Lost { age, why, next_try } => {
            let style = scene.style(Role::Alarm).add_modifier(Modifier::REVERSED);
            let told = lost(age, &why, (next_try, room.saturating_sub(2)));
            Span::styled(format!(" {told} "), style)
        }
    }
}

/// How old what is shown is, then why it does not get younger and when the proxy is asked again, as far as there is room:
/// first the remedy gives way, then the next try, then the end of the reason.
fn lost(age: Option<u64>, why: &str, (next_try, room): (u64, usize)) -> String {
    let age = match age {
        Some(seconds) => format!("LOST, seen {} ago", words::age(Duration::from_secs(seconds))),
        None => words::NEVER.to_owned(),
    };
    let again = match next_try {
        0 => "trying again".to_owned(),
        seconds => format!("next try in {seconds} s"),
    };
    // The sentence goes on, so what ended it gives way.
    let why = why.trim_end_matches(['.', '?', '!', ',', ';', ':', ' ']);
    let reason = why.split_once("; ").map_or(why, |(reason, _)| reason);
    let forms =
        [format!("{age}: {why} ({again})"), format!("{age}: {reason} ({again})"), format!("{age}: {reason}")];
    let fits = forms.into_iter().find(|form| width(form) <= room);
    fits.unwrap_or_else(|| cut(&format!("{age}: {reason}"), room))
}

/// The word that says whether changes can be made from here.
fn lock(scene: Scene<'_>) -> Span<'static> {
    if scene.model.lock.is_open() {
        scene.span(Role::Armed, " ARMED ")
    } else {
        scene.span(Role::Faint, " LOCKED")
    }
}

/// `6 Ok  1 Drn  1 Err`; under the lens for problems the roll-up, `1 bad  1 degraded  6 good`.
fn counts(scene: Scene<'_>) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    if scene.model.cursor.problems {
        for (grade, role) in
            [(Grade::Bad, Role::Alarm), (Grade::Degraded, Role::Warning), (Grade::Good, Role::Good)]
        {
            let count = scene.model.roster.graded(grade);
            let role = if count == 0 { Role::Faint } else { role };
            spans.push(scene.span(role, format!("{count} {}", grade.word())));
            spans.push(scene.span(Role::Text, "  "));
        }
        return spans;
    }
    for (health, count) in scene.model.roster.counts() {
        let (_, role) = badge::shape(health);
        let role = if role == Role::Good { Role::Text } else { role };
        spans.push(scene.span(role, format!("{count} {}", health.word())));
        spans.push(scene.span(Role::Text, "  "));
    }
    spans
}

/// What it is connected to: the configuration's file and its addresses once the proxy has told them.
fn title(scene: Scene<'_>) -> String {
    let Some(snapshot) = scene.model.roster.snapshot() else { return scene.model.title.clone() };
    let proxy = &snapshot.proxy;
    let file = proxy.configuration.rsplit('/').next().unwrap_or_default();
    let listen = proxy.listen.join(" ");
    [file, &listen].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("  ")
}

/// The first line. When it gets narrow, first the product gives way, then the end of the title, the rate, and the
/// counts; the lock and the state of the connection never do.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let room = usize::from(area.width).saturating_sub(2);
    let title = &title(scene);
    let lock = lock(scene);
    let room = room.saturating_sub(lock.width() + 1);
    let state = state(scene, room);
    let rate = vec![
        scene.span(Role::Strong, format!(" {}", words::rate(scene.model.roster.total()))),
        scene.span(Role::Faint, " req/s"),
    ];
    let lost = matches!(scene.model.freshness(), Freshness::Lost { .. });
    let counts = if lost { Vec::new() } else { counts(scene) };
    let full = if counts.is_empty() { Line::default() } else { Line::from([counts.clone(), rate].concat()) };
    let free = |right: &Line<'_>| room.saturating_sub(state.width() + right.width() + 2);
    let named = width(title).min(12) + 2;
    let right = [full, Line::from(counts)].into_iter().find(|right| free(right) >= named).unwrap_or_default();
    let free = free(&right);
    let mut left = Line::from(vec![lock, Span::raw("  ")]);
    if free >= "evenkeel  ".len() + width(title) + 2 {
        left.push_span(scene.span(Role::Strong, "evenkeel  "));
        left.push_span(scene.span(Role::Faint, format!("{title}  ")));
    } else if free >= named {
        left.push_span(scene.span(Role::Strong, format!("{}  ", cut(title, free - 2))));
    }
    left.push_span(state);
    buffer.set_line(area.x, area.y, &left, area.width);
    let width = u16::try_from(right.width()).unwrap_or(u16::MAX);
    if width > 0 && width < area.width {
        buffer.set_line(area.right() - width - 1, area.y, &right, width);
    }
}

/// All that fits when there is no room for more: the worst first, those that are well at the end, then the rate and
/// how to get on. No word is cut if a shorter form or a row is left for it.
pub(super) fn summary(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let columns = usize::from(area.width);
    let quit = usize::from(area.height > 1);
    let counts = summary_counts(scene, columns, usize::from(area.height) - quit);
    let mut left = usize::from(area.height) - quit - counts.len();
    let mut lines = counts;
    let faint = |forms: &[&str]| Line::from(scene.span(Role::Faint, fitting(forms, columns)));
    if let Some(rate) = scene.model.roster.total().filter(|_| left > 0) {
        let forms = [format!("{rate} req/s"), format!("{rate}/s"), rate.to_string()];
        let text = fitting(&forms.each_ref().map(String::as_str), columns);
        lines.push(Line::from(scene.span(Role::Text, text)));
        left -= 1;
    }
    if left > 0 {
        lines.push(faint(&["enlarge the window", "enlarge"]));
    }
    for (line, row) in lines.iter().zip(area.rows()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
    if quit > 0 {
        // Nothing can be asked on so little room, but what is open is said wherever there is a line for it.
        let line = if scene.model.lock.is_open() {
            let text = fitting(&["ARMED  q quit", "ARMED q", "ARMED", "A"], columns);
            Line::from(scene.span(Role::Warning, text))
        } else {
            faint(&["LOCKED  q quit", "LOCKED", "q"])
        };
        buffer.set_line(area.x, area.bottom() - 1, &line, area.width);
    }
}

/// The first of `forms` that fits, or nothing.
fn fitting(forms: &[&str], columns: usize) -> String {
    forms.iter().find(|form| width(form) <= columns).map_or_else(String::new, |form| (*form).to_owned())
}

/// The state and the counts, wrapped into at most `rows` lines. If there are too many, the least bad ones are
/// missing, but never how many are well.
fn summary_counts(scene: Scene<'_>, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let state = match scene.model.freshness() {
        Freshness::Live if scene.model.roster.is_alternating() => {
            Some(scene.span(Role::Alarm, fitting(&["several servers", "several"], columns)))
        }
        Freshness::Live if scene.model.roster.is_cached() => {
            Some(scene.span(Role::Alarm, fitting(&["from a cache", "cached"], columns)))
        }
        Freshness::Live => None,
        Freshness::Frozen(seconds) => {
            Some(scene.span(Role::Warning, fitting(&[&format!("frozen {seconds} s"), "frozen"], columns)))
        }
        Freshness::Waiting => Some(scene.span(Role::Warning, fitting(&["waiting"], columns))),
        Freshness::Stale(seconds) => {
            Some(scene.span(Role::Warning, fitting(&[&format!("stale {seconds} s"), "stale"], columns)))
        }
        Freshness::Lost { age, .. } => {
            let since = age.map_or_else(
                || words::NEVER.to_owned(),
                |age| format!("LOST {}", words::age(Duration::from_secs(age))),
            );
            Some(scene.span(Role::Alarm, fitting(&[&since, "LOST"], columns)))
        }
    };
    let counts = scene.model.roster.counts().into_iter().rev().map(|(health, count)| {
        let (shape, role) = badge::shape(health);
        let rest = fitting(&[&format!("{count} {}", health.word()), &count.to_string()], columns - 1);
        Line::from(vec![scene.span(role, shape.to_string()), scene.span(Role::Text, rest)])
    });
    let mut pieces: Vec<Line<'static>> = state.map(Line::from).into_iter().chain(counts).collect();
    loop {
        let lines = packed(&pieces, columns);
        if lines.len() <= rows || pieces.len() < 2 {
            return lines.into_iter().take(rows).collect();
        }
        // The last piece is how many are well; with two left, the worst is worth more.
        pieces.remove(pieces.len().saturating_sub(2).max(1));
    }
}

/// The pieces side by side, on as many lines as they need.
fn packed(pieces: &[Line<'static>], columns: usize) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    for piece in pieces {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + piece.width() <= columns => {
                line.push_span(" ");
                line.spans.extend(piece.spans.iter().cloned());
            }
            _ => lines.push(piece.clone()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::tests::{RICH, painted, text};
    use super::*;
    use crate::message::Size;
    use crate::model::Model;
    use crate::update::hands::press;

    #[test]
    fn before_a_manager_page_has_answered_it_is_httpd_that_is_waited_for() {
        for screen in ["", "2", "3"] {
            let mut model = Model::new("http://lb1/balancer-manager", Size { width: 80, height: 24 });
            model.door = crate::door::Door::Page;
            press(&mut model, screen);
            let drawn = text(&painted(&model, RICH));
            assert!(drawn.contains("waiting for httpd"), "{drawn}");
            assert!(!drawn.to_lowercase().contains("proxy"), "{drawn}");
            press(&mut model, "L");
            assert_eq!(
                model.toast.as_ref().map(|toast| toast.text.as_str()),
                Some("httpd has not answered yet, so there is nothing to unlock")
            );
        }
    }

    #[test]
    fn the_age_of_what_is_shown_stands_first_and_is_never_cut() {
        let why = "no proxy listens on /run/evenkeel/admin.sock; is it running?";
        for (room, told) in [
            (
                110,
                "LOST, seen 14 s ago: no proxy listens on /run/evenkeel/admin.sock; is it running (next try in 1 s)",
            ),
            (90, "LOST, seen 14 s ago: no proxy listens on /run/evenkeel/admin.sock (next try in 1 s)"),
            (70, "LOST, seen 14 s ago: no proxy listens on /run/evenkeel/admin.sock"),
            (48, "LOST, seen 14 s ago: no proxy listens on /run/e…"),
        ] {
            assert_eq!(lost(Some(14), why, (1, room)), told);
        }
        assert_eq!(
            lost(Some(150), "it is gone.", (0, 60)),
            "LOST, seen 2 min ago: it is gone (trying again)"
        );
        assert_eq!(lost(None, "it is gone", (0, 60)), "never answered: it is gone (trying again)");
    }
}
