//! What is done with objects.

use std::path::Path as File;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload, UpdateVersion, WriteMultipart,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::address::Address;
use crate::open::Stores;
use crate::problem::{Kind, Problem};
use crate::wire::{Answer, Listed, Request, Sent, Small, Version, Wanted, say};

/// Objects on the way at one time.
const AT_ONCE: usize = 16;
/// Objects of a listing in one answer.
const PAGE: usize = 1000;
/// A file larger than this is sent in parts of this size.
const PART: usize = 16 << 20;
/// The most that a pointer may be.
const SMALL: u64 = 1 << 20;

type Store = Arc<dyn ObjectStore>;

/// Does what is asked; what comes of it on the way is said at once.
pub async fn answer(stores: &Stores, request: Request) -> Result<Answer, Problem> {
    match request {
        Request::List { uri } => {
            let (at, store) = open(stores, &uri)?;
            list(&store, &at.key).await?;
            stores.works(&at);
            Ok(Answer::Done {})
        }
        Request::Folders { uri } => {
            let (at, store) = open(stores, &uri)?;
            let found = store.list_with_delimiter(Some(&at.key)).await;
            let found = found.map_err(|error| Problem::from(error).of_listing())?;
            let names = found.common_prefixes.iter().filter_map(|prefix| Some(prefix.filename()?.to_owned()));
            Ok(Answer::Names(names.collect()))
        }
        Request::Fetch { folder, objects } => fetch(stores, File::new(&folder), objects).await,
        Request::Upload { files } => upload(stores, files).await,
        Request::Read { uri } => {
            let (at, store) = open(stores, &uri)?;
            let read = read(&store, &at.key).await?;
            stores.works(&at);
            Ok(Answer::Text(read))
        }
        Request::Swap { uri, text, over } => {
            let (at, store) = open(stores, &uri)?;
            swap(&store, &at.key, &text, over).await
        }
        Request::Remove { uri } => {
            let (at, store) = open(stores, &uri)?;
            // A whole bucket is never meant.
            if at.key.as_ref().is_empty() {
                return Err(Problem::protocol("nothing is removed without a prefix"));
            }
            let below = store.list(Some(&at.key)).map_ok(|meta| meta.location).boxed();
            let removed = store.delete_stream(below).try_for_each(|_| async { Ok(()) }).await;
            removed.map(|()| Answer::Done {}).map_err(Problem::from)
        }
    }
}

fn open(stores: &Stores, uri: &str) -> Result<(Address, Store), Problem> {
    let at = Address::parse(uri)?;
    let store = stores.of(&at)?;
    Ok((at, store))
}

fn listed(meta: ObjectMeta) -> Listed {
    let modified = meta.last_modified.timestamp_nanos_opt().and_then(|time| u64::try_from(time).ok());
    Listed {
        key: meta.location.to_string(),
        size: meta.size,
        modified: modified.unwrap_or_default(),
        etag: meta.e_tag,
    }
}

