//! What gives a [`Component`] away in a file: data, one list for each.
//!
//! A sign is chosen so that finding it means the component's code is there or called, not that it is mentioned; only
//! the texts may be mentions too, and are ranked last for it. Names are of the components' current and last major
//! versions. Where they were found in a file is `scan`'s.

use super::component::Component::{self, *};

/// One sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// Beginning of the name of a shared library that is needed.
    Library(&'static str),
    /// Name of a section.
    Section(&'static str),
    /// Name of a symbol.
    Symbol(&'static str),
    /// Beginning of a symbol's name.
    SymbolStart(&'static str),
    /// Part of a symbol's name: C++ and Rust put whole paths into one.
    SymbolPart(&'static str),
    /// A text of the loaded data that is a C string of its own.
    Word(&'static str),
    /// A text anywhere in the loaded data; Rust's have no ends.
    Text(&'static str),
    /// A crate, by the path of its source that a panic would name: `/NAME-VERSION/src/`.
    Crate(&'static str),
    /// What the compiler leaves in `.comment`, followed by its version.
    Compiler(&'static str),
}

use Sign::{Compiler, Crate, Library, Section, Symbol, SymbolPart, SymbolStart, Text, Word};

/// All signs. Go's build information is read by `go`.
pub(super) const SIGNS: &[(Component, &[Sign])] = &[
    (Go, &[Section(".gopclntab"), Section(".note.go.buildid"), Section(".go.buildinfo"), Symbol("runtime.newproc")]),
    (
        Rust,
        &[
            Compiler("rustc version "),
            Symbol("rust_eh_personality"),
            Symbol("__rust_alloc"),
            SymbolPart("17rust_begin_unwind"),
            Text("library/std/src/"),
        ],
    ),
    (
        CPython,
        &[
            Library("libpython"),
            SymbolStart("Py_Initialize"),
            Symbol("Py_BytesMain"),
            Symbol("Py_RunMain"),
            Word("PYTHONHASHSEED"),
        ],
    ),
    (Node, &[Library("libnode.so"), SymbolStart("_ZN4node5Start"), SymbolStart("napi_module_register")]),
    (
        Jvm,
        &[
            Library("libjvm.so"),
            Library("libjli.so"),
            Symbol("JNI_CreateJavaVM"),
            Symbol("JLI_Launch"),
            Symbol("graal_create_isolate"),
        ],
    ),
    (DotNet, &[Library("libcoreclr.so"), Library("libhostfxr.so"), Symbol("coreclr_initialize"), Word("DOTNET_ROOT")]),
    (Ghc, &[Library("libHSrts"), Symbol("hs_init_ghc"), Symbol("hs_main")]),
    (Ruby, &[Library("libruby"), Symbol("ruby_init"), Symbol("ruby_sysinit")]),
    (BoehmGc, &[Library("libgc.so"), Symbol("GC_pthread_create"), Symbol("GC_init")]),
    (
        Tokio,
        &[
            Crate("tokio"),
            SymbolPart("5tokio7runtime"),
            Text("/tokio/src/runtime/"),
            Text("tokio-runtime-worker"),
            Text("TOKIO_WORKER_THREADS"),
        ],
    ),
    (
        Rayon,
        &[
            Crate("rayon-core"),
            Crate("rayon"),
            SymbolPart("10rayon_core"),
            Text("/rayon-core/src/"),
            Text("RAYON_NUM_THREADS"),
        ],
    ),
    (AsyncStd, &[Crate("async-std"), SymbolPart("9async_std")]),
    (Smol, &[Crate("async-executor"), Crate("smol"), SymbolPart("14async_executor")]),
    (
        OpenMp,
        &[
            Library("libgomp.so"),
            Library("libomp.so"),
            Library("libomp5.so"),
            Library("libiomp5.so"),
            SymbolStart("GOMP_"),
            SymbolStart("__kmpc_"),
            Word("OMP_NUM_THREADS"),
        ],
    ),
    (Tbb, &[Library("libtbb.so"), SymbolStart("_ZN3tbb"), SymbolStart("_ZNK3tbb"), SymbolStart("_ZTIN3tbb")]),
    (Mpi, &[Library("libmpi.so"), Library("libmpich.so"), Symbol("MPI_Init"), Symbol("MPI_Init_thread")]),
    (
        Libuv,
        &[
            Library("libuv.so"),
            Symbol("uv_run"),
            Symbol("uv_queue_work"),
            Symbol("uv_loop_init"),
            Word("UV_THREADPOOL_SIZE"),
        ],
    ),
    (Libevent, &[Library("libevent-"), Library("libevent_core"), Symbol("event_base_loop")]),
    (Libev, &[Library("libev.so"), Symbol("ev_run"), Symbol("ev_default_loop")]),
    (BoostAsio, &[SymbolPart("5boost4asio")]),
    (GlibPool, &[Symbol("g_thread_pool_new"), Symbol("g_thread_pool_push")]),
    (QtPool, &[SymbolStart("_ZN11QThreadPool"), SymbolStart("_ZN12QtConcurrent")]),
    (OpenBlas, &[Library("libopenblas"), SymbolStart("openblas_"), Word("OPENBLAS_NUM_THREADS")]),
    (Mkl, &[Library("libmkl_"), SymbolStart("mkl_serv_"), Word("MKL_NUM_THREADS")]),
    (Blis, &[Library("libblis"), Symbol("bli_thread_set_num_threads"), Word("BLIS_NUM_THREADS")]),
    (AnyBlas, &[Library("libblas.so"), Library("libcblas.so"), Library("libflexiblas.so")]),
    (
        RustThreads,
        &[
            SymbolPart("3std6thread7Builder"),
            SymbolPart("6thread6Thread3new"),
            SymbolPart("6thread4unix6Thread3new"),
            Text("RUST_MIN_STACK"),
        ],
    ),
    // What starts one: asking for the number of cores, or for one's own name, is no sign.
    (
        CppThreads,
        &[
            SymbolPart("St6thread15_M_start_thread"),
            SymbolPart("St6thread11_State_impl"),
            SymbolPart("3__115__thread_struct"),
        ],
    ),
    (PosixThreads, &[Symbol("pthread_create"), Symbol("__pthread_create_2_1"), Symbol("thrd_create")]),
    (
        Epoll,
        &[
            Symbol("epoll_create"),
            Symbol("epoll_create1"),
            Symbol("epoll_ctl"),
            Symbol("epoll_wait"),
            Symbol("epoll_pwait"),
            Symbol("epoll_pwait2"),
        ],
    ),
    (
        IoUring,
        &[
            Library("liburing.so"),
            Symbol("io_uring_setup"),
            SymbolStart("io_uring_queue_init"),
            Crate("io-uring"),
            SymbolPart("8io_uring"),
        ],
    ),
];
