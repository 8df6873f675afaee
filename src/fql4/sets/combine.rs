//! Several walks as one: unions, intersections, differences, joins.
//!
//! All walks give their elements in one order, so that equal elements come together. An element counts as often as it
//! occurs: a union has it as often as the set that has it most, an intersection as often as the set that has it least.

use super::element::Element;
use super::walk::Walk;
use crate::fql4::error::Result;
use crate::fql4::eval::Evaluator;
use std::collections::VecDeque;

/// What becomes of equal elements of several sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Those of the set that has most.
    Union,
    /// If every set has some: those of the set that has fewest.
    Intersection,
    /// Those of the first set if no other has any.
    Difference,
    /// One.
    Join,
}

/// Walks that are merged.
pub struct Merge {
    walks: Vec<(Box<dyn Walk>, Option<Element>)>,
    rule: Rule,
    ascending: bool,
    started: bool,
    ready: VecDeque<Element>,
}

impl Merge {
    /// Merges walks that all go in one direction.
    pub fn new(walks: Vec<Box<dyn Walk>>, rule: Rule, ascending: bool) -> Merge {
        Merge {
            walks: walks.into_iter().map(|walk| (walk, None)).collect(),
            rule,
            ascending,
            started: false,
            ready: VecDeque::new(),
        }
    }

    /// The next key: the least or greatest of those that come next.
    fn next_key(&self) -> Option<Vec<u8>> {
        let heads = self.walks.iter().filter_map(|(_, head)| head.as_ref());
        let keys = heads.map(|element| &element.key);
        let key = if self.ascending {
            keys.min()
        } else {
            keys.max()
        };
        key.cloned()
    }

    /// Takes all elements with a key, by walk.
    fn take(&mut self, me: &mut Evaluator, key: &[u8]) -> Result<Vec<Vec<Element>>> {
        let mut groups = Vec::with_capacity(self.walks.len());
        for (walk, head) in &mut self.walks {
            let mut group = Vec::new();
            while let Some(element) = head.take_if(|element| element.key == key) {
                me.interp.charge(1)?;
                group.push(element);
                *head = walk.next(me)?;
            }
            groups.push(group);
        }
        Ok(groups)
    }

    fn select(&self, groups: Vec<Vec<Element>>) -> Vec<Element> {
        let sources: Vec<_> = match self.rule {
            // What comes last is named first.
            Rule::Union | Rule::Join | Rule::Difference | Rule::Intersection => groups
                .iter()
                .rev()
                .flatten()
                .flat_map(|element| element.sources.iter().cloned())
                .collect(),
        };
        let chosen = match self.rule {
            Rule::Union => {
                let most = groups.iter().map(Vec::len).max().unwrap_or(0);
                groups.into_iter().find(|group| group.len() == most)
            }
            Rule::Intersection => {
                let fewest = groups.iter().map(Vec::len).min().unwrap_or(0);
                groups.into_iter().find(|group| group.len() == fewest)
            }
            Rule::Difference => {
                let mut groups = groups.into_iter();
                let first = groups.next();
                match groups.all(|group| group.is_empty()) {
                    true => first,
                    false => None,
                }
            }
            Rule::Join => {
                let mut one = groups.into_iter().find(|group| !group.is_empty());
                one.iter_mut().for_each(|group| group.truncate(1));
                one
            }
        };
        let mut chosen = chosen.unwrap_or_default();
        for element in &mut chosen {
            element.sources.clone_from(&sources);
        }
        chosen
    }
}

impl Walk for Merge {
    fn next(&mut self, me: &mut Evaluator) -> Result<Option<Element>> {
        if !self.started {
            self.started = true;
            for (walk, head) in &mut self.walks {
                *head = walk.next(me)?;
            }
        }
        loop {
            if let Some(element) = self.ready.pop_front() {
                return Ok(Some(element));
            }
            let is_over = match self.rule {
                Rule::Intersection => self.walks.iter().any(|(_, head)| head.is_none()),
                Rule::Difference => self.walks.first().is_none_or(|(_, head)| head.is_none()),
                Rule::Union | Rule::Join => false,
            };
            let key = self.next_key().filter(|_| !is_over);
            let Some(key) = key else {
                return Ok(None);
            };
            let groups = self.take(me, &key)?;
            self.ready.extend(self.select(groups));
        }
    }
}
