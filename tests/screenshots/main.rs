//! Makes the pictures in `screenshots/`: plays each scene with the real programs and writes what the screen
//! shows, as a picture and as text. Its test plays them again and compares the text.

mod mixed;
mod painter;
mod scenes;

use std::fs;

use anyhow::{Context, Result};
use harness::binaries::workspace;

use painter::Painter;
use scenes::{Pace, play};

fn main() -> Result<()> {
    let folder = workspace().join("screenshots");
    fs::create_dir_all(&folder)?;
    let painter = Painter::new()?;
    for shot in play(Pace::Live) {
        painter.write(&shot.picture, &folder.join(format!("{}.png", shot.name)))?;
        let text = folder.join(format!("{}.txt", shot.name));
        fs::write(&text, shot.text).with_context(|| text.display().to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_show_what_the_program_shows() {
        let folder = workspace().join("screenshots");
        let stale: Vec<String> = play(Pace::Quick)
            .into_iter()
            .filter_map(|shot| {
                let there = fs::read_to_string(folder.join(format!("{}.txt", shot.name))).unwrap_or_default();
                let differs = there != shot.text;
                differs.then(|| format!("--- {}.txt\n{there}--- now\n{}", shot.name, shot.text))
            })
            .collect();
        assert!(
            stale.is_empty(),
            "refresh the pictures with: cargo run -p evenkeel-tests --bin screenshots\n{}",
            stale.join("\n")
        );
    }
}
