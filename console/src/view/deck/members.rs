//! The members of all targets, each once: a column for each target with its status there, and for one that drains whether
//! it can be stopped. Where the columns would be too narrow for words, shapes are left; where even those do not fit, how
//! many targets show which shape; the answers about drains are counted behind them.

use evenkeel_protocol::{Flag, MemberSnapshot};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::{Whole, badge, listed, scrolled};
use crate::model::deck::{Pick, roll};
use crate::model::health::Health;
use crate::model::target::Target;
use crate::model::{Freshness, drains};
use crate::theme::Role;
use crate::view::drain;
use crate::widget::abridge::abridge;
use crate::widget::text::{Align, cut, pad, width};

/// The least columns of a status in words: the shortest answer about a drain, `◐ NOT YET`, and a blank.
const WORDS: usize = 10;
/// The most columns of one: `◐ Drn Ok SAFE TO STOP`.
const WIDEST: usize = 23;
/// Stands at what a target that does not answer said last.
const OLD: &str = "?";
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
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let labels = abridge(&labels, first);
    let rows = members.iter().zip(&labels).enumerate().skip(from);
    for ((at, (target, label)), row) in rows.zip(body.rows()) {
        let mut line = Line::from(whole.span(Role::Text, pad(label, first, Align::Left)));
        line.push_span(difference(whole, target));
        line.spans.extend(statuses(whole, target, (form, room.saturating_sub(first + 4))));
        listed(buffer, row, whole, (&line, picked == Some(at)));
    }
}

fn heading(whole: Whole<'_>, first: usize, form: Form) -> String {
    let all_live = (0..whole.deck.stations.len()).all(|at| is_live(whole, at));
    let title = if all_live { "Member" } else { "Member ?=old" };
    let mut text = format!("{}    ", pad(title, first, Align::Left));
    match form {
        Form::Words(each) => {
            for name in whole.names(each - 1) {
                text.push_str(&pad(&name, each, Align::Left));
            }
        }
        Form::Shapes => text.push_str("in each target, in their order"),
        Form::Counts => text.push_str("in how many targets"),
    }
    text
}

