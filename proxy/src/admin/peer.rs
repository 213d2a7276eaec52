//! Who is at the other end of the admin socket, as far as the system tells.

use std::fs::File;
use std::io::Read as _;

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{Login, Peer};
use tokio::net::UnixStream;

use crate::limits;

/// What the kernel shows for a process that no login led to.
const NOBODY_LOGGED_IN: u32 = u32::MAX;

/// The credentials that the system vouches for.
pub(super) fn who(stream: &UnixStream) -> Option<Peer> {
    let credentials = stream.peer_cred().ok()?;
    Some(Peer { uid: credentials.uid(), gid: credentials.gid(), pid: credentials.pid(), ..Peer::default() })
}

/// With names, which the system may have to ask others for, and with who is behind it. Asked while the connection
/// stands, so that the process is hardly another one already.
pub(super) fn named(peer: Option<Peer>) -> Option<Peer> {
    let peer = peer?;
    let process = |name: &str| peer.pid.and_then(|pid| read(&format!("/proc/{pid}/{name}")));
    let kept = process("loginuid").and_then(|text| number(&text)).filter(|uid| *uid != NOBODY_LOGGED_IN);
    let login = match kept {
        Some(uid) => Some(Login { uid, user: user(uid), certain: true }),
        None => process("environ").and_then(|text| sudo_user(&text)).map(|uid| Login {
            uid,
            user: user(uid),
            certain: false,
        }),
    };
    let command = process("comm").map(|text| clean(String::from_utf8_lossy(&text).trim_end(), limits::TEXT));
    Some(Peer { user: user(peer.uid), login: login.filter(|login| login.uid != peer.uid), command, ..peer })
}

fn user(uid: u32) -> Option<String> {
    uzers::get_user_by_uid(uid).map(|user| clean(&user.name().to_string_lossy(), limits::TEXT))
}

/// A file of the process; none where there is no such file or we may not read it.
fn read(path: &str) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path).ok()?.take(limits::PEER_FILE).read_to_end(&mut text).ok()?;
    Some(text)
}

fn number(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.trim_ascii_end().parse().ok()
}

/// Who ran sudo, as it wrote into the environment.
fn sudo_user(environment: &[u8]) -> Option<u32> {
    let mut variables = environment.split(|byte| *byte == 0);
    variables.find_map(|variable| variable.strip_prefix(b"SUDO_UID=")).and_then(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_behind_sudo_is_found_and_nothing_else_is_taken_for_it() {
        for (environment, uid) in [
            (&b"PATH=/bin\0SUDO_UID=1000\0SUDO_USER=anna\0"[..], Some(1000)),
            (b"XSUDO_UID=1\0A=SUDO_UID=2\0", None),
            (b"SUDO_UID=-1\0", None),
            (b"SUDO_UID=99999999999\0", None),
            (b"SUDO_UID=\x1b[2J\0", None),
            (b"", None),
        ] {
            assert_eq!(sudo_user(environment), uid);
        }
    }

    #[test]
    fn a_process_that_is_gone_is_known_by_its_credentials_alone() {
        let peer = Peer { uid: 0, pid: Some(i32::MAX), ..Peer::default() };
        let named = named(Some(peer)).unwrap();
        assert_eq!((named.login, named.command), (None, None));
        assert_eq!(super::named(None), None);
    }
}
