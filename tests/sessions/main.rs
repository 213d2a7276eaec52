//! Who keeps coming back: cookies, paths, and what happens when the member of a session is away.

mod away;
mod beside;
mod cookie;
mod departures;
mod hostile;
mod moved;
mod search;
