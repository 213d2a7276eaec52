//! Who keeps coming back: cookies, paths, and what happens when the member of a session is away.

mod moved;
mod search;
