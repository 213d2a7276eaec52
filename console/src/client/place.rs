//! Where a proxy is asked: at its admin socket, or, of an Apache httpd, at its manager page.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::place::READ_SOCKET;

use super::apache::Access;
use super::find;
use crate::door::Door;

/// Where one proxy is asked.
#[derive(Debug, Clone)]
pub enum Place {
    /// At the admin socket of an Evenkeel proxy.
    Socket(PathBuf),
    /// At the manager page of an Apache httpd.
    Apache(Box<Access>),
}

/// The environment variable that names manager pages, separated by blanks, when the command line names nothing.
pub const VARIABLE: &str = "EVENKEEL_APACHE";

impl Place {
    /// Which door of its proxy it is.
    pub fn door(&self) -> Door {
        match self {
            Self::Socket(path) if path.ends_with(READ_SOCKET) => Door::ReadSocket,
            Self::Socket(_) => Door::Socket,
            Self::Apache(_) => Door::Page,
        }
    }

    /// The variables of a command that is to ask the same proxy: those to set, and those to take away.
    pub fn variables(&self) -> ([(&'static str, OsString); 1], &'static str) {
        match self {
            Self::Socket(socket) => ([(find::VARIABLE, socket.into())], VARIABLE),
            Self::Apache(access) => ([(VARIABLE, access.url().as_str().into())], find::VARIABLE),
        }
    }
}

/// What an operator calls it: the path, or the URL without any password.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(socket) => f.write_str(&clean(&socket.display().to_string(), 200)),
            Self::Apache(access) => f.write_str(&clean(access.url().as_str(), 200)),
        }
    }
}
