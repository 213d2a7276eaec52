//! The floor: a relay that makes the system calls which every proxy must make, and does next to nothing else.
//!
//! It is no proxy: heads go on as they came (but for a client's `Connection: close`), members are taken in turn, and
//! there are no chunks, no errors worth the name and no requests before the answer to the last one. What it costs is
//! what nobody can get below.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;

use anyhow::Context as _;
use rustix::event::epoll::EventFlags;

use crate::poll::{IN, OUT, Poll, Wrote, accept, connect, framed, listen, read, write};

/// The argument that makes this program the floor.
pub(crate) const ARGUMENT: &str = "floor";
/// Bytes that are moved at once.
const BLOCK: usize = 256 << 10;
/// Blocks that are kept for the next who needs one.
const SPARE: usize = 256;
const LISTENER: usize = usize::MAX;

/// Relays from a port of the loopback to members, both told as arguments; ends with the process.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let (port, members) = arguments.split_first().context("floor needs a port and members")?;
    let port = port.parse().context("floor needs a port")?;
    let members = members.iter().map(|member| member.parse()).collect::<Result<Vec<SocketAddrV4>, _>>()?;
    let listener = listen(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))?;
    let poll = Poll::new()?;
    poll.add(&listener, LISTENER, IN)?;
    let idle = vec![Vec::new(); members.len()];
    let mut floor = Floor {
        poll,
        listener,
        members,
        idle,
        next: 0,
        ends: Vec::new(),
        free: Vec::new(),
        left: Vec::new(),
        spare: Vec::new(),
    };
    loop {
        for at in 0..floor.poll.wait(None)? {
            match floor.poll.event(at) {
                (LISTENER, _) => floor.greet(),
                (number, flags) => floor.attend(number, flags),
            }
        }
        // Numbers are given anew only when no event can mean the one who had them.
        floor.free.append(&mut floor.left);
    }
}

/// One end of a relay, and the message that comes from it.
struct End {
    socket: OwnedFd,
    /// Which member it is; none is a client.
    member: Option<usize>,
    peer: Option<usize>,
    interest: EventFlags,
    /// A block while bytes are on their way, else nothing.
    block: Vec<u8>,
    sent: usize,
    filled: usize,
    /// Bytes of the body that are still to come, once the head was seen.
    body: Option<u64>,
    closing: bool,
}

struct Floor {
    poll: Poll,
    listener: OwnedFd,
    members: Vec<SocketAddrV4>,
    /// Connections without a client, by member.
    idle: Vec<Vec<usize>>,
    next: usize,
    ends: Vec<Option<End>>,
    free: Vec<usize>,
    left: Vec<usize>,
    spare: Vec<Vec<u8>>,
}

impl Floor {
    fn enter(&mut self, socket: OwnedFd, member: Option<usize>) -> Option<usize> {
        let number = self.free.pop().unwrap_or_else(|| {
            self.ends.push(None);
            self.ends.len() - 1
        });
        if self.poll.add(&socket, number, IN).is_err() {
            self.free.push(number);
            return None;
        }
        self.ends[number] = Some(End {
            socket,
            member,
            peer: None,
            interest: IN,
            block: Vec::new(),
            sent: 0,
            filled: 0,
            body: None,
            closing: false,
        });
        Some(number)
    }

    fn greet(&mut self) {
        while let Some(socket) = accept(&self.listener) {
            self.enter(socket, None);
        }
    }

    fn wish(&mut self, number: usize, interest: EventFlags) {
        if let Some(end) = &mut self.ends[number]
            && end.interest != interest
        {
            end.interest = interest;
            self.poll.modify(&end.socket, number, interest);
        }
    }

