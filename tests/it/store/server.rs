//! The server that the tests talk to, seen from the other side; and a proxy that stands in between,
//! listens, and misbehaves.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request as it came.
#[derive(Clone)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    bytes: Vec<u8>,
}

impl Request {
    /// Whether it fetches an object whose key ends so.
    pub fn gets(&self, ending: &str) -> bool {
        self.method == "GET" && self.target.ends_with(ending)
    }

    pub fn puts(&self, ending: &str) -> bool {
        self.method == "PUT" && self.target.ends_with(ending)
    }
}

/// What a proxy does with a request.
pub enum Act {
    Forward,
    /// Answers with this status itself.
    Answer(u16),
    /// Closes the connection without a word.
    Drop,
    /// Forwards, and closes without the answer.
    Lose,
    /// Forwards, and closes after so many bytes of the body.
    Cut(usize),
    /// Forwards in the words of S3 what was said in those of Google: a condition is on a generation, a
    /// number, there, and on an ETag here.
    FromGoogle,
}

/// A server between the program and the store.
pub struct Proxy {
    pub address: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Proxy {
    /// One in front of `server` that decides by `act`, which is told how often a request of this method
    /// and target has come before.
    pub fn new(server: &str, act: impl Fn(&Request, usize) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("its address"));
        let seen: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (server, act, all) = (host(server).to_owned(), Arc::new(act), seen.clone());
        // It ends with the process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (server, act, all) = (server.clone(), act.clone(), all.clone());
                thread::spawn(move || {
                    let Some(request) = read_request(&client) else { return };
                    let before = {
                        let mut all = all.lock().expect("no test has failed here");
                        let same = |other: &&Request| {
                            (&other.method, &other.target) == (&request.method, &request.target)
                        };
                        let before = all.iter().filter(same).count();
                        all.push(request.clone());
                        before
                    };
                    let act = act(&request, before);
                    serve(client, &server, &request, &act);
                });
            }
        });
        Self { address, seen }
    }

    /// What came so far; forgets it.
    pub fn seen(&self) -> Vec<Request> {
        std::mem::take(&mut self.seen.lock().expect("no test has failed here"))
    }
}

fn serve(mut client: TcpStream, server: &str, request: &Request, act: &Act) {
    let most = match act {
        Act::Drop => return,
        Act::Answer(status) => {
            let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = client.write_all(answer.as_bytes());
            return;
        }
        Act::Cut(most) => *most,
        Act::Forward | Act::Lose | Act::FromGoogle => usize::MAX,
    };
    let Ok(mut server) = TcpStream::connect(server) else { return };
    let is_google = matches!(act, Act::FromGoogle);
    let sent = if is_google {
        server.write_all(&from_google(&request.bytes))
    } else {
        server.write_all(&request.bytes)
    };
    if sent.is_err() {
        return;
    }
    let mut answer = Vec::new();
    let _ = server.read_to_end(&mut answer);
    if is_google {
        answer = to_google(&answer);
    }
    if matches!(act, Act::Lose) {
        return;
    }
    let body = find(&answer, b"\r\n\r\n").map_or(answer.len(), |head| head + 4);
    let _ = client.write_all(&answer[..answer.len().min(body.saturating_add(most))]);
}

/// What an ETag is as a generation: the store knows none, so its digits have to do.
fn generation(etag: &str) -> u64 {
    let digits: String = etag.chars().filter(char::is_ascii_hexdigit).take(12).collect();
    u64::from_str_radix(&digits, 16).expect("an ETag")
}

/// The ETags that were told as generations.
static TOLD: Mutex<BTreeMap<u64, String>> = Mutex::new(BTreeMap::new());

fn from_google(request: &[u8]) -> Vec<u8> {
    let end = find(request, b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&request[..end]).into_owned();
    let told = |line: &str| {
        let (name, value) =
            line.split_once(':').filter(|_| line.starts_with("x-goog-if-generation-match"))?;
        assert_eq!(name, "x-goog-if-generation-match");
        Some(match value.trim() {
            "0" => "If-None-Match: *".to_owned(),
            number => {
                let number = number.parse().expect("a generation");
                let told = TOLD.lock().expect("no test has failed here");
                format!("If-Match: {}", told.get(&number).expect("one that was told"))
            }
        })
    };
    let lines: Vec<String> = head.lines().map(|line| told(line).unwrap_or_else(|| line.to_owned())).collect();
    [lines.join("\r\n").as_bytes(), &request[end..]].concat()
}

