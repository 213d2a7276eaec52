//! Roles, not colours: what a piece of the screen means decides how it looks. The terminal's own colours stay for
//! text and background, so that dark and light ones both work; nothing is told by colour alone.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

/// What a piece of the screen means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// Labels, rules, what matters less.
    Faint,
    /// Names, headings.
    Strong,
    /// The one accent: what can be pressed, what moves.
    Accent,
    /// It works.
    Good,
    /// Somebody should look.
    Warning,
    /// Something is broken.
    Alarm,
    /// The line under the cursor.
    Selected,
    /// The part of a field that can be written.
    Field,
}

/// How many colours there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// 256 or more.
    Many,
    /// The sixteen of old.
    Sixteen,
    /// None: attributes only.
    None,
}

/// Which characters there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// Any.
    Unicode,
    /// ASCII only.
    Ascii,
}

/// What the environment says of the terminal. Empty variables count as not set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `NO_COLOR`
    pub no_color: Option<String>,
    /// `TERM`
    pub term: Option<String>,
    /// `COLORTERM`
    pub colorterm: Option<String>,
    /// `EVENKEEL_ASCII`
    pub ascii: Option<String>,
    /// The first that is set of `LC_ALL`, `LC_CTYPE` and `LANG`.
    pub locale: Option<String>,
}

impl Environment {
    /// From the variables as `lookup` gives them.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        Self {
            no_color: set("NO_COLOR"),
            term: set("TERM"),
            colorterm: set("COLORTERM"),
            ascii: set("EVENKEEL_ASCII"),
            locale: set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")),
        }
    }
}

/// How roles look on this terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// The colours.
    pub colours: Colours,
    /// The characters.
    pub glyphs: Glyphs,
}

