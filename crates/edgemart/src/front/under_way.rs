//! How many requests of a connection are not answered to their last byte: only between requests may the library's half of
//! the connection be put away. Also what every request is told of its connection.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

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
    /// Bodies of which the library has a piece and has not asked for the next.
    waiting: AtomicU64,
    /// Bytes of bodies that were handed to the library.
    handed_over: AtomicU64,
}

impl Requests {
    /// How many ever began, when all of them are answered to the last byte.
    pub(super) fn all_answered(&self) -> Option<u64> {
        let answered = self.answered.load(Ordering::Acquire);
        let all = self.begun.load(Ordering::Acquire) == answered;
        (all && !self.held_back.load(Ordering::Acquire)).then_some(answered)
    }

    /// Bytes of bodies handed over so far, while some body waits for the other side to take what was.
    pub(super) fn waiting_at(&self) -> Option<u64> {
        let waits = self.waiting.load(Ordering::Acquire) > 0;
        waits.then(|| self.handed_over.load(Ordering::Acquire))
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

/// One request; counts as answered when it is dropped, however it went.
#[derive(Debug)]
struct UnderWay {
    requests: Arc<Requests>,
    waits: bool,
}

impl UnderWay {
    fn new(requests: &Arc<Requests>) -> Self {
        requests.begun.fetch_add(1, Ordering::AcqRel);
        Self {
            requests: Arc::clone(requests),
            waits: false,
        }
    }

    /// The library asks for the next piece.
    fn asked(&mut self) {
        if std::mem::take(&mut self.waits) {
            self.requests.waiting.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// The library got a piece.
    fn handed_over(&mut self, bytes: usize) {
        self.waits = true;
        self.requests.waiting.fetch_add(1, Ordering::AcqRel);
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.requests.handed_over.fetch_add(bytes, Ordering::AcqRel);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.asked();
        self.requests.answered.fetch_add(1, Ordering::AcqRel);
    }
}

/// What answers on one connection.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    pub(super) router: Router,
    pub(super) peer: SocketAddr,
    /// By which bodies send files, when nothing wraps the bytes on the way.
    pub(super) files: Option<Files>,
    requests: Arc<Requests>,
}

impl Answers {
    /// What answers on a connection, and the requests of it.
    pub(super) fn of(
        router: Router,
        peer: SocketAddr,
        files: Option<Files>,
    ) -> (Self, Arc<Requests>) {
        let requests = Arc::new(Requests::default());
        let answers = Self {
            router,
            peer,
            files,
            requests: Arc::clone(&requests),
        };
        (answers, requests)
    }
}

impl Service<Request<Incoming>> for Answers {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let under_way = UnderWay::new(&self.requests);
        request.extensions_mut().insert(ConnectInfo(self.peer));
        request.extensions_mut().insert(self.files.clone());
        let answer = self.router.clone().oneshot(request.map(Body::new));
        Box::pin(async move { Ok(answer.await?.map(|body| Answer { body, under_way })) })
    }
}

/// A body whose request is under way until it is sent or given up.
#[derive(Debug)]
pub(super) struct Answer {
    body: Body,
    under_way: UnderWay,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.under_way.asked();
        let frame = ready!(hyper::body::Body::poll_frame(
            Pin::new(&mut self.body),
            context
        ));
        if let Some(Ok(frame)) = &frame {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            self.under_way.handed_over(bytes);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
