//! Paints a frame as PNG: letters with a bundled font, lines, blocks and braille dots by hand so that they meet.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "pictures have some thousand pixels, colours are bytes"
)]

use std::path::Path;

use anyhow::{Context, Result};
use fontdue::{Font, FontSettings};
use harness::frame::{Cell, Frame};
use unicode_width::UnicodeWidthStr;
use vt100::Color;

/// The size of a cell in pixels. Even numbers, so that halves of a cell are whole pixels.
const WIDTH: usize = 10;
const HEIGHT: usize = 20;
/// The size of the letters, chosen so that one advances by the width of a cell.
const EM: f32 = 16.6;
/// Where letters stand, from the top of a cell.
const BASELINE: i32 = 16;
/// Pixels around the screen.
const MARGIN: usize = 8;

type Rgb = [u8; 3];

const PAPER: Rgb = [0x16, 0x18, 0x1d];
const INK: Rgb = [0xd6, 0xd9, 0xdf];
/// The sixteen colours that a terminal names.
const NAMED: [Rgb; 16] = [
    [0x2b, 0x2e, 0x36],
    [0xe0, 0x5a, 0x5a],
    [0x7f, 0xb8, 0x5e],
    [0xdd, 0xa8, 0x3c],
    [0x5b, 0x9d, 0xe0],
    [0xb8, 0x7f, 0xd9],
    [0x4d, 0xb5, 0xb0],
    [0xc3, 0xc7, 0xcf],
    [0x74, 0x79, 0x84],
    [0xf2, 0x7d, 0x7d],
    [0x9d, 0xd4, 0x7b],
    [0xf0, 0xc6, 0x5f],
    [0x82, 0xb8, 0xf2],
    [0xd0, 0xa1, 0xee],
    [0x6f, 0xd3, 0xcd],
    [0xf2, 0xf4, 0xf7],
];

/// The two weights of the bundled font.
pub(crate) struct Painter {
    regular: Font,
    bold: Font,
}

impl Painter {
    /// Reads the fonts that are compiled in.
    pub(crate) fn new() -> Result<Self> {
        let font =
            |bytes: &[u8]| Font::from_bytes(bytes, FontSettings::default()).map_err(anyhow::Error::msg);
        Ok(Self {
            regular: font(include_bytes!("fonts/DejaVuSansMono.ttf"))?,
            bold: font(include_bytes!("fonts/DejaVuSansMono-Bold.ttf"))?,
        })
    }

    /// Writes `frame` as a picture.
    pub(crate) fn write(&self, frame: &Frame, path: &Path) -> Result<()> {
        let canvas = self.paint(frame);
        let file = std::fs::File::create(path).with_context(|| path.display().to_string())?;
        let (width, height) = (u32::try_from(canvas.width)?, u32::try_from(canvas.height)?);
        let mut encoder = png::Encoder::new(std::io::BufWriter::new(file), width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        // Large even areas: what lies above or to the left predicts nothing that a repeat does not.
        encoder.set_filter(png::Filter::NoFilter);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(canvas.pixels.as_flattened())?;
        writer.finish()?;
        Ok(())
    }

    fn paint(&self, frame: &Frame) -> Canvas {
        let mut canvas =
            Canvas::new(frame.columns() * WIDTH + 2 * MARGIN, frame.rows.len() * HEIGHT + 2 * MARGIN);
        for (row, cells) in frame.rows.iter().enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                let (mut ink, mut paper) = colours(cell);
                if frame.cursor == Some((row, column)) {
                    std::mem::swap(&mut ink, &mut paper);
                }
                let area = Area { left: MARGIN + column * WIDTH, top: MARGIN + row * HEIGHT };
                // The second half of a wide character has no text; the first half paints its paper.
                let columns = if cell.wide { 2 } else { 1 };
                let is_second_half = column > 0 && cells[column - 1].wide;
                if !is_second_half {
                    canvas.fill(&area, [0, 0, WIDTH * columns, HEIGHT], paper);
                    self.symbol(&mut canvas, &area, cell, ink);
                }
                if cell.underline {
                    canvas.fill(&area, [0, HEIGHT - 2, WIDTH, 1], ink);
                }
            }
        }
        canvas
    }

    fn symbol(&self, canvas: &mut Canvas, area: &Area, cell: &Cell, ink: Rgb) {
        for c in cell.text.chars() {
            let drawn =
                block(canvas, area, c, ink) || braille(canvas, area, c, ink) || line(canvas, area, c, ink);
            if !drawn && c != ' ' {
                self.letter(canvas, area, cell, c, ink);
            }
        }
    }

    fn letter(&self, canvas: &mut Canvas, area: &Area, cell: &Cell, c: char, ink: Rgb) {
        let font = if cell.bold { &self.bold } else { &self.regular };
        let (metrics, coverage) = font.rasterize(c, EM);
        let columns = cell.text.width().max(1);
        // Letters that are wider than their cell are the font's replacement or symbols: centred.
        let advance = metrics.advance_width.round() as i32;
        let shift = ((WIDTH * columns) as i32 - advance) / 2;
        let left = metrics.xmin + shift.min(0) + if columns > 1 { shift.max(0) } else { 0 };
        let top = BASELINE - metrics.height as i32 - metrics.ymin;
        for (index, coverage) in coverage.iter().enumerate() {
            let x = left + (index % metrics.width) as i32;
            let y = top + (index / metrics.width) as i32;
            canvas.blend(area, x, y, ink, *coverage);
        }
    }
}

