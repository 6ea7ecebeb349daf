//! Files built here from bytes, as small as the format allows; real ones are read by `tests/binary.rs`.

use super::*;
use proptest::prelude::*;
use std::io::Cursor;

/// A 64-bit file with one loaded segment that holds `data` at offset 120 and address 0x1000 + 120.
fn elf(data: &[u8]) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend(2_u16.to_le_bytes()); // executable
    file.extend(62_u16.to_le_bytes()); // x86_64
    file.extend(1_u32.to_le_bytes());
    file.extend(0x1000_u64.to_le_bytes());
    file.extend(64_u64.to_le_bytes()); // its segments follow
    file.extend(0_u64.to_le_bytes()); // no sections
    file.extend(0_u32.to_le_bytes());
    for half in [64_u16, 56, 1, 64, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    file.extend(1_u32.to_le_bytes()); // loaded
    file.extend(6_u32.to_le_bytes());
    let size = 120 + data.len() as u64;
    for word in [0, 0x1000, 0x1000, size, size, 0x1000_u64] {
        file.extend(word.to_le_bytes());
    }
    file.extend(data);
    file
}

fn read(bytes: &[u8]) -> Result<BinaryFacts, String> {
    facts(&mut Cursor::new(bytes))
}

fn inside(data: &[u8]) -> BinaryFacts {
    read(&elf(data)).expect("it is ELF")
}

fn version(facts: &BinaryFacts, component: Component) -> Option<&str> {
    facts.native.inside.get(component)?.version.as_deref()
}

/// A text of Go's build information: its length in one or two bytes before it.
fn text(bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len();
    let head = if length < 128 { vec![length as u8] } else { vec![(length & 0x7f) as u8 | 0x80, (length >> 7) as u8] };
    [head, bytes.to_vec()].concat()
}

const LIST: &str = "path\texample.com/tool/cmd/serve\nmod\texample.com/tool\tv1.2.0\th1:x=\n\
                    dep\tgolang.org/x/sync\tv0.7.0\th1:y=\ndep\texample.com/old\tv1.0.0\n=>\texample.com/new\tv2.0.0\th1:z=\n\
                    build\t-compiler=gc\nbuild\tCGO_ENABLED=0\n";

fn marked() -> Vec<u8> {
    [&[b'0'; 16][..], LIST.as_bytes(), &[b'1'; 16]].concat()
}

fn check_go(facts: &BinaryFacts) {
    let go = facts.go.as_ref().expect("it is Go");
    assert_eq!((go.version.as_str(), go.package.as_deref()), ("1.22.3", Some("example.com/tool/cmd/serve")));
    let modules: Vec<_> =
        go.dependencies.iter().map(|module| (module.path.as_str(), module.version.as_str())).collect();
    assert_eq!(modules, [("golang.org/x/sync", "v0.7.0"), ("example.com/new", "v2.0.0")]);
    assert_eq!(go.settings[1], ("CGO_ENABLED".to_owned(), "0".to_owned()));
    assert_eq!(version(facts, Component::Go), Some("1.22.3"));
    assert_eq!(facts.native.inside.get(Component::Go).map(Found::evidence), Some(Evidence::BuildInfo));
    // All of a Go program is in its list: that there is no name in it hides nothing.
    assert_eq!(facts.native.inside.has(Component::OpenMp), Some(false));
}

#[test]
fn what_go_wrote_down_is_read_with_its_texts_in_place() {
    let mut data = vec![0; 8]; // to the next multiple of 16
    data.extend(b"\xff Go buildinf:\x08\x02");
    data.resize(8 + 32, 0);
    data.extend(text(b"go1.22.3"));
    data.extend(text(&marked()));
    check_go(&inside(&data));
}

#[test]
fn what_go_wrote_down_is_read_by_the_addresses_of_its_texts() {
    let (list, base) = (marked(), 0x1000 + 120_u64);
    for big_endian in [false, true] {
        let word = |number: u64| if big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
        let mut data = b"\xff Go buildinf:\x08".to_vec();
        data.push(u8::from(big_endian));
        data.extend([word(base + 32), word(base + 48)].concat());
        data.extend([word(base + 64), word(8), word(base + 72), word(list.len() as u64)].concat());
        data.extend(b"go1.22.3");
        data.extend(&list);
        check_go(&inside(&data));
    }
}

#[test]
fn build_information_that_makes_no_sense_is_none() {
    let whole = {
        let mut data = b"\xff Go buildinf:\x08\x02".to_vec();
        data.resize(32, 0);
        [data, text(b"go1.22.3"), text(&marked())].concat()
    };
    for length in 0..whole.len() {
        let facts = inside(&whole[..length]);
        assert!(facts.go.is_none_or(|go| go.version == "1.22.3"), "cut to {length}");
    }
    for (at, byte) in [(15, 0), (15, 1), (32, 0xff), (32, 0), (33, b'x')] {
        let mut spoilt = whole.clone();
        spoilt[at] = byte;
        assert_eq!(inside(&spoilt).go, None, "byte {at} is {byte}");
    }
}

