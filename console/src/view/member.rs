//! One member in full: its fields, its last minute as a graph, and what happened to it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use super::{Scene, detail, events, words};
use crate::model::history::{History, Rate, SECONDS};
use crate::model::target::Target;
use crate::theme::Role;
use crate::widget::{graph, sparkline};

/// The screen.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, target: &Target) {
    let fields = detail::height(scene, area.width);
    let rest = area.height.saturating_sub(fields);
    let graph_height = if rest >= 6 { (rest / 2).clamp(4, 14) } else { rest };
    let [fields_area, graph_area, events_area] =
        Layout::vertical([Constraint::Length(fields), Constraint::Length(graph_height), Constraint::Fill(1)])
            .areas(area);
    detail::draw(buffer, fields_area, scene, target);
    if graph_area.height >= 3 {
        let [top, inner] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(graph_area);
        let (values, peak) = values(scene, target, SECONDS);
        scene.rule(
            buffer,
            top,
            "requests a second, last minute",
            Line::from(scene.span(Role::Faint, peaks(scene, target))),
        );
        let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
        // Whole cells for each second, as many as fit; what is too narrow shows means.
        let each = usize::from(inner.width) / SECONDS;
        let values = if each == 0 {
            sparkline::means(values.into_iter(), SECONDS, usize::from(inner.width))
        } else {
            values.into_iter().flat_map(|value| std::iter::repeat_n(value, each)).collect()
        };
        draw_graph(buffer, inner, scene, (&values, peak));
    }
    if events_area.height >= 2 {
        events::latest(buffer, events_area, scene, ("its events", Some(target)));
    }
}

/// The graph beside the fields of the pane below the list.
pub(super) fn small_graph(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, target: &Target) {
    let [top, inner] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let title = format!("last minute {}", peaks(scene, target));
    let x = inner.right().saturating_sub(u16::try_from(title.len()).unwrap_or(0));
    buffer.set_stringn(x.max(top.x), top.y, &title, usize::from(top.width), scene.style(Role::Faint));
    let inner = Rect { width: inner.width.saturating_sub(1), ..inner };
    let columns = usize::from(inner.width).min(SECONDS);
    let (values, peak) = values(scene, target, columns);
    draw_graph(buffer, inner, scene, (&values, peak));
}

fn draw_graph(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, values: (&[Option<u64>], u64)) {
    graph::draw(buffer, area, values, (scene.style(Role::Accent), scene.style(Role::Faint)));
}

/// The last minute in so many columns, and the top of its scale.
fn values(scene: Scene<'_>, target: &Target, columns: usize) -> (Vec<Option<u64>>, u64) {
    let history = scene.model.fleet.history(target);
    let rates = history.into_iter().flat_map(History::rates).map(|rate| rate.map(|rate| rate.0));
    let values = sparkline::means(rates.collect::<Vec<_>>().into_iter(), SECONDS, columns);
    let peak = values.iter().flatten().max().copied().unwrap_or(0);
    (values, sparkline::headroom(peak))
}

/// ` now 12.3, peak 41.0 `
fn peaks(scene: Scene<'_>, target: &Target) -> String {
    let history = scene.model.fleet.history(target);
    let now = history.and_then(History::now);
    let peak: Option<Rate> = history.and_then(|history| history.rates().flatten().max());
    format!(" now {}, peak {} ", words::rate(now), words::rate(peak))
}
