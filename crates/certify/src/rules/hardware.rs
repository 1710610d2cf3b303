//! What the minimum-hardware paragraph says: the last `<p>` of a description, read for LST-03 and LST-07.
//! Left out: whether a given device meets it.

use std::collections::BTreeSet;

use domain::html;

/// What was read out of the paragraph.
pub(super) struct Hardware {
    /// The paragraph as plain text.
    pub(super) text: String,
    /// Architectures named, as `amd64`, `arm64`, `arm/v7`.
    pub(super) architectures: BTreeSet<&'static str>,
    /// Parts that are not named.
    pub(super) missing: Vec<&'static str>,
}

/// Reads the last paragraph of a description; `None` when there is none.
pub(super) fn read(description: &str) -> Option<Hardware> {
    let text = html::last_paragraph(&html::clean(description))?;
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_ascii_alphanumeric() && !"_/-".contains(c))
        .map(|word| word.trim_matches(['-', '/', '_']))
        .filter(|word| !word.is_empty())
        .collect();
    let architectures = architectures(&words);
    let has = |any: &[&str]| words.iter().any(|word| any.contains(word));
    let missing = [
        (
            lower.contains("minimum hardware"),
            "the words \"Minimum hardware requirements\"",
        ),
        (lower.contains("linux"), "the operating system"),
        (
            !architectures.is_empty(),
            "the architectures, such as amd64 or arm32v7",
        ),
        (
            has(&["ram", "memory"]) && has_size(&lower),
            "the memory, such as 64 MB RAM",
        ),
        (
            has(&["storage", "disk", "flash", "emmc", "sd"]) && has_size(&lower),
            "the storage, such as 100 MB storage",
        ),
    ]
    .into_iter()
    .filter_map(|(there, part)| (!there).then_some(part))
    .collect();
    Some(Hardware {
        text,
        architectures,
        missing,
    })
}

fn architectures(words: &[&str]) -> BTreeSet<&'static str> {
    let named = |index: usize, word: &str| {
        let word = word.strip_prefix("linux/").unwrap_or(word);
        match word {
            "amd64" | "x86-64" | "x86_64" | "x64" | "linux-x64" => Some("amd64"),
            "arm64" | "arm64v8" | "arm64/v8" | "aarch64" | "armv8" => Some("arm64"),
            "arm" if index > 0 && words[index - 1] == "64-bit" => Some("arm64"),
            "arm" | "arm/v7" | "arm32" | "arm32v7" | "armv7" | "armv7l" | "armv7hf" | "armhf" => {
                Some("arm/v7")
            }
            _ => None,
        }
    };
    words
        .iter()
        .enumerate()
        // `amd64/arm64` is one word until it is taken apart.
        .flat_map(|(index, word)| match named(index, word) {
            Some(known) => vec![known],
            None => word
                .split('/')
                .filter_map(|part| named(index, part))
                .collect(),
        })
        .collect()
}

/// Is there a number with a unit of bytes?
fn has_size(lower: &str) -> bool {
    ["kb", "kib", "mb", "mib", "gb", "gib", "tb"]
        .iter()
        .any(|unit| {
            lower.match_indices(unit).any(|(at, _)| {
                let after = lower[at + unit.len()..].chars().next();
                lower[..at]
                    .trim_end()
                    .ends_with(|c: char| c.is_ascii_digit())
                    && after.is_none_or(|c| !c.is_alphanumeric())
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_architectures() {
        for (text, wanted) in [
            (
                "Linux amd64, arm64 and arm/v7",
                vec!["amd64", "arm/v7", "arm64"],
            ),
            ("linux/amd64, linux/arm64/v8.", vec!["amd64", "arm64"]),
            ("x86-64 or 64-bit ARM", vec!["amd64", "arm64"]),
            ("(arm32v7)", vec!["arm/v7"]),
            ("amd64/arm64", vec!["amd64", "arm64"]),
            ("a charm and alarms", vec![]),
        ] {
            let read = read(&format!("<p>{text}</p>")).unwrap();
            assert_eq!(
                read.architectures.into_iter().collect::<Vec<_>>(),
                wanted,
                "{text}"
            );
        }
    }

    #[test]
    fn each_missing_part_is_named() {
        let whole = "Minimum hardware requirements: Linux on amd64, 64 MB RAM, 1GB storage";
        assert!(read(&format!("<p>{whole}</p>")).unwrap().missing.is_empty());
        for part in [
            "Minimum hardware requirements",
            "Linux",
            "amd64",
            "RAM",
            "storage",
        ] {
            let read = read(&format!("<p>{}</p>", whole.replace(part, "x"))).unwrap();
            assert_eq!(read.missing.len(), 1, "{part}: {:?}", read.missing);
        }
        let sizeless = whole.replace("64 MB", "some").replace("1GB", "some");
        assert_eq!(
            read(&format!("<p>{sizeless}</p>")).unwrap().missing.len(),
            2
        );
        assert!(read("<h1>nothing</h1>").is_none());
    }
}