/// Ink and paper of a cell.
fn colours(cell: &Cell) -> (Rgb, Rgb) {
    let mut ink = rgb(cell.foreground, INK);
    let mut paper = rgb(cell.background, PAPER);
    if cell.inverse {
        std::mem::swap(&mut ink, &mut paper);
    }
    if cell.dim {
        ink = std::array::from_fn(|i| ((u16::from(ink[i]) * 3 + u16::from(paper[i]) * 2) / 5) as u8);
    }
    (ink, paper)
}

fn rgb(colour: Color, default: Rgb) -> Rgb {
    match colour {
        Color::Default => default,
        Color::Rgb(r, g, b) => [r, g, b],
        Color::Idx(index @ 0..=15) => NAMED[usize::from(index)],
        // The cube of six steps a colour, and the greys behind it, as xterm has them.
        Color::Idx(index @ 16..=231) => {
            let step = |number: u8| if number == 0 { 0 } else { 55 + 40 * number };
            let index = index - 16;
            [step(index / 36), step(index / 6 % 6), step(index % 6)]
        }
        Color::Idx(index) => [8 + 10 * (index - 232); 3],
    }
}

/// A cell's place.
struct Area {
    left: usize,
    top: usize,
}

/// Pixels.
struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Rgb>,
}

impl Canvas {
    fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![PAPER; width * height] }
    }

    /// Fills left, top, width and height within a cell.
    fn fill(&mut self, area: &Area, [left, top, width, height]: [usize; 4], colour: Rgb) {
        for y in area.top + top..area.top + top + height {
            let start = y * self.width + area.left + left;
            if let Some(pixels) = self.pixels.get_mut(start..start + width) {
                pixels.fill(colour);
            }
        }
    }

    fn blend(&mut self, area: &Area, x: i32, y: i32, ink: Rgb, coverage: u8) {
        let (Ok(x), Ok(y)) = (usize::try_from(area.left as i32 + x), usize::try_from(area.top as i32 + y))
        else {
            return;
        };
        if x >= self.width || y >= self.height {
            return;
        }
        let pixel = &mut self.pixels[y * self.width + x];
        let share = u16::from(coverage);
        for (under, over) in pixel.iter_mut().zip(ink) {
            *under = ((u16::from(*under) * (255 - share) + u16::from(over) * share) / 255) as u8;
        }
    }
}

