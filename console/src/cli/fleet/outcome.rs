//! What came of a command in each target, and what that is together: lines, parts below headings, an object, a code.

use serde_json::{Map, Value, json};

use crate::cli::output::Stop;
use crate::cli::{Exit, report};
use crate::targets::Target;

/// How it ended in one target.
#[derive(Debug)]
pub(super) struct Ended {
    exit: Exit,
    /// Why it ended before its time, until somebody has told it.
    pub(super) why: Option<String>,
    /// The result, where it is not told as it comes.
    out: Vec<u8>,
    /// Has the target nothing that was meant, so that there was nothing to do?
    absent: bool,
}

impl Ended {
    /// As the command ended.
    pub(super) fn of(answer: Result<Exit, Stop>, out: Vec<u8>) -> Self {
        match answer {
            Ok(exit) => Self { exit, why: None, out, absent: false },
            Err(stop) => {
                let (exit, why) = stop.told();
                let absent = matches!(stop, Stop::Missing(_));
                Self { exit, why: why.map(str::to_owned), out, absent }
            }
        }
    }

    /// The same of a target that had what was meant: what it lacks now is no reason to pass over it.
    pub(super) fn counting(self) -> Self {
        Self { absent: false, ..self }
    }

    /// There was nothing to do.
    pub(super) fn absent() -> Self {
        let why = Some("has no such member or balancer; nothing was to be done there".to_owned());
        Self { exit: Exit::NotFound, why, out: Vec::new(), absent: true }
    }

    /// Does what was wanted hold?
    fn holds(&self) -> bool {
        matches!(self.exit, Exit::Done | Exit::NotDurable)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).trim_end().to_owned()
    }
}

/// Those that count: a target without the member does not, if any other has it.
fn counted(ended: &[Ended]) -> Vec<&Ended> {
    let unknown = [Exit::Unreachable, Exit::Permission];
    let somewhere = ended.iter().any(|one| !one.absent && !unknown.contains(&one.exit));
    ended.iter().filter(|one| !(one.absent && somewhere)).collect()
}

/// The code of all: done only if all are, and that of each where they are the same.
pub(super) fn together(ended: &[Ended]) -> Exit {
    let counted = counted(ended);
    let first = counted.first().map_or(Exit::Done, |one| one.exit);
    if counted.iter().any(|one| one.exit == Exit::Interrupted) {
        Exit::Interrupted
    } else if counted.iter().all(|one| one.exit == first) {
        first
    } else if counted.iter().all(|one| one.holds()) {
        Exit::NotDurable
    } else {
        Exit::Mixed
    }
}

/// What has to be said aloud when it was not done everywhere.
pub(super) fn summary(ended: &[Ended]) -> Option<String> {
    let counted = counted(ended);
    let (done, all) = (counted.iter().filter(|one| one.holds()).count(), counted.len());
    match done {
        _ if done == all => None,
        0 => Some(format!("done in none of {all} target{}", if all == 1 { "" } else { "s" })),
        done => {
            let is_unable = |exit| matches!(exit, Exit::Unable | Exit::ReadOnly);
            let unable = counted.iter().filter(|one| is_unable(one.exit)).count();
            let remedy = match all - done - unable {
                0 => "where it cannot be done the same command never does it",
                _ if unable == 0 => "run it again for the others",
                // Whoever reads only that it never does leaves those undone that could have it.
                _ => {
                    "run it again for the others, but where it cannot be done the same command never does it"
                }
            };
            Some(format!("done in {done} of {all} targets; what was done stays, {remedy}"))
        }
    }
}

/// The same of a roll: where it stopped, some members may be done all the same.
pub(super) fn summary_of_roll(ended: &[Ended]) -> Option<String> {
    let counted = counted(ended);
    let (done, all) = (counted.iter().filter(|one| one.holds()).count(), counted.len());
    let told = if done == 0 { "none".to_owned() } else { done.to_string() };
    (done < all)
        .then(|| format!("rolled to the end in {told} of {all} targets; each member told as rolled stays so"))
}

