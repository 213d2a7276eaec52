//! A question about a member in all targets: what would happen in each, what is different there, where nothing can be
//! asked for, and how to answer. Every target is named, whatever else there is room for.

use evenkeel_protocol::MemberSnapshot;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;
use ratatui::text::Line;

use super::Whole;
use super::sheet;
use crate::model::act::told;
use crate::model::consequence::{Remark, Tone};
use crate::model::deck::asked::{Asked, What};
use crate::model::deck::joint::{Joint, Part, Share};
use crate::model::form::Text;
use crate::model::health::Health;
use crate::model::outlook::Gravity;
use crate::model::question::{Question, Standing};
use crate::theme::Role;
use crate::view::confirm::overtaken;
use crate::view::{badge, decision};
use crate::widget::frame::popup;
use crate::widget::pages::Pages;
use crate::widget::text::{Align, pad, shorten};

/// The widest that a question gets, borders included.
const WIDEST: u16 = 90;
/// How many columns there are to spell a word out.
const WORD: usize = 20;

/// The box, one page of it; returns where the cursor stands, if a word has to be typed.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    whole: Whole<'_>,
    (joint, typed, page): (&Joint, &Text, usize),
) -> Option<Position> {
    let columns = area.width.saturating_sub(2).min(WIDEST);
    let room = usize::from(columns).saturating_sub(4);
    let gravity = whole.deck.gravity(joint);
    let (last, cursor) = answer(whole, (joint, typed), (gravity, room));
    let height = usize::from(area.height).saturating_sub(last.len() + 3);
    let said = said(whole, joint, (room, height), page);
    let title = format!(" {} {} in {}? ", joint.verb, joint.label, joint.places(whole.deck.willing(joint)));
    let role = if gravity == Gravity::Light { Role::Accent } else { Role::Alarm };
    let border = whole.style(role).remove_modifier(Modifier::UNDERLINED);
    let wanted = u16::try_from(said.len() + last.len() + 3).unwrap_or(u16::MAX);
    let title = Line::from(whole.span(Role::Strong, shorten(&title, room)));
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

/// One page of what the question says, below the whole name of the member. Where not all of it fits, what must be read
/// before a yes comes first, and then what is good to know.
fn said(whole: Whole<'_>, joint: &Joint, (room, height): (usize, usize), page: usize) -> Vec<Line<'static>> {
    let body = Body::of(whole, joint, room);
    let mut shown = vec![faint(whole, shorten(joint.target.member.as_str(), room))];
    let mut all = body.lines(&[Tone::Warning, Tone::Plain]);
    let commands = sheet::commands(whole, &whole.deck.commands(joint), room);
    if all.len() + commands.len() + 2 <= height {
        shown.push(Line::default());
        shown.extend(all.into_iter().chain(commands));
        return shown;
    }
    all =
        [body.lines(&[Tone::Warning]), vec![Line::default()], body.lines(&[Tone::Plain]), commands].concat();
    let height = height.saturating_sub(shown.len());
    if all.len() > height {
        let height = height.saturating_sub(1).max(1);
        let pages = Pages::of(all.len(), height, page);
        shown.extend(all.into_iter().skip(pages.from).take(height));
        shown.extend(pages.more("PgDn").map(|more| faint(whole, more)));
        return shown;
    }
    shown.extend(all);
    shown
}

/// What the question says of each target; what is the same in all that are asked is said once.
struct Body<'a> {
    whole: Whole<'a>,
    joint: &'a Joint,
    room: usize,
    told: Vec<(&'a Share, Vec<Remark>)>,
    common: Vec<Remark>,
}

impl<'a> Body<'a> {
    fn of(whole: Whole<'a>, joint: &'a Joint, room: usize) -> Self {
        let mut told: Vec<(&Share, Vec<Remark>)> =
            joint.shares.iter().map(|share| (share, remarks(whole, share))).collect();
        let asked = || told.iter().filter(|(share, _)| is_sent(whole, share));
        let first = asked().next().map_or(&[][..], |(_, remarks)| remarks.as_slice());
        let is_common =
            |remark: &&Remark| asked().count() > 1 && asked().all(|(_, remarks)| remarks.contains(remark));
        let common: Vec<Remark> = first.iter().filter(is_common).cloned().collect();
        for (_, remarks) in &mut told {
            remarks.retain(|remark| !common.contains(remark));
        }
        Self { whole, joint, room, told, common }
    }

    /// The remarks of these tones below the name of their target. How the member is there stands where the warnings do.
    fn lines(&self, tones: &[Tone]) -> Vec<Line<'static>> {
        let wanted = |remark: &&Remark| tones.contains(&remark.tone);
        let sentences = |remarks: &[Remark]| {
            let wanted = remarks.iter().filter(wanted);
            wanted.flat_map(|remark| sentence(self.whole, remark, self.room)).collect::<Vec<_>>()
        };
        let mut lines = Vec::new();
        for (share, remarks) in &self.told {
            let said = sentences(remarks);
            if tones.contains(&Tone::Warning) {
                lines.extend(headline(self.whole, self.joint, (share, self.room)));
            } else if !said.is_empty() {
                let name = self.whole.name(share.station).to_owned();
                lines.push(Line::from(self.whole.span(Role::Strong, name)));
            }
            lines.extend(said);
        }
        let common = sentences(&self.common);
        if !common.is_empty() {
            lines.push(Line::from(self.whole.span(Role::Strong, "in each that is asked")));
            lines.extend(common);
        }
        lines
    }
}

fn faint(whole: Whole<'_>, text: String) -> Line<'static> {
    Line::from(whole.span(Role::Faint, text))
}

/// Would a yes be sent there? What holds for all that are asked is not held up by one that is not.
fn is_sent(whole: Whole<'_>, share: &Share) -> bool {
    matches!(share.part, Part::Act(_))
        && whole.deck.stations.get(share.station).and_then(Asked::of).is_some_and(Asked::is_answerable)
}

/// What would happen in one target, or why nothing would. Of one that does not answer only that is said: its numbers are
/// old.
fn remarks(whole: Whole<'_>, share: &Share) -> Vec<Remark> {
    let Some(scene) = whole.station(share.station) else { return Vec::new() };
    let Some(asked) = Asked::of(scene.model) else { return Vec::new() };
    if !scene.model.is_connected() {
        return Vec::new();
    }
    let warning = |text: String| vec![Remark { tone: Tone::Warning, text }];
    match (asked.what, asked.denial()) {
        (_, Some(why)) => warning(why),
        (What::Member(question), None) if asked.standing() == Standing::Changed => {
            warning(format!("{}.", overtaken(scene, question)))
        }
        (What::Member(question), None) => {
            changed(question).chain(scene.model.outlook(question).remarks).collect()
        }
        (What::Return(decision), None) => decision::remarks(scene, decision),
    }
}

/// Which values it sets, where the verb does not say.
fn changed(question: &Question) -> impl Iterator<Item = Remark> + use<> {
    let text = Some(told(question.act.changes())).filter(|text| !text.is_empty());
    text.into_iter().map(|text| Remark { tone: Tone::Plain, text })
}

/// `lb1  ● Ok  factor 1.00  set 0  3 busy`, or why nothing is asked for there.
fn headline(whole: Whole<'_>, joint: &Joint, (share, room): (&Share, usize)) -> Vec<Line<'static>> {
    let name = format!("{} ", pad(&shorten(whole.name(share.station), 20), 10, Align::Left));
    let told = |role: Role, text: &str| {
        let lines = sheet::marked(whole, (&name, Role::Strong), (text, role), room);
        lines.into_iter().collect::<Vec<_>>()
    };
    let station = whole.deck.stations.get(share.station);
    let asked = station.and_then(Asked::of);
    let standing = asked.map(Asked::standing);
    match &share.part {
        Part::Absent => told(Role::Faint, "has no such member"),
        Part::Barred(why) => told(Role::Alarm, &format!("▲ {why}: NOT asked there")),
        Part::Spared(words) => told(Role::Faint, &format!("{words}: is so already, nothing is to be done")),
        Part::Act(_) if station.is_some_and(|station| !station.is_connected()) => {
            told(Role::Alarm, "▲ does not answer: NOT asked there")
        }
        Part::Act(_) if standing == Some(Standing::Changed) => {
            told(Role::Alarm, "▲ changed since you looked: NOT asked there")
        }
        Part::Act(_) if standing == Some(Standing::Gone) => {
            told(Role::Alarm, "▲ no longer there: NOT asked there")
        }
        // Why stands below it.
        Part::Act(_) if asked.is_some_and(|asked| asked.denial().is_some()) => {
            told(Role::Alarm, "▲ the proxy refuses it: NOT done there")
        }
        Part::Act(_) => match whole.deck.member(share.station, &joint.target) {
            Some(member) => vec![described(whole, &name, member)],
            None => told(Role::Faint, "has it no more"),
        },
    }
}

/// How the member is there.
fn described(whole: Whole<'_>, name: &str, member: &MemberSnapshot) -> Line<'static> {
    let (shape, role) = badge::shape(Health::of(member.status));
    let busy = member.in_flight().map_or_else(|| "?".to_owned(), |busy| busy.to_string());
    let text = format!("  factor {}  set {}  {busy} busy", member.lbfactor, member.lbset);
    Line::from(vec![
        whole.span(Role::Strong, name.to_owned()),
        whole.span(role, format!("{shape} {}", badge::words(member))),
        whole.span(Role::Text, text),
    ])
}

/// A remark below the line of its target.
fn sentence(whole: Whole<'_>, remark: &Remark, room: usize) -> Vec<Line<'static>> {
    let (mark, role) = match remark.tone {
        Tone::Warning => ("  ▲ ", Role::Alarm),
        Tone::Plain => ("  · ", Role::Text),
    };
    sheet::marked(whole, (mark, role), (&remark.text, role), room)
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
    let terms = if whole.deck.has_terms(joint) {
        vec![word("     "), key("Tab"), word(" terms")]
    } else {
        Vec::new()
    };
    match gravity {
        Gravity::Light | Gravity::Heavy => {
            let spans =
                [key("y"), word(&yes), word("     "), key("n"), word(" no (or "), key("Enter"), word(")")];
            (vec![Line::from([spans.to_vec(), terms].concat())], None)
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
            let typed = [vec![key("› "), field], terms].concat();
            (vec![Line::from(how), Line::from(typed)], Some(column))
        }
    }
}
