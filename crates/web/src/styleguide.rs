//! `/styleguide`: every piece of the interface in every state, and the page shapes made of them,
//! filled with sample content. It is where a change to the look is looked at first.
//!
//! `?theme=light` and `?theme=dark` fix the theme, for pictures. The sample texts are content, not
//! interface, so they stand in the templates and in [`samples`] and not in the message file.
//!
//! Left out: anything live; no page here reads the store.

use askama::Template;
use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use crate::layout::Layout;
use crate::pieces::{
    Choice, ChosenFilter, DiffLine, FacetValue, Fact, FieldError, Link, RailItem, Step,
};
use crate::view::View as _;

mod samples;

use samples::SampleModule;

/// The pages of the style guide.
pub fn router() -> Router {
    Router::new()
        .route("/styleguide", get(pieces))
        .route("/styleguide/home", get(home))
        .route("/styleguide/search", get(search))
        .route("/styleguide/product", get(product))
        .route("/styleguide/submission", get(submission))
        .route("/styleguide/offer", get(offer))
        .route("/styleguide/problem", get(problem))
}

#[derive(Deserialize)]
struct Look {
    theme: Option<String>,
}

impl Look {
    fn theme(&self) -> &'static str {
        match self.theme.as_deref() {
            Some("light") => "light",
            Some("dark") => "dark",
            _ => "",
        }
    }
}

#[derive(Template)]
#[template(path = "styleguide.html")]
struct Pieces {
    layout: Layout,
    pages: Vec<Link>,
    modules: Vec<SampleModule>,
    platforms: Vec<FacetValue>,
    chosen: Vec<ChosenFilter>,
    plans: Vec<Choice>,
    versions: Vec<Choice>,
    prices: Vec<Choice>,
    running: Vec<Step>,
    failed: Vec<Step>,
    diff: Vec<DiffLine>,
    tabs: Vec<Link>,
    crumbs: Vec<Link>,
    facts: Vec<Fact>,
    errors: Vec<FieldError>,
    digest: String,
    pull: String,
    add: &'static str,
    manifest: &'static str,
    colours: Vec<&'static str>,
}

async fn pieces(Query(look): Query<Look>) -> Response {
    page(&Pieces {
        layout: samples::layout(look.theme(), ""),
        pages: samples::pages(),
        modules: samples::modules(),
        platforms: samples::platform_values(),
        chosen: samples::chosen(),
        plans: samples::plans(),
        versions: samples::versions(),
        prices: samples::prices(),
        running: samples::running_steps(),
        failed: samples::failed_steps(),
        diff: samples::diff(),
        tabs: samples::product_tabs(),
        crumbs: samples::crumbs(),
        facts: samples::facts(),
        errors: samples::errors(),
        digest: samples::digest(),
        pull: samples::pull(),
        add: samples::ADD,
        manifest: samples::MANIFEST,
        colours: vec!["accent", "pass", "warn", "fail", "info"],
    })
}

#[derive(Template)]
#[template(path = "styleguide/home.html")]
struct Home {
    layout: Layout,
    modules: Vec<SampleModule>,
    categories: Vec<Link>,
}

async fn home(Query(look): Query<Look>) -> Response {
    page(&Home {
        layout: samples::layout(look.theme(), ""),
        modules: samples::modules(),
        categories: samples::categories(),
    })
}

#[derive(Template)]
#[template(path = "styleguide/search.html")]
struct Search {
    layout: Layout,
    modules: Vec<SampleModule>,
    platforms: Vec<FacetValue>,
    categories: Vec<FacetValue>,
    prices: Vec<FacetValue>,
    publishers: Vec<FacetValue>,
    chosen: Vec<ChosenFilter>,
}

async fn search(Query(look): Query<Look>) -> Response {
    let mut layout = samples::layout(look.theme(), "modules");
    layout.query = "temprature".to_owned();
    page(&Search {
        layout,
        modules: samples::modules(),
        platforms: samples::platform_values(),
        categories: samples::category_values(),
        prices: samples::price_values(),
        publishers: samples::publisher_values(),
        chosen: samples::chosen(),
    })
}

#[derive(Template)]
#[template(path = "styleguide/product.html")]
struct Product {
    layout: Layout,
    crumbs: Vec<Link>,
    module: SampleModule,
    tabs: Vec<Link>,
    plans: Vec<Choice>,
    versions: Vec<Choice>,
    digest: String,
    pull: String,
    add: &'static str,
}

async fn product(Query(look): Query<Look>) -> Response {
    let mut modules = samples::modules();
    page(&Product {
        layout: samples::layout(look.theme(), "modules"),
        crumbs: samples::crumbs(),
        module: modules.swap_remove(0),
        tabs: samples::product_tabs(),
        plans: samples::plans(),
        versions: samples::versions(),
        digest: samples::digest(),
        pull: samples::pull(),
        add: samples::ADD,
    })
}

#[derive(Template)]
#[template(path = "styleguide/submission.html")]
struct Submission {
    layout: Layout,
    crumbs: Vec<Link>,
    steps: Vec<Step>,
    digest: String,
}

async fn submission(Query(look): Query<Look>) -> Response {
    page(&Submission {
        layout: samples::layout(look.theme(), "publish"),
        crumbs: samples::portal_crumbs(),
        steps: samples::failed_steps(),
        digest: samples::digest(),
    })
}

#[derive(Template)]
#[template(path = "styleguide/offer.html")]
struct Offer {
    layout: Layout,
    crumbs: Vec<Link>,
    rail: Vec<RailItem>,
    categories: Vec<Choice>,
    prices: Vec<Choice>,
    errors: Vec<FieldError>,
}

async fn offer(Query(look): Query<Look>) -> Response {
    let mut crumbs = samples::portal_crumbs();
    crumbs.truncate(2);
    page(&Offer {
        layout: samples::layout(look.theme(), "publish"),
        crumbs,
        rail: samples::rail(),
        categories: samples::category_choices(),
        prices: samples::prices(),
        errors: samples::errors(),
    })
}

#[derive(Template)]
#[template(path = "styleguide/problem.html")]
struct Problem {
    layout: Layout,
}

async fn problem(Query(look): Query<Look>) -> Response {
    let mut layout = samples::layout(look.theme(), "");
    layout.person = None;
    page(&Problem { layout })
}

/// A template is checked when it is compiled; what is left to fail is running out of memory.
fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a style guide page did not render");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    async fn html(address: &str) -> String {
        let request = Request::get(address).body(Body::empty()).unwrap();
        let answer = router().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{address}");
        let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn every_page_renders_under_the_closed_policy() {
        for link in samples::pages() {
            let html = html(&link.href).await;
            for forbidden in [" style=\"", "<style", " onclick", " onload", "javascript:"] {
                assert!(!html.contains(forbidden), "{}: {forbidden}", link.href);
            }
            // The only script elements are those with an address.
            assert_eq!(
                html.matches("<script").count(),
                html.matches("<script src=\"/static/").count()
            );
        }
    }

    #[tokio::test]
    async fn the_theme_is_fixed_by_the_query_and_only_to_a_known_one() {
        assert!(
            html("/styleguide?theme=dark")
                .await
                .contains(r#"data-theme="dark""#)
        );
        assert!(
            !html("/styleguide?theme=%22x")
                .await
                .contains(r#"<html lang="en" data-theme"#)
        );
    }
}
