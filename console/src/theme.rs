//! Roles, not colours: what a piece of the screen means decides how it looks. The terminal's own colours stay for
//! text and background, so that dark and light ones both work; nothing is told by colour alone.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
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
    /// The word that says that changes can be made from here.
    Armed,
}

/// How many colours there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// All of them.
    True,
    /// 256.
    Many,
    /// The sixteen of old.
    Sixteen,
    /// None: attributes only.
    None,
}

/// What lies behind the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Nobody said: colours that can be read on either.
    Unknown,
    /// Something dark.
    Dark,
    /// Something light.
    Light,
}

/// Which characters there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// Any.
    Unicode,
    /// ASCII only.
    Ascii,
}

/// What the operator asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wish {
    /// Whatever the environment says.
    #[default]
    Auto,
    /// For a dark background.
    Dark,
    /// For a light background.
    Light,
    /// Without colours.
    Mono,
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
    /// `COLORFGBG`, as some terminals tell their two colours.
    pub ground: Option<String>,
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
            ground: set("COLORFGBG"),
            ascii: set("EVENKEEL_ASCII"),
            locale: set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")),
        }
    }

    /// The last number of `15;default;0` is the background; 7 and those from 9 on are light.
    fn told_ground(&self) -> Ground {
        let last = self.ground.as_deref().and_then(|text| text.rsplit(';').next()?.parse::<u8>().ok());
        match last {
            None => Ground::Unknown,
            Some(7 | 9..=15) => Ground::Light,
            Some(_) => Ground::Dark,
        }
    }
}

/// How roles look on this terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// The colours.
    pub colours: Colours,
    /// What they stand on.
    pub ground: Ground,
    /// The characters.
    pub glyphs: Glyphs,
}

/// One colour for each kind of terminal.
struct Paint {
    exact: (u8, u8, u8),
    nearest: u8,
    old: Color,
}

const fn paint(exact: (u8, u8, u8), nearest: u8, old: Color) -> Paint {
    Paint { exact, nearest, old }
}

/// The colours of the roles that have one. Good, warning and alarm differ in lightness and along the axis from blue to
/// yellow, so that they can be told apart without red and green.
fn colour(role: Role, ground: Ground) -> Option<Paint> {
    use Ground::{Dark, Light, Unknown};
    Some(match (role, ground) {
        (Role::Faint, Dark) => paint((139, 146, 156), 245, Color::Reset),
        (Role::Faint, Light) => paint((95, 102, 112), 241, Color::Reset),
        (Role::Faint, Unknown) => paint((128, 128, 128), 244, Color::Reset),
        (Role::Accent, Dark) => paint((97, 175, 239), 75, Color::Cyan),
        (Role::Accent, Light) => paint((0, 95, 175), 25, Color::Blue),
        (Role::Accent, Unknown) => paint((0, 135, 215), 32, Color::Cyan),
        (Role::Good, Dark) => paint((86, 190, 160), 73, Color::Green),
        (Role::Good, Light) => paint((0, 115, 95), 29, Color::Green),
        (Role::Good, Unknown) => paint((0, 160, 120), 36, Color::Green),
        (Role::Warning, Dark) => paint((229, 181, 80), 179, Color::Yellow),
        (Role::Warning, Light) => paint((140, 90, 0), 94, Color::Yellow),
        (Role::Warning, Unknown) => paint((175, 135, 0), 136, Color::Yellow),
        (Role::Alarm, Dark) => paint((245, 120, 98), 209, Color::Red),
        (Role::Alarm, Light) => paint((180, 45, 15), 130, Color::Red),
        (Role::Alarm, Unknown) => paint((215, 95, 70), 167, Color::Red),
        _ => return None,
    })
}

