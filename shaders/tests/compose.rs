//! Every kernel that can be composed is valid, and a broken snippet is refused with its place.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use strix_shaders::{
    ARG_MAX, ARG_MIN, CONFUSION, COVARIANCE, ComposeError, EXACT_SQUARES, EXACT_SQUARES_DIGITS, EXACT_SUM,
    EXACT_SUM_DIGITS, HISTOGRAM, INTEGER_SUM, INTEGER_VARIANCE, Kernel, Load, MAX, MIN, PROBE, Part, Recipe, SHAPE,
    SUM, Shape, Snippet, Taker, VARIANCE, WEIGHTED, WIDE_INTEGER_VARIANCE, order,
};

const HISTOGRAM_OF_8: Part = Part { snippet: HISTOGRAM, instance: 0, parameters: 11, counters: 10 };
const LARGE_HISTOGRAM: Part = Part { snippet: HISTOGRAM, instance: 1, parameters: 10_003, counters: 10_002 };
const CONFUSION_OF_10: Part = Part { snippet: CONFUSION, instance: 0, parameters: 1, counters: 101 };

fn parts(snippets: &[Snippet]) -> Vec<Part> {
    snippets.iter().map(|snippet| Part::from(*snippet)).collect()
}

/// Every way to lay out pieces, each validated.
fn every_form(columns: &[Load], parts: &[Part]) -> Vec<Kernel> {
    let mut kernels = Vec::new();
    for shape in [Shape::Strided, Shape::Segments, Shape::Groups] {
        for taker in [Taker::Workgroup, Taker::Invocation] {
            for masked in [false, true] {
                let recipe = Recipe { masked, shape, taker, ..Recipe::new(columns, parts) };
                kernels.push(recipe.compose().unwrap_or_else(|error| panic!("{recipe:?}: {error}")));
            }
        }
    }
    kernels
}

#[test]
fn every_snippet_on_every_load_in_every_form_is_valid_wgsl() {
    for load in Load::ALL {
        let own = match (load.is_float(), load.element_bytes()) {
            (true, _) => vec![SUM, VARIANCE, EXACT_SUM, EXACT_SQUARES],
            (_, 4) => vec![INTEGER_SUM, WIDE_INTEGER_VARIANCE],
            _ => vec![INTEGER_SUM, INTEGER_VARIANCE],
        };
        let all = [own, vec![MIN, MAX, ARG_MIN, ARG_MAX, SHAPE]].concat();
        for snippet in &all {
            every_form(&[load], &parts(&[*snippet]));
        }
        for kernel in every_form(&[load], &parts(&all)) {
            assert_eq!(kernel.layout.parts.len(), all.len() + 1, "{load:?}");
        }
        every_form(&[load], &[]);
        every_form(&[load], &[HISTOGRAM_OF_8, LARGE_HISTOGRAM, MIN.into()]);
        for second in Load::ALL {
            let pairs = [COVARIANCE.into(), WEIGHTED.into(), CONFUSION_OF_10];
            let recipe = Recipe::new(&[load, second], &pairs);
            recipe.compose().unwrap_or_else(|error| panic!("{recipe:?}: {error}"));
        }
    }
    every_form(&[Load::F32, Load::F32], &[COVARIANCE.into(), WEIGHTED.into(), CONFUSION_OF_10]);
    for part in [COVARIANCE.into(), WEIGHTED.into(), CONFUSION_OF_10] {
        every_form(&[Load::F32, Load::U8], &[part]);
    }
}

#[test]
fn kernels_of_order_are_valid_wgsl() {
    order::scan().unwrap();
    order::plan(8192).unwrap();
    for load in Load::ALL {
        order::sort(load).unwrap();
        order::bounds(load).unwrap();
    }
    let module = naga::front::wgsl::parse_str(PROBE).unwrap();
    let mut validator =
        naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::empty());
    validator.validate(&module).unwrap();
}

#[test]
fn exact_sums_fit_a_whole_workgroup() {
    let kernel = Recipe::new(&[Load::F32], &parts(&[EXACT_SUM, EXACT_SQUARES])).compose().unwrap();
    let bytes = |name| kernel.layout.part(name).unwrap().bytes;
    assert_eq!(bytes("exact_sum"), 4 * (EXACT_SUM_DIGITS + 1));
    assert_eq!(bytes("exact_squares"), 4 * EXACT_SQUARES_DIGITS);
    assert!(kernel.source.contains("    exact_sum_push(item);"));
    assert_eq!(Recipe::new(&[Load::F32], &parts(&[EXACT_SUM])).compose().unwrap().workgroup_size, 64);
}

