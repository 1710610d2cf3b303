//! Writes the seeds of this crate's fuzz targets: `cargo run -p edge --example fuzz_seeds`, from the workspace's root.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use edge::mqtt::{Connect, Packet, Publish, Qos, encode};

fn main() -> std::io::Result<()> {
    let text = |seeds: &[&str]| seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    let all: [(&str, Vec<Vec<u8>>); 4] = [
        ("mqtt", packets()),
        (
            "twin",
            text(&[
                "{\"a\":{\"b\":1,\"c\":[1,{\"d\":true}]}}\n{\"a\":{\"b\":null}}",
                "{\"$x\":1}\n{\"n\":4503599627370497}",
            ]),
        ),
        (
            "workload",
            text(&[
                "GET\n/trust-bundle\napi-version=2018-06-28",
                "POST\n/modules/m/genid/42/sign\napi-version=2022-08-03",
                "POST\n/modules/%24edgeAgent/genid/1/certificate/server\napi-version=2020-07-07",
                "POST\n/modules/m/certificate/identity\napi-version=2021-12-07&x=1",
            ]),
        ),
        (
            "route",
            text(&[
                "$body.a[0].b > 5 AND level = 'high'\nlevel=high&%24.ct=application%2Fjson\n{\"a\":[{\"b\":6}]}",
                "as_number(substring(n, 1, 2)) >= 12 OR NOT is_defined({$x})\nn=x12\n{}",
                "concat('a', 'ü') || lower(p) <> 'aüq' ?? true\np=Q\n{\"p\":null}",
            ]),
        ),
    ];
    for (target, seeds) in all {
        let folder = Path::new("crates/edge/fuzz/corpus").join(target);
        std::fs::create_dir_all(&folder)?;
        for (at, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{at:02}")), seed)?;
        }
        println!("edge {target}: {} seeds", seeds.len());
    }
    Ok(())
}

/// One packet of each kind that a module sends.
fn packets() -> Vec<Vec<u8>> {
    let packets = [
        Packet::Connect(Box::new(Connect {
            client_id: "d/m".into(),
            clean_session: false,
            keep_alive_seconds: 60,
            username: Some("h/d/m/?api-version=2019-10-01".into()),
            password: Some(Bytes::from_static(
                b"SharedAccessSignature sr=a&sig=AA&se=1",
            )),
            will: None,
        })),
        Packet::Publish(Publish {
            duplicate: true,
            qos: Qos::AtLeastOnce,
            retain: false,
            topic: "devices/d/modules/m/messages/events/%24.on=out&a=b".into(),
            id: Some(1),
            payload: Bytes::from_static(b"{}"),
        }),
        Packet::Subscribe {
            id: 2,
            filters: vec![("$iothub/twin/res/#".into(), Qos::AtLeastOnce)],
        },
        Packet::Unsubscribe {
            id: 3,
            filters: vec!["$iothub/methods/POST/#".into()],
        },
        Packet::PubAck(4),
        Packet::PingReq,
        Packet::Disconnect,
    ];
    let encoded = packets.iter().map(|packet| {
        let mut bytes = BytesMut::new();
        encode(packet, &mut bytes);
        bytes.to_vec()
    });
    encoded.collect()
}
