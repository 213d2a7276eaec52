//! TLS by one provider, so that there is never a choice at run time.

use reqwest::ClientBuilder;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};

use super::Failure;

/// Makes the one provider that of this process.
pub(super) fn install() {
    // Whoever was first has installed the same.
    let _ = ring::default_provider().install_default();
}

/// For connections that use none: they trust nobody, and no certificate of the system is read for them.
///
/// # Errors
///
/// The provider offers no version of TLS.
pub(super) fn without(builder: ClientBuilder) -> Result<ClientBuilder, Failure> {
    install();
    let provider =
        CryptoProvider::get_default().map_or_else(|| ring::default_provider().into(), Clone::clone);
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|why| Failure::Unreachable(format!("TLS cannot be set up: {why}")))?;
    let nobody = config.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    Ok(builder.use_preconfigured_tls(nobody))
}
