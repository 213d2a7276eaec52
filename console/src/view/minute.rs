//! Requests a second over the last minute as a graph, from what this console has seen itself.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use super::{Scene, words};
use crate::model::history::{History, Rate, SECONDS};
use crate::model::roster::Roster;
use crate::theme::Role;
use crate::widget::{graph, sparkline};

/// Sixty seconds, the newest last.
pub(super) struct Minute(Vec<Option<u64>>);

impl Minute {
    /// Of one member.
    pub(super) fn of(history: Option<&History>) -> Self {
        Self(history.into_iter().flat_map(History::rates).map(|rate| rate.map(|rate| rate.0)).collect())
    }

    /// Of several together; a second is known where any of them is.
    pub(super) fn sum<'a>(histories: impl Iterator<Item = &'a History>) -> Self {
        let mut sum: Vec<Option<u64>> = vec![None; SECONDS];
        for history in histories {
            for (total, rate) in sum.iter_mut().rev().zip(history.rates().rev()) {
                if let Some(rate) = rate {
                    *total = Some(total.unwrap_or(0).saturating_add(rate.0));
                }
            }
        }
        Self(sum)
    }

    /// Of all members.
    pub(super) fn of_all(roster: &Roster) -> Self {
        let members = roster
            .balancers()
            .iter()
            .flat_map(|balancer| balancer.members.iter().map(|member| (&balancer.name, &member.name)));
        Self::sum(members.filter_map(|(balancer, member)| roster.history_of(balancer, member)))
    }

    /// In so many columns.
    pub(super) fn columns(&self, columns: usize) -> Vec<Option<u64>> {
        sparkline::means(self.0.iter().copied(), SECONDS, columns)
    }

    /// The graph below a rule; at its right end what is wrong, else the latest and the highest rate.
    pub(super) fn draw(&self, buffer: &mut Buffer, area: Rect, scene: Scene<'_>, wrong: Option<&str>) {
        let [top, inner] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
        let right = match wrong {
            Some(why) => scene.span(Role::Warning, format!(" {why} ")),
            None => scene.span(Role::Faint, self.peaks()),
        };
        scene.rule(buffer, top, "req/s, last minute", Line::from(right));
        let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
        // Whole cells for each second, as many as fit; what is too narrow shows means.
        let each = usize::from(inner.width) / SECONDS;
        let values = if each == 0 {
            self.columns(usize::from(inner.width))
        } else {
            let seconds = self.columns(SECONDS).into_iter();
            seconds.flat_map(|value| std::iter::repeat_n(value, each)).collect()
        };
        bars(buffer, inner, scene, &values);
    }

    /// The graph beside the fields of the pane below the list.
    pub(super) fn small(&self, buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
        let [top, inner] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
        let title = format!("last minute {}", self.peaks());
        let x = inner.right().saturating_sub(u16::try_from(title.len()).unwrap_or(0));
        buffer.set_stringn(x.max(top.x), top.y, &title, usize::from(top.width), scene.style(Role::Faint));
        let inner = Rect { width: inner.width.saturating_sub(1), ..inner };
        bars(buffer, inner, scene, &self.columns(usize::from(inner.width).min(SECONDS)));
    }

    /// ` now 12.3, peak 41.0 `
    fn peaks(&self) -> String {
        let now = self.0.last().copied().flatten();
        let peak = self.0.iter().flatten().max().copied();
        format!(" now {}, peak {} ", words::rate(now.map(Rate)), words::rate(peak.map(Rate)))
    }
}

fn bars(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, values: &[Option<u64>]) {
    let top = sparkline::headroom(values.iter().flatten().max().copied().unwrap_or(0));
    graph::draw(buffer, area, (values, top), (scene.style(Role::Accent), scene.style(Role::Faint)));
}
