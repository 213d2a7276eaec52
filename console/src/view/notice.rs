//! The line above the footer for what holds until somebody sees to it: edits that a restart has forgotten, or what should
//! be known about all that is shown.

use evenkeel_protocol::{Snapshot, Subject};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Scene;
use crate::keymap::Action;
use crate::model::Screen;
use crate::model::forgotten::{self, Lot};
use crate::shell::quoted;
use crate::theme::Role;
use crate::undurable;
use crate::widget::text::{cut, width, wrap, wrap_within};

/// The least height of a screen on which it may take two lines.
const AMPLE: u16 = 20;
/// The columns of its mark.
const MARK: &str = " ▲ ";
/// Between it and the key that sees to it.
const GAP: &str = "   ";

/// How many lines it takes of a screen of this size.
pub(super) fn height(area: Rect, scene: Scene<'_>) -> u16 {
    let most = if area.height >= AMPLE { 2 } else { 1 };
    lines(scene, usize::from(area.width), most)
        .map_or(0, |(lines, _)| u16::try_from(lines.len()).unwrap_or(1))
}

/// Its text in at most so many lines, the key's included, which stands behind the last or else below it; and the key.
fn lines(scene: Scene<'_>, columns: usize, most: usize) -> Option<(Vec<String>, &'static str)> {
    let room = columns.saturating_sub(width(MARK) + 1);
    let way = scene.model.keymap.way(Action::Events);
    let is_at_the_list = scene.model.screen == Screen::Balancers;
    let hides = is_at_the_list.then(|| scene.model.keymap.way(Action::Back));
    let (_, key) = text(scene, &way, 0)?;
    let beside = if key.is_empty() { 0 } else { width(key) + width(GAP) };
    let is_beside = |lines: &[String]| lines.last().is_none_or(|last| width(last) + beside <= room);
    let fits = |text: &str| {
        let lines = wrap(text, room);
        lines.len() + usize::from(!is_beside(&lines)) <= most
    };
    let (text, key) = text_that(scene, &way, hides.as_deref(), fits)?;
    let mut lines = wrap_within(&text, room, most);
    if !is_beside(&lines) && lines.len() < most {
        lines.push(String::new());
    } else if let Some(last) = lines.last_mut() {
        *last = cut(last, room.saturating_sub(beside));
    }
    Some((lines, key))
}

/// The line, in a form for so much room if there is one, and the key that sees to it; `way` leads to the events.
pub(super) fn text(scene: Scene<'_>, way: &str, room: usize) -> Option<(String, &'static str)> {
    text_that(scene, way, None, |text| width(text) <= room)
}

/// The same in the longest form that `fits`, if there is one; where the key is known that `hides` what was lost, it is told.
fn text_that(
    scene: Scene<'_>,
    way: &str,
    hides: Option<&str>,
    fits: impl Fn(&str) -> bool,
) -> Option<(String, &'static str)> {
    let snapshot = scene.model.roster.snapshot()?;
    let warnings =
        || at_the_disk(scene, snapshot, hides, &fits).or_else(|| snapshot.warnings.first().cloned());
    let warning = || warnings().map(|warning| (warning, ""));
    // Of several servers in turn, and by a cache, nobody can say what is forgotten.
    if snapshot.alternating || snapshot.cached {
        return warning();
    }
    if snapshot.forgotten.is_empty() {
        return warning();
    }
    let key = if Lot::is_one(&snapshot.forgotten) { "A sets it again" } else { "A sets each again" };
    let line = forgotten::line(snapshot, way, fits)?;
    Some((line, key))
}

