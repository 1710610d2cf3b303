//! The text that `offer init` writes: every field with its limit, what only the publisher knows left empty, so that the
//! lint lists exactly that.

use domain::ids::OfferKey;
use domain::taxonomy::SUBCATEGORIES;

/// `description.html` of a new offer.
pub(super) const DESCRIPTION: &str = "\
<h2>What it does, in one line</h2>
<p>Say who needs this module and what it saves them. Allowed: p, br, b, i, em, strong, u, ul, ol, li, h1 to h6; no links, no pictures, at most 5,000 characters.</p>
<h3>Settings</h3>
<p>Environment variables:</p>
<ul>
<li><b>INTERVAL_SECONDS</b>: seconds between two readings, default 5</li>
</ul>
<p>Routes:</p>
<ul>
<li><b>ReadingsToCloud</b>: everything from the output <i>readings</i> goes to the cloud</li>
</ul>
<p><u>Minimum hardware requirements:</u> Linux on amd64, arm64 or arm32v7 (linux/amd64, linux/arm64, linux/arm/v7), 32 MB of RAM, 16 MB of storage.</p>
";

const OFFER_YAML: &str = r#"# An offer of an Edgemart marketplace. Check it with `edgemart offer lint`, send it with `edgemart offer submit`.
publisher: {publisher}
# Never changes once the offer exists.
offer: {offer}

listing:
  # At most 200 characters, better under 50. No emoji.
  title: ''
  # One sentence for search results, at most 100 characters.
  summary: ''
  # Plain text, at most 256 characters.
  short_description: ''
  # The long description stands in description.html.
  # At most 3 words that people search for.
  keywords: []
  logos:
    # PNG of exactly 40x40, 90x90, 115x115 and 255x115 pixels. These four are stand-ins.
    small: logos/40x40.png
    medium: logos/90x90.png
    large: logos/115x115.png
    wide: logos/255x115.png
  privacy_policy_url: ''
  documentation_url: ''
  # At most 25, each with `title` and `url`.
  useful_links: []
  # Shown to customers.
  support_contact:
    name: ''
    email: ''
    phone: ''
    url: ''
  # For the operator of the marketplace only.
  engineering_contact:
    name: ''
    email: ''
    phone: ''

properties:
  # One or two of: {categories}
  categories: []
  # source (sends messages), filter (takes in and sends), sink (takes in) or companion (serves another module).
  kind: source
  terms:
    # The marketplace's standard contract, or your own: `text: …` or `url: https://…` instead.
    standard_contract: true
  # Licence of what is inside the image, as an SPDX expression or a name.
  licence: ''
  # all: every platform that the marketplace requires. any: at least one of them.
  platforms: all

plans:
  - plan: standard
    title: Standard
    summary: ''
    # HTML like description.html, at most 2,000 characters.
    description: ''
    price:
      # free; or byol with licence_instructions; or freemium with restrictions.
      model: free
    image:
      # Your registry, such as registry.example.com; empty: pushed to this marketplace's incoming/.
      registry: ''
      repository: ''
      # latest, at least one X.Y.Z, and any of X.Y or X.Y.Z-suffix.
      tags:
        - latest
        - 1.0.0
      # true: only the images of the platforms below are copied, not all that the index lists.
      declared_only: false
    platforms:
      - linux/amd64
      - linux/arm64
      - linux/arm/v7
    # What the module starts with, unchanged. A <PLACEHOLDER> is asked of the customer.
    defaults:
      module_name: MyModule
      routes:
        - name: ReadingsToCloud
          value: FROM /messages/modules/MyModule/outputs/readings INTO $upstream
      # Desired properties of the module twin, each with `name` and `value` (any JSON).
      twin: []
      env:
        - name: INTERVAL_SECONDS
          value: '5'
      # As Docker's container options; ask for no more rights than needed.
      create_options:
        HostConfig:
          CapDrop:
            - ALL
          ReadonlyRootfs: true
          Memory: 33554432
    outputs:
      - readings
    # What changed in the newest version; plain text.
    release_notes: ''

# For the reviewer: test accounts, hardware, anything that helps. Never public.
certification_notes: ''
"#;

/// `certify.yaml` of a new offer: nothing yet, and what could stand there.
pub(super) const CERTIFY_YAML: &str = "\
# What trials of the module are told beyond its defaults, here by `edgemart offer lint --run` and in the marketplace.
# Customers get nothing of it. Reviewers see it, so no passwords.
#
# plans:
#   standard:
#     # Values for what the defaults leave to the customer; without them the module is not run.
#     placeholders:
#       SERVER: localhost
#     # Outputs that have to write something; otherwise those of the plan.
#     outputs: [readings]
#     # Messages to inputs, in this order. An input of the plan that is not here gets a usual reading.
#     inputs:
#       - name: commands
#         body: {level: 2}
#         properties: {kind: test}
#     # Methods that are called, in this order.
#     methods:
#       - name: reset
#         payload: {to: 0}
#     # Hosts the module talks to besides the hub. They are not reached; asking for them is no fault.
#     hosts: [api.contoso.example]
";

/// `offer.yaml` of a new offer.
pub(super) fn offer_yaml(key: &OfferKey) -> String {
    let categories: Vec<&str> = SUBCATEGORIES.iter().map(|category| category.id).collect();
    // An id may be a number or a word of YAML, such as `on`; in quotes it stays text.
    OFFER_YAML
        .replace("{publisher}", &format!("'{}'", key.publisher))
        .replace("{offer}", &format!("'{}'", key.offer))
        .replace("{categories}", &categories.join(", "))
}