/// Block elements: eighths from below and from the left, shades, and quadrants. False if `c` is none.
fn block(canvas: &mut Canvas, area: &Area, c: char, ink: Rgb) -> bool {
    let (half_width, half_height) = (WIDTH / 2, HEIGHT / 2);
    let eighth = |number: usize, of: usize| (of * number + 4) / 8;
    match c {
        '▀' => canvas.fill(area, [0, 0, WIDTH, half_height], ink),
        '▁'..='█' => {
            let height = eighth(c as usize - 0x2580, HEIGHT);
            canvas.fill(area, [0, HEIGHT - height, WIDTH, height], ink);
        }
        '▉'..='▏' => canvas.fill(area, [0, 0, eighth(0x2590 - c as usize, WIDTH), HEIGHT], ink),
        '▐' => canvas.fill(area, [half_width, 0, half_width, HEIGHT], ink),
        '░' | '▒' | '▓' => {
            let share = 64 * (c as usize - 0x2590);
            for index in 0..WIDTH * HEIGHT {
                canvas.blend(area, (index % WIDTH) as i32, (index / WIDTH) as i32, ink, share as u8);
            }
        }
        '▔' => canvas.fill(area, [0, 0, WIDTH, eighth(1, HEIGHT)], ink),
        '▕' => canvas.fill(area, [WIDTH - 1, 0, 1, HEIGHT], ink),
        '▖'..='▟' => {
            // Upper left, upper right, lower left, lower right.
            const QUADRANTS: [u8; 10] =
                [0b0010, 0b0001, 0b1000, 0b1011, 0b1001, 0b1110, 0b1101, 0b0100, 0b0110, 0b0111];
            let set = QUADRANTS[c as usize - 0x2596];
            for (bit, left, top) in
                [(8, 0, 0), (4, half_width, 0), (2, 0, half_height), (1, half_width, half_height)]
            {
                if set & bit != 0 {
                    canvas.fill(area, [left, top, half_width, half_height], ink);
                }
            }
        }
        _ => return false,
    }
    true
}

/// Braille: two columns of four dots. False if `c` is none.
fn braille(canvas: &mut Canvas, area: &Area, c: char, ink: Rgb) -> bool {
    const DOTS: [(usize, usize); 8] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)];
    if !('\u{2800}'..='\u{28ff}').contains(&c) {
        return false;
    }
    let set = c as usize - 0x2800;
    for (bit, (column, row)) in DOTS.iter().enumerate() {
        if set & (1 << bit) != 0 {
            canvas.fill(area, [column * WIDTH / 2 + 1, row * HEIGHT / 4 + 1, 3, 3], ink);
        }
    }
    true
}

/// The arms of a box-drawing character: left, right, up, down; 0 none, 1 light, 2 heavy, 3 double.
fn arms(c: char) -> Option<[u8; 4]> {
    Some(match c {
        '─' | '╌' | '┄' | '┈' => [1, 1, 0, 0],
        '━' | '╍' | '┅' | '┉' => [2, 2, 0, 0],
        '│' | '╎' | '┆' | '┊' => [0, 0, 1, 1],
        '┃' | '╏' | '┇' | '┋' => [0, 0, 2, 2],
        '┌' | '╭' => [0, 1, 0, 1],
        '┐' | '╮' => [1, 0, 0, 1],
        '└' | '╰' => [0, 1, 1, 0],
        '┘' | '╯' => [1, 0, 1, 0],
        '├' => [0, 1, 1, 1],
        '┤' => [1, 0, 1, 1],
        '┬' => [1, 1, 0, 1],
        '┴' => [1, 1, 1, 0],
        '┼' => [1, 1, 1, 1],
        '┏' => [0, 2, 0, 2],
        '┓' => [2, 0, 0, 2],
        '┗' => [0, 2, 2, 0],
        '┛' => [2, 0, 2, 0],
        '┣' => [0, 2, 2, 2],
        '┫' => [2, 0, 2, 2],
        '┳' => [2, 2, 0, 2],
        '┻' => [2, 2, 2, 0],
        '╋' => [2, 2, 2, 2],
        '┝' => [0, 2, 1, 1],
        '┥' => [2, 0, 1, 1],
        '┯' => [2, 2, 0, 1],
        '┷' => [2, 2, 1, 0],
        '┿' => [2, 2, 1, 1],
        '═' => [3, 3, 0, 0],
        '║' => [0, 0, 3, 3],
        '╔' => [0, 3, 0, 3],
        '╗' => [3, 0, 0, 3],
        '╚' => [0, 3, 3, 0],
        '╝' => [3, 0, 3, 0],
        '╠' => [0, 3, 3, 3],
        '╣' => [3, 0, 3, 3],
        '╦' => [3, 3, 0, 3],
        '╩' => [3, 3, 3, 0],
        '╬' => [3, 3, 3, 3],
        '╴' => [1, 0, 0, 0],
        '╵' => [0, 0, 1, 0],
        '╶' => [0, 1, 0, 0],
        '╷' => [0, 0, 0, 1],
        '╸' => [2, 0, 0, 0],
        '╺' => [0, 2, 0, 0],
        '╼' => [1, 2, 0, 0],
        '╾' => [2, 1, 0, 0],
        _ => return None,
    })
}

