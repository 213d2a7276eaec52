//! The command that a roll runs for a member: its words, its environment, and how it ended.

use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};

use evenkeel_protocol::MemberSnapshot;

use super::super::drain::Target;
use crate::client::Place;

/// What stands for a member in the words of a command.
#[derive(Debug, Clone)]
pub(super) struct Words {
    /// Names and values, as `{name}` and as `EVENKEEL_NAME`.
    values: Vec<(&'static str, String)>,
    place: Place,
}

impl Words {
    pub(super) fn of(target: &Target, member: Option<&MemberSnapshot>, place: &Place) -> Self {
        let name = &target.member;
        let short = target.label.split_once('/').map_or(target.label.as_str(), |(_, member)| member);
        let values = vec![
            ("member", short.to_owned()),
            ("route", member.map_or_else(String::new, |member| member.route.as_str().to_owned())),
            ("host", name.host().to_owned()),
            ("port", name.port().to_string()),
            ("url", name.to_string()),
            ("balancer", target.balancer.as_str().to_owned()),
        ];
        Self { values, place: place.clone() }
    }

    /// The words of the command with the member's values in them.
    pub(super) fn filled(&self, line: &[String]) -> Vec<String> {
        line.iter().map(|word| self.fill(word)).collect()
    }

    /// A word of the command with the member's values in it. What a value holds is not looked at again.
    fn fill(&self, word: &str) -> String {
        let (mut filled, mut rest) = (String::new(), word);
        while let Some((before, behind)) = rest.split_once('{') {
            filled.push_str(before);
            let known = behind.split_once('}').and_then(|(name, after)| {
                let (_, value) = self.values.iter().find(|(known, _)| *known == name)?;
                Some((value, after))
            });
            let (put, left) = known.map_or(("{", behind), |(value, after)| (value.as_str(), after));
            filled.push_str(put);
            rest = left;
        }
        filled.push_str(rest);
        filled
    }
}

/// Runs it to its end. What it writes goes to standard error, so that standard output holds the result alone.
///
/// # Errors
///
/// It could not be started, or ended otherwise than with 0.
pub(super) async fn run(line: &[String], words: &Words) -> Result<(), String> {
    let mut line = words.filled(line).into_iter();
    let program = line.next().unwrap_or_default();
    let mut command = Command::new(&program);
    let (same, other) = words.place.variables();
    command.args(line).stdin(Stdio::null()).envs(same).env_remove(other);
    for (name, value) in &words.values {
        command.env(format!("EVENKEEL_{}", name.to_uppercase()), value);
    }
    if let Ok(errors) = std::io::stderr().as_fd().try_clone_to_owned() {
        command.stdout(errors);
    }
    let ended = tokio::task::spawn_blocking(move || command.status()).await;
    match ended {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(match status.code() {
            Some(code) => format!("the command {program} ended with code {code}"),
            None => format!("the command {program} was ended by a signal"),
        }),
        Ok(Err(why)) => Err(format!("the command {program} cannot be started: {why}")),
        Err(_) => Err(format!("nobody knows how the command {program} ended")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_filled_once() {
        let target = Target {
            balancer: "app".parse().unwrap(),
            member: "http://10.0.0.1:8080/x".parse().unwrap(),
            label: "app/{port}".to_owned(),
        };
        let words = Words::of(&target, None, &Place::Socket("/run/x".into()));
        for (word, filled) in [
            ("{member}", "{port}"),
            ("http://{host}:{port}/{route}", "http://10.0.0.1:8080/"),
            ("{url}", "http://10.0.0.1:8080/x"),
            ("{nothing} {", "{nothing} {"),
            ("{{balancer}}", "{app}"),
            ("plain", "plain"),
        ] {
            assert_eq!(words.fill(word), filled, "{word}");
        }
    }

    #[tokio::test]
    async fn how_it_ended_is_told() {
        let target = Target {
            balancer: "app".parse().unwrap(),
            member: "http://a".parse().unwrap(),
            label: String::new(),
        };
        let words = Words::of(&target, None, &Place::Socket("/run/x".into()));
        let run = async |line: &[&str]| {
            run(&line.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), &words).await
        };
        assert_eq!(run(&["sh", "-c", "test $EVENKEEL_HOST = a && test {host} = a"]).await, Ok(()));
        assert_eq!(run(&["sh", "-c", "exit 3"]).await, Err("the command sh ended with code 3".to_owned()));
        assert!(run(&["/nonexistent/x"]).await.unwrap_err().contains("cannot be started"));
    }
}
