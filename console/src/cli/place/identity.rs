//! A certificate of ours and its key, checked when they are read: what does not fit together is no server's fault.

use std::path::Path;

use reqwest::Identity;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::{TargetOptions, file, shown};

/// The certificate that was typed, if one was.
///
/// # Errors
///
/// It cannot be used, as a sentence with the files and the remedy.
pub(super) fn identity(options: &TargetOptions) -> Result<Option<Identity>, String> {
    let Some(path) = &options.cert else { return Ok(None) };
    let mut pem = file(path, "cert")?;
    if let Some(key) = &options.key {
        pem.push(b'\n');
        pem.extend(file(key, "key")?);
    }
    check(&pem, path, options.key.as_deref())?;
    let unread = |why| format!("--cert {}: {why}", shown(path));
    Identity::from_pem(&pem).map(Some).map_err(unread)
}

fn check(pem: &[u8], cert: &Path, key: Option<&Path>) -> Result<(), String> {
    let (option, holder) = key.map_or(("cert", cert), |key| ("key", key));
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect();
    if chain.is_empty() {
        return Err(format!("--cert {}: holds no certificate in PEM", shown(cert)));
    }
    let text = String::from_utf8_lossy(pem);
    let Ok(private) = PrivateKeyDer::from_pem_slice(pem) else {
        let holder = shown(holder);
        // Both ways in which a key says that it wants a password.
        return Err(
            if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
                format!(
                    "--{option} {holder}: the key is encrypted; decrypt it with `openssl pkey -in {holder} -out FILE`"
                )
            } else if key.is_some() {
                format!("--key {holder}: holds no key in PEM")
            } else {
                format!("--cert {holder}: holds no certificate with its key in PEM; name the key with --key")
            },
        );
    };
    match CertifiedKey::from_der(chain, private, &ring::default_provider()) {
        Ok(_) => Ok(()),
        Err(rustls::Error::InconsistentKeys(_)) => Err(match key {
            Some(key) => format!("--cert {} and --key {}: are of different pairs", shown(cert), shown(key)),
            None => format!("--cert {}: its certificate and its key are of different pairs", shown(cert)),
        }),
        Err(rustls::Error::InvalidCertificate(why)) => Err(format!(
            "--cert {}: is no X.509 certificate of version 3 ({why:?}); sign it again with extensions: \
             openssl x509 -req -extfile FILE",
            shown(cert)
        )),
        Err(why) => Err(format!("--{option} {}: the key cannot be used ({why})", shown(holder))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Keys that were made for this test and open nothing.
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg+pErH32vU1HFwVAk\n\
        lrX59LY/YIxCIhKOT/1GXVvFDNOhRANCAASCJKWd8wGTtd/YYI2tXuQ4/orTmV8m\n\
        y38sop3fzWW1wpJxUBaZ2m+NEhtv7XDVN8BKgRVFH99qk+LLSNO26jRl\n\
        -----END PRIVATE KEY-----";
    const OTHER: &str = "-----BEGIN PRIVATE KEY-----\n\
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgg5nPm0nAM8/ugI+o\n\
        oeFwHONEqU4/LmR8S/L2sQmd8rOhRANCAARqYWU4JhkmC8Fc3JZUHv8DmIygGgsM\n\
        owMGbd/zFY0jqzuiKWvfWojXGh4eG7UTrs2SPjOqJIH8RGAWEFTNPwAs\n\
        -----END PRIVATE KEY-----";
    const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n\
        MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhEzm9FTUdTtQICA+gw\n\
        DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEPwHwmzYm93KU0YVZTZ7KGkEgZA9\n\
        0bmfa0VZcy3Qxn495Aw9qkiNcB5a7el4HK1SGE1OlmoC4VRhqAngaTuQG2xKz+1d\n\
        CQdcYe2yvJQ0M8acf2h8CZYpScSXn4XLOSrwliXmGxZ9Ezzj3+Ip8IZg/mHy9Hu8\n\
        IYhArxvJRvr+A2romNdZaNvyhn2oQwx7bnwKlvG2VTmkNfjH2WdtboB+6Ani7qs=\n\
        -----END ENCRYPTED PRIVATE KEY-----";
    const VERSION_3: &str = "-----BEGIN CERTIFICATE-----\n\
        MIIBbjCCAROgAwIBAgIUPqu/ncJbx0qhco1p5C9j0zYXOjswCgYIKoZIzj0EAwIw\n\
        DDEKMAgGA1UEAwwBYTAeFw0yNjExMjMwNTQyMjRaFw0zNjExMjAwNTQyMjRaMAwx\n\
        CjAIBgNVBAMMAWEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASCJKWd8wGTtd/Y\n\
        YI2tXuQ4/orTmV8my38sop3fzWW1wpJxUBaZ2m+NEhtv7XDVN8BKgRVFH99qk+LL\n\
        SNO26jRlo1MwUTAdBgNVHQ4EFgQUAgysh1fqanSAwxlMyCRZjauAjNkwHwYDVR0j\n\
        BBgwFoAUAgysh1fqanSAwxlMyCRZjauAjNkwDwYDVR0TAQH/BAUwAwEB/zAKBggq\n\
        hkjOPQQDAgNJADBGAiEAnTG11FkBD6+Sn46qWdlvVgQhsvnG6nbHqX6Z9dK7kBEC\n\
        IQDJCOD6G4B0otfaO8l0mw+icvOOsqcq7rcm9NJZHa866g==\n\
        -----END CERTIFICATE-----";
    const VERSION_1: &str = "-----BEGIN CERTIFICATE-----\n\
        MIIBEjCBuQIUL3GZU2Y33rqfbYRBCqJwsLWoA7IwCgYIKoZIzj0EAwIwDDEKMAgG\n\
        A1UEAwwBYTAeFw0yNjExMjMwNTQyMjRaFw0zNjExMjAwNTQyMjRaMAwxCjAIBgNV\n\
        BAMMAWEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASCJKWd8wGTtd/YYI2tXuQ4\n\
        /orTmV8my38sop3fzWW1wpJxUBaZ2m+NEhtv7XDVN8BKgRVFH99qk+LLSNO26jRl\n\
        MAoGCCqGSM49BAMCA0gAMEUCIQD4lfhbimmZKVTHxAWMCgjbW+/JB4hBPhEHkCte\n\
        wrcXUQIgQjYeLEz0NOqHV6wmaMpZayL8PBR+iSVB+HT8ZwUf1a8=\n\
        -----END CERTIFICATE-----";

    #[test]
    fn what_does_not_fit_together_is_told_with_the_files_and_the_remedy() {
        let key = Some(Path::new("key.pem"));
        for (texts, key, says) in [
            ([VERSION_3, KEY], key, ""),
            ([VERSION_3, KEY], None, ""),
            ([VERSION_1, KEY], key, "--cert c.pem: is no X.509 certificate of version 3"),
            ([VERSION_3, OTHER], key, "--cert c.pem and --key key.pem: are of different pairs"),
            ([VERSION_3, OTHER], None, "its certificate and its key are of different pairs"),
            (
                [VERSION_3, ENCRYPTED],
                key,
                "--key key.pem: the key is encrypted; decrypt it with `openssl pkey",
            ),
            ([VERSION_3, ""], None, "name the key with --key"),
            ([VERSION_3, ""], key, "--key key.pem: holds no key in PEM"),
            (["", KEY], key, "--cert c.pem: holds no certificate in PEM"),
        ] {
            let why = check(texts.join("\n").as_bytes(), Path::new("c.pem"), key).err().unwrap_or_default();
            assert!(why.contains(says) && why.is_empty() == says.is_empty(), "{says}: {why}");
        }
    }
}
