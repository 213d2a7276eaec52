//! Apache's status letters as a set, with the words that its manager page prints.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One status bit of a member. The order is that of the words on httpd's manager page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flag {
    /// O: initialised; without it a member is not usable.
    Initialised,
    /// I: never put into error by requests.
    IgnoreErrors,
    /// N: drain, serves only requests that carry its route.
    Drain,
    /// G: generic worker; httpd's own, no effect.
    Generic,
    /// U: in shutdown.
    Shutdown,
    /// D: disabled, serves nobody, its own sessions neither.
    Disabled,
    /// S: stopped, as disabled; its error is not retried and it is not checked.
    Stopped,
    /// E: in error until the retry time has passed.
    Error,
    /// H: hot standby, used when its lbset has nobody else.
    Standby,
    /// R: hot spare, takes the place of an unusable member of its lbset.
    Spare,
    /// F: slot free; no effect.
    Free,
    /// C: failed its health check.
    HealthFail,
}

impl Flag {
    /// All flags in the order in which httpd prints their words.
    pub const ALL: [Self; 12] = [
        Self::Initialised,
        Self::IgnoreErrors,
        Self::Drain,
        Self::Generic,
        Self::Shutdown,
        Self::Disabled,
        Self::Stopped,
        Self::Error,
        Self::Standby,
        Self::Spare,
        Self::Free,
        Self::HealthFail,
    ];

    /// The letter of `status=+X`.
    pub fn letter(self) -> char {
        match self {
            Self::Initialised => 'O',
            Self::IgnoreErrors => 'I',
            Self::Drain => 'N',
            Self::Generic => 'G',
            Self::Shutdown => 'U',
            Self::Disabled => 'D',
            Self::Stopped => 'S',
            Self::Error => 'E',
            Self::Standby => 'H',
            Self::Spare => 'R',
            Self::Free => 'F',
            Self::HealthFail => 'C',
        }
    }

    /// The word of httpd's manager page.
    pub fn word(self) -> &'static str {
        match self {
            Self::Initialised => "Init",
            Self::IgnoreErrors => "Ign",
            Self::Drain => "Drn",
            Self::Generic => "Gen",
            Self::Shutdown => "Shut",
            Self::Disabled => "Dis",
            Self::Stopped => "Stop",
            Self::Error => "Err",
            Self::Standby => "Stby",
            Self::Spare => "Spar",
            Self::Free => "Free",
            Self::HealthFail => "HcFl",
        }
    }

    /// The flag of a letter, small or capital.
    pub fn from_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|flag| flag.letter() == letter.to_ascii_uppercase())
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of flags. In JSON: the letters, in httpd's word order (`"ON"` for a member that is draining).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Status(u16);

impl Status {
    /// No flag at all.
    pub const NONE: Self = Self(0);
    /// What a member has after its initialisation.
    pub const INITIALISED: Self = Self(Flag::Initialised.bit());
    /// What operators set to keep requests away from a member.
    pub const CLOSED: [Flag; 3] = [Flag::Disabled, Flag::Stopped, Flag::Drain];

    const NOT_USABLE: u16 = Flag::Shutdown.bit()
        | Flag::Disabled.bit()
        | Flag::Stopped.bit()
        | Flag::Error.bit()
        | Flag::HealthFail.bit();

    /// Is `flag` set?
    pub fn has(self, flag: Flag) -> bool {
        self.0 & flag.bit() != 0
    }

    /// Is one of `flags` set?
    pub fn has_any(self, flags: &[Flag]) -> bool {
        flags.iter().any(|flag| self.has(*flag))
    }

    /// The set with `flag` set or cleared.
    #[must_use]
    pub fn with(self, flag: Flag, on: bool) -> Self {
        Self(if on { self.0 | flag.bit() } else { self.0 & !flag.bit() })
    }

    /// httpd's predicate: initialised and none of U, D, S, E, C. Drain, standby and spare do not matter to it.
    pub fn is_usable(self) -> bool {
        self.has(Flag::Initialised) && self.0 & Self::NOT_USABLE == 0
    }

