//! Pictures of the page, in both themes and in two sizes.

use std::path::PathBuf;
use std::time::Duration;

use crate::desk::Desk;
use crate::picture::Picture;
use crate::{App, WAIT};

/// How the page is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// Both.
    pub const ALL: [Theme; 2] = [Theme::Light, Theme::Dark];

    /// As the desktop's toolkit calls it.
    pub(crate) fn of_desktop(self) -> &'static str {
        match self {
            Theme::Light => "Adwaita",
            Theme::Dark => "Adwaita:dark",
        }
    }

    /// As the page calls it.
    pub fn word(self) -> &'static str {
        match self {
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

impl App {
    /// Makes the window this large, menu included, and waits until the page has followed.
    pub async fn resize(&self, width: u32, height: u32) {
        if let Err(e) = self.client.set_window_size(width, height).await {
            self.fail(&format!("the window cannot be made {width}×{height}: {e}")).await;
        }
        let what = format!("the page is {width} wide");
        self.wait_for(&what, WAIT, async || {
            let wide = self.client.execute("return window.innerWidth", Vec::new()).await.ok()?;
            (wide.as_u64() == Some(u64::from(width))).then_some(())
        })
        .await;
    }

    /// Colours the page, whatever the desktop wants.
    pub async fn paint(&self, theme: Theme) {
        self.script("document.documentElement.dataset.theme = arguments[0]", vec![theme.word().into()]).await;
    }

    /// Waits until what was asked for is drawn: the chart in the new size and colours, fonts, two frames.
    pub async fn settle(&self) {
        let drawn = "const done = arguments[0];
            const images = () => [...document.images].every(i => i.complete && i.naturalWidth > 0);
            const chart = document.querySelector('[data-testid=lag-chart] img');
            const fits = () => !chart || Math.abs(chart.width - chart.parentElement.clientWidth) < 16;
            let left = 60;
            const look = () => (images() && fits()) || left-- === 0
                ? requestAnimationFrame(() => requestAnimationFrame(() => done(true)))
                : setTimeout(look, 50);
            document.fonts.ready.then(() => setTimeout(look, 100));";
        if let Err(e) = self.client.execute_async(drawn, Vec::new()).await {
            self.fail(&format!("the page does not come to rest: {e}")).await;
        }
    }

    /// Keeps a picture of the window in `screenshots/`; returns where.
    ///
    /// It is taken from the screen: what the page has drawn is not yet what a person sees, and the driver's own pictures
    /// need a compositor.
    pub async fn keep_picture(&self, name: &str) -> String {
        let desk = Desk::open();
        let mut picture = desk.find("Switchyard").and_then(|w| desk.look_at(w));
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(60)).await;
            let next = desk.find("Switchyard").and_then(|w| desk.look_at(w));
            let rests = next == picture;
            picture = next;
            if rests {
                break;
            }
        }
        keep(picture.as_ref(), name)
    }
}

/// Writes a picture to `screenshots/`; says where it is, or why it is not.
pub fn keep(picture: Option<&Picture>, name: &str) -> String {
    let path = folder().join(format!("{name}.png"));
    match picture.map(|p| p.write(&path)) {
        Some(Ok(())) => path.display().to_string(),
        Some(Err(e)) => format!("no picture: {e}"),
        None => "no picture: no window is on the screen".to_owned(),
    }
}

/// Where a person finds them.
pub fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../screenshots"))
}
