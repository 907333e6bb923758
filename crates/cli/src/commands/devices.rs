//! `strix devices`: the adapters that the GPU engine could use.

use std::io::Write;

use serde_json::json;
use strix_reduce::gpu::{AdapterReport, adapters};
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
        let AdapterReport { info, limits, features } = adapter;
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
    }
    Ok(())
}

fn as_json(adapter: &AdapterReport) -> serde_json::Value {
    let AdapterReport { info, limits, features } = adapter;
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
