//! Health checks through the real proxy: what members are asked, what is made of their answers, and who is told.

mod expression;
mod fault;
mod method;
mod operate;
mod series;
mod surface;
