//! The line that does in a shell what was done here: for runbooks, and for those who want to learn the commands.

use evenkeel_protocol::{DrainOrder, Flag, MemberEdit};

use crate::model::act::{Act, Turn};
use crate::model::decision::Decision;
use crate::model::drains::Drainage;
use crate::model::outlook::Gravity;
use crate::model::question::Question;
use crate::model::{Model, forecast};
use crate::shell::{at, quoted};

impl Model {
    /// The commands that do what the question asks, one a line, for the proxy that is shown; none for those of whom the
    /// proxy has said that it refuses it.
    pub fn commands_of(&self, question: &Question) -> Vec<String> {
        let forced = self.outlook(question).gravity == Gravity::Last;
        let mut question = Question { forced, ..question.clone() };
        forecast::leave_out_refused(&mut question, &self.gathered);
        self.commands_here(&question.commands())
    }

    /// The command that does what is decided, for the proxy that is shown.
    pub fn command_of(&self, decision: &Decision) -> String {
        self.commands_here(&[decision.command()]).concat()
    }

    fn commands_here(&self, lines: &[String]) -> Vec<String> {
        let proxy = self.roster.snapshot().map(|snapshot| &snapshot.proxy).filter(|proxy| proxy.is_httpd());
        let line = |line: &String| {
            let line = if proxy.is_some() { attended(line) } else { line.clone() };
            // It is named as it was at the start, so that the same line means the same place.
            at(&line, &self.words)
        };
        lines.iter().map(line).collect()
    }
}

/// The command that does `act` to the member called `label`, as a shell takes it.
pub fn line(act: &Act, label: &str, reason: Option<&str>) -> String {
    let member = quoted(label);
    let set = |settings: &[String]| format!("set {member} {}", settings.join(" "));
    let rest = match act {
        Act::Flag(Flag::Drain, Turn::On) => format!("drain {member}"),
        Act::Flag(Flag::Disabled, Turn::On) => format!("disable {member}"),
        Act::Flag(Flag::Stopped, Turn::On) => format!("stop {member}"),
        Act::Flag(Flag::Standby, Turn::On) => format!("standby {member}"),
        Act::Flag(flag, turn) => {
            let field = MemberEdit::FLAGS.into_iter().find(|(known, _)| known == flag);
            let field = field.map_or("drain", |(_, field)| field);
            set(&[format!("{field}={}", if *turn == Turn::On { "on" } else { "off" })])
        }
        Act::Enable => format!("enable {member}"),
        Act::Drain(drainage) => drain(drainage, &member),
        Act::Undo { event: Some(event), .. } | Act::Remove { event: Some(event), .. } => {
            format!("undo {event}")
        }
        Act::Remove { .. } => format!("remove {member}"),
        Act::Settings { changes, .. } | Act::Undo { changes, .. } => {
            let setting = |field: &str, value: &str| quoted(&format!("{field}={value}"));
            let settings: Vec<String> =
                changes.iter().map(|change| setting(&change.field, typed(&change.after))).collect();
            set(&settings)
        }
    };
    match reason {
        Some(reason) => format!("evenkeel {rest} --reason {}", quoted(reason)),
        None => format!("evenkeel {rest}"),
    }
}

/// The same line for an httpd, which runs no drains by itself: there the command waits.
pub fn attended(line: &str) -> String {
    const TERMS: [&str; 4] = ["--until", "--timeout", "--settle", "--on-timeout"];
    let options = || line.split(' ').filter_map(|word| word.split('=').next());
    let waits = line.starts_with("evenkeel drain ")
        && options().any(|option| TERMS.contains(&option))
        && !options().any(|option| option == "--wait");
    format!("{line}{}", if waits { " --wait" } else { "" })
}

