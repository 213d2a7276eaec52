//! From the bytes of an answer to a message: bounded, cleaned, and of the right interface version.

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{INTERFACE, Refusal};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Failure;
use super::limits::LONGEST_TEXT;

/// The body of `response`, if it is not larger than `largest` bytes. The error of the HTTP client is the caller's
/// to name.
pub(super) async fn body(
    mut response: Response,
    largest: usize,
) -> Result<Result<Vec<u8>, Failure>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > largest {
            return Ok(Err(Failure::Protocol(format!("the proxy's answer is larger than {largest} bytes"))));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Ok(body))
}

/// From how many bytes on an answer is read away from the thread that takes in keys.
const LONG: usize = 64 << 10;

/// As [`read`]; a long message keeps no key waiting.
pub(super) async fn read_aside<T: DeserializeOwned + Send + 'static>(body: Vec<u8>) -> Result<T, Failure> {
    if body.len() < LONG {
        return read(&body);
    }
    let ended = tokio::task::spawn_blocking(move || read(&body)).await;
    ended.unwrap_or_else(|why| Err(Failure::Protocol(format!("the proxy's answer could not be read: {why}"))))
}

/// The message in `body`; every text in it is fit for a terminal.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let spoken: Spoken = serde_json::from_slice(body).unwrap_or_default();
    let version = spoken.interface.or(spoken.proxy.and_then(|proxy| proxy.interface));
    if let Some(version) = version.filter(|version| *version != INTERFACE) {
        return Err(Failure::Protocol(format!(
            "the proxy speaks version {version} of the admin interface and this program version {INTERFACE}; \
             use the evenkeel that came with the proxy"
        )));
    }
    if is_plain(body) {
        return serde_json::from_slice(body).map_err(|why| garbage(&why));
    }
    let mut value: Value = serde_json::from_slice(body).map_err(|why| garbage(&why))?;
    clean_texts(&mut value);
    serde_json::from_value(value).map_err(|why| garbage(&why))
}

/// Which version of the interface a message speaks, if it says so.
#[derive(Default, Deserialize)]
struct Spoken {
    interface: Option<u32>,
    proxy: Option<SpokenProxy>,
}

/// The same, of the part of a message about the proxy.
#[derive(Deserialize)]
struct SpokenProxy {
    interface: Option<u32>,
}

/// Is every text in `body` fit for a terminal as it stands? Almost always, and then a long message is read in a third
/// of the time. Without escapes a quote begins or ends a text, so nothing between two of them is longer than a text.
fn is_plain(body: &[u8]) -> bool {
    let fits = |byte: &u8| (byte.is_ascii_graphic() || byte.is_ascii_whitespace()) && *byte != b'\\';
    body.iter().all(fits) && body.split(|byte| *byte == b'"').all(|text| text.len() <= LONGEST_TEXT)
}

fn garbage(why: &serde_json::Error) -> Failure {
    Failure::Protocol(format!(
        "what answers is no Evenkeel proxy, or one of another version ({})",
        clean(&why.to_string(), 200)
    ))
}

/// What an answer that is no success means.
pub(super) fn refusal(status: StatusCode, body: &[u8]) -> Failure {
    if let Ok(refusal) = read::<Refusal>(body) {
        return Failure::Refused(refusal);
    }
    // A code of a later version: its sentence still says what is wrong.
    let said = serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|value| Some(clean(value.get("message")?.as_str()?, LONGEST_TEXT)));
    match (status, said) {
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, said) => {
            Failure::Permission(said.unwrap_or_else(|| "the proxy does not let you do that".to_owned()))
        }
        (_, Some(said)) => Failure::Protocol(format!("the proxy refused it ({}): {said}", status.as_u16())),
        (_, None) => Failure::Protocol(format!(
            "what answers is no Evenkeel proxy: status {} without a refusal",
            status.as_u16()
        )),
    }
}

/// Cleans every text in `value`. How deep it nests was bounded when it was parsed.
fn clean_texts(value: &mut Value) {
    match value {
        Value::String(text) => *text = clean(text, LONGEST_TEXT),
        Value::Array(items) => items.iter_mut().for_each(clean_texts),
        Value::Object(fields) => fields.values_mut().for_each(clean_texts),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::refusal::Code;
    use evenkeel_protocol::{Edited, Event};

    use super::*;

    #[test]
    fn texts_are_cleaned_wherever_they_stand() {
        let edited: Edited = read(
            r#"{"balancer":"app","member":null,"changed":true,"changes":[{"field":"route","before":"\u001b[2J","after":"x"}],
                "revision":1,"event":1,"durable":true,"notes":["a\u009b31m"]}"#
                .as_bytes(),
        )
        .unwrap();
        assert_eq!(edited.changes[0].before, "\u{fffd}[2J");
        assert_eq!(edited.notes, ["a\u{fffd}31m"]);
    }

    #[test]
    fn a_text_is_cut_also_where_all_is_plain() {
        let long = "x".repeat(LONGEST_TEXT + 1);
        let text: Vec<String> = read(format!("[\"{long}\", \"y\"]").as_bytes()).unwrap();
        assert_eq!(text[0].chars().count(), LONGEST_TEXT);
        assert!(text[0].ends_with('…') && text[1] == "y");
    }

    #[test]
    fn large_numbers_stay_exact() {
        let event: Event =
            read(br#"{"number":18446744073709551615,"at":9007199254740993,"event":"started"}"#).unwrap();
        assert_eq!((event.number, event.at.0), (u64::MAX, 9_007_199_254_740_993));
    }

    #[test]
    fn refusals_are_told_apart() {
        let known = refusal(StatusCode::NOT_FOUND, br#"{"code":"not_found","message":"no member fits 'x'"}"#);
        assert_eq!(known, Failure::Refused(Refusal::new(Code::NotFound, "no member fits 'x'")));
        let later = refusal(
            StatusCode::CONFLICT,
            br#"{"code":"of_a_later_version","message":"the last\u001b member"}"#,
        );
        assert_eq!(
            later,
            Failure::Protocol("the proxy refused it (409): the last\u{fffd} member".to_owned())
        );
        let role = refusal(StatusCode::FORBIDDEN, br#"{"code":"of_a_later_version","message":"look only"}"#);
        assert_eq!(role, Failure::Permission("look only".to_owned()));
        assert!(matches!(refusal(StatusCode::BAD_GATEWAY, b"<html>"), Failure::Protocol(_)));
    }

    proptest::proptest! {
        #[test]
        fn what_is_called_plain_needs_no_cleaning(texts in proptest::collection::vec("[ -~]{0,3}|\\PC{0,3}|.{0,3}", 0..4)) {
            let body = serde_json::to_vec(&texts).unwrap();
            let cleaned: Vec<String> = texts.iter().map(|text| clean(text, LONGEST_TEXT)).collect();
            proptest::prop_assert_eq!(read::<Vec<String>>(&body).unwrap(), cleaned);
        }

        #[test]
        fn any_bytes_are_an_answer_or_a_clean_sentence(bytes in proptest::collection::vec(0u8.., 0..200)) {
            if let Err(failure) = read::<Event>(&bytes) {
                let sentence = failure.to_string();
                proptest::prop_assert!(sentence.chars().all(evenkeel_protocol::clean::is_clean));
            }
        }
    }
}