impl Theme {
    /// The best that the terminal can show. A locale that is not set is taken for UTF-8, as most terminals are.
    pub fn choose(environment: &Environment) -> Self {
        let term = environment.term.as_deref().unwrap_or_default();
        let many = term.contains("256color")
            || term.contains("direct")
            || ["kitty", "alacritty", "ghostty", "wezterm", "foot"].iter().any(|name| term.contains(name))
            || environment.colorterm.is_some();
        let colours = if environment.no_color.is_some() || term == "dumb" || term.starts_with("vt") {
            Colours::None
        } else if many && term != "linux" {
            Colours::Many
        } else {
            Colours::Sixteen
        };
        let utf8 = environment.locale.as_deref().is_none_or(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        let ascii = environment.ascii.as_deref().is_some_and(|value| value != "0")
            || matches!(term, "linux" | "dumb")
            || term.starts_with("vt")
            || !utf8;
        Self { colours, glyphs: if ascii { Glyphs::Ascii } else { Glyphs::Unicode } }
    }

    /// How `role` looks.
    pub fn style(self, role: Role) -> Style {
        let style = Style::new();
        match (role, self.colours) {
            (Role::Text, _) | (Role::Good, Colours::None) => style,
            (Role::Strong, _) | (Role::Accent | Role::Warning, Colours::None) => {
                style.add_modifier(Modifier::BOLD)
            }
            (Role::Selected, Colours::Many) => {
                style.bg(Color::Indexed(24)).fg(Color::Indexed(231)).add_modifier(Modifier::BOLD)
            }
            // One colour for the whole line, whatever its parts have.
            (Role::Selected, Colours::Sixteen) => {
                style.fg(Color::Reset).bg(Color::Reset).add_modifier(Modifier::REVERSED)
            }
            (Role::Selected, Colours::None) => style.add_modifier(Modifier::REVERSED),
            (Role::Field, _) => style.add_modifier(Modifier::UNDERLINED),
            (Role::Alarm, Colours::None) => style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            (Role::Faint, Colours::None | Colours::Sixteen) => style.add_modifier(Modifier::DIM),
            (Role::Faint, Colours::Many) => style.fg(Color::Indexed(244)),
            (Role::Accent, Colours::Many) => style.fg(Color::Indexed(32)),
            (Role::Good, Colours::Many) => style.fg(Color::Indexed(35)),
            (Role::Warning, Colours::Many) => style.fg(Color::Indexed(136)).add_modifier(Modifier::BOLD),
            (Role::Alarm, Colours::Many) => style.fg(Color::Indexed(167)).add_modifier(Modifier::BOLD),
            (Role::Accent, Colours::Sixteen) => style.fg(Color::Cyan),
            (Role::Good, Colours::Sixteen) => style.fg(Color::Green),
            (Role::Warning, Colours::Sixteen) => style.fg(Color::Yellow).add_modifier(Modifier::BOLD),
            (Role::Alarm, Colours::Sixteen) => style.fg(Color::Red).add_modifier(Modifier::BOLD),
        }
    }

    /// Replaces what the terminal cannot show, cell by cell; done once, when everything is drawn.
    pub fn fit(self, buffer: &mut Buffer) {
        if self.glyphs == Glyphs::Unicode {
            return;
        }
        for cell in &mut buffer.content {
            if !cell.symbol().is_ascii() {
                let c = cell.symbol().chars().next().map_or(' ', ascii);
                cell.set_char(c);
            }
        }
    }
}

/// The nearest ASCII character.
fn ascii(c: char) -> char {
    match c {
        '─' | '—' | '◌' | '▄' => '-',
        '│' => '|',
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '●' | '▆' => '+',
        '…' | '◐' => '~',
        '→' | '▸' => '>',
        '·' | '▂' => '.',
        '○' => 'o',
        '■' | '█' => '#',
        '▲' => '!',
        '▁' => '_',
        '▃' => ':',
        '▅' => '=',
        '▇' | '×' => '*',
        '↑' => '^',
        '↓' => 'v',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(variables: &[(&str, &str)]) -> (Colours, Glyphs) {
        let theme = Theme::choose(&Environment::read(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        }));
        (theme.colours, theme.glyphs)
    }

    #[test]
    fn the_environment_decides() {
        use Colours::{Many, None, Sixteen};
        use Glyphs::{Ascii, Unicode};
        for (what, variables, wanted) in [
            ("a terminal of today", &[("TERM", "xterm-256color"), ("LANG", "C.UTF-8")][..], (Many, Unicode)),
            ("no locale", &[("TERM", "xterm-256color")], (Many, Unicode)),
            ("true colour", &[("TERM", "xterm"), ("COLORTERM", "truecolor")], (Many, Unicode)),
            ("sixteen", &[("TERM", "xterm"), ("LANG", "de_DE.utf8")], (Sixteen, Unicode)),
            ("no colour", &[("TERM", "xterm-256color"), ("NO_COLOR", "1")], (None, Unicode)),
            ("empty NO_COLOR", &[("TERM", "xterm-256color"), ("NO_COLOR", "")], (Many, Unicode)),
            ("the Linux console", &[("TERM", "linux")], (Sixteen, Ascii)),
            ("dumb", &[("TERM", "dumb")], (None, Ascii)),
            ("asked for", &[("TERM", "xterm-256color"), ("EVENKEEL_ASCII", "1")], (Many, Ascii)),
            ("asked not to", &[("TERM", "xterm-256color"), ("EVENKEEL_ASCII", "0")], (Many, Unicode)),
            (
                "Latin-1",
                &[("TERM", "xterm"), ("LC_ALL", "de_DE.ISO-8859-1"), ("LANG", "C.UTF-8")],
                (Sixteen, Ascii),
            ),
            ("POSIX", &[("TERM", "xterm"), ("LANG", "C")], (Sixteen, Ascii)),
            ("nothing", &[], (Sixteen, Unicode)),
        ] {
            assert_eq!(chosen(variables), wanted, "{what}");
        }
    }

    #[test]
    fn without_colour_there_is_none() {
        let theme = Theme { colours: Colours::None, glyphs: Glyphs::Unicode };
        for role in [
            Role::Text,
            Role::Faint,
            Role::Strong,
            Role::Accent,
            Role::Good,
            Role::Warning,
            Role::Alarm,
            Role::Selected,
            Role::Field,
        ] {
            let style = theme.style(role);
            assert_eq!((style.fg, style.bg, style.underline_color), (None, None, None), "{role:?}");
        }
    }

    #[test]
    fn ascii_leaves_nothing_else() {
        let mut buffer = Buffer::with_lines(["a─…→▁█日本é◐"]);
        let theme = Theme { colours: Colours::None, glyphs: Glyphs::Ascii };
        theme.fit(&mut buffer);
        assert!(buffer.content.iter().all(|cell| cell.symbol().is_ascii()));
    }
}
