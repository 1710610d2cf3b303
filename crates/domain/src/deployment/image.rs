//! The image reference a module names, as the edge agent reads it (domain fact sheet §12.4).
//!
//! The agent's own reading is narrower than a registry's: tag and digest together are refused. Left out: whether
//! such an image exists.

/// Why the agent refuses an image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the edge agent cannot read the image {image:?}: {what}")]
pub struct ImageProblem {
    /// The reference.
    pub image: String,
    /// What is wrong with it.
    pub what: &'static str,
}

/// Checks a reference such as `host:5000/name:tag` or `host/name@sha256:…`.
///
/// # Errors
/// The agent would refuse it.
pub fn check_image(image: &str) -> Result<(), ImageProblem> {
    let refused = |what| {
        Err(ImageProblem {
            image: image.to_owned(),
            what,
        })
    };
    let trimmed = image.trim();
    if trimmed.is_empty() {
        return refused("it is empty");
    }
    if trimmed.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return refused("it holds white space");
    }
    // `repo/` any number of times, then a name, then one `:tag`; a digest is read as a tag.
    let last = trimmed.rsplit('/').next().unwrap_or(trimmed);
    let mut parts = last.split(':');
    let (name, tag, more) = (parts.next(), parts.next(), parts.next());
    if name.is_none_or(str::is_empty) {
        return refused("the name after the last `/` is empty");
    }
    if tag == Some("") {
        return refused("the tag is empty");
    }
    if more.is_some() {
        return refused("it has both a tag and a digest, or a second `:`; keep the digest alone");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_image;

    #[test]
    fn the_table_of_the_agent() {
        let digest = "a".repeat(64);
        for image in [
            "mcr.microsoft.com/a/b:1.5".to_owned(),
            "host:5000/a/b:1.5".to_owned(),
            "host/a/b".to_owned(),
            format!("host/a/b@sha256:{digest}"),
            "$upstream:443/a/b:1.5".to_owned(),
        ] {
            assert_eq!(check_image(&image), Ok(()));
        }
        for image in [
            String::new(),
            "host/a/".to_owned(),
            "host/a/b:".to_owned(),
            "a b".to_owned(),
            format!("host/a/b:1.5@sha256:{digest}"),
        ] {
            assert!(check_image(&image).is_err(), "{image}");
        }
    }
}
