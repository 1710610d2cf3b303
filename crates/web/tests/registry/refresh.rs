//! Refresh tokens: what `docker login` keeps instead of a password.

use app::accounts::{CreateToken, create_token};
use app::registry::LOGINS_MAX;
use domain::role::TokenScope;
use serde_json::Value;

use crate::http::Answer;
use crate::market::{DEV, INBOX, Market, PASSWORD, basic, on_both, small};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

async fn post(market: &Market, form: &str) -> Answer {
    market.ask("POST", "/token", &[FORM], form.as_bytes()).await
}

fn text(answer: &Answer, field: &str) -> Option<String> {
    answer.json()[field].as_str().map(ToOwned::to_owned)
}

fn password_form(extra: &str) -> String {
    let (user, password) = (DEV.replace('@', "%40"), PASSWORD.replace(' ', "+"));
    format!("grant_type=password&username={user}&password={password}&client_id=docker{extra}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_gets_a_refresh_token_and_lives_on_it() {
    on_both(async |market: Market| {
        let scope = format!(
            "&service={}&scope=repository:{INBOX}:pull,push",
            market.peer
        );
        let without = post(&market, &password_form(&scope)).await;
        assert_eq!(
            (without.status, text(&without, "refresh_token")),
            (200, None),
            "only who asks gets one"
        );
        let login = post(&market, &password_form("&access_type=offline")).await;
        let secret = text(&login, "refresh_token").unwrap();
        let form =
            format!("grant_type=refresh_token&refresh_token={secret}&client_id=docker{scope}");
        let again = post(&market, &form).await;
        assert_eq!(again.status, 200, "{}", again.text());
        assert_eq!(
            text(&again, "refresh_token").as_deref(),
            Some(secret.as_str())
        );
        assert_eq!(
            again.json()["scope"],
            format!("repository:{INBOX}:pull,push")
        );
        let bearer = format!("Bearer {}", text(&again, "access_token").unwrap());
        let upload = format!("/v2/{INBOX}/blobs/uploads/");
        let headers = [("Authorization", bearer.as_str())];
        assert_eq!(market.ask("POST", &upload, &headers, b"").await.status, 202);
        // Its owner sees it and takes it back.
        let actor = market.actor(DEV).await;
        let id = actor.account().unwrap().id.clone();
        let tokens = store::tokens::list_of_account(&market.reader, &id)
            .await
            .unwrap();
        assert_eq!(tokens.len(), 1);
        assert_eq!(tokens[0].name, "registry login (docker)");
        assert_eq!(tokens[0].scopes, [TokenScope::Read, TokenScope::Push]);
        app::accounts::revoke_token(&market.app, &actor, &tokens[0].id)
            .await
            .unwrap();
        let late = post(&market, &form).await;
        assert_eq!(
            (late.status, text(&late, "error")),
            (401, Some("invalid_grant".into()))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_get_form_gives_one_too_and_a_narrow_secret_stays_narrow() {
    let market = small().await;
    let target = "/token?offline_token=true&client_id=podman";
    let by_password = basic(DEV, PASSWORD);
    let answer = market
        .ask("GET", target, &[("Authorization", &by_password)], b"")
        .await;
    assert!(text(&answer, "refresh_token").unwrap().starts_with("emt_"));
    let actor = market.actor(DEV).await;
    let command = CreateToken {
        name: "narrow".into(),
        scopes: vec![TokenScope::Read],
        days: 1,
    };
    let narrow = create_token(&market.app, &actor, command).await.unwrap();
    for authorization in [
        basic(DEV, &narrow.secret),
        format!("Bearer {}", narrow.secret),
    ] {
        let answer = market
            .ask("GET", target, &[("Authorization", &authorization)], b"")
            .await;
        assert_eq!(
            text(&answer, "refresh_token").as_ref(),
            Some(&narrow.secret)
        );
    }
    let form = format!(
        "grant_type=refresh_token&refresh_token={}&scope=repository:{INBOX}:pull,push",
        narrow.secret
    );
    assert_eq!(
        post(&market, &form).await.json()["scope"],
        format!("repository:{INBOX}:pull")
    );
    // Neither nobody nor a token that dies soon gets something that lives long.
    assert_eq!(
        market.get(target).await.json()["refresh_token"],
        Value::Null
    );
    let bearer = market.token(DEV, &format!("repository:{INBOX}:pull")).await;
    let answer = market
        .ask("GET", target, &[("Authorization", &bearer)], b"")
        .await;
    assert_eq!((answer.status, text(&answer, "refresh_token")), (200, None));
    let jwt = bearer.trim_start_matches("Bearer ");
    for form in [
        format!("grant_type=refresh_token&refresh_token={jwt}"),
        "grant_type=refresh_token&refresh_token=emt_made-up".into(),
        "grant_type=refresh_token&refresh_token=made-up".into(),
    ] {
        assert_eq!(post(&market, &form).await.status, 401, "{form}");
    }
    for form in [
        "grant_type=refresh_token",
        "grant_type=client_credentials",
        "",
    ] {
        assert_eq!(post(&market, form).await.status, 400, "{form}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_ends_with_the_password_and_a_token_of_such_a_name_does_not() {
    on_both(async |market: Market| {
        let actor = market.actor(DEV).await;
        let command = CreateToken {
            name: "registry login of mine".into(),
            scopes: vec![TokenScope::Read],
            days: 90,
        };
        let own = create_token(&market.app, &actor, command).await.unwrap();
        let form = password_form("&access_type=offline");
        let mut secret = String::new();
        for _ in 0..=LOGINS_MAX {
            secret = text(&post(&market, &form).await, "refresh_token").unwrap();
        }
        let refresh = |secret: &str| format!("grant_type=refresh_token&refresh_token={secret}");
        assert_eq!(post(&market, &refresh(&own.secret)).await.status, 200);
        app::accounts::change_password(&market.app, &actor, PASSWORD, "another long password")
            .await
            .unwrap();
        assert_eq!(post(&market, &refresh(&secret)).await.status, 401);
        assert_eq!(post(&market, &refresh(&own.secret)).await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_keeps_a_bounded_number_of_logins() {
    let market = small().await;
    let form = password_form("&access_type=offline");
    let first = text(&post(&market, &form).await, "refresh_token").unwrap();
    for _ in 1..=LOGINS_MAX {
        assert_eq!(post(&market, &form).await.status, 200);
    }
    let id = market.actor(DEV).await.account().unwrap().id.clone();
    let tokens = store::tokens::list_of_account(&market.reader, &id)
        .await
        .unwrap();
    assert_eq!(tokens.len(), LOGINS_MAX, "what was replaced is gone");
    let oldest = format!("grant_type=refresh_token&refresh_token={first}");
    assert_eq!(post(&market, &oldest).await.status, 401);
}
