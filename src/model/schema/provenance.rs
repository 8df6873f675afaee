//! Where the values of a path come from when a definition changes (`spec schema-fsl 2.2, 5.3`): an index over a field that
//! was only renamed goes on with its entries, one over a field that was modified is built anew.

use super::collection::{Collection, MigrationStep};
use crate::value::{PathPart, Str};
use std::collections::BTreeMap;

/// What the steps of a change do to fields.
#[derive(Debug, Default)]
pub struct Provenance {
    migrated: bool,
    fields: Fields,
    /// Set if undeclared fields were moved away: the fields that stayed.
    declared: Option<Vec<Str>>,
}

type Fields = BTreeMap<Str, Origin>;

#[derive(Debug)]
enum Origin {
    /// The field had this path before.
    Renamed(Vec<Str>),
    /// Its values are others than before.
    Modified,
    /// An object of whose fields some were renamed or modified.
    Within(Fields),
}

impl Provenance {
    /// What `steps`, in order, do.
    pub fn of<'a>(steps: impl IntoIterator<Item = &'a MigrationStep>) -> Provenance {
        let mut provenance = Provenance::default();
        for step in steps {
            provenance.follow(step);
        }
        provenance
    }

    fn follow(&mut self, step: &MigrationStep) {
        match step {
            MigrationStep::Add { path, .. } | MigrationStep::Drop { path } => self.modify(path),
            MigrationStep::Move { from, to } => self.rename(from, to),
            MigrationStep::Split { from, targets } => {
                if let Some(first) = targets.first()
                    && first.path != *from
                {
                    self.rename(from, &first.path);
                }
                targets.iter().for_each(|target| self.modify(&target.path));
            }
            MigrationStep::MoveConflicts { into } => self.modify(into),
            MigrationStep::MoveWildcard { into, declared } => {
                self.modify(into);
                let all = self.declared.get_or_insert_default();
                all.extend(declared.iter().cloned());
            }
            // It changes no document.
            MigrationStep::AddWildcard => return,
        }
        self.migrated = true;
    }

    fn modify(&mut self, path: &[PathPart]) {
        if let Some(names) = names(path) {
            self.insert(&names, Origin::Modified);
        }
    }

    fn rename(&mut self, from: &[PathPart], to: &[PathPart]) {
        let (Some(from), Some(to)) = (names(from), names(to)) else {
            return;
        };
        let origin = match self.origin(&from) {
            Some(Origin::Renamed(before)) => Origin::Renamed(before.clone()),
            Some(Origin::Modified | Origin::Within(_)) => Origin::Modified,
            None => Origin::Renamed(from),
        };
        self.insert(&to, origin);
    }

    fn origin(&self, path: &[Str]) -> Option<&Origin> {
        let mut fields = &self.fields;
        let mut found = None;
        for name in path {
            found = Some(fields.get(name)?);
            match found {
                Some(Origin::Within(inner)) => fields = inner,
                _ => return found,
            }
        }
        found
    }

    fn insert(&mut self, path: &[Str], origin: Origin) {
        let Some((last, parents)) = path.split_last() else {
            return;
        };
        let mut fields = &mut self.fields;
        for name in parents {
            let within = fields
                .entry(name.clone())
                .or_insert_with(|| Origin::Within(Fields::new()));
            if !matches!(within, Origin::Within(_)) {
                *within = Origin::Modified;
                return;
            }
            let Origin::Within(inner) = within else {
                return;
            };
            fields = inner;
        }
        fields.insert(last.clone(), origin);
    }

    /// The path that had, in `old`, the values which `path` has in `new`; `None` if it has others.
    pub fn before(
        &self,
        path: &[PathPart],
        old: &Collection,
        new: &Collection,
    ) -> Option<Vec<PathPart>> {
        let Some(PathPart::Field(first)) = path.first() else {
            return self.untouched().then(|| path.to_vec());
        };
        match (old.computed_field(first), new.computed_field(first)) {
            (None, None) => self.stored_before(first, path),
            (Some(old), Some(new)) if !self.migrated && old.body.text() == new.body.text() => {
                Some(path.to_vec())
            }
            _ => None,
        }
    }

    fn stored_before(&self, first: &Str, path: &[PathPart]) -> Option<Vec<PathPart>> {
        let stayed = |name: &Str| match &self.declared {
            Some(declared) => declared.contains(name),
            None => true,
        };
        let (prefix, within) = match &**first {
            "id" | "ts" | "ttl" => return stayed(first).then(|| path.to_vec()),
            "data" => path.split_at(1),
            _ => path.split_at(0),
        };
        let Some(names) = names(within).filter(|names| !names.is_empty()) else {
            return self.untouched().then(|| path.to_vec());
        };
        let before = match self.origin(&names) {
            Some(Origin::Renamed(before)) => before.clone(),
            Some(Origin::Modified | Origin::Within(_)) => return None,
            None => names,
        };
        if !before.first().is_some_and(stayed) {
            return None;
        }
        let before = before.into_iter().map(PathPart::Field);
        Some(prefix.iter().cloned().chain(before).collect())
    }

    fn untouched(&self) -> bool {
        self.fields.is_empty() && self.declared.is_none()
    }
}

/// The names of a path that goes through objects only.
fn names(path: &[PathPart]) -> Option<Vec<Str>> {
    path.iter()
        .map(|part| match part {
            PathPart::Field(name) => Some(name.clone()),
            PathPart::Index(_) => None,
        })
        .collect()
}
