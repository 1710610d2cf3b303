//! `/modules/{publisher}/{offer}/manifest`: the deployment manifest as a file. Refuses placeholders left open, all by name.

use app::deploy::{self, Form};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};

use super::product::{pretty, wanted};
use crate::params::{Params, Places};
use crate::problem::Problem;
use crate::state::Web;

pub(super) async fn download(
    State(web): State<Web>,
    places: Places,
    params: Params,
) -> Result<Response, Problem> {
    let key = places.offer()?;
    let module = web.app.module(&key)?;
    let plan = match params.get("plan") {
        "" => module
            .public_plans()
            .next()
            .map(|plan| plan.plan.to_string()),
        name => Some(name.to_owned()),
    };
    let plan = plan.ok_or_else(|| Problem::not_found("plan"))?;
    let form = Form::from_word(params.get("form")).ok_or_else(|| {
        Problem::bad_request("A manifest is `full` or `layered`; give one of them as `form`.")
    })?;
    let value = deploy::manifest(&web.app, &module, &plan, form, &wanted(&params))?;
    let kind = if form == Form::Layered {
        "layered"
    } else {
        "deployment"
    };
    // Ids hold nothing that would have to be quoted.
    let name = format!(
        "attachment; filename=\"{}-{}-{kind}.json\"",
        key.publisher, key.offer
    );
    let mut response = (pretty(&value) + "\n").into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(&name) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}
