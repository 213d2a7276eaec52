//! Takes the terminal as the console does, and panics: shows what is left behind. A test looks at it.

use evenkeel::terminal::Screen;

fn main() -> std::io::Result<()> {
    let mut screen = Screen::take()?;
    screen.paint(|frame| frame.render_widget("about to panic", frame.area()))?;
    #[expect(clippy::panic, reason = "that is what it is for")]
    {
        panic!("on purpose");
    }
}
