//! A request's head made anew after rules have changed its fields. It is read again by the reader that reads every head,
//! so that nothing of it can mean two things, whatever the rules say.

use super::fields::Fields;
use super::{Asked, is_free};
use crate::http::head::{Known, Lines};
use crate::http::request::RequestHead;
use crate::limits;

/// A request's head after the rules, with the block in which it stands.
#[derive(Debug)]
pub(crate) struct Rewritten {
    pub(crate) head: RequestHead,
    pub(crate) block: Vec<u8>,
}

/// The fields that rules may change: without what frames the request or ends here. As in httpd, several lines of a name
/// are one by then.
pub(super) fn fields((head, block): Asked<'_>) -> Fields {
    let mut fields = Fields::default();
    for line in head.lines.iter().filter(|line| is_free(line.known)) {
        let value = match (line.known, head.host) {
            // Of a target that names its host, that one is asked for.
            (Known::Host, Some(host)) => host,
            _ => line.value,
        };
        let between: &[u8] = if line.known == Known::Cookie { b"; " } else { b", " };
        fields.join(line.name.of(block), value.of(block), between);
    }
    fields
}

/// The request with these fields; its framing, and what the client wishes of the connection, stay as they were. What a
/// client nominated in `Connection` is gone, and what rules have set is not to go for its sake.
pub(super) fn rewritten((head, block): Asked<'_>, fields: &Fields) -> Result<Rewritten, &'static str> {
    let target = match head.target.of(block) {
        b"" => b"/",
        target => target,
    };
    let version = if head.http_1_1 { &b" HTTP/1.1\r\n"[..] } else { b" HTTP/1.0\r\n" };
    let mut text = [head.method.of(block), b" ", target, version].concat();
    fields.push_to(&mut text);
    let kept = |known| matches!(known, Known::ContentLength | Known::TransferEncoding | Known::Upgrade);
    for line in head.lines.iter().filter(|line| kept(line.known)) {
        for part in [line.name.of(block), b": ", line.value.of(block), b"\r\n"] {
            text.extend_from_slice(part);
        }
    }
    let options = head.options;
    let wishes = [(options.close, "close"), (options.keep_alive, "keep-alive"), (options.upgrade, "upgrade")];
    for (_, wish) in wishes.iter().filter(|(wished, _)| *wished) {
        text.extend_from_slice(format!("Connection: {wish}\r\n").as_bytes());
    }
    text.extend_from_slice(b"\r\n");
    let mut made = RequestHead::read(&text, 0, text.len(), (limits::HEADER_FIELDS, Lines::new()))
        .map_err(|refused| refused.why)?;
    // What the client waits for does not hang on what the member is told.
    made.expects_continue = head.expects_continue;
    // Nothing is to come in a trailer that a rule takes away.
    made.options.nominates = true;
    Ok(Rewritten { head: made, block: text })
}