#[test]
fn crates_are_known_by_the_paths_of_their_source() {
    for (path, component, expect) in [
        (
            "/root/.cargo/registry/src/index.crates.io-6f17d22bba15001f/tokio-1.38.0/src/task/mod.rs",
            "tokio",
            Some("1.38.0"),
        ),
        ("/usr/share/cargo/registry/rayon-1.10.0/src/lib.rs", "rayon", Some("1.10.0")),
        // Its core has a version of its own.
        ("/usr/share/cargo/registry/rayon-core-1.12.1/src/registry.rs", "rayon", None),
        ("/build/vendor/tokio-1.0.0-rc.1+x/src/lib.rs", "tokio", Some("1.0.0-rc.1+x")),
        ("/build/external/crates__tokio-1.2.3/src/lib.rs", "tokio", Some("1.2.3")),
        ("/registry/src/x/tokio-stream-0.1.15/src/lib.rs", "tokio", None),
        ("/registry/src/x/my-tokio-1.2.3/src/lib.rs", "tokio", None),
        ("see tokio-1.38.0/src/ for more", "tokio", None),
        ("/tokio-1.38.0/tests/x.rs", "tokio", None),
    ] {
        let facts = inside(format!("panicked at {path}:1:2").as_bytes());
        let component = Component::ALL.into_iter().find(|known| known.name() == component).expect("it is one of ours");
        assert_eq!(version(&facts, component), expect, "{path}");
        let is_it = expect.is_some() || path.contains("rayon-core");
        assert_eq!(facts.native.inside.get(component).is_some(), is_it, "{path}");
    }
}

#[test]
fn a_sign_is_found_wherever_a_window_ends() {
    const TEXT: &[u8] = b"/registry/src/x/tokio-1.38.0/src/lib.rs";
    for before in (0..60).step_by(6).map(|more| (1 << 20) - 120 - 40 + more) {
        let mut data = vec![b'.'; before];
        data.extend(TEXT);
        assert_eq!(version(&inside(&data), Component::Tokio), Some("1.38.0"), "after {before} bytes");
    }
}

#[test]
fn what_cannot_be_told_is_said() {
    for (data, expect) in [
        (&b""[..], Unknown::Nameless),
        (b"\0\0UPX!\r\x11", Unknown::Packed),
        (b"library/std/src/thread/mod.rs", Unknown::NoCrates),
    ] {
        let facts = inside(data);
        assert!(facts.native.inside.unknown.contains(&expect), "{expect:?}: {:?}", facts.native.inside);
        assert_eq!(facts.native.inside.has(Component::OpenMp), None);
    }
    assert!(inside(b"\0\0UPX!\r\x11 library/std/src/").native.inside.found.is_empty());
}

#[test]
fn what_is_no_elf_file_is_told_as_what_it_is() {
    for (bytes, expect) in [
        (&b""[..], "it is empty"),
        (b"!<arch>\n", "a static library"),
        (b"MZ\x90\0", "a Windows program"),
        (b"\xcf\xfa\xed\xfe\x07\0\0\x01", "a macOS program"),
        (b"\xca\xfe\xba\xbe\0\0\0\x02", "a macOS program for several"),
        (b"\xca\xfe\xba\xbe\0\0\0\x41", "a Java class"),
        (b"#!/bin/sh\n", "it is a script"),
        (b"print('x')\n", "it is no native program"),
        (b"\x7fELF", "cut short or make no sense"),
        (b"\x7fELF\x02\x01\x01\0", "cut short or make no sense"),
    ] {
        let refused = read(bytes).expect_err("it is no ELF file");
        assert!(refused.contains(expect), "{bytes:?}: {refused}");
    }
    let mut core = elf(b"");
    core[16] = 4;
    assert!(read(&core).expect_err("it is a core dump").contains("core dump"));
}

#[test]
fn tables_that_lie_outside_are_said_and_not_read() {
    let whole = elf(b"/registry/src/x/tokio-1.38.0/src/lib.rs");
    // The segment is longer than the file: what there is of it is read.
    let mut longer = whole.clone();
    longer[96..104].copy_from_slice(&u64::MAX.to_le_bytes());
    let facts = read(&longer).expect("it is ELF");
    assert!(facts.native.inside.unknown.contains(&Unknown::Damaged));
    assert_eq!(version(&facts, Component::Tokio), Some("1.38.0"));
}

#[test]
fn a_file_that_names_the_same_part_many_times_is_read_once() {
    let mut file = elf(b"");
    let segment = file[64..120].to_vec();
    let many = 60_000_u16;
    file[56..58].copy_from_slice(&many.to_le_bytes());
    file.truncate(64);
    (0..many).for_each(|_| file.extend(&segment));
    let length = file.len() as u64;
    // Each segment is the whole file.
    for at in (0..usize::from(many)).map(|number| 64 + number * 56) {
        file[at + 32..at + 40].copy_from_slice(&length.to_le_bytes());
    }
    let frame = headers::frame(&mut Cursor::new(&file)).expect("it is ELF");
    assert_eq!(frame.layout.loaded(), vec![0..length]);
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(bytes: Vec<u8>, spoilt in proptest::collection::vec((0_usize..200, any::<u8>()), 0..8)) {
        let _ = read(&bytes);
        let mut file = elf(&bytes);
        for (at, byte) in spoilt {
            if let Some(place) = file.get_mut(at) {
                *place = byte;
            }
        }
        let _ = read(&file);
    }
}
