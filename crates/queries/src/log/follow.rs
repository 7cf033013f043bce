//! Where to read on in a log that grows, is cut, or makes room for the next one.
//!
//! Owns the decision; whoever opens files tells it what it saw.

/// What tells one file from another under the same name: device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    /// Device.
    pub device: u64,
    /// Inode.
    pub inode: u64,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing is new.
    Wait,
    /// Read the same file from this place to its end.
    Read {
        /// Bytes from its begin.
        from: u64,
    },
    /// It is shorter than before: what was read is over ([`super::LogReader::finish`]), and it is read from its begin.
    Again,
    /// Another file has its name: read the one that is still open to its end, finish it, and open this one.
    Another,
}

/// One followed file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Follow {
    id: Option<FileId>,
    read: u64,
}

impl Follow {
    /// What is seen under the name now, and so what to do.
    pub fn look(&mut self, id: FileId, size: u64) -> Next {
        match self.id {
            Some(known) if known != id => {
                (self.id, self.read) = (Some(id), 0);
                Next::Another
            }
            Some(_) if size < self.read => {
                self.read = 0;
                Next::Again
            }
            Some(_) if size == self.read => Next::Wait,
            Some(_) => Next::Read { from: self.read },
            None => {
                self.id = Some(id);
                if size == 0 { Next::Wait } else { Next::Read { from: 0 } }
            }
        }
    }

    /// So many bytes of the file that was looked at last were read.
    pub fn has_read(&mut self, bytes: u64) {
        self.read += bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_truncation_and_rotation_are_told_apart() {
        let id = |inode| FileId { device: 1, inode };
        let mut follow = Follow::default();
        assert_eq!(follow.look(id(7), 100), Next::Read { from: 0 });
        follow.has_read(100);
        assert_eq!(follow.look(id(7), 100), Next::Wait);
        assert_eq!(follow.look(id(7), 150), Next::Read { from: 100 }, "it grew");
        follow.has_read(50);
        assert_eq!(follow.look(id(7), 20), Next::Again, "copytruncate");
        assert_eq!(follow.look(id(7), 20), Next::Read { from: 0 });
        follow.has_read(20);
        assert_eq!(follow.look(id(8), 5), Next::Another, "the name is another file's");
        assert_eq!(follow.look(id(8), 5), Next::Read { from: 0 });
    }
}
