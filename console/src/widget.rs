//! Pieces that views are made of. A widget knows nothing of the model, so that it can be tested with a line of
//! text and reused on any screen.

pub mod abridge;
pub mod digits;
pub mod frame;
pub mod graph;
pub mod pages;
pub mod sparkline;
pub mod table;
pub mod text;
