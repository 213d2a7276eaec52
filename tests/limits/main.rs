//! How much, how slow, how many: the limits on requests, on waiting, on connections of clients and of members.

mod clients;
mod connections;
mod descriptors;
mod keepalive;
mod patience;
mod size;
mod time;
