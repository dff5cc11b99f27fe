//! Serves the page of a trace over HTTP, with details on demand: the spans of a lane in a window, or
//! a goroutine that is not in the page.
//!
//! By default only this machine can reach it, and only under a local name, so that no page of the
//! web can ask through the browser. Any other address needs a token that is made anew each time.

use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use anyhow::Context as _;
use goward_trace::trace::Timeline;

use super::trace_page;

/// How many spans an answer may have.
const TILE: usize = 6000;
/// How many bytes a request may have.
const REQUEST: u64 = 16 << 10;

/// Serves until it is stopped.
pub(crate) fn serve(timeline: &Timeline, page: &str, address: &str) -> anyhow::Result<()> {
    // Other machines must be asked in by name, as in 0.0.0.0:PORT.
    let address = match address.strip_prefix(':') {
        Some(port) => format!("127.0.0.1:{port}"),
        None => address.to_owned(),
    };
    let listener =
        TcpListener::bind(&address).with_context(|| format!("cannot listen on {address}"))?;
    let local = listener.local_addr()?;
    let token = (!local.ip().is_loopback()).then(random_token);
    let query = token
        .as_ref()
        .map_or_else(String::new, |token| format!("?token={token}"));
    anstream::println!("http://{local}/{query}");
    anstream::eprintln!("serving the trace; stop with Ctrl-C");
    std::thread::scope(|scope| {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { continue };
            let token = token.as_deref();
            scope.spawn(move || {
                // A browser that goes away is no failure.
                let _ = answer(timeline, page, token, stream);
            });
        }
    });
    Ok(())
}

/// 128 bits from the randomness that the standard library seeds its hash maps with.
fn random_token() -> String {
    let half = || {
        std::collections::hash_map::RandomState::new()
            .build_hasher()
            .finish()
    };
    format!("{:016x}{:016x}", half(), half())
}

fn answer(
    timeline: &Timeline,
    page: &str,
    token: Option<&str>,
    stream: TcpStream,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(std::time::Duration::from_secs(10)))?;
    let mut reader = BufReader::new((&stream).take(REQUEST));
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut host = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim_end().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("host")
        {
            host = value.trim().to_owned();
        }
    }
    let (status, kind, body) = respond(timeline, page, token, &first, &host);
    let mut out = &stream;
    write!(
        out,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    out.write_all(body.as_bytes())
}

/// The status, type and body for a request line.
fn respond(
    timeline: &Timeline,
    page: &str,
    token: Option<&str>,
    request: &str,
    host: &str,
) -> (&'static str, &'static str, String) {
    const TEXT: &str = "text/plain; charset=utf-8";
    const JSON: &str = "application/json";
    let refuse = |status, text: &str| (status, TEXT, text.to_owned());
    let Some(target) = request
        .strip_prefix("GET ")
        .and_then(|rest| rest.split(' ').next())
    else {
        return refuse("405 Method Not Allowed", "only GET is served\n");
    };
    let (route, query) = target.split_once('?').unwrap_or((target, ""));
    let parameter = |name: &str| {
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    };
    match token {
        Some(token) if parameter("token") != Some(token) => {
            return refuse(
                "403 Forbidden",
                "the token that goward printed is missing\n",
            );
        }
        None if !is_local(host) => {
            return refuse("403 Forbidden", "this server answers to local names only\n");
        }
        _ => {}
    }
    let number = |name: &str| parameter(name).and_then(|text| text.parse::<i64>().ok());
    let full = timeline.end - timeline.start;
    match route {
        "/" => ("200 OK", "text/html; charset=utf-8", page.to_owned()),
        "/lane" | "/goroutine" => {
            let index = if route == "/lane" {
                number("index").and_then(|index| u32::try_from(index).ok())
            } else {
                number("id").and_then(|id| timeline.find(id))
            };
            let Some(index) = index.filter(|&index| (index as usize) < timeline.goroutines.len())
            else {
                return refuse("404 Not Found", "no such goroutine\n");
            };
            let from = number("from").unwrap_or(0).clamp(0, full);
            let to = number("to").unwrap_or(full).clamp(from, full);
            let window = trace_page::window(
                timeline,
                index,
                timeline.start + from,
                timeline.start + to,
                TILE,
            );
            ("200 OK", JSON, window.to_string())
        }
        _ => refuse("404 Not Found", "no such page\n"),
    }
}

/// Whether a Host header names this machine itself.
fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost"
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_names_are_answered_without_a_token() {
        for host in ["localhost", "localhost:80", "127.0.0.1:6060", "[::1]:80"] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "10.0.0.1",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }

    #[test]
    fn requests_without_the_token_are_refused() {
        let timeline = Timeline::default();
        let status =
            |token, request: &str, host| respond(&timeline, "page", token, request, host).0;
        assert_eq!(status(None, "GET / HTTP/1.1", "localhost"), "200 OK");
        assert_eq!(
            status(None, "GET / HTTP/1.1", "evil.example"),
            "403 Forbidden"
        );
        assert_eq!(
            status(Some("abc"), "GET / HTTP/1.1", "10.0.0.1"),
            "403 Forbidden"
        );
        assert_eq!(
            status(Some("abc"), "GET /?token=abd HTTP/1.1", "10.0.0.1"),
            "403 Forbidden"
        );
        assert_eq!(
            status(Some("abc"), "GET /?token=abc HTTP/1.1", "10.0.0.1"),
            "200 OK"
        );
        assert_eq!(
            status(None, "POST / HTTP/1.1", "localhost"),
            "405 Method Not Allowed"
        );
        assert_eq!(
            status(None, "GET /lane?index=7&from=-5&to=9 HTTP/1.1", "localhost"),
            "404 Not Found"
        );
    }
}
