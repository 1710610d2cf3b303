//! `[limits]` of the configuration: its keys, their defaults and what values make sense.

use app::settings::{Intake, Limits, Quota};
use serde::Deserialize;

use super::ConfigError;

/// `[limits]`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LimitsFile {
    blob_bytes_max: Option<u64>,
    image_bytes_max: Option<u64>,
    manifests_per_image_max: Option<usize>,
    layers_per_image_max: Option<usize>,
    import_parallel_max: Option<usize>,
    preview_hours_max: Option<u32>,
    jobs_parallel_max: Option<usize>,
    takedown_hours_max: Option<u32>,
    publisher_bytes_max: Option<u64>,
    publisher_repositories_max: Option<u64>,
    publisher_tags_max: Option<u64>,
    name_bytes_max: Option<usize>,
    name_parts_max: Option<usize>,
    manifest_bytes_max: Option<usize>,
    manifest_entries_max: Option<usize>,
    repository_tags_max: Option<u64>,
    requests_per_minute_max: Option<u32>,
}

/// `incoming/{publisher}/{name}` with short ids.
const NAME_BYTES_MIN: u64 = 32;
/// Those three.
const NAME_PARTS_MIN: u64 = 3;
/// A manifest of some layers.
const MANIFEST_BYTES_MIN: u64 = 4_096;

impl LimitsFile {
    /// The limits, complete and sensible.
    pub(super) fn apply(self, default: Limits) -> Result<Limits, ConfigError> {
        let limits = self.over(default);
        let intake = &limits.intake;
        let whole = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let most = |number: usize| 1..=whole(number);
        let table = [
            ("blob_bytes_max", limits.blob_bytes_max, 1..=u64::MAX),
            ("image_bytes_max", limits.image_bytes_max, 1..=u64::MAX),
            (
                "manifests_per_image_max",
                whole(limits.manifests_per_image_max),
                1..=u64::MAX,
            ),
            (
                "layers_per_image_max",
                whole(intake.layers_per_image_max),
                most(app::upstream::LAYERS_MAX),
            ),
            (
                "name_bytes_max",
                whole(intake.name_bytes_max),
                NAME_BYTES_MIN..=whole(oci::REPOSITORY_NAME_BYTES_MAX),
            ),
            (
                "name_parts_max",
                whole(intake.name_parts_max),
                NAME_PARTS_MIN..=whole(oci::REPOSITORY_NAME_BYTES_MAX),
            ),
            (
                "manifest_bytes_max",
                whole(intake.manifest_bytes_max),
                MANIFEST_BYTES_MIN..=whole(oci::MANIFEST_BYTES_MAX),
            ),
            (
                "manifest_entries_max",
                whole(intake.manifest_entries_max),
                most(oci::DESCRIPTORS_MAX),
            ),
        ];
        for (key, value, allowed) in table {
            if !allowed.contains(&value) {
                let most = match *allowed.end() {
                    u64::MAX => "or more".to_owned(),
                    end => format!("to {end}"),
                };
                return Err(ConfigError(format!(
                    "limits.{key} is {value}; give {} {most}",
                    allowed.start()
                )));
            }
        }
        Ok(limits)
    }

