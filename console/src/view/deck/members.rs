//! The members of all targets, each once: a column for each target with its status there. Where the columns would be too
//! narrow for words, shapes are left; where even those do not fit, how many targets show which shape.

use evenkeel_protocol::MemberSnapshot;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::{Whole, badge, listed, scrolled};
use crate::model::Freshness;
use crate::model::deck::{Pick, roll};
use crate::model::health::Health;
use crate::model::target::Target;
use crate::theme::Role;
use crate::widget::text::{Align, cut, pad, width};

/// The least columns of a status in words.
const WORDS: usize = 9;
/// The most columns of one.
const WIDEST: usize = 16;
/// The columns of a status as a shape.
const SHAPE: usize = 2;

/// How the statuses of a member stand side by side.
#[derive(Clone, Copy)]
enum Form {
    /// Shape and words, so many columns each.
    Words(usize),
    /// Shapes only.
    Shapes,
    /// How many targets show which.
    Counts,
}

/// The list.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, whole: Whole<'_>) {
    let stations = &whole.deck.stations;
    let members = whole.deck.members();
    if members.is_empty() {
        let text = if whole.deck.filter.is_empty() {
            "  No target has told of a member yet."
        } else {
            "  The filter lets no member through."
        };
        buffer.set_string(area.x, area.y, cut(text, usize::from(area.width)), whole.style(Role::Faint));
        return;
    }
    let labels: Vec<String> = members.iter().map(|target| roll::label(stations, target)).collect();
    let room = usize::from(area.width).saturating_sub(4);
    let longest = labels.iter().map(|label| width(label)).max().unwrap_or(0);
    let first = longest.clamp(12, (room / 2).max(12));
    let each = room.saturating_sub(first + 4) / stations.len().max(1);
    let form = match each {
        WORDS.. => Form::Words(each.min(WIDEST)),
        SHAPE.. => Form::Shapes,
        _ => Form::Counts,
    };
    let [titles, body] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    buffer.set_string(titles.x + 2, titles.y, heading(whole, first, form), whole.style(Role::Faint));
    let picked = match &whole.deck.pick {
        Pick::Member(target) => members.iter().position(|member| member == target),
        Pick::Station(_) => None,
    };
    let from = scrolled(picked.unwrap_or(0), (members.len(), usize::from(body.height)));
    let rows = members.iter().zip(&labels).enumerate().skip(from);
    for ((at, (target, label)), row) in rows.zip(body.rows()) {
        let mut line = Line::from(whole.span(Role::Text, pad(&cut(label, first), first, Align::Left)));
        line.push_span(difference(whole, target));
        line.spans.extend(statuses(whole, target, form));
        listed(buffer, row, whole, (&line, picked == Some(at)));
    }
}

fn heading(whole: Whole<'_>, first: usize, form: Form) -> String {
    let mut text = format!("{}    ", pad("Member", first, Align::Left));
    match form {
        Form::Words(each) => {
            for at in 0..whole.deck.stations.len() {
                text.push_str(&pad(&cut(whole.name(at), each - 1), each, Align::Left));
            }
        }
        Form::Shapes => text.push_str("in each target, in their order"),
        Form::Counts => text.push_str("in how many targets"),
    }
    text
}

/// Marks a member that is not the same everywhere.
fn difference(whole: Whole<'_>, target: &Target) -> Span<'static> {
    let mut known = (0..whole.deck.stations.len()).map(|at| whole.deck.member(at, target)).map(status);
    let first = known.next();
    let differs = first.is_some_and(|first| known.any(|other| other != first));
    whole.span(Role::Warning, if differs { "  ≠ " } else { "    " })
}

fn status(member: Option<&MemberSnapshot>) -> Option<Health> {
    member.map(|member| Health::of(member.status))
}

fn statuses(whole: Whole<'_>, target: &Target, form: Form) -> Vec<Span<'static>> {
    let deck = whole.deck;
    let shown = |at: usize| {
        let live = deck.stations.get(at).is_some_and(|station| station.freshness() == Freshness::Live);
        let member = deck.member(at, target)?;
        let (shape, role) = badge::shape(Health::of(member.status));
        Some((shape, if live { role } else { Role::Faint }, member, live))
    };
    let all = 0..deck.stations.len();
    match form {
        Form::Words(each) => all
            .map(|at| match shown(at) {
                Some((shape, role, member, live)) => {
                    let doubt = if live { "" } else { "?" };
                    let text = cut(&format!("{shape} {}{doubt}", badge::words(member)), each - 1);
                    whole.span(role, pad(&text, each, Align::Left))
                }
                None => whole.span(Role::Faint, pad(nothing(whole, at), each, Align::Left)),
            })
            .collect(),
        Form::Shapes => all
            .map(|at| match shown(at) {
                Some((shape, role, ..)) => whole.span(role, format!("{shape} ")),
                None => whole.span(Role::Faint, format!("{} ", nothing(whole, at))),
            })
            .collect(),
        Form::Counts => {
            let healths: Vec<Health> = all.filter_map(|at| status(deck.member(at, target))).collect();
            let count = |health: Health| healths.iter().filter(|other| **other == health).count();
            let counted = Health::ALL.into_iter().map(|health| (health, count(health)));
            counted
                .filter(|(_, count)| *count > 0)
                .map(|(health, count)| {
                    let (shape, role) = badge::shape(health);
                    whole.span(role, format!("{shape}{count} "))
                })
                .collect()
        }
    }
}

/// Where a target has no such member, or nobody knows.
fn nothing(whole: Whole<'_>, at: usize) -> &'static str {
    let heard = whole.deck.stations.get(at).is_some_and(|station| station.roster.snapshot().is_some());
    if heard { "-" } else { "?" }
}
