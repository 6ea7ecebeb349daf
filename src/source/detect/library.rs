//! Which library a file's coroutines run under, and what its callables are called there: nobody who uses trio is told
//! to use asyncio.

use crate::source::walk::File;
use std::borrow::Cow;

/// What runs coroutines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Library {
    /// asyncio, and what is built on it.
    Asyncio,
    /// trio.
    Trio,
    /// anyio, which runs on either.
    Anyio,
}

/// What messages and tables say for asyncio, and for trio and anyio in its place. Longer ones come before their parts.
const WORDS: [[&str; 3]; 12] = [
    ["asyncio.wrap_future() or asyncio.to_thread()", "trio.to_thread.run_sync()", "anyio.to_thread.run_sync()"],
    ["asyncio.to_thread", "trio.to_thread.run_sync", "anyio.to_thread.run_sync"],
    ["asyncio.sleep", "trio.sleep", "anyio.sleep"],
    ["asyncio.create_subprocess_exec", "trio.run_process", "anyio.run_process"],
    [
        "asyncio's streams, or the event loop's own getaddrinfo()",
        "trio.open_tcp_stream(), or trio.socket.getaddrinfo()",
        "anyio.connect_tcp(), or anyio.getaddrinfo()",
    ],
    ["httpx.AsyncClient or aiohttp", "httpx.AsyncClient", "httpx.AsyncClient"],
    ["redis.asyncio, or ", "", "redis.asyncio, or "],
    ["aioboto3, or ", "", "aioboto3, or "],
    ["loop.run_in_executor() with a ProcessPoolExecutor", "trio_parallel.run_sync()", "anyio.to_process.run_sync()"],
    ["asyncio.gather() or a TaskGroup", "a nursery", "a task group"],
    ["asyncio.Semaphore", "trio.CapacityLimiter", "anyio.CapacityLimiter"],
    ["asyncio.Lock", "trio.Lock", "anyio.Lock"],
];

impl Library {
    /// The one that a file uses. One that uses asyncio as well is asyncio's: it runs under nothing else.
    pub fn of(file: &File<'_>) -> Self {
        let uses = |name: &str| file.mentions(&format!("import {name}")) || file.mentions(&format!("from {name}"));
        if file.mentions("asyncio") {
            Self::Asyncio
        } else if uses("trio") {
            Self::Trio
        } else if uses("anyio") {
            Self::Anyio
        } else {
            Self::Asyncio
        }
    }

    /// A text that is worded for asyncio, in this library's words.
    pub fn say(self, text: &str) -> Cow<'_, str> {
        let column = match self {
            Self::Asyncio => return Cow::Borrowed(text),
            Self::Trio => 1,
            Self::Anyio => 2,
        };
        Cow::Owned(WORDS.iter().fold(text.to_owned(), |text, words| text.replace(words[0], words[column])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::catalogue::Catalogue;
    use crate::source::names::Module;
    use crate::source::python::Source;
    use std::path::Path;

    #[test]
    fn a_file_is_told_of_the_library_that_it_uses() {
        let module = Module { name: "app".to_owned(), is_package: false };
        for (text, expected) in [
            ("import trio\n", "await trio.sleep()"),
            ("from anyio import run\n", "await anyio.sleep()"),
            ("import asyncio\nimport anyio\n", "await asyncio.sleep()"),
            ("from fastapi import FastAPI\n", "await asyncio.sleep()"),
        ] {
            let source = Source::parse(Path::new("app.py"), text.as_bytes()).expect("it is text");
            let library = Library::of(&File::of(&source, &module));
            assert_eq!(library.say("await asyncio.sleep()"), expected, "{text}");
        }
    }

    #[test]
    fn no_advice_of_the_tables_names_asyncio_to_who_does_not_use_it() {
        let catalogue = Catalogue::get();
        for table in [&catalogue.blocking, &catalogue.cpu_work, &catalogue.clients] {
            for group in table.groups() {
                for library in [Library::Trio, Library::Anyio] {
                    let said = library.say(&group.instead).replace("redis.asyncio", "");
                    assert!(!said.contains("asyncio"), "{}: {said}", group.kind);
                }
            }
        }
    }
}
