//! Bad input, from a wrong password to a full disk, through the real `switchyardctl` on real servers.
//!
//! Each case gets one sentence that names the thing, what is wrong and what to do, and the documented exit code; nothing
//! is lost or left half done, and the right command works afterwards. One file per theme.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../ctl/mod.rs"]
mod ctl;

mod arguments;
mod endpoints;
mod names;
mod preflight;
mod routers;
mod said;
mod shortage;
mod store;
mod switch;
mod traces;
