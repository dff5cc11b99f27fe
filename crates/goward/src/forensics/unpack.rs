//! Undoes gzip and zstd, told from each other and from plain bytes by how they start.

use std::io::{self, BufRead, BufReader, Read};

use ruzstd::decoding::StreamingDecoder;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The plain bytes of an input. A small input can become any size: whoever reads sets a limit.
pub(crate) fn plain<'r>(input: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
    let mut input = input;
    let mut start = Vec::new();
    (&mut input).take(4).read_to_end(&mut start)?;
    let whole = io::Cursor::new(start.clone()).chain(input);
    Ok(if start.starts_with(&GZIP) {
        Box::new(flate2::read::MultiGzDecoder::new(whole))
    } else if start == ZSTD {
        Box::new(Frames {
            frame: None,
            rest: Some(BufReader::new(whole)),
        })
    } else {
        Box::new(whole)
    })
}

/// The zstd frames of an input, one after the other: `zstd a b` and log shippers append them.
struct Frames<R: Read> {
    frame: Option<StreamingDecoder<BufReader<R>, ruzstd::decoding::FrameDecoder>>,
    rest: Option<BufReader<R>>,
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(frame) = &mut self.frame {
                let got = frame.read(buffer)?;
                if got > 0 {
                    return Ok(got);
                }
            }
            if let Some(frame) = self.frame.take() {
                self.rest = Some(frame.into_inner());
            }
            let Some(mut rest) = self.rest.take() else {
                return Ok(0);
            };
            if rest.fill_buf()?.is_empty() {
                return Ok(0);
            }
            let frame = StreamingDecoder::new(rest).map_err(io::Error::other)?;
            self.frame = Some(frame);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf 'goroutine 1 [running]:\n' | zstd`, by zstd 1.5.
    const FRAME: &[u8] = &[
        0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0xb9, 0x00, 0x00, 0x67, 0x6f, 0x72, 0x6f, 0x75, 0x74,
        0x69, 0x6e, 0x65, 0x20, 0x31, 0x20, 0x5b, 0x72, 0x75, 0x6e, 0x6e, 0x69, 0x6e, 0x67, 0x5d,
        0x3a, 0x0a, 0x6f, 0x80, 0x63, 0xe0,
    ];

    fn read(bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        plain(bytes)?.take(1 << 20).read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn frames_follow_each_other() {
        let line = "goroutine 1 [running]:\n";
        assert_eq!(read(FRAME).unwrap(), line);
        assert_eq!(read(&[FRAME, FRAME].concat()).unwrap(), line.repeat(2));
        assert_eq!(read(line.as_bytes()).unwrap(), line);
        assert_eq!(read(b"").unwrap(), "");
    }

    #[test]
    fn damage_is_an_error() {
        assert!(read(&FRAME[..FRAME.len() - 6]).is_err());
        assert!(read(&[FRAME, b"(\xb5/\xfd\xff\xff"].concat()).is_err());
    }
}
