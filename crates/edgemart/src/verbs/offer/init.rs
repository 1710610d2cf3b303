//! `edgemart offer init`: the folder of a new offer. Writes only where nothing is.

use std::path::{Path, PathBuf};

use domain::ids::{OfferKey, OfferName, PublisherId};
use domain::logo::derive;
use serde_json::json;

use super::skeleton;
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};

/// Side of the picture that the four logos are made from, in pixels.
const SQUARE_PIXELS: u32 = 230;
/// Grey of the ground and of the ring on it: clearly a stand-in.
const GROUND: [u8; 4] = [0x6b, 0x72, 0x80, 0xff];
const RING: [u8; 4] = [0xd1, 0xd5, 0xdb, 0xff];

#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart offer init my-offer --publisher contoso --offer temperature-sensor"
)]
pub(super) struct Init {
    /// The folder to write; it is made when it is not there.
    dir: PathBuf,
    /// Id of the publisher.
    #[arg(long)]
    publisher: PublisherId,
    /// Id of the offer, unique within the publisher; it never changes.
    #[arg(long)]
    offer: OfferName,
}

impl Init {
    pub(super) fn run(self, global: &Global) -> Result<(), Failure> {
        let key = OfferKey {
            publisher: self.publisher,
            offer: self.offer,
        };
        let files = files(&key)?;
        // Looked at before anything is written, so that nothing is left by halves.
        if let Some((taken, _)) = files.iter().find(|(name, _)| self.dir.join(name).exists()) {
            return Err(Failure::new(
                Exit::Conflict,
                format!("{} is there already", self.dir.join(taken).display()),
            )
            .why("init never overwrites")
            .fix("choose another folder"));
        }
        for (name, bytes) in &files {
            write(&self.dir.join(name), bytes)?;
        }
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        let dir = self.dir.display();
        global.show(&json!({"dir": self.dir, "files": names}), || {
            names
                .iter()
                .map(|name| format!("{}\n", self.dir.join(name).display()))
                .collect()
        })?;
        tell(&format!(
            "Fill in {dir}/offer.yaml, replace the grey logos, then run `edgemart offer lint {dir}`."
        ));
        Ok(())
    }
}

/// Every file of the folder.
fn files(key: &OfferKey) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Failure, "the stand-in logos could not be drawn").why(error)
    };
    let square = stand_in().map_err(|error| failed(&error))?;
    let mut files = vec![
        (
            "offer.yaml".to_owned(),
            skeleton::offer_yaml(key).into_bytes(),
        ),
        (
            "description.html".to_owned(),
            skeleton::DESCRIPTION.as_bytes().to_vec(),
        ),
        (
            "certify.yaml".to_owned(),
            skeleton::CERTIFY_YAML.as_bytes().to_vec(),
        ),
    ];
    let logos = derive(&square).map_err(|error| failed(&error))?;
    for (slot, bytes) in logos {
        files.push((app::folder::logo_path(slot), bytes));
    }
    Ok(files)
}

/// A grey square with a ring.
fn stand_in() -> Result<Vec<u8>, png::EncodingError> {
    let middle = f64::from(SQUARE_PIXELS) / 2.0;
    let mut pixels = Vec::new();
    for y in 0..SQUARE_PIXELS {
        for x in 0..SQUARE_PIXELS {
            let (across, down) = (f64::from(x) + 0.5 - middle, f64::from(y) + 0.5 - middle);
            let distance = across.hypot(down) / middle;
            let colour = if (0.42..0.62).contains(&distance) {
                RING
            } else {
                GROUND
            };
            pixels.extend_from_slice(&colour);
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SQUARE_PIXELS, SQUARE_PIXELS);
    encoder.set_color(png::ColorType::Rgba);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(path, bytes))
        .map_err(|error| {
            Failure::new(
                Exit::Failure,
                format!("{} cannot be written", path.display()),
            )
            .why(error)
            .fix("check the permissions of the folder")
        })
}

#[cfg(test)]
mod tests {
    use domain::offer::LogoSlot;

    use super::*;

    #[test]
    fn the_four_logos_are_of_the_right_sizes() {
        let files = files(&"contoso.sensor".parse().unwrap()).unwrap();
        for slot in LogoSlot::ALL {
            let path = app::folder::logo_path(slot);
            let (_, bytes) = files.iter().find(|(name, _)| *name == path).unwrap();
            assert_eq!(domain::logo::check(slot, bytes), Ok(()));
        }
    }

    #[test]
    fn the_folder_reads_back_and_only_asks_for_what_nobody_but_the_publisher_knows() {
        let files = files(&"contoso.sensor".parse().unwrap()).unwrap();
        let folder = app::folder::read_folder(|path| {
            Ok(files
                .iter()
                .find(|(name, _)| name == path)
                .map(|(_, bytes)| bytes.clone()))
        })
        .unwrap();
        assert_eq!(folder.offer.key().to_string(), "contoso.sensor");
        assert_eq!(folder.logos.len(), 4);
        assert!(!folder.offer.listing.description.is_empty());
        assert_eq!(folder.offer.plans.len(), 1);
        // What it shows as an example is in order once it is no comment any more.
        assert!(folder.offer.certify.is_empty());
        let example = skeleton::CERTIFY_YAML
            .replace("\n#   ", "\n  ")
            .replace("\n# plans", "\nplans");
        let mut offer = folder.offer;
        offer.certify = app::folder::read_overlay(&example).unwrap();
        let wrong = domain::overlay::check(&offer);
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert!(
            wrong[0].field.ends_with("placeholders.SERVER"),
            "it has none yet"
        );
    }
}