impl Theme {
    /// The best that the terminal can show of what is wished for. A locale that is not set is taken for UTF-8, as most
    /// terminals are. `NO_COLOR` holds unless a theme with colours is asked for by name.
    pub fn choose(environment: &Environment, wish: Wish) -> Self {
        let term = environment.term.as_deref().unwrap_or_default();
        let exact = environment.colorterm.as_deref().is_some_and(|it| it == "truecolor" || it == "24bit")
            || term.contains("direct");
        let many = term.contains("256color")
            || ["kitty", "alacritty", "ghostty", "wezterm", "foot"].iter().any(|name| term.contains(name))
            || environment.colorterm.is_some();
        let asked = matches!(wish, Wish::Dark | Wish::Light);
        let none = wish == Wish::Mono
            || environment.no_color.is_some() && !asked
            || term == "dumb"
            || term.starts_with("vt");
        let colours = match () {
            () if none => Colours::None,
            () if term == "linux" => Colours::Sixteen,
            () if exact => Colours::True,
            () if many => Colours::Many,
            () => Colours::Sixteen,
        };
        let utf8 = environment.locale.as_deref().is_none_or(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        let ascii = environment.ascii.as_deref().is_some_and(|value| value != "0")
            || matches!(term, "linux" | "dumb")
            || term.starts_with("vt")
            || !utf8;
        let ground = match wish {
            Wish::Dark => Ground::Dark,
            Wish::Light => Ground::Light,
            Wish::Auto | Wish::Mono => environment.told_ground(),
        };
        Self { colours, ground, glyphs: if ascii { Glyphs::Ascii } else { Glyphs::Unicode } }
    }

    /// The same with ASCII only.
    #[must_use]
    pub fn in_ascii(self) -> Self {
        Self { glyphs: Glyphs::Ascii, ..self }
    }

    /// How `role` looks.
    pub fn style(self, role: Role) -> Style {
        let style = match role {
            Role::Strong | Role::Warning | Role::Alarm | Role::Armed => {
                Style::new().add_modifier(Modifier::BOLD)
            }
            Role::Field => Style::new().add_modifier(Modifier::UNDERLINED),
            _ => Style::new(),
        };
        match (role, self.colours) {
            (Role::Selected, _) => self.selected(),
            (Role::Armed, Colours::None) => style.add_modifier(Modifier::REVERSED),
            (Role::Armed, Colours::Sixteen) => style.fg(Color::Black).bg(Color::Yellow),
            (Role::Armed, _) => style.fg(Color::Indexed(16)).bg(Color::Indexed(214)),
            (Role::Accent, Colours::None) => style.add_modifier(Modifier::BOLD),
            (Role::Alarm, Colours::None) => style.add_modifier(Modifier::UNDERLINED),
            (Role::Faint, Colours::None | Colours::Sixteen) => style.add_modifier(Modifier::DIM),
            (_, Colours::None) => style,
            (role, colours) => match colour(role, self.ground) {
                None => style,
                Some(paint) => style.fg(match colours {
                    Colours::True => Color::Rgb(paint.exact.0, paint.exact.1, paint.exact.2),
                    Colours::Many => Color::Indexed(paint.nearest),
                    Colours::Sixteen | Colours::None => paint.old,
                }),
            },
        }
    }

    fn selected(self) -> Style {
        let exact = self.colours == Colours::True;
        let behind = |(r, g, b), nearest| {
            Style::new().bg(if exact { Color::Rgb(r, g, b) } else { Color::Indexed(nearest) })
        };
        match (self.colours, self.ground) {
            (Colours::None, _) => Style::new().add_modifier(Modifier::REVERSED),
            // One colour for the whole line, whatever its parts have.
            (Colours::Sixteen, _) => {
                Style::new().fg(Color::Reset).bg(Color::Reset).add_modifier(Modifier::REVERSED)
            }
            (_, Ground::Dark) => behind((42, 50, 62), 237).add_modifier(Modifier::BOLD),
            (_, Ground::Light) => behind((220, 228, 238), 254).add_modifier(Modifier::BOLD),
            (_, Ground::Unknown) => {
                let both = Style::new().bg(Color::Indexed(24)).fg(Color::Indexed(231));
                both.add_modifier(Modifier::BOLD)
            }
        }
    }

    /// Shows that the line in `area` is under the cursor. Where its parts keep their colours, those without one are
    /// given one: what the terminal has of its own may not be readable on ours.
    pub fn select(self, buffer: &mut Buffer, area: Rect) {
        buffer.set_style(area, self.style(Role::Selected));
        let text = match (self.colours, self.ground) {
            (Colours::True | Colours::Many, Ground::Dark) => Color::Indexed(255),
            (Colours::True | Colours::Many, Ground::Light) => Color::Indexed(16),
            _ => return,
        };
        for at in area.positions() {
            if let Some(cell) = buffer.cell_mut(at).filter(|cell| cell.fg == Color::Reset) {
                cell.set_fg(text);
            }
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
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '●' | '▆' | '✓' => '+',
        '…' | '◐' => '~',
        '→' | '▸' | '›' => '>',
        '·' | '▂' => '.',
        '○' => 'o',
        '■' | '█' => '#',
        '▲' => '!',
        '▁' => '_',
        '▃' => ':',
        '▅' | '━' => '=',
        '▇' | '×' | '◆' => '*',
        '≠' => '/',
        '▀' => '"',
        '↻' => '@',
        '↑' | '▴' => '^',
        '↓' | '▾' | '▽' => 'v',
        '▼' => 'V',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(variables: &[(&str, &str)]) -> (Colours, Glyphs) {
        let theme = wished(variables, Wish::Auto);
        (theme.colours, theme.glyphs)
    }

    fn wished(variables: &[(&str, &str)], wish: Wish) -> Theme {
        let environment = Environment::read(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        });
        Theme::choose(&environment, wish)
    }

    #[test]
    fn the_ground_is_wished_told_or_unknown() {
        let told = [("TERM", "xterm"), ("COLORFGBG", "0;15")];
        for (what, variables, wish, ground) in [
            ("nobody says", &told[..1], Wish::Auto, Ground::Unknown),
            ("the terminal says light", &told, Wish::Auto, Ground::Light),
            ("the operator knows better", &told, Wish::Dark, Ground::Dark),
            ("dark", &[("COLORFGBG", "15;default;0")], Wish::Auto, Ground::Dark),
            ("nonsense", &[("COLORFGBG", "x")], Wish::Auto, Ground::Unknown),
            ("light", &[], Wish::Light, Ground::Light),
        ] {
            assert_eq!(wished(variables, wish).ground, ground, "{what}");
        }
        let no_color = [("TERM", "xterm-256color"), ("NO_COLOR", "1")];
        assert_eq!(wished(&no_color, Wish::Mono).colours, Colours::None);
        assert_eq!(wished(&no_color, Wish::Dark).colours, Colours::Many, "asked for by name");
    }

    /// Relative luminance as the guidelines for readable text define it.
    fn luminance((r, g, b): (u8, u8, u8)) -> f64 {
        let linear = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }

    #[test]
    fn colours_can_be_read_on_their_ground() {
        let contrast = |a: f64, b: f64| (a.max(b) + 0.05) / (a.min(b) + 0.05);
        let (black, white) = (luminance((22, 24, 26)), luminance((253, 253, 250)));
        for role in [Role::Faint, Role::Accent, Role::Good, Role::Warning, Role::Alarm] {
            for (ground, least, behind) in [
                (Ground::Dark, 4.5, vec![black]),
                (Ground::Light, 4.5, vec![white]),
                (Ground::Unknown, 2.5, vec![black, white]),
            ] {
                let exact = luminance(colour(role, ground).unwrap().exact);
                for behind in behind {
                    let found = contrast(exact, behind);
                    assert!(found >= least, "{role:?} on {ground:?}: {found:.2}");
                }
            }
        }
    }

    /// The sources of what is drawn, without their tests.
    fn drawing(folder: &std::path::Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let drawn = entries.filter(|path| !path.file_stem().is_some_and(|it| it == "tests"));
        let sources = drawn.flat_map(|path| {
            if path.is_dir() {
                return drawing(&path);
            }
            let is_source = path.extension().is_some_and(|it| it == "rs");
            let text = is_source.then(|| std::fs::read_to_string(&path).unwrap());
            text.iter().filter_map(|text| text.split("#[cfg(test)]").next()).map(str::to_owned).collect()
        });
        sources.collect()
    }

    #[test]
    fn every_glyph_that_is_drawn_has_one_in_ascii() {
        let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = 0;
        for text in ["view", "widget", "model"].iter().flat_map(|room| drawing(&source.join(room))) {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for glyph in code.flat_map(str::chars).filter(|c| !c.is_ascii()) {
                assert_ne!(ascii(glyph), '?', "{glyph}");
                found += 1;
            }
        }
        assert!(found > 50, "{found}");
    }

    #[test]
    fn the_marks_of_events_differ_in_ascii() {
        let mut marks: Vec<char> = "●■→▲○↻▼×…▽".chars().map(ascii).collect();
        marks.sort_unstable();
        marks.dedup();
        assert_eq!(marks.len(), 10);
    }

    #[test]
    fn the_environment_decides() {
        use Colours::{Many, None, Sixteen, True};
        use Glyphs::{Ascii, Unicode};
        for (what, variables, wanted) in [
            ("a terminal of today", &[("TERM", "xterm-256color"), ("LANG", "C.UTF-8")][..], (Many, Unicode)),
            ("no locale", &[("TERM", "xterm-256color")], (Many, Unicode)),
            ("true colour", &[("TERM", "xterm"), ("COLORTERM", "truecolor")], (True, Unicode)),
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
        let theme = Theme { colours: Colours::None, ground: Ground::Dark, glyphs: Glyphs::Unicode };
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
            Role::Armed,
        ] {
            let style = theme.style(role);
            assert_eq!((style.fg, style.bg, style.underline_color), (None, None, None), "{role:?}");
        }
    }

    #[test]
    fn ascii_leaves_nothing_else() {
        let mut buffer = Buffer::with_lines(["a─…→▁█日本é◐"]);
        let theme = Theme { colours: Colours::None, ground: Ground::Dark, glyphs: Glyphs::Ascii };
        theme.fit(&mut buffer);
        assert!(buffer.content.iter().all(|cell| cell.symbol().is_ascii()));
    }
}
