//! What the benches share: data, and the floor that every host reduction stands on.

use rayon::prelude::*;
use strix_reduce::gpu::Gpu;
use strix_reduce::wgpu;

/// Element counts, 1e3 to 1e8.
pub const SIZES: [usize; 6] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// `n` f32 around 100 in a fixed disorder.
pub fn data(n: usize) -> Vec<f32> {
    (0..n as u64).map(|i| 100.0 + (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f32 / (1 << 24) as f32).collect()
}

/// `n` normal-looking f32 of both signs, whose exponents lie near one another as those of most data do.
pub fn alike(n: usize) -> Vec<f32> {
    let share = |bits: u64| (bits & 0xffff) as f32 / 65_536.0;
    // The sum of four uniform numbers.
    mixed(n).map(|bits| (0..4).map(|part| share(bits >> (16 * part))).sum::<f32>() - 2.0).collect()
}

/// `n` f32 of any finite bits: exponents all over the range.
pub fn everywhere(n: usize) -> Vec<f32> {
    let finite = |x: f32| if x.is_finite() { x } else { 1.0 };
    mixed(n).map(|bits| finite(f32::from_bits((bits >> 32) as u32))).collect()
}

fn mixed(n: usize) -> impl Iterator<Item = u64> {
    (1..=n as u64).map(|i| {
        let bits = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bits = (bits ^ (bits >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits ^ (bits >> 32)
    })
}

/// Reads every byte once, on all threads, with the least work that cannot be left out: the memory's
/// read bandwidth is the bytes over the time of this.
pub fn read_all(items: &[f32]) -> u32 {
    let arch = pulp::Arch::new();
    items
        .par_chunks(1 << 16)
        .map(|chunk| {
            arch.dispatch(
                #[inline(always)]
                || chunk.iter().fold(0u32, |all, x| all ^ x.to_bits()),
            )
        })
        .reduce(|| 0, |a, b| a ^ b)
}

/// The items in a buffer on the device, there before the clock starts.
pub fn resident(gpu: &Gpu, items: &[f32]) -> wgpu::Buffer {
    let buffer = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: Some("bench"),
        size: 4 * items.len() as u64,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    gpu.queue().write_buffer(&buffer, 0, bytemuck::cast_slice(items));
    gpu.queue().submit([]);
    buffer
}
