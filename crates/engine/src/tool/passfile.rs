//! A password for one run of a tool, in a file that libpq reads.

use std::path::Path;

use super::private_dir::PrivateDir;
use crate::{
    error::{Error, Kind, Result},
    secret::Secret,
};

/// A `.pgpass` of mode 0600 in a folder of mode 0700; both are gone when this is dropped.
pub(super) struct PassFile {
    dir: PrivateDir,
}

const NAME: &str = "pgpass";

impl PassFile {
    /// Writes the password; it serves every login of the one tool that gets to know the file.
    pub(super) fn write(password: &Secret) -> Result<Self> {
        let doing = "writing a password file";
        if password.expose().contains(['\n', '\r', '\0']) {
            let why = "the password holds a line break or a NUL character, which password files cannot hold";
            return Err(Error::new(Kind::Invalid, doing, why));
        }
        let store = |e: std::io::Error| Error::new(Kind::Store, doing, e.to_string()).caused_by(e);
        let dir = PrivateDir::make(&std::env::temp_dir()).map_err(store)?;
        dir.write(NAME, &format!("*:*:*:*:{}\n", escaped(password.expose()))).map_err(store)?;
        Ok(PassFile { dir })
    }

    /// Its path, for `PGPASSFILE`.
    pub(super) fn path(&self) -> std::path::PathBuf {
        self.dir.file(NAME)
    }
}

/// Where no password is known: a path that holds none, so that the operator's own `.pgpass` is not used behind our back.
pub(super) fn nothing() -> &'static Path {
    Path::new("/dev/null")
}

/// Colons end a field and backslashes escape, so both are escaped.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace(':', "\\:")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_file_is_private_escaped_and_gone_afterwards() {
        let file = PassFile::write(&Secret::new("a:b\\c")).unwrap();
        let path = file.path();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "*:*:*:*:a\\:b\\\\c\n");
        let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600, "libpq ignores a file that others can read");
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        drop(file);
        assert!(!path.exists(), "the password must not outlive the tool");
    }

    #[test]
    fn a_password_with_a_line_break_is_refused_without_being_told() {
        let Err(error) = PassFile::write(&Secret::new("sek\nret")) else { panic!("it was written") };
        assert!(!format!("{error:?}").contains("sek"), "{error:?}");
    }
}
