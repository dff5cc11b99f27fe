//! Asks a running program for its profiles: plain HTTP, as `net/http/pprof` serves it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::Context;

/// An address such as `http://localhost:6060/debug/pprof`.
pub(crate) struct Address {
    host: String,
    path: String,
}

/// No answer is waited for longer than this.
const LONGEST: Duration = Duration::from_secs(30);

impl Address {
    /// Parses an address; `None` if it is none, an error if it is one that cannot be asked.
    pub(crate) fn parse(text: &str) -> Option<anyhow::Result<Address>> {
        if text.starts_with("https://") {
            return Some(Err(anyhow::anyhow!(
                "{text}: only http is spoken here; fetch https profiles with curl and give the files"
            )));
        }
        let rest = text.strip_prefix("http://")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, "debug/pprof"));
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_graphic());
        if host.is_empty() || !plain(host) || !plain(path) {
            return Some(Err(anyhow::anyhow!("{text} is no address")));
        }
        let host = if host.rsplit(']').next().is_some_and(|end| end.contains(':')) {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        Some(Ok(Address {
            host,
            path: path.trim_end_matches('/').to_owned(),
        }))
    }

    /// The body of a profile, or `None` if the program has none of that name.
    pub(crate) fn profile(&self, name: &str, most: usize) -> anyhow::Result<Option<Vec<u8>>> {
        let address = self
            .host
            .to_socket_addrs()
            .with_context(|| format!("cannot find {}", self.host))?
            .next()
            .with_context(|| format!("{} has no address", self.host))?;
        let mut stream = TcpStream::connect_timeout(&address, LONGEST)
            .with_context(|| format!("cannot reach {}", self.host))?;
        stream.set_read_timeout(Some(LONGEST))?;
        stream.set_write_timeout(Some(LONGEST))?;
        // Version 1.0, so that the answer is not sent in chunks.
        write!(
            stream,
            "GET /{}/{name} HTTP/1.0\r\nHost: {}\r\nUser-Agent: goward\r\n\r\n",
            self.path, self.host
        )?;
        let mut reader = BufReader::new(stream);
        let mut status = String::new();
        (&mut reader).take(4096).read_line(&mut status)?;
        let code = status.split(' ').nth(1).unwrap_or("").to_owned();
        for number in 0.. {
            let mut line = String::new();
            (&mut reader).take(1 << 16).read_line(&mut line)?;
            if line.trim_end().is_empty() {
                break;
            }
            anyhow::ensure!(
                number < 200,
                "{} answers with too many header lines",
                self.host
            );
        }
        match code.as_str() {
            "200" => Ok(Some(super::snapshots::limited(reader, most)?)),
            "404" => Ok(None),
            _ => anyhow::bail!(
                "{} answers {}",
                self.host,
                super::escape::one_line(status.trim())
            ),
        }
    }
}
