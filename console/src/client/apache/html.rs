//! What matters of a page's HTML, in the order in which it stands there: headings, notes, rows of tables and fields of
//! forms. Read by the rules of browsers, so that a page that no rule of grammar fits is read too.

use html5gum::{StartTag, Token, Tokenizer};

/// The longest text of one piece, in bytes; what is longer is of no use here.
const LONGEST: usize = 4096;

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// The title, or a heading, with where it leads.
    Heading(Cell),
    /// A note: an entry of a list of definitions.
    Note(String),
    /// The beginning of a table, which may stand in a cell of another one.
    Table,
    /// A row of a table.
    Row(Vec<Cell>),
    /// The end of a table.
    TableEnd,
    /// The beginning of a form: is it posted?
    Form(bool),
    /// A field of a form, or one of the choices of a field: its name and value.
    Field(Field),
    /// The end of the document.
    End,
}

/// One cell of a row, or a heading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Cell {
    /// Is it the heading of a column?
    pub(super) heads: bool,
    /// What stands in it, blanks gathered.
    pub(super) text: String,
    /// Where its first link leads.
    pub(super) link: Option<String>,
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// What it is called when it is sent.
    pub(super) name: String,
    /// As it is written: `text`, `password`, `radio`; `select` for a choice.
    pub(super) kind: String,
    /// Its value.
    pub(super) value: String,
}

/// All pieces of a page.
pub(super) fn pieces(bytes: &[u8]) -> Vec<Piece> {
    let text = decoded(bytes);
    let mut reader = Reader::default();
    for Ok(token) in Tokenizer::new(text.as_str()) {
        match token {
            Token::StartTag(tag) => reader.start(&tag),
            Token::EndTag(tag) => reader.end(&tag.name),
            Token::String(text) => reader.text(&text),
            _ => {}
        }
    }
    reader.end_row();
    reader.pieces
}

