//! The screen as a function of the model: header, body by screen, footer, and what lies on top. It decides
//! nothing and keeps nothing; scroll offsets follow from the selection and the room there is.

use jiff::tz::TimeZone;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::model::deck::Deck;
use crate::model::target::Target;
use crate::model::{Freshness, Model, Popup, Screen};
use crate::theme::{Role, Theme};
use crate::widget::abridge::among;
use crate::widget::frame::rule;

mod badge;
mod balancers;
mod confirm;
mod decision;
mod deck;
mod detail;
mod drain;
mod elections;
mod events;
mod footer;
mod form;
mod header;
mod help;
mod labels;
mod lacking;
mod layers;
mod leave;
mod lens;
mod member;
mod menu;
mod minute;
mod notice;
mod overview;
mod results;
mod tabs;
mod terms;
mod unlock;
mod words;

/// What a view needs to know beside the model.
#[derive(Debug, Clone)]
pub struct Look {
    /// How roles look.
    pub theme: Theme,
    /// Where the operator's clock hangs.
    pub zone: TimeZone,
}

/// A model to be drawn, and how.
#[derive(Clone, Copy)]
struct Scene<'a> {
    model: &'a Model,
    look: &'a Look,
}

impl Look {
    fn span(&self, role: Role, text: impl Into<String>) -> Span<'static> {
        Span::styled(text.into(), self.theme.style(role))
    }
}

impl Scene<'_> {
    fn style(self, role: Role) -> Style {
        self.look.theme.style(role)
    }

    fn span(self, role: Role, text: impl Into<String>) -> Span<'static> {
        self.look.span(role, text)
    }

    /// A member's name among people in so many columns, told apart from all others.
    fn called(self, label: &str, columns: usize) -> String {
        let snapshot = self.model.roster.snapshot();
        let balancers = snapshot.map_or(&[][..], |snapshot| &snapshot.balancers);
        let members = balancers.iter().flat_map(|it| it.members.iter().map(move |member| (it, member)));
        let labels: Vec<String> =
            members.map(|(balancer, member)| Target::of(balancer, member).label(snapshot)).collect();
        among(label, &labels.iter().map(String::as_str).collect::<Vec<_>>(), columns)
    }

    /// A rule across `area` with a heading, and words at its right end.
    fn rule(self, buffer: &mut Buffer, area: Rect, heading: &str, right: Line<'_>) {
        let left = if heading.is_empty() {
            Line::default()
        } else {
            Line::from(self.span(Role::Strong, format!(" {heading} ")))
        };
        rule(buffer, area, self.style(Role::Faint), (left, right));
    }
}

/// Draws all targets, or the one that is shown.
pub fn view_deck(frame: &mut Frame<'_>, deck: &Deck, look: &Look) {
    let area = frame.area();
    let cursor = match deck.shown() {
        Some(model) => draw(frame.buffer_mut(), area, Scene { model, look }),
        None => deck::draw(frame.buffer_mut(), area, (deck, look)),
    };
    let cursor = cursor.filter(|_| deck.leave.is_none());
    if let Some(leave) = &deck.leave {
        leave::draw(frame.buffer_mut(), area, look, leave);
    }
    look.theme.fit(frame.buffer_mut());
    if let Some(cursor) = cursor {
        frame.set_cursor_position(cursor);
    }
}

/// Draws everything of one target.
pub fn view(frame: &mut Frame<'_>, model: &Model, look: &Look) {
    let (area, scene) = (frame.area(), Scene { model, look });
    let cursor = draw(frame.buffer_mut(), area, scene);
    look.theme.fit(frame.buffer_mut());
    if let Some(cursor) = cursor {
        frame.set_cursor_position(cursor);
    }
}

