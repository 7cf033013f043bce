//! The real window on real servers, driven as a person would. Run by `scripts/window-tests.sh window`, which gives them
//! a screen, a session bus and a keyring.

#![allow(clippy::unwrap_used, clippy::panic)]

mod closing;
mod drills;
mod endpoint_form;
mod journey;
mod menu;
mod notices;
mod plan;
mod repair;
mod second_start;
mod silent;
mod store;
