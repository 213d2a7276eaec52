//! What happens when it does not work: members that are dead, lie or hang, clients that go away, a proxy that is
//! killed.

mod aborted;
mod durable;
mod failover;
mod faults;
mod foreign;
mod killed;
mod names;
mod ping;
mod recovery;
mod stale;
