//! A router whose connection to us a drill can cut: it is told nothing and tells nothing while the line is cut, and goes on
//! serving its clients.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use switchyard_model::{Side, journal::Action, plan::live::Pool, sources::SourceKind};

use super::{Capabilities, Router, RouterState, ServedBySide, Traffic};
use crate::error::{Error, Kind, Result};

/// A line that can be cut and mended; clones are the same line.
#[derive(Debug, Clone, Default)]
pub struct Line(Arc<AtomicBool>);

impl Line {
    /// Cuts it until the answer is dropped.
    pub fn cut(&self) -> Cut {
        self.0.store(true, Ordering::Relaxed);
        Cut(self.clone())
    }

    fn is_cut(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A line that is cut; mended when this is dropped.
#[derive(Debug)]
pub struct Cut(Line);

impl Drop for Cut {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Relaxed);
    }
}

/// See the module.
pub(super) struct Severable {
    router: Arc<dyn Router>,
    line: Line,
}

impl Severable {
    pub(super) fn new(router: Arc<dyn Router>, line: Line) -> Severable {
        Severable { router, line }
    }

    fn reached(&self) -> Result<&Arc<dyn Router>> {
        if self.line.is_cut() {
            let doing = format!("asking {}", self.router.label());
            return Err(Error::new(Kind::Router, doing, "a drill has cut our connection to it"));
        }
        Ok(&self.router)
    }
}

#[async_trait]
impl Router for Severable {
    fn label(&self) -> &str {
        self.router.label()
    }

    fn capabilities(&self) -> Capabilities {
        self.router.capabilities()
    }

    async fn observe(&self) -> Result<RouterState> {
        self.reached()?.observe().await
    }

    fn hold_actions(&self) -> Vec<Action> {
        self.router.hold_actions()
    }

    async fn hold(&self) -> Result<()> {
        self.reached()?.hold().await
    }

    fn release_actions(&self) -> Vec<Action> {
        self.router.release_actions()
    }

    async fn release(&self) -> Result<()> {
        self.reached()?.release().await
    }

    fn shift_reads_actions(&self, percent: u8) -> Vec<Action> {
        self.router.shift_reads_actions(percent)
    }

    async fn shift_reads(&self, percent: u8) -> Result<()> {
        self.reached()?.shift_reads(percent).await
    }

    fn point_writes_actions(&self, side: Side) -> Vec<Action> {
        self.router.point_writes_actions(side)
    }

    async fn point_writes(&self, side: Side) -> Result<()> {
        self.reached()?.point_writes(side).await
    }

    fn renew_readers_actions(&self) -> Vec<Action> {
        self.router.renew_readers_actions()
    }

    async fn renew_readers(&self) -> Result<()> {
        self.reached()?.renew_readers().await
    }

    fn renew_writers_actions(&self) -> Vec<Action> {
        self.router.renew_writers_actions()
    }

    async fn renew_writers(&self) -> Result<()> {
        self.reached()?.renew_writers().await
    }

    async fn pools(&self) -> Result<Option<Vec<Pool>>> {
        self.reached()?.pools().await
    }

    async fn traffic(&self) -> Result<Option<Vec<Traffic>>> {
        self.reached()?.traffic().await
    }

    fn counts_by(&self) -> Option<SourceKind> {
        self.router.counts_by()
    }

    async fn served(&self) -> Result<Option<ServedBySide>> {
        self.reached()?.served().await
    }
}
