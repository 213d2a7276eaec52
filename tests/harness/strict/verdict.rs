//! Holds what was seen of a row against what must be seen.

use super::outcome::{Outcome, Relayed};
use super::play::{Got, Sight};
use super::reading::{self, Field, Message, Rest};
use super::row::{Cut, End, Expected, Row};
use super::text;

/// What must reach nobody.
const EVIL: &[u8] = b"evil";

/// What is wrong, a sentence each; nothing if the row holds.
pub fn complaints(row: &Row, sight: &Sight, member: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    member_side(row, sight, member, &mut wrong);
    client_side(row, sight, &mut wrong);
    for (texts, must) in [(&row.present, true), (&row.absent, false)] {
        for text in texts {
            let bytes = text::bytes(text, member).expect("rows are checked when they are read");
            if holds(&sight.given, &bytes) != must {
                let verb = if must { "lacks" } else { "has" };
                wrong.push(format!("what the client got {verb} {text}: {}", shown(&sight.given)));
            }
        }
    }
    if !row.allows_evil() && (holds(&sight.taken, EVIL) || holds(&sight.given, EVIL)) {
        wrong.push(format!(
            "what must reach nobody did: member {}, client {}",
            shown(&sight.taken),
            shown(&sight.given)
        ));
    }
    if let Some(after) = &sight.after {
        wrong.push(format!("the next client got {after}"));
    }
    wrong
}

fn member_side(row: &Row, sight: &Sight, member: &str, wrong: &mut Vec<String>) {
    if let Some(why) = &sight.garbage {
        wrong.push(format!("the member got {why}: {}", shown(&sight.taken)));
    }
    if (sight.part && row.cut == Cut::No) || (!sight.part && row.cut == Cut::Yes) {
        let what = if row.cut == Cut::Yes { "no cut message" } else { "a part of a message" };
        wrong.push(format!("the member got {what}: {}", shown(&sight.taken)));
    }
    if sight.part && !sight.part_ended {
        wrong.push("the member waits for the rest of a message that will not come".to_owned());
    }
    if let Some(odd) = sight.messages.iter().find(|message| !message.canonical) {
        wrong.push(format!(
            "a message is not canonical: {}",
            shown(&sight.taken[..odd.at.len().min(sight.taken.len())])
        ));
    }
    if row.is_about_answers() {
        if sight.messages.len() > row.answers.len() {
            wrong.push(format!("the member got {} messages", sight.messages.len()));
        }
        return;
    }
    let expected: Vec<Message> = row.messages.iter().map(|text| one(row, text, member)).collect();
    if expected.len() != sight.messages.len() {
        let (seen, must) = (sight.messages.len(), expected.len());
        wrong.push(format!("the member got {seen} messages instead of {must}: {}", shown(&sight.taken)));
    }
    for (seen, expected) in sight.messages.iter().zip(&expected) {
        differences(seen, expected, wrong);
    }
}

/// The message that a row's text is.
#[track_caller]
fn one(row: &Row, text: &str, member: &str) -> Message {
    let bytes = text::bytes(text, member).expect("rows are checked when they are read");
    match reading::requests(&bytes) {
        (mut messages, Rest::Nothing) if messages.len() == 1 && messages[0].canonical => messages.remove(0),
        other => {
            panic!("row {} expects of the member what is no canonical message: {text}\n{other:?}", row.id)
        }
    }
}

fn differences(seen: &Message, expected: &Message, wrong: &mut Vec<String>) {
    let lines = |fields: &[Field]| -> Vec<String> {
        let coding = |name: &[u8]| name.eq_ignore_ascii_case(b"transfer-encoding");
        let others = fields.iter().filter(|(name, _)| !coding(name));
        others.map(|(name, value)| format!("{}: {}", shown(name), shown(value))).collect()
    };
    let pairs = [
        ("request line", vec![shown(&seen.first.join(&b' '))], vec![shown(&expected.first.join(&b' '))]),
        ("fields", lines(&seen.fields), lines(&expected.fields)),
        ("framing", vec![format!("{:?}", seen.framing)], vec![format!("{:?}", expected.framing)]),
        ("body", vec![shown(&seen.body)], vec![shown(&expected.body)]),
        ("trailers", lines(&seen.trailers), lines(&expected.trailers)),
    ];
    for (what, seen, expected) in pairs {
        if seen != expected {
            wrong.push(format!("{what} at the member: {seen:?} instead of {expected:?}"));
        }
    }
}

