//! The data folder's note of who writes: by it a server that is started again finds the sales of the one before, which
//! is dead, and need not wait for a lease.
//!
//! Always: whoever may still have sales stands in the note, at whatever step a server dies.

use crate::store::{DataFolder, FolderError, WriterId};

/// The writers of a run, and the dead ones whose sales it takes over.
#[derive(Debug)]
pub struct HandOver {
    writers: Vec<WriterId>,
    former: Vec<WriterId>,
}

impl HandOver {
    /// Whom the folder names. Without a folder of our own there is nobody to take over from.
    pub fn from(folder: Option<&DataFolder>) -> Self {
        Self { writers: Vec::new(), former: folder.map(DataFolder::former_writers).unwrap_or_default() }
    }

    /// Writers of a server that is dead.
    pub fn former(&self) -> &[WriterId] {
        &self.former
    }

    /// Notes these writers before they take any sale.
    pub fn begin(&mut self, folder: Option<&DataFolder>, writers: &[WriterId]) -> Result<(), FolderError> {
        self.writers = writers.to_vec();
        // Both, for as long as both may have sales: a server that dies on its way leaves no lease behind.
        let both = [self.former.as_slice(), writers].concat();
        folder.map_or(Ok(()), |folder| folder.note_writers(&both))
    }

    /// Once the store has released what the former ones had.
    pub fn end(self, folder: Option<&DataFolder>) -> Result<(), FolderError> {
        folder.map_or(Ok(()), |folder| folder.note_writers(&self.writers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn writers(ids: &[u128]) -> Vec<WriterId> {
        ids.iter().map(|&id| WriterId(Uuid::from_u128(id))).collect()
    }

    /// Goal: no writer's sales are forgotten, whenever a server dies. Method: servers that die before and after they have
    /// taken over, each found by the next.
    #[test]
    fn whoever_may_have_sales_is_known_to_the_next_server() {
        let path = tempfile::tempdir().unwrap();
        let run = |ids: &[u128], ends: bool| {
            let folder = DataFolder::lock(path.path()).unwrap();
            let mut hand_over = HandOver::from(Some(&folder));
            let former = hand_over.former().to_vec();
            hand_over.begin(Some(&folder), &writers(ids)).unwrap();
            if ends {
                hand_over.end(Some(&folder)).unwrap();
            }
            former
        };
        assert_eq!(run(&[1, 2], true), writers(&[]));
        assert_eq!(run(&[3], true), writers(&[1, 2]));
        assert_eq!(run(&[4], false), writers(&[3]), "it dies before it has taken over");
        assert_eq!(run(&[5], false), writers(&[3, 4]));
        assert_eq!(run(&[6], true), writers(&[3, 4, 5]));
        assert_eq!(run(&[7], true), writers(&[6]));
    }

    #[test]
    fn without_a_folder_nobody_is_taken_over() {
        let mut hand_over = HandOver::from(None);
        assert_eq!(hand_over.former(), []);
        hand_over.begin(None, &writers(&[1])).unwrap();
        hand_over.end(None).unwrap();
    }
}
