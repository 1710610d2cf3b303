//! Which sample modules there are, and which images the sample publishers' registry holds.

use crate::PLATFORMS;
use crate::error::SampleError;
use crate::image::{Image, image_of};

/// One module of the sample program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Module {
    /// The name it is started by, and of its image.
    pub name: &'static str,
    /// For readers.
    pub title: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// The TCP port it listens on with its defaults.
    pub port: Option<u16>,
    /// A directory that belongs to the module's user.
    pub(crate) writable: Option<&'static str>,
}

const fn plain(
    name: &'static str,
    title: &'static str,
    summary: &'static str,
    port: Option<u16>,
) -> Module {
    Module {
        name,
        title,
        summary,
        port,
        writable: None,
    }
}

static MODULES: [Module; 8] = [
    plain(
        "temperature-sensor",
        "Simulated temperature sensor",
        "Readings of a simulated machine.",
        None,
    ),
    plain(
        "threshold-filter",
        "Threshold filter",
        "Passes on readings beyond a limit.",
        Some(8081),
    ),
    plain(
        "window-aggregator",
        "Window aggregator",
        "Count, least, most and mean of each window.",
        Some(8082),
    ),
    Module {
        writable: Some("data/"),
        ..plain(
            "file-store",
            "File store",
            "Keeps messages in rotated files.",
            Some(8083),
        )
    },
    plain(
        "http-forwarder",
        "HTTP forwarder",
        "Posts messages to a server, buffering while it is away.",
        Some(8084),
    ),
    plain(
        "heartbeat",
        "Heartbeat",
        "A steady sign of life with clock drift.",
        None,
    ),
    plain(
        "modbus-simulator",
        "Modbus simulator",
        "A Modbus/TCP server with a machine behind it.",
        Some(1502),
    ),
    plain(
        "line-counter",
        "Line counter",
        "Counts parts against a target rate.",
        Some(8085),
    ),
];

/// Every sample module.
pub fn modules() -> &'static [Module] {
    &MODULES
}

pub(crate) fn module(name: &str) -> Option<&'static Module> {
    MODULES.iter().find(|module| module.name == name)
}

/// One version of an image in the sample publishers' registry, under the tags its offer lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// Repository within the registry, as the offer's plan names it.
    pub repository: &'static str,
    /// The module inside.
    pub module: &'static str,
    /// `X.Y.Z`.
    pub version: &'static str,
    /// Tag and the digest of the index or of one platform's manifest that it points to.
    pub tags: Vec<(String, String)>,
    /// The image itself.
    pub image: Image,
}

/// One version of an image.
struct Row {
    repository: &'static str,
    module: &'static str,
    version: &'static str,
    /// `publisher.offer.plan`, which the module names at the hub as its ProductInfo.
    product: &'static str,
    newest: bool,
    platforms: &'static [&'static str],
}

const fn row(
    repository: &'static str,
    module: &'static str,
    version: &'static str,
    product: &'static str,
) -> Row {
    Row {
        repository,
        module,
        version,
        product,
        newest: true,
        platforms: &PLATFORMS,
    }
}

static ROWS: [Row; 12] = [
    Row {
        newest: false,
        ..row(
            "contoso/temperature-sensor",
            "temperature-sensor",
            "1.1.0",
            "contoso.temperature-sensor.standard",
        )
    },
    row(
        "contoso/temperature-sensor",
        "temperature-sensor",
        "1.2.0",
        "contoso.temperature-sensor.standard",
    ),
    row(
        "contoso/threshold-filter",
        "threshold-filter",
        "1.0.2",
        "contoso.threshold-filter.standard",
    ),
    row(
        "contoso/heartbeat",
        "heartbeat",
        "2.0.1",
        "contoso.heartbeat.standard",
    ),
    row(
        "fabrikam/window-aggregator",
        "window-aggregator",
        "1.4.0",
        "fabrikam.window-aggregator.community",
    ),
    row(
        "fabrikam/window-aggregator-industrial",
        "window-aggregator",
        "1.4.0",
        "fabrikam.window-aggregator.industrial",
    ),
    row(
        "fabrikam/http-forwarder",
        "http-forwarder",
        "1.3.1",
        "fabrikam.http-forwarder.standard",
    ),
    row(
        "fabrikam/modbus-simulator",
        "modbus-simulator",
        "1.0.0",
        "fabrikam.modbus-simulator.standard",
    ),
    row(
        "northwind/file-store",
        "file-store",
        "2.1.0",
        "northwind.file-store.standard",
    ),
    row(
        "northwind/line-counter",
        "line-counter",
        "3.0.0",
        "northwind.line-counter.site-licence",
    ),
    // Made for a reviewer: the offer has neither route, input nor output.
    row(
        "northwind/clock-check",
        "heartbeat",
        "1.0.0",
        "northwind.clock-check.standard",
    ),
    // Made to be rejected: the offer promises platforms that this image does not have.
    Row {
        platforms: &["linux/amd64"],
        ..row(
            "northwind/gateway-inspector",
            "heartbeat",
            "0.9.0",
            "northwind.gateway-inspector.standard",
        )
    },
];

/// Everything the sample publishers' registry holds, to seed one with.
///
/// # Errors
/// When packing an image fails.
pub fn images() -> Result<Vec<Seed>, SampleError> {
    ROWS.iter().map(seed).collect()
}

fn seed(row: &Row) -> Result<Seed, SampleError> {
    let Row {
        repository,
        module,
        version,
        product,
        newest,
        platforms,
    } = *row;
    let image = image_of(module, version, platforms, Some(product))?;
    let series = version
        .rsplit_once('.')
        .map_or(version, |(series, _)| series);
    let mut names = vec![version.to_owned(), series.to_owned()];
    if newest {
        names.insert(0, "latest".to_owned());
    }
    let mut tags: Vec<(String, String)> = names
        .into_iter()
        .map(|name| (name, image.index_digest.clone()))
        .collect();
    // One tag a platform, so that every manifest of the index is reachable by a tag of its own.
    for child in &image.children {
        tags.push((
            format!("{version}-{}", child.platform.replace('/', "-")),
            child.digest.clone(),
        ));
    }
    Ok(Seed {
        repository,
        module,
        version,
        tags,
        image,
    })
}
