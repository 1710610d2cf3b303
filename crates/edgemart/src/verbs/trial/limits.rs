//! What a module may take in a container of this machine: what marketplaces give unless their operators decide otherwise,
//! or what is said here.

use edge::runner::Limits;

/// Less than this no engine gives.
const MEMORY_BYTES_MIN: u64 = 16 * 1024 * 1024;
/// Units of memory.
const UNITS: [(&str, u64); 4] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("", 1),
];
/// Most cores that can be told.
const CORES_MAX: f64 = 1_024.0;

/// Limits of a module in a container.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
#[command(next_help_heading = "What a module may take in a container")]
pub(crate) struct LimitOptions {
    /// Memory, in bytes or as 768MiB or 2GiB; 512MiB when left out. createOptions may ask for less; a trial of a module
    /// that asks for more is not run.
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    memory_max: Option<u64>,
    /// Processor cores, such as 0.5; 1 when left out.
    #[arg(long, value_name = "CORES", value_parser = nano_cpus)]
    cpu_max: Option<u64>,
    /// Processes and threads; 256 when left out.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    processes_max: Option<u64>,
}

impl LimitOptions {
    /// The limits, complete.
    pub(crate) fn limits(self) -> Limits {
        let default = Limits::default();
        Limits {
            memory_bytes_max: self.memory_max.unwrap_or(default.memory_bytes_max),
            nano_cpus_max: self.cpu_max.unwrap_or(default.nano_cpus_max),
            processes_max: self.processes_max.unwrap_or(default.processes_max),
        }
    }
}

fn memory(text: &str) -> Result<u64, String> {
    let unit = UNITS.iter().find(|(unit, _)| text.ends_with(unit));
    let (unit, times) = unit.copied().unwrap_or(("", 1));
    let number: Option<u64> = text[..text.len() - unit.len()].trim().parse().ok();
    let bytes = number.and_then(|number| number.checked_mul(times));
    let bytes = bytes.ok_or("write bytes, or a number with KiB, MiB or GiB")?;
    if bytes < MEMORY_BYTES_MIN {
        return Err("give 16MiB or more".to_owned());
    }
    Ok(bytes)
}

fn nano_cpus(text: &str) -> Result<u64, String> {
    match text.parse::<f64>() {
        Ok(cores) if (0.01..=CORES_MAX).contains(&cores) => Ok((cores * 1e9) as u64),
        _ => Err("give 0.01 to 1024 cores".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_cores_are_read() {
        assert_eq!(memory("2GiB"), Ok(2 << 30));
        assert_eq!(memory("768 MiB"), Ok(768 << 20));
        assert_eq!(memory("16777216"), Ok(16 << 20));
        for wrong in [
            "",
            "1",
            "15MiB",
            "GiB",
            "1.5GiB",
            "99999999999GiB",
            "-1",
            "ä",
        ] {
            assert!(memory(wrong).is_err(), "{wrong}");
        }
        assert_eq!(nano_cpus("0.5"), Ok(500_000_000));
        for wrong in ["0", "-1", "NaN", "inf", "2000", "one"] {
            assert!(nano_cpus(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nothing_said_is_what_marketplaces_give() {
        assert_eq!(LimitOptions::default().limits(), Limits::default());
    }
}
