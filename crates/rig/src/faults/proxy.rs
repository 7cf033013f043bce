//! A TCP proxy with bad weather.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use super::fuse::{Fuse, Lost};
use crate::HOST;
use crate::error::{Result, RigError};

/// How many bytes trickle at once.
const DROP: usize = 64;

/// What happens to bytes on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// They arrive.
    Clear,
    /// They arrive later, in both directions.
    Slow(Duration),
    /// They trickle: so many bytes a second, in each direction.
    Trickle(u32),
    /// They don't arrive, and nobody is told: connections stay open, new ones are accepted too.
    Silent,
}

/// How every connection of a proxy ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// In order: both ends read the end of the stream.
    Close,
    /// By a reset, as from a machine that does not know the connection.
    Reset,
    /// Half open: the server sees it closed, and the client is told nothing.
    Strand,
}

/// Forwards a free port on loopback to an address. Dropping it cuts everything.
#[derive(Debug)]
pub struct Proxy {
    /// Always `127.0.0.1`.
    pub host: String,
    /// The port to connect to instead of the real one.
    pub port: u16,
    upstream: String,
    weather: watch::Sender<Weather>,
    cut: broadcast::Sender<Break>,
    fuse: Arc<Fuse>,
    listening: Mutex<Option<JoinHandle<()>>>,
}

impl Proxy {
    /// Starts forwarding to `host:port`.
    pub async fn start(host: &str, port: u16) -> Result<Self> {
        Self::with_fuse(host, port, Arc::default()).await
    }

    /// The same, with a fuse that other proxies may share.
    pub async fn with_fuse(host: &str, port: u16, fuse: Arc<Fuse>) -> Result<Self> {
        let listener = TcpListener::bind((HOST, 0)).await.map_err(RigError::io("starting a proxy"))?;
        let own = listener.local_addr().map_err(RigError::io("starting a proxy"))?.port();
        let proxy = Self {
            host: HOST.into(),
            port: own,
            upstream: format!("{host}:{port}"),
            weather: watch::Sender::new(Weather::Clear),
            cut: broadcast::Sender::new(1),
            fuse,
            listening: Mutex::new(None),
        };
        proxy.listen_with(listener);
        Ok(proxy)
    }

    /// Changes what happens to bytes from now on.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Closes every connection; new ones are accepted.
    pub fn cut(&self) {
        self.break_all(Break::Close);
    }

    /// Ends every connection in this way; new ones are accepted.
    pub fn break_all(&self, how: Break) {
        // Nobody listening means that there is no connection to cut.
        let _ = self.cut.send(how);
    }

    /// Closes every connection and refuses new ones.
    pub async fn refuse(&self) {
        let listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = listening {
            task.abort();
            // The port is free once the task has really ended.
            let _ = task.await;
        }
        self.cut();
    }

    /// Accepts connections again after [`Proxy::refuse`], on the same port.
    pub async fn accept(&self) -> Result<()> {
        let doing = || RigError::io(format!("listening again on port {}", self.port));
        let listener = TcpListener::bind((HOST, self.port)).await.map_err(doing())?;
        self.listen_with(listener);
        Ok(())
    }

    fn listen_with(&self, listener: TcpListener) {
        let (upstream, weather, cut) = (self.upstream.clone(), self.weather.clone(), self.cut.clone());
        let fuse = self.fuse.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, upstream.clone(), weather.subscribe(), cut.subscribe(), fuse.clone()));
            }
        });
        *self.listening.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(task) = self.listening.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
        self.cut();
    }
}

/// One connection, until either end closes or it is broken.
async fn forward(
    mut client: TcpStream,
    upstream: String,
    weather: watch::Receiver<Weather>,
    mut cut: broadcast::Receiver<Break>,
    fuse: Arc<Fuse>,
) {
    let mut blown = fuse.listen();
    let Ok(mut server) = TcpStream::connect(upstream).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let how = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::select! {
            () = pump(from_client, to_server, weather.clone(), &fuse, Lost::Request) => Break::Close,
            () = pump(from_server, to_client, weather, &fuse, Lost::Answer) => Break::Close,
            // A proxy that is gone takes its connections with it.
            how = cut.recv() => how.unwrap_or(Break::Close),
            _ = blown.recv() => Break::Close,
        }
    };
    match how {
        Break::Close => {}
        Break::Reset => {
            let _ = (client.set_zero_linger(), server.set_zero_linger());
        }
        Break::Strand => {
            drop(server);
            swallow(client, cut).await;
        }
    }
}

/// Takes whatever a stranded client says, and never answers.
async fn swallow(mut client: TcpStream, mut cut: broadcast::Receiver<Break>) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        tokio::select! {
            read = client.read(&mut buffer) => if !matches!(read, Ok(1..)) { return },
            // Stranded once is stranded for ever; only what ends connections ends this one.
            how = cut.recv() => if how != Ok(Break::Strand) { return },
        }
    }
}

async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut weather: watch::Receiver<Weather>,
    fuse: &Fuse,
    kind: Lost,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
        // Silence lasts until the weather changes; a proxy that is gone takes its connections with it.
        let Ok(now) = weather.wait_for(|w| *w != Weather::Silent).await.map(|w| *w) else { return };
        if let Weather::Slow(delay) = now {
            tokio::time::sleep(delay).await;
        }
        let Some(bytes) = buffer.get(..count) else { return };
        if !fuse.passes(kind) {
            return;
        }
        if send(&mut to, bytes, &mut weather).await.is_err() {
            return;
        }
    }
}

/// Sends bytes as fast as the weather lets them go, which may change on the way.
async fn send(to: &mut WriteHalf<'_>, mut bytes: &[u8], weather: &mut watch::Receiver<Weather>) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let now = *weather.borrow_and_update();
        let Weather::Trickle(rate) = now else { return to.write_all(bytes).await };
        let (first, rest) = bytes.split_at(DROP.min(bytes.len()));
        let takes = Duration::from_secs_f64(first.len() as f64 / f64::from(rate.max(1)));
        tokio::select! {
            () = tokio::time::sleep(takes) => {}
            // A proxy that is gone is seen at the next read.
            _ = weather.changed() => {}
        }
        to.write_all(first).await?;
        bytes = rest;
    }
    Ok(())
}
