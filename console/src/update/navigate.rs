//! Moving about: the cursor, the screens, marks, filter and order, the help.

use crate::keymap::Action;
use crate::model::cursor::Step;
use crate::model::form::Text;
use crate::model::query::{self, Query};
use crate::model::target::Target;
use crate::model::toast::Seen;
use crate::model::{Model, Popup, Screen, Tone, menu};
use crate::undurable::Lost;
use crate::update::drain;

/// The longest cookie, path or URL that can be written for the lens, and for elections.
const LONGEST_QUESTION: usize = 4096;

/// The lens scrolls no further than this.
const LONGEST_LENS: usize = 5_000;

/// Does what an action of moving asks.
pub(super) fn go(model: &mut Model, action: Action) {
    match action {
        Action::Help => model.popup = Some(Popup::Help { page: 0 }),
        Action::Back => back(model),
        Action::Filter => {
            let before = model.cursor.filter.text().to_owned();
            let text = Text::offered(&before, query::LONGEST);
            model.screen = Screen::Balancers;
            model.popup = Some(Popup::Filter { text, before });
        }
        Action::Open => open(model),
        Action::Balancers => model.screen = Screen::Balancers,
        Action::Overview | Action::Events | Action::Drains | Action::Lens | Action::Elections => {
            show(model, action);
        }
        Action::NextScreen | Action::PreviousScreen => {
            let at = TABS.iter().position(|tab| *tab == tab_of(&model.screen)).unwrap_or(0);
            let step = if action == Action::NextScreen { 1 } else { TABS.len() - 1 };
            if let Some(tab) = TABS.get((at + step) % TABS.len()) {
                show(model, *tab);
            }
        }
        Action::Reach => model.reach = model.reach.other(),
        Action::Failovers => {
            model.watching.failovers = !model.watching.failovers;
            model.watching.from = 0;
        }
        Action::RouteChanges => {
            model.watching.route_changes = !model.watching.route_changes;
            model.watching.from = 0;
        }
        Action::Ask => {
            model.screen = Screen::Lens;
            model.popup = Some(Popup::Ask(Text::offered(model.lens.text.value(), LONGEST_QUESTION)));
        }
        Action::Watch => {
            model.screen = Screen::Elections;
            model.popup = Some(Popup::Watch(Text::offered(model.watching.subject(), LONGEST_QUESTION)));
        }
        Action::Mark | Action::MarkRange | Action::MarkAll => mark(model, action),
        Action::Problems | Action::SortNext | Action::SortPrevious | Action::Invert => arrange(model, action),
        action => scroll(model, action),
    }
}

/// Opens what the cursor is on: the members of a balancer, or a member in full, of an event too if it is about one.
fn open(model: &mut Model) {
    let target = match &model.screen {
        Screen::Overview => {
            model.screen = Screen::Balancers;
            return;
        }
        Screen::Events { at, since } => {
            let about = model.log.behind(*since).nth(*at).and_then(|event| event.kind.about());
            let Some((balancer, Some(member))) = about else {
                return model.tell(Tone::Plain, "this event is not about one member");
            };
            Some(Target { balancer: balancer.clone(), member: member.clone() })
        }
        _ => model.target().cloned(),
    };
    if let Some(target) = target {
        model.cursor.choose(target.clone());
        model.screen = Screen::Member(target);
        model.popup = None;
    }
}

/// The screens in the order of their tabs, each as the action that shows it.
const TABS: [Action; 6] =
    [Action::Overview, Action::Balancers, Action::Events, Action::Drains, Action::Lens, Action::Elections];

fn tab_of(screen: &Screen) -> Action {
    match screen {
        Screen::Overview => Action::Overview,
        Screen::Balancers | Screen::Member(_) => Action::Balancers,
        Screen::Events { .. } => Action::Events,
        Screen::Drains(_) => Action::Drains,
        Screen::Lens => Action::Lens,
        Screen::Elections => Action::Elections,
    }
}

fn show(model: &mut Model, tab: Action) {
    match tab {
        Action::Overview => model.screen = Screen::Overview,
        Action::Events => model.screen = Screen::Events { at: 0, since: 0 },
        Action::Drains => drain::open(model),
        Action::Lens => model.screen = Screen::Lens,
        Action::Elections => model.screen = Screen::Elections,
        _ => model.screen = Screen::Balancers,
    }
}

/// A member was pointed at.
pub(super) fn point(model: &mut Model, target: Target) {
    if model.popup.is_none() && model.screen == Screen::Balancers {
        model.cursor.choose(target);
        model.cursor.settle(&model.roster);
    }
}

fn mark(model: &mut Model, action: Action) {
    match action {
        Action::Mark => {
            model.cursor.mark();
            model.cursor.go(Step::On(1), &model.roster);
        }
        Action::MarkRange => model.cursor.mark_range(&model.roster),
        _ => model.cursor.mark_all(&model.roster),
    }
}