/// The command of what is asked of a drain.
fn drain(drainage: &Drainage, member: &str) -> String {
    let options = |said: &[(&str, Option<String>)]| {
        let said = said.iter().filter_map(|(name, value)| Some(format!(" --{name} {}", value.as_ref()?)));
        format!("drain {member}{}", said.collect::<String>())
    };
    match drainage {
        Drainage::Begin(order) => {
            let timed = order.timeout.filter(|timeout| timeout.span().is_some());
            let settle = order.settle.filter(|settle| settle.millis() != DrainOrder::SETTLE_MILLIS);
            options(&[
                ("until", order.until.map(|until| until.typed().to_owned())),
                ("timeout", timed.map(|timeout| timeout.to_string())),
                ("settle", settle.map(|settle| settle.to_string())),
                ("on-timeout", timed.and(order.on_timeout).map(|on_timeout| on_timeout.to_string())),
            ])
        }
        Drainage::Change(_, change) | Drainage::Extend(_, change) => options(&[
            ("extend", change.extend.map(|extend| extend.to_string())),
            ("until", change.until.map(|until| until.typed().to_owned())),
            ("timeout", change.timeout.map(|timeout| timeout.to_string())),
            ("settle", change.settle.map(|settle| settle.to_string())),
            ("on-timeout", change.on_timeout.map(|on_timeout| on_timeout.to_string())),
        ]),
        Drainage::Stop(_) => format!("drain {member} --timeout 0 --on-timeout stop"),
        Drainage::Cut(_) => format!("drain {member} --timeout 0 --on-timeout cut"),
        Drainage::Cancel(_) => format!("undrain {member} --keep-draining"),
        Drainage::Restore(_) => format!("undrain {member}"),
    }
}

/// `On` and `Off` are how answers write what commands take as `on` and `off`.
pub(super) fn typed(value: &str) -> &str {
    match value {
        "On" => "on",
        "Off" => "off",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    #[test]
    fn each_act_has_its_line() {
        let changes = sample::edited("lbfactor", "1.00", "2.50").changes;
        let settings = Act::Settings { edit: Box::default(), changes };
        let back = sample::edited("drain", "On", "Off").changes;
        let undo = |event| Act::Undo { event, edit: Box::default(), changes: back.clone() };
        for (act, wanted) in [
            (Act::Flag(Flag::Drain, Turn::On), "evenkeel drain app/a"),
            (Act::Flag(Flag::Drain, Turn::Off), "evenkeel set app/a drain=off"),
            (Act::Flag(Flag::Disabled, Turn::On), "evenkeel disable app/a"),
            (Act::Flag(Flag::Stopped, Turn::On), "evenkeel stop app/a"),
            (Act::Flag(Flag::Standby, Turn::On), "evenkeel standby app/a"),
            (Act::Flag(Flag::IgnoreErrors, Turn::On), "evenkeel set app/a ignore_errors=on"),
            (Act::Enable, "evenkeel enable app/a"),
            (settings, "evenkeel set app/a lbfactor=2.50"),
            (undo(None), "evenkeel set app/a drain=off"),
            (undo(Some(17)), "evenkeel undo 17"),
            (Act::Drain(Drainage::more(&sample::drain(7, "node2"))), "evenkeel drain app/a --extend 10m"),
            (Act::Drain(Drainage::Cancel(7)), "evenkeel undrain app/a --keep-draining"),
            (Act::Drain(Drainage::Restore(7)), "evenkeel undrain app/a"),
        ] {
            assert_eq!(line(&act, "app/a", None), wanted);
        }
        assert_eq!(attended("evenkeel drain app/a --until idle"), "evenkeel drain app/a --until idle --wait");
        assert_eq!(
            attended("evenkeel drain a --on-timeout=stop"),
            "evenkeel drain a --on-timeout=stop --wait"
        );
        for line in ["evenkeel undrain app/a", "evenkeel drain app/a --wait --settle 1s"] {
            assert_eq!(attended(line), line);
        }
        assert_eq!(
            line(&Act::Enable, "app/x y", Some("it's done")),
            r"evenkeel enable 'app/x y' --reason 'it'\''s done'"
        );
    }
}
