//! Accounts in the browser: signing up, in and out, the profile, access tokens, and the first operator's set-up.

mod erase;
mod password;
mod profile;
mod set_up;
mod sign_in;
mod sign_up;
mod tokens;

crate::routes::routes! {
    get "/account" profile::show;
    get "/account/erase" erase::show;
    post "/account/erase" erase::erase;
    get "/account/password" password::show;
    post "/account/password" password::change;
    get "/account/sign-in" sign_in::show;
    post "/account/sign-in" sign_in::sign_in;
    post "/account/sign-out" sign_in::sign_out;
    get "/account/sign-up" sign_up::show;
    post "/account/sign-up" sign_up::sign_up;
    get "/account/tokens" tokens::list;
    post "/account/tokens" tokens::create;
    post "/account/tokens/revoke" tokens::revoke;
    get "/set-up" set_up::show;
    post "/set-up" set_up::set_up;
}

use app::accounts::Session;
use axum::response::Response;
use http::HeaderValue;
use http::header::SET_COOKIE;

use crate::page::see_other;
use crate::problem::Problem;
use crate::state::Web;

/// Microseconds in a second.
const SECOND: i64 = 1_000_000;

/// Sends a person on with a session cookie. Not readable by script, not sent along by other sites' forms.
fn with_session(web: &Web, session: &Session, next: &str) -> Result<Response, Problem> {
    let seconds = (session.expires_at - web.app.clock.now()) / SECOND;
    with_cookie(web, &session.secret, seconds, next)
}

fn with_cookie(web: &Web, value: &str, seconds: i64, next: &str) -> Result<Response, Problem> {
    let secure = if web.secure() { "; Secure" } else { "" };
    let cookie = format!(
        "{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}",
        web.session_cookie()
    );
    let mut response = see_other(next);
    let header = HeaderValue::from_str(&cookie).map_err(|_| Problem::failed())?;
    response.headers_mut().insert(SET_COOKIE, header);
    Ok(response)
}

/// Where to go after signing in: a page of this site, else the start page.
fn onward(next: &str) -> &str {
    let inside = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\');
    if inside && !next.chars().any(char::is_control) {
        next
    } else {
        "/"
    }
}

#[cfg(test)]
mod tests {
    use super::onward;

    #[test]
    fn only_pages_of_this_site_are_next() {
        assert_eq!(onward("/publish?x=1"), "/publish?x=1");
        for elsewhere in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/a\r\nb",
            "javascript:x",
        ] {
            assert_eq!(onward(elsewhere), "/", "{elsewhere:?}");
        }
    }
}
