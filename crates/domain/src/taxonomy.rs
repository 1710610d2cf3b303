//! Where modules are filed. Every module stands under *Internet of Things › IoT Edge modules* with the tag
//! "IoT Edge module"; the subcategories beneath are ours, since one bucket for everything helps nobody.

/// The storefront category of every module.
pub const CATEGORY: &str = "Internet of Things";
/// The subcategory of every module.
pub const SUBCATEGORY: &str = "IoT Edge modules";
/// The tag on every module.
pub const TAG: &str = "IoT Edge module";
/// How many of [`SUBCATEGORIES`] an offer may choose.
pub const CATEGORIES_MAX: usize = 2;

/// One finer category: its id in addresses and files, and its title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subcategory {
    /// In addresses and `offer.yaml`.
    pub id: &'static str,
    /// For readers.
    pub title: &'static str,
}

/// The finer taxonomy.
pub const SUBCATEGORIES: &[Subcategory] = &[
    Subcategory {
        id: "protocols",
        title: "Protocols & gateways",
    },
    Subcategory {
        id: "analytics",
        title: "Analytics & filtering",
    },
    Subcategory {
        id: "vision-ai",
        title: "Vision & AI",
    },
    Subcategory {
        id: "storage",
        title: "Storage & databases",
    },
    Subcategory {
        id: "connectivity",
        title: "Connectivity & forwarding",
    },
    Subcategory {
        id: "monitoring",
        title: "Monitoring & diagnostics",
    },
    Subcategory {
        id: "security",
        title: "Security",
    },
    Subcategory {
        id: "simulation",
        title: "Simulation & testing",
    },
];

/// Looks a subcategory up by id.
pub fn subcategory(id: &str) -> Option<&'static Subcategory> {
    SUBCATEGORIES.iter().find(|s| s.id == id)
}
