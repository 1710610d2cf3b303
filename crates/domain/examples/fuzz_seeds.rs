//! Writes the seeds of the fuzz targets: `cargo run -p domain --example fuzz_seeds`, from the workspace's root.
//! They are made here rather than kept as files, so that they follow the types; what fuzzing adds to them stays out of
//! the repository.

use std::path::Path;

use domain::defaults::{Defaults, NamedJson, NamedText};
use domain::deployment::{ModuleEntry, Runtime, full, layered};
use domain::offer::{LogoSlot, Offer, Plan};
use oci::Digest;
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;
/// Of one target: its crate, its name, its seeds.
type Seeds = (&'static str, &'static str, Vec<Vec<u8>>);

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn main() -> Result<(), Failure> {
    for (crate_name, target, seeds) in protocol().into_iter().chain(module()?) {
        let folder = Path::new("crates")
            .join(crate_name)
            .join("fuzz/corpus")
            .join(target);
        std::fs::create_dir_all(&folder)?;
        for (at, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{at:02}")), seed)?;
        }
        println!("{crate_name} {target}: {} seeds", seeds.len());
    }
    Ok(())
}

/// The registry's side.
fn protocol() -> Vec<Seeds> {
    let digest = Digest::sha256_of(b"seed");
    let path = vec![
        "GET\n/v2/\n".to_owned(),
        "GET\n/v2/contoso/sensor/standard/manifests/1.0.0\n".to_owned(),
        format!("HEAD\n/v2/contoso/sensor/standard/blobs/{digest}\n"),
        format!("POST\n/v2/incoming/contoso/x/blobs/uploads/\nmount={digest}&from=a/b"),
        format!("PUT\n/v2/incoming/contoso/x/blobs/uploads/0190-a\ndigest={digest}"),
        "GET\n/v2/a/b/tags/list\nn=10&last=1.0".to_owned(),
        format!("GET\n/v2/a/b/referrers/{digest}\nartifactType=application/x"),
    ];
    let scope = texts(&[
        "repository:contoso/sensor/standard:pull",
        "repository:incoming/contoso/x:pull,push registry:catalog:*",
        "repository(plugin):host:5000/a/b:*",
    ]);
    let range = texts(&[
        "10\nbytes=0-4",
        "10\nbytes=5-",
        "10\nbytes=-3,0-1, 4-",
        "100\n0-99",
    ]);
    vec![
        (
            "oci",
            "path",
            path.into_iter().map(String::into_bytes).collect(),
        ),
        ("oci", "scope", scope),
        ("web", "hub", hub()),
        ("app", "token", token()),
        ("app", "challenge", challenge()),
        ("oci", "range", range),
        ("oci", "manifest", manifests(&digest)),
    ]
}

fn hub() -> Vec<Vec<u8>> {
    texts(&[
        "/v2/namespaces/contoso/repositories/sensor/standard/tags/1.0\npage=2&page_size=100",
        "/v2/repositories/contoso/\ncursor=&ordering=-last_updated&name=Sensor",
        "/v2/search/repositories/\nquery=temp%C3%A9rature&platform=linux/arm/v7&cursor=Y29udG9zby9h",
    ])
}

fn token() -> Vec<Vec<u8>> {
    texts(&[
        "\neyJhbGciOiJFZERTQSIsImtpZCI6IjAxIn0.e30.AAAA",
        "Ax\na.b.c",
    ])
}

fn challenge() -> Vec<Vec<u8>> {
    texts(&[
        "Bearer realm=\"https://a.example/token\",service=\"a\",scope=\"repository:a/b:pull\", Basic realm=x",
        "basic",
    ])
}

fn manifests(digest: &Digest) -> Vec<Vec<u8>> {
    let pointer = |media_type: &str| json!({"mediaType": media_type, "digest": digest, "size": 4});
    let image = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": pointer("application/vnd.oci.image.config.v1+json"),
        "layers": [pointer("application/vnd.oci.image.layer.v1.tar+gzip")],
        "annotations": {"a": "b"},
    });
    let mut entry = pointer("application/vnd.oci.image.manifest.v1+json");
    entry["platform"] = json!({"os": "linux", "architecture": "arm", "variant": "v7"});
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry],
    });
    let config = json!({
        "os": "linux", "architecture": "amd64", "created": "2026-01-01T00:00:00Z",
        "config": {"User": "1000", "Entrypoint": ["/module"], "Env": ["A=b"]},
        "rootfs": {"type": "layers", "diff_ids": [digest]}, "history": [{"created_by": "x"}],
    });
    [image, index, config]
        .map(|value| value.to_string().into_bytes())
        .to_vec()
}

fn defaults() -> Defaults {
    Defaults {
        module_name: "Sensor".into(),
        routes: vec![NamedText::new(
            "ToCloud",
            "FROM /messages/modules/Sensor/outputs/* WHERE temperature > 30 INTO $upstream",
        )],
        twin: vec![NamedJson::new("Server", json!({"address": "<SERVER>", "ports": [1, 2]}))],
        env: vec![NamedText::new("SERVER", "http://<SERVER>/<PATH>")],
        create_options: r#"{"HostConfig":{"Binds":["<FOLDER>:/data"],"PortBindings":{"80/tcp":[{"HostPort":"8080"}]},"Privileged":false}}"#.into(),
    }
}

