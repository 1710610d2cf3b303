//! The list of addresses, kept beside the handlers: `routes!` makes a part's router and its list from the same lines, so
//! that the authorization table can tell when an address has no row.

/// Makes `ROUTES` and `routes()` of a part of the site out of lines `get "/path" handler;`.
macro_rules! routes {
    ($($method:ident $path:literal $handler:expr;)+) => {
        /// Method and path of every address of this part.
        pub(crate) const ROUTES: &[(&str, &str)] = &[$((stringify!($method), $path)),+];

        /// The routes of this part.
        pub(crate) fn routes() -> axum::Router<crate::state::Web> {
            axum::Router::new()$(.route($path, axum::routing::$method($handler)))+
        }
    };
}
pub(crate) use routes;

/// Method (lower case) and path of every page and form, storefront first.
pub fn pages() -> Vec<(&'static str, &'static str)> {
    [
        crate::storefront::ROUTES,
        crate::account::ROUTES,
        crate::portal::ROUTES,
        crate::review::ROUTES,
        crate::admin::ROUTES,
    ]
    .concat()
}

/// Method (lower case) and path of every address of the API, as it is reached from outside.
pub fn api() -> Vec<(&'static str, String)> {
    let under = |(method, path): &(&'static str, &str)| (*method, format!("/api{path}"));
    crate::api::ROUTES.iter().map(under).collect()
}
