//! Rows as files write them: one file a chapter, several classes a file, a few lines a row.
//!
//! ```text
//! class no-last-chunk: what this class is about
//! site upgrade                          for the rows that follow; plain if absent
//!
//! row chunk-extension-is-dropped        unique among all files
//! > POST /{1.1}{chunked}\r\n3;x\r\nabc\r\n0\r\n\r\n      what the client sends; lines are joined
//! < {200}Content-Length: 2\r\n\r\nok    what the member answers, `{ok}` if absent; `<<` begins its next answer
//! @ POST /{M}{chunked}{F}3\r\nabc\r\n0\r\n\r\n           a message that the member gets; `@@` begins the next one
//! = 200 ok                              what the client gets, see below
//! + X-A: b                              stands in what the client gets; `-` does not
//! because httpd and nginx accept it     why we differ from two of the three others
//! ```
//!
//! | `=` | means |
//! | --- | --- |
//! | `refused S` | an answer S and the end of the connection; the member gets no byte |
//! | `passes` | each message is answered `200 ok`, the connection can be used again |
//! | `S`, `S text`, `S ""` | a whole answer S: with any body, with this one, with none; an interim one if S is 1xx |
//! | `S broken` | an answer S whose end visibly never came |
//! | `S fails` | the same, a whole 502, or the end of the connection without an answer |
//! | `maybe S` | an answer S, or none |
//! | `closes`, `usable`, `either` | the connection afterwards; `closes` if absent |
//! | `nothing` | the end of the connection without an answer |
//! | `cut`, `may-cut` | the member got a part of a message (or nothing), and the end of the connection |
//!
//! A text that contains `evil` must reach nobody, unless an `@`, `=` or `+` line says so. Messages are compared
//! line by line; where `Transfer-Encoding` stands and how a body is cut into chunks is left to the proxy.

use std::collections::HashSet;

use super::Site;
use super::text;

/// How the client's connection is after a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It has ended.
    Closes,
    /// Another request can be sent.
    Usable,
    /// Either, as long as it is clear which.
    Either,
}

/// Does the member get a part of a message, and the end of its connection?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// No.
    No,
    /// It does.
    Yes,
    /// It depends on how far the proxy is when it notices.
    May,
}

/// An answer that the client must get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Its status.
    pub status: u16,
    /// Its body, if that matters.
    pub body: Option<String>,
    /// Does it visibly end before its end?
    pub broken: bool,
    /// May it be a whole 502 instead?
    pub or_refused: bool,
    /// May it be missing?
    pub optional: bool,
}

/// One row. Texts are as written, see [`text`].
#[derive(Debug, Clone)]
pub struct Row {
    /// Its name, unique.
    pub id: String,
    /// The class it belongs to.
    pub class: String,
    /// Where it is played.
    pub site: Site,
    /// What the client does.
    pub client: String,
    /// What the member does for each message it gets.
    pub answers: Vec<String>,
    /// The messages that the member gets; if there are none it must get no byte.
    pub messages: Vec<String>,
    /// Does the member get a part of a message, and the end of its connection?
    pub cut: Cut,
    /// What the client gets.
    pub expected: Vec<Expected>,
    /// How its connection is afterwards.
    pub end: End,
    /// What stands in the bytes that it gets.
    pub present: Vec<String>,
    /// What does not.
    pub absent: Vec<String>,
    /// Why we are of another opinion than two of three others.
    pub because: String,
}

impl Row {
    fn new(id: &str, class: &str, site: Site) -> Self {
        Self {
            id: id.to_owned(),
            class: class.to_owned(),
            site,
            client: String::new(),
            answers: Vec::new(),
            messages: Vec::new(),
            cut: Cut::No,
            expected: Vec::new(),
            end: End::Closes,
            present: Vec::new(),
            absent: Vec::new(),
            because: String::new(),
        }
    }

    /// Is the member scripted, and are its messages of no interest?
    pub fn is_about_answers(&self) -> bool {
        !self.answers.is_empty() && self.messages.is_empty()
    }

    /// Does the row's own text say that the member or the client may get `evil`?
    pub fn allows_evil(&self) -> bool {
        let said = self.expected.iter().filter_map(|it| it.body.as_deref());
        let texts = self.messages.iter().map(String::as_str).chain(said);
        texts.chain(self.present.iter().map(String::as_str)).any(|text| text.contains("evil"))
    }

    fn read(&mut self, sign: &str, text: &str) -> Result<(), String> {
        match sign {
            ">" => self.client.push_str(text),
            "<" | "<<" => extend(&mut self.answers, sign, text),
            "@" | "@@" => extend(&mut self.messages, sign, text),
            "+" => self.present.push(text.to_owned()),
            "-" => self.absent.push(text.to_owned()),
            "=" => return self.expect(text),
            "because" if !text.is_empty() => text.clone_into(&mut self.because),
            _ => return Err(format!("{sign} starts no line of a row")),
        }
        Ok(())
    }

