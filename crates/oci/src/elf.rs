//! What processor a program file was built for: the first 20 bytes of an ELF header (System V gABI, "ELF Header").
//!
//! Used to catch images whose stated platform is not the one their programs run on. Sections and symbols are not read.

use std::fmt;

/// How many leading bytes of a file [`machine`] needs.
pub const ELF_HEADER_BYTES: usize = 20;

/// 32 or 64 bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ElfClass {
    /// `ELFCLASS32`.
    Bits32,
    /// `ELFCLASS64`.
    Bits64,
}

/// The processor named by `e_machine`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ElfMachine {
    /// `EM_386`.
    X86,
    /// `EM_X86_64`.
    X86_64,
    /// `EM_ARM`: 32-bit ARM, any variant.
    Arm,
    /// `EM_AARCH64`.
    Aarch64,
    /// `EM_RISCV`.
    Riscv,
    /// Anything else, by its number.
    Other(u16),
}

/// The answer of [`machine`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Elf {
    /// 32 or 64 bit.
    pub class: ElfClass,
    /// The processor.
    pub machine: ElfMachine,
    /// Least significant byte first.
    pub little_endian: bool,
}

impl Elf {
    /// The architecture as platforms spell it (`amd64`, `arm64`, `arm`, …), when there is a name for it.
    #[must_use]
    pub const fn architecture(&self) -> Option<&'static str> {
        match (self.machine, self.class, self.little_endian) {
            (ElfMachine::X86, _, true) => Some("386"),
            (ElfMachine::X86_64, ElfClass::Bits64, true) => Some("amd64"),
            (ElfMachine::Arm, ElfClass::Bits32, true) => Some("arm"),
            (ElfMachine::Aarch64, ElfClass::Bits64, true) => Some("arm64"),
            (ElfMachine::Riscv, ElfClass::Bits64, true) => Some("riscv64"),
            _ => None,
        }
    }
}

impl fmt::Display for Elf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.architecture(), self.machine) {
            (Some(name), _) => f.write_str(name),
            (None, ElfMachine::Other(number)) => write!(f, "ELF machine {number}"),
            (None, machine) => write!(f, "{machine:?} ({:?})", self.class),
        }
    }
}

/// Reads the start of a file; `None` when it is not an ELF file or shorter than [`ELF_HEADER_BYTES`].
#[must_use]
pub fn machine(start: &[u8]) -> Option<Elf> {
    let header = start.get(..ELF_HEADER_BYTES)?;
    if !header.starts_with(b"\x7fELF") {
        return None;
    }
    let class = match header[4] {
        1 => ElfClass::Bits32,
        2 => ElfClass::Bits64,
        _ => return None,
    };
    let number = [header[18], header[19]];
    let (little_endian, number) = match header[5] {
        1 => (true, u16::from_le_bytes(number)),
        2 => (false, u16::from_be_bytes(number)),
        _ => return None,
    };
    let machine = match number {
        3 => ElfMachine::X86,
        40 => ElfMachine::Arm,
        62 => ElfMachine::X86_64,
        183 => ElfMachine::Aarch64,
        243 => ElfMachine::Riscv,
        other => ElfMachine::Other(other),
    };
    Some(Elf {
        class,
        machine,
        little_endian,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(class: u8, data: u8, machine: [u8; 2]) -> Vec<u8> {
        let mut bytes = vec![0x7f, b'E', b'L', b'F', class, data];
        bytes.resize(18, 0);
        bytes.extend(machine);
        bytes
    }

    #[test]
    fn processors_of_the_matrix() {
        let table = [
            (header(2, 1, [62, 0]), "amd64"),
            (header(2, 1, [183, 0]), "arm64"),
            (header(1, 1, [40, 0]), "arm"),
            (header(1, 1, [3, 0]), "386"),
            (header(2, 1, [243, 0]), "riscv64"),
        ];
        for (bytes, name) in table {
            assert_eq!(machine(&bytes).unwrap().architecture(), Some(name));
        }
        let other = machine(&header(2, 2, [0, 22])).unwrap();
        assert_eq!(
            (other.machine, other.architecture()),
            (ElfMachine::Other(22), None)
        );
        assert_eq!(other.to_string(), "ELF machine 22");
        let x32 = machine(&header(1, 1, [62, 0])).unwrap();
        assert_eq!(x32.architecture(), None);
    }

    #[test]
    fn what_is_not_elf() {
        assert_eq!(machine(b""), None);
        assert_eq!(machine(b"#!/bin/sh\necho a long enough line"), None);
        assert_eq!(machine(&header(2, 1, [62, 0])[..19]), None);
        assert_eq!(machine(&header(3, 1, [62, 0])), None);
        assert_eq!(machine(&header(2, 0, [62, 0])), None);
    }
}