/// The module's side.
fn module() -> Result<Vec<Seeds>, Failure> {
    let entry = ModuleEntry::new(&defaults(), "registry.example/sensor:1.0.0", None);
    let manifest = full(std::slice::from_ref(&entry), &Runtime::default())?;
    let deployments = deployments(&manifest, &layered(&[entry])?);
    let routes = texts(&[
        "FROM /* INTO $upstream",
        "FROM /messages/* INTO BrokeredEndpoint(\"/modules/Filter/inputs/in\")",
        "SELECT * FROM /messages/modules/A/outputs/b WHERE $body.x >= 1.5 AND NOT (a = 'b' OR is_defined($c)) INTO $upstream",
        "FROM /twinChangeNotifications WHERE length(concat('a', \"b\")) <> 2 ?? -1 INTO $upstream",
    ]);
    let options = defaults().create_options;
    let filled = texts(&[
        "10.0.0.1\nFROM /messages/modules/<NAME>/outputs/* INTO $upstream\nhttp://<SERVER>\n{\"a\": \"<SERVER>\"}\n{\"Env\": [\"A=<SERVER>\"]}",
        "say \"hi\" {}\nFROM /* INTO $upstream\n<A_1>\n[]\n",
    ]);
    let html = texts(&[
        "<h1>Sensor</h1><p>Reads <b>temperatures</b>.</p><ul><li>a &amp; b</li></ul>",
        "<p onclick=x>a<script>b</script><img src=x onerror=y><svg><p>c</svg><br/>&lt;i&gt;",
    ]);
    let filters = texts(&[
        "platform=linux/arm/v7&category=vision-ai&sort=title",
        "linux/arm64/v8,1.0.0,1.0-arm64,contoso.sensor",
    ]);
    let overlays = texts(&[
        "plans:\n  standard:\n    placeholders: {SERVER: localhost, FROM: Sensor}\n    outputs: [readings]\n",
        "# none\n",
        "plans:\n  standard:\n    inputs:\n      - name: in\n        body: {a: [1, 2.5, true]}\n        properties: {k: v}\n    \
         methods:\n      - name: reset\n        payload: null\n    hosts: [a.example]\n",
    ]);
    Ok(vec![
        ("domain", "overlay", overlays),
        ("domain", "route", routes),
        ("domain", "deployment", deployments.clone()),
        ("domain", "merge", deployments),
        ("domain", "offer", offers()?),
        ("domain", "html", html),
        ("domain", "logo", pictures()?),
        (
            "domain",
            "create_options",
            vec![options.into_bytes(), b"{}".to_vec()],
        ),
        ("domain", "placeholder", filled),
        ("domain", "filters", filters),
    ])
}

fn deployments(manifest: &Value, layers: &Value) -> Vec<Vec<u8>> {
    let commented = r#"{
  // what the editor left
  "modulesContent": {
    "$edgeAgent": { "properties.desired": { "schemaVersion": "1.1", "modules": {}, } },
    "$edgeHub": { "properties.desired": { "schemaVersion": "1.1", "routes": {} } } /* end */
  },
}
"#;
    let plain = |value: &Value| format!("{value:#}\n").into_bytes();
    vec![
        plain(manifest),
        manifest.to_string().into_bytes(),
        plain(layers),
        plain(&json!({"content": manifest})),
        plain(&json!({"$schema-template": "4.0.0", "modulesContent": manifest["modulesContent"]})),
        commented.as_bytes().to_vec(),
        commented.replace('\n', "\r\n").into_bytes(),
    ]
}

fn offers() -> Result<Vec<Vec<u8>>, Failure> {
    let mut offer = Offer::empty(&"contoso.sensor".parse()?);
    let mut seeds = vec![serde_json::to_string_pretty(&offer)?];
    offer.listing.title = "Sensor: \"quoted\" — ünïcode".into();
    offer.listing.keywords = vec!["yes".into(), "1.0".into(), "~".into()];
    offer.listing.logos.small = "logos/40x40.png".into();
    let mut plan: Plan = serde_json::from_value(json!({"plan": "standard"}))?;
    plan.defaults = defaults();
    offer.plans = vec![plan];
    seeds.push(serde_json::to_string_pretty(&offer)?);
    seeds.push("publisher: contoso\noffer: sensor\nlisting:\n  title: |\n    two\n    lines\n  keywords: [a, 'b']\n".to_owned());
    Ok(seeds.into_iter().map(String::into_bytes).collect())
}

fn pictures() -> Result<Vec<Vec<u8>>, Failure> {
    let mut seeds = Vec::new();
    let sizes = LogoSlot::ALL.map(LogoSlot::pixels);
    for (width, height) in sizes.into_iter().chain([(300, 300)]) {
        for (color, bytes) in [(png::ColorType::Rgba, 4), (png::ColorType::Grayscale, 1)] {
            let mut seed = Vec::new();
            let mut encoder = png::Encoder::new(&mut seed, width, height);
            encoder.set_color(color);
            let pixels = vec![7; (width * height) as usize * bytes];
            encoder.write_header()?.write_image_data(&pixels)?;
            seeds.push(seed);
        }
    }
    Ok(seeds)
}
