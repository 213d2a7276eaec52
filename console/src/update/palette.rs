//! The palette: a line is either the name of something that a key does, or a command as in a shell.

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{Change, Flag, MemberEdit};

use crate::cli::palette::{Order, Tune, Typed, What, is_command, read, verbs};
use crate::effect::Effect;
use crate::keymap::{Action, ROWS};
use crate::model::act::{Act, Turn};
use crate::model::decision::{Decision, Matter};
use crate::model::drains::Drainage;
use crate::model::form;
use crate::model::palette::{Palette, taken};
use crate::model::query::Query;
use crate::model::question::Question;
use crate::model::target::Target;
use crate::model::tuning;
use crate::model::vocabulary::Vocabulary;
use crate::model::{Model, Popup, Screen, Tone};
use crate::update::{act, decision, drain, edit, pace, roster};

/// Opens the line.
pub(super) fn open(model: &mut Model) {
    model.popup = Some(Popup::Palette(Box::new(Palette::new(Vocabulary::of(&model.roster)))));
}

/// Does what the line says. One that is not understood stays open, with the reason.
pub(super) fn run(model: &mut Model, palette: Box<Palette>) -> Vec<Effect> {
    model.popup = None;
    taken(model, palette, |model| &mut model.recall, done).unwrap_or_else(|palette| {
        model.popup = Some(Popup::Palette(palette));
        Vec::new()
    })
}

/// Errors: why the line is not understood; nothing was done.
fn done(model: &mut Model, line: &str, palette: &Palette) -> Result<Vec<Effect>, String> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    match (verb, rest) {
        ("sort", "") => model.cursor.sort = crate::model::column::Sort::default(),
        ("sort", column) if !model.cursor.sort.by(column) => {
            return Err(format!("there is no column '{}'", clean(column, 30)));
        }
        ("sort", _) => {}
        ("filter", text) if !text.is_empty() => match Query::whole(text) {
            query if query.complaint().is_none() => model.cursor.filter = query,
            query => return Err(query.complaint().unwrap_or_default().to_owned()),
        },
        ("unmark", "") => drop(model.cursor.unmark()),
        ("unlock", "") if !model.lock.is_open() => return Ok(act(model, Action::Lock)),
        ("lock", "") if !model.lock.is_open() => model.tell(Tone::Plain, "it is locked already"),
        _ => return action_or_command(model, line, palette),
    }
    model.cursor.settle(&model.roster);
    Ok(Vec::new())
}

fn action_or_command(model: &mut Model, line: &str, palette: &Palette) -> Result<Vec<Effect>, String> {
    let verb = line.split(' ').next().unwrap_or_default();
    // What a command line means here and there has precedence over a key of that name.
    let is_done_here = verbs().iter().any(|known| known == verb);
    let named = ROWS.iter().map(|row| row.action).find(|action| action.line() == Some(line));
    match named {
        // Without a URL that is the form.
        Some(action) if !is_done_here || action == Action::Add => Ok(act(model, action)),
        _ if is_done_here || is_command(verb) => command(model, line).map(|()| Vec::new()),
        _ => Err(palette.unknown(verb)),
    }
}

fn command(model: &mut Model, line: &str) -> Result<(), String> {
    let snapshot = model.roster.snapshot();
    let snapshot = snapshot.ok_or_else(|| format!("{} has not answered yet", model.who()))?;
    let chosen = model.targets().first().map(|target| format!("{}/{}", target.balancer, target.member));
    let typed = read(line, chosen.as_deref(), snapshot)?;
    // A line takes longer to type again than an answer takes to come.
    let waiting = match &typed {
        Typed::Edit(order) => edit::waiting(model, &whom(model, order)),
        Typed::Tune(_) | Typed::Add(..) | Typed::Reload => decision::waiting(model),
        Typed::Explain(_) | Typed::Events(_) | Typed::Status(_) => None,
    };
    if let Some(why) = waiting {
        return Err(why);
    }
    match typed {
        Typed::Edit(order) => ask(model, *order),
        Typed::Tune(tune) => settings(model, *tune),
        Typed::Add(balancer, mut addition) => {
            let reason = addition.reason.take();
            let matter = Matter::Addition { balancer, addition, undo: false, event: None };
            decision::ask(model, Decision { reason, ..Decision::new(matter) });
        }
        Typed::Reload => decision::ask_reload(model),
        Typed::Explain(question) => {
            let words = question.cookies.iter().chain(std::iter::once(&question.url));
            let text = words.cloned().collect::<Vec<_>>().join(" ");
            model.thaw();
            model.lens.put(question, &text);
            model.gathered.explanation = None;
            model.screen = Screen::Lens;
        }
        Typed::Events(since) => model.screen = Screen::Events { at: 0, since },
        Typed::Status(place) => {
            model.screen = Screen::Balancers;
            match place {
                Some((balancer, Some(member))) => {
                    let target = Target { balancer, member };
                    model.cursor.choose(target.clone());
                    model.screen = Screen::Member(target);
                }
                Some((balancer, None)) => {
                    model.cursor.filter = Query::parse(&format!("balancer:{balancer}"));
                }
                None => model.cursor.filter = Query::default(),
            }
            model.cursor.settle(&model.roster);
        }
    }
    Ok(())
}

