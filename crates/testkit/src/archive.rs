//! An image as a file, in the layout of `docker save`.

use serde_json::{Value, json};

use crate::image::TestImage;

/// The archive of an image of one platform, under a name such as `localhost/fixture:1`.
///
/// # Panics
/// When the image has several platforms, or tar fails in memory.
#[expect(
    clippy::unwrap_used,
    reason = "a test's fixture that cannot be built ends the test"
)]
pub fn docker_archive(image: &TestImage, name: &str) -> Vec<u8> {
    let manifest: Value = serde_json::from_slice(&image.top().bytes).unwrap();
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |path: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, path, bytes).unwrap();
    };
    let mut file = |blob: &Value, ending: &str| {
        let digest = blob["digest"].as_str().expect("an image, not an index");
        let path = format!("{}{ending}", digest.trim_start_matches("sha256:"));
        add(&path, image.blob(digest).unwrap());
        path
    };
    let config = file(&manifest["config"], ".json");
    let layers = manifest["layers"].as_array().unwrap();
    let layers: Vec<String> = layers.iter().map(|layer| file(layer, ".tar.gz")).collect();
    let listed = json!([{"Config": config, "RepoTags": [name], "Layers": layers}]);
    add("manifest.json", listed.to_string().as_bytes());
    tar.into_inner().unwrap()
}