/// What the disk refuses, and behind that, as far as it fits, what was lost before; none: neither is. Where it refuses
/// nothing yet that was done, what was lost takes the room.
fn at_the_disk(
    scene: Scene<'_>,
    snapshot: &Snapshot,
    hides: Option<&str>,
    fits: impl Fn(&str) -> bool,
) -> Option<String> {
    let lost = &scene.model.lost;
    let name = |subject: &Subject| forgotten::whose(subject, snapshot);
    let way = hides.map_or_else(String::new, |key| match lost.drain_alone() {
        Some(subject) => format!("; :drain {} begins one, {key} hides this", quoted(&name(subject))),
        None => format!(" ({key} hides this)"),
    });
    let lost_behind = |before: &str| {
        let whole = |lost: &str| format!("{before}{lost}{way}");
        lost.sentence(name, |text| fits(&whole(text))).map(|lost| whole(&lost))
    };
    let Some(refused) = undurable::sentence(snapshot, name, &fits) else { return lost_behind("") };
    let both = lost_behind(&format!("{refused}. ")).filter(|both| fits(both));
    // What is lost comes before what may be.
    let first = || lost_behind("").filter(|_| !undurable::is_about_what_was_done(snapshot));
    both.or_else(first).or(Some(refused))
}

/// Draws it, if there is one.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let found = lines(scene, usize::from(area.width), usize::from(area.height)).filter(|_| !area.is_empty());
    let Some((lines, key)) = found else { return };
    let last = lines.len() - 1;
    for ((at, text), row) in lines.into_iter().enumerate().zip(area.rows()) {
        let mark = if at == 0 { MARK } else { "   " };
        let gap = if text.is_empty() { "" } else { GAP };
        let mut line = Line::from(scene.span(Role::Alarm, format!("{mark}{text}")));
        if at == last && !key.is_empty() {
            line.push_span(scene.span(Role::Accent, format!("{gap}{key}")));
        }
        buffer.set_line(row.x, row.y, &line, row.width);
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{Cause, Loss, Override, Subject};

    use super::super::tests::{RICH, painted, text};
    use crate::lost;
    use crate::message::{Key, Message};
    use crate::model::sample;
    use crate::news::News;
    use crate::update::hands::press;
    use crate::update::update;

    #[test]
    fn a_restart_that_lost_an_edit_says_whose_until_somebody_edits_it() {
        let (mut model, target) = (sample::model(80, 24), sample::target("node2"));
        let hear = |model: &mut crate::model::Model, snapshot| {
            update(model, Message::News(News::Snapshot(Box::new(snapshot))));
        };
        let mut before = sample::snapshot(62);
        before.undurable =
            vec![Subject { balancer: target.balancer.clone(), member: Some(target.member.clone()) }];
        hear(&mut model, before);
        let mut after = sample::snapshot(63);
        let member = &mut after.balancers[0].members[1];
        member.status = member.status.with(evenkeel_protocol::Flag::Drain, false);
        after.proxy.started = evenkeel_protocol::Timestamp(after.proxy.started.0 + 1);
        hear(&mut model, after.clone());
        let lost = "LOST with the restart of the proxy: edits of app/node2";
        let told = model.toast.as_ref().map(|toast| toast.text.as_str());
        assert_eq!(told, Some("the proxy was restarted: its counters begin anew"));
        model.toast = None;
        press(&mut model, "j");
        let shown = text(&painted(&model, RICH));
        assert!(
            shown.contains(&format!("▲ {lost}")) && shown.contains("changed  LOST with the restart"),
            "{shown}"
        );
        assert!(shown.contains(&format!("▲ {lost} (Esc hides this)")), "{shown}");
        let mut put_away = model.clone();
        press(&mut put_away, "/node2⏎");
        press(&mut put_away, &[Key::Esc]);
        assert!(text(&painted(&put_away, RICH)).contains("LOST"), "the filter goes first");
        press(&mut put_away, &[Key::Esc]);
        assert!(!text(&painted(&put_away, RICH)).contains("LOST"));
        let elsewhere = {
            press(&mut model, "2");
            text(&painted(&model, RICH))
        };
        assert!(elsewhere.contains(lost) && !elsewhere.contains("hides this"), "{elsewhere}");
        let other = sample::target("node1");
        after.undurable = vec![Subject { balancer: other.balancer, member: Some(other.member) }];
        hear(&mut model, after.clone());
        let newer = text(&painted(&model, RICH));
        let read = newer.split_whitespace().collect::<Vec<_>>().join(" ");
        let both = format!("▲ NOT kept over a restart: edits of app/node1; the disk refuses them. {lost}");
        assert!(read.contains(&both), "{newer}");
        after.undurable.clear();
        after.balancers[0].members[1].revision += 1;
        hear(&mut model, after);
        assert!(!text(&painted(&model, RICH)).contains("LOST"));
    }

    #[test]
    fn a_drain_that_a_restart_lost_is_told_with_what_begins_one_until_one_runs() {
        let mut model = sample::model(80, 24);
        let hear = |model: &mut crate::model::Model, snapshot| {
            update(model, Message::News(News::Snapshot(Box::new(snapshot))));
        };
        let mut before = sample::drained(62);
        before.undurable_drains = vec![before.drains[0].number];
        let mut after = before.clone();
        hear(&mut model, before);
        let drain = after.drains.remove(0);
        after.undurable_drains.clear();
        after.proxy.started = evenkeel_protocol::Timestamp(after.proxy.started.0 + 1);
        hear(&mut model, after.clone());
        let told = "▲ LOST with the restart of the proxy: the drain job of app/node2, and its deadline; \
                    :drain app/node2 begins one, Esc hides this";
        let shown = text(&painted(&model, RICH));
        let read = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(read.contains(told), "{shown}");
        assert_eq!(read.matches("LOST").count(), 1, "it is said once: {shown}");
        after.drains = vec![evenkeel_protocol::Drain { number: 9, ..drain }];
        hear(&mut model, after);
        model.toast = None;
        assert!(!text(&painted(&model, RICH)).contains("LOST"));
    }

    #[test]
    fn what_a_restart_lost_is_not_crowded_out_by_what_the_disk_may_refuse() {
        let mut model = sample::model(80, 24);
        let hear = |model: &mut crate::model::Model, snapshot| {
            update(model, Message::News(News::Snapshot(Box::new(snapshot))));
        };
        let mut before = sample::drained(62);
        before.undurable_drains = vec![before.drains[0].number];
        before.unwritable = true;
        let mut after = before.clone();
        hear(&mut model, before);
        (after.drains, after.undurable_drains) = (Vec::new(), Vec::new());
        after.proxy.started = evenkeel_protocol::Timestamp(after.proxy.started.0 + 1);
        hear(&mut model, after);
        model.toast = None;
        let read = |model: &_| text(&painted(model, RICH)).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(read(&model).contains("▲ LOST with the restart of the proxy: "), "{}", read(&model));
        press(&mut model, &[Key::Esc]);
        let next = "▲ NOT kept over a restart: edits from now on; the disk refuses them";
        assert!(read(&model).contains(next), "{}", read(&model));
    }

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
            (
                false,
                Some(Cause::Configuration),
                "▲ httpd was restarted (reconfigured): your lbset=3 of app/node1 is gone   ",
            ),
            (
                true,
                Some(Cause::Restart),
                "httpd was restarted: the lbset=3 of app/node1 is gone (not made here)",
            ),
            (
                true,
                None,
                "▲ httpd was restarted (reconfigured, or not made here): the lbset=3 of app/node1 is gone",
            ),
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
    fn what_was_lost_is_told_whole_on_a_small_screen_with_the_key_that_sees_to_it() {
        let mut model = sample::model(80, 24);
        let mut snapshot = sample::snapshot(62);
        snapshot.proxy.product = evenkeel_protocol::Hello::HTTPD.to_owned();
        let member = &mut snapshot.balancers[0].members[0];
        member.route = "web-node-0001-in-the-first-hall".parse().unwrap();
        snapshot.forgotten = vec![Override {
            subject: Subject {
                balancer: sample::target("node1").balancer,
                member: Some(member.name.clone()),
            },
            field: "hcinterval".to_owned(),
            value: "5000ms".to_owned(),
            why: String::new(),
            loss: Loss { elsewhere: true, cause: None },
        }];
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
        let drawn = text(&painted(&model, RICH));
        let read = drawn.split_whitespace().collect::<Vec<_>>().join(" ");
        let says = "▲ httpd was restarted (reconfigured, or not made here): the hcinterval=5000ms of \
                    app/web-node-0001-in-the-first-hall is gone A sets it again";
        assert!(read.contains(says), "{drawn}");
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