/// Another order, or another choice of members; the cursor stays with its member.
fn arrange(model: &mut Model, action: Action) {
    let cursor = &mut model.cursor;
    match action {
        Action::Problems => cursor.problems = !cursor.problems,
        Action::SortNext => cursor.sort.next(),
        Action::SortPrevious => cursor.sort.previous(),
        _ => cursor.sort.inverted = !cursor.sort.inverted,
    }
    cursor.settle(&model.roster);
}

fn back(model: &mut Model) {
    match model.popup.take() {
        Some(Popup::Filter { before, .. }) => {
            model.cursor.filter = Query::parse(&before);
            model.cursor.settle(&model.roster);
        }
        Some(Popup::Terms(terms)) => {
            model.popup = terms.back().map(|question| Popup::Confirm(Box::new(question)));
        }
        Some(_) => {}
        None if model.screen != Screen::Balancers => model.screen = Screen::Balancers,
        None if model.toast.is_some() => model.toast = None,
        None if model.cursor.unmark() => {}
        None if model.cursor.problems || !model.cursor.filter.is_empty() => {
            model.cursor.filter = Query::default();
            model.cursor.problems = false;
            model.cursor.settle(&model.roster);
        }
        None => model.lost = Lost::default(),
    }
}

/// Turns the pages of what is read page by page; false: nothing such is open.
fn turn(model: &mut Model, action: Action) -> bool {
    let page = match &mut model.popup {
        Some(Popup::Help { page }) => page,
        Some(Popup::Confirm(question)) => &mut question.page,
        _ => return false,
    };
    *page = match action {
        Action::PageUp => page.saturating_sub(1),
        _ => page.saturating_add(1),
    };
    true
}

fn scroll(model: &mut Model, action: Action) {
    let page = model.page();
    if turn(model, action) {
        return;
    }
    let lines = |from: usize, last: usize| {
        let to = match action {
            Action::Up => from.saturating_sub(1),
            Action::Down => from.saturating_add(1),
            Action::PageUp => from.saturating_sub(page),
            Action::PageDown => from.saturating_add(page),
            Action::Bottom => last,
            Action::Top => 0,
            _ => from,
        };
        to.min(last)
    };
    if let Some(Popup::Menu(open)) = &mut model.popup {
        let found = model.roster.snapshot().and_then(|snapshot| open.target.find(snapshot));
        let last = found.map_or(0, |(_, member)| menu::entries(member).len().saturating_sub(1));
        open.at = lines(open.at, last);
        return;
    }
    if let Some(Popup::Results { from }) = &mut model.popup {
        *from = lines(*from, model.batch.as_ref().map_or(0, |batch| batch.rows.len().saturating_sub(1)));
        return;
    }
    if let Screen::Events { at, since } = &mut model.screen {
        *at = lines(*at, model.log.behind(*since).count().saturating_sub(1));
        return;
    }
    match model.screen {
        Screen::Drains(_) => return drain::step(model, lines),
        Screen::Lens => {
            model.lens.from = lines(model.lens.from, LONGEST_LENS);
            return;
        }
        Screen::Elections => {
            let elections = model.gathered.elections.as_ref().and_then(|found| found.as_ref().ok());
            let last = elections.map_or(0, |found| found.elections.len().saturating_sub(1));
            model.watching.from = lines(model.watching.from, last);
            return;
        }
        _ => {}
    }
    let step = match action {
        Action::Up if model.screen == Screen::Overview => Step::BalancerBefore,
        Action::Down if model.screen == Screen::Overview => Step::NextBalancer,
        Action::Up => Step::Back(1),
        Action::Down => Step::On(1),
        Action::PageUp => Step::Back(page),
        Action::PageDown => Step::On(page),
        Action::Top => Step::First,
        Action::Bottom => Step::Last,
        Action::NextMatch => Step::Next,
        Action::PreviousMatch => Step::Previous,
        Action::PreviousBalancer => Step::BalancerBefore,
        Action::NextBalancer => Step::NextBalancer,
        _ => return,
    };
    model.cursor.go(step, &model.roster);
    if let (Screen::Member(target), Some(chosen)) = (&mut model.screen, model.cursor.chosen()) {
        *target = chosen.clone();
    }
}

/// The filter is written; one that is wrong stays open.
pub(super) fn keep_filter(model: &mut Model, text: Text, before: String) {
    model.cursor.filter = Query::whole(text.value());
    model.cursor.settle(&model.roster);
    if model.cursor.filter.complaint().is_some() {
        model.popup = Some(Popup::Filter { text, before });
    }
}

/// The list follows the filter while it is written.
pub(super) fn filter_as_written(model: &mut Model) {
    if let Some(Popup::Filter { text, .. }) = &model.popup {
        model.cursor.filter = Query::parse(text.value());
        model.cursor.settle(&model.roster);
    }
}