    fn attend(&mut self, number: usize, flags: EventFlags) {
        let Some(end) = &self.ends[number] else { return };
        let (peer, is_client, has_more) = (end.peer, end.member.is_none(), !end.block.is_empty());
        if flags.contains(OUT)
            && let Some(from) = peer
        {
            self.push(from);
        } else if is_client && peer.is_some() && end.body.is_none() && !has_more {
            // The client left, or is early with its next request; who it was is seen when the answer is written.
            self.wish(number, EventFlags::empty());
        } else {
            self.take(number);
        }
    }

    /// Reads what came and hands it on.
    fn take(&mut self, number: usize) {
        let Some(end) = &mut self.ends[number] else { return };
        if end.member.is_some() && end.peer.is_none() {
            self.part(number);
            return;
        }
        if end.block.is_empty() {
            end.block = self.spare.pop().unwrap_or_else(|| vec![0; BLOCK]);
        }
        if end.filled == BLOCK {
            return;
        }
        let Some(count) = read(&end.socket, &mut end.block[end.filled..]) else { return };
        if count == 0 {
            self.part(number);
            return;
        }
        end.filled += count;
        if let Some(body) = &mut end.body {
            *body = body.saturating_sub(count as u64);
        } else {
            let Some(head) = framed(&end.block[..end.filled]) else { return };
            end.body = Some(head.length.unwrap_or(0).saturating_sub((end.filled - head.end) as u64));
            end.closing = head.close.is_some();
            if end.member.is_none()
                && let Some(at) = head.close
            {
                end.block[at..at + "close".len()].fill(b' ');
            }
        }
        if end.peer.is_none() && !self.pair(number) {
            self.part(number);
            return;
        }
        self.push(number);
    }

    /// Gives a client the next member.
    fn pair(&mut self, client: usize) -> bool {
        let member = self.next;
        self.next = (member + 1) % self.members.len();
        let number = self.idle[member].pop().or_else(|| {
            let socket = connect(self.members[member], None).ok()?;
            self.enter(socket, Some(member))
        });
        let Some(number) = number else { return false };
        for (end, peer) in [(client, number), (number, client)] {
            if let Some(end) = &mut self.ends[end] {
                end.peer = Some(peer);
            }
        }
        true
    }

    /// Writes what `from` has to its peer.
    fn push(&mut self, from: usize) {
        let Some((end, number)) = self.ends[from].as_ref().and_then(|end| Some((end, end.peer?))) else {
            return;
        };
        let Some(to) = &self.ends[number] else { return };
        let wrote = write(&to.socket, &end.block[end.sent..end.filled]);
        let Some(end) = &mut self.ends[from] else { return };
        match wrote {
            Wrote::Nothing => self.part(from),
            Wrote::Some(count) => {
                end.sent += count;
                self.wish(number, OUT);
                self.wish(from, EventFlags::empty());
            }
            Wrote::All => {
                (end.sent, end.filled) = (0, 0);
                if end.body == Some(0) {
                    self.finish(from);
                }
                self.wish(number, IN);
                self.wish(from, IN);
            }
        }
    }

    /// A message is over: its block goes back, and after an answer the two ends part.
    fn finish(&mut self, from: usize) {
        let Some(end) = &mut self.ends[from] else { return };
        end.body = None;
        let block = std::mem::take(&mut end.block);
        if self.spare.len() < SPARE {
            self.spare.push(block);
        }
        let Some(member) = end.member else { return };
        let client = end.peer.take();
        self.idle[member].push(from);
        let Some(number) = client else { return };
        let Some(client) = &mut self.ends[number] else { return };
        client.peer = None;
        if client.closing {
            self.part(number);
        }
    }

    /// Ends a connection and the one it is paired with.
    fn part(&mut self, number: usize) {
        let Some(end) = self.ends[number].take() else { return };
        self.left.push(number);
        if !end.block.is_empty() && self.spare.len() < SPARE {
            self.spare.push(end.block);
        }
        if let Some(member) = end.member {
            self.idle[member].retain(|idle| *idle != number);
        }
        if let Some(peer) = end.peer {
            self.part(peer);
        }
    }
}
