//! What a phone heard: a recording's loudest frequency and its level. Packet counts prove nothing; a spectrum does.

use rustfft::{FftPlanner, num_complex::Complex};
use std::path::Path;

/// Samples that are analysed at once: half a second at 8 kHz, 2 Hz apart.
const WINDOW: usize = 4096;

/// A WAV file's header, in bytes.
const HEADER: usize = 44;

/// Audio as a phone recorded it, one channel.
#[derive(Default)]
pub struct Recording {
    /// Samples per second.
    pub rate: u32,
    /// From -1 to 1.
    pub samples: Vec<f32>,
}

/// The loudest frequency of a stretch of audio.
#[derive(Clone, Copy, Debug)]
pub struct Peak {
    /// Hertz.
    pub frequency: f32,
    /// Decibels below full scale (0 is a full-scale sine).
    pub level_db: f32,
}

impl Recording {
    /// Reads a WAV file of 16-bit samples that may still be growing, so lengths in its header are not believed.
    pub fn read(path: &Path) -> Option<Self> {
        let bytes = std::fs::read(path).ok()?;
        let word = |at: usize| bytes.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let channels = usize::from(*bytes.get(22)?).max(1);
        let rate = word(24)?;
        let data = bytes.windows(4).position(|w| w == b"data")? + 8;
        let samples = bytes.get(data..)?.chunks_exact(2 * channels).map(sample).collect();
        Some(Self { rate, samples })
    }

    /// Reads a WAV file of 16-bit samples, one channel, whose header will only be written when it is closed.
    pub fn read_unfinished(path: &Path, rate: u32) -> Option<Self> {
        let bytes = std::fs::read(path).ok()?;
        let samples = bytes.get(HEADER..)?.chunks_exact(2).map(sample).collect();
        Some(Self { rate, samples })
    }

    /// Writes it as a WAV file of 16-bit samples.
    pub fn write(&self, path: &Path) {
        let (size, rate) = (2 * self.samples.len() as u32, self.rate);
        let mut bytes = Vec::with_capacity(HEADER + 2 * self.samples.len());
        let mut put = |field: &[u8]| bytes.extend_from_slice(field);
        put(b"RIFF");
        put(&(36 + size).to_le_bytes());
        put(b"WAVEfmt ");
        // The format's length, PCM, one channel, rate, bytes a second, bytes a sample, bits a sample.
        put(&16u32.to_le_bytes());
        put(&1u16.to_le_bytes());
        put(&1u16.to_le_bytes());
        put(&rate.to_le_bytes());
        put(&(2 * rate).to_le_bytes());
        put(&2u16.to_le_bytes());
        put(&16u16.to_le_bytes());
        put(b"data");
        put(&size.to_le_bytes());
        self.samples.iter().for_each(|s| put(&((s * 32767.0) as i16).to_le_bytes()));
        std::fs::write(path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }

    /// The loudest frequency in the last half second; nothing when there is less than that.
    pub fn last_peak(&self) -> Option<Peak> {
        let start = self.samples.len().checked_sub(WINDOW)?;
        Some(peak(&self.samples[start..], self.rate))
    }
}

/// The loudest frequency of these samples.
pub fn peak(samples: &[f32], rate: u32) -> Peak {
    let count = samples.len();
    let hann = |i: usize| 0.5 - 0.5 * (std::f32::consts::TAU * i as f32 / count as f32).cos();
    let mut spectrum: Vec<_> =
        samples.iter().enumerate().map(|(i, s)| Complex::new(s * hann(i), 0.0)).collect();
    FftPlanner::new().plan_fft_forward(count).process(&mut spectrum);
    let (bin, loudest) = (spectrum[1..count / 2].iter().map(|c| c.norm()).enumerate())
        .fold((0, 0.0), |best, (i, level)| if level > best.1 { (i + 1, level) } else { best });
    // A full-scale sine puts a quarter of the count into its bin: half for each sign, half for the window.
    let level_db = 20.0 * (loudest / (count as f32 / 4.0)).max(1e-9).log10();
    Peak { frequency: bin as f32 * rate as f32 / count as f32, level_db }
}

fn sample(pair: &[u8]) -> f32 {
    f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32768.0
}

/// A tone at half scale, so many seconds of it at 8 kHz.
pub fn sine(hertz: u32, seconds: u32) -> Recording {
    let rate = 8000;
    let step = std::f32::consts::TAU * hertz as f32 / rate as f32;
    // The phase repeats each second, whatever the frequency: it stays exact.
    let samples = (0..seconds * rate).map(|i| 0.5 * (step * (i % rate) as f32).sin()).collect();
    Recording { rate, samples }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_of_1_khz_at_half_scale_is_found_with_its_level() {
        let peak = peak(&sine(1000, 1).samples[..WINDOW], 8000);
        assert!((peak.frequency - 1000.0).abs() < 3.0, "{peak:?}");
        assert!((peak.level_db + 6.0).abs() < 1.0, "{peak:?}");
    }
}
