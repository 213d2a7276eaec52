//! TLS by one provider, so that there is never a choice at run time.

use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};

/// Makes the one provider that of this process.
pub(super) fn install() {
    // Whoever was first has installed the same.
    let _ = ring::default_provider().install_default();
}

/// For connections that use none: it trusts nobody, and reads no certificate of the system.
///
/// # Errors
///
/// The provider offers no version of TLS.
pub(super) fn unused() -> Result<ClientConfig, rustls::Error> {
    install();
    let provider =
        CryptoProvider::get_default().map_or_else(|| ring::default_provider().into(), Clone::clone);
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}
