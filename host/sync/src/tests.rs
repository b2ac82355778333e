//! Tests of the whole: the decision core in a simulated world.

mod settling;
mod simulator;
mod world;
