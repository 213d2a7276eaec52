//! `Header` and `RequestHeader`: the recipes that operators write, byte for byte as a real httpd has them.

mod beside;
mod framing;
mod generated;
mod recipe;
