//! A user-defined function.

use super::role::RoleRef;
use super::text::{LambdaText, TypeText};
use crate::store::TxnTime;
use crate::value::{DocId, Object, StoredQuery, Str};
use std::sync::Arc;

/// A user-defined function.
#[derive(Debug)]
pub struct Function {
    /// The id of its definition document.
    pub id: DocId,
    /// Its name.
    pub name: Str,
    /// The other name it is reached by.
    pub alias: Option<Str>,
    /// Commit time of the definition.
    pub ts: TxnTime,
    /// A lambda; its source is named `*udf:NAME*`. Of a function of FQL v4 it is no text that could be read.
    pub body: LambdaText,
    /// The body of a function of FQL v4.
    pub query: Option<Arc<StoredQuery>>,
    /// Its type, if declared.
    pub signature: Option<TypeText>,
    /// The role the body runs as, in place of the caller's, if it is given by one name.
    pub role: Option<Str>,
    /// The roles the body runs as, if FQL v4 gave references or several.
    pub roles: Vec<RoleRef>,
    /// The definition document, internal fields included.
    pub definition: Arc<Object>,
}

impl Function {
    /// The signature that checking inferred, if none was declared.
    pub fn inferred(&self) -> Option<Str> {
        super::load::text(&self.definition, "internal_sig")
    }
}