/// Marks a member that is not the same everywhere: its status, or whether it can be stopped. How it is in a target that
/// does not answer nobody knows, so that one is neither the same nor another.
fn difference(whole: Whole<'_>, target: &Target) -> Span<'static> {
    let all = (0..whole.deck.stations.len()).filter(|at| is_live(whole, *at));
    let mut known =
        all.map(|at| Some((status(whole.deck.member(at, target))?, Verdict::of(whole, at, target))));
    let first = known.next();
    let differs = first.is_some_and(|first| known.any(|other| other != first));
    whole.span(Role::Warning, if differs { "  ≠ " } else { "    " })
}

fn status(member: Option<&MemberSnapshot>) -> Option<Health> {
    member.map(|member| Health::of(member.status))
}

/// Whether a member that drains can be stopped, in the words of the screen of drains.
struct Verdict {
    role: Role,
    said: String,
}

impl Verdict {
    /// What a target says of it; none: it does not drain there, or nobody watches that.
    fn of(whole: Whole<'_>, at: usize, target: &Target) -> Option<Self> {
        let scene = whole.station(at)?;
        let snapshot = scene.model.roster.snapshot();
        let drains = whole.deck.member(at, target)?.status.has(Flag::Drain);
        let drain = drains::of(snapshot, target).filter(|_| drains)?;
        // Of a drain that was ended before it began anew by hand nothing is known.
        let is_over = matches!(
            drains::verdict(drain, snapshot, &scene.model.freshness()),
            drains::Verdict::Over(_) | drains::Verdict::Unwatched
        );
        let (role, said) = drain::answer(scene, drain);
        (!is_over).then_some(Self { role, said })
    }

    /// The same without what it can do without: `SAFE`, `IN USE`, `UNKNOWN`.
    fn short(&self) -> &str {
        let mut rests = [" TO STOP", " ELSEWHERE"].iter();
        let said = rests.find_map(|rest| self.said.strip_suffix(rest)).unwrap_or(&self.said);
        said.split_once(" until ").map_or(said, |(said, _)| said)
    }
}

impl PartialEq for Verdict {
    /// When it will be known is not what it is.
    fn eq(&self, other: &Self) -> bool {
        self.short() == other.short()
    }
}

fn statuses(whole: Whole<'_>, target: &Target, (form, room): (Form, usize)) -> Vec<Span<'static>> {
    let all = 0..whole.deck.stations.len();
    let mut spans: Vec<Span<'static>> = match form {
        Form::Words(each) => return all.flat_map(|at| in_words(whole, (at, target), each)).collect(),
        Form::Shapes => all.map(|at| as_shape(whole, (at, target))).collect(),
        Form::Counts => counted(whole, target),
    };
    let used: usize = spans.iter().map(Span::width).sum();
    spans.extend(verdicts(whole, target, room.saturating_sub(used)));
    spans
}

/// Is what is shown of a target what holds now?
fn is_live(whole: Whole<'_>, at: usize) -> bool {
    whole.deck.stations.get(at).is_some_and(|station| station.freshness() == Freshness::Live)
}

/// The shape and the role of a member in a target, and whether that is what holds now.
fn shown(whole: Whole<'_>, (at, target): (usize, &Target)) -> Option<(char, Role, bool)> {
    let live = is_live(whole, at);
    let (shape, role) = badge::shape(status(whole.deck.member(at, target))?);
    Some((shape, if live { role } else { Role::Faint }, live))
}

/// A status in words, and of a drain whether the member can be stopped: what must be read stays where not all fits.
fn in_words(whole: Whole<'_>, (at, target): (usize, &Target), each: usize) -> Vec<Span<'static>> {
    let (Some((shape, role, live)), Some(member)) =
        (shown(whole, (at, target)), whole.deck.member(at, target))
    else {
        return vec![whole.span(Role::Faint, pad(nothing(whole, at), each, Align::Left))];
    };
    let doubt = if live { "" } else { OLD };
    let words = badge::words(member);
    let Some(verdict) = Verdict::of(whole, at, target) else {
        let text = cut(&format!("{shape} {words}{doubt}"), each - 1);
        return vec![whole.span(role, pad(&text, each, Align::Left))];
    };
    let flags = words.strip_suffix(" Ok").unwrap_or(words);
    let forms = [
        (format!("{shape} {words}{doubt} "), verdict.said.as_str()),
        (format!("{shape} {flags}{doubt} "), verdict.said.as_str()),
        (format!("{shape} {flags}{doubt} "), verdict.short()),
        (format!("{shape} "), verdict.short()),
    ];
    let fits = |(status, said): &&(String, &str)| width(status) + width(said) < each;
    let [.., least] = &forms;
    let (status, said) = forms.iter().find(fits).unwrap_or(least);
    let rest = each.saturating_sub(width(status));
    let said = pad(&cut(said, rest.saturating_sub(1)), rest, Align::Left);
    vec![whole.span(role, status.clone()), whole.span(verdict.role, said)]
}

fn as_shape(whole: Whole<'_>, (at, target): (usize, &Target)) -> Span<'static> {
    match shown(whole, (at, target)) {
        Some((shape, role, live)) => whole.span(role, format!("{shape}{}", if live { " " } else { OLD })),
        None => whole.span(Role::Faint, format!("{} ", nothing(whole, at))),
    }
}

/// In how many targets it is how, and of how many that is not known.
fn counted(whole: Whole<'_>, target: &Target) -> Vec<Span<'static>> {
    let all = 0..whole.deck.stations.len();
    let (live, silent): (Vec<usize>, Vec<usize>) = all.partition(|at| is_live(whole, *at));
    let healths: Vec<Health> =
        live.into_iter().filter_map(|at| status(whole.deck.member(at, target))).collect();
    let unknown = (!silent.is_empty()).then(|| whole.span(Role::Faint, format!("{OLD}{} ", silent.len())));
    let count = |health: Health| healths.iter().filter(|other| **other == health).count();
    let counted = Health::ALL.into_iter().map(|health| (health, count(health)));
    counted
        .filter(|(_, count)| *count > 0)
        .map(|(health, count)| {
            let (shape, role) = badge::shape(health);
            whole.span(role, format!("{shape}{count} "))
        })
        .chain(unknown)
        .collect()
}

/// In how many targets which answer holds, those first that forbid to stop it; as many as fit.
fn verdicts(whole: Whole<'_>, target: &Target, room: usize) -> Vec<Span<'static>> {
    let all = 0..whole.deck.stations.len();
    let mut counts: Vec<(Verdict, usize)> = Vec::new();
    for verdict in all.filter_map(|at| Verdict::of(whole, at, target)) {
        match counts.iter_mut().find(|(known, _)| *known == verdict) {
            Some((_, count)) => *count += 1,
            None => counts.push((verdict, 1)),
        }
    }
    counts.sort_by_key(|(verdict, _)| match verdict.role {
        Role::Alarm => 0,
        Role::Good => 2,
        _ => 1,
    });
    let mut left = room;
    let mut spans = Vec::new();
    for (verdict, count) in counts {
        let text = format!(" {count} {}", verdict.short());
        let Some(rest) = left.checked_sub(width(&text)) else { break };
        left = rest;
        spans.push(whole.span(verdict.role, text));
    }
    spans
}

/// Where a target has no such member, or nobody knows.
fn nothing(whole: Whole<'_>, at: usize) -> &'static str {
    let heard = whole.deck.stations.get(at).is_some_and(|station| station.roster.snapshot().is_some());
    if heard { "-" } else { "?" }
}
