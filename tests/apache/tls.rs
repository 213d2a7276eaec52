//! A manager page behind TLS: whom the console trusts, and who it is to the page.

use std::path::{Path, PathBuf};
use std::process::Command;

use harness::backend::bound;
use socket2::Socket;

use super::*;

/// Runs openssl in that folder; false: there is none.
fn openssl(folder: &Path, line: &str) -> bool {
    let Ok(ended) = Command::new("openssl").args(line.split(' ')).current_dir(folder).output() else {
        return false;
    };
    assert!(ended.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&ended.stderr));
    true
}

/// Files of two authorities, `ca` and `other`, and of who they know: the server, and a client each.
fn certificates() -> Option<tempfile::TempDir> {
    let folder = folder();
    let new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
    for authority in ["ca", "other"] {
        if !openssl(
            folder.path(),
            &format!("{new} -keyout {authority}.key -out {authority}.pem -subj /CN={authority}"),
        ) {
            skipped("no openssl is installed here");
            return None;
        }
    }
    for (name, authority) in [("server", "ca"), ("client", "ca"), ("stranger", "other")] {
        let known = "-addext basicConstraints=CA:FALSE -addext subjectAltName=IP:127.0.0.1,DNS:lb.example";
        openssl(
            folder.path(),
            &format!(
                "{new} -CA {authority}.pem -CAkey {authority}.key -keyout {name}.key -out {name}.pem -subj /CN={name} \
                 {known}"
            ),
        );
        join(folder.path(), name);
    }
    expired(folder.path());
    Some(folder)
}

/// A certificate of `ca` for a client, which has expired.
fn expired(folder: &Path) {
    let new = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout old.key -out old.csr -subj /CN=old \
               -addext subjectAltName=DNS:old";
    openssl(folder, new);
    openssl(
        folder,
        "x509 -req -in old.csr -CA ca.pem -CAkey ca.key -copy_extensions copy -days -1 -out old.pem",
    );
    join(folder, "old");
}

/// Puts a certificate and its key into one file.
fn join(folder: &Path, name: &str) {
    let both = [format!("{name}.pem"), format!("{name}.key")]
        .map(|file| std::fs::read_to_string(folder.join(file)).unwrap());
    std::fs::write(folder.join(format!("{name}.both")), both.concat()).unwrap();
}

/// An httpd with three doors of TLS: one for everybody, and two for whom `ca` knows, the `elder` by TLS 1.2.
struct Doors {
    page: Page,
    folder: tempfile::TempDir,
    open: String,
    closed: String,
    elder: String,
    /// They keep the ports for httpd.
    _anchors: [Socket; 3],
}

fn doors() -> Option<Doors> {
    let folder = certificates()?;
    let anchors = [(); 3].map(|()| bound(([127, 0, 0, 1], 0).into()));
    let [open, closed, elder] =
        anchors.each_ref().map(|anchor| anchor.local_addr().unwrap().as_socket().unwrap());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let host = |address: SocketAddr, more: &str| {
        format!(
            "Listen {address} https\n<VirtualHost {address}>\nSSLEngine on\nSSLCertificateFile {}\n\
             SSLCertificateKeyFile {}\n{more}\n</VirtualHost>\n",
            file("server.pem"),
            file("server.key")
        )
    };
    let verify = format!("SSLVerifyClient require\nSSLCACertificateFile {}", file("ca.pem"));
    let elder_only = format!("{verify}\nSSLProtocol TLSv1.2");
    let hosts = host(open, "") + &host(closed, &verify) + &host(elder, &elder_only);
    let page = of_httpd_with(&["ssl"], &hosts)?;
    let url = |address: SocketAddr| format!("https://{address}/balancer-manager");
    Some(Doors { page, open: url(open), closed: url(closed), elder: url(elder), folder, _anchors: anchors })
}

