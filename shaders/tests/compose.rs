//! Every kernel that can be composed is valid, and a broken snippet is refused with its place.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use strix_shaders::{
    ComposeError, DEFAULT_WORKGROUP_BYTES, EXACT_SQUARES, EXACT_SQUARES_DIGITS, EXACT_SUM, EXACT_SUM_DIGITS,
    INTEGER_SUM, INTEGER_VARIANCE, Load, MAX, MIN, SUM, Snippet, VARIANCE, compose,
};

const FLOAT: [Snippet; 4] = [SUM, VARIANCE, MIN, MAX];
const INTEGER: [Snippet; 4] = [INTEGER_SUM, INTEGER_VARIANCE, MIN, MAX];

#[test]
fn every_subset_on_every_load_is_valid_wgsl() {
    for load in Load::ALL {
        let all = if load.is_float() { FLOAT } else { INTEGER };
        for subset in 0..16u32 {
            let chosen: Vec<Snippet> = (0..4).filter(|bit| subset >> bit & 1 == 1).map(|bit| all[bit]).collect();
            let kernel = compose(load, &chosen, DEFAULT_WORKGROUP_BYTES).unwrap();
            assert_eq!(kernel.layout.parts.len(), chosen.len() + 1, "{load:?} {subset:#b}");
            assert_eq!(kernel.workgroup_size, 64, "{load:?} {subset:#b}");
        }
    }
}

#[test]
fn exact_sums_join_every_subset() {
    for subset in 0..16u32 {
        let others = (0..4).filter(|bit| subset >> bit & 1 == 1).map(|bit| FLOAT[bit]);
        let chosen: Vec<Snippet> = others.chain([EXACT_SUM, EXACT_SQUARES]).collect();
        let kernel = compose(Load::F32, &chosen, DEFAULT_WORKGROUP_BYTES).unwrap();
        let bytes = |name| kernel.layout.part(name).unwrap().bytes;
        assert_eq!(bytes("exact_sum"), 4 * (EXACT_SUM_DIGITS + 1));
        assert_eq!(bytes("exact_squares"), 4 * EXACT_SQUARES_DIGITS);
        assert!(kernel.source.contains("    exact_sum_push(item);"));
    }
    assert_eq!(compose(Load::F32, &[EXACT_SUM], DEFAULT_WORKGROUP_BYTES).unwrap().workgroup_size, 64);
}

#[test]
fn layout_is_what_wgsl_rules_say() {
    let kernel = compose(Load::F32, &[SUM, VARIANCE, MIN], DEFAULT_WORKGROUP_BYTES).unwrap();
    let place = |name| kernel.layout.part(name).map(|p| (p.offset, p.bytes)).unwrap();
    assert_eq!(kernel.layout.frame_offset, 0);
    assert_eq!(place("census"), (8, 20));
    assert_eq!(place("sum"), (28, 4));
    assert_eq!(place("variance"), (32, 8));
    assert_eq!(place("min"), (40, 4));
    assert_eq!(kernel.layout.partial_bytes, 44);
    // A vec2 aligns to 8 bytes.
    let kernel = compose(Load::U8, &[MIN, INTEGER_SUM], DEFAULT_WORKGROUP_BYTES).unwrap();
    assert_eq!(kernel.layout.part("integer_sum").unwrap().offset, 32);
}

#[test]
fn a_snippet_given_twice_enters_once_and_another_of_its_name_is_refused() {
    let other = Snippet { source: "struct SumState { x: f32 }", ..SUM };
    let error = compose(Load::F32, &[SUM, other], DEFAULT_WORKGROUP_BYTES).unwrap_err();
    assert!(matches!(error, ComposeError::NameTaken { name: "sum" }), "{error}");
    let kernel = compose(Load::F32, &[SUM, MIN, SUM], DEFAULT_WORKGROUP_BYTES).unwrap();
    assert_eq!(kernel.source.matches("fn sum_merge").count(), 1);
}

#[test]
fn only_what_is_asked_is_in_the_kernel() {
    let kernel = compose(Load::F32, &[MIN], DEFAULT_WORKGROUP_BYTES).unwrap();
    assert!(!kernel.source.contains("fn sum_lift"));
    assert!(kernel.source.contains("NEEDS_FRAME: bool = false"));
}

#[test]
fn less_workgroup_memory_gives_a_smaller_workgroup_then_an_error() {
    let all = FLOAT;
    assert_eq!(compose(Load::F32, &all, 3000).unwrap().workgroup_size, 32);
    let error = compose(Load::F32, &all, 1024).unwrap_err();
    assert!(matches!(error, ComposeError::TooLarge { state_bytes: 40, smallest: 32, available: 1024, .. }), "{error}");
}

#[test]
fn a_broken_snippet_is_refused_with_an_excerpt() {
    let broken = Snippet {
        name: "oops",
        source: "struct OopsState { x: f32, }\nfn oops_identity() -> OopsState { return OopsState(1u); }",
        needs_frame: false,
    };
    let message = compose(Load::F32, &[broken], DEFAULT_WORKGROUP_BYTES).unwrap_err().to_string();
    assert!(message.contains("[oops]") && message.contains("oops_lift"), "{message}");
}
