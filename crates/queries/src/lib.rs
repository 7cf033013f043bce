//! Statements, logs and plans of both sides, compared.
//!
//! Owns what a statement is apart from its values ([`shape`]), what a server's log says ([`log`]), which errors belong together
//! ([`errors`]), which statements never go well now ([`lately`]), how long statements take ([`latency`]), what a slower statement
//! costs ([`damage`]), where two plans part ([`plan`]) and what other tools made of a log ([`digest`]). Pure: it reads what it is
//! handed, as text or as a [`std::io::Read`], and opens nothing.

#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod damage;
pub mod digest;
pub mod errors;
pub mod facts;
pub mod index;
pub mod lately;
pub mod latency;
mod lex;
pub mod log;
pub mod parameters;
pub mod plan;
pub mod shape;
