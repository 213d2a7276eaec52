//! All targets on one screen: a row for each, and below them the members of all, each once, with its status in every
//! target. A target that does not answer says so in its row and takes nothing from the others.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout as Areas, Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Look, Scene, badge, footer, help, terms, words};
use crate::keymap::Action;
use crate::model::deck::{Deck, Over, Pick};
use crate::model::health::{Grade, Health};
use crate::model::history::Rate;
use crate::model::{Freshness, Model, Tone};
use crate::theme::Role;
use crate::widget::abridge::abridge;
use crate::widget::frame::rule_of;
use crate::widget::table::{Column, Layout};
use crate::widget::text::{Align, cut, shorten, width};

mod adding;
mod confirm;
mod members;
mod notice;
mod results;
mod sheet;
mod unlock;

/// The least height of a screen on which what is told may take lines from what stands above it.
const AMPLE: u16 = 14;

/// A deck to be drawn, and how.
#[derive(Clone, Copy)]
struct Whole<'a> {
    deck: &'a Deck,
    look: &'a Look,
}

impl<'a> Whole<'a> {
    fn style(self, role: Role) -> Style {
        self.look.theme.style(role)
    }

    fn span(self, role: Role, text: impl Into<String>) -> Span<'static> {
        self.look.span(role, text)
    }

    /// One target, to be drawn as it is alone.
    fn station(self, at: usize) -> Option<Scene<'a>> {
        Some(Scene { model: self.deck.stations.get(at)?, look: self.look })
    }

    /// What a target is called.
    fn name(self, at: usize) -> &'a str {
        self.deck.stations.get(at).and_then(|station| station.station.as_deref()).unwrap_or_default()
    }

    /// What all targets are called, in so many columns.
    fn names(self, columns: usize) -> Vec<String> {
        let names: Vec<&str> = (0..self.deck.stations.len()).map(|at| self.name(at)).collect();
        abridge(&names, columns)
    }

    fn rule(self, buffer: &mut Buffer, area: Rect, titles: (Line<'_>, Line<'_>)) {
        let (glyph, role) =
            if self.deck.lock.is_open() { ("━", Role::Warning) } else { ("─", Role::Faint) };
        rule_of(glyph, buffer, (area, self.style(role)), titles);
    }
}

/// Draws all targets; returns where the text cursor stands, if text is being written.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, (deck, look): (&Deck, &Look)) -> Option<Position> {
    let whole = Whole { deck, look };
    if area.width < 40 || area.height < 10 {
        summary(buffer, area, whole);
        return None;
    }
    let more = match &deck.over {
        Some(Over::Palette(palette)) => footer::above_palette(area, palette),
        Some(Over::Filter { .. }) => 0,
        _ if area.height < AMPLE => 0,
        _ => rows(told(whole, area).len()),
    };
    let standing = notice::lines(whole, area);
    let [head, tabs, warning, body, foot] = Areas::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(rows(standing.len())),
        Constraint::Fill(1),
        Constraint::Length(1 + more),
    ])
    .areas(area);
    header(buffer, head, whole);
    whole.rule(buffer, tabs, (Line::from(title(whole, area.width)), Line::default()));
    for (line, row) in standing.iter().zip(warning.rows()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
    lists(buffer, body, whole);
    let over = Rect { height: area.height - foot.height, ..area };
    let cursor = match &deck.over {
        Some(Over::Confirm { joint, typed, page, .. }) => {
            confirm::draw(buffer, over, whole, (joint, typed, *page))
        }
        Some(Over::Results { page }) => {
            results::draw(buffer, over, whole, *page);
            None
        }
        Some(Over::Adding { page }) => {
            adding::draw(buffer, over, whole, *page);
            None
        }
        Some(Over::Terms { terms, .. }) => {
            whole.station(0).and_then(|scene| terms::draw(buffer, over, scene, terms))
        }
        Some(Over::Unlock { .. }) => {
            unlock::draw(buffer, over, whole);
            None
        }
        Some(Over::Help { page }) => {
            let rows = deck.keymap.rows().iter().filter(|row| row.is_of_fleet());
            let keys = help::Keys { look, rows: rows.collect(), lacks: &|_| None };
            help::draw_rows(buffer, over, &keys, *page);
            None
        }
        Some(Over::Filter { .. } | Over::Palette(_)) => return written(buffer, foot, whole),
        None => None,
    };
    foot_lines(buffer, (foot, area), whole);
    cursor
}

