//! The networks between any two, each with weather of its own.

use std::sync::Arc;

use switchyard_rig::{
    HOST, Rig, RigOptions,
    faults::{Break, Fuse, Proxy, Weather},
};

/// A network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    ProductToSource,
    ProductToTarget,
    ProductToPooler,
    ProductToFront,
    /// The stream that leaves the source: the target reads it.
    TargetToSource,
    /// The stream that leaves the target: the source reads it.
    SourceToTarget,
    /// Half of the clients; the others have a pooler of their own.
    ClientsToPooler,
    FrontToSource,
    FrontToTarget,
    /// Of the first pooler's writes.
    PoolerToFront,
}

impl Link {
    pub const ALL: [Link; 10] = [
        Link::ProductToSource,
        Link::ProductToTarget,
        Link::ProductToPooler,
        Link::ProductToFront,
        Link::TargetToSource,
        Link::SourceToTarget,
        Link::ClientsToPooler,
        Link::FrontToSource,
        Link::FrontToTarget,
        Link::PoolerToFront,
    ];

    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Link::ProductToSource => "us and the source",
            Link::ProductToTarget => "us and the target",
            Link::ProductToPooler => "us and a pooler",
            Link::ProductToFront => "us and HAProxy",
            Link::TargetToSource => "the target and its stream",
            Link::SourceToTarget => "the source and its stream",
            Link::ClientsToPooler => "clients and a pooler",
            Link::FrontToSource => "HAProxy and the source",
            Link::FrontToTarget => "HAProxy and the target",
            Link::PoolerToFront => "a pooler and HAProxy",
        }
    }

    /// Whether it is ours, so that whatever happens in it is ours to survive; others' hosts have to be told by somebody that a
    /// connection is half open.
    pub fn is_ours(self) -> bool {
        match self {
            Link::ProductToSource | Link::ProductToTarget | Link::ProductToPooler | Link::ProductToFront => true,
            Link::TargetToSource
            | Link::SourceToTarget
            | Link::ClientsToPooler
            | Link::FrontToSource
            | Link::FrontToTarget
            | Link::PoolerToFront => false,
        }
    }
}

/// What can be wrong with a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Its connections are closed, once.
    Cut,
    /// Its connections are reset, once.
    Reset,
    /// One end is told that they are closed.
    HalfOpen,
    /// They are closed, and no new ones are made.
    Refused,
    /// Nothing arrives.
    Silent,
    /// Everything arrives half a second later.
    Slow,
    /// Two thousand bytes a second arrive.
    Trickle,
}

impl Trouble {
    pub const ALL: [Trouble; 7] = [
        Trouble::Cut,
        Trouble::Reset,
        Trouble::HalfOpen,
        Trouble::Refused,
        Trouble::Silent,
        Trouble::Slow,
        Trouble::Trickle,
    ];

    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Trouble::Cut => "cut",
            Trouble::Reset => "reset",
            Trouble::HalfOpen => "half open",
            Trouble::Refused => "refused",
            Trouble::Silent => "silent",
            Trouble::Slow => "500 ms late",
            Trouble::Trickle => "trickling",
        }
    }
}

/// All of them, over one rig. HAProxy's own are the rig's.
pub struct Links {
    /// Of all that the product says to anybody.
    pub fuse: Arc<Fuse>,
    pub source: Proxy,
    pub target: Proxy,
    /// One for each pooler's console.
    pub poolers: Vec<Proxy>,
    pub front: Proxy,
    pub from_source: Proxy,
    pub from_target: Proxy,
    pub clients: Proxy,
}

impl Links {
    /// What a rig has to be like.
    pub fn options() -> RigOptions {
        RigOptions { links: true, ..RigOptions::default() }
    }

    pub async fn over(rig: &Rig) -> Links {
        let fuse: Arc<Fuse> = Arc::default();
        let ours = async |port: u16| Proxy::with_fuse(HOST, port, fuse.clone()).await.unwrap();
        let mut poolers = Vec::new();
        for pooler in &rig.poolers {
            poolers.push(ours(pooler.port).await);
        }
        Links {
            source: ours(rig.source.port).await,
            target: ours(rig.target.port).await,
            poolers,
            front: ours(rig.haproxy.as_ref().unwrap().admin_port).await,
            from_source: Proxy::start(HOST, rig.source.port).await.unwrap(),
            from_target: Proxy::start(HOST, rig.target.port).await.unwrap(),
            clients: Proxy::start(HOST, rig.poolers[0].port).await.unwrap(),
            fuse,
        }
    }

    fn proxy<'a>(&'a self, rig: &'a Rig, link: Link) -> &'a Proxy {
        let behind = rig.links.as_ref().unwrap();
        match link {
            Link::ProductToSource => &self.source,
            Link::ProductToTarget => &self.target,
            Link::ProductToPooler => &self.poolers[0],
            Link::ProductToFront => &self.front,
            Link::TargetToSource => &self.from_source,
            Link::SourceToTarget => &self.from_target,
            Link::ClientsToPooler => &self.clients,
            Link::FrontToSource => &behind.source,
            Link::FrontToTarget => &behind.target,
            Link::PoolerToFront => &behind.front,
        }
    }

    pub async fn trouble(&self, rig: &Rig, link: Link, trouble: Trouble) {
        let proxy = self.proxy(rig, link);
        match trouble {
            Trouble::Cut => proxy.cut(),
            Trouble::Reset => proxy.break_all(Break::Reset),
            Trouble::HalfOpen => proxy.break_all(Break::Strand),
            Trouble::Refused => proxy.refuse().await,
            Trouble::Silent => proxy.set(Weather::Silent),
            Trouble::Slow => proxy.set(Weather::Slow(std::time::Duration::from_millis(500))),
            Trouble::Trickle => proxy.set(Weather::Trickle(2_000)),
        }
    }

    pub async fn heal(&self, rig: &Rig, link: Link, trouble: Trouble) {
        let proxy = self.proxy(rig, link);
        match trouble {
            Trouble::Cut | Trouble::Reset => {}
            Trouble::HalfOpen if link.is_ours() => {}
            Trouble::HalfOpen => proxy.cut(),
            Trouble::Refused => proxy.accept().await.unwrap(),
            Trouble::Silent | Trouble::Slow | Trouble::Trickle => proxy.set(Weather::Clear),
        }
    }
}