/// Opens the question about a balancer's settings.
fn settings(model: &mut Model, tune: Tune) {
    pace::go_on(model);
    let Some(balancer) = model.roster.snapshot().and_then(|snapshot| snapshot.balancer(&tune.balancer))
    else {
        return;
    };
    let change =
        |(field, after): (String, String)| Change { before: tuning::value(balancer, &field), field, after };
    let matter = Matter::Settings {
        revision: tune.if_revision.unwrap_or(balancer.revision),
        balancer: tune.balancer,
        edit: Box::new(tune.edit),
        changes: tune.settings.into_iter().map(change).collect(),
        undo: false,
        event: None,
    };
    decision::ask(model, Decision { reason: tune.reason, ..Decision::new(matter) });
}

/// The members that the order is about.
fn whom(model: &Model, order: &Order) -> Vec<Target> {
    match &order.whom {
        Some((balancer, member)) => {
            vec![Target { balancer: balancer.clone(), member: member.clone() }]
        }
        None => model.targets(),
    }
}

/// Opens the question that the order amounts to.
fn ask(model: &mut Model, order: Order) {
    let mut targets = whom(model, &order);
    if !edit::are_editable(model, &targets) {
        return;
    }
    if matches!(&order.what, What::Flags(edit) if by_verb(edit) == Act::Enable) {
        let Some(needing) = edit::needing_enable(model, targets) else { return };
        targets = needing;
    }
    let first = targets.first().and_then(|target| edit::found(model, target));
    let Some((balancer, member)) = first else { return };
    let act = match order.what {
        What::Flags(edit) => match by_verb(&edit) {
            Act::Flag(Flag::Drain, turn) => drain::act(model, &targets, turn),
            act => act,
        },
        What::Drain(order) => {
            Act::Drain(Drainage::usual(balancer, member).with(&drain::possible(model)).with(&order))
        }
        What::Extend(change) => match drain::running(model, &targets) {
            Ok(number) => Act::Drain(Drainage::Extend(number, change)),
            Err(why) => return model.tell(Tone::Alarm, why),
        },
        What::KeepDraining => match drain::running(model, &targets) {
            Ok(number) => Act::Drain(Drainage::Cancel(number)),
            Err(why) => return model.tell(Tone::Alarm, why),
        },
        What::Remove => match roster::removal(model, &targets) {
            Act::Remove { revision, undo, event } => {
                Act::Remove { revision: order.if_revision.or(revision), undo, event }
            }
            act => act,
        },
        What::Settings(edit, settings) => {
            let several = targets.len() > 1;
            let change = |(field, after): (String, String)| Change {
                before: if several { String::new() } else { form::value(member, &field) },
                field,
                after,
            };
            Act::Settings { edit: Box::new(edit), changes: settings.into_iter().map(change).collect() }
        }
    };
    let mut subjects = edit::subjects(model, targets);
    if let Some(revision) = order.if_revision.filter(|_| !matches!(act, Act::Remove { .. })) {
        for subject in &mut subjects {
            subject.revision = revision;
        }
    }
    let question = Question { reason: order.reason, ..Question::new(subjects, act) };
    model.popup = Some(Popup::Confirm(Box::new(question)));
}

