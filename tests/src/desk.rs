//! The screen as a window manager sees it: the app's windows by title, and a keyboard. What goes through here meets the
//! menu and the native dialogs, which the WebDriver does not see.

use std::time::Duration;

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    AtomEnum, ConnectionExt as _, ImageFormat, InputFocus, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, Keycode, MapState,
    Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use crate::picture::Picture;
use crate::{WAIT, until};

/// A connection to the screen.
pub struct Desk {
    x: RustConnection,
    root: Window,
}

/// A key by its X keysym.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(u32);

impl Key {
    /// Left Ctrl.
    pub const CTRL: Key = Key(0xffe3);
    /// Enter.
    pub const ENTER: Key = Key(0xff0d);
    /// Escape.
    pub const ESCAPE: Key = Key(0xff1b);
    /// F1.
    pub const F1: Key = Key(0xffbe);

    /// A small letter or a digit.
    pub const fn of(character: char) -> Key {
        // In this range keysyms are the characters themselves.
        Key(character as u32)
    }
}

impl Desk {
    /// Connects to the screen that the tests run on.
    pub fn open() -> Self {
        let (x, number) = x11rb::connect(None).unwrap_or_else(|e| panic!("there is no screen: {e}"));
        let root = x.setup().roots[number].root;
        Self { x, root }
    }

    /// Waits for a visible window with this title.
    pub async fn window(&self, title: &str) -> Window {
        until(&format!("a window “{title}” is on the screen"), WAIT, async || self.find(title)).await
    }

    /// Waits until no visible window has this title.
    pub async fn gone(&self, title: &str) {
        until(&format!("the window “{title}” is gone"), WAIT, async || self.find(title).is_none().then_some(())).await;
    }

    /// Whether a visible window has this title.
    pub fn find(&self, title: &str) -> Option<Window> {
        let tree = self.x.query_tree(self.root).ok()?.reply().ok()?;
        tree.children.into_iter().find(|w| self.visible(*w) && self.title(*w).is_some_and(|t| t.contains(title)))
    }

    /// Presses keys together in this window, and lets go of them.
    pub async fn press(&self, window: Window, keys: &[Key]) {
        self.x.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME).unwrap().check().unwrap();
        // Focus is told to the app by an event of its own; a key that came before it would be lost.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let codes: Vec<Keycode> = keys.iter().map(|k| self.code(*k)).collect();
        for code in &codes {
            self.fake(KEY_PRESS_EVENT, *code);
        }
        for code in codes.iter().rev() {
            self.fake(KEY_RELEASE_EVENT, *code);
        }
    }

    /// A window as it is on the screen.
    pub fn look_at(&self, window: Window) -> Option<Picture> {
        let size = self.x.get_geometry(window).ok()?.reply().ok()?;
        let image = self
            .x
            .get_image(ImageFormat::Z_PIXMAP, window, 0, 0, size.width, size.height, u32::MAX)
            .ok()?
            .reply()
            .ok()?;
        Some(Picture::from_bgrx(size.width, size.height, &image.data))
    }

    /// Everything on the screen.
    pub fn look_at_all(&self) -> Option<Picture> {
        self.look_at(self.root)
    }

    fn fake(&self, what: u8, code: Keycode) {
        self.x.xtest_fake_input(what, code, x11rb::CURRENT_TIME, self.root, 0, 0, 0).unwrap().check().unwrap();
    }

    fn code(&self, key: Key) -> Keycode {
        let setup = self.x.setup();
        let (first, count) = (setup.min_keycode, setup.max_keycode - setup.min_keycode + 1);
        let map = self.x.get_keyboard_mapping(first, count).unwrap().reply().unwrap();
        let width = usize::from(map.keysyms_per_keycode);
        let index = map.keysyms.chunks(width).position(|of_key| of_key.contains(&key.0));
        let index = index.unwrap_or_else(|| panic!("the keyboard has no {key:?}"));
        first + u8::try_from(index).unwrap()
    }

    fn visible(&self, window: Window) -> bool {
        let attributes = self.x.get_window_attributes(window).ok().and_then(|c| c.reply().ok());
        attributes.is_some_and(|a| a.map_state == MapState::VIEWABLE)
    }

    fn title(&self, window: Window) -> Option<String> {
        let utf8 = self.x.intern_atom(false, b"_NET_WM_NAME").ok()?.reply().ok()?.atom;
        let any = u32::from(AtomEnum::ANY);
        let value = self.x.get_property(false, window, utf8, any, 0, 1024).ok()?.reply().ok()?.value;
        String::from_utf8(value).ok()
    }
}
