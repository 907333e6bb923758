//! What a device does with numbers, found out and not assumed.

use strix_shaders::{PROBE, Recipe};

use super::Gpu;
use super::kernel::Helper;
use super::step::{Step, buffer, filled, uniform};
use crate::Error;

/// The answers of `probe.wgsl`, judged. Kernels that read keys alone need integers and barriers; those that sum offsets
/// need rounding to nearest as well. Nothing in Strix needs the rest, which is told for other programs' sake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SelfTest {
    /// Barriers, workgroup memory, atomics, integers and conversions do what WGSL says.
    pub integers: bool,
    /// Sums, products and quotients round to nearest, ties to even.
    pub rounding: bool,
    /// Subnormal operands and results are kept; else they count as 0.
    pub subnormals: bool,
    /// Knuth's TwoSum gives the error of a sum: nothing is reassociated.
    pub two_sum: bool,
    /// A product and a sum are rounded apart; else they are fused.
    pub separate: bool,
    /// Comparisons know infinity and NaN.
    pub specials: bool,
}

const OPERANDS: [f32; 10] = [
    1.0,
    // Just over half a unit in the last place of 1, and exactly half.
    6.0e-8,
    5.960_464_5e-8,
    // Its square has more digits than an f32.
    1.000_000_1,
    3.0,
    // 2^24, which makes a subnormal normal; two whose product is subnormal.
    16_777_216.0,
    1.0e-20,
    1.0e-19,
    -1.0,
    f32::INFINITY,
];

impl SelfTest {
    pub(super) fn of(gpu: &Gpu) -> Result<Self, Error> {
        let subnormal = f32::from_bits(0x0000_1234);
        let head = [7, 0xffff_fff0, 0x1234_5678, 0x0001_0000, 0x0100_0001, 8_388_609f32.to_bits(), 0x7fc0_1234];
        let operands: Vec<u32> =
            head.into_iter().chain([subnormal.to_bits()]).chain(OPERANDS.map(f32::to_bits)).collect();
        let answers = gpu.checked("the self-test", || answers(gpu, &operands))??;
        let float = |i: usize| f32::from_bits(answers[i]);
        let tree: u32 = (0..64u32).map(|lane| (7 + 63 - lane) * (lane + 1)).sum();
        let integers = answers[..10]
            == [
                tree,
                (0..64).sum(),
                operands[1].wrapping_add(operands[2]),
                operands[1].wrapping_mul(operands[2]),
                (operands[1].cast_signed() >> 5).cast_unsigned(),
                16,
                (operands[4] as f32).to_bits(),
                8_388_609,
                operands[6],
                operands[7],
            ];
        let [one, over, half, square, three] = [0, 1, 2, 3, 4].map(|i| OPERANDS[i]);
        let rounding =
            [float(10), float(11), float(12), float(13)] == [one + over, one + half, square * square, one / three];
        let subnormals = float(14) == subnormal * OPERANDS[5] && float(15) == OPERANDS[6] * OPERANDS[7];
        let error = f64::from(over) - (f64::from(one + over) - 1.0);
        Ok(Self {
            integers,
            rounding,
            subnormals,
            two_sum: f64::from(float(16)) == error,
            separate: float(17) == square * square - 1.0,
            specials: answers[18] == 3,
        })
    }

    /// Whether a kernel of that recipe is safe on the device.
    pub(super) fn allows(&self, recipe: &Recipe) -> Result<(), Error> {
        let sums = recipe.parts.iter().any(|part| part.snippet.powers > 0);
        let reason = match (self.integers, self.rounding) {
            (false, _) => "its device fails the self-test of integers and barriers",
            (_, false) if sums => {
                "its device fails the self-test of rounding, and may only count, compare and sum integers"
            }
            _ => return Ok(()),
        };
        Err(Error::NotOnGpu { reason: reason.into() })
    }
}

fn answers(gpu: &Gpu, operands: &[u32]) -> Result<Vec<u32>, Error> {
    use wgpu::BufferUsages as Usage;
    let helper = Helper::new(gpu, Ok(PROBE.into()), &[false, true], &["probe"])?;
    let operands = filled(gpu, operands, Usage::STORAGE);
    let left = buffer(gpu, 4 * 19, Usage::STORAGE | Usage::COPY_SRC);
    let read_back = buffer(gpu, 4 * 19, Usage::MAP_READ | Usage::COPY_DST);
    let params = uniform(gpu, &[0]);
    let resources = [operands.as_entire_binding(), left.as_entire_binding(), params.as_entire_binding()];
    let step = Step::new(gpu, &helper.pipelines[0], helper.bind(gpu, &resources), 1);
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    step.record(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()));
    encoder.copy_buffer_to_buffer(&left, 0, &read_back, 0, 4 * 19);
    gpu.queue().submit([encoder.finish()]);
    read_back.map_async(wgpu::MapMode::Read, .., |_| {});
    gpu.wait()?;
    let failed = |error: wgpu::MapRangeError| Error::Device { during: "the self-test", message: error.to_string() };
    let words = bytemuck::pod_collect_to_vec(&read_back.get_mapped_range(..).map_err(failed)?);
    Ok(words)
}