/// Draws everything; returns where the text cursor stands, if text is being written.
fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) -> Option<Position> {
    if area.is_empty() {
        return None;
    }
    if area.width < 40 || area.height < 10 {
        header::summary(buffer, area, scene);
        return None;
    }
    let [head, tabs, body, noticed, foot] = areas(area, scene);
    header::draw(buffer, head, scene);
    tabs::draw(buffer, tabs, scene);
    notice::draw(buffer, noticed, scene);
    match &scene.model.screen {
        Screen::Lens | Screen::Elections if lacking::why(scene).is_some() => {
            lacking::draw(buffer, body, scene);
        }
        Screen::Balancers => balancers::draw(buffer, body, scene),
        Screen::Member(target) => member::draw(buffer, body, scene, target),
        Screen::Events { at, since } => events::draw(buffer, body, scene, (*at, *since)),
        Screen::Overview => overview::draw(buffer, body, scene),
        Screen::Drains(picked) => drain::draw(buffer, body, scene, picked.as_ref()),
        Screen::Lens => lens::draw(buffer, body, scene),
        Screen::Elections => elections::draw(buffer, body, scene),
    }
    if !matches!(scene.model.freshness(), Freshness::Live | Freshness::Frozen(_) | Freshness::Waiting) {
        // What may no longer hold must not look as if it did.
        buffer.set_style(body, scene.style(Role::Faint));
    }
    let over = Rect { height: area.height - foot.height, ..area };
    let cursor = match &scene.model.popup {
        Some(Popup::Filter { text, .. }) => return Some(footer::filter(buffer, foot, scene, text)),
        Some(Popup::Palette(palette)) => return Some(footer::palette(buffer, foot, scene, palette)),
        Some(Popup::Confirm(question)) => confirm::draw(buffer, over, scene, question),
        Some(Popup::Form(form)) => form::of_member(buffer, over, scene, form),
        Some(Popup::Tuning(form)) => form::of_balancer(buffer, over, scene, form),
        Some(Popup::Joining(form)) => form::of_newcomer(buffer, over, scene, form),
        Some(Popup::Decide(decision)) => {
            decision::draw(buffer, over, scene, decision);
            None
        }
        Some(Popup::Terms(terms)) => terms::draw(buffer, over, scene, terms),
        Some(Popup::Ask(text)) => {
            let help = "a cookie, a path or a URL  Enter ask  Esc back ";
            return Some(footer::line(buffer, foot, scene, ('›', text, help)));
        }
        Some(Popup::Watch(text)) => {
            let help = "a balancer, a member, route=NAME or a cookie  Enter keep  Esc back ";
            return Some(footer::line(buffer, foot, scene, ('/', text, help)));
        }
        Some(Popup::Help { page }) => {
            help::draw(buffer, over, scene, *page);
            None
        }
        Some(Popup::Menu(menu)) => {
            menu::draw(buffer, over, scene, menu);
            None
        }
        Some(Popup::Results { from }) => {
            results::draw(buffer, over, scene, *from);
            None
        }
        Some(Popup::Unlock { .. }) => {
            unlock::draw(buffer, over, scene);
            None
        }
        None => None,
    };
    footer::draw(buffer, foot, scene);
    cursor
}

/// The header, the names of the screens, the body, what is to be seen to, and the footer.
fn areas(area: Rect, scene: Scene<'_>) -> [Rect; 5] {
    Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(notice::height(area, scene)),
        Constraint::Length(footer::height(area, scene)),
    ])
    .areas(area)
}

/// The member whose row is drawn at `position`; none if there is no row, or something lies on top of it.
pub fn member_at(model: &Model, look: &Look, position: Position) -> Option<Target> {
    if model.popup.is_some() || model.screen != Screen::Balancers || !model.size.is_ample() {
        return None;
    }
    let scene = Scene { model, look };
    let area = Rect::new(0, 0, model.size.width, model.size.height);
    let [_, _, body, _, _] = areas(area, scene);
    balancers::member_at(body, scene, position)
}

#[cfg(test)]
mod tests;
