//! Findings joined to real runs. A machine under load may show too little of one run; a claim that is wrong is wrong in
//! each, so a measurement may be made three times.

#[expect(dead_code, reason = "the scene serves other tests too")]
mod support;

use concadvise::report::schema::Finding;
use concadvise::report::toml::read;
use std::fs;
use support::scene;

const ATTEMPTS: usize = 3;

/// The findings of a run of that program, at the first attempt that shows what is `wanted` of them.
fn findings(program: &str, wanted: impl Fn(&[Finding]) -> bool) -> Vec<Finding> {
    let mut seen = Vec::new();
    for _ in 0..ATTEMPTS {
        let ran = scene().file("app.py", 0o644, program).watch(["python3", "app.py"]);
        assert!(ran.status.success(), "{}", ran.stderr);
        let text = fs::read_to_string(ran.folder.path().join("concadvise.toml")).expect("a report");
        seen = read(&text).expect("it is a report of ours").finding;
        if wanted(&seen) {
            return seen;
        }
    }
    panic!("not in {ATTEMPTS} attempts: {seen:#?}");
}

fn at<'a>(findings: &'a [Finding], code: &str, line: u64) -> Option<&'a Finding> {
    findings.iter().find(|finding| finding.code == code && finding.line == line)
}

#[test]
fn a_blocking_call_is_confirmed_with_its_cost_and_one_that_takes_no_time_is_not_raised() {
    let program = "\
import asyncio
import time

async def blocking():
    time.sleep(0.2)

async def harmless(item):
    if item < 0:
        time.sleep(0.2)
    await asyncio.sleep(0.01)

async def main():
    for item in range(12):
        await blocking()
        await harmless(item)

asyncio.run(main())
";
    let all = findings(program, |all| at(all, "CON101", 5).is_some_and(|finding| finding.evidence == "run"));
    let confirmed = at(&all, "CON101", 5).expect("it was wanted");
    assert_eq!((confirmed.level.as_str(), confirmed.path.as_str()), ("error", "app.py"));
    assert!(confirmed.message.contains("line 5 blocked the loop for about "), "{}", confirmed.message);
    let other = at(&all, "CON101", 9).expect("the source has it");
    assert!(matches!(other.level.as_str(), "warning" | "info"), "{other:?}");
    assert!(!other.message.contains("blocked the loop for"), "{other:?}");
    let order: Vec<u64> = all.iter().map(|finding| finding.line).collect();
    assert_eq!(order.first(), Some(&5), "what was confirmed comes first: {order:?}");
}

#[test]
fn threads_that_compute_in_python_are_told_of_where_their_pool_is_built() {
    let program = "\
from concurrent.futures import ThreadPoolExecutor

def count(limit):
    return sum(n % 7 for n in range(limit))

if __name__ == '__main__':
    with ThreadPoolExecutor(max_workers=3) as pool:
        print(sum(pool.map(count, [1_500_000] * 36)))
";
    let all = findings(program, |all| at(all, "CON601", 7).is_some());
    let found = at(&all, "CON601", 7).expect("it was wanted");
    assert_eq!((found.level.as_str(), found.evidence.as_str()), ("warning", "run"));
    assert!(all.iter().all(|finding| finding.code != "CON602"), "{all:?}");
}

#[test]
fn processes_that_wait_are_told_of_where_their_pool_is_built() {
    let program = "\
import time
from concurrent.futures import ProcessPoolExecutor

def fetch(item):
    time.sleep(0.25)
    return item

if __name__ == '__main__':
    with ProcessPoolExecutor(max_workers=3) as pool:
        print(sum(pool.map(fetch, range(36))))
";
    let all = findings(program, |all| at(all, "CON602", 9).is_some());
    let found = at(&all, "CON602", 9).expect("it was wanted");
    assert_eq!((found.level.as_str(), found.evidence.as_str()), ("warning", "run"));
    assert!(all.iter().all(|finding| finding.code != "CON601"), "{all:?}");
}