impl Doors {
    /// Drains a member and lets it back, through the door of that address, with options that may name our files.
    fn asked(&self, url: &str, options: &str) -> Ended {
        let file = |word: &str| -> PathBuf {
            if word.starts_with("--") { word.into() } else { self.folder.path().join(word) }
        };
        let options: Vec<PathBuf> = options.split_whitespace().map(file).collect();
        let run = |verb: &str| {
            let mut command = Command::new(evenkeel());
            command.args(["--apache", url]).args(&options).args([verb, "app/a"]);
            // Nothing of who runs the tests.
            finish(command.env("NETRC", "/nonexistent/netrc"), "")
        };
        let drained = run("drain");
        if drained.code == Some(0) {
            assert_eq!(self.page.words("a"), "Init Drn Ok");
            run("undrain").with_code(0);
        }
        assert_eq!(self.page.words("a"), "Init Ok");
        drained
    }
}

#[test]
fn only_who_is_trusted_is_asked_and_only_who_is_known_comes_in() {
    let Some(doors) = doors() else { return };
    let named = doors.open.replace("127.0.0.1", "localhost");
    for (what, url, options, code, says) in [
        ("nobody is trusted", &doors.open, "", 6, "--cacert FILE"),
        ("another is trusted", &doors.open, "--cacert other.pem", 6, "--cacert FILE"),
        ("trusted", &doors.open, "--cacert ca.pem", 0, ""),
        ("both are trusted", &doors.open, "--cacert other.pem --cacert ca.pem", 0, ""),
        ("by another name", &named, "--cacert ca.pem", 6, "name httpd with --host as its certificate does"),
        ("anybody", &named, "--insecure", 0, ""),
        ("no authority", &doors.open, "--cacert server.key", 2, "holds no certificate"),
        (
            "nobody comes",
            &doors.closed,
            "--cacert ca.pem",
            5,
            "it wants a certificate of yours: name it with --cert FILE",
        ),
        ("known", &doors.closed, "--cacert ca.pem --cert client.both", 0, ""),
        ("known by two files", &doors.closed, "--cacert ca.pem --cert client.pem --key client.key", 0, ""),
        ("known and trusting", &doors.closed, "--insecure --cert client.both", 0, ""),
        (
            "a stranger comes",
            &doors.closed,
            "--cacert ca.pem --cert stranger.both",
            5,
            "does not know the authority that signed the certificate of --cert",
        ),
        (
            "who is too late",
            &doors.closed,
            "--cacert ca.pem --cert old.both",
            5,
            "the certificate of --cert has expired",
        ),
        ("nobody comes by TLS 1.2", &doors.elder, "--cacert ca.pem", 5, "it may want a certificate of yours"),
        (
            "who is too late by TLS 1.2",
            &doors.elder,
            "--cacert ca.pem --cert old.both",
            5,
            "the certificate of --cert has expired",
        ),
        ("known by TLS 1.2", &doors.elder, "--cacert ca.pem --cert client.both", 0, ""),
        (
            "no key",
            &doors.closed,
            "--cacert ca.pem --cert client.pem",
            2,
            "holds no certificate with its key",
        ),
        (
            "a key of another",
            &doors.closed,
            "--cacert ca.pem --cert client.pem --key server.key",
            2,
            "are of different pairs",
        ),
    ] {
        let ended = doors.asked(url, options);
        assert_eq!(ended.code, Some(code), "{what}: {}", ended.err);
        assert!(ended.err.contains(says), "{what}: {}", ended.err);
    }
}

#[test]
fn a_certificate_is_checked_against_the_host_and_what_speaks_no_tls_is_told() {
    let Some(doors) = doors() else { return };
    let named = doors.open.replace("127.0.0.1", "localhost");
    let plain = doors.page.url().replace("http:", "https:");
    let untold = doors.open.replace("https:", "http:");
    for (what, url, options, code, says) in [
        ("by the name of its certificate", &named, "--cacert ca.pem --host=lb.example:443", 0, ""),
        (
            "a name in place of its address",
            &doors.open,
            "--cacert ca.pem --host=www.example",
            6,
            "not valid for name",
        ),
        ("what speaks no TLS", &plain, "", 6, "no TLS is spoken there: write http:// in --apache"),
        ("TLS by a plain address", &untold, "", 6, "does it speak https"),
    ] {
        let ended = doors.asked(url, options);
        assert_eq!(ended.code, Some(code), "{what}: {}", ended.err);
        assert!(ended.err.contains(says), "{what}: {}", ended.err);
    }
}
