//! An offer as a folder: `offer.yaml`, `description.html`, `certify.yaml`, `logos/`. Read the same way from a disk, from the samples in
//! the binary and from a test; written the same way by the portal's export.

use std::collections::BTreeMap;
use std::io;

use domain::offer::{LogoSlot, Offer};
use domain::overlay::Overlay;

/// Largest file of a folder, in bytes.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;

/// What a folder holds.
#[derive(Clone, Debug)]
pub struct OfferFolder {
    /// The offer, with the description from `description.html` and the test overlay from `certify.yaml` where `offer.yaml`
    /// has none. Logos still name files.
    pub offer: Offer,
    /// The pictures that the offer names and the folder has.
    pub logos: BTreeMap<LogoSlot, Vec<u8>>,
}

/// Why a folder cannot be read as an offer.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is no `offer.yaml`.
    #[error("there is no offer.yaml; `edgemart offer init` writes one")]
    NoOffer,
    /// `offer.yaml` is not of the right shape; the text has line and column.
    #[error("offer.yaml: {0}")]
    Shape(String),
    /// `certify.yaml` is not of the right shape.
    #[error("certify.yaml: {0}")]
    Overlay(String),
    /// A file is not text.
    #[error("{0} is not UTF-8 text")]
    NotText(String),
    /// A file is over [`FILE_BYTES_MAX`].
    #[error("{0} has {1} bytes; a file of an offer has at most 1,024 KiB")]
    TooLarge(String, usize),
    /// A logo is named by a path that leads out of the folder.
    #[error("listing.logos.{0}: `{1}` must be a file inside the folder")]
    Outside(&'static str, String),
    /// The disk.
    #[error("{0}: {1}")]
    Io(String, #[source] io::Error),
}

/// Reads a folder through `file`, which gives a file's bytes by relative path, or nothing where there is none.
pub fn read_folder(
    file: impl Fn(&str) -> io::Result<Option<Vec<u8>>>,
) -> Result<OfferFolder, FolderError> {
    let bounded = |path: &str| -> Result<Option<Vec<u8>>, FolderError> {
        match file(path).map_err(|e| FolderError::Io(path.to_owned(), e))? {
            Some(bytes) if bytes.len() > FILE_BYTES_MAX => {
                Err(FolderError::TooLarge(path.to_owned(), bytes.len()))
            }
            other => Ok(other),
        }
    };
    let text = |path: &str| -> Result<Option<String>, FolderError> {
        bounded(path)?
            .map(|bytes| {
                String::from_utf8(bytes).map_err(|_| FolderError::NotText(path.to_owned()))
            })
            .transpose()
    };
    let yaml = text("offer.yaml")?.ok_or(FolderError::NoOffer)?;
    let mut offer: Offer =
        serde_saphyr::from_str(&yaml).map_err(|e| FolderError::Shape(e.to_string()))?;
    if offer.listing.description.is_empty()
        && let Some(description) = text("description.html")?
    {
        offer.listing.description = description;
    }
    if offer.certify.is_empty()
        && let Some(yaml) = text("certify.yaml")?
    {
        offer.certify = read_overlay(&yaml)?;
    }
    let mut logos = BTreeMap::new();
    for slot in LogoSlot::ALL {
        let path = offer.listing.logos.get(slot);
        if path.is_empty() {
            continue;
        }
        if path.starts_with('/') || path.split(['/', '\\']).any(|part| part == "..") {
            return Err(FolderError::Outside(slot.name(), path.to_owned()));
        }
        if let Some(bytes) = bounded(path)? {
            logos.insert(slot, bytes);
        }
    }
    Ok(OfferFolder { offer, logos })
}

/// Reads `certify.yaml`; a file of comments alone says nothing.
pub fn read_overlay(yaml: &str) -> Result<Overlay, FolderError> {
    let read: Result<Option<Overlay>, _> = serde_saphyr::from_str(yaml);
    read.map(Option::unwrap_or_default)
        .map_err(|e| FolderError::Overlay(e.to_string()))
}

/// The path of a logo in a folder that we write.
pub fn logo_path(slot: LogoSlot) -> String {
    let (width, height) = slot.pixels();
    format!("logos/{width}x{height}.png")
}

/// Writes an offer as the files of a folder.
pub fn write_folder(
    offer: &Offer,
    logos: &BTreeMap<LogoSlot, Vec<u8>>,
) -> Result<Vec<(String, Vec<u8>)>, FolderError> {
    let mut plain = offer.clone();
    let description = std::mem::take(&mut plain.listing.description);
    let overlay = std::mem::take(&mut plain.certify);
    let mut files = Vec::new();
    for slot in LogoSlot::ALL {
        let reference = match logos.get(&slot) {
            Some(bytes) => {
                files.push((logo_path(slot), bytes.clone()));
                logo_path(slot)
            }
            None => String::new(),
        };
        plain.listing.logos.set(slot, reference);
    }
    let yaml = serde_saphyr::to_string(&plain).map_err(|e| FolderError::Shape(e.to_string()))?;
    files.insert(0, ("offer.yaml".to_owned(), yaml.into_bytes()));
    files.insert(1, ("description.html".to_owned(), description.into_bytes()));
    if !overlay.is_empty() {
        let yaml =
            serde_saphyr::to_string(&overlay).map_err(|e| FolderError::Overlay(e.to_string()))?;
        files.push(("certify.yaml".to_owned(), yaml.into_bytes()));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(files: Vec<(String, Vec<u8>)>) -> impl Fn(&str) -> io::Result<Option<Vec<u8>>> {
        move |path| {
            let found = files.iter().find(|(name, _)| name == path);
            Ok(found.map(|(_, bytes)| bytes.clone()))
        }
    }

    #[test]
    fn what_was_written_reads_back() {
        let mut offer = Offer::empty(&"contoso.sensor".parse().unwrap());
        offer.listing.title = "Sensor: \"quoted\" — ünïcode".into();
        offer.listing.description = "<p>Hi</p>".into();
        let logos = BTreeMap::from([(LogoSlot::Small, vec![1, 2, 3])]);
        let files = write_folder(&offer, &logos).unwrap();
        let back = read_folder(reader(files)).unwrap();
        assert_eq!(back.logos, logos);
        assert_eq!(back.offer.listing.title, offer.listing.title);
        assert_eq!(back.offer.listing.description, "<p>Hi</p>");
    }

    const OVERLAY: &str = "\
# What the trial is told.
plans:
  standard:
    placeholders: {SERVER: localhost}
    outputs: [readings]
    inputs:
      - name: in
        body: {temperature: 21.5, on: true}
    methods:
      - name: reset
    hosts: [api.contoso.example]
";

    #[test]
    fn the_test_overlay_travels_with_the_offer() {
        let yaml = "publisher: contoso\noffer: sensor\nplans:\n  - plan: standard\n";
        let folder = |overlay: &str| {
            vec![
                ("offer.yaml".to_owned(), yaml.as_bytes().to_vec()),
                ("certify.yaml".to_owned(), overlay.as_bytes().to_vec()),
            ]
        };
        let read = read_folder(reader(folder(OVERLAY))).unwrap().offer;
        let plan = &read.certify.plans[&read.plans[0].plan];
        assert_eq!(plan.placeholders["SERVER"], "localhost");
        assert_eq!(
            plan.inputs[0].body,
            Some(serde_json::json!({"temperature": 21.5, "on": true}))
        );
        let files = write_folder(&read, &BTreeMap::new()).unwrap();
        assert_eq!(read_folder(reader(files)).unwrap().offer, read);
        for nothing in ["", "# not yet\n", "plans: {}\n"] {
            let read = read_folder(reader(folder(nothing))).unwrap().offer;
            assert!(read.certify.is_empty(), "{nothing:?}");
        }
        let wrong = read_folder(reader(folder("plans:\n  standard:\n    metods: []\n")));
        let told = wrong.unwrap_err().to_string();
        assert!(
            told.starts_with("certify.yaml: ") && told.contains("metods"),
            "{told}"
        );
    }

    #[test]
    fn logos_stay_inside_the_folder() {
        for path in ["/etc/passwd", "../x.png", "logos/../../x.png"] {
            let yaml = format!("publisher: a\noffer: b\nlisting:\n  logos:\n    small: {path}\n");
            let files = vec![("offer.yaml".to_owned(), yaml.into_bytes())];
            assert!(matches!(
                read_folder(reader(files)),
                Err(FolderError::Outside("small", _))
            ));
        }
        assert!(matches!(
            read_folder(reader(vec![])),
            Err(FolderError::NoOffer)
        ));
    }
}
