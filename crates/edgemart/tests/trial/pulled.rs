//! `edgemart try MODULE`: a module of a marketplace, by its name, on a real engine.

use testkit::podman::Podman;

use crate::live::{Live, request};

/// The module by its name, from this marketplace into an engine by digest, and away again.
pub(crate) fn try_it(url: &str) {
    let podman = Podman::start();
    let engine = podman.address();
    let arguments = ["contoso.temperature-sensor", "--name", "T2", "--url", url];
    for pulls in [true, false] {
        let mut live = Live::start(&arguments, &[("EDGEMART_ENGINE", &engine)]);
        let began = std::time::Instant::now();
        let told = live.until(|told| told["modules"][0]["messages"] != 0);
        eprintln!("a message shows after {:?}", began.elapsed());
        assert_eq!(told["modules"][0]["name"], "T2");
        let (host, path) = live.page();
        let twin = request(&host, "GET", &format!("{path}twin?module=T2"), &host, "");
        assert_eq!(twin.status, 200);
        let away = serde_json::json!({"order": "outage", "seconds": 601});
        assert_eq!(live.act(&away).0, 422);
        assert_eq!(live.signal("TERM").code(), Some(0), "{:?}", live.heard);
        let pulled = live.heard.iter().any(|line| line.starts_with("Pulling "));
        assert_eq!(pulled, pulls, "it stays at the engine: {:?}", live.heard);
        assert_eq!(podman.run(&["ps", "--all", "--quiet"]), "");
        assert_eq!(live.left_files(), [] as [String; 0]);
    }
    let images = podman.run(&["images", "--format", "{{.Repository}}"]);
    assert_eq!(
        images.trim(),
        "localhost/edgemart-try/contoso/temperature-sensor/standard"
    );
    let mut wrong = Live::unwritten(&["contoso.nothing", "--url", url], &[]);
    assert_eq!(wrong.end().code(), Some(3), "{:?}", wrong.heard);
}
