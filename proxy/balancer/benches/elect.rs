//! One election among 3, 30, 300 and 1000 members.
fn main() {}
