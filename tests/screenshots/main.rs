//! Makes the pictures in `screenshots/`: plays each scene with the real programs and writes what the screen
//! shows, as a picture and as text. Its test plays them again and compares the text.

mod painter;

use harness::frame::Frame;
fn main() -> anyhow::Result<()> {
    let p = painter::Painter::new()?;
    let f = Frame::plain(
        "┌─ Evenkeel ─────┐\n│ ▁▂▃▄▅▆▇█ ⣿⡇⠁⣀ │ ╔═╗ ┏━┓\n│ Ok ● ✓ → ▲ gjy │ ╚═╝ ┗━┛\n╰────────────────╯ ░▒▓ ▖▚▟",
    );
    p.write(&f, std::path::Path::new("/tmp/p.png"))
}
