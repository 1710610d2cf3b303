//! Turning a template into an answer, and a [`Problem`] into a page.

use askama::Template;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderValue, StatusCode};

use crate::layout::Layout;
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

/// Renders a page that is not to be kept by anyone: it shows who is signed in.
pub(crate) fn page(template: &impl Template) -> Result<Response, Problem> {
    let html = template.render().map_err(|error| {
        tracing::error!(%error, "a template did not render");
        Problem::failed()
    })?;
    let mut response = Html(html).into_response();
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

/// The same, with another status, such as 422 for a form shown again with its mistakes.
pub(crate) fn page_with(status: StatusCode, template: &impl Template) -> Result<Response, Problem> {
    let mut response = page(template)?;
    *response.status_mut() = status;
    Ok(response)
}

/// Sends the browser on after a form. Only to this site: anything else goes home.
pub(crate) fn see_other(path: &str) -> Response {
    let inside = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    let target = if inside { path } else { "/" };
    let value = HeaderValue::from_str(target).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(LOCATION, value)]).into_response()
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    layout: Layout,
    problem: Problem,
    request_id: String,
    sign_in: String,
}

/// Middleware of all pages: gives a problem its face, with the visitor's own frame around it.
pub(crate) async fn show_problems(
    State(web): State<Web>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let visitor =
        <Visitor as axum::extract::FromRequestParts<Web>>::from_request_parts(&mut parts, &web)
            .await;
    let request_id = request_id(&parts.headers);
    let here = parts
        .uri
        .path_and_query()
        .map_or("/", |p| p.as_str())
        .to_owned();
    let is_get = parts.method == http::Method::GET;
    let response = match &visitor {
        Ok(_) => next.run(Request::from_parts(parts, body)).await,
        Err(problem) => problem.clone().into_response(),
    };
    let Some(problem) = response.extensions().get::<Problem>().cloned() else {
        return response;
    };
    let layout = visitor.map_or_else(|_| Layout::default(), |visitor| visitor.layout(""));
    if problem.sign_in && is_get {
        let back: String =
            percent_encoding::utf8_percent_encode(&here, percent_encoding::NON_ALPHANUMERIC)
                .to_string();
        return see_other(&format!("/account/sign-in?next={back}"));
    }
    let shown = ProblemPage {
        layout,
        request_id,
        sign_in: if problem.sign_in {
            "/account/sign-in".into()
        } else {
            String::new()
        },
        problem: problem.clone(),
    };
    let mut page = page_with(problem.status, &shown).unwrap_or_else(IntoResponse::into_response);
    retry_after(&mut page, &problem);
    page
}

/// Middleware of the API: a problem becomes problem+json.
pub(crate) async fn problems_as_json(request: Request, next: Next) -> Response {
    let here = request.uri().path().to_owned();
    let response = next.run(request).await;
    let Some(problem) = response.extensions().get::<Problem>().cloned() else {
        return response;
    };
    let body = problem.json(&here).to_string();
    let mut answer = (problem.status, body).into_response();
    let headers = answer.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if problem.sign_in {
        headers.insert(
            http::header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"edgemart\""),
        );
    }
    retry_after(&mut answer, &problem);
    answer
}

fn retry_after(response: &mut Response, problem: &Problem) {
    if let Some(seconds) = problem.retry_after {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
}

pub(crate) fn request_id(headers: &http::HeaderMap) -> String {
    let id = headers
        .get("x-request-id")
        .and_then(|value| value.to_str().ok());
    id.unwrap_or_default().to_owned()
}
