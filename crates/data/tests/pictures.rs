//! Large pictures cost a plane of grey. In a file of its own, as the measure is the whole process.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use image::{ExtendedColorType, ImageEncoder};
use peak_alloc::PeakAlloc;
use strix_data::Picture;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

#[test]
fn a_large_picture_costs_a_byte_a_pixel() {
    const SIDE: usize = 3000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.png");
    for (kind, bytes) in [(ExtendedColorType::L8, 1), (ExtendedColorType::Rgba8, 4), (ExtendedColorType::Rgb16, 6)] {
        let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
        let encoder = image::codecs::png::PngEncoder::new(&mut file);
        encoder.write_image(&vec![255_u8; SIDE * SIDE * bytes], SIDE as u32, SIDE as u32, kind).unwrap();
        drop(file);
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        let picture = Picture::open(&path).unwrap();
        let (fit, photo) = (picture.fit(28), picture.fit_photo(28, 0.0));
        let peak = MEMORY.peak_usage() - before;
        assert_eq!((fit, photo.0), (vec![255; 784], vec![0; 784]));
        assert!(peak < SIDE * SIDE + (4 << 20), "{peak} bytes for {kind:?}");
    }
}
