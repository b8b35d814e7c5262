//! Files as they come to rest on disk.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::GzBuilder;
use flate2::write::GzEncoder;

use super::error::SynthError;
use super::options::Compression;

/// One file being written.
pub struct Sink {
    path: PathBuf,
    stream: Stream,
}

enum Stream {
    Plain(File),
    Gzip(GzEncoder<BufWriter<File>>),
    Zstd(zstd::Encoder<'static, BufWriter<File>>),
}

impl Sink {
    /// Starts the file `name` plus the compression's suffix in `folder`.
    pub fn create(folder: &Path, name: &str, compression: Compression) -> Result<Self, SynthError> {
        let path = folder.join(format!("{name}{}", compression.suffix()));
        let stream = File::create(&path)
            .and_then(|file| Stream::new(file, compression))
            .map_err(SynthError::at(&path))?;
        Ok(Self { path, stream })
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<(), SynthError> {
        match &mut self.stream {
            Stream::Plain(file) => file.write_all(bytes),
            Stream::Gzip(encoder) => encoder.write_all(bytes),
            Stream::Zstd(encoder) => encoder.write_all(bytes),
        }
        .map_err(SynthError::at(&self.path))
    }

    /// Ends the file; gives its size on disk.
    pub fn finish(self) -> Result<u64, SynthError> {
        self.stream
            .finish()
            .and_then(|()| fs::metadata(&self.path))
            .map(|metadata| metadata.len())
            .map_err(SynthError::at(&self.path))
    }
}

impl Stream {
    fn new(file: File, compression: Compression) -> io::Result<Self> {
        Ok(match compression {
            Compression::None => Self::Plain(file),
            // A fixed time and system byte: the same rows give the same file.
            Compression::Gzip => Self::Gzip(
                GzBuilder::new()
                    .mtime(0)
                    .operating_system(255)
                    .write(BufWriter::new(file), flate2::Compression::default()),
            ),
            Compression::Zstd => {
                let mut encoder = zstd::Encoder::new(BufWriter::new(file), 3)?;
                encoder.include_checksum(true)?;
                Self::Zstd(encoder)
            }
        })
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Gzip(encoder) => encoder.finish()?.flush(),
            Self::Zstd(encoder) => encoder.finish()?.flush(),
        }
    }
}
