//! The lock: opened by two keys, closed by one, by nobody touching a key, or by another proxy at the same place.

use crate::keymap::Action;
use crate::model::{Model, Popup, Tone};

/// Closes the lock, or asks whether to open it.
pub(super) fn turn(model: &mut Model) {
    if model.lock.is_open() {
        model.lock.close();
        let way = model.keymap.way(Action::Lock);
        model.tell(
            Tone::Plain,
            format!("locked: nothing can be changed from here until {way} opens it again"),
        );
    } else if model.roster.snapshot().is_none() {
        let who = model.who();
        model.tell(Tone::Alarm, format!("{who} has not answered yet, so there is nothing to unlock"));
    } else {
        model.popup = Some(Popup::Unlock { seen: false });
    }
}

/// What to say where something is to be changed and the lock is closed.
pub(super) fn how_to_open(model: &Model) -> String {
    let way = model.keymap.way(Action::Lock);
    if way.starts_with(':') {
        return format!("locked: write {way} to open it for changes");
    }
    format!("locked: press {way} to open it for changes")
}

/// Opens the lock, if the question was on the screen.
pub(super) fn open(model: &mut Model) {
    if let Some(Popup::Unlock { seen: true }) = model.popup
        && model.size.is_ample()
    {
        model.popup = None;
        model.lock.open(model.clock.running);
        let way = model.keymap.way(Action::Lock);
        model.tell(Tone::Plain, format!("armed: changes can be made from here; {way} locks again"));
    }
}

/// Closes the lock if nobody has touched a key for long and nothing of one's own goes on; true if it did.
pub(super) fn close_when_idle(model: &mut Model) -> bool {
    let due = model.lock.is_overdue(model.clock.running) && !model.is_at_work();
    if due {
        model.lock.close();
        let way = model.keymap.way(Action::Lock);
        model.tell(Tone::Plain, format!("locked again, for no key was pressed; {way} opens it"));
    }
    due
}

/// What was opened for one proxy is not open for another one that has taken its place.
pub(super) fn close_for_another(model: &mut Model, before: Option<&str>) {
    let now = model.roster.snapshot().map(|snapshot| snapshot.proxy.configuration.as_str());
    if model.lock.is_open() && before.is_some() && before != now {
        model.lock.close();
        let way = model.keymap.way(Action::Lock);
        let text = format!("another proxy answers here now, so the console is locked; {way} opens it");
        model.tell(Tone::Alarm, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::Effect;
    use crate::keymap::Context;
    use crate::message::{Key, Message};
    use crate::model::sample;
    use crate::need::Job;
    use crate::news::News;
    use crate::update::hands::press;
    use crate::update::update;

    fn locked() -> Model {
        let mut model = sample::model(80, 24);
        model.lock.close();
        model
    }

    fn tick(model: &mut Model, second: u64) {
        update(model, Message::Tick(sample::clock(second)));
        update(model, Message::News(News::Snapshot(Box::new(sample::snapshot(second)))));
    }

    #[test]
    fn a_locked_key_says_how_to_unlock_and_does_nothing() {
        for key in ["d", "D", "S", "E", "H", "R", "e", "u"] {
            let mut model = locked();
            assert_eq!(press(&mut model, key), [], "{key}");
            assert_eq!(model.popup, None, "{key}");
            assert!(model.toast.is_some_and(|toast| toast.text.contains("press L")), "{key}");
        }
    }

    #[test]
    fn two_keys_open_it_and_one_closes_it() {
        let mut model = locked();
        press(&mut model, "L");
        assert_eq!(model.context(), Context::Unlock);
        press(&mut model, "n");
        assert!(!model.lock.is_open());
        press(&mut model, "Ly");
        assert!(model.lock.is_open());
        press(&mut model, "L");
        assert!(!model.lock.is_open());
        for key in ["L", "y"] {
            update(&mut model, Message::Key(Key::Char(key.chars().next().unwrap())));
        }
        assert!(!model.lock.is_open(), "a yes typed ahead is none");
    }

    #[test]
    fn a_drain_takes_four_keys_from_the_start() {
        let mut model = locked();
        update(&mut model, Message::Key(Key::Char(']')));
        let keys = "Lydy";
        match press(&mut model, keys).as_slice() {
            [Effect::Drain { job, .. }] => assert!(matches!(**job, Job::Begin(..)), "{job:?}"),
            other => panic!("{other:?}"),
        }
        assert!(keys.len() < 6, "choosing the member and unlocking included");
    }

    #[test]
    fn it_locks_itself_when_nobody_is_there_and_nothing_goes_on() {
        let mut model = locked();
        press(&mut model, "Ly");
        tick(&mut model, 600);
        assert!(model.lock.is_open(), "539 seconds");
        press(&mut model, "j");
        tick(&mut model, 1199);
        assert!(model.lock.is_open(), "a key was pressed");
        press(&mut model, "D");
        tick(&mut model, 3000);
        assert!(model.lock.is_open(), "a question is open");
        press(&mut model, "n");
        tick(&mut model, 3601);
        assert!(!model.lock.is_open());
    }

    #[test]
    fn it_stays_open_while_a_drain_of_ours_goes_on() {
        let mut model = locked();
        press(&mut model, "Ly");
        let edited = sample::edited("drain", "Off", "On");
        model.own.push(sample::subject("node2", 4), &edited);
        tick(&mut model, 5000);
        assert!(model.lock.is_open(), "node2 still drains");
        model.own.restarted();
        tick(&mut model, 5001);
        assert!(!model.lock.is_open());
    }

    #[test]
    fn another_proxy_at_the_same_place_is_not_open() {
        for (configuration, open) in [("/etc/evenkeel/site.conf", true), ("/tmp/other.conf", false)] {
            let mut model = locked();
            press(&mut model, "Ly");
            let mut snapshot = sample::snapshot(62);
            snapshot.proxy.started.0 += 1;
            configuration.clone_into(&mut snapshot.proxy.configuration);
            update(&mut model, Message::News(News::Snapshot(Box::new(snapshot))));
            assert_eq!(model.lock.is_open(), open, "{configuration}");
        }
    }
}