/// Shows why what was written means nothing, or takes back what was told of that once something is meant.
pub(super) fn understood(model: &mut Model, read: Result<(), String>) {
    match read {
        Err(why) => model.tell_until(Seen::Understood, why),
        Ok(()) => {
            model.toast.take_if(|toast| toast.until_seen == Some(Seen::Understood));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::keymap::Context;
    use crate::message::{Key, Message};
    use crate::model::{Model, Popup, Screen, sample};
    use crate::update::update;

    fn press(model: &mut Model, keys: &[Key]) {
        for key in keys {
            update(model, Message::Key(*key));
        }
    }

    fn typed(text: &str) -> Vec<Key> {
        text.chars().map(Key::Char).collect()
    }

    fn chosen(model: &Model) -> String {
        model.target().map_or("nobody".to_owned(), |target| target.label(model.roster.snapshot()))
    }

    #[test]
    fn keys_move_the_cursor() {
        use Key::{Char, Down, End, Home, PageDown, Up};
        for (keys, wanted) in [
            (&[][..], "app/node1"),
            (&[Down], "app/node2"),
            (&[Char('j'), Char('j'), Char('k')], "app/node2"),
            (&[Up], "app/node1"),
            (&[Char('G')], "static/10.0.2.13"),
            (&[End, Home], "app/node1"),
            (&[PageDown], "static/10.0.2.13"),
            (&[Char(']')], "static/10.0.2.11"),
            (&[Char(']'), Char('[')], "app/node1"),
        ] {
            let mut model = sample::model(80, 24);
            press(&mut model, keys);
            assert_eq!(chosen(&model), wanted, "{keys:?}");
        }
    }

    #[test]
    fn a_filter_is_written_kept_and_taken_back() {
        let mut model = sample::model(80, 24);
        press(&mut model, &[Key::Char('/')]);
        press(&mut model, &typed("static"));
        assert_eq!(chosen(&model), "static/10.0.2.11");
        press(&mut model, &[Key::Enter]);
        assert_eq!((model.context(), model.cursor.filter.text()), (Context::Balancers, "static"));
        press(&mut model, &[Key::Char('/')]);
        press(&mut model, &typed("zzz"));
        assert_eq!(chosen(&model), "nobody");
        press(&mut model, &[Key::Char('d'), Key::Esc]);
        assert_eq!(model.cursor.filter.text(), "static", "Esc takes back what was written");
        press(&mut model, &[Key::Esc]);
        assert_eq!(model.cursor.filter.text(), "", "Esc on the list ends the filter");
    }

    #[test]
    fn the_member_screen_holds_its_member_by_name() {
        let mut model = sample::model(80, 24);
        press(&mut model, &[Key::Down, Key::Char('z')]);
        assert_eq!(model.screen, Screen::Member(sample::target("node2")));
        press(&mut model, &[Key::Down]);
        assert_eq!(model.screen, Screen::Member(sample::target("node3")));
        let mut fewer = sample::snapshot(70);
        fewer.balancers[0].members.pop();
        update(&mut model, Message::News(crate::news::News::Snapshot(Box::new(fewer))));
        assert_eq!(model.screen, Screen::Member(sample::target("node3")), "it does not slip to another");
        press(&mut model, &[Key::Char('d')]);
        assert_eq!(model.popup, None, "what is gone cannot be drained");
    }

    #[test]
    fn the_cursor_goes_through_events_and_holds_to_one() {
        let at = |model: &Model| match model.screen {
            Screen::Events { at, since: 0 } => at,
            ref other => panic!("{other:?}"),
        };
        let mut model = sample::model(80, 24);
        press(&mut model, &[Key::Char('2'), Key::Down, Key::Down, Key::Down]);
        assert_eq!(at(&model), 1);
        press(&mut model, &[Key::Char('g')]);
        update(&mut model, Message::News(crate::news::News::Event(Box::new(sample::failed_event(3)))));
        assert_eq!(at(&model), 0, "at the top, the newest stay in sight");
        press(&mut model, &[Key::Down]);
        update(&mut model, Message::News(crate::news::News::Event(Box::new(sample::failed_event(4)))));
        assert_eq!(at(&model), 2, "further down, it stays with its event");
        press(&mut model, &[Key::Enter]);
        assert_eq!(model.screen, Screen::Member(sample::target("node3")));
    }

    #[test]
    fn help_opens_turns_its_pages_and_closes() {
        let mut model = sample::model(80, 24);
        press(&mut model, &[Key::Char('?'), Key::Down]);
        assert_eq!(model.popup, Some(Popup::Help { page: 1 }));
        press(&mut model, &[Key::Char('q')]);
        assert_eq!(model.popup, None);
    }
}
