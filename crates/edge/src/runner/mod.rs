//! Runs a module in a container inside an environment of its own, as the edge agent would, and watches it work: it is
//! fed, configured, called, cut off from its hub, stopped, and started again. What is seen becomes an
//! [`Observed`](domain::behaviour::Observed), which rules judge elsewhere.
//!
//! [`Stand::open`] makes the network and the environment, [`Stand::perform`] goes through the steps, and
//! [`Stand::close`] removes everything; what a killed process left behind is removed by [`Engine::sweep`]. The module
//! gets nothing of this machine: createOptions pass an allow-list, the network is internal, and its only neighbour is
//! the environment. [`Bench`] keeps several modules running side by side instead, for whoever tries them out.
//! Left out: engines across a network, and emulators, which the machine has or has not.

mod again;
mod archive;
mod bench;
mod board;
mod body;
mod digest;
mod engine;
mod keep;
mod label;
mod life;
mod own_image;
mod perform;
mod plan;
mod renew;
mod restart;
mod site;
mod stand;
mod steps;
mod wanted;
mod watch;

pub use archive::Archive;
pub use bench::Bench;
pub use board::{Board, Line, Phase, View};
pub use body::Profile;
pub use digest::digest;
pub(crate) use engine::Ended;
pub use engine::{Engine, EngineError, Image, Network, NoEmulation, Sample, Swept, is_archive};
pub use own_image::OwnImage;
pub use plan::{Limits, Pace, Plan, TooMuch, together};
pub use restart::{RESTARTS_MAX, Restart, Restarts};
pub use stand::{Stand, StandError};
pub use wanted::{NotStartable, plain, wanted};
