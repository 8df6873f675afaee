//! How far the building of indexes is, for whoever waits for it.
//!
//! The state of a build names the last document that was indexed. How many documents that makes, and of how many, is
//! counted beside it from the keys of the collection, a portion at each look, so that nobody waits for the count. A look
//! reads only, and tells nothing to authorities that could not read the collection's definition.

use super::session::error_of;
use super::{QueryError, Session};
use crate::access::Permissions;
use crate::model::Txn;
use crate::model::schema::{Collection, IndexStatus};
use crate::value::{CollId, DocId, IndexId, Str};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a look may count documents.
const COUNTING: Duration = Duration::from_millis(30);
/// Every so many documents the count is noted.
const MARK: u64 = 250;

/// An index that is being built, or was when it was first looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexBuild {
    /// Tells it from the other indexes of its database.
    pub id: u64,
    /// `Item.byName`; several names where indexes or constraints share what is built.
    pub name: Str,
    /// Documents indexed so far, as far as they have been counted.
    pub done: u64,
    /// Documents to index; not known before they have been counted.
    pub total: Option<u64>,
    /// How it stands.
    pub state: BuildState,
}

/// How a build stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildState {
    /// Documents are being indexed.
    Building,
    /// Every document is indexed.
    Complete,
    /// Given up: a document could not be indexed.
    Failed,
    /// The index was deleted meanwhile.
    Gone,
}

/// Looks at the builds of a session's database, again and again.
pub struct BuildWatch {
    session: Session,
    /// The name of the watch in another process.
    name: u64,
    seen: BTreeMap<IndexId, Seen>,
    counts: BTreeMap<CollId, Count>,
}

struct Seen {
    collection: CollId,
    build: IndexBuild,
}

/// The documents of a collection, counted up to one of them.
#[derive(Default)]
struct Count {
    /// Ids and how many documents there are up to them.
    marks: Vec<(DocId, u64)>,
    counted: u64,
    last: Option<DocId>,
    finished: bool,
}

impl Session {
    /// A watch over the indexes that are being built in this database.
    pub fn watch_builds(&self) -> BuildWatch {
        BuildWatch {
            session: self.clone(),
            name: rand::random(),
            seen: BTreeMap::new(),
            counts: BTreeMap::new(),
        }
    }
}

impl BuildWatch {
    /// The builds, those that have ended since the first look included. None where the
    /// authority may not know of them, or another process does not tell.
    pub fn look(&mut self) -> Result<Vec<IndexBuild>, QueryError> {
        if let Some(remote) = self.session.away() {
            return Ok(remote.builds(&self.session, self.name));
        }
        let (mut txn, principal) = self.session.begin().map_err(error_of)?;
        match &principal.permissions {
            Permissions::Admin
            | Permissions::Server
            | Permissions::ServerReadOnly
            | Permissions::Predicate => {}
            Permissions::Client | Permissions::Roles(_) => return Ok(Vec::new()),
        }
        let failed = |error: crate::model::ModelError| error_of(error.into());
        let builds = txn.builds().map_err(failed)?;
        for seen in self.seen.values_mut() {
            seen.build.state = BuildState::Gone;
        }
        for build in &builds {
            if self.seen.contains_key(&build.index) {
                continue;
            }
            let found = txn.schema().with_index(build.collection, build.index);
            let Some((collection, _)) = &found else {
                continue;
            };
            let seen = Seen {
                collection: build.collection,
                build: IndexBuild {
                    id: build.index.0,
                    name: match txn.schema().legacy_index(build.index) {
                        Some(index) => index.name.clone(),
                        None => name_of(collection, build.index),
                    },
                    done: 0,
                    total: None,
                    state: BuildState::Building,
                },
            };
            self.seen.insert(build.index, seen);
        }
        self.count(&mut txn).map_err(failed)?;
        for (index, seen) in &mut self.seen {
            let count = self.counts.get(&seen.collection);
            seen.build.total = count.filter(|c| c.finished).map(|c| c.counted);
            let building = builds.iter().find(|build| build.index == *index);
            if let Some(building) = building {
                seen.build.state = BuildState::Building;
                seen.build.done = count.map_or(0, |count| count.up_to(building.done));
                continue;
            }
            seen.build.done = seen.build.total.unwrap_or(seen.build.done);
            let found = txn.schema().with_index(seen.collection, *index);
            let legacy = txn.schema().legacy_index(*index).map(|index| index.status);
            seen.build.state = match found.map(|(_, backing)| backing.status).or(legacy) {
                // Its definition is of the schema before this look.
                Some(IndexStatus::Building | IndexStatus::Complete) => BuildState::Complete,
                Some(IndexStatus::Failed) => BuildState::Failed,
                None => BuildState::Gone,
            };
        }
        Ok(self.seen.values().map(|seen| seen.build.clone()).collect())
    }

