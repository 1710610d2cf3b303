//! An offer's folder on this disk. The reading itself is the server's own (`app::folder`), so that both see the same.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

use app::folder::{FILE_BYTES_MAX, FolderError, OfferFolder, read_folder};

use crate::verbs::failure::{Exit, Failure};

/// Reads the folder. Files that are not there are the offer's matter, a folder that is not there is ours.
pub(crate) fn read(dir: &Path) -> Result<OfferFolder, Failure> {
    let what = format!("{} cannot be read as an offer", dir.display());
    if !dir.is_dir() {
        return Err(Failure::new(
            Exit::NotFound,
            format!("there is no folder {}", dir.display()),
        )
        .fix(format!(
            "make one with `edgemart offer init {} --publisher ID --offer ID`",
            dir.display()
        )));
    }
    read_folder(|path| bytes(&dir.join(path))).map_err(|error| match error {
        FolderError::NoOffer => {
            Failure::new(Exit::NotFound, format!("{} holds no offer", dir.display()))
                .why(error)
                .fix("name the folder in which offer.yaml stands")
        }
        FolderError::Io(..) => Failure::new(Exit::Failure, what).why(error),
        FolderError::Shape(_) => Failure::new(Exit::Invalid, what)
            .why(error)
            .fix("correct offer.yaml; `offer init` shows every field"),
        _ => Failure::new(Exit::Invalid, what).why(error),
    })
}

/// One byte more than is allowed is enough to know that it is too much.
fn bytes(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
