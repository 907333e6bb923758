//! `strix devices`: the adapters that the GPU engine could use.

use std::io::Write;

use serde_json::json;
use strix_reduce::gpu::{AdapterReport, SelfTest, adapters};
use strix_reduce::wgpu::DeviceType;

use crate::args::Devices;
use crate::failure::Failure;

pub(crate) fn run(args: &Devices) -> Result<(), Failure> {
    let adapters = adapters();
    let mut out = std::io::stdout().lock();
    if args.json {
        let list: Vec<_> = adapters.iter().map(as_json).collect();
        serde_json::to_writer_pretty(&mut out, &list)?;
        return Ok(writeln!(out)?);
    }
    if adapters.is_empty() {
        writeln!(out, "no adapter: no Vulkan, Metal or DirectX 12 driver was found; reductions run on the CPU")?;
    }
    for (index, adapter) in adapters.iter().enumerate() {
        let AdapterReport { info, limits, features, .. } = adapter;
        let chosen = match (index, info.device_type) {
            (0, DeviceType::Cpu) => "  (taken by --engine gpu; auto prefers the CPU engine to a software renderer)",
            (0, _) => "  (taken by --engine gpu and auto)",
            _ => "",
        };
        writeln!(out, "{}{chosen}", info.name)?;
        let mut line = |label: &str, value: String| writeln!(out, "  {label:<28}{value}");
        line("type", kind(info.device_type).into())?;
        line("backend", info.backend.to_string())?;
        line("driver", format!("{} {}", info.driver, info.driver_info).trim().into())?;
        line("largest buffer", mebibytes(limits.max_buffer_size))?;
        line("largest storage binding", mebibytes(limits.max_storage_buffer_binding_size))?;
        line("workgroups a dimension", limits.max_compute_workgroups_per_dimension.to_string())?;
        line("invocations a workgroup", limits.max_compute_invocations_per_workgroup.to_string())?;
        line("workgroup memory", format!("{} bytes", limits.max_compute_workgroup_storage_size))?;
        line("subgroup size", format!("{} to {}", info.subgroup_min_size, info.subgroup_max_size))?;
        let names: Vec<&str> = features.iter_names().map(|(name, _)| name).collect();
        line("features", names.join(", "))?;
        match self_test(adapter) {
            Err(error) => line("self-test", format!("did not run: {error}"))?,
            Ok(test) => {
                for (label, passed, otherwise) in verdicts(&test) {
                    line(label, if passed { "as expected" } else { otherwise }.into())?;
                }
            }
        }
    }
    Ok(())
}

fn self_test(adapter: &AdapterReport) -> Result<SelfTest, strix_reduce::Error> {
    Ok(*adapter.open()?.self_test()?)
}

/// What was tested, whether it went well, and what it means otherwise.
fn verdicts(test: &SelfTest) -> [(&'static str, bool, &'static str); 6] {
    [
        ("self-test: integers", test.integers, "WRONG: barriers or integers fail; the device is not used"),
        ("self-test: rounding", test.rounding, "WRONG: only counts, extremes, exact and integer sums run on it"),
        ("self-test: subnormals", test.subnormals, "flushed to 0; no answer depends on them"),
        ("self-test: TwoSum", test.two_sum, "reassociated; no answer depends on it"),
        ("self-test: product and sum", test.separate, "fused; no answer depends on it"),
        ("self-test: infinity and NaN", test.specials, "not told by comparisons; kernels read their bits"),
    ]
}

fn as_json(adapter: &AdapterReport) -> serde_json::Value {
    let AdapterReport { info, limits, features, .. } = adapter;
    json!({
        "name": info.name,
        "type": kind(info.device_type),
        "backend": info.backend.to_string(),
        "driver": info.driver,
        "driver_info": info.driver_info,
        "limits": {
            "max_buffer_size": limits.max_buffer_size,
            "max_storage_buffer_binding_size": limits.max_storage_buffer_binding_size,
            "max_compute_workgroups_per_dimension": limits.max_compute_workgroups_per_dimension,
            "max_compute_invocations_per_workgroup": limits.max_compute_invocations_per_workgroup,
            "max_compute_workgroup_storage_size": limits.max_compute_workgroup_storage_size,
            "min_subgroup_size": info.subgroup_min_size,
            "max_subgroup_size": info.subgroup_max_size,
        },
        "self_test": match self_test(adapter) {
            Ok(test) => json!({
                "integers": test.integers,
                "rounding": test.rounding,
                "subnormals": test.subnormals,
                "two_sum": test.two_sum,
                "product_and_sum_apart": test.separate,
                "infinity_and_nan": test.specials,
            }),
            Err(error) => json!({ "error": error.to_string() }),
        },
        "features": features.iter_names().map(|(name, _)| name).collect::<Vec<_>>(),
    })
}

fn kind(kind: DeviceType) -> &'static str {
    match kind {
        DeviceType::DiscreteGpu => "discrete GPU",
        DeviceType::IntegratedGpu => "integrated GPU",
        DeviceType::VirtualGpu => "virtual GPU",
        DeviceType::Cpu => "software renderer",
        DeviceType::Other => "other",
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}
