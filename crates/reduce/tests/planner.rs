//! The automatic choice: measured once, remembered, overridden, explained. Needs a Vulkan adapter.
#![cfg(feature = "gpu")]
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use strix_reduce::gpu::{Crossover, Gpu, Planner};
use strix_reduce::{Engine, Max, NanPolicy, Reducer, Sum, reduce_segments};

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
    assert!(plan.contains("measured now") && plan.contains("4.2 MB") && plan.contains("GB/s"), "{plan}");
    let [(key, measured)] = &planner.crossovers()[..] else { panic!("one was measured") };
    assert!(measured.cpu > 0.0 && measured.gpu > 0.0 && key.contains("sum"), "{key} {measured:?}");

    // Another process would read it, to the last bit.
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
    let segments = reduce_segments(&Sum, &auto(&again), &items, &[0, 1 << 20], NanPolicy::Propagate).unwrap();
    assert_eq!(segments.report.engine, "gpu");
    again.set(key, Crossover { cpu: 1e-12, start: 2e-3, gpu: 1e-9 });
    let (report, _) = push(&auto(&again), &items);
    assert_eq!(report.engine, "cpu");
    assert!(report.plan.unwrap().contains("never the faster one"));
    // Another aggregation has its own.
    let mut reducer = Reducer::new(Max, &auto(&again)).unwrap();
    reducer.push(&items).unwrap();
    assert_eq!(again.crossovers().len(), 2);
    assert_eq!(Planner::at(&file).crossovers(), again.crossovers());

    // A damaged file counts as empty lines; a foreign one as none.
    std::fs::write(&file, "strix crossovers 1\n1\t2\n-1\t0\t0\tx\n1e-9\t0\t1e-9\tgood\n").unwrap();
    assert_eq!(Planner::at(&file).crossovers().len(), 1);
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
