//! Reductions of tables: rows to groups, columns to lanes, and one answer a group.

mod clock;
mod group;
mod key;
mod lane;
mod plan;
mod saved;

pub(crate) use group::Groups;
pub(crate) use key::Key;
pub(crate) use lane::ItemType;
pub(crate) use plan::{ByGroup, Plan, States};
pub(crate) use saved::{Saved, merged};