#[test]
fn layout_is_what_wgsl_rules_say() {
    let kernel = Recipe::new(&[Load::F32], &parts(&[SUM, VARIANCE, MIN])).compose().unwrap();
    let place = |name| kernel.layout.part(name).map(|p| (p.offset, p.bytes)).unwrap();
    assert_eq!(kernel.layout.frame_offsets, [0]);
    assert_eq!(place("census"), (8, 20));
    assert_eq!(place("sum"), (28, 4));
    assert_eq!(place("variance"), (32, 8));
    assert_eq!(place("min"), (40, 4));
    assert_eq!(kernel.layout.partial_bytes, 44);
    assert_eq!(kernel.layout.part("variance").unwrap().members[1].name, "squares");
    // A vec2 aligns to 8 bytes.
    let kernel = Recipe::new(&[Load::U8], &parts(&[MIN, INTEGER_SUM])).compose().unwrap();
    assert_eq!(kernel.layout.part("integer_sum").unwrap().offset, 32);
    let kernel = Recipe::new(&[Load::F32, Load::U8], &parts(&[COVARIANCE])).compose().unwrap();
    assert_eq!(kernel.layout.frame_offsets, [0, 8, 16]);
}

#[test]
fn a_snippet_given_twice_enters_once_and_another_of_its_name_is_refused() {
    let other = Snippet { source: "struct SumState { x: f32 }", ..SUM };
    let error = Recipe::new(&[Load::F32], &parts(&[SUM, other])).compose().unwrap_err();
    assert!(matches!(error, ComposeError::NameTaken { name: "sum" }), "{error}");
    let kernel = Recipe::new(&[Load::F32], &parts(&[SUM, MIN, SUM])).compose().unwrap();
    assert_eq!(kernel.source.matches("fn sum_merge").count(), 1);
}

#[test]
fn only_what_is_asked_is_in_the_kernel() {
    let kernel = Recipe::new(&[Load::F32], &parts(&[MIN])).compose().unwrap();
    for absent in ["fn sum_lift", "var<workgroup> tallies", "input_second", "mask: array", "parameters"] {
        assert!(!kernel.source.contains(absent), "{absent}");
    }
    assert!(kernel.source.contains("NEEDS_FRAME: bool = false"));
}

#[test]
fn counters_are_shared_by_a_workgroup_where_they_fit() {
    let shared = Recipe::new(&[Load::F32], &[HISTOGRAM_OF_8]).compose().unwrap();
    assert!(shared.source.contains("var<workgroup> tallies"));
    let large = Recipe::new(&[Load::F32], &[HISTOGRAM_OF_8, LARGE_HISTOGRAM]).compose().unwrap();
    assert!(!large.source.contains("var<workgroup> tallies"));
    assert_eq!(large.counters, 10_012);
}

#[test]
fn less_workgroup_memory_gives_a_smaller_workgroup_then_an_error() {
    let all = parts(&[SUM, VARIANCE, MIN, MAX]);
    let with = |workgroup_bytes| Recipe { workgroup_bytes, ..Recipe::new(&[Load::F32], &all) }.compose();
    assert_eq!(with(3000).unwrap().workgroup_size, 32);
    let error = with(1024).unwrap_err();
    assert!(matches!(error, ComposeError::TooLarge { state_bytes: 40, smallest: 32, available: 1024, .. }), "{error}");
}

#[test]
fn a_broken_snippet_is_refused_at_its_own_line() {
    let with = |source| {
        let broken = Snippet::of_keys("oops", source);
        Recipe::new(&[Load::F32], &parts(&[SUM, broken])).compose().unwrap_err().to_string()
    };
    // A type error on the second line, an unknown name on the fourth, a syntax error on the third.
    let message = with(
        "struct OopsState { x: f32, }\nfn oops_identity() -> OopsState { return OopsState(1u); }\n\
         fn oops_lift(item: Item) -> OopsState { return OopsState(1.0); }\n\
         fn oops_merge(a: OopsState, b: OopsState) -> OopsState { return a; }",
    );
    assert!(message.contains("snippet `oops`, line 2"), "{message}");
    let message = with(
        "struct OopsState { x: f32, }\nfn oops_identity() -> OopsState { return OopsState(1.0); }\n\n\
         fn oops_lift(item: Item) -> OopsState { return OopsState(item.ofset); }\n\
         fn oops_merge(a: OopsState, b: OopsState) -> OopsState { return a; }",
    );
    assert!(message.contains("snippet `oops`, line 4") && message.contains("ofset"), "{message}");
    let message = with("struct OopsState {\n  x: f32,\n  y 32,\n}");
    assert!(message.contains("snippet `oops`, line 3"), "{message}");
    // A function that the contract asks for is missing: the loop's own call says which.
    let message = with("struct OopsState { x: f32, }\nfn oops_identity() -> OopsState { return OopsState(1.0); }");
    assert!(message.contains("[sum, oops]") && message.contains("oops_merge"), "{message}");
}

#[test]
fn a_snippet_for_pairs_is_refused_over_single_items() {
    let error = Recipe::new(&[Load::F32], &parts(&[COVARIANCE])).compose().unwrap_err();
    assert!(matches!(error, ComposeError::Columns { name: "covariance", wanted: 2, columns: 1 }), "{error}");
}
