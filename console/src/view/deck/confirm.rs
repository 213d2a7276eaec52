//! A question about a member in all targets: what would happen in each, what is different there, where nothing can be
//! asked for, and how to answer. Every target is named, whatever else there is room for.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;
use ratatui::text::Line;

use super::Whole;
use crate::model::Popup;
use crate::model::act::told;
use crate::model::consequence::{Remark, Tone};
use crate::model::deck::joint::{Joint, Part, Share};
use crate::model::form::Text;
use crate::model::outlook::Gravity;
use crate::model::question::{Question, Standing};
use crate::theme::Role;
use crate::view::badge;
use crate::widget::frame::popup;
use crate::widget::text::{Align, cut, pad, shorten, wrap};

/// The widest that a question gets, borders included.
const WIDEST: u16 = 90;
/// How many columns there are to spell a word out.
const WORD: usize = 20;

/// The box; returns where the cursor stands, if a word has to be typed.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    whole: Whole<'_>,
    (joint, typed): (&Joint, &Text),
) -> Option<Position> {
    let columns = area.width.saturating_sub(2).min(WIDEST);
    let room = usize::from(columns).saturating_sub(4);
    let gravity = whole.deck.gravity(joint);
    let (last, cursor) = answer(whole, (joint, typed), (gravity, room));
    let height = usize::from(area.height).saturating_sub(last.len() + 3);
    let said = body(whole, joint, (room, height));
    let title = format!(" {} {} in {}? ", joint.verb, joint.label, joint.places(whole.deck.willing(joint)));
    let role = if gravity == Gravity::Light { Role::Accent } else { Role::Alarm };
    let border = whole.style(role).remove_modifier(Modifier::UNDERLINED);
    let wanted = u16::try_from(said.len() + last.len() + 3).unwrap_or(u16::MAX);
    let title = Line::from(whole.span(Role::Strong, cut(&title, room)));
    let inner = popup(buffer, area, (columns, wanted), (border, title));
    for (line, row) in said.iter().zip(inner.rows()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
    for (line, row) in last.iter().rev().zip(inner.rows().rev()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
    let column = u16::try_from(cursor?).unwrap_or(u16::MAX);
    let y = inner.bottom().saturating_sub(1);
    Some(Position { x: inner.x.saturating_add(column), y }).filter(|at| inner.contains(*at))
}

/// What the question says, in at most so many lines. What is the same everywhere is said once; if there is too much,
/// what is merely good to know is left out, and warnings are not.
fn body(whole: Whole<'_>, joint: &Joint, (room, height): (usize, usize)) -> Vec<Line<'static>> {
    let told: Vec<(&Share, Vec<Remark>)> =
        joint.shares.iter().map(|share| (share, remarks(whole, share))).collect();
    let asked = || told.iter().filter(|(share, _)| matches!(share.part, Part::Act(_)));
    let first = asked().next().map_or(&[][..], |(_, remarks)| remarks.as_slice());
    let common: Vec<Remark> = first
        .iter()
        .filter(|remark| asked().count() > 1 && asked().all(|(_, remarks)| remarks.contains(remark)))
        .cloned()
        .collect();
    let mut said = Vec::new();
    for most in [Tone::Plain, Tone::Warning] {
        let wanted = |remark: &&Remark| most == Tone::Plain || remark.tone == Tone::Warning;
        said = vec![faint(whole, shorten(joint.target.member.as_str(), room))];
        if most == Tone::Plain {
            said.push(Line::default());
        }
        for (share, remarks) in &told {
            said.push(headline(whole, joint, (share, room)));
            for remark in remarks.iter().filter(|it| !common.contains(it)).filter(wanted) {
                said.extend(sentence(whole, remark, ("  ", room)));
            }
        }
        let common: Vec<&Remark> = common.iter().filter(wanted).collect();
        if !common.is_empty() {
            said.push(Line::from(whole.span(Role::Strong, "in each of them")));
            said.extend(common.into_iter().flat_map(|remark| sentence(whole, remark, ("  ", room))));
        }
        if let Some(command) = &joint.command {
            said.push(faint(whole, cut(&format!("$ {command}"), room)));
        }
        if said.len() <= height {
            break;
        }
    }
    said.truncate(height);
    said
}

fn faint(whole: Whole<'_>, text: String) -> Line<'static> {
    Line::from(whole.span(Role::Faint, text))
}

/// What would happen in one target.
fn remarks(whole: Whole<'_>, share: &Share) -> Vec<Remark> {
    let Some(station) = whole.deck.stations.get(share.station) else { return Vec::new() };
    match &station.popup {
        Some(Popup::Confirm(question)) => match station.denial(question) {
            Some(text) => vec![Remark { tone: Tone::Warning, text }],
            None => changed(question).chain(station.outlook(question).remarks).collect(),
        },
        _ => Vec::new(),
    }
}

/// Which values an undo brings back.
fn changed(question: &Question) -> impl Iterator<Item = Remark> + use<> {
    let text = question.act.is_undo().then(|| told(question.act.changes())).filter(|text| !text.is_empty());
    text.into_iter().map(|text| Remark { tone: Tone::Plain, text })
}

/// `lb1  ● Ok  factor 1.00  set 0  3 busy`, or why nothing is asked for there.
fn headline(whole: Whole<'_>, joint: &Joint, (share, room): (&Share, usize)) -> Line<'static> {
    let name = whole.span(Role::Strong, pad(&cut(whole.name(share.station), 20), 10, Align::Left));
    let mut spans = vec![name, whole.span(Role::Text, " ")];
    let station = whole.deck.stations.get(share.station);
    let question = station.and_then(|station| match &station.popup {
        Some(Popup::Confirm(question)) => Some((station, question)),
        _ => None,
    });
    let changed = question.is_some_and(|(station, question)| station.standing(question) != Standing::Open);
    let denied = question.is_some_and(|(station, question)| station.denial(question).is_some());
    match &share.part {
        Part::Absent => spans.push(whole.span(Role::Faint, "has no such member")),
        Part::Barred(why) => {
            let why = cut(&format!("▲ {why}: NOT asked there"), room.saturating_sub(12));
            spans.push(whole.span(Role::Alarm, why));
        }
        Part::Spared(words) => {
            spans.push(whole.span(Role::Faint, format!("{words}: is so already, nothing is to be done")));
        }
        Part::Act(_) if changed => {
            spans.push(whole.span(Role::Alarm, "▲ was changed since you looked: NOT asked there"));
        }
        // Why stands below it.
        Part::Act(_) if denied => {
            spans.push(whole.span(Role::Alarm, "▲ the proxy refuses it: NOT done there"));
        }
        Part::Act(_) => {
            if let Some(member) = whole.deck.member(share.station, &joint.target) {
                let (shape, role) = badge::shape(crate::model::health::Health::of(member.status));
                spans.push(whole.span(role, format!("{shape} {}", badge::words(member))));
                let text =
                    format!("  factor {}  set {}  {} busy", member.lbfactor, member.lbset, member.busy);
                spans.push(whole.span(Role::Text, text));
            }
        }
    }
    Line::from(spans)
}

fn sentence(whole: Whole<'_>, remark: &Remark, (indent, room): (&str, usize)) -> Vec<Line<'static>> {
    let (mark, role) = match remark.tone {
        Tone::Warning => ("▲ ", Role::Alarm),
        Tone::Plain => ("· ", Role::Text),
    };
    let texts = wrap(&remark.text, room.saturating_sub(indent.len() + 2));
    let marks = std::iter::once(mark).chain(std::iter::repeat("  "));
    texts
        .into_iter()
        .zip(marks)
        .map(|(text, mark)| Line::from(whole.span(role, format!("{indent}{mark}{text}"))))
        .collect()
}

/// The lines that say how to answer, and the column of the cursor.
fn answer(
    whole: Whole<'_>,
    (joint, typed): (&Joint, &Text),
    (gravity, room): (Gravity, usize),
) -> (Vec<Line<'static>>, Option<usize>) {
    let key = |key: &str| whole.span(Role::Accent, key.to_owned());
    let word = |word: &str| whole.span(Role::Text, word.to_owned());
    let willing = whole.deck.willing(joint);
    if willing == 0 {
        let none = whole.span(Role::Alarm, "It can be done in no target now.     ");
        return (vec![Line::from(vec![none, key("Esc"), word(" back")])], None);
    }
    let yes = format!(" yes, in {}", joint.places(willing));
    match gravity {
        Gravity::Light | Gravity::Heavy => {
            let spans = vec![
                key("y"),
                word(&yes),
                word("     "),
                key("n"),
                word(" no (or "),
                key("Enter"),
                word(")"),
            ];
            (vec![Line::from(spans)], None)
        }
        Gravity::Last => {
            let shown: String = typed.value().chars().rev().take(WORD - 1).collect();
            let shown: String = shown.chars().rev().collect();
            let mut how = vec![word("Type ")];
            if let Some(name) = joint.word() {
                how.extend([key(&shorten(name, room.saturating_sub(40))), word(" or ")]);
            }
            how.extend([
                key("all"),
                word(" and "),
                key("Enter"),
                word(" to do it     "),
                key("Esc"),
                word(" no"),
            ]);
            let field = whole.span(Role::Field, pad(&shown, WORD, Align::Left));
            let column = typed.column().min(WORD - 1) + 2;
            (vec![Line::from(how), Line::from(vec![key("› "), field])], Some(column))
        }
    }
}
