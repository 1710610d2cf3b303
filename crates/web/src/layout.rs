//! What the frame of every page needs to know: who is signed in, what was searched, for which
//! device. A page struct has one field of it, named `layout`; `templates/layout.html` reads it.
//!
//! Left out: finding these things out of a request, which is the handlers' work.

/// What pages may load: everything from this server, nothing inline, no frames, no plug-ins.
/// `data:` pictures are allowed for logos previewed before they are uploaded.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

/// The frame of a page.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// `light` or `dark` to fix the theme for this page; empty follows the system and the toggle.
    pub theme: &'static str,
    /// Which entry of the header is the current one: `modules`, `publish`, `review`, `admin`,
    /// `account`, or empty.
    pub section: &'static str,
    /// What stands in the search box.
    pub query: String,
    /// The device for which fit is judged.
    pub device: DeviceChoice,
    /// Who is signed in; `None` for a visitor.
    pub person: Option<SignedIn>,
    /// The anti-forgery token for the sign-out form; empty for a visitor.
    pub csrf: String,
    /// Path and query of this page, for coming back after sign-in.
    pub here: String,
}

/// Somebody who is signed in, and which doors to show.
#[derive(Clone, Debug, Default)]
pub struct SignedIn {
    /// How the person is addressed; an e-mail address where there is no name.
    pub name: String,
    /// Member of a publisher.
    pub publisher: bool,
    /// May work the review queue.
    pub reviewer: bool,
    /// May run the installation.
    pub operator: bool,
}

/// The device selector: what is chosen and what can be.
#[derive(Clone, Debug, Default)]
pub struct DeviceChoice {
    /// `Raspberry Pi 4, 4 GB`; empty for any device.
    pub label: String,
    /// Value of the query parameter `device`; empty for any device.
    pub id: String,
    /// What can be chosen; empty hides the selector.
    pub options: Vec<DeviceOption>,
    /// Where the choice is sent by GET; empty means `/modules`.
    pub action: String,
    /// The other query parameters of this page, kept when the device changes.
    pub keep: Vec<(String, String)>,
}

/// One device one can choose.
#[derive(Clone, Debug, Default)]
pub struct DeviceOption {
    /// Value of the query parameter `device`.
    pub id: String,
    /// `Raspberry Pi 4, 4 GB`
    pub label: String,
    /// `linux/arm64, 4 GB memory`
    pub detail: String,
}