/// The name of a target, and what was typed for it where that is something else.
fn heading(Target { name, typed, .. }: &Target) -> String {
    if name == typed { format!("# {typed}") } else { format!("# {name}  {typed}") }
}

/// All of each target below a heading.
pub(super) fn parts(targets: &[Target], ended: &[Ended]) -> String {
    let part = |(target, one): (&Target, &Ended)| {
        let mut lines = vec![heading(target)];
        lines.extend(Some(one.text()).filter(|text| !text.is_empty()));
        lines.extend(one.why.as_ref().map(|why| format!("  {why}")));
        lines.join("\n")
    };
    targets.iter().zip(ended).map(part).collect::<Vec<_>>().join("\n\n")
}

/// A result for each target, under what was typed for it. Fields are only ever added; `version` changes if that rule is
/// broken.
pub(super) fn document(targets: &[Target], ended: &[Ended], exit: Exit) -> Value {
    let result = |(target, one): (&Target, &Ended)| {
        let result: Value = serde_json::from_slice(&one.out).unwrap_or_default();
        let of = json!({
            "name": target.name,
            "exit": one.exit.code(),
            "error": one.why,
            "result": result,
        });
        (target.typed.clone(), of)
    };
    let results: Map<String, Value> = targets.iter().zip(ended).map(result).collect();
    json!({"version": report::VERSION, "exit": exit.code(), "targets": results})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_together() {
        let done = || Ended::of(Ok(Exit::Done), Vec::new());
        let of = |exit: Exit| Ended::of(Err(Stop::Failed(exit, String::new())), Vec::new());
        for (what, ended, exit, says) in [
            ("all", vec![done(), done()], Exit::Done, None),
            ("one of two", vec![done(), of(Exit::Guarded)], Exit::Mixed, Some("1 of 2")),
            (
                "never in one",
                vec![done(), of(Exit::Unable)],
                Exit::Mixed,
                Some("the same command never does it"),
            ),
            (
                "never in one, and refused in another",
                vec![done(), of(Exit::Unable), of(Exit::Guarded)],
                Exit::Mixed,
                Some("1 of 3 targets; what was done stays, run it again for the others, but where"),
            ),
            (
                "one only lets look",
                vec![done(), of(Exit::ReadOnly)],
                Exit::Mixed,
                Some("the same command never does it"),
            ),
            ("none, alike", vec![of(Exit::Guarded), of(Exit::Guarded)], Exit::Guarded, Some("none of 2")),
            ("none, unlike", vec![of(Exit::Guarded), of(Exit::Unreachable)], Exit::Mixed, Some("none of 2")),
            ("not everywhere durable", vec![done(), of(Exit::NotDurable)], Exit::NotDurable, None),
            ("not there in one", vec![done(), Ended::absent()], Exit::Done, None),
            (
                "not there, else refused",
                vec![of(Exit::Guarded), Ended::absent()],
                Exit::Guarded,
                Some("of 1"),
            ),
            ("not there, else gone", vec![of(Exit::Unreachable), Ended::absent()], Exit::Mixed, Some("none")),
            ("nowhere", vec![Ended::absent(), Ended::absent()], Exit::NotFound, Some("none")),
            ("interrupted", vec![done(), of(Exit::Interrupted)], Exit::Interrupted, Some("1 of 2")),
        ] {
            assert_eq!(together(&ended), exit, "{what}");
            let told = summary(&ended);
            assert_eq!(told.is_some(), says.is_some(), "{what}: {told:?}");
            assert!(says.is_none_or(|says| told.unwrap().contains(says)), "{what}");
        }
        let told = summary_of_roll(&[of(Exit::Guarded), of(Exit::Failed)]).unwrap();
        assert!(told.starts_with("rolled to the end in none of 2 targets"), "{told}");
    }
}
