//! How many requests of a connection are not answered to their last byte: only between requests may the library's half of
//! the connection be put away. Also what every request is told of its connection.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::Service;
use tower::ServiceExt as _;
use web::line::Files;

/// The requests of one connection.
#[derive(Debug, Default)]
pub(super) struct Requests {
    begun: AtomicU64,
    answered: AtomicU64,
    /// The library tried to write something, and it is not all out yet.
    held_back: AtomicBool,
}

impl Requests {
    /// How many ever began, when all of them are answered to the last byte.
    pub(super) fn all_answered(&self) -> Option<u64> {
        let answered = self.answered.load(Ordering::Acquire);
        let all = self.begun.load(Ordering::Acquire) == answered;
        (all && !self.held_back.load(Ordering::Acquire)).then_some(answered)
    }

    /// Something is being written.
    pub(super) fn written(&self) {
        self.held_back.store(true, Ordering::Release);
    }

    /// All that was written is out.
    pub(super) fn flushed(&self) {
        self.held_back.store(false, Ordering::Release);
    }
}

/// Counts one request as answered when it is dropped, however it went.
#[derive(Debug)]
struct UnderWay(Arc<Requests>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.answered.fetch_add(1, Ordering::AcqRel);
    }
}

/// What answers on one connection.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    pub(super) router: Router,
    pub(super) peer: SocketAddr,
    /// By which bodies send files, when nothing wraps the bytes on the way.
    pub(super) files: Option<Files>,
    pub(super) requests: Arc<Requests>,
}

impl Service<Request<Incoming>> for Answers {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.requests.begun.fetch_add(1, Ordering::AcqRel);
        let under_way = UnderWay(Arc::clone(&self.requests));
        request.extensions_mut().insert(ConnectInfo(self.peer));
        request.extensions_mut().insert(self.files.clone());
        let answer = self.router.clone().oneshot(request.map(Body::new));
        Box::pin(async move {
            Ok(answer.await?.map(|body| Answer {
                body,
                _under_way: under_way,
            }))
        })
    }
}

/// A body whose request is under way until it is sent or given up.
#[derive(Debug)]
pub(super) struct Answer {
    body: Body,
    _under_way: UnderWay,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        hyper::body::Body::poll_frame(Pin::new(&mut self.body), context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