async fn list(store: &Store, prefix: &Path) -> Result<(), Problem> {
    let mut found = store.list(Some(prefix)).map_ok(listed).try_chunks(PAGE);
    let mut is_empty = true;
    while let Some(page) = found.next().await {
        // What was found before the error is worth nothing without the rest.
        let page = page.map_err(|error| Problem::from(error.1).of_listing())?;
        is_empty = false;
        say(&Answer::Objects(page));
    }
    if is_empty && !prefix.as_ref().is_empty() {
        match store.head(prefix).await {
            Ok(meta) => say(&Answer::Objects(vec![listed(meta)])),
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

async fn fetch(stores: &Stores, folder: &File, objects: Vec<Wanted>) -> Result<Answer, Problem> {
    let mut on_the_way = futures::stream::iter(objects.into_iter().enumerate())
        .map(|(at, wanted)| async move {
            let file = folder.join(at.to_string());
            (at, fetch_one(stores, &wanted, &file).await)
        })
        .buffer_unordered(AT_ONCE);
    while let Some((at, fetched)) = on_the_way.next().await {
        match fetched {
            Ok(()) => say(&Answer::Fetched { at }),
            // These are about one object, everything else about all of them.
            Err(problem) if matches!(problem.kind, Kind::Missing | Kind::Changed | Kind::Refused) => {
                say(&Answer::Left { at, problem });
            }
            Err(problem) => return Err(problem),
        }
    }
    Ok(Answer::Done {})
}

/// Copies an object, which must be the one that was listed, into a file.
async fn fetch_one(stores: &Stores, wanted: &Wanted, file: &File) -> Result<(), Problem> {
    let (at, store) = open(stores, &wanted.uri)?;
    let options = GetOptions { if_match: wanted.etag.clone(), ..GetOptions::default() };
    let got = store.get_opts(&at.key, options).await?;
    let name = file.to_string_lossy().into_owned();
    let unwritten = |error: std::io::Error| Problem::file(&name, &error);
    let mut written = 0;
    let mut out = tokio::fs::File::create(file).await.map_err(unwritten)?;
    let mut parts = got.into_stream();
    while let Some(part) = parts.next().await {
        let part = part?;
        written += part.len() as u64;
        out.write_all(&part).await.map_err(unwritten)?;
    }
    out.flush().await.map_err(unwritten)?;
    match written == wanted.size {
        true => Ok(()),
        false => {
            Err(Problem::new(Kind::Changed, format!("{written} bytes came, {} were listed", wanted.size)))
        }
    }
}

async fn upload(stores: &Stores, files: Vec<Sent>) -> Result<Answer, Problem> {
    let (claims, files): (Vec<_>, Vec<_>) = files.into_iter().partition(|sent| sent.claim);
    for sent in &claims {
        claim(stores, sent).await?;
    }
    let mut on_the_way = futures::stream::iter(files)
        .map(|sent| async move { upload_one(stores, &sent).await })
        .buffer_unordered(AT_ONCE);
    while let Some(sent) = on_the_way.next().await {
        sent?;
    }
    Ok(Answer::Done {})
}

/// Writes an object that nobody else may have written.
async fn claim(stores: &Stores, sent: &Sent) -> Result<(), Problem> {
    let (at, store) = open(stores, &sent.uri)?;
    let unread = |error: std::io::Error| Problem::file(&sent.path, &error);
    let bytes = tokio::fs::read(&sent.path).await.map_err(unread)?;
    let payload = PutPayload::from(bytes.clone());
    let Err(error) = store.put_opts(&at.key, payload, PutMode::Create.into()).await else { return Ok(()) };
    let problem = Problem::from(error);
    // The first try may have gone through, and only its answer been lost: then it is ours.
    match problem.kind {
        Kind::Changed if store.get(&at.key).await?.bytes().await? == bytes => Ok(()),
        _ => Err(problem),
    }
}

async fn upload_one(stores: &Stores, sent: &Sent) -> Result<(), Problem> {
    let (at, store) = open(stores, &sent.uri)?;
    let unread = |error: std::io::Error| Problem::file(&sent.path, &error);
    let size = tokio::fs::metadata(&sent.path).await.map_err(unread)?.len();
    if size <= PART as u64 {
        let bytes = tokio::fs::read(&sent.path).await.map_err(unread)?;
        store.put(&at.key, PutPayload::from(bytes)).await?;
        return Ok(());
    }
    let mut file = tokio::fs::File::open(&sent.path).await.map_err(unread)?;
    let mut parts = WriteMultipart::new_with_chunk_size(store.put_multipart(&at.key).await?, PART);
    let mut buffer = vec![0; PART];
    let sent = loop {
        match file.read(&mut buffer).await {
            Ok(0) => break Ok(()),
            Ok(count) => {
                // Never more than some parts in memory.
                if let Err(error) = parts.wait_for_capacity(4).await {
                    break Err(error.into());
                }
                parts.write(buffer.get(..count).unwrap_or_default());
            }
            Err(error) => break Err(unread(error)),
        }
    };
    match sent {
        Ok(()) => parts.finish().await.map(drop).map_err(Problem::from),
        Err(problem) => {
            // Parts that nobody puts together would be paid for.
            let _ = parts.abort().await;
            Err(problem)
        }
    }
}

async fn read(store: &Store, key: &Path) -> Result<Option<Small>, Problem> {
    let got = match store.get(key).await {
        Ok(got) => got,
        Err(error) => {
            let problem = Problem::from(error);
            return if problem.kind == Kind::Missing { Ok(None) } else { Err(problem) };
        }
    };
    if got.meta.size > SMALL {
        return Err(Problem::new(
            Kind::Failed,
            format!("{key} has {} bytes: it is no pointer", got.meta.size),
        ));
    }
    let version = Version { etag: got.meta.e_tag.clone(), version: got.meta.version.clone() };
    let bytes = got.bytes().await?;
    let text = String::from_utf8(bytes.into()).map_err(|_| Problem::new(Kind::Failed, "it is not text"))?;
    Ok(Some(Small { text, version }))
}

async fn swap(store: &Store, key: &Path, text: &str, over: Option<Version>) -> Result<Answer, Problem> {
    let mode = match over {
        None => PutMode::Create,
        Some(Version { etag, version }) => PutMode::Update(UpdateVersion { e_tag: etag, version }),
    };
    let put = store.put_opts(key, PutPayload::from(text.as_bytes().to_vec()), mode.into()).await;
    let Err(error) = put else { return Ok(Answer::Done {}) };
    let problem = Problem::from(error);
    // The first try may have gone through, and only its answer been lost: then it is ours.
    let ours = || async { Ok::<_, Problem>(read(store, key).await?.is_some_and(|small| small.text == text)) };
    match problem.kind {
        Kind::Changed | Kind::Missing => match ours().await? {
            true => Ok(Answer::Done {}),
            false => Err(Problem { kind: Kind::Changed, ..problem }),
        },
        Kind::Unreachable | Kind::Failing | Kind::Failed if ours().await.unwrap_or(false) => {
            Ok(Answer::Done {})
        }
        _ => Err(problem),
    }
}
