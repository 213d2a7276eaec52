//! What came of a row, in one line that can be kept beside the rows and compared between proxies.

use std::fmt;
use std::str::FromStr;

use super::play::{Got, Sight};

/// What came of a row.
#[expect(clippy::struct_excessive_bools, reason = "each is a word that stands behind a number")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whole messages that the member got.
    pub messages: usize,
    /// Did it get something that is no message, or can be read in two ways?
    pub garbage: bool,
    /// Did it get a part of a message and no more?
    pub cut: bool,
    /// Has everything that it got the one form that a generator should use?
    pub canonical: bool,
    /// The statuses of the client's answers, and which of them broke off.
    pub answers: Vec<(u16, bool)>,
    /// Did the client get something that is no answer?
    pub babble: bool,
    /// Did the connection stay open?
    pub stays: bool,
}

/// What became of the member's answer on its way to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relayed {
    /// It arrived as a whole.
    Whole,
    /// It visibly broke off, or nothing arrived.
    Broken,
    /// The proxy answered with an error of its own.
    Refused,
}

impl Outcome {
    /// The outcome of what was seen.
    pub fn of(sight: &Sight) -> Self {
        Self {
            messages: sight.messages.len(),
            garbage: sight.garbage.is_some(),
            cut: sight.part,
            canonical: sight.messages.iter().all(|message| message.canonical),
            answers: sight.answers.iter().map(|Got { status, broken, .. }| (*status, *broken)).collect(),
            babble: sight.babble.is_some(),
            stays: sight.silent,
        }
    }

    /// What became of the member's answer.
    pub fn relayed(&self) -> Relayed {
        match self.answers.iter().rfind(|(status, _)| *status >= 200 || *status == 101) {
            _ if self.babble => Relayed::Whole,
            Some((_, true)) | None => Relayed::Broken,
            Some((502 | 500 | 503 | 504, false)) => Relayed::Refused,
            Some((400.., false)) if self.messages == 0 && !self.cut => Relayed::Refused,
            Some(_) => Relayed::Whole,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.messages)?;
        for (said, word) in [
            (self.garbage, "+garbage"),
            (self.cut, "+cut"),
            (!self.canonical, "+odd"),
            (self.babble, "+babble"),
            (self.stays, "+stays"),
        ] {
            f.write_str(if said { word } else { "" })?;
        }
        f.write_str(" ")?;
        for (at, (status, broken)) in self.answers.iter().enumerate() {
            write!(f, "{}{status}{}", if at > 0 { "," } else { "" }, if *broken { "!" } else { "" })?;
        }
        f.write_str(if self.answers.is_empty() { "-" } else { "" })
    }
}

impl FromStr for Outcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (member, client) = text.split_once(' ').ok_or(format!("{text:?} is no outcome"))?;
        let mut words = member.split('+');
        let messages = words.next().and_then(|count| count.parse().ok());
        let words: Vec<&str> = words.collect();
        let answers = client.split(',').filter(|answer| *answer != "-").map(|answer| {
            let status = answer.trim_end_matches('!');
            let number = status.parse().map_err(|_| format!("{status:?} is no status"))?;
            Ok((number, status.len() < answer.len()))
        });
        Ok(Self {
            messages: messages.ok_or(format!("{text:?} says no number of messages"))?,
            garbage: words.contains(&"garbage"),
            cut: words.contains(&"cut"),
            canonical: !words.contains(&"odd"),
            answers: answers.collect::<Result<_, String>>()?,
            babble: words.contains(&"babble"),
            stays: words.contains(&"stays"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_read_again() {
        for text in ["0 400", "2 100,200,200", "0+cut 400", "1+odd+stays 200!", "0+garbage+babble -"] {
            assert_eq!(text.parse::<Outcome>().unwrap().to_string(), text);
        }
        for text in ["", "x 200", "1 two"] {
            assert!(text.parse::<Outcome>().is_err(), "{text}");
        }
    }
}
