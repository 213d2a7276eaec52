//! What a TLS handshake that failed means, and what can be done about it.

use crate::client::Failure;

/// A failure with this reason, where it is one of certificates; `is_known` says whether one of ours was sent.
pub(super) fn failure(url: &str, why: &str, is_known: bool) -> Option<Failure> {
    let about_us = alert(why).and_then(|alert| of_ours(alert, is_known));
    if let Some(remedy) = about_us {
        return Some(Failure::Permission(format!("{url} does not let you in: {remedy} (TLS: {why})")));
    }
    let remedy = of_theirs(why)?;
    Some(Failure::Unreachable(format!("no connection to {url}: {why}; {remedy}")))
}

/// The alert by which the other side has ended the handshake.
fn alert(why: &str) -> Option<&str> {
    why.rsplit_once("received fatal alert: ").map(|(_, alert)| alert)
}

/// What httpd says of our certificate.
fn of_ours(alert: &str, is_known: bool) -> Option<&'static str> {
    match (alert, is_known) {
        ("CertificateRequired", false) => Some("it wants a certificate of yours: name it with --cert FILE"),
        // So does TLS 1.2 say it, and also where the two know no cipher in common.
        ("HandshakeFailure", false) => Some(
            "it may want a certificate of yours: name it with --cert FILE; httpd's error log says what it wants",
        ),
        ("UnknownCA", true) => Some(
            "it does not know the authority that signed the certificate of --cert: take one of an authority in its \
             SSLCACertificateFile",
        ),
        ("CertificateExpired", true) => Some(
            "the certificate of --cert has expired, or is not valid yet, by the clock of httpd: name a new one with --cert",
        ),
        ("CertificateRevoked", true) => {
            Some("the certificate of --cert was revoked: name a new one with --cert")
        }
        (
            "BadCertificate"
            | "UnsupportedCertificate"
            | "CertificateUnknown"
            | "CertificateRequired"
            | "AccessDenied"
            | "DecryptError"
            | "HandshakeFailure",
            true,
        ) => Some("it does not take the certificate of --cert: httpd's error log says why"),
        _ => None,
    }
}

/// What is wrong with the certificate of httpd, or with what answers in its place.
fn of_theirs(why: &str) -> Option<&'static str> {
    let remedies = [
        (
            "CaUsedAsEndEntity",
            "the certificate of an authority is no server's: sign one for it, or take it with --insecure",
        ),
        ("UnknownIssuer", "--cacert FILE trusts an authority of your own, --insecure takes any certificate"),
        (
            "certificate: Expired",
            "the certificate of httpd has expired, or the clock here is wrong: httpd needs a new one; until then --insecure \
             takes it",
        ),
        ("not valid for name", "name httpd with --host as its certificate does, or take any with --insecure"),
        ("InvalidContentType", "no TLS is spoken there: write http:// in --apache"),
    ];
    remedies.into_iter().find(|(sign, _)| why.contains(sign)).map(|(_, remedy)| remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_names_the_thing_and_the_remedy() {
        let alert = |name: &str| format!("received fatal alert: {name}");
        for (why, is_known, says) in [
            (
                alert("CertificateRequired"),
                false,
                "it wants a certificate of yours: name it with --cert FILE",
            ),
            (alert("HandshakeFailure"), false, "it may want a certificate of yours"),
            (alert("UnknownCA"), true, "does not know the authority that signed the certificate of --cert"),
            (alert("CertificateExpired"), true, "the certificate of --cert has expired"),
            (alert("CertificateRevoked"), true, "was revoked"),
            (alert("BadCertificate"), true, "error log says why"),
        ] {
            let failure = failure("https://h/bm", &why, is_known);
            assert!(
                matches!(&failure, Some(Failure::Permission(told)) if told.contains(says)),
                "{why}: {failure:?}"
            );
        }
        for (why, says) in [
            ("invalid peer certificate: UnknownIssuer", "--insecure takes any"),
            ("received corrupt message of type InvalidContentType", "write http:// in --apache"),
            ("invalid peer certificate: CaUsedAsEndEntity", "sign one for it"),
            ("invalid peer certificate: Expired", "the certificate of httpd has expired"),
            ("invalid peer certificate: certificate not valid for name \"h\"", "as its certificate does"),
        ] {
            let failure = failure("https://h/bm", why, false);
            assert!(
                matches!(&failure, Some(Failure::Unreachable(told)) if told.contains(says)),
                "{why}: {failure:?}"
            );
        }
        for why in ["connection refused".to_owned(), alert("InternalError"), alert("CertificateExpired")] {
            assert_eq!(failure("https://h/bm", &why, false), None, "{why}");
        }
    }
}
