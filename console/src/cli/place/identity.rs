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
