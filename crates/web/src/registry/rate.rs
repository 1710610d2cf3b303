//! Turns away clients that ask more often than the operator allows. Not part of a server without such a limit.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use app::registry::{Rate, Refusal};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn_with_state};

use super::answer;
use crate::peer::Peer;
use crate::state::Web;

/// The routes with the limit of the configuration around them, if there is one.
pub(crate) fn limited(routes: Router, web: &Web) -> Router {
    match NonZeroU32::new(web.app.settings.limits.requests_per_minute_max) {
        None => routes,
        Some(per_minute) => {
            let (app, rate) = (web.app.clone(), Arc::new(Rate::new(per_minute)));
            let check = move |Peer(peer): Peer, request: Request, next: Next| {
                let refused = refusal(&rate, &peer).map(|told| answer::refusal(&app, told, None));
                async move {
                    match refused {
                        Some(response) => response,
                        None => next.run(request).await,
                    }
                }
            };
            routes.layer(from_fn_with_state(web.clone(), check))
        }
    }
}

/// Without an address there is nobody to count.
fn refusal(rate: &Rate, peer: &str) -> Option<Refusal> {
    let client = peer.parse::<IpAddr>().ok()?;
    rate.check(client).err()
}
