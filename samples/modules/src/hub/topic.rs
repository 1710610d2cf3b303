//! The topics of the edge hub: where a module sends to, what it listens to, and what a message of the hub is.

use super::text::percent;

/// Bodies are JSON lines; a route can look into them only when the message says so.
const JSON: &str = "%24.ct=application%2Fjson&%24.ce=utf-8";

/// A message of the hub, by its topic.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming<'a> {
    Input(&'a str),
    /// Status and request.
    TwinAnswer(u16, &'a str),
    Desired,
    /// Method and request.
    Method(&'a str, &'a str),
}

/// Where messages to an output go.
pub fn output(device: &str, module: &str, output: &str) -> String {
    format!(
        "devices/{device}/modules/{module}/messages/events/%24.on={}&{JSON}",
        percent(output)
    )
}

/// What the module listens to.
pub fn filters(device: &str, module: &str, inputs: bool) -> Vec<String> {
    let mut filters: Vec<String> = [
        "$iothub/twin/res/#",
        "$iothub/twin/PATCH/properties/desired/#",
        "$iothub/methods/POST/#",
    ]
    .map(str::to_owned)
    .to_vec();
    if inputs {
        filters.push(format!("devices/{device}/modules/{module}/inputs/#"));
    }
    filters
}

/// Asks for the twin.
pub fn twin_get(request: u64) -> String {
    format!("$iothub/twin/GET/?$rid={request}")
}

/// Reports properties.
pub fn report(request: u64) -> String {
    format!("$iothub/twin/PATCH/properties/reported/?$rid={request}")
}

/// Answers a method.
pub fn method_answer(status: u16, request: &str) -> String {
    format!("$iothub/methods/res/{status}/?$rid={request}")
}

/// Reads a topic; None for one that means nothing to a module.
pub fn read<'a>(topic: &'a str, device: &str, module: &str) -> Option<Incoming<'a>> {
    if let Some(rest) = topic.strip_prefix("$iothub/twin/res/") {
        let (status, query) = rest.split_once('/')?;
        return Some(Incoming::TwinAnswer(status.parse().ok()?, request(query)?));
    }
    if topic.starts_with("$iothub/twin/PATCH/properties/desired/") {
        return Some(Incoming::Desired);
    }
    if let Some(rest) = topic.strip_prefix("$iothub/methods/POST/") {
        let (name, query) = rest.split_once('/')?;
        return Some(Incoming::Method(name, request(query)?));
    }
    let own = topic.strip_prefix("devices/")?.strip_prefix(device)?;
    let rest = own.strip_prefix("/modules/")?.strip_prefix(module)?;
    let rest = rest.strip_prefix("/inputs/")?;
    Some(Incoming::Input(rest.split('/').next()?))
}

fn request(query: &str) -> Option<&str> {
    query
        .trim_start_matches('?')
        .split('&')
        .find_map(|pair| pair.strip_prefix("$rid="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_the_hub_are_told_apart() {
        let read = |topic: &'static str| read(topic, "d", "m");
        assert_eq!(
            read("devices/d/modules/m/inputs/in/%24.cdid=d&a=b"),
            Some(Incoming::Input("in"))
        );
        assert_eq!(
            read("devices/d/modules/m/inputs/in/"),
            Some(Incoming::Input("in"))
        );
        assert_eq!(
            read("$iothub/twin/res/204/?$rid=7&$version=3"),
            Some(Incoming::TwinAnswer(204, "7"))
        );
        assert_eq!(
            read("$iothub/twin/PATCH/properties/desired/?$version=2"),
            Some(Incoming::Desired)
        );
        assert_eq!(
            read("$iothub/methods/POST/reset/?$rid=a-1"),
            Some(Incoming::Method("reset", "a-1"))
        );
        for other in [
            "devices/d/modules/x/inputs/in/",
            "$iothub/twin/res/x/?$rid=1",
            "other",
            "$iothub/methods/POST/a",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn an_output_is_named_in_the_topic() {
        assert_eq!(
            output("d", "m", "o ut"),
            "devices/d/modules/m/messages/events/%24.on=o%20ut&%24.ct=application%2Fjson&%24.ce=utf-8"
        );
        assert_eq!(
            filters("d", "m", false).len() + 1,
            filters("d", "m", true).len()
        );
    }
}
