//! A preview: seen by members and by who was let in, pulled with a token of its own, gone for everyone when it ends.

use app::deploy::{Choice, Form};
use app::error::Refused;
use app::offers::{
    cancel_submission, create_preview_token, invite_to_preview, preview_manifest, preview_module,
    uninvite_from_preview,
};
use app::registry::{Caller, PREVIEW_USER, find_manifest, grant_token, identify};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::lifecycle::State;
use oci::{AccessEntry, Action, RepositoryName};
use store::Store;
use testkit::engines::for_each_engine;

use crate::market::Market;

async fn tried(store: Store) {
    let market = Market::open(store).await;
    let app = &market.app;
    market.seed("contoso/temperature-sensor").await;
    let offer = market.draft("temperature-sensor").await;
    let key = offer.key();
    let id = market.submit(&key).await;
    market.wait(&id, &[State::Preview]).await;

    let (_, module) = preview_module(app, &market.owner, &id).await.unwrap();
    assert_eq!(module.title, offer.listing.title);
    assert_eq!(module.platforms.len(), 3);
    assert!(app.catalog.module(&key).is_none(), "it is not live");
    let stranger = preview_module(app, &market.reviewer, &id).await;
    assert!(
        matches!(stranger, Err(Refused::Forbidden(_))),
        "{:?}",
        stranger.err()
    );
    let unknown = invite_to_preview(app, &market.owner, &key, "who@nowhere.example").await;
    assert!(matches!(unknown, Err(Refused::Invalid(_))), "{unknown:?}");
    let by_guest = invite_to_preview(app, &market.reviewer, &key, "reviewer@market.example").await;
    assert!(
        matches!(by_guest, Err(Refused::Forbidden(_))),
        "{by_guest:?}"
    );
    invite_to_preview(app, &market.owner, &key, "reviewer@market.example")
        .await
        .unwrap();
    let guest = &market.reviewer;
    preview_module(app, guest, &id).await.unwrap();

    let plan = offer.plans[0].plan.to_string();
    let made = preview_manifest(app, guest, &id, &plan, Form::Full, &Choice::default()).await;
    let made = made.unwrap();
    let agent = &made.manifest["modulesContent"]["$edgeAgent"]["properties.desired"];
    let credentials = &agent["runtime"]["settings"]["registryCredentials"];
    let entry = credentials.as_object().unwrap().values().next().unwrap();
    assert_eq!(entry["username"], PREVIEW_USER);
    assert_eq!(entry["password"], made.token.secret.as_str());
    let text = serde_json::to_string(&made.manifest).unwrap();
    assert!(text.contains(&made.reference), "{text}");

    let pair = STANDARD.encode(format!("{PREVIEW_USER}:{}", made.token.secret));
    let caller = identify(app, Some(format!("Basic {pair}").as_bytes()))
        .await
        .unwrap();
    let repo: RepositoryName = key.repository(&offer.plans[0].plan).parse().unwrap();
    let (_, digest) = made.reference.split_once('@').unwrap();
    let name = digest.parse().unwrap();
    find_manifest(app, &caller, &repo, &name).await.unwrap();
    assert!(
        find_manifest(app, &Caller::Anonymous, &repo, &name)
            .await
            .is_err()
    );
    let asked = [AccessEntry::repository(&repo, &[Action::Pull])];
    let exchanged = grant_token(app, &caller, &asked).await.unwrap().token;
    let bearer = format!("Bearer {exchanged}");
    let caller = identify(app, Some(bearer.as_bytes())).await.unwrap();
    find_manifest(app, &caller, &repo, &name).await.unwrap();

    let id_of_guest = guest.account().unwrap().id.clone();
    uninvite_from_preview(app, &market.owner, &key, &id_of_guest)
        .await
        .unwrap();
    assert!(preview_module(app, guest, &id).await.is_err());
    let taken_back = identify(app, Some(bearer.as_bytes())).await;
    assert!(taken_back.is_err(), "their token goes with the invitation");
    let own = create_preview_token(app, &market.owner, &id, &plan)
        .await
        .unwrap();
    let pair = STANDARD.encode(format!("{PREVIEW_USER}:{}", own.secret));
    let basic = format!("Basic {pair}");
    let caller = identify(app, Some(basic.as_bytes())).await.unwrap();
    let exchanged = grant_token(app, &caller, &asked).await.unwrap().token;
    let bearer = format!("Bearer {exchanged}");
    identify(app, Some(bearer.as_bytes())).await.unwrap();
    cancel_submission(app, &market.owner, &id).await.unwrap();
    let late = identify(app, Some(bearer.as_bytes())).await;
    assert!(late.is_err(), "what was exchanged ends with the pull token");
    let over = preview_module(app, &market.owner, &id).await;
    assert!(
        matches!(over, Err(Refused::Conflict(_))),
        "{:?}",
        over.err()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_is_tried_by_who_may() {
    for_each_engine(tried).await;
}

async fn over(store: Store) {
    let at_once = |settings: &mut app::settings::Settings| settings.limits.preview_hours_max = 0;
    let market = Market::open_with(store, &[], at_once).await;
    let app = &market.app;
    market.seed("contoso/temperature-sensor").await;
    let offer = market.draft("temperature-sensor").await;
    let plan = offer.plans[0].plan.to_string();
    let id = market.submit(&offer.key()).await;
    market.wait(&id, &[State::Preview]).await;
    let told = [
        preview_module(app, &market.owner, &id).await.err(),
        create_preview_token(app, &market.owner, &id, &plan)
            .await
            .err(),
        app::offers::go_live(app, &market.owner, &id).await.err(),
    ];
    for refused in told {
        match refused {
            Some(Refused::Conflict(why)) => assert!(why.contains("preview ended"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(app::offers::end_previews(app).await.unwrap(), 1);
    assert_eq!(app::offers::end_previews(app).await.unwrap(), 0);
    let ended = store::submissions::find(&app.reader, &id).await.unwrap();
    let ended = ended.unwrap();
    assert_eq!(ended.state, State::Cancelled);
    assert!(ended.failure.unwrap().contains("preview ended"));
    market.submit(&offer.key()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_ends_by_itself() {
    for_each_engine(over).await;
}