/// The pages say that they are of ISO 8859-1, and carry whatever stands in the configuration.
fn decoded(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

#[derive(Debug, Default)]
struct Reader {
    pieces: Vec<Piece>,
    /// The row that has begun.
    row: Option<Vec<Cell>>,
    /// The heading, note or cell that has begun.
    open: Option<(Open, Cell)>,
    /// The choice that has begun.
    select: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Heading,
    Note,
    Cell,
}

impl Reader {
    fn start(&mut self, tag: &StartTag<()>) {
        let attribute =
            |name: &[u8]| tag.attributes.get(name).map(|value| String::from_utf8_lossy(value).into_owned());
        match tag.name.as_slice() {
            b"title" | b"h1" | b"h2" | b"h3" => self.open(Open::Heading, false),
            b"dt" => self.open(Open::Note, false),
            b"table" => {
                self.end_row();
                self.pieces.push(Piece::Table);
            }
            b"tr" => {
                self.end_row();
                self.row = Some(Vec::new());
            }
            b"td" | b"th" if self.row.is_some() => self.open(Open::Cell, tag.name.as_slice() == b"th"),
            b"a" => {
                if let Some((_, cell)) = self.open.as_mut().filter(|(_, cell)| cell.link.is_none()) {
                    cell.link = attribute(b"href").filter(|link| link.len() <= LONGEST);
                }
            }
            b"form" => {
                let method = attribute(b"method").unwrap_or_default();
                self.pieces.push(Piece::Form(method.eq_ignore_ascii_case("post")));
            }
            b"select" => self.select = attribute(b"name").unwrap_or_default(),
            b"option" => {
                let (name, value) = (self.select.clone(), attribute(b"value").unwrap_or_default());
                self.field(Field { name, kind: "select".to_owned(), value });
            }
            b"input" => {
                let [name, kind, value] =
                    [&b"name"[..], b"type", b"value"].map(|known| attribute(known).unwrap_or_default());
                self.field(Field { name, kind: kind.to_ascii_lowercase(), value });
            }
            _ => {}
        }
    }

    fn field(&mut self, field: Field) {
        if field.name.len() + field.value.len() <= LONGEST {
            self.pieces.push(Piece::Field(field));
        }
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"title" | b"h1" | b"h2" | b"h3" | b"dt" | b"td" | b"th" => self.close(),
            b"tr" => self.end_row(),
            b"table" => {
                self.end_row();
                self.pieces.push(Piece::TableEnd);
            }
            b"select" => self.select.clear(),
            b"html" => self.pieces.push(Piece::End),
            _ => {}
        }
    }

    fn text(&mut self, text: &[u8]) {
        let Some((_, cell)) = &mut self.open else { return };
        if cell.text.len() + text.len() <= LONGEST {
            cell.text.push_str(&String::from_utf8_lossy(text));
        }
    }

    fn open(&mut self, what: Open, heads: bool) {
        self.close();
        self.open = Some((what, Cell { heads, ..Cell::default() }));
    }

    fn close(&mut self) {
        let Some((what, mut cell)) = self.open.take() else { return };
        cell.text = cell.text.split_whitespace().collect::<Vec<_>>().join(" ");
        match what {
            Open::Heading => self.pieces.push(Piece::Heading(cell)),
            Open::Note => self.pieces.push(Piece::Note(cell.text)),
            Open::Cell => self.row.get_or_insert_default().push(cell),
        }
    }

    fn end_row(&mut self) {
        self.close();
        if let Some(row) = self.row.take().filter(|row| !row.is_empty()) {
            self.pieces.push(Piece::Row(row));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_links_and_fields_are_found_however_tags_are_closed() {
        let page = b"<h1>A &amp; B</h1><dl><dt>One\n two</dt></dl><table><tr><th>X<th>Y</tr>\n<tr><td> (None) \
            </td><td><a href='/p?b=x&amp;w=h&nonce=1'>h</a></table><form METHOD=post><input name=w_lf type=TEXT \
            value='1.00'><select name='m'><option value='a' selected >a\n<option value=b></select></html>";
        let cell = |heads, text: &str, link: Option<&str>| Cell {
            heads,
            text: text.to_owned(),
            link: link.map(str::to_owned),
        };
        let field = |name: &str, kind: &str, value: &str| {
            Piece::Field(Field { name: name.to_owned(), kind: kind.to_owned(), value: value.to_owned() })
        };
        assert_eq!(
            pieces(page),
            [
                Piece::Heading(cell(false, "A & B", None)),
                Piece::Note("One two".to_owned()),
                Piece::Table,
                Piece::Row(vec![cell(true, "X", None), cell(true, "Y", None)]),
                Piece::Row(vec![cell(false, "(None)", None), cell(false, "h", Some("/p?b=x&w=h&nonce=1"))]),
                Piece::TableEnd,
                Piece::Form(true),
                field("w_lf", "text", "1.00"),
                field("m", "select", "a"),
                field("m", "select", "b"),
                Piece::End,
            ]
        );
    }

    #[test]
    fn a_table_in_a_cell_has_rows_of_its_own() {
        let row = |texts: &[&str]| {
            let cell = |text: &&str| Cell { text: (*text).to_owned(), ..Cell::default() };
            Piece::Row(texts.iter().map(cell).collect())
        };
        assert_eq!(
            pieces(b"<table><tr><td>A<td><table><tr><td>B</table></tr><tr><td>C</tr></table>"),
            [
                Piece::Table,
                row(&["A", ""]),
                Piece::Table,
                row(&["B"]),
                Piece::TableEnd,
                row(&["C"]),
                Piece::TableEnd,
            ]
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_to_their_end(bytes in proptest::collection::vec(0u8.., 0..400)) {
            let _ = pieces(&bytes);
        }

        #[test]
        fn any_soup_of_tags_is_read_to_its_end(
            tags in proptest::collection::vec("<(/)?(tr|td|table|h3|a|form|select|option|input)( [a-z]=[a-z'\"]?)?>", 0..60)
        ) {
            let _ = pieces(tags.concat().as_bytes());
        }
    }
}
