//! Modbus simulator: a Modbus/TCP server whose first registers move like a small machine, to test a gateway against.
//!
//! Register 0 is the temperature in tenths of a degree, 1 the pressure in hundredths of a bar, 2 the speed in
//! revolutions a minute, 3 the parts made; all others keep what is written to them.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::context::{Context, Sending, Turn};
use crate::hub::Actions;
use crate::intake;
use crate::json::{self, Value};
use crate::modbus::{answer, UNIT_BYTES_MAX};
use crate::temperature_sensor::Noise;
use crate::time;

/// A silent client is disconnected after this.
const IDLE_MAX: Duration = Duration::from_secs(300);
/// Bytes of the Modbus/TCP header: transaction, protocol, length, unit.
const HEADER_BYTES: usize = 7;

type Registers = Arc<Mutex<Vec<u16>>>;

pub fn run(context: &mut Context) -> Result<(), String> {
    let listen = context.settings.text("LISTEN", "0.0.0.0:1502");
    let pause = context.settings.seconds_dial("INTERVAL_SECONDS", 5.0);
    let size = context.settings.count_dial("REGISTERS", 100, 4, 65_535);
    let output = context.started(Sending::to("steps"))?;
    // The machine has made its first step before anybody can ask: no client ever reads zeros.
    let mut noise = Noise::new(1);
    let mut first = vec![0; size.whole() as usize];
    let mut line = advance(&mut first, &mut noise);
    let registers: Registers = Arc::new(Mutex::new(first));
    let listener =
        TcpListener::bind(&listen).map_err(|e| format!("cannot listen on LISTEN={listen}: {e}"))?;
    let bound = listener
        .local_addr()
        .map_err(|e| format!("cannot read the address of LISTEN={listen}: {e}"))?;
    let served = Arc::clone(&registers);
    let talk = Arc::new(move |stream| talk(stream, &served));
    intake::serve(context.module(), listener, talk)?;
    context.log("info", &format!("listening on {bound}"));
    context.serve(actions(&registers))?;
    let nobody = context.nudge();
    loop {
        output.send(&line);
        if context.wait_for(&pause, &nobody) == Turn::Stop {
            return Ok(());
        }
        let mut registers = registers.lock().unwrap_or_else(PoisonError::into_inner);
        registers.resize(size.whole() as usize, 0);
        line = advance(&mut registers, &mut noise);
    }
}

/// `read` and `write` do by method what a Modbus client does.
fn actions(registers: &Registers) -> Actions {
    let (reading, writing) = (Arc::clone(registers), Arc::clone(registers));
    Actions::default()
        .method("read", move |payload| {
            let address = whole(payload, "address", 0, 65_535)?;
            let count = whole(payload, "count", 4, 125)?;
            let registers = reading.lock().unwrap_or_else(PoisonError::into_inner);
            let found = registers
                .get(address..address + count)
                .ok_or_else(|| format!("there are {} registers", registers.len()))?;
            Ok(format!(r#"{{"registers":{found:?}}}"#))
        })
        .method("write", move |payload| {
            let address = whole(payload, "address", usize::MAX, 65_535)?;
            let value = whole(payload, "value", usize::MAX, 65_535)?;
            let mut registers = writing.lock().unwrap_or_else(PoisonError::into_inner);
            let count = registers.len();
            let found = registers.get_mut(address);
            *found.ok_or_else(|| format!("there are {count} registers"))? = value as u16;
            Ok("{}".to_owned())
        })
}

/// A whole number of a call; beyond `most`, the default says that there is none.
fn whole(payload: &Value, name: &str, default: usize, most: usize) -> Result<usize, String> {
    match payload.member(name) {
        None if default <= most => Ok(default),
        Some(Value::Number(number))
            if number.fract() == 0.0 && (0.0..=most as f64).contains(number) =>
        {
            Ok(*number as usize)
        }
        _ => Err(format!("give a whole number from 0 to {most} as {name:?}")),
    }
}

/// Lets the simulated machine make one step.
fn advance(registers: &mut [u16], noise: &mut Noise) -> String {
    registers[0] = (425.0 + noise.next() * 25.0) as u16;
    registers[1] = (310.0 + noise.next() * 10.0) as u16;
    registers[2] = (1480.0 + noise.next() * 15.0) as u16;
    registers[3] = registers[3].wrapping_add(1);
    format!(
        r#"{{"time":"{}","machine":{{"temperature":{},"pressure":{},"speed":{},"parts":{}}}}}"#,
        time::now(),
        json::number(f64::from(registers[0]) / 10.0),
        json::number(f64::from(registers[1]) / 100.0),
        registers[2],
        registers[3],
    )
}

fn talk(mut stream: TcpStream, registers: &Registers) -> Result<(), String> {
    let text = |e: std::io::Error| format!("a Modbus client was lost: {e}");
    stream.set_read_timeout(Some(IDLE_MAX)).map_err(text)?;
    stream.set_write_timeout(Some(IDLE_MAX)).map_err(text)?;
    loop {
        let mut header = [0_u8; HEADER_BYTES];
        match stream.read_exact(&mut header) {
            Ok(()) => {}
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::WouldBlock | ErrorKind::ConnectionReset
                ) =>
            {
                return Ok(());
            }
            Err(e) => return Err(text(e)),
        }
        let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
        if header[2..4] != [0, 0] || !(2..=UNIT_BYTES_MAX + 1).contains(&length) {
            return Err("a client does not speak Modbus/TCP".to_owned());
        }
        let mut request = vec![0_u8; length - 1];
        stream.read_exact(&mut request).map_err(text)?;
        let reply = answer(
            &request,
            &mut registers.lock().unwrap_or_else(PoisonError::into_inner),
        );
        let mut frame = header[..4].to_vec();
        frame.extend_from_slice(&(reply.len() as u16 + 1).to_be_bytes());
        frame.push(header[6]);
        frame.extend_from_slice(&reply);
        stream.write_all(&frame).map_err(text)?;
    }
}