/// Lines of boxes, from edge to edge so that neighbours meet. False if `c` is none.
fn line(canvas: &mut Canvas, area: &Area, c: char, ink: Rgb) -> bool {
    let Some([left, right, up, down]) = arms(c) else { return false };
    let (x, y) = (WIDTH / 2, HEIGHT / 2);
    // Offsets and thicknesses of the strokes of one arm, around the middle.
    let strokes = |arm: u8| -> &[(usize, usize)] {
        match arm {
            1 => &[(0, 1)],
            2 => &[(0, 3)],
            3 => &[(0, 1), (3, 1)],
            _ => &[],
        }
    };
    let start = |arm: u8, middle: usize| if arm == 1 { middle } else { middle - 1 };
    for (offset, thickness) in strokes(left) {
        canvas.fill(area, [0, start(left, y) + offset, x + 1, *thickness], ink);
    }
    for (offset, thickness) in strokes(right) {
        canvas.fill(area, [x, start(right, y) + offset, WIDTH - x, *thickness], ink);
    }
    for (offset, thickness) in strokes(up) {
        canvas.fill(area, [start(up, x) + offset, 0, *thickness, y + 1], ink);
    }
    for (offset, thickness) in strokes(down) {
        canvas.fill(area, [start(down, x) + offset, y, *thickness, HEIGHT - y], ink);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pixels of one cell that differ from the paper.
    fn inked(symbol: &str) -> usize {
        let canvas = Painter::new().unwrap().paint(&Frame::plain(symbol));
        canvas.pixels.iter().filter(|pixel| **pixel != PAPER).count()
    }

    #[test]
    fn blocks_cover_their_share() {
        for (symbol, pixels) in
            [("█", WIDTH * HEIGHT), ("▄", WIDTH * HEIGHT / 2), ("▌", WIDTH * HEIGHT / 2), (" ", 0)]
        {
            assert_eq!(inked(symbol), pixels, "{symbol}");
        }
        assert_eq!(inked("▚"), WIDTH * HEIGHT / 2);
        assert_eq!(inked("⣿"), 8 * 9);
        assert_eq!(inked("⠁"), 9);
    }

    #[test]
    fn lines_run_from_edge_to_edge() {
        assert_eq!(inked("─"), WIDTH);
        assert_eq!(inked("│"), HEIGHT);
        assert_eq!(inked("┼"), WIDTH + HEIGHT - 1);
    }

    #[test]
    fn letters_stay_in_their_cells() {
        for symbol in ["W", "g", "Å", "▲", "●", "→", "✓", "|"] {
            let frame = Frame::plain(&format!(" {symbol} "));
            let canvas = Painter::new().unwrap().paint(&frame);
            let outside = canvas.pixels.iter().enumerate().filter(|(index, pixel)| {
                let (x, y) = (index % canvas.width, index / canvas.width);
                let inside = (MARGIN + WIDTH - 2..MARGIN + 2 * WIDTH + 2).contains(&x)
                    && (MARGIN..MARGIN + HEIGHT).contains(&y);
                **pixel != PAPER && !inside
            });
            assert_eq!(outside.count(), 0, "{symbol}");
            assert!(inked(symbol) > 8, "{symbol}");
        }
    }

    #[test]
    fn the_palette_is_xterms() {
        assert_eq!(rgb(Color::Idx(16), INK), [0, 0, 0]);
        assert_eq!(rgb(Color::Idx(231), INK), [255, 255, 255]);
        assert_eq!(rgb(Color::Idx(208), INK), [255, 135, 0]);
        assert_eq!(rgb(Color::Idx(255), INK), [238, 238, 238]);
    }
}
