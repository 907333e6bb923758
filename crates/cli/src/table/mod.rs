//! Reductions of tables: rows to groups, columns to lanes, and one answer a group.

mod bounds;
mod clock;
#[cfg(test)]
mod fuzz_saved;
mod group;
mod key;
mod lane;
mod numbers;
mod plan;
mod saved;

pub(crate) use bounds::Room;
pub(crate) use clock::Clock;
pub(crate) use group::Groups;
pub(crate) use key::Key;
pub(crate) use lane::ItemType;
pub(crate) use plan::{ByGroup, Plan, States};
pub(crate) use saved::{Opened, Saved, merged};
