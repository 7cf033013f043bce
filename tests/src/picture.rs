//! Pictures as they are on the screen, menu and native dialogs included.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// A picture: three bytes a pixel, row by row.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: u16,
    height: u16,
    rgb: Vec<u8>,
}

impl Picture {
    /// From what an X server sends: blue, green, red and a byte to spare.
    pub(crate) fn from_bgrx(width: u16, height: u16, bgrx: &[u8]) -> Self {
        let rgb = bgrx.chunks_exact(4).flat_map(|p| [p[2], p[1], p[0]]).collect();
        Self { width, height, rgb }
    }

    /// Writes a PNG, by way of ImageMagick.
    pub(crate) fn write(&self, path: &Path) -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut convert = Command::new("convert").arg("ppm:-").arg(path).stdin(Stdio::piped()).spawn()?;
        if let Some(mut pipe) = convert.stdin.take() {
            writeln!(pipe, "P6 {} {} 255", self.width, self.height)?;
            pipe.write_all(&self.rgb)?;
        }
        let status = convert.wait()?;
        if status.success() { Ok(()) } else { Err(std::io::Error::other(format!("convert: {status}"))) }
    }
}
