//! The storefront: what anybody may see without signing in. Everything is read from the catalog in memory, works
//! without script, and carries its whole state in the address. Only "Get it now" needs an account.

mod ask;
mod card;
mod category;
mod device;
mod get_it;
mod home;
mod manifest;
mod media;
mod product;
mod publisher;
mod search;
mod texts;

pub(crate) use ask::FACETS;
pub(crate) use card::{logo, path};
pub(crate) use device::Device;
pub(crate) use product::{pretty, render as product_page, wanted};

crate::routes::routes! {
    get "/" home::show;
    get "/modules" search::show;
    get "/modules/{publisher}/{offer}" product::show;
    get "/modules/{publisher}/{offer}/manifest" manifest::download;
    get "/modules/{publisher}/{offer}/runs/{run}/log" product::run_log;
    get "/modules/{publisher}/{offer}/get" get_it::show;
    post "/modules/{publisher}/{offer}/get" get_it::get;
    get "/publishers/{publisher}" publisher::show;
    get "/categories/{category}" category::show;
    get "/media/sha256/{hex}" media::show;
    get "/terms" texts::terms;
    get "/guide" texts::guide;
    get "/faq" texts::faq;
    get "/about" texts::about;
    get "/robots.txt" texts::robots;
}
