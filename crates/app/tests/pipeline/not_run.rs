//! Modules that no engine is given: images that nobody could look into, or that unpack to more than there is room for,
//! modules that ask for more than they would get, platforms without an emulator. The report says *not run* and why, and
//! nothing is blamed on the module.

use app::settings::Settings;
use certify::RuleState;
use domain::lifecycle::State;
use domain::offer::PlatformOption;
use domain::overlay::Overlay;
use store::submissions::Submission;
use testkit::engines::sqlite;
use testkit::image::{ImageBuilder, TestImage, digest};

use crate::fake_engine::FakeEngine;
use crate::market::Market;

const REPOSITORY: &str = "contoso/unrun";
/// Ends that a submission may come to here; other rules have their word too.
const JUDGED: [State; 3] = [State::Rejected, State::InReview, State::Preview];

/// An image, and what becomes of it.
struct Story {
    image: TestImage,
    platform: &'static str,
    create_options: &'static str,
}

impl Story {
    fn of(image: TestImage) -> Self {
        Self {
            image,
            platform: "linux/amd64",
            create_options: "{}",
        }
    }

    /// Submits it to a market with this engine; gives what became of it.
    async fn judged(&self, engine: &FakeEngine, change: impl FnOnce(&mut Settings)) -> Submission {
        let (store, _folder) = sqlite().await;
        let market = Market::open_with(store, &[], |settings| {
            settings.engine = Some(engine.address());
            change(settings);
        })
        .await;
        for tag in ["latest", "1.0.0"] {
            let pushed = market.upstream.push_image(REPOSITORY, tag, &self.image);
            pushed.await.unwrap();
        }
        let mut offer = market.draft("temperature-sensor").await;
        offer.properties.platforms = PlatformOption::Any;
        offer.certify = Overlay::default();
        let plan = &mut offer.plans[0];
        REPOSITORY.clone_into(&mut plan.image.repository);
        plan.image.tags = vec!["latest".into(), "1.0.0".into()];
        plan.platforms = vec![self.platform.into()];
        plan.defaults.create_options = self.create_options.into();
        market.save(&offer).await;
        let id = market.submit(&offer.key()).await;
        market.wait(&id, &JUDGED).await
    }

    /// Why it was not run, as the report says.
    async fn why(&self, engine: &FakeEngine, change: impl FnOnce(&mut Settings)) -> String {
        why_not(&self.judged(engine, change).await)
    }
}

fn why_not(submission: &Submission) -> String {
    let report: certify::Report =
        serde_json::from_value(submission.report.clone().unwrap()).unwrap();
    for result in &report.results {
        if result.code.starts_with("RUN-0") || result.code.starts_with("FTP") {
            assert_eq!(result.state, RuleState::NotRun, "{result:#?}");
        }
    }
    let was_run = report.results.iter().find(|one| one.code == "RUN-20");
    let was_run = was_run.unwrap();
    assert_eq!(was_run.state, RuleState::Warned);
    was_run.outcomes[0].evidence.clone()
}

fn image() -> ImageBuilder {
    ImageBuilder::new().single().platform("linux/amd64")
}

