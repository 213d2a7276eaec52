//! The line for commands: what is written, what could be meant, and what was written before.

use crate::model::form::Text;
use crate::model::vocabulary::Vocabulary;

/// The longest line, in characters.
pub const LONGEST: usize = 400;

/// How many lines are remembered.
const KEPT: usize = 50;

/// The line being written.
#[derive(Debug, Clone, PartialEq)]
pub struct Palette {
    /// What is written.
    pub text: Text,
    /// The words there were when the line was opened.
    vocabulary: Vocabulary,
    /// How far back in the history it is; 0 is the line that is new.
    back: usize,
    /// The line that was being written before the history was looked into.
    new: String,
    /// A line that was not understood, and why not.
    refused: Option<(String, String)>,
}

impl Palette {
    /// Nothing is written yet.
    pub fn new(vocabulary: Vocabulary) -> Self {
        let text = Text::with_longest("", LONGEST);
        Self { text, vocabulary, back: 0, new: String::new(), refused: None }
    }

    /// The line was not understood: it stands there with the cursor at its end, to be written right.
    pub fn refuse(&mut self, why: String) {
        let line = self.text.value().to_owned();
        self.text = Text::with_longest(&line, LONGEST);
        self.refused = Some((line, why));
    }

    /// Why the line is not understood, until another is written.
    pub fn complaint(&self) -> Option<&str> {
        let (line, why) = self.refused.as_ref()?;
        (line == self.text.value()).then_some(why)
    }

    /// Why a line that begins so is nothing that there is.
    pub fn unknown(&self, verb: &str) -> String {
        self.vocabulary.unknown(verb)
    }

    /// What the last word could become, the likeliest first.
    pub fn suggestions(&self) -> Vec<&str> {
        self.vocabulary.suggestions(self.text.value())
    }

    /// To the line before in `history`.
    pub fn older(&mut self, history: &[String]) {
        if self.back == 0 {
            self.new = self.text.value().to_owned();
        }
        if self.back < history.len() {
            self.back += 1;
            self.recall(history);
        }
    }

    /// To the line after, and at last to the one that was being written.
    pub fn newer(&mut self, history: &[String]) {
        if self.back > 0 {
            self.back -= 1;
            self.recall(history);
        }
    }

    fn recall(&mut self, history: &[String]) {
        let line = history.len().checked_sub(self.back).and_then(|at| history.get(at));
        let line = line.unwrap_or(&self.new).clone();
        self.text = Text::with_longest(&line, LONGEST);
    }

    /// Puts the first suggestion in the place of the word that is being written.
    pub fn complete(&mut self) {
        let line = self.text.value().to_owned();
        if let Some(word) = self.vocabulary.suggestions(&line).first() {
            let start = line.rfind(' ').map_or(0, |at| at + 1);
            let space = if word.ends_with('=') { "" } else { " " };
            let line = format!("{}{word}{space}", line.get(..start).unwrap_or_default());
            self.text = Text::with_longest(&line, LONGEST);
        }
    }
}

/// Runs the line that stands in `palette` for whoever has it, and remembers it among the others there; an empty one is
/// nothing.
///
/// # Errors
///
/// It is not understood: the palette as it is to be opened again, with the reason.
pub fn taken<H, E>(
    host: &mut H,
    mut palette: Box<Palette>,
    recall: fn(&mut H) -> &mut Vec<String>,
    run: fn(&mut H, &str, &Palette) -> Result<Vec<E>, String>,
) -> Result<Vec<E>, Box<Palette>> {
    let line = palette.text.value().split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return Ok(Vec::new());
    }
    remember(recall(host), &line);
    run(host, &line, &palette).map_err(|why| {
        palette.refuse(why);
        palette
    })
}

/// Remembers a line, once and bounded, the newest last.
fn remember(history: &mut Vec<String>, line: &str) {
    history.retain(|known| known != line);
    if history.len() == KEPT {
        history.remove(0);
    }
    history.push(line.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_completed_and_a_line_recalled() {
        let mut palette = Palette::new(Vocabulary::sample());
        palette.text = Text::new("dr");
        palette.complete();
        assert_eq!(palette.text.value(), "drain ");
        let mut history = Vec::new();
        for line in ["one", "two", "one"] {
            remember(&mut history, line);
        }
        assert_eq!(history, ["two", "one"]);
        for (older, wanted) in [
            (true, "one"),
            (true, "two"),
            (true, "two"),
            (false, "one"),
            (false, "drain "),
            (false, "drain "),
        ] {
            if older {
                palette.older(&history);
            } else {
                palette.newer(&history);
            }
            assert_eq!(palette.text.value(), wanted);
        }
        for number in 0..200 {
            remember(&mut history, &number.to_string());
        }
        assert_eq!(history.len(), KEPT);
    }
}
