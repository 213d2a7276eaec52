//! A question: whom it is about, what will happen, the command that does the same, and how to answer. What must be read
//! stands first, and the answer line is always in sight.

use evenkeel_protocol::Change;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::{Scene, events, words};
use crate::model::act::{Act, or_none};
use crate::model::consequence::{Remark, Tone};
use crate::model::drains::{self, Drainage};
use crate::model::outlook::{Gravity, Outlook};
use crate::model::question::{Question, Standing};
use crate::theme::Role;
use crate::widget::frame::popup;
use crate::widget::pages::Pages;
use crate::widget::text::{Align, cut, pad, shorten, width, wrap, wrap_within};

/// The widest that a question gets, borders included.
const WIDEST: u16 = 76;

/// The most lines of a command.
pub(super) const COMMAND: usize = 4;

/// How many columns there are to spell a word out.
const WORD: usize = 20;

/// The box; returns where the cursor stands, if a word has to be typed.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    scene: Scene<'_>,
    question: &Question,
) -> Option<Position> {
    let columns = area.width.saturating_sub(2).min(WIDEST);
    let room = usize::from(columns).saturating_sub(4);
    let outlook = scene.model.outlook(question);
    let (last, cursor) = answer(scene, question, (outlook.gravity, room));
    let most = usize::from(area.height).saturating_sub(last.len() + 2);
    let said = said(scene, question, (&outlook, room), most);
    let wanted = u16::try_from(said.len() + last.len() + 2).unwrap_or(u16::MAX);
    let role = if outlook.gravity == Gravity::Light { Role::Accent } else { Role::Alarm };
    let verb = question.act.verb();
    let whom = scene.called(&question.whom(), room.saturating_sub(width(verb) + 4));
    let title = scene.span(Role::Strong, cut(&format!(" {verb} {whom}? "), room));
    let border = scene.style(role).remove_modifier(Modifier::UNDERLINED);
    let inner = popup(buffer, area, (columns, wanted), (border, Line::from(title)));
    let kept = usize::from(inner.height).saturating_sub(last.len());
    for (line, row) in said.iter().take(kept).zip(inner.rows()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
    let first = inner.bottom().saturating_sub(u16::try_from(last.len()).unwrap_or(0)).max(inner.y);
    let answer_area = Rect { y: first, height: inner.bottom() - first, ..inner };
    for (line, row) in last.iter().zip(answer_area.rows()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
    let column = u16::try_from(cursor?).unwrap_or(u16::MAX);
    let y = inner.bottom().saturating_sub(1);
    Some(Position { x: inner.x.saturating_add(column), y }).filter(|at| inner.contains(*at))
}

/// What the question says in at most so many lines: whom it is about and the command stay in sight, and where the rest
/// does not fit between them it is read page by page.
fn said(
    scene: Scene<'_>,
    question: &Question,
    (outlook, room): (&Outlook, usize),
    most: usize,
) -> Vec<Line<'static>> {
    let head = head(scene, question, room);
    let remarks = remark_lines(scene, &outlook.remarks, room);
    let command = command_lines(scene, question, room);
    let blank = [Line::default()];
    let gap = if command.is_empty() { &[][..] } else { &blank };
    let spacious = [&head, &blank[..], &remarks, gap, &command, &blank].concat();
    if spacious.len() <= most {
        return spacious;
    }
    if head.len() + remarks.len() + command.len() <= most {
        return [head, remarks, command].concat();
    }
    // In a tiny window what must be read is worth more than the command, and the title has said whom it is about.
    let warnings: Vec<Remark> =
        outlook.remarks.iter().filter(|remark| remark.tone == Tone::Warning).cloned().collect();
    let must = remark_lines(scene, &warnings, room).len();
    let head = if question.act.changes().is_empty() && head.len() + must >= most { Vec::new() } else { head };
    let command = if head.len() + must + command.len() < most { command } else { Vec::new() };
    let left = most.saturating_sub(head.len() + command.len());
    let height = if left > must { left - 1 } else { left };
    let pages = Pages::of(remarks.len(), height, question.page);
    let shown: Vec<Line<'static>> = remarks.into_iter().skip(pages.from).take(height).collect();
    let more = pages.more("PgDn").filter(|_| left > must);
    let more = more.map(|more| Line::from(scene.span(Role::Accent, more)));
    [head, shown, more.into_iter().collect(), command].concat()
}

/// Whom it is about, and what changes.
fn head(scene: Scene<'_>, question: &Question, room: usize) -> Vec<Line<'static>> {
    let whom = match question.subjects.as_slice() {
        [one] => vec![shorten(one.target.member.as_str(), room)],
        several => {
            let labels: Vec<&str> = several.iter().map(|subject| subject.label.as_str()).collect();
            wrap_within(&labels.join("  "), room, 3)
        }
    };
    let whom = whom.into_iter().map(|text| Line::from(scene.span(Role::Faint, text)));
    whom.chain(change_lines(scene, question.act.changes(), question.subjects.len() == 1)).collect()
}

/// The command that does the same.
fn command_lines(scene: Scene<'_>, question: &Question, room: usize) -> Vec<Line<'static>> {
    // By now a command may mean another one.
    if scene.model.standing(question) == Standing::Gone {
        return Vec::new();
    }
    let commands = scene.model.commands_of(question);
    let Some(first) = commands.first() else { return Vec::new() };
    let more = commands.len() - 1;
    let more = if more > 0 { format!("  and {more} more") } else { String::new() };
    let mut texts = command_texts(first, room.saturating_sub(width(&more)), COMMAND);
    if let Some(last) = texts.last_mut() {
        last.push_str(&more);
    }
    texts.into_iter().map(|text| Line::from(scene.span(Role::Faint, text))).collect()
}

/// A command in at most so many lines; an ellipsis ends it if something is missing.
pub(super) fn command_texts(command: &str, room: usize, rows: usize) -> Vec<String> {
    let texts = wrap_within(command, room.saturating_sub(2), rows).into_iter().enumerate();
    texts.map(|(at, text)| format!("{} {text}", if at == 0 { "$" } else { " " })).collect()
}

/// The settings that change, a line each; the value of before where there is one.
pub(super) fn change_lines(scene: Scene<'_>, changes: &[Change], single: bool) -> Vec<Line<'static>> {
    let line = |change: &Change| {
        let mut line = Line::from(scene.span(Role::Faint, pad(&change.field, 15, Align::Left)));
        if single {
            line.push_span(scene.span(Role::Text, format!("{} → ", or_none(&change.before))));
        }
        line.push_span(scene.span(Role::Strong, or_none(&change.after).to_owned()));
        line
    };
    changes.iter().map(line).collect()
}

/// What it does, in sentences; what must be read is marked.
pub(super) fn remark_lines(scene: Scene<'_>, remarks: &[Remark], room: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
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
    lines
}

/// The lines that say how to answer, or why the answer can only be no; and the column of the cursor.
fn answer(
    scene: Scene<'_>,
    question: &Question,
    (gravity, room): (Gravity, usize),
) -> (Vec<Line<'static>>, Option<usize>) {
    let hindrance = match scene.model.standing(question) {
        Standing::Gone if question.subjects.len() > 1 => {
            Some("None of these members is there any more; nothing can be done to them.".to_owned())
        }
        Standing::Gone => Some("This member is no longer there; nothing can be done to it.".to_owned()),
        Standing::Changed => Some(changed(scene, question)),
        Standing::Open if !scene.model.is_connected() => {
            let who = scene.model.who_first();
            Some(format!("{who} does not answer now; nothing can be sent."))
        }
        Standing::Open => scene.model.denial(question),
    };
    let key = |key: &str| scene.span(Role::Accent, key.to_owned());
    let word = |word: &str| scene.span(Role::Text, word.to_owned());
    if let Some(text) = hindrance {
        let mut lines: Vec<Line<'static>> = wrap(&text, room)
            .into_iter()
            .map(|text| Line::from(Span::styled(text, scene.style(Role::Alarm))))
            .collect();
        lines.push(Line::from(vec![key("Esc"), word(" back")]));
        return (lines, None);
    }
    let terms = match question.act {
        Act::Drain(Drainage::Begin(_)) => vec![word("     "), key("Tab"), word(" terms")],
        _ => Vec::new(),
    };
    match gravity {
        Gravity::Light => {
            let spans =
                [key("y"), word(" yes, do it (or "), key("Enter"), word(")     "), key("n"), word(" no")];
            (vec![Line::from([spans.to_vec(), terms].concat())], None)
        }
        Gravity::Heavy => {
            let spans =
                [key("y"), word(" yes, do it     "), key("n"), word(" no (or "), key("Enter"), word(")")];
            (vec![Line::from([spans.to_vec(), terms].concat())], None)
        }
        Gravity::Last => {
            let column = question.typed.column().min(WORD - 1);
            let typed: String = question.typed.value().chars().rev().take(WORD - 1).collect();
            let typed: String = typed.chars().rev().collect();
            let field = scene.span(Role::Field, pad(&typed, WORD, Align::Left));
            let mut how = vec![word("Type ")];
            if let Some(name) = question.word() {
                how.push(key(&shorten(name, room.saturating_sub(14))));
                how.push(word(" or "));
            }
            how.push(key("all"));
            let rest = [word(" and "), key("Enter"), word(" to do it     "), key("Esc"), word(" no")];
            if Line::from([how.clone(), rest.to_vec()].concat()).width() <= room {
                how.extend(rest);
            }
            let typed = [vec![key("› "), field], terms].concat();
            (vec![Line::from(how), Line::from(typed)], Some(column + 2))
        }
    }
}

/// That a question fell, and what it was overtaken by.
fn changed(scene: Scene<'_>, question: &Question) -> String {
    format!("{}. Go back and look again.", overtaken(scene, question))
}

/// Who changed the member meanwhile, if events tell: the last edit, and the drain that was begun with it or before it,
/// with the phase that it is in.
pub(super) fn overtaken(scene: Scene<'_>, question: &Question) -> String {
    use evenkeel_protocol::EventKind;
    let Some(subject) = question.subjects.first() else { return String::new() };
    let mut by = String::new();
    let mut drains = false;
    for event in scene.model.log.about(&subject.target) {
        if let EventKind::MemberEdited { by: who, changes, revision, .. } = &event.kind {
            if *revision <= subject.revision {
                break;
            }
            drains |= changes.iter().any(|change| change.field == "drain");
            if by.is_empty() {
                by = format!(" by {} ({})", words::peer(who.as_ref()), crate::model::act::told(changes));
            }
        }
    }
    let mut begun = scene.model.log.about(&subject.target).map(|event| &event.kind);
    let begun = begun.find(|kind| matches!(kind, EventKind::DrainBegan { .. })).filter(|_| drains);
    let begun = begun.map_or_else(String::new, |kind| format!("; {}", events::describe(kind).2));
    let drain = drains::of(scene.model.roster.snapshot(), &subject.target).filter(|it| it.is_running());
    let now = drain.map_or_else(String::new, |drain| {
        format!("; drained by {}, phase: {}", words::peer(drain.by.as_ref()), drain.phase.name())
    });
    if by.is_empty() && question.restarted {
        // Its revisions begin anew, and say nothing of a change.
        return format!("It may have been changed since you looked, for the proxy was started again{now}");
    }
    format!("It was changed since you looked{by}{begun}{now}")
}

#[cfg(test)]
mod tests {
    use crate::message::Message;
    use crate::model::sample;
    use crate::news::News;
    use crate::update::hands::press;
    use crate::update::update;
    use crate::view::tests::drawn;

    #[test]
    fn the_question_about_a_member_that_vanished_says_so_and_shows_no_command() {
        for keys in ["d", "D"] {
            let mut model = sample::model(80, 24);
            press(&mut model, keys);
            assert!(drawn(&model).contains("$ evenkeel "), "{}", drawn(&model));
            let mut snapshot = sample::snapshot(63);
            snapshot.balancers[0].members.remove(0);
            update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
            let drawn = drawn(&model);
            assert!(drawn.contains("This member is no longer there; nothing can be done to it."), "{drawn}");
            for wrong in ["of them", "One after another", "$ evenkeel"] {
                assert!(!drawn.contains(wrong), "{wrong}: {drawn}");
            }
        }
    }

    #[test]
    fn a_long_command_is_whole_where_there_is_room_and_ends_in_an_ellipsis_where_there_is_none() {
        for (rows, letters, whole) in [(36, 90, true), (10, 90, true), (12, 900, false)] {
            let url = format!("https://lb1.example/{}/balancer-manager", "x".repeat(letters));
            let mut model = sample::model(120, rows);
            let mut snapshot = sample::snapshot(62);
            snapshot.proxy.product = evenkeel_protocol::Hello::HTTPD.to_owned();
            model.words = format!("--apache {url}");
            update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
            press(&mut model, "jH");
            let shown = drawn(&model);
            let lines = shown.lines().filter_map(|line| line.split('│').nth(1));
            let text: String = lines.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect();
            assert_eq!(text.contains(&format!("--apache{url}standbyapp/node2")), whole, "{rows}: {shown}");
            assert!(whole || shown.contains("…"), "{shown}");
        }
    }

    /// Thirty members that are told apart by the end of long names only, the cursor on the last one.
    fn long_names(columns: u16) -> crate::model::Model {
        let mut model = sample::model(columns, 24);
        let mut snapshot = sample::snapshot(62);
        let members = &mut snapshot.balancers[0].members;
        let one = members[0].clone();
        *members = (0..30)
            .map(|number| {
                let name = format!("shop-frontend-web-node-production-eu-central-1-blue-{number:02}");
                let url = format!("http://{name}.internal.example.com:8080");
                let (route, name) = (name.parse().unwrap(), url.parse().unwrap());
                evenkeel_protocol::MemberSnapshot { route, name, ..one.clone() }
            })
            .collect();
        members[28].status = members[28].status.with(evenkeel_protocol::Flag::Drain, true);
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
        press(&mut model, &[crate::message::Key::Char('j'); 29]);
        model
    }

    #[test]
    fn a_question_tells_long_names_apart_and_keeps_their_url_and_command() {
        for (keys, number) in [("d", 29), ("kd", 28), ("D", 29), ("S", 29), ("H", 29)] {
            for columns in [80, 120] {
                let mut model = long_names(columns);
                press(&mut model, keys);
                let shown = drawn(&model);
                let box_lines: Vec<&str> = shown.lines().filter(|line| line.contains('│')).collect();
                let title = shown.lines().find(|line| line.contains('┌')).unwrap();
                assert!(title.contains(&format!("-{number}? ")), "{keys}: {shown}");
                assert!(box_lines[0].contains(&format!("blue-{number}.internal")), "{keys}: {shown}");
                let text: String = box_lines.concat();
                assert!(text.contains("$ evenkeel "), "{keys}: {shown}");
                assert!(text.contains(&format!("eu-central-1-blue-{number}")), "{keys}: {shown}");
            }
        }
    }

    #[test]
    fn after_a_restart_nobody_is_said_to_have_changed_it() {
        for keys in ["jD", "B ⏎"] {
            let mut model = sample::model(80, 24);
            press(&mut model, keys);
            let mut snapshot = sample::snapshot(62);
            snapshot.proxy.started = evenkeel_protocol::Timestamp(snapshot.proxy.started.0 + 1);
            snapshot.balancers[0].revision += 9;
            snapshot.balancers[0].members[1].revision += 9;
            update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
            let shown = drawn(&model);
            let said =
                ["It may have been changed since you looked, for the proxy was started", "look again."];
            assert!(said.iter().all(|text| shown.contains(text)), "{keys}: {shown}");
        }
    }

    #[test]
    fn what_does_not_fit_between_the_name_and_the_command_is_read_page_by_page() {
        let mut model = sample::model(60, 13);
        let mut snapshot = sample::snapshot(62);
        snapshot.proxy.product = evenkeel_protocol::Hello::HTTPD.to_owned();
        model.words = format!("--apache https://lb1.example/{}/balancer-manager", "x".repeat(90));
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
        press(&mut model, "jD");
        let first = drawn(&model);
        press(&mut model, &[crate::message::Key::PageDown]);
        let second = drawn(&model);
        for (page, shown) in [("next page (1 of ", &first), ("first page (2 of ", &second)] {
            assert!(shown.contains(&format!("PgDn {page}")), "{shown}");
            assert!(
                shown.contains("http://app2.example.com:8080") && shown.contains("$ evenkeel"),
                "{shown}"
            );
        }
        assert_ne!(first, second);
    }

    #[test]
    fn a_drain_that_was_begun_meanwhile_is_told_with_its_terms() {
        use evenkeel_protocol::{Event, EventKind, OnTimeout};
        let mut model = sample::model(120, 36);
        press(&mut model, "jH");
        let mut edited = sample::edited_event(40);
        let EventKind::MemberEdited { revision, .. } = &mut edited.kind else { panic!("{edited:?}") };
        *revision = 99;
        let target = sample::target("node2");
        let begun = EventKind::DrainBegan {
            drain: 7,
            balancer: target.balancer,
            member: target.member,
            until: evenkeel_protocol::DrainUntil::NoSessions,
            timeout: "10m".parse().unwrap(),
            settle: "2s".parse().unwrap(),
            on_timeout: OnTimeout::Stop,
            by: None,
            reason: None,
            durable: true,
        };
        let begun = Event { number: 41, kind: begun, ..edited.clone() };
        for event in [edited, begun] {
            update(&mut model, Message::News(News::Event(Box::new(event))));
        }
        let mut snapshot = sample::snapshot(62);
        snapshot.balancers[0].members[1].revision = 99;
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
        let shown = drawn(&model);
        // The log below the question has it too.
        let told = ["anna (drain Off → On); somebody:", "at most 10m, then stop. Go back and look"];
        assert!(told.iter().all(|text| shown.contains(text)), "{shown}");
    }
}
