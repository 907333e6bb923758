//! The automatic choice: measured once, remembered, overridden, explained. Needs a Vulkan adapter.
#![cfg(feature = "gpu")]
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use strix_reduce::gpu::{Crossover, Gpu, Planner};
use strix_reduce::{Engine, Error, Max, NanPolicy, Reducer, Sum, reduce_axis, reduce_by_key, reduce_segments};

fn auto(planner: &Planner) -> Engine {
    Engine::from(Gpu::open().unwrap()).or_cpu().planned(planner.clone())
}

fn push(engine: &Engine, items: &[f32]) -> (strix_reduce::EngineReport, Option<f64>) {
    let mut reducer = Reducer::new(Sum, engine).unwrap();
    reducer.push(items).unwrap();
    (reducer.report(), reducer.finish())
}

#[test]
fn measured_once_remembered_in_a_file_and_overridden() {
    let folder = std::env::temp_dir().join(format!("strix-planner-{}", std::process::id()));
    let file = folder.join("crossovers.tsv");
    let items = vec![1.0f32; 1 << 20];
    let planner = Planner::at(&file);
    let (report, sum) = push(&auto(&planner), &items);
    assert_eq!(sum, Some(f64::from(1 << 20)));
    let plan = report.plan.unwrap();
    let key = &format!("{}, [F32], sum", Gpu::open().unwrap().adapter_name());
    assert!(plan.contains("4.2 MB") && plan.contains(key.as_str()), "{plan}");
    match &planner.crossovers()[..] {
        // On a machine that is busy with something else.
        [] => assert!(plan.contains("noise") && report.engine == "cpu", "{plan}"),
        [(known, measured)] => {
            assert!(plan.contains("measured now") && plan.contains("GB/s"), "{plan}");
            assert!(measured.cpu > 0.0 && measured.gpu > 0.0 && known == key, "{known} {measured:?}");
        }
        more => panic!("one was measured, not {more:?}"),
    }

    // Another process would read it, to the last bit.
    planner.set(key, Crossover { cpu: 1.0 / 3e9, start: 1e-3 / 3.0, gpu: 1.0 / 7e9 });
    let again = Planner::at(&file);
    assert_eq!(again.crossovers(), planner.crossovers());
    assert!(push(&auto(&again), &items).0.plan.unwrap().contains("measured before"));

    // What is set decides: either engine, from a size on.
    again.set(key, Crossover { cpu: 1e-9, start: 2e-3, gpu: 1e-12 });
    let crossover = again.crossovers()[0].1.bytes().unwrap();
    assert!((2.0e6..2.1e6).contains(&crossover));
    let (report, sum) = push(&auto(&again), &items);
    assert_eq!((report.engine, sum), ("gpu", Some(f64::from(1 << 20))));
    let (report, _) = push(&auto(&again), &items[..400_000]);
    assert_eq!(report.engine, "cpu");
    // Segments have a price of their own, of about their size.
    again.set(&format!("{key}, segments of 2^19 elements and more"), Crossover { cpu: 1e-9, start: 0.0, gpu: 1e-12 });
    again.set(&format!("{key}, segments of 2^0 elements and more"), Crossover { cpu: 1e-12, start: 0.0, gpu: 1e-9 });
    let two = reduce_segments(&Sum, &auto(&again), &items, &[0, 5, 1 << 20], NanPolicy::Propagate).unwrap();
    assert_eq!((two.report.engine, two.answers), ("gpu", vec![Some(5.0), Some(f64::from((1 << 20) - 5))]));
    let each: Vec<usize> = (0..=1 << 20).collect();
    let many = reduce_segments(&Sum, &auto(&again), &items, &each, NanPolicy::Propagate).unwrap();
    assert_eq!((many.report.engine, many.answers[77], many.answers.len()), ("cpu", Some(1.0), 1 << 20));
    again.set(key, Crossover { cpu: 1e-12, start: 2e-3, gpu: 1e-9 });
    let (report, _) = push(&auto(&again), &items);
    assert_eq!(report.engine, "cpu");
    assert!(report.plan.unwrap().contains("never the faster one"));
    // Another aggregation has its own.
    let max = key.replace("sum", "max");
    again.set(&max, Crossover { cpu: 1e-9, start: 0.0, gpu: 1e-12 });
    let mut reducer = Reducer::new(Max, &auto(&again)).unwrap();
    reducer.push(&items).unwrap();
    assert_eq!((reducer.report().engine, again.crossovers().len()), ("gpu", 4));
    assert_eq!(Planner::at(&file).crossovers(), again.crossovers());

    // A damaged file counts as empty lines; a foreign one as none.
    let lines = "1\t2\n-1\t0\t0\tx\n1e-9\t0\t0\tno time for any bytes\n1e-9\t0\t1e-9\tgood\n";
    std::fs::write(&file, format!("strix crossovers 2\n{lines}")).unwrap();
    assert_eq!(Planner::at(&file).crossovers().len(), 1);
    // The version that kept noise.
    std::fs::write(&file, format!("strix crossovers 1\n{lines}")).unwrap();
    assert_eq!(Planner::at(&file).crossovers().len(), 0);
    std::fs::write(&file, [0xff, 0x00, 0x01]).unwrap();
    assert_eq!(Planner::at(&file).crossovers().len(), 0);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn small_pushes_are_the_cpus_without_a_measurement() {
    let planner = Planner::new();
    let (report, sum) = push(&auto(&planner), &[1.0; 1000]);
    assert_eq!((report.engine, sum), ("cpu", Some(1000.0)));
    assert!(report.plan.unwrap().contains("4 kB"));
    assert!(planner.crossovers().is_empty());
    // An engine that was chosen by name is not asked.
    let gpu = Engine::from(Gpu::open().unwrap()).planned(planner);
    let (report, _) = push(&gpu, &[1.0; 1000]);
    assert_eq!((report.engine, report.plan), ("gpu", None));
}

#[test]
fn what_is_measured_is_the_form_that_is_asked_for() {
    let items: Vec<f32> = (0..1 << 19).map(|i| (i % 8) as f32).collect();
    let keys: Vec<u32> = (0..1 << 19).map(|i| i % 8).collect();
    let offsets: Vec<usize> = (0..=1 << 9).map(|i| i << 10).collect();
    let nan = NanPolicy::Error;
    // On a device that is faster and on one that is not, one answer, and the reason names the form.
    let told = |engine: &Engine| {
        [
            reduce_by_key(&Max, engine, &items, &keys, 8, nan).unwrap(),
            reduce_segments(&Max, engine, &items, &offsets, nan).unwrap(),
            reduce_axis(&Max, engine, &items, &[1 << 10, 1 << 9], 0, nan).unwrap(),
            reduce_axis(&Max, engine, &items, &[1 << 5, 1 << 14], 1, nan).unwrap(),
        ]
    };
    let expected = told(&Engine::cpu());
    let forms =
        ["2^3 groups", "segments of 2^10", "axes of 2^10 elements and more, 2^9 apart", "axes of 2^14 elements"];
    for ((found, expected), form) in told(&auto(&Planner::new())).iter().zip(&expected).zip(forms) {
        assert_eq!(found.answers, expected.answers, "{form}");
        let plan = found.report.plan.as_deref().unwrap_or_default();
        assert!(plan.contains(form) && plan.contains("2.1 MB"), "{form}: {plan}");
    }
    // A NaN in what is measured is the items' own.
    let mut wrong = items.clone();
    wrong[9] = f32::NAN;
    let error = reduce_by_key(&Max, &auto(&Planner::new()), &wrong, &keys, 8, nan).unwrap_err();
    assert!(matches!(error, Error::Nan { index: 9 }), "{error}");
}
