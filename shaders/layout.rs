//! Reads a kernel's memory layout back out of its validated WGSL.

use naga::{Module, TypeInner};

/// Where everything lies in one `Partial`, in bytes, as naga laid it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Size of a whole partial.
    pub partial_bytes: u32,
    /// Size of the composed State.
    pub state_bytes: u32,
    /// Offset of each column's frame: exponent (i32), shift (f32).
    pub frame_offsets: Vec<u32>,
    /// The census and each snippet's State.
    pub parts: Vec<PartLayout>,
}

/// One aggregator's State within a partial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartLayout {
    /// The snippet's name, or `census`.
    pub name: String,
    /// Offset from the partial's begin.
    pub offset: u32,
    /// Size of the State.
    pub bytes: u32,
    /// The State's own members, their offsets from its begin.
    pub members: Vec<Member>,
}

/// A member of a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Offset from the struct's begin.
    pub offset: u32,
    /// Its size.
    pub bytes: u32,
}

impl Layout {
    /// The part of that name.
    pub fn part(&self, name: &str) -> Option<&PartLayout> {
        self.parts.iter().find(|part| part.name == name)
    }

    pub(crate) fn of(module: &Module) -> Result<Self, String> {
        let (partial, partial_bytes) = members(module, "Partial")?;
        let (frames, _) = members(module, "Frames")?;
        let (state, state_bytes) = members(module, "State")?;
        let offset_of = |name: &str| {
            partial
                .iter()
                .find(|part| part.name == name)
                .map(|part| part.offset)
                .ok_or(format!("Partial has no {name}"))
        };
        let (frames_offset, state_offset) = (offset_of("frames")?, offset_of("state")?);
        let parts = state.into_iter().map(|part| {
            let (members, _) = members(module, &format!("{}State", camel(&part.name)))
                .or_else(|_| members(module, &camel(&part.name)))?;
            Ok(PartLayout { name: part.name, offset: part.offset + state_offset, bytes: part.bytes, members })
        });
        Ok(Self {
            partial_bytes,
            state_bytes,
            frame_offsets: frames.iter().map(|frame| frames_offset + frame.offset).collect(),
            parts: parts.collect::<Result<_, String>>()?,
        })
    }
}

fn members(module: &Module, wanted: &str) -> Result<(Vec<Member>, u32), String> {
    let found = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(wanted));
    let Some(TypeInner::Struct { members, span }) = found.map(|(_, ty)| &ty.inner) else {
        return Err(format!("there is no struct {wanted}"));
    };
    let members = members
        .iter()
        .map(|member| Member {
            name: member.name.clone().unwrap_or_default(),
            offset: member.offset,
            bytes: module.types[member.ty].inner.size(module.to_ctx()),
        })
        .collect();
    Ok((members, *span))
}

/// `arg_min` as `ArgMin`.
pub(crate) fn camel(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or(String::new(), |first| first.to_ascii_uppercase().to_string() + letters.as_str())
        })
        .collect()
}
