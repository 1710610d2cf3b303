//! The page of a run, on this machine alone: it listens on a loopback address, a secret of the run stands in its address,
//! and a name that another site made to point here is refused. The page itself is `web`'s.
//!
//! Left out: everything the terminal does not do as well.

mod act;
mod guard;
mod record;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use edge::Environment;
use edge::hub::Hub;
use edge::runner::{Board, Plan};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tower_http::compression::CompressionLayer;

use super::options::Options;
use crate::verbs::failure::{Exit, Failure, tell};
use guard::Guard;
use record::Record;

/// Bytes of an order.
const ORDER_BYTES_MAX: usize = 512 * 1024;
/// Lines of the modules' output in one answer.
const LINES_MAX: usize = 500;

/// A page that is open.
pub(super) struct Page {
    outages: mpsc::Receiver<Duration>,
    serving: JoinHandle<()>,
    listening: JoinHandle<()>,
}

/// What the page looks at.
pub(super) struct Desk {
    hub: Arc<Hub>,
    board: Board,
    record: Record,
    outages: mpsc::Sender<Duration>,
    /// Methods and inputs that are known, by module.
    known: BTreeMap<String, (Vec<String>, Vec<String>)>,
    page: String,
}

impl Page {
    /// Opens the page, unless nobody wants it, and says where it is.
    pub(super) async fn open(
        options: &Options,
        environment: &Environment,
        board: &Board,
        plans: &[Plan],
    ) -> Result<Option<Self>, Failure> {
        if options.no_page {
            return Ok(None);
        }
        let failed = |e: &dyn std::fmt::Display| {
            Failure::new(Exit::Conflict, "the page cannot be opened")
                .why(e)
                .fix("choose another port with --page, or go without it: --no-page")
        };
        let address = (Ipv4Addr::LOCALHOST, options.page.unwrap_or(0));
        let listener = TcpListener::bind(address).await.map_err(|e| failed(&e))?;
        let port = listener.local_addr().map_err(|e| failed(&e))?.port();
        let token = app::clock::new_secret("").map_err(|e| failed(&e))?;
        let names: Vec<String> = plans.iter().map(|plan| plan.module.clone()).collect();
        let gateway = format!(
            "{}:{}",
            environment.hub().device().gateway,
            environment.ports().mqtt
        );
        let (sender, outages) = mpsc::channel(4);
        let record = Record::default();
        let desk = Desk {
            hub: Arc::clone(environment.hub()),
            board: board.clone(),
            record: record.clone(),
            outages: sender,
            known: known(plans),
            page: web::trial::page(&names, &gateway).map_err(|e| failed(&e))?,
        };
        let listening = tokio::spawn(record.listen(environment.log().clone()));
        let guard = Guard::new(token, port);
        tell(&format!("Page: {}", guard.address()));
        let router = router(Arc::new(desk), guard);
        let serving = tokio::spawn(async move {
            if let Err(problem) = axum::serve(listener, router).await {
                tell(&format!("The page is gone: {problem}."));
            }
        });
        Ok(Some(Self {
            outages,
            serving,
            listening,
        }))
    }

    /// The next outage that somebody asks for on the page; without a page, none ever comes.
    pub(super) async fn outage(page: &mut Option<Self>) -> Duration {
        match page {
            Some(page) => match page.outages.recv().await {
                Some(length) => length,
                None => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }

    /// Shuts it.
    pub(super) async fn close(self) {
        self.serving.abort();
        self.listening.abort();
        // Aborted is how they end.
        let _ = (self.serving.await, self.listening.await);
    }
}

fn known(plans: &[Plan]) -> BTreeMap<String, (Vec<String>, Vec<String>)> {
    let names = |plan: &Plan| (plan.expected.methods.clone(), plan.expected.inputs.clone());
    plans
        .iter()
        .map(|plan| (plan.module.clone(), names(plan)))
        .collect()
}

fn router(desk: Arc<Desk>, guard: Guard) -> Router {
    let own = Router::new()
        .route("/", get(page))
        .route("/poll", get(poll))
        .route("/twin", get(twin))
        .route("/act", post(act::act))
        .layer(DefaultBodyLimit::max(ORDER_BYTES_MAX))
        .with_state(desk);
    Router::new()
        .nest("/{token}/", own)
        .merge(web::static_files::router())
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn_with_state(
            Arc::new(guard),
            guard::check,
        ))
}

async fn page(State(desk): State<Arc<Desk>>) -> Html<String> {
    Html(desk.page.clone())
}

#[derive(Deserialize)]
struct Seen {
    #[serde(default)]
    events: u64,
    #[serde(default)]
    lines: u64,
}

/// What happened since, and how things stand.
async fn poll(State(desk): State<Arc<Desk>>, Query(seen): Query<Seen>) -> Json<Value> {
    let lines = desk.board.lines_after(seen.lines, LINES_MAX);
    let printed = lines.last().map_or(seen.lines, |line| line.number);
    let (number, events) = desk.record.after(seen.events);
    let modules: Vec<Value> = desk
        .board
        .views()
        .into_iter()
        .map(|view| {
            let name = view.name.clone();
            let mut told = serde_json::to_value(view).unwrap_or_default();
            let counts = desk.record.counts(&name);
            told["connected"] = desk.hub.is_connected(&name).into();
            told["messages"] = counts.messages.into();
            told["messages_per_minute"] = counts.per_minute.into();
            told["twin_changes"] = counts.twin_changes.into();
            let (methods, inputs) = desk.known.get(&name).cloned().unwrap_or_default();
            told["methods"] = methods.into();
            told["inputs"] = inputs.into();
            told
        })
        .collect();
    Json(json!({
        "seen": number, "printed": printed, "events": events, "lines": lines, "modules": modules,
        "hub_away": desk.record.hub_is_away(),
    }))
}

#[derive(Deserialize)]
struct Whose {
    module: String,
}

async fn twin(State(desk): State<Arc<Desk>>, Query(whose): Query<Whose>) -> Response {
    match desk.hub.twin(&whose.module) {
        Ok(twin) => Json(twin).into_response(),
        Err(problem) => refused(StatusCode::NOT_FOUND, &problem),
    }
}

/// What went wrong, as the page shows it.
fn refused(status: StatusCode, problem: &dyn std::fmt::Display) -> Response {
    (status, Json(json!({"problem": problem.to_string()}))).into_response()
}
