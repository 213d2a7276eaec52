//! The head of a request and of an answer: what stands before the body. Values are bytes as they came.

use bytes::Bytes;

/// A request method; any token, upper case as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Method(Bytes);

impl Method {
    pub(crate) fn new(token: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(token))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// May it be done twice without another effect than once (RFC 9110, 9.2.2)?
    pub(crate) fn is_idempotent(&self) -> bool {
        matches!(self.as_bytes(), b"GET" | b"HEAD" | b"PUT" | b"DELETE" | b"OPTIONS" | b"TRACE")
    }
}

/// Header fields in the order in which they came; names in small letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<(Bytes, Bytes)>);

impl Fields {
    pub(crate) fn with_capacity(lines: usize) -> Self {
        Self(Vec::with_capacity(lines))
    }

    /// Adds a line; `name` in small letters.
    pub(crate) fn push(&mut self, name: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.0.push((name.into(), value.into()));
    }

    /// The value of the first line of that name, in small letters.
    #[cfg(test)]
    pub(crate) fn get<'a>(&'a self, name: &'a str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// The values of all lines of that name, in order.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(known, _)| known == name.as_bytes()).map(|(_, value)| &value[..])
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name.as_bytes());
    }

    /// Keeps the lines whose name satisfies `keep`.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&[u8]) -> bool) {
        self.0.retain(|(name, _)| keep(name));
    }

    /// Replaces each line of that name by what `rewrite` makes of its value, where it makes something.
    pub(crate) fn rewrite(&mut self, name: &str, mut rewrite: impl FnMut(&[u8]) -> Option<Vec<u8>>) {
        for (_, value) in self.0.iter_mut().filter(|(known, _)| known == name.as_bytes()) {
            if let Some(new) = rewrite(value) {
                *value = new.into();
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The bytes that the lines take on the wire.
    fn wire_length(&self) -> u64 {
        self.0.iter().map(|(name, value)| (name.len() + value.len() + 4) as u64).sum()
    }
}

/// The head of a request.
#[derive(Debug, Clone)]
pub(crate) struct RequestHead {
    pub(crate) method: Method,
    /// Path and query, as sent.
    pub(crate) target: String,
    /// The authority of an absolute-form target; it wins over the Host line.
    pub(crate) authority: Option<String>,
    /// Did the client speak HTTP/1.1 (else 1.0)?
    pub(crate) http_1_1: bool,
    pub(crate) fields: Fields,
}

impl RequestHead {
    /// The bytes of the head on the wire: request line, fields, empty line.
    pub(crate) fn wire_length(&self) -> u64 {
        (self.method.as_bytes().len() + self.target.len() + " ".len() + " HTTP/1.1\r\n".len() + "\r\n".len())
            as u64
            + self.fields.wire_length()
    }
}

/// The head of an answer.
#[derive(Debug, Clone)]
pub(crate) struct AnswerHead {
    pub(crate) status: u16,
    /// The reason phrase as the member wrote it; none: the usual one.
    pub(crate) reason: Option<Bytes>,
    pub(crate) fields: Fields,
}

impl AnswerHead {
    /// The length of the status line without its line end, which is what httpd counts as read of a head.
    pub(crate) fn status_line_length(&self, usual_reason: &str) -> u64 {
        let reason = self.reason.as_ref().map_or(usual_reason.len(), Bytes::len);
        ("HTTP/1.1 200 ".len() + reason) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_head_is_that_of_its_bytes() {
        let mut fields = Fields::default();
        fields.push("host", "a");
        fields.push("x-forwarded-for", "127.0.0.1");
        let head = RequestHead {
            method: Method::new(b"GET"),
            target: "/x?size=100".to_owned(),
            authority: None,
            http_1_1: true,
            fields,
        };
        let wire = "GET /x?size=100 HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 127.0.0.1\r\n\r\n";
        assert_eq!(head.wire_length(), wire.len() as u64);
        let answer = AnswerHead { status: 200, reason: None, fields: Fields::default() };
        assert_eq!(answer.status_line_length("OK"), 15);
    }
}
