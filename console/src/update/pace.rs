//! How often the proxy is asked, and a picture that stands still.

use crate::effect::Effect;
use crate::keymap::Action;
use crate::model::{Model, Tone};

/// Asks more often, or less.
pub(super) fn step(model: &mut Model, faster: bool) -> Vec<Effect> {
    let who = model.who();
    let Some(pace) = model.pace.step(faster) else {
        let word = if faster { "more often" } else { "less often" };
        let text = format!("{who} is asked each {}; {word} than that it is not", model.pace);
        model.tell(Tone::Plain, text);
        return Vec::new();
    };
    model.pace = pace;
    model.tell(Tone::Plain, format!("{who} is asked each {pace}, and after each event"));
    vec![Effect::Pace(pace.period())]
}

/// Lets the picture stand still, or go on.
pub(super) fn freeze(model: &mut Model) {
    if model.thaw() {
        model.tell(Tone::Plain, "the picture is live again");
        return;
    }
    model.freeze();
    if model.still.is_some() {
        let way = model.keymap.way(Action::Freeze);
        let text = format!("the picture stands still; {way} lets it go on, and so does any change");
        model.tell(Tone::Plain, text);
    } else {
        model.tell(Tone::Plain, "there is no picture yet that could stand still");
    }
}

/// Something is about to be changed: that is about what is live.
pub(super) fn go_on(model: &mut Model) {
    if model.thaw() {
        model.tell(Tone::Plain, "the picture is live again: changes are about what is so now");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::message::Message;
    use crate::model::{Freshness, Popup, sample};
    use crate::news::News;
    use crate::update::hands::press;
    use crate::update::update;

    fn toast(model: &Model) -> &str {
        model.toast.as_ref().map_or("", |toast| toast.text.as_str())
    }

    fn hear(model: &mut Model, busy: u64) {
        let mut snapshot = sample::snapshot(62);
        snapshot.balancers[0].members[0].busy = busy;
        snapshot.balancers[0].members[0].revision = busy;
        update(model, Message::News(News::Snapshot(Box::new(snapshot))));
    }

    fn busy(model: &Model) -> u64 {
        model.roster.balancers()[0].members[0].busy
    }

    #[test]
    fn the_picture_stands_still_and_says_for_how_long() {
        let mut model = sample::model(80, 24);
        let (before, events) = (busy(&model), model.log.len());
        press(&mut model, "Z");
        hear(&mut model, 77);
        update(&mut model, Message::News(News::Event(Box::new(sample::failed_event(900)))));
        update(&mut model, Message::Tick(sample::clock(64)));
        hear(&mut model, 78);
        assert_eq!((busy(&model), model.log.len()), (before, events));
        assert_eq!(model.freshness(), Freshness::Frozen(64 - 61));
        press(&mut model, "j");
        assert_eq!(model.target(), Some(&sample::target("node2")), "one can look around in it");
        press(&mut model, "Z");
        assert_eq!((busy(&model), model.log.len()), (78, events + 1));
        assert_eq!(model.freshness(), Freshness::Live);
    }

    #[test]
    fn who_reads_further_down_stays_there() {
        let mut model = sample::model(80, 24);
        press(&mut model, "2jZ");
        let place = model.screen.clone();
        for number in 900..905 {
            update(&mut model, Message::News(News::Event(Box::new(sample::failed_event(number)))));
        }
        assert_eq!(model.screen, place);
    }

    #[test]
    fn a_change_is_about_what_is_live() {
        for key in ["H", "E", "d", "e", "B", "u"] {
            let mut model = sample::model(80, 24);
            press(&mut model, "jZ");
            hear(&mut model, 77);
            press(&mut model, key);
            assert!(model.still.is_none(), "{key}");
            assert_eq!(busy(&model), 77, "{key}");
        }
        let mut model = sample::model(80, 24);
        press(&mut model, "Z");
        hear(&mut model, 77);
        press(&mut model, "H");
        assert!(toast(&model).contains("what is so now"), "{}", toast(&model));
        let Some(Popup::Confirm(question)) = &model.popup else { panic!("{:?}", model.popup) };
        assert_eq!(question.subjects[0].revision, 77, "the revision that is live");
        press(&mut model, "nZ");
        model.lock.close();
        press(&mut model, ":drain app/node1⏎");
        assert!(model.still.is_none());
    }

    #[test]
    fn a_restart_of_the_proxy_ends_a_still_picture_and_a_lost_one_is_said() {
        let mut model = sample::model(80, 24);
        press(&mut model, "Z");
        let lost = News::Lost { why: "gone".to_owned(), next_try: Duration::from_secs(1) };
        update(&mut model, Message::News(lost));
        assert!(matches!(model.freshness(), Freshness::Lost { .. }));
        let mut snapshot = sample::snapshot(63);
        snapshot.proxy.started = evenkeel_protocol::Timestamp(1);
        update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
        assert!(model.still.is_none());
        assert!(toast(&model).contains("restarted"), "{}", toast(&model));
    }

    #[test]
    fn the_pace_is_changed_within_bounds_and_a_slow_one_is_not_stale() {
        let mut model = sample::model(80, 24);
        assert_eq!(press(&mut model, "+"), [Effect::Pace(Duration::from_millis(500))]);
        assert_eq!(press(&mut model, "++").len(), 2);
        assert_eq!(press(&mut model, "="), [], "there is an end to it");
        assert_eq!(press(&mut model, "------").last(), Some(&Effect::Pace(Duration::from_secs(10))));
        hear(&mut model, 1);
        update(&mut model, Message::Tick(sample::clock(72)));
        assert_eq!(model.freshness(), Freshness::Live, "{}", model.pace);
        update(&mut model, Message::Tick(sample::clock(99)));
        assert!(matches!(model.freshness(), Freshness::Stale(_)));
    }
}
