//! Tables of one fault each.
