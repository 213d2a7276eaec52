//! The options of the screen: what can be typed where no command is.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::pace::Pace;

/// How the screen opens and looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
#[command(next_help_heading = "Options of the screen")]
pub struct ScreenOptions {
    /// Open for changes at once; otherwise it opens locked, and L unlocks it
    #[arg(long)]
    pub write: bool,
    /// Lock again after so long without a key, as 90s, 10m or 2h; 0 is never
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = time)]
    pub lock_after: Duration,
    /// How often the proxy is asked, from 100ms to 10s; + and - change it
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = Pace::parse)]
    pub interval: Pace,
    /// Colours for which background
    #[arg(long, value_enum, value_name = "NAME", default_value_t = ThemeName::Auto)]
    pub theme: ThemeName,
    /// Draw with ASCII only
    #[arg(long)]
    pub ascii: bool,
    /// Take the mouse: a click chooses a member, the wheel scrolls; M turns it on and off
    #[arg(long)]
    pub mouse: bool,
}

/// What `--theme` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ThemeName {
    /// What the terminal tells, else colours that can be read on either
    Auto,
    /// For a dark background
    Dark,
    /// For a light background
    Light,
    /// Without colours
    Mono,
}

impl Default for ScreenOptions {
    fn default() -> Self {
        Self {
            write: false,
            lock_after: Duration::from_secs(600),
            interval: Pace::default(),
            theme: ThemeName::Auto,
            ascii: false,
            mouse: false,
        }
    }
}

fn time(text: &str) -> Result<Duration, &'static str> {
    const RULE: &str = "must be a time such as 90s, 10m or 2h, or 0 for never";
    let (digits, unit) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(digits) => (digits, text.get(digits.len()..).unwrap_or_default()),
        None => (text, "s"),
    };
    let number: u64 = digits.parse().map_err(|_| RULE)?;
    let seconds = number.checked_mul(match unit {
        "h" => 3600,
        "m" => 60,
        _ => 1,
    });
    seconds.filter(|seconds| *seconds <= 31_536_000).map(Duration::from_secs).ok_or(RULE)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn options_have_their_defaults_and_bounds() {
        let options = |line: &str| {
            let words = std::iter::once("evenkeel").chain(line.split_whitespace());
            Cli::try_parse_from(words).map(|cli| cli.screen)
        };
        assert_eq!(options("").unwrap(), ScreenOptions::default());
        let all = options("--write --lock-after 2h --theme light --ascii --mouse").unwrap();
        assert_eq!(
            (all.write, all.lock_after, all.theme),
            (true, Duration::from_secs(7200), ThemeName::Light)
        );
        assert_eq!(options("--lock-after 0").unwrap().lock_after, Duration::ZERO);
        assert_eq!(options("--interval 500ms").unwrap().interval.to_string(), "500 ms");
        for wrong in [
            "--interval 11s",
            "--interval 5",
            "--lock-after x",
            "--lock-after 9999999999999h",
            "--theme pink",
            "--lock-after -1s",
        ] {
            assert!(options(wrong).is_err(), "{wrong}");
        }
    }
}
