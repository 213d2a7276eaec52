//! From the bytes of an answer to a message: bounded, cleaned, and of the right interface version.

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{INTERFACE, Refusal};
use reqwest::{Response, StatusCode};
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
    let garbage = |why: serde_json::Error| {
        Failure::Protocol(format!(
            "what answers is no Evenkeel proxy, or one of another version ({})",
            clean(&why.to_string(), 200)
        ))
    };
    let mut value: Value = serde_json::from_slice(body).map_err(garbage)?;
    let spoken = value.get("interface").or_else(|| value.pointer("/proxy/interface"));
    if let Some(spoken) = spoken.and_then(Value::as_u64).filter(|spoken| *spoken != u64::from(INTERFACE)) {
        return Err(Failure::Protocol(format!(
            "the proxy speaks version {spoken} of the admin interface and this program version {INTERFACE}; \
             use the evenkeel that came with the proxy"
        )));
    }
    clean_texts(&mut value);
    serde_json::from_value(value).map_err(garbage)
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
        fn any_bytes_are_an_answer_or_a_clean_sentence(bytes in proptest::collection::vec(0u8.., 0..200)) {
            if let Err(failure) = read::<Event>(&bytes) {
                let sentence = failure.to_string();
                proptest::prop_assert!(sentence.chars().all(evenkeel_protocol::clean::is_clean));
            }
        }
    }
}