/// The line that is being written; returns where the cursor stands.
fn written(buffer: &mut Buffer, area: Rect, whole: Whole<'_>) -> Option<Position> {
    let scene = whole.station(0)?;
    match &whole.deck.over {
        Some(Over::Filter { text, .. }) => {
            let complaint = whole.deck.filter.complaint().map(|why| format!("{why} "));
            let help = complaint.as_deref().unwrap_or("Enter keep  Esc take back ");
            Some(footer::line(buffer, area, scene, ('/', text, help)))
        }
        Some(Over::Palette(palette)) => Some(footer::palette(buffer, area, scene, palette)),
        _ => None,
    }
}

/// What is shown, and the words that mean it, where those fit: the targets themselves stand below.
fn title(whole: Whole<'_>, columns: u16) -> Vec<Span<'static>> {
    let words = format!("{} ", whole.deck.words);
    let fits = width(&words) + 12 <= usize::from(columns);
    let words = fits.then(|| whole.span(Role::Faint, words));
    std::iter::once(whole.span(Role::Strong, " Fleet ")).chain(words).collect()
}

/// The lock, how many targets answer, and how the members of those are.
fn header(buffer: &mut Buffer, area: Rect, whole: Whole<'_>) {
    let deck = whole.deck;
    let lock = if deck.lock.is_open() {
        whole.span(Role::Armed, " ARMED ")
    } else {
        whole.span(Role::Faint, " LOCKED")
    };
    let (answering, all) = (deck.answering().count(), deck.stations.len());
    let (role, text) = if answering == all {
        (Role::Good, format!("● all {all} targets answer"))
    } else {
        (Role::Alarm, format!("▲ {} of {all} targets do NOT answer", all - answering))
    };
    let left = |product: &str| {
        Line::from(vec![
            lock.clone(),
            Span::raw("  "),
            whole.span(Role::Strong, product.to_owned()),
            whole.span(role, text.clone()),
        ])
    };
    let mut right = Line::default();
    for (grade, role) in
        [(Grade::Bad, Role::Alarm), (Grade::Degraded, Role::Warning), (Grade::Good, Role::Text)]
    {
        let count = deck.graded(grade);
        if count > 0 {
            right.push_span(whole.span(role, format!("{count} {}  ", grade.word())));
        }
    }
    let rate = deck.answering().filter_map(|one| one.roster.total()).reduce(Rate::plus);
    right.push_span(whole.span(Role::Strong, words::rate(rate)));
    right.push_span(whole.span(Role::Faint, " req/s"));
    let room = usize::from(area.width).saturating_sub(3 + right.width());
    let forms = [left("evenkeel  "), left("")];
    let fits = forms.iter().any(|form| form.width() <= room);
    let [whole_form, short] = &forms;
    let shown = if whole_form.width() <= room || !fits { whole_form } else { short };
    buffer.set_line(area.x, area.y, shown, area.width);
    let columns = u16::try_from(right.width()).unwrap_or(u16::MAX);
    if fits {
        buffer.set_line(area.right() - columns - 1, area.y, &right, columns);
    }
}

/// Both lists: the targets above, as far as the members leave them room.
fn lists(buffer: &mut Buffer, area: Rect, whole: Whole<'_>) {
    let wanted = u16::try_from(whole.deck.stations.len() + 1).unwrap_or(u16::MAX);
    let height = wanted.min((area.height / 2).max(3));
    let [targets, rule, below] =
        Areas::vertical([Constraint::Length(height), Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    stations(buffer, targets, whole);
    let filter = whole.deck.filter.text();
    let heading = if filter.is_empty() {
        Line::from(whole.span(Role::Strong, " Members of all targets "))
    } else {
        Line::from(vec![
            whole.span(Role::Strong, " Members: "),
            whole.span(Role::Warning, format!("only {} ", shorten(filter, 30))),
            whole.span(Role::Faint, "(Esc shows all) "),
        ])
    };
    let how = Line::from(whole.span(Role::Faint, " keys act in all targets "));
    whole.rule(buffer, rule, (heading, how));
    members::draw(buffer, below, whole);
}

/// The columns of the targets drop from the right.
fn stations(buffer: &mut Buffer, area: Rect, whole: Whole<'_>) {
    let deck = whole.deck;
    let longest = (0..deck.stations.len()).map(|at| width(whole.name(at))).max().unwrap_or(0);
    let never = deck.stations.iter().any(|it| matches!(it.freshness(), Freshness::Lost { age: None, .. }));
    let state = if never { width(words::NEVER) + 2 } else { 12 };
    let column = |title, least, most, align| Column { title, least, most, align };
    let layout = Layout::new(
        &[
            column("Target", 8, longest.clamp(8, 28), Align::Left),
            column("State", state, state.max(14), Align::Left),
            column("Members", 14, 24, Align::Left),
            column("Req/s", 7, 7, Align::Right),
            column("Proxy", 12, 60, Align::Left),
        ],
        usize::from(area.width).saturating_sub(3),
        2,
    );
    let [titles, body] = Areas::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    buffer.set_string(titles.x + 2, titles.y, layout.titles(), whole.style(Role::Faint));
    let picked = match deck.pick {
        Pick::Station(at) => Some(at),
        Pick::Member(_) => None,
    };
    let height = usize::from(body.height);
    let from = scrolled(picked.unwrap_or(0), (deck.stations.len(), height));
    let names = whole.names(layout.width(0).unwrap_or(0));
    for ((at, name), row) in names.iter().enumerate().skip(from).zip(body.rows()) {
        let line = layout.row(|column, room| station_cell(whole, (at, name), (column, room)));
        let is_picked = picked == Some(at);
        listed(buffer, row, whole, (&line, is_picked));
    }
}

/// A row of a list, with the cursor on it or not.
fn listed(buffer: &mut Buffer, row: Rect, whole: Whole<'_>, (line, picked): (&Line<'_>, bool)) {
    buffer.set_line(row.x + 2, row.y, line, row.width.saturating_sub(2));
    if picked {
        buffer.set_string(row.x, row.y, "▸", whole.style(Role::Accent));
        whole.look.theme.select(buffer, row);
    }
}

/// The first row that is shown, so that the row `at` is.
fn scrolled(at: usize, (rows, height): (usize, usize)) -> usize {
    at.saturating_sub(height / 2).min(rows.saturating_sub(height))
}

fn station_cell(
    whole: Whole<'_>,
    (at, name): (usize, &str),
    (column, room): (usize, usize),
) -> Vec<Span<'static>> {
    let Some(scene) = whole.station(at) else { return Vec::new() };
    match column {
        0 => vec![scene.span(Role::Strong, name.to_owned())],
        1 => vec![state(scene, whole.deck.silent_for(at))],
        2 => grades(scene, room),
        3 => vec![rate(scene)],
        _ => vec![about(scene, room)],
    }
}

/// Does it answer? If not, since when.
fn state(scene: Scene<'_>, silent: Option<u64>) -> Span<'static> {
    match scene.model.freshness() {
        Freshness::Live => scene.span(Role::Good, "● answers"),
        Freshness::Frozen(seconds) => scene.span(Role::Warning, format!("◌ frozen {seconds} s")),
        Freshness::Waiting => scene.span(Role::Warning, "◌ waiting"),
        Freshness::Stale(seconds) => scene.span(Role::Warning, format!("◌ stale {seconds} s")),
        Freshness::Lost { .. } => {
            let since = silent.map_or_else(|| words::NEVER.to_owned(), |seconds| format!("LOST {seconds} s"));
            scene.span(Role::Alarm, format!("▲ {since}"))
        }
    }
}

/// How much it serves; of one that does not answer nobody knows that.
fn rate(scene: Scene<'_>) -> Span<'static> {
    let live = scene.model.freshness() == Freshness::Live;
    let rate = scene.model.roster.total().filter(|_| live);
    scene.span(if live { Role::Text } else { Role::Faint }, words::rate(rate))
}

/// How its members are, as last heard; without words where there is no room for them.
fn grades(scene: Scene<'_>, room: usize) -> Vec<Span<'static>> {
    let fleet = &scene.model.roster;
    if fleet.snapshot().is_none() {
        return vec![scene.span(Role::Faint, "not known")];
    }
    let is_live = scene.model.freshness() == Freshness::Live;
    let told = |in_words: bool| {
        let piece = |(health, count): (Health, usize)| {
            let (shape, role) = badge::shape(health);
            let role = if role == Role::Good { Role::Text } else { role };
            let role = if is_live { role } else { Role::Faint };
            let word = if in_words { format!(" {} ", health.word()) } else { String::new() };
            scene.span(role, format!("{shape}{count}{word} "))
        };
        Line::from(fleet.counts().into_iter().map(piece).collect::<Vec<_>>())
    };
    let told = [told(true), told(false)].into_iter().find(|line| line.width() <= room + 2);
    told.map_or_else(|| vec![scene.span(Role::Faint, "many")], |line| line.spans)
}

/// Which proxy it is, or why it does not answer.
fn about(scene: Scene<'_>, room: usize) -> Span<'static> {
    if let Freshness::Lost { why, .. } = scene.model.freshness() {
        return scene.span(Role::Alarm, cut(&why, room));
    }
    let Some(snapshot) = scene.model.roster.snapshot() else {
        return scene.span(Role::Faint, cut(&scene.model.title, room));
    };
    let file = snapshot.proxy.configuration.rsplit('/').next().unwrap_or_default();
    scene.span(Role::Faint, cut(&format!("{file}  {}", snapshot.proxy.listen.join(" ")), room))
}

/// What just came of something, or else why the target under the cursor does not answer; in full, as far as that leaves
/// room for what it is about.
fn told(whole: Whole<'_>, area: Rect) -> Vec<Line<'static>> {
    let (tone, text) = match (&whole.deck.toast, notice::silence(whole)) {
        (Some(toast), _) => (toast.tone, toast.text.clone()),
        (None, Some(why)) if area.height >= AMPLE => (Tone::Alarm, why),
        (None, _) => return Vec::new(),
    };
    let most = if area.height >= AMPLE { area.height / 4 } else { 1 };
    footer::marked(whole.look, tone, (&text, Rect { height: most, ..area }))
}

/// The same, and the keys below it where there is a line for them.
fn foot_lines(buffer: &mut Buffer, (area, screen): (Rect, Rect), whole: Whole<'_>) {
    let mut lines = told(whole, screen);
    if lines.len() < usize::from(area.height) {
        lines.push(hints(whole, usize::from(area.width).saturating_sub(2)));
    }
    for (line, row) in lines.iter().zip(area.rows()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
}

fn rows(lines: usize) -> u16 {
    u16::try_from(lines).unwrap_or(u16::MAX)
}

fn hints(whole: Whole<'_>, room: usize) -> Line<'static> {
    let locked = !whole.deck.lock.is_open();
    // Those keys act on members.
    let on_station = matches!(whole.deck.pick, Pick::Station(_));
    let mut all: Vec<(String, &str)> = Vec::new();
    let unanswerable = match &whole.deck.over {
        Some(Over::Confirm { joint, .. }) => whole.deck.willing(joint) == 0,
        _ => false,
    };
    for (key, word, action) in whole.deck.keymap.hints(whole.deck.context()) {
        match action {
            Action::Yes | Action::Accept if unanswerable => {}
            Action::Lock if locked => all.insert(0, (key.to_string(), "unlock all")),
            action if locked && action.changes() => {}
            Action::Toggle(_) | Action::Enable if on_station => {}
            Action::Again if !whole.deck.stations.iter().any(|it| !it.forgotten().is_empty()) => {}
            Action::Results if whole.deck.joint().is_none() => {}
            Action::Undo if !whole.deck.traces.iter().any(|it| it.is_left(&whole.deck.stations)) => {}
            _ => all.push((key.to_string(), word)),
        }
    }
    footer::fitted(whole.look, &all, room)
}

/// All that fits when there is no room for more.
fn summary(buffer: &mut Buffer, area: Rect, whole: Whole<'_>) {
    let deck = whole.deck;
    let line = |station: &Model| {
        let freshness = station.freshness();
        let live = freshness == Freshness::Live;
        let name = station.station.as_deref().unwrap_or_default();
        let (role, word) = match freshness {
            Freshness::Live => (Role::Text, "answers"),
            Freshness::Lost { age: None, .. } => (Role::Alarm, words::NEVER),
            Freshness::Lost { .. } => (Role::Alarm, "LOST"),
            Freshness::Stale(_) => (Role::Warning, "stale"),
            Freshness::Frozen(_) => (Role::Warning, "frozen"),
            Freshness::Waiting => (Role::Warning, "waiting"),
        };
        let bad = if live { station.roster.graded(Grade::Bad) } else { 0 };
        let bad = if bad > 0 { format!(" {bad} bad") } else { String::new() };
        Line::from(whole.span(role, format!("{name}: {word}{bad}")))
    };
    let lock = if deck.lock.is_open() { "ARMED  q quit" } else { "LOCKED  q quit" };
    let rows = usize::from(area.height).saturating_sub(1);
    let mut lines: Vec<Line<'static>> = deck.stations.iter().take(rows).map(line).collect();
    lines.push(Line::from(whole.span(Role::Faint, lock)));
    for (line, row) in lines.iter().zip(area.rows()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
}

#[cfg(test)]
mod tests;