fn client_side(row: &Row, sight: &Sight, wrong: &mut Vec<String>) {
    if let Some(why) = &sight.babble {
        wrong.push(format!("the client got {why}: {}", shown(&sight.given)));
    }
    let fits = |(got, expected): (&Got, &Expected)| {
        let body = expected.body.as_ref().is_none_or(|body| body.as_bytes() == got.body);
        let refused = expected.or_refused && got.status == 502 && !got.broken;
        refused || (got.status == expected.status && got.broken == expected.broken && body)
    };
    let right = |expected: Vec<&Expected>| {
        sight.answers.len() == expected.len() && sight.answers.iter().zip(expected).all(fits)
    };
    let without = row.expected.iter().filter(|it| !it.optional);
    if !right(row.expected.iter().collect()) && !right(without.collect()) {
        wrong.push(format!("the client got {} instead of {}", told(&sight.answers), demanded(&row.expected)));
    }
    if sight.silent {
        wrong.push("the client's connection stays open and silent".to_owned());
    }
    match (row.end, sight.same) {
        (End::Usable, Some(true)) | (End::Closes, _) => {}
        // It may have ended just when the request was sent.
        (End::Either, same) if same == Some(true) || !sight.silent => {}
        _ => wrong.push("the client's connection cannot be used again".to_owned()),
    }
}

fn told(answers: &[Got]) -> String {
    let one =
        |got: &Got| format!("{}{} {}", got.status, if got.broken { " broken" } else { "" }, shown(&got.body));
    format!("[{}]", answers.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn demanded(expected: &[Expected]) -> String {
    let one = |it: &Expected| {
        let broken = if it.broken { " broken" } else { "" };
        format!("{}{broken} {}", it.status, it.body.as_deref().unwrap_or("with any body"))
    };
    format!("[{}]", expected.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Bytes so that they can be read, and not too many of them.
fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 400;
    let cut = if bytes.len() > MOST { "…" } else { "" };
    format!("{}{cut}", bytes[..bytes.len().min(MOST)].escape_ascii())
}

/// What the row says will come of it, as far as other proxies can be held against it.
pub fn foretold(row: &Row) -> Outcome {
    Outcome {
        messages: if row.is_about_answers() { row.answers.len() } else { row.messages.len() },
        garbage: false,
        cut: row.cut == Cut::Yes,
        canonical: true,
        answers: row.expected.iter().map(|it| (it.status, it.broken)).collect(),
        babble: false,
        stays: false,
    }
}

/// Is another proxy of another opinion on this row? About requests: does it let more or fewer through? About
/// answers: does it relay, cut or refuse where we do not?
pub fn differs(row: &Row, other: &Outcome) -> Option<Difference> {
    let ours = foretold(row);
    if row.is_about_answers() {
        let rank = |outcome: &Outcome| outcome.relayed();
        return match (rank(&ours), rank(other)) {
            (Relayed::Whole, Relayed::Whole) => None,
            (Relayed::Whole, _) => Some(Difference::TheyRefuse),
            (_, Relayed::Whole) => Some(Difference::TheyForward),
            _ => None,
        };
    }
    match (ours.messages, other.messages + usize::from(other.garbage)) {
        (ours, theirs) if ours > theirs => Some(Difference::TheyRefuse),
        (ours, theirs) if ours < theirs => Some(Difference::TheyForward),
        _ => None,
    }
}

/// In which way another proxy is of another opinion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// We let pass what it does not.
    TheyRefuse,
    /// It lets pass what we do not.
    TheyForward,
}