    fn expect(&mut self, text: &str) -> Result<(), String> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match (word, rest) {
            ("refused", status) => self.expected.push(expected(status, "")?),
            ("passes", "") => {
                let count = self.messages.len();
                self.expected = vec![expected("200", "ok")?; count];
                self.end = End::Usable;
            }
            ("closes", "") => self.end = End::Closes,
            ("usable", "") => self.end = End::Usable,
            ("nothing", "") => self.expected.clear(),
            ("either", "") => self.end = End::Either,
            ("cut", "") => self.cut = Cut::Yes,
            ("may-cut", "") => self.cut = Cut::May,
            ("maybe", status) => self.expected.push(Expected { optional: true, ..expected(status, "")? }),
            (status, body) => self.expected.push(expected(status, body)?),
        }
        Ok(())
    }

    /// What is wrong with the row as a whole.
    fn check(&self) -> Result<(), String> {
        for script in [&self.client].into_iter().chain(&self.answers) {
            text::pieces(script, "127.0.0.1:1")?;
        }
        for message in self.messages.iter().chain(&self.present).chain(&self.absent) {
            text::bytes(message, "127.0.0.1:1")?;
        }
        let speaks = self.client.contains(|c| c != ' ');
        if speaks { Ok(()) } else { Err("the client sends nothing".to_owned()) }
    }
}

/// Adds to the last text, or begins another one where the sign is doubled or there is none.
fn extend(texts: &mut Vec<String>, sign: &str, text: &str) {
    match texts.last_mut() {
        Some(last) if sign.len() == 1 => last.push_str(text),
        _ => texts.push(text.to_owned()),
    }
}

fn expected(status: &str, body: &str) -> Result<Expected, String> {
    let status: u16 = status.parse().map_err(|_| format!("{status:?} is no status"))?;
    let or_refused = body == "fails";
    let broken = or_refused || body == "broken";
    let body = match body {
        "" | "broken" | "fails" => None,
        "\"\"" => Some(String::new()),
        text => Some(text.to_owned()),
    };
    Ok(Expected { status, body, broken, or_refused, optional: or_refused })
}

/// The rows of one file; panics with the line that is wrong.
pub fn rows(name: &str, file: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let (mut class, mut site) = (String::new(), Site::named("plain").expect("a site"));
    for (number, line) in file.lines().enumerate() {
        let line = line.trim();
        let (sign, text) = line.split_once(' ').unwrap_or((line, ""));
        let text = text.trim_start();
        let outcome = match sign {
            "" => Ok(()),
            sign if sign.starts_with('#') => Ok(()),
            "class" => {
                text.split(':').next().unwrap_or_default().clone_into(&mut class);
                site = Site::named("plain").expect("a site");
                Ok(())
            }
            "site" => Site::named(text).map(|named| site = named).ok_or(format!("{text} is no site")),
            "row" => {
                rows.push(Row::new(text, &class, site));
                Ok(())
            }
            _ => rows.last_mut().ok_or("no row has begun".to_owned()).and_then(|row| row.read(sign, text)),
        };
        if let Err(why) = outcome {
            panic!("{name}, line {}: {why}", number + 1);
        }
    }
    let mut seen = HashSet::new();
    for row in &rows {
        if let Err(why) = row.check() {
            panic!("{name}, row {}: {why}", row.id);
        }
        assert!(seen.insert(&row.id), "{name} has two rows {}", row.id);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_as_it_is_written() {
        let text = "class c: about\nrow one\n> GET /{1.1}\n> \\r\\n\n@ GET /{M}{F}\n@@ x\n= passes\n\
                    site upgrade\nrow two\n> x\n< {ok}\n<< {close}\n= 100\n= 200 broken\n= cut\nbecause so\n";
        let read = rows("text", text);
        let [one, two] = &read[..] else { panic!("two rows") };
        assert_eq!(
            (one.id.as_str(), one.class.as_str(), one.client.as_str()),
            ("one", "c", "GET /{1.1}\\r\\n")
        );
        assert_eq!((one.messages.len(), one.expected.len(), one.end), (2, 2, End::Usable));
        assert_eq!((two.answers.len(), two.site.name, two.because.as_str()), (2, "upgrade", "so"));
        assert!(two.cut == Cut::Yes && two.expected[1].broken && two.is_about_answers());
    }

    #[test]
    #[should_panic(expected = "line 2: =x starts no line")]
    fn a_line_that_says_nothing_is_named() {
        rows("text", "row a\n=x\n");
    }
}
