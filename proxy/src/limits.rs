//! The bounds of everything that strangers could let grow, in one place.

use std::time::Duration;

/// Client connections of the whole process; further ones wait in the listener's queue.
pub(crate) const CLIENT_CONNECTIONS: usize = 20_000;
/// Header fields of an answer, and of a request whatever `LimitRequestFields` says.
pub(crate) const HEADER_FIELDS: usize = 256;
/// Bytes of a head, unless the limits for its lines grant more.
pub(crate) const HEAD_BYTES: usize = 64 * 1024;
/// Bytes of the line that starts a chunk.
pub(crate) const CHUNK_LINE: usize = 4096;
/// Bytes of the trailer behind a body.
pub(crate) const TRAILER_BYTES: usize = 8192;
/// Room in a buffer that is read into.
pub(crate) const LEAST_ROOM: usize = 2048;
/// Bytes that are read from a client while its request is being served.
pub(crate) const SENT_AHEAD: usize = 4096;
/// Interim answers before an answer.
pub(crate) const INTERIM_ANSWERS: usize = 32;
/// How long a member may leave a client waiting that wants to be told to go on.
pub(crate) const CONTINUE_WITHIN: Duration = Duration::from_secs(1);
/// How long a client waits for an answer before it is looked whether it is still there.
pub(crate) const WATCH_AFTER: Duration = Duration::from_millis(50);
/// How long the system may take to tell of bytes that are there.
pub(crate) const NOTICED_WITHIN: Duration = Duration::from_secs(1);
/// How often it is looked whether a client that sends nothing more is still there.
pub(crate) const PROBE_EVERY: Duration = Duration::from_secs(1);
/// How long a client may go on sending after its connection was ended, and how much.
pub(crate) const LINGER_WITHIN: Duration = Duration::from_secs(2);
pub(crate) const LINGER_BYTES: usize = 256 * 1024;
/// How long nobody is accepted after the system refused.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// How often it is tried to let idle connections go for a new one.
pub(crate) const RELIEFS: u32 = 5;
/// Idle connections kept to one member by one worker thread.
pub(crate) const IDLE_CONNECTIONS: usize = 256;
/// Requests that wait for a usable member of one balancer (its `timeout=`).
pub(crate) const WAITING_REQUESTS: usize = 10_000;
/// How long a waiting request sleeps at most before it looks for a usable member again; changes wake it earlier.
pub(crate) const WAIT_STEP: Duration = Duration::from_millis(200);
/// Elections that are remembered of one worker thread.
pub(crate) const ELECTIONS: usize = 1024;
/// Members that are shown while their balancer is held: some 15 microseconds, for which elections wait.
pub(crate) const SHOWN_AT_ONCE: usize = 32;
/// How much nicer the control thread is than those that carry traffic, in steps of the system's.
pub(crate) const CONTROL_NICE: i32 = 10;
/// After so long without a sign of life the process was held up, by a signal or by the machine under it.
pub(crate) const STANDSTILL: Duration = Duration::from_secs(5);
/// How long an answer takes at the end of which its session counts as seen once more.
pub(crate) const LONG_ANSWER: Duration = Duration::from_millis(500);
/// How long requests in flight may go on after the proxy was told to end.
pub(crate) const STOP_WITHIN: Duration = Duration::from_secs(30);
/// Connections to the admin socket.
pub(crate) const ADMIN_CONNECTIONS: usize = 64;
/// Of those, connections that follow the events.
pub(crate) const FOLLOWERS: usize = 48;
/// Connections to the addresses of `MetricsListen`, and how long each may last.
pub(crate) const METRICS_CONNECTIONS: usize = 16;
pub(crate) const METRICS_WITHIN: Duration = Duration::from_secs(30);
/// Bytes of a message to the admin socket, but for plans of many edits, whose bound stands with them.
pub(crate) const ADMIN_MESSAGE: usize = 64 * 1024;
/// Names of addresses that are asked for at once, for how long a client waits, how long they are remembered and how many.
pub(crate) const NAMES_ASKED_AT_ONCE: usize = 8;
pub(crate) const NAME_WITHIN: Duration = Duration::from_secs(5);
pub(crate) const NAME_REMEMBERED: Duration = Duration::from_secs(60);
pub(crate) const NAMES_KNOWN: usize = 4096;
/// Characters of a name and password as they come in `Authorization`.
pub(crate) const CREDENTIALS: usize = 4096;
/// Bytes of a file of users.
pub(crate) const USER_FILE: u64 = 4 * 1024 * 1024;
/// Users with their passwords, right or wrong, that are remembered.
pub(crate) const USERS_KNOWN: usize = 4096;
/// How long what was found of a user holds before it is looked whether the file is still the same.
pub(crate) const USERS_LOOKED_AT_EVERY: Duration = Duration::from_secs(1);
/// Passwords that wait to be checked, those of one address among them, and for how long.
pub(crate) const PASSWORDS_WAITING: usize = 64;
pub(crate) const PASSWORDS_WAITING_OF_ONE: usize = 8;
pub(crate) const PASSWORD_WITHIN: Duration = Duration::from_secs(5);
/// Bytes of a form that is sent to the manager page; httpd reads 1024. And the parameters in it that are looked at.
pub(crate) const MANAGER_FORM: usize = 64 * 1024;
pub(crate) const MANAGER_PARAMETERS: usize = 256;
/// Requests to the manager page that are answered at once, and that may wait for it.
pub(crate) const MANAGER_REQUESTS: usize = 2;
pub(crate) const MANAGER_WAITING: usize = 64;
/// Posts to the manager page that were refused and are told at once, and how often more are.
pub(crate) const REFUSED_POSTS: u32 = 20;
pub(crate) const REFUSED_POST_EVERY: Duration = Duration::from_secs(10);
/// What was refused in one form, as far as the page lists it.
pub(crate) const MANAGER_NOTICES: usize = 32;
/// How long a client of the admin socket may take for a request.
pub(crate) const ADMIN_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection that was accepted may wait for its first request when the proxy ends.
pub(crate) const FIRST_REQUEST_WITHIN: Duration = Duration::from_secs(1);
/// How long nobody looks for due health checks at most, so that edits of their settings are noticed; httpd's step.
pub(crate) const CHECK_LOOK: Duration = Duration::from_millis(100);
/// The least time between two such looks. At each no more begin than may run at once, which bounds what checks cost.
pub(crate) const CHECK_STEP: Duration = Duration::from_millis(10);
/// How long there may be no room for a health check before it is told.
pub(crate) const CHECKS_BEHIND: Duration = Duration::from_secs(10);
/// Bytes of a health check's answer that are read at once.
pub(crate) const CHECK_PIECE: usize = 8 * 1024;
/// Bytes of its body that are kept for an expression.
pub(crate) const CHECK_BODY: usize = 1024 * 1024;
/// Bytes of its body that are read over where nobody wants them.
pub(crate) const CHECK_READ: usize = 64 * 1024 * 1024;
/// Addresses of a member's name that are tried for a connection.
pub(crate) const ADDRESSES: usize = 8;
/// Bytes that wait in the system for the network to take them, on a connection to a client. While there is less than
/// half of it, the system says that there is room: for the other half, which the largest piece of a body fills.
#[cfg(target_os = "linux")]
pub(crate) const UNSENT: u32 = 1024 * 1024;
/// Bytes of the file of `HeartbeatStorage`.
pub(crate) const HEARTBEAT_FILE: u64 = 16 * 1024 * 1024;
/// Servers whose heartbeats are kept, where `HeartbeatMaxServers 0` sets no bound.
pub(crate) const HEARTBEAT_SERVERS: usize = 10_000;
/// Datagrams that are read in one turn of the control thread, and the least time until the next such turn.
pub(crate) const DATAGRAMS: usize = 256;
pub(crate) const DATAGRAMS_EVERY: Duration = Duration::from_millis(5);
/// How long worker threads may take to serve as a configuration says that was read anew.
pub(crate) const ADOPTED_WITHIN: Duration = Duration::from_secs(2);
/// Bytes of what the system shows of the process of who asks for an edit.
pub(crate) const PEER_FILE: u64 = 256 * 1024;
/// Connections that wait in a listener's queue.
pub(crate) const LISTEN_QUEUE: i32 = 4096;
/// Seconds that the system keeps a connection whose client says nothing to itself; then it is accepted all the same.
#[cfg(target_os = "linux")]
pub(crate) const SILENT: i32 = 1;
/// How long clients of the admin socket may take to read the last events when the proxy ends.
pub(crate) const ADMIN_ENDS_WITHIN: Duration = Duration::from_secs(1);
/// Events of each of the three kinds that are kept for readers that come later or are slow.
pub(crate) const EVENTS_KEPT: usize = 4096;
/// Drains that run at once; those that are kept after they have ended; and beside them those that are kept because they
/// are the last one of a member that still drains, and so say whether it is safe to stop.
pub(crate) const DRAINS: usize = 256;
pub(crate) const DRAINS_ENDED: usize = 64;
pub(crate) const DRAINS_RELIED_ON: usize = 1024;
/// How often drains that run are looked at, and those that have ended, which nothing waits for.
pub(crate) const DRAIN_LOOK: Duration = Duration::from_millis(100);
pub(crate) const DRAIN_LOOK_ENDED: Duration = Duration::from_secs(1);
/// How often it is written down how much time drains have left.
pub(crate) const DRAIN_SAVE: Duration = Duration::from_secs(10);
/// How soon that is tried again where the disk refused.
pub(crate) const DRAIN_SAVE_AGAIN: Duration = Duration::from_secs(1);
/// How soon edits are tried again that the disk refused.
pub(crate) const EDITS_SAVE_AGAIN: Duration = Duration::from_secs(1);
/// How long a drain's end may wait to be written down before it is told all the same.
pub(crate) const DRAIN_WRITTEN_WITHIN: Duration = Duration::from_secs(2);
/// How old the counts of a drain's sessions may be. Whether there are any is looked at each time.
pub(crate) const DRAIN_COUNT: Duration = Duration::from_secs(1);
/// How often it is told at most that a drain is back in a phase in which it was before.
pub(crate) const DRAIN_TELL: Duration = Duration::from_secs(10);
/// Bytes of the file of drains. What would be more is written without those that ended first.
pub(crate) const DRAINS_FILE: u64 = 4 * 1024 * 1024;
/// Points of a history that are answered at once, members times series times points.
pub(crate) const HISTORY_POINTS: usize = 1_000_000;
/// Marks of a history; older ones are left off.
pub(crate) const HISTORY_MARKS: usize = 256;
/// Bytes of an audit file; as many again are kept of the one before it. There are three such pairs.
pub(crate) const AUDIT_FILE: u64 = 2 * 1024 * 1024;
/// Events that wait to be written to the audit files; further ones are not written, and the log says so.
pub(crate) const AUDIT_WAITING: usize = 1024;
/// How long the answer to an edit waits for its event to be written.
pub(crate) const AUDIT_WITHIN: Duration = Duration::from_secs(1);
/// Characters of a stranger's text in one log line or error note.
pub(crate) const TEXT: usize = 200;
/// Characters of a report that stands in one log line or event.
pub(crate) const REASON: usize = 1000;
/// How long a head or a body may take where `RequestReadTimeout` sets no time.
pub(crate) const UNPACED: Duration = Duration::from_secs(3600);
/// Bytes of an access log's format.
pub(crate) const LOG_FORMAT: usize = 8 * 1024;
/// Bytes of one value in an access log line, before it is escaped; httpd's own bound for a request line.
pub(crate) const LOG_VALUE: usize = 8190;
/// Bytes that one worker thread gathers for an access log before it hands them to the writer.
pub(crate) const LOG_BUFFER: usize = 32 * 1024;
/// Bytes that wait for the writer of access logs; further lines are dropped and counted.
pub(crate) const LOG_WAITING: usize = 8 * 1024 * 1024;
/// Empty buffers kept for access log lines to come.
pub(crate) const LOG_SPARES: usize = 16;
/// How long the writer of access logs waits for a full pipe before it drops lines, and then no more for as long.
pub(crate) const LOG_PIPE_WITHIN: Duration = Duration::from_millis(200);
/// How often lost access log lines are told of at most.
pub(crate) const LOG_TELL_EVERY: Duration = Duration::from_secs(10);
/// How long the proxy waits for its last access log lines to be written when it ends.
pub(crate) const LOG_ENDS_WITHIN: Duration = Duration::from_secs(1);
/// Bytes of the value of a `Header` or `RequestHeader` line.
pub(crate) const HEADER_VALUE: usize = 8190;
/// Bytes of the fields that rules have made: a request with more is not sent, and to an answer they add no more.
pub(crate) const RULED_HEAD: usize = 256 * 1024;
