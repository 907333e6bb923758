//! Why a kernel could not be composed.

/// Why a kernel could not be composed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// The composed WGSL does not parse or validate.
    #[error("the kernel of [{snippets}] is not valid WGSL: {message}")]
    Invalid {
        /// Names of the snippets that were composed.
        snippets: String,
        /// What naga found, with the snippet's own line and its text.
        message: String,
    },
    /// Two different snippets have one name.
    #[error("two different snippets are named {name:?}; give one of them another name")]
    NameTaken {
        /// The name.
        name: &'static str,
    },
    /// A snippet for items of another number of columns.
    #[error("snippet {name:?} is for items of {wanted} columns, and these have {columns}")]
    Columns {
        /// The snippet.
        name: &'static str,
        /// Its columns.
        wanted: usize,
        /// Those that there are.
        columns: usize,
    },
    /// A State in WGSL that is not what its Rust half says.
    #[error("the State of snippet {name:?} lies otherwise in WGSL ({wgsl}) than in Rust ({rust})")]
    Layout {
        /// The snippet.
        name: String,
        /// Members and size, as naga lays them out.
        wgsl: String,
        /// Those of the Rust type.
        rust: String,
    },
    /// The states of even the smallest workgroup do not fit the device's workgroup memory.
    #[error(
        "the states of [{snippets}] take {state_bytes} bytes an invocation, and a workgroup of {smallest} of them \
         does not fit the device's {available} bytes of workgroup memory; ask for fewer aggregators in one pass"
    )]
    TooLarge {
        /// Names of the snippets that were composed.
        snippets: String,
        /// Bytes of the composed State.
        state_bytes: u32,
        /// The smallest workgroup that was tried.
        smallest: u32,
        /// Bytes that the device offers.
        available: u32,
    },
}