/// The act of a verb, which sets one flag or clears several.
fn by_verb(edit: &MemberEdit) -> Act {
    let set = MemberEdit::FLAGS.into_iter().find(|(flag, _)| edit.flag(*flag) == Some(true));
    let cleared: Vec<Flag> = MemberEdit::FLAGS
        .into_iter()
        .filter(|(flag, _)| edit.flag(*flag) == Some(false))
        .map(|(flag, _)| flag)
        .collect();
    match (set, cleared.as_slice()) {
        (Some((flag, _)), _) => Act::Flag(flag, Turn::On),
        (None, [flag]) => Act::Flag(*flag, Turn::Off),
        _ => Act::Enable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keymap::{Context, Keymap};
    use crate::message::Key;
    use crate::model::column::Column;
    use crate::model::sample;
    use crate::update::hands::press;

    fn typed(model: &mut Model, line: &str) -> Vec<Effect> {
        let mut keys = vec![Key::Char(':')];
        keys.extend(line.chars().map(Key::Char));
        keys.push(Key::Enter);
        press(model, &keys)
    }

    fn question(model: &Model) -> &Question {
        match &model.popup {
            Some(Popup::Confirm(question)) => question,
            other => panic!("{other:?}, {:?}", model.toast),
        }
    }

    #[test]
    fn every_action_is_reached_by_key_and_palette() {
        let mut reached = 0;
        for row in ROWS {
            let Some(line) = row.action.line() else {
                assert!(
                    row.contexts
                        .iter()
                        .all(|context| !matches!(context, Context::Balancers | Context::Events))
                        || row.action == Action::Palette,
                    "{row:?} has no line"
                );
                continue;
            };
            let mut by_line = sample::model(80, 24);
            press(&mut by_line, &[Key::Char(']')]);
            // What belongs to another screen says so, or goes there; the pages of the help and of a question lie over
            // all of them.
            let lies_over = |it| matches!(it, &Context::Help | &Context::Confirm | &Context::Spell);
            if row.action == Action::Back || row.contexts.iter().all(lies_over) {
                continue;
            }
            if ![Context::Balancers, Context::Menu].iter().any(|here| row.contexts.contains(here)) {
                typed(&mut by_line, line);
                let said = by_line.toast.is_some() || by_line.popup.is_some();
                let before = sample::model(80, 24);
                let moved = by_line.screen != before.screen
                    || by_line.watching != before.watching
                    || by_line.reach != before.reach;
                assert!(said || moved, "{line}");
                reached += 1;
                continue;
            }
            let mut by_key = sample::model(80, 24);
            press(&mut by_key, &[Key::Char(']')]);
            // What only the menu has a key for is pressed there.
            let keys = match Keymap::default().key(Context::Balancers, row.action) {
                Some(key) => vec![key],
                None => vec![Key::Enter, row.keys[0]],
            };
            let effects = press(&mut by_key, &keys);
            assert_eq!(typed(&mut by_line, line), effects, "{line}");
            by_key.recall.clone_from(&by_line.recall);
            assert_eq!(by_line.screen, by_key.screen, "{line}");
            assert_eq!(by_line.cursor, by_key.cursor, "{line}");
            assert_eq!(by_line.context(), by_key.context(), "{line}: {:?}", by_line.toast);
            reached += 1;
        }
        assert!(reached > 40, "{reached}");
    }

    #[test]
    fn a_command_asks_about_the_member_it_names() {
        let mut model = sample::model(80, 24);
        assert_eq!(typed(&mut model, "disable static/10.0.2.12 --reason 'deploy 42'"), []);
        let asked = question(&model);
        assert_eq!(
            (asked.whom().as_str(), asked.act.clone()),
            ("static/10.0.2.12", Act::Flag(Flag::Disabled, Turn::On))
        );
        assert_eq!(asked.commands(), ["evenkeel disable static/10.0.2.12 --reason 'deploy 42'"]);
        match press(&mut model, &[Key::Char('y')]).as_slice() {
            [Effect::EditMember { edit, .. }] => {
                assert_eq!(
                    edit.reason.as_ref().map(evenkeel_protocol::edit::Reason::as_str),
                    Some("deploy 42")
                );
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn settings_and_nobody_named_mean_the_marks_or_the_cursor() {
        let mut model = sample::model(80, 24);
        typed(&mut model, "set lbfactor=2.5 route=z");
        let asked = question(&model);
        assert_eq!(asked.whom(), "app/node1");
        assert_eq!(asked.act.changes()[0].before, "1.00");
        let mut model = sample::model(80, 24);
        press(&mut model, &[Key::Char('a')]);
        typed(&mut model, "drain");
        assert_eq!(question(&model).subjects.len(), 6);
    }

    #[test]
    fn what_is_not_understood_stays_to_be_written_right() {
        let lines =
            ["drian app/node1", "drain app/zz", "set app/node1 lbfactor=0", "sort colour", "drain 'x"];
        for line in lines.into_iter().chain(["wait", "quit now", "filter busy>>"]) {
            let mut model = sample::model(80, 24);
            assert_eq!(typed(&mut model, line), [], "{line}");
            let Some(Popup::Palette(palette)) = &model.popup else { panic!("{line}: {:?}", model.popup) };
            assert_eq!((palette.text.value(), palette.text.column()), (line, line.len()));
            assert!(palette.complaint().is_some_and(|why| !why.is_empty()), "{line}");
            press(&mut model, &[Key::Backspace]);
            let Some(Popup::Palette(palette)) = &model.popup else { panic!("{line}") };
            assert_eq!(palette.complaint(), None, "{line}: it is another line now");
        }
        let mut model = sample::model(80, 24);
        typed(&mut model, "drian app/node1");
        let mut keys = vec![Key::Home, Key::Delete, Key::Delete, Key::Delete, Key::Delete, Key::Delete];
        keys.extend("drain".chars().map(Key::Char));
        press(&mut model, &[&keys[..], &[Key::Enter]].concat());
        assert_eq!(question(&model).whom(), "app/node1");
    }

    #[test]
    fn only_events_behind_a_number_are_shown() {
        let mut model = sample::model(80, 24);
        typed(&mut model, "events --since 3");
        assert_eq!(model.screen, Screen::Events { at: 0, since: 3 });
    }

    #[test]
    fn a_locked_console_runs_no_change() {
        let mut model = sample::model(80, 24);
        model.lock.close();
        typed(&mut model, "drain app/node1");
        assert_eq!(model.popup, None);
        assert!(model.toast.is_some_and(|toast| toast.text.contains("press L")));
    }

    #[test]
    fn a_line_that_has_to_wait_for_an_answer_stays() {
        for (first, next) in
            [("standby app/node1", "stop app/node1"), ("set app lbmethod=bytraffic", "set app timeout=7")]
        {
            let mut model = sample::model(80, 24);
            typed(&mut model, first);
            assert_eq!(press(&mut model, "y").len(), 1, "{first}");
            typed(&mut model, next);
            let Some(Popup::Palette(palette)) = &model.popup else { panic!("{next}: {:?}", model.toast) };
            assert_eq!(palette.text.value(), next);
            assert!(palette.complaint().is_some_and(|why| why.ends_with("wait for its answer")));
        }
    }

    #[test]
    fn places_are_gone_to_and_lines_come_back() {
        let mut model = sample::model(80, 24);
        typed(&mut model, "status app/node2");
        assert_eq!(model.screen, Screen::Member(sample::target("node2")));
        typed(&mut model, "status static");
        assert_eq!((model.screen.clone(), model.cursor.count()), (Screen::Balancers, 3));
        typed(&mut model, "filter state:drn");
        assert_eq!(model.cursor.count(), 1);
        typed(&mut model, "status");
        typed(&mut model, "sort busy");
        assert_eq!(model.cursor.sort.column, Some(Column::Busy));
        press(&mut model, &[Key::Char(':'), Key::Up, Key::Up, Key::Up]);
        match &model.popup {
            Some(Popup::Palette(palette)) => assert_eq!(palette.text.value(), "filter state:drn"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn balancers_reloads_and_explanations_are_typed_too() {
        let mut model = sample::model(80, 24);
        for line in ["set app lbmethod=bytraffic --reason x", "set lbmethod=bytraffic"] {
            assert_eq!(typed(&mut model, line), [], "{line}");
            let Some(Popup::Decide(decision)) = &model.popup else { panic!("{line}: {:?}", model.toast) };
            assert_eq!(decision.changes()[0].before, "byrequests");
            assert!(decision.command().starts_with("evenkeel set balancer://app lbmethod=bytraffic"));
            press(&mut model, "n");
        }
        typed(&mut model, "reload");
        assert_eq!(model.context(), Context::Confirm);
        press(&mut model, "n");
        typed(&mut model, "explain --cookie SID=x.node1 /app/");
        assert_eq!(model.screen, Screen::Lens);
        assert_eq!(model.lens.asked.as_ref().unwrap().cookies, ["SID=x.node1"]);
        typed(&mut model, "undo");
        assert!(model.toast.as_ref().unwrap().text.contains("nothing was changed from here"));
    }

    #[test]
    fn a_drain_is_changed_by_what_is_typed() {
        let mut model = sample::model(80, 24);
        typed(&mut model, "drain app/node1 --extend 10m");
        assert!(model.toast.as_ref().unwrap().text.contains("has no drain that runs"));
        crate::update::update(
            &mut model,
            crate::message::Message::News(crate::news::News::Snapshot(Box::new(sample::drained(62)))),
        );
        for (line, wanted) in [
            ("drain app/node2 --extend 10m", "evenkeel drain app/node2 --extend 10m"),
            ("undrain app/node2 --keep-draining", "evenkeel undrain app/node2 --keep-draining"),
        ] {
            typed(&mut model, line);
            assert_eq!(question(&model).commands(), [wanted]);
            press(&mut model, "n");
        }
    }

    #[test]
    fn a_few_letters_and_tab_are_enough() {
        let mut model = sample::model(80, 24);
        let keys: Vec<Key> = ":dr\tn2\t\n"
            .chars()
            .map(|c| match c {
                '\t' => Key::Tab,
                '\n' => Key::Enter,
                c => Key::Char(c),
            })
            .collect();
        press(&mut model, &keys);
        assert_eq!(question(&model).whom(), "app/node2");
    }
}
