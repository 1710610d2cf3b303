//! The Modbus/TCP answers a server with holding registers gives: reading (3, 4), writing one (6) and several (16).

/// Longest protocol data unit, by the Modbus specification.
pub const UNIT_BYTES_MAX: usize = 253;
/// Registers readable in one request, by the Modbus specification.
const READ_MAX: usize = 125;
/// Registers writable in one request, by the Modbus specification.
const WRITE_MAX: usize = 123;

const ILLEGAL_FUNCTION: u8 = 1;
const ILLEGAL_ADDRESS: u8 = 2;
const ILLEGAL_VALUE: u8 = 3;

/// The answer to one protocol data unit, changing registers where it writes.
pub fn answer(request: &[u8], registers: &mut [u16]) -> Vec<u8> {
    let function = request.first().copied().unwrap_or_default();
    let done = match function {
        3 | 4 => read(request, registers),
        6 => write_one(request, registers),
        16 => write_several(request, registers),
        _ => Err(ILLEGAL_FUNCTION),
    };
    done.unwrap_or_else(|code| vec![function | 0x80, code])
}

fn word(request: &[u8], at: usize) -> Result<usize, u8> {
    let bytes = request.get(at..at + 2).ok_or(ILLEGAL_VALUE)?;
    Ok(usize::from(u16::from_be_bytes([bytes[0], bytes[1]])))
}

fn read(request: &[u8], registers: &[u16]) -> Result<Vec<u8>, u8> {
    let (start, count) = (word(request, 1)?, word(request, 3)?);
    if !(1..=READ_MAX).contains(&count) {
        return Err(ILLEGAL_VALUE);
    }
    let values = registers.get(start..start + count).ok_or(ILLEGAL_ADDRESS)?;
    let mut reply = vec![request[0], (count * 2) as u8];
    reply.extend(values.iter().flat_map(|value| value.to_be_bytes()));
    Ok(reply)
}

fn write_one(request: &[u8], registers: &mut [u16]) -> Result<Vec<u8>, u8> {
    let (at, value) = (word(request, 1)?, word(request, 3)?);
    *registers.get_mut(at).ok_or(ILLEGAL_ADDRESS)? = value as u16;
    Ok(request[..5].to_vec())
}

fn write_several(request: &[u8], registers: &mut [u16]) -> Result<Vec<u8>, u8> {
    let (start, count) = (word(request, 1)?, word(request, 3)?);
    let bytes = request.get(6..).unwrap_or_default();
    if !(1..=WRITE_MAX).contains(&count)
        || bytes.len() != count * 2
        || usize::from(request[5]) != count * 2
    {
        return Err(ILLEGAL_VALUE);
    }
    let targets = registers
        .get_mut(start..start + count)
        .ok_or(ILLEGAL_ADDRESS)?;
    for (target, pair) in targets.iter_mut().zip(bytes.chunks_exact(2)) {
        *target = u16::from_be_bytes([pair[0], pair[1]]);
    }
    Ok(request[..5].to_vec())
}

#[cfg(test)]
mod tests {
    use super::answer;

    #[test]
    fn registers_are_written_and_read_back() {
        let mut registers = [0_u16; 4];
        assert_eq!(
            answer(&[6, 0, 1, 0x12, 0x34], &mut registers),
            [6, 0, 1, 0x12, 0x34]
        );
        assert_eq!(
            answer(&[16, 0, 2, 0, 2, 4, 0, 5, 0, 6], &mut registers),
            [16, 0, 2, 0, 2]
        );
        assert_eq!(registers, [0, 0x1234, 5, 6]);
        assert_eq!(
            answer(&[3, 0, 1, 0, 2], &mut registers),
            [3, 4, 0x12, 0x34, 0, 5]
        );
    }

    #[test]
    fn what_cannot_be_done_is_an_exception() {
        let mut registers = [0_u16; 4];
        assert_eq!(answer(&[1, 0, 0, 0, 1], &mut registers), [0x81, 1]);
        assert_eq!(answer(&[3, 0, 3, 0, 2], &mut registers), [0x83, 2]);
        assert_eq!(answer(&[3, 0xff, 0xff, 0, 1], &mut registers), [0x83, 2]);
        assert_eq!(answer(&[3, 0, 0, 0, 0], &mut registers), [0x83, 3]);
        assert_eq!(
            answer(&[16, 0, 0, 0, 2, 4, 0, 1], &mut registers),
            [0x90, 3]
        );
        assert_eq!(answer(&[6, 0], &mut registers), [0x86, 3]);
        assert_eq!(answer(&[], &mut registers), [0x80, 1]);
        assert_eq!(registers, [0; 4]);
    }
}
