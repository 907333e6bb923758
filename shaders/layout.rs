//! Reads a kernel's memory layout back out of its validated WGSL.

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{Module, TypeInner};

/// Where everything lies in one `Partial`, in bytes, as naga laid it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Size of a whole partial.
    pub partial_bytes: u32,
    /// Size of the composed State.
    pub state_bytes: u32,
    /// Offset of the frame: exponent (i32), shift (f32).
    pub frame_offset: u32,
    /// The census and each snippet's State.
    pub parts: Vec<Part>,
}

/// One aggregator's State within a partial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The snippet's name, or `census`.
    pub name: String,
    /// Offset from the partial's begin.
    pub offset: u32,
    /// Size of the State.
    pub bytes: u32,
}

impl Layout {
    /// The part of that name.
    pub fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }
}

/// Parses and validates `source` and finds its Partial. The error is naga's, with a source excerpt.
pub(crate) fn reflect(source: &str) -> Result<Layout, String> {
    let module = naga::front::wgsl::parse_str(source).map_err(|e| e.emit_to_string(source))?;
    Validator::new(ValidationFlags::all(), Capabilities::empty())
        .validate(&module)
        .map_err(|e| e.emit_to_string(source))?;
    let (partial, partial_bytes) = members(&module, "Partial")?;
    let (state, state_bytes) = members(&module, "State")?;
    let offset_of = |name: &str| {
        partial.iter().find(|part| part.name == name).map(|part| part.offset).ok_or(format!("Partial has no {name}"))
    };
    let state_offset = offset_of("state")?;
    let frame_offset = offset_of("frame")?;
    let parts = state.into_iter().map(|part| Part { offset: part.offset + state_offset, ..part }).collect();
    Ok(Layout { partial_bytes, state_bytes, frame_offset, parts })
}

fn members(module: &Module, wanted: &str) -> Result<(Vec<Part>, u32), String> {
    let found = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(wanted));
    let Some(TypeInner::Struct { members, span }) = found.map(|(_, ty)| &ty.inner) else {
        return Err(format!("there is no struct {wanted}"));
    };
    let parts = members
        .iter()
        .map(|member| Part {
            name: member.name.clone().unwrap_or_default(),
            offset: member.offset,
            bytes: module.types[member.ty].inner.size(module.to_ctx()),
        })
        .collect();
    Ok((parts, *span))
}
