//! placeholder

pub mod layer;
pub mod management;
pub mod pages;
pub mod serve;
