//! What the tests with official SDKs share: installing them, a network of their own, and running a module's program.

pub(crate) mod namespace;
pub(crate) mod rig;
pub(crate) mod sdk;