    fn over(self, default: Limits) -> Limits {
        let (quota, intake) = (default.quota, default.intake);
        Limits {
            blob_bytes_max: self.blob_bytes_max.unwrap_or(default.blob_bytes_max),
            image_bytes_max: self.image_bytes_max.unwrap_or(default.image_bytes_max),
            manifests_per_image_max: self
                .manifests_per_image_max
                .unwrap_or(default.manifests_per_image_max),
            import_parallel_max: self
                .import_parallel_max
                .unwrap_or(default.import_parallel_max),
            preview_hours_max: self.preview_hours_max.unwrap_or(default.preview_hours_max),
            jobs_parallel_max: self.jobs_parallel_max.unwrap_or(default.jobs_parallel_max),
            takedown_hours_max: self
                .takedown_hours_max
                .unwrap_or(default.takedown_hours_max),
            requests_per_minute_max: self
                .requests_per_minute_max
                .unwrap_or(default.requests_per_minute_max),
            quota: Quota {
                bytes_max: self.publisher_bytes_max.unwrap_or(quota.bytes_max),
                repositories_max: self
                    .publisher_repositories_max
                    .unwrap_or(quota.repositories_max),
                tags_max: self.publisher_tags_max.unwrap_or(quota.tags_max),
            },
            intake: Intake {
                name_bytes_max: self.name_bytes_max.unwrap_or(intake.name_bytes_max),
                name_parts_max: self.name_parts_max.unwrap_or(intake.name_parts_max),
                manifest_bytes_max: self.manifest_bytes_max.unwrap_or(intake.manifest_bytes_max),
                manifest_entries_max: self
                    .manifest_entries_max
                    .unwrap_or(intake.manifest_entries_max),
                layers_per_image_max: self
                    .layers_per_image_max
                    .unwrap_or(intake.layers_per_image_max),
                repository_tags_max: self
                    .repository_tags_max
                    .unwrap_or(intake.repository_tags_max),
            },
        }
    }
}

/// The limits as `config show` prints them.
pub(super) fn show(limits: &Limits) -> String {
    let (quota, intake) = (&limits.quota, &limits.intake);
    let rows: [(&str, &dyn std::fmt::Display); 17] = [
        ("blob_bytes_max", &limits.blob_bytes_max),
        ("image_bytes_max", &limits.image_bytes_max),
        ("manifests_per_image_max", &limits.manifests_per_image_max),
        ("layers_per_image_max", &intake.layers_per_image_max),
        ("import_parallel_max", &limits.import_parallel_max),
        ("preview_hours_max", &limits.preview_hours_max),
        ("jobs_parallel_max", &limits.jobs_parallel_max),
        ("takedown_hours_max", &limits.takedown_hours_max),
        ("publisher_bytes_max", &quota.bytes_max),
        ("publisher_repositories_max", &quota.repositories_max),
        ("publisher_tags_max", &quota.tags_max),
        ("name_bytes_max", &intake.name_bytes_max),
        ("name_parts_max", &intake.name_parts_max),
        ("manifest_bytes_max", &intake.manifest_bytes_max),
        ("manifest_entries_max", &intake.manifest_entries_max),
        ("repository_tags_max", &intake.repository_tags_max),
        ("requests_per_minute_max", &limits.requests_per_minute_max),
    ];
    let rows = rows.map(|(key, value)| format!("{key} = {value}\n"));
    format!("\n[limits]\n{}", rows.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(text: &str) -> Result<Limits, ConfigError> {
        let file: LimitsFile = toml::from_str(text).unwrap();
        file.apply(Limits::default())
    }

    #[test]
    fn what_is_shown_is_what_was_read() {
        let given = "name_bytes_max = 100\nname_parts_max = 4\nmanifest_bytes_max = 65536\nmanifest_entries_max = 50\nlayers_per_image_max = 20\nrepository_tags_max = 7\nrequests_per_minute_max = 600\npublisher_tags_max = 9\n";
        let read = limits(given).unwrap();
        let shown = show(&read);
        for line in given.lines() {
            assert!(shown.contains(line), "{line}: {shown}");
        }
        let table: toml::Table = shown.parse().unwrap();
        let again = table["limits"].clone().try_into::<LimitsFile>().unwrap();
        assert_eq!(again.apply(Limits::default()).unwrap(), read);
    }

    #[test]
    fn a_value_that_makes_no_sense_is_told_with_what_does() {
        for (given, told) in [
            (
                "name_bytes_max = 256",
                "limits.name_bytes_max is 256; give 32 to 255",
            ),
            (
                "name_parts_max = 2",
                "limits.name_parts_max is 2; give 3 to 255",
            ),
            ("manifest_bytes_max = 4194305", "give 4096 to 4194304"),
            ("manifest_entries_max = 0", "give 1 to 2000"),
            ("layers_per_image_max = 128", "give 1 to 127"),
            (
                "blob_bytes_max = 0",
                "limits.blob_bytes_max is 0; give 1 or more",
            ),
        ] {
            let error = limits(given).unwrap_err().to_string();
            assert!(error.contains(told), "{given}: {error}");
        }
    }
}
