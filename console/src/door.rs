//! By which door a proxy is asked, which decides what it lets be done.

/// One of its doors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The admin socket.
    Socket,
    /// The socket beside it, which only lets look.
    ReadSocket,
    /// The manager page.
    Page,
}
