//! Tests of the whole: runs in a simulated world.

mod chance;
mod played;
mod shared;
mod simulator;
mod stage;
