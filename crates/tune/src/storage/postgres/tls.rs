//! Encrypted connections, asked for in a server's address by the words of PostgreSQL's own library (libpq, "SSL Support"), so that
//! one address serves Optuna's workers and ours.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use postgres::config::SslMode;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A server's address without what it says of encryption, and that.
pub(super) fn of(url: &str) -> Result<(String, SslMode, MakeRustlsConnect), String> {
    let (mut mode, mut roots) = (None, None);
    // The first one, as the client reads it.
    let host = url.find('@').map_or(0, |at| at + 1);
    let (address, query) = url.split_at(url[host..].find('?').map_or(url.len(), |at| host + at));
    let mut rest = Vec::new();
    for pair in query.trim_start_matches('?').split('&').filter(|pair| !pair.is_empty()) {
        let decoded = |value: &str| percent_decode_str(value).decode_utf8_lossy().into_owned();
        match pair.split_once('=') {
            Some(("sslmode", value)) => mode = Some(decoded(value)),
            Some(("sslrootcert", value)) => roots = Some(decoded(value)),
            _ => rest.push(pair),
        }
    }
    let rest = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
    let system = roots.as_deref() == Some("system");
    let mode = mode.unwrap_or_else(|| if system { "verify-full" } else { "prefer" }.into());
    let file = if system { None } else { roots.map(PathBuf::from).or_else(usual_file) };
    let file = || file.as_deref().map(of_file).transpose();
    let (ssl_mode, authorities, any_name) = match mode.as_str() {
        "disable" => (SslMode::Disable, None, true),
        "prefer" => (SslMode::Prefer, None, true),
        "verify-full" if system => (SslMode::Require, Some(public()), false),
        _ if system => {
            return Err("sslrootcert=system takes sslmode=verify-full: anybody has a certificate for some name".into());
        }
        "require" => (SslMode::Require, file()?, true),
        "verify-ca" | "verify-full" => match file()? {
            Some(authorities) => (SslMode::Require, Some(authorities), mode == "verify-ca"),
            None => {
                return Err(format!(
                    "sslmode={mode} takes sslrootcert=FILE, the certificate of who signed the server's, or with verify-full \
                     sslrootcert=system, those whom browsers believe"
                ));
            }
        },
        _ => {
            return Err(format!(
                "its sslmode is {mode:?}; there are disable, prefer, require, verify-ca and verify-full"
            ));
        }
    };
    let config = config(authorities, any_name).map_err(|e| e.to_string())?;
    Ok((format!("{address}{rest}"), ssl_mode, MakeRustlsConnect::new(config)))
}

/// Where the certificates are of those whom this user believes.
fn usual_file() -> Option<PathBuf> {
    Some(std::env::home_dir()?.join(".postgresql/root.crt")).filter(|file| file.is_file())
}

/// Those whom browsers believe.
fn public() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

/// The certificates of a PEM file.
fn of_file(file: &Path) -> Result<RootCertStore, String> {
    let wrong = |what: String| format!("sslrootcert {}: {what}", file.display());
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|e| wrong(e.to_string()))? {
        let certificate = certificate.map_err(|e| wrong(e.to_string()))?;
        store.add(certificate).map_err(|e| wrong(e.to_string()))?;
    }
    if store.is_empty() { Err(wrong("it has no certificate in PEM".into())) } else { Ok(store) }
}

fn config(authorities: Option<RootCertStore>, any_name: bool) -> Result<ClientConfig, Box<dyn std::error::Error>> {
    let provider = Arc::new(ring::default_provider());
    let authority = match authorities {
        Some(roots) => {
            Some(WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()?)
        }
        None => None,
    };
    let verifier = Verifier { algorithms: provider.signature_verification_algorithms, authority, any_name };
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// Whom a server has to be.
#[derive(Debug)]
struct Verifier {
    algorithms: WebPkiSupportedAlgorithms,
    /// Who must have signed its certificate; without, anybody is believed, and only those who merely listen are kept out.
    authority: Option<Arc<WebPkiServerVerifier>>,
    /// Whether the certificate may be for another name.
    any_name: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        let Some(authority) = &self.authority else { return Ok(ServerCertVerified::assertion()) };
        // The name is looked at last: all else is right then.
        match authority.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }))
                if self.any_name =>
            {
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_encryption_leaves_the_address() {
        let of = |query: &str| of(&format!("postgresql://me@host/studies{query}")).map(|(url, mode, _)| (url, mode));
        let plain = || "postgresql://me@host/studies".to_owned();
        assert_eq!(of(""), Ok((plain(), SslMode::Prefer)));
        assert_eq!(of("?sslmode=require"), Ok((plain(), SslMode::Require)));
        assert_eq!(of("?sslmode=verify-full&sslrootcert=system"), Ok((plain(), SslMode::Require)));
        assert_eq!(of("?sslrootcert=system"), Ok((plain(), SslMode::Require)));
        let with_mark = format!("{}?application_name=a?b", plain());
        assert_eq!(of("?sslmode=require&application_name=a?b"), Ok((with_mark, SslMode::Require)));
        let with_at = format!("{}?application_name=a@b", plain());
        assert_eq!(of("?sslmode=require&application_name=a@b"), Ok((with_at, SslMode::Require)));
        let kept = format!("{}?connect_timeout=3&application_name=a", plain());
        assert_eq!(of("?connect_timeout=3&sslmode=disable&application_name=a"), Ok((kept, SslMode::Disable)));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (query, told) in [
            ("sslmode=allow", "\"allow\"; there are"),
            ("sslmode=require&sslrootcert=system", "takes sslmode=verify-full"),
            ("sslmode=verify-full&sslrootcert=%2Fno%2Fsuch.pem", "sslrootcert /no/such.pem"),
        ] {
            match of(&format!("postgresql://me@host/studies?{query}")) {
                Err(error) => assert!(error.contains(told), "{query}: {error}"),
                Ok(_) => panic!("{query} is taken"),
            }
        }
    }
}
