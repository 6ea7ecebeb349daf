//! What a recommendation says where a cluster was named: the address in the code, what the cluster adds to this
//! machine. Pure.

use super::Recommendation;
use crate::host::Host;
use crate::trial::cluster::Cluster;
use crate::trial::model::Model;
use crate::units::{Bytes, counted};

/// Where the sketch has the address.
const ADDRESS: &str = "{ADDRESS}";

impl Recommendation {
    /// The same recommendation, with the cluster that was named; `memory` is what one worker takes.
    #[must_use]
    pub fn of_cluster(mut self, cluster: Option<&Cluster>, host: &Host, memory: Bytes) -> Self {
        let address = cluster.map_or("tcp://SCHEDULER:8786", |cluster| cluster.address.as_str());
        self.snippet = self.snippet.replace(ADDRESS, address);
        let Some(cluster) = cluster.filter(|_| self.setting.model == Model::Cluster) else { return self };
        self.reason = format!("{} {}", self.reason, gain(cluster, host, memory));
        self.policy = format!("min(cluster threads, {})", self.setting.workers);
        if let Some(chunk) = self.setting.chunk_size.filter(|chunk| *chunk > 1) {
            self.advice.push(format!(
                "Its trial handed over {chunk} items at a time, which Dask's map does not do by itself: map a function \
                 that takes a list of items."
            ));
        }
        self
    }
}

/// What there is on the cluster and not here: memory where that is what is lacking, else cores.
fn gain(cluster: &Cluster, host: &Host, memory: Bytes) -> String {
    let (cpus, threads) = (host.cpus.usable(), cluster.threads);
    let here = host.memory.usable().filter(|usable| memory > Bytes(0) && usable.0 < memory.0.saturating_mul(2));
    match (here, cluster.memory_each) {
        (Some(usable), Some(each)) => format!(
            "A worker takes {memory}: this machine has {usable} for all, each of the cluster's {} workers {each}.",
            cluster.workers
        ),
        _ => format!("This machine has {}, the cluster {}.", counted(cpus, "CPU"), counted(threads, "thread")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_cluster_adds_is_memory_where_that_is_lacking_and_cores_elsewhere() {
        let mut host = Host::default();
        host.cpus.affinity = 2;
        host.memory.available = Bytes(8 << 30);
        host.memory.total = Bytes(8 << 30);
        let each = Some(Bytes(16 << 30));
        let cluster = Cluster { workers: 4, threads: 16, memory_each: each, ..Cluster::default() };
        assert_eq!(gain(&cluster, &host, Bytes(1 << 20)), "This machine has 2 CPUs, the cluster 16 threads.");
        assert!(gain(&cluster, &host, Bytes(6 << 30)).contains("each of the cluster's 4 workers"));
        let untold = Cluster { memory_each: None, ..cluster };
        assert!(gain(&untold, &host, Bytes(6 << 30)).contains("the cluster 16 threads"));
    }
}