    /// Counts on, for a while.
    fn count(&mut self, txn: &mut Txn) -> Result<(), crate::model::ModelError> {
        let until = Instant::now() + COUNTING;
        for seen in self.seen.values() {
            let count = self.counts.entry(seen.collection).or_default();
            if count.finished {
                continue;
            }
            let after = count.last;
            count.finished = txn.each_document_id(seen.collection, after, |id| {
                count.counted += 1;
                count.last = Some(id);
                if !count.counted.is_multiple_of(MARK) {
                    return true;
                }
                count.marks.push((id, count.counted));
                Instant::now() < until
            })?;
            if Instant::now() >= until {
                break;
            }
        }
        Ok(())
    }
}

impl IndexBuild {
    /// A build as another process tells of it.
    pub(super) fn of_json(json: &Json) -> Option<IndexBuild> {
        Some(IndexBuild {
            id: json.get("id")?.as_u64()?,
            name: json.get("name")?.as_str()?.into(),
            done: json.get("done")?.as_u64()?,
            total: json.get("total")?.as_u64(),
            state: match json.get("state")?.as_str()? {
                "building" => BuildState::Building,
                "complete" => BuildState::Complete,
                "failed" => BuildState::Failed,
                _ => BuildState::Gone,
            },
        })
    }
}

impl Count {
    /// How many documents there are up to one, as far as is known.
    fn up_to(&self, id: Option<DocId>) -> u64 {
        let Some(id) = id else {
            return 0;
        };
        if self.last.is_some_and(|last| last <= id) {
            return self.counted;
        }
        let marks = self.marks.partition_point(|(mark, _)| *mark <= id);
        let mark = marks.checked_sub(1).and_then(|at| self.marks.get(at));
        mark.map_or(0, |(_, counted)| *counted)
    }
}

fn name_of(collection: &Collection, id: IndexId) -> Str {
    let indexes = collection.indexes.iter();
    let names: Vec<String> = indexes
        .filter(|index| index.index == Some(id))
        .map(|index| format!("{}.{}", collection.name, index.name))
        .collect();
    match names.is_empty() {
        true => format!("a unique constraint of {}", collection.name).into(),
        false => names.join(", ").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, Request};

    fn run(session: &Session, text: &str) {
        let outcome = session.query(&Request::text(text));
        assert!(outcome.result.is_ok(), "{text}: {}", outcome.summary);
    }

    #[test]
    fn a_build_is_seen_from_its_beginning_to_its_end() {
        let root = Engine::memory().unwrap().root();
        let mut watch = root.watch_builds();
        run(&root, "Collection.create({ name: 'Item' })");
        run(
            &root,
            "Set.sequence(0, 1000).forEach(n => Item.create({ n: n }))",
        );
        assert_eq!(watch.look().unwrap(), []);
        run(
            &root,
            "Collection.byName('Item')!.update({ indexes: { byN: { terms: [{ field: 'n' }] } } })",
        );
        let until = Instant::now() + Duration::from_secs(60);
        let mut before = 0;
        loop {
            let builds = watch.look().unwrap();
            let Some(build) = builds.first() else {
                // It was over before the first look.
                break;
            };
            assert_eq!(&*build.name, "Item.byN");
            assert!(build.done >= before && build.done <= build.total.unwrap_or(1000));
            before = build.done;
            if build.state == BuildState::Complete {
                assert_eq!(build.total, Some(1000));
                break;
            }
            assert_eq!(build.state, BuildState::Building);
            assert!(Instant::now() < until, "the build does not end");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn documents_are_counted_by_their_marks() {
        let count = Count {
            marks: vec![(DocId(10), 250), (DocId(20), 500)],
            counted: 600,
            last: Some(DocId(24)),
            finished: true,
        };
        assert_eq!(count.up_to(None), 0);
        assert_eq!(count.up_to(Some(DocId(9))), 0);
        assert_eq!(count.up_to(Some(DocId(10))), 250);
        assert_eq!(count.up_to(Some(DocId(23))), 500);
        assert_eq!(count.up_to(Some(DocId(24))), 600);
    }
}