/// The image with another type of layer, whose bytes stay what they are.
fn relabelled(mut image: TestImage, from: &str, to: &str) -> TestImage {
    let manifest = &mut image.manifests[0];
    let text = String::from_utf8(manifest.bytes.clone()).unwrap();
    assert!(text.contains(from), "{text}");
    manifest.bytes = text.replace(from, to).into_bytes();
    manifest.digest = digest(&manifest.bytes);
    image
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_gets_only_images_that_somebody_looked_into() {
    let engine = FakeEngine::start("amd64");
    let why = Story::of(image().build()).why(&engine, |_| {}).await;
    assert!(why.contains("no room"), "the engine's word: {why}");
    assert_eq!(engine.loads(), 1, "a plain image gets as far as the engine");

    let zstd = relabelled(image().build(), "tar+gzip", "tar+zstd");
    let why = Story::of(zstd).why(&engine, |_| {}).await;
    assert!(
        why.contains("not given to the engine") && why.contains("zstd"),
        "{why}"
    );
    // An engine believes the bytes and not the type.
    let hidden = relabelled(image().build(), "tar+gzip", "tar");
    let why = Story::of(hidden).why(&engine, |_| {}).await;
    assert!(why.contains("it is compressed"), "{why}");
    assert_eq!(engine.loads(), 1, "none of them came to the engine");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_unpacks_to_too_much_is_not_unpacked() {
    let engine = FakeEngine::start("amd64");
    let small = |settings: &mut Settings| settings.runs.image_unpacked_bytes_max = 2_000_000;
    // A thousandth of that as it is pulled.
    let zeros = image().file("zeros", vec![0; 2_000_000], 0o644).build();
    assert!(zeros.largest_blob().1.len() < 100_000);
    let why = Story::of(zeros.clone()).why(&engine, small).await;
    assert!(
        why.contains("image_unpacked_bytes_max") && why.contains("2000000 at most"),
        "{why}"
    );
    // Empty files take their room too.
    let mut many = image();
    for at in 0..500 {
        many = many.file(&format!("empty/{at}"), Vec::new(), 0o644);
    }
    let why = Story::of(many.build()).why(&engine, small).await;
    assert!(why.contains("entries"), "{why}");
    assert_eq!(engine.loads(), 0);
    let why = Story::of(zeros).why(&engine, |_| {}).await;
    assert!(why.contains("no room"), "there is room by default: {why}");
    assert_eq!(engine.loads(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_asks_for_more_than_it_would_get_is_not_run() {
    let engine = FakeEngine::start("amd64");
    let asks = Story {
        create_options: r#"{"HostConfig":{"Memory":1073741824}}"#,
        ..Story::of(image().build())
    };
    let why = asks.why(&engine, |_| {}).await;
    assert!(
        why.contains("1073741824") && why.contains("certification.memory_bytes_max"),
        "{why}"
    );
    assert_eq!(engine.loads(), 0);
    let generous = |settings: &mut Settings| settings.runs.limits.memory_bytes_max = 1 << 30;
    let why = asks.why(&engine, generous).await;
    assert!(why.contains("no room"), "{why}");
    assert_eq!(engine.loads(), 1);
}

fn arm() -> Story {
    Story {
        platform: "linux/arm64",
        ..Story::of(ImageBuilder::new().platform("linux/arm64").build())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_may_leave_other_architectures_out() {
    let engine = FakeEngine::start("amd64");
    let own = |settings: &mut Settings| settings.runs.emulated = false;
    let why = arm().why(&engine, own).await;
    assert!(
        why.contains("no emulation for linux/arm64") && why.contains("certification.emulated"),
        "{why}"
    );
    assert_eq!(engine.loads(), 0);
    // What is foreign here is the engine's own there.
    let engine = FakeEngine::start("arm64");
    let why = arm().why(&engine, own).await;
    assert!(why.contains("no room"), "{why}");
    assert_eq!(engine.loads(), 1);
}

/// Set for the inner run.
const WITHOUT: &str = "EDGEMART_TEST_WITHOUT_EMULATORS";

/// The test runs itself again where no emulator is to be seen, whatever this machine has.
#[test]
fn without_an_emulator_the_plan_says_so() {
    if std::env::var_os(WITHOUT).is_some() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime.block_on(async {
            let engine = FakeEngine::start("amd64");
            let why = arm().why(&engine, |_| {}).await;
            assert!(
                why.contains("not run: no emulation for linux/arm64")
                    && why.contains("qemu-user-static"),
                "{why}"
            );
            assert_eq!(engine.loads(), 0);
        });
    }
    let status = std::process::Command::new("unshare")
        .args(["--mount", "sh", "-c"])
        .arg("mount -t tmpfs none /proc/sys/fs/binfmt_misc && exec \"$0\" \"$@\"")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "not_run::without_an_emulator_the_plan_says_so"])
        .arg("--nocapture")
        .env(WITHOUT, "1")
        .status();
    let status = status.expect("unshare of util-linux: scripts/packages.sh installs it");
    assert!(status.success(), "{status}");
}
