//! The proxy's own answers, in one voice. They tell a client what it needs and nothing of what is behind.

use bytes::Bytes;

use crate::http::client::usual_reason;
use crate::http::{AnswerHead, Body, Fields};

/// An answer of the proxy's own: a small page with the status, its name and one sentence.
pub(crate) fn page(status: u16, sentence: &str) -> (AnswerHead, Body) {
    let name = usual_reason(status);
    let text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><title>{status} {name}</title></head>\n\
         <body><h1>{name}</h1><p>{sentence}</p></body></html>\n"
    );
    let mut fields = Fields::with_capacity(3);
    fields.push("content-type", "text/html; charset=utf-8");
    fields.push("cache-control", "no-store");
    fields.push("content-length", text.len().to_string());
    if status == 400 {
        // What was not understood may not have ended where it seemed to.
        fields.push("connection", "close");
    }
    (AnswerHead { status, reason: None, fields }, Body::Full(Bytes::from(text)))
}

/// The usual sentence for a status that the proxy gives on its own.
pub(crate) fn error(status: u16) -> (AnswerHead, Body) {
    page(
        status,
        match status {
            400 => "The request is malformed or its path is not acceptable.",
            404 => "Nothing is served at this path.",
            405 => "This method is not served here.",
            417 => "What the request expects is not done here.",
            408 => "The request took too long to arrive.",
            502 => "The server behind this address gave no valid answer.",
            503 => "No server can take the request at the moment; please try again.",
            504 => "The server behind this address did not answer in time.",
            _ => "The request could not be served.",
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_page_says_its_length_and_status() {
        for status in [400, 404, 405, 408, 417, 500, 502, 503, 504] {
            let (head, body) = error(status);
            let Body::Full(text) = body else { panic!("a page is whole") };
            assert_eq!(head.status, status);
            assert_eq!(head.fields.get("content-length"), Some(text.len().to_string().as_bytes()));
            assert!(String::from_utf8_lossy(&text).contains(&format!("<title>{status} ")));
        }
    }
}