fn to_google(answer: &[u8]) -> Vec<u8> {
    let Some(end) = find(answer, b"\r\n\r\n") else { return answer.to_vec() };
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let etag = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("etag").then(|| value.trim().to_owned())
    });
    let Some(etag) = etag else { return answer.to_vec() };
    let number = generation(&etag);
    TOLD.lock().expect("no test has failed here").insert(number, etag);
    let added = format!("{head}\r\nx-goog-generation: {number}");
    [added.as_bytes(), &answer[end..]].concat()
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// A whole request, changed so that the connection ends with it.
fn read_request(mut client: &TcpStream) -> Option<Request> {
    client.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let mut bytes = Vec::new();
    let mut part = [0; 1 << 16];
    let end = loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            break end;
        }
        match client.read(&mut part).ok()? {
            0 => return None,
            count => bytes.extend(&part[..count]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let header = |line: &str, name: &str| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    };
    let length = head.lines().find_map(|line| header(line, "content-length"));
    let length: usize = length.map_or(0, |length| length.parse().expect("a length"));
    while bytes.len() < end + 4 + length {
        match client.read(&mut part).ok()? {
            0 => return None,
            count => bytes.extend(&part[..count]),
        }
    }
    let mut lines = head.lines();
    let first = lines.next()?;
    let (method, rest) = first.split_once(' ')?;
    let kept: Vec<&str> = lines.filter(|line| header(line, "connection").is_none()).collect();
    let mut changed = format!("{first}\r\n{}\r\nConnection: close\r\n\r\n", kept.join("\r\n")).into_bytes();
    changed.extend(&bytes[end + 4..]);
    let target = rest.split(' ').next()?.to_owned();
    Some(Request { method: method.to_owned(), target, bytes: changed })
}

fn host(address: &str) -> &str {
    address.strip_prefix("http://").expect("a server on loopback")
}

/// A bucket of its own on the server that lets everybody in.
#[derive(Clone)]
pub struct Bucket {
    pub server: String,
    pub name: String,
}

impl Bucket {
    pub fn new(name: &str) -> Self {
        let server = std::env::var("CHARTLEDGER_STORE_S3").expect("the server of tests/store/run");
        let bucket = Self { server, name: name.to_owned() };
        assert_eq!(bucket.ask("PUT", "", b"").0, 200, "a bucket");
        bucket
    }

    /// The address of a key, as the program takes it.
    pub fn at(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }

    pub fn put(&self, key: &str, bytes: impl AsRef<[u8]>) {
        assert_eq!(self.ask("PUT", &format!("/{key}"), bytes.as_ref()).0, 200, "{key}");
    }

    pub fn remove(&self, key: &str) {
        assert_eq!(self.ask("DELETE", &format!("/{key}"), b"").0, 204, "{key}");
    }

    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        let (status, body) = self.ask("GET", &format!("/{key}"), b"");
        (status == 200).then_some(body)
    }

    /// The keys with a prefix, a thousand at most.
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        let (status, body) = self.ask("GET", &format!("?list-type=2&prefix={prefix}"), b"");
        assert_eq!(status, 200);
        let text = String::from_utf8(body).expect("UTF-8");
        let keys = text.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        keys.map(str::to_owned).collect()
    }

    fn ask(&self, method: &str, below: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut server = TcpStream::connect(host(&self.server)).expect("the server");
        // Nobody looks at the signature, but there must be one.
        let request = format!(
            "{method} /{}{below} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\nConnection: close\r\n\
             Content-Type: application/octet-stream\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=t/20200101/us-east-1/s3/aws4_request, \
             SignedHeaders=host, Signature=x\r\n\r\n",
            self.name,
            host(&self.server),
            body.len()
        );
        server.write_all(request.as_bytes()).and_then(|()| server.write_all(body)).expect("it is sent");
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).expect("an answer");
        let head = find(&answer, b"\r\n\r\n").expect("a head");
        let status = String::from_utf8_lossy(&answer[..head]);
        let status = status.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, answer[head + 4..].to_vec())
    }
}
