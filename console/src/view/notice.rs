//! The line above the footer for what holds until somebody sees to it: edits that a restart has forgotten, or what should
//! be known about all that is shown.

use evenkeel_protocol::Subject;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Scene;
use crate::keymap::Action;
use crate::model::forgotten::{self, Lot};
use crate::theme::Role;
use crate::undurable;
use crate::widget::text::{cut, width};

/// How many lines it takes.
pub(super) fn height(scene: Scene<'_>) -> u16 {
    u16::from(text(scene, 0).is_some())
}

/// The line, in a form for so much room if there is one, and the key that sees to it.
pub(super) fn text(scene: Scene<'_>, room: usize) -> Option<(String, &'static str)> {
    let snapshot = scene.model.roster.snapshot()?;
    let name = |subject: &Subject| forgotten::whose(subject, snapshot);
    let warnings = || {
        undurable::sentence(snapshot, name, |text| width(text) <= room)
            .or_else(|| snapshot.warnings.first().cloned())
    };
    let warning = || warnings().map(|warning| (warning, ""));
    // Of several servers in turn, and by a cache, nobody can say what is forgotten.
    if snapshot.alternating || snapshot.cached {
        return warning();
    }
    if snapshot.forgotten.is_empty() {
        return warning();
    }
    let key = if Lot::is_one(&snapshot.forgotten) { "A sets it again" } else { "A sets each again" };
    let room = room.saturating_sub(width(key));
    let way = scene.model.keymap.way(Action::Events);
    let line = forgotten::line(snapshot, &way, |text| width(text) <= room)?;
    Some((line, key))
}

/// Draws it, if there is one.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let room = usize::from(area.width).saturating_sub(7);
    let Some((text, key)) = text(scene, room).filter(|_| !area.is_empty()) else { return };
    let room = room.saturating_sub(width(key));
    let line = Line::from(vec![
        scene.span(Role::Alarm, format!(" ▲ {}   ", cut(&text, room))),
        scene.span(Role::Accent, key),
    ]);
    buffer.set_line(area.x, area.y, &line, area.width);
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{Cause, Loss, Override, Subject};

    use super::super::tests::{RICH, painted, text};
    use crate::lost;
    use crate::message::Message;
    use crate::model::sample;
    use crate::news::News;
    use crate::update::hands::press;
    use crate::update::update;

    #[test]
    fn edits_that_a_restart_would_lose_are_told_on_every_screen_and_with_their_member() {
        let mut model = sample::model(80, 24);
        let mut snapshot = sample::snapshot(62);
        let target = sample::target("node1");
        snapshot.undurable = vec![Subject { balancer: target.balancer, member: Some(target.member) }];
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
        for screen in ["", "2", "3", "4", "5", "0"] {
            press(&mut model, screen);
            let drawn = text(&painted(&model, RICH));
            let said = "▲ NOT kept over a restart: edits of app/node1; the disk refuses them";
            assert!(drawn.contains(said), "{drawn}");
            assert_eq!(drawn.contains("changed  NOT kept over a restart: "), screen.is_empty(), "{drawn}");
        }
        update(&mut model, Message::News(News::Snapshot(Box::new(sample::snapshot(63)))));
        assert!(!text(&painted(&model, RICH)).contains("NOT kept"));
    }

    #[test]
    fn whose_it_was_and_what_took_it_away_is_told_as_far_as_it_is_known() {
        let lost = |elsewhere, cause| {
            let target = sample::target("node1");
            Override {
                subject: Subject { balancer: target.balancer, member: Some(target.member) },
                field: "lbset".to_owned(),
                value: "3".to_owned(),
                why: String::new(),
                loss: Loss { elsewhere, cause },
            }
        };
        for (elsewhere, cause, line) in [
            (false, None, "httpd was restarted: your lbset=3 of app/node1 is gone   "),
            (false, Some(Cause::Restart), "httpd was restarted: your lbset=3 of app/node1 is gone   "),
            (false, Some(Cause::Configuration), "▲ reconfigured: your lbset=3 of app/node1 is gone   "),
            (
                true,
                Some(Cause::Restart),
                "httpd was restarted: the lbset=3 of app/node1 is gone (not made here)",
            ),
            (true, None, "▲ reconfigured, or not made here: the lbset=3 of app/node1 is gone   "),
            (false, Some(Cause::Server), "another server answers now: your lbset=3 of app/node1 is gone   "),
        ] {
            let mut model = sample::model(120, 30);
            let mut snapshot = sample::snapshot(62);
            snapshot.forgotten = vec![lost(elsewhere, cause)];
            update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
            let drawn = text(&painted(&model, RICH));
            assert!(drawn.contains(line), "{elsewhere} {cause:?}: {drawn}");
        }
        assert_eq!(lost::in_short(&lost(false, Some(Cause::Restart))), None);
    }

    #[test]
    fn while_a_cache_answers_that_stands_above_and_below_and_nothing_is_asked() {
        let mut model = sample::model(80, 24);
        let mut snapshot = sample::snapshot(62);
        snapshot.cached = true;
        snapshot.warnings = vec![
            "a cache answers (CF-Cache-Status: HIT): name httpd itself with --apache, or have".to_owned(),
        ];
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
        let drawn = text(&painted(&model, RICH));
        assert!(drawn.contains("▲ from a cache, no edits") && !drawn.contains("● live"), "{drawn}");
        assert!(drawn.contains("(CF-Cache-Status: HIT): name httpd itself with --apache"), "{drawn}");
        press(&mut model, "d");
        assert_eq!(model.popup, None);
        assert!(model.toast.as_ref().unwrap().text.contains("name httpd itself with --apache"));
    }

    #[test]
    fn while_several_servers_answer_that_stands_above_and_below_and_nothing_is_asked() {
        for (width, height) in [(80, 24), (120, 30)] {
            let mut model = sample::model(width, height);
            let mut snapshot = sample::snapshot(62);
            snapshot.alternating = true;
            snapshot.warnings = vec!["several servers answer behind this name".to_owned()];
            update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
            let drawn = text(&painted(&model, RICH));
            assert!(drawn.contains("▲ several servers, no edits") && !drawn.contains("● live"), "{drawn}");
            assert!(drawn.contains("▲ several servers answer behind this name"), "{drawn}");
            press(&mut model, "d");
            assert_eq!(model.popup, None);
            assert!(model.toast.as_ref().unwrap().text.contains("name one of them with --apache"));
        }
    }
}
