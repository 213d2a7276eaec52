//! Copying: the commands of the last act, or else the name of the member under the cursor.

use crate::effect::Effect;
use crate::model::{Model, Tone};

/// The most bytes that are given to a clipboard; some terminals take no more, and some choke on it.
const MOST: usize = 8 * 1024;

/// Gives what can be copied to the clipboard, and says what it is.
pub(super) fn yank(model: &mut Model) -> Vec<Effect> {
    let text = if model.commands.is_empty() {
        match model.target() {
            Some(target) => target.label(model.roster.snapshot()),
            None => return Vec::new(),
        }
    } else {
        model.commands.join("\n")
    };
    match in_short(&text) {
        Ok(told) => {
            model.tell(Tone::Plain, format!("copied: {told}"));
            vec![Effect::Yank(text)]
        }
        Err(why) => {
            model.tell(Tone::Alarm, why);
            Vec::new()
        }
    }
}

/// What is copied, in a line.
///
/// Errors: it is more than a clipboard takes.
pub(super) fn in_short(text: &str) -> Result<String, String> {
    if text.len() > MOST {
        return Err(format!("{} bytes are more than a terminal's clipboard takes", text.len()));
    }
    let first = text.lines().next().unwrap_or_default();
    let more = text.lines().count().saturating_sub(1);
    Ok(if more > 0 { format!("{first} and {more} more") } else { first.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;
    use crate::update::hands::press;

    #[test]
    fn the_name_is_copied_and_after_an_act_its_command() {
        let mut model = sample::model(80, 24);
        assert_eq!(press(&mut model, "y"), [Effect::Yank("app/node1".to_owned())]);
        press(&mut model, "]Hy");
        assert_eq!(press(&mut model, "y"), [Effect::Yank("evenkeel standby static/10.0.2.11".to_owned())]);
    }

    #[test]
    fn what_is_too_large_is_not_copied() {
        let mut model = sample::model(80, 24);
        model.commands = vec!["x".repeat(MOST + 1)];
        assert_eq!(press(&mut model, "y"), []);
        assert!(
            model.toast.is_some_and(|toast| toast.text.contains("more than a terminal's clipboard takes"))
        );
    }
}