    /// The flags that are set, in httpd's word order.
    pub fn flags(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.into_iter().filter(move |flag| self.has(*flag))
    }

    /// The words of httpd's manager page, without its trailing blank: `Init Drn Ok`; `???` if there is none.
    pub fn words(self) -> String {
        // What nearly all members show.
        match self {
            Self::NONE => return "???".to_owned(),
            Self::INITIALISED => return "Init Ok".to_owned(),
            _ => {}
        }
        let mut words: Vec<&str> = self.flags().map(Flag::word).collect();
        if self.is_usable() {
            words.push("Ok");
        }
        words.join(" ")
    }

    /// The letters in httpd's word order: `OND`.
    pub fn letters(self) -> Cow<'static, str> {
        if self == Self::INITIALISED { Cow::Borrowed("O") } else { self.flags().map(Flag::letter).collect() }
    }

    /// Applies the text of `status=`: letters, each group behind a sign (`+D-E`, `DH`); a bare letter means plus.
    ///
    /// Errors: an unknown letter, a sign with no letter behind it, or an empty text, as httpd refuses them.
    pub fn apply(self, text: &str) -> Result<Self, String> {
        let (mut status, mut on, mut waiting) = (self, true, true);
        for c in text.chars() {
            match c {
                '+' | '-' => (on, waiting) = (c == '+', true),
                letter => {
                    let Some(flag) = Flag::from_letter(letter) else {
                        let shown = crate::clean::clean(&letter.to_string(), 1);
                        return Err(format!(
                            "'{shown}' is no status letter; those are D S I R H E N C U F G O"
                        ));
                    };
                    (status, waiting) = (status.with(flag, on), false);
                }
            }
        }
        if waiting {
            return Err("needs a letter behind its sign, as in +D or -E".to_owned());
        }
        Ok(status)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words())
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.letters())
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let letters = String::deserialize(deserializer)?;
        letters.chars().try_fold(Self::NONE, |status, letter| match Flag::from_letter(letter) {
            Some(flag) if letter.is_ascii_uppercase() => Ok(status.with(flag, true)),
            _ => Err(serde::de::Error::custom("must be status letters such as \"OND\"")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_seen_on_httpds_page() {
        for (letters, words) in [
            ("", "Init Ok"),
            ("+D", "Init Dis"),
            ("+S", "Init Stop"),
            ("+C", "Init HcFl"),
            ("+U", "Init Shut"),
            ("+I", "Init Ign Ok"),
            ("+IE", "Init Ign Err"),
            ("+N", "Init Drn Ok"),
            ("+N+E", "Init Drn Err"),
            ("nd", "Init Drn Dis"),
            ("SE", "Init Stop Err"),
            ("H", "Init Stby Ok"),
            ("R", "Init Spar Ok"),
            ("RH", "Init Stby Spar Ok"),
            ("F", "Init Free Ok"),
            ("G", "Init Gen Ok"),
            ("INDSHRC", "Init Ign Drn Dis Stop Stby Spar HcFl"),
            ("D-D", "Init Ok"),
        ] {
            let start = Status::INITIALISED;
            let status = if letters.is_empty() { start } else { start.apply(letters).unwrap() };
            assert_eq!(status.words(), words, "{letters}");
            let json = serde_json::to_string(&status).unwrap();
            assert_eq!(serde_json::from_str::<Status>(&json).unwrap(), status);
        }
        assert_eq!(Status::NONE.words(), "???");
    }

    #[test]
    fn bad_letters_and_lone_signs_are_refused() {
        for text in ["", "+", "D+", "X", "+DX", "D,S", "+ D", "é"] {
            assert!(Status::INITIALISED.apply(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_member_that_is_not_initialised_is_not_usable() {
        assert!(!Status::NONE.is_usable());
        assert!(!Status::NONE.with(Flag::Drain, true).is_usable());
        assert!(Status::INITIALISED.is_usable());
    }
}
